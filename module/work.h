/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Delayed work that stays stopped. Kernels before 6.10 can cancel work but not disable
 * it: whoever queues it again, a moment later, undoes the cancelling. Here a flag under a
 * lock refuses that, on every kernel alike.
 */
#ifndef _TCPSTATE_WORK_H
#define _TCPSTATE_WORK_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

/**
 * struct tcpstate_work - delayed work that is started and stopped
 * @delayed: the work
 * @lock: protects @started, and is held while @delayed is queued
 * @started: it may be queued
 */
struct tcpstate_work {
	struct delayed_work delayed;
	spinlock_t lock;	/* protects @started */
	bool started;
};

static inline struct tcpstate_work *to_tcpstate_work(struct work_struct *work)
{
	return container_of(to_delayed_work(work), struct tcpstate_work, delayed);
}

/* Prepares @work, stopped. */
static inline void tcpstate_work_init(struct tcpstate_work *work, work_func_t function)
{
	INIT_DELAYED_WORK(&work->delayed, function);
	spin_lock_init(&work->lock);
	work->started = false;
}

/* From now on @work can be queued. Context: process. */
static inline void tcpstate_work_start(struct tcpstate_work *work)
{
	spin_lock_bh(&work->lock);
	work->started = true;
	spin_unlock_bh(&work->lock);
}

/* Runs @work after @delay jiffies, unless it is queued already. Context: any. */
static inline void tcpstate_work_queue(struct tcpstate_work *work,
				       struct workqueue_struct *workqueue, unsigned long delay)
{
	spin_lock_bh(&work->lock);
	if (work->started)
		queue_delayed_work(workqueue, &work->delayed, delay);
	spin_unlock_bh(&work->lock);
}

/* Runs @work after @delay jiffies, whenever it was queued for before. Context: any. */
static inline void tcpstate_work_move(struct tcpstate_work *work,
				      struct workqueue_struct *workqueue, unsigned long delay)
{
	spin_lock_bh(&work->lock);
	if (work->started)
		mod_delayed_work(workqueue, &work->delayed, delay);
	spin_unlock_bh(&work->lock);
}

/*
 * Waits until @work does not run. It will not run again before tcpstate_work_start(),
 * not even if it queues itself. Context: process.
 */
static inline void tcpstate_work_stop(struct tcpstate_work *work)
{
	spin_lock_bh(&work->lock);
	work->started = false;
	spin_unlock_bh(&work->lock);
	cancel_delayed_work_sync(&work->delayed);
}

#endif /* _TCPSTATE_WORK_H */
