// SPDX-License-Identifier: GPL-2.0
/* The judge: a tick for all accounts at once, and the end of idle ones. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "alert.h"
#include "cohort.h"
#include "judge.h"
#include "record.h"

#define TICK		msecs_to_jiffies(TCPSTATE_TICK_MS)
#define NAP		(10 * HZ)	/* between looks at what has long been idle */
#define EXPIRE_MS	(600 * MSEC_PER_SEC)
#define YOUNG_TICKS	12		/* half-opens of the last three seconds are not stale */

#define CALM_TICKS	40		/* after which there is no want of slots any more */
#define IDLE_NAPS	6		/* without a slot, and then the memory is freed */
#define SHARE_SHIFT	23		/* detectors of others than the first: one for 8 MiB */

static struct workqueue_struct *workqueue;

/* Detectors of all namespaces but the first. */
static atomic_t shared_count;

/*
 * Half-opens that were answered more than three seconds ago: all but those of
 * the last ticks which the sample says are still open.
 */
static u32 count_stale(const struct tcpstate_account *account, u32 tick, u32 answered)
{
	u32 young = 0, age;

	for (age = 0; age < YOUNG_TICKS; age++)
		young += tcpstate_cohort_of(account, tick - age).hung;
	return answered > young ? answered - young : 0;
}

/* One account's tick; caller holds no lock. Return whether it is worth another. */
static bool judge_docket(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector,
			 struct tcpstate_docket *docket, bool answers,
			 const struct tcpstate_tally *tally, const struct tcpstate_host *host)
{
	struct tcpstate_reading reading = {
		.syn = tally->news[TCPSTATE_NEWS_ASKED],
		.strain = tally->news[TCPSTATE_NEWS_STRAIN],
		.syn_recv = max(tally->half[TCPSTATE_HALF_ANSWERED], 0),
	};
	struct tcpstate_listener_view *view = &detector->view;
	enum tcpstate_turn turn;
	unsigned int before;
	bool idle;

	reading.lingering = count_stale(&docket->account, detector->sample.tick,
					reading.syn_recv);
	spin_lock_bh(&listeners->lock);
	before = docket->account.finding.verdict;
	turn = tcpstate_verdict_judge(&docket->account, answers ? &docket->sources : NULL,
				      &reading, &listeners->thresholds, detector->sample.tick,
				      detector->sample.quota, tcpstate_now64());
	idle = tcpstate_verdict_idle(&docket->account);
	if (turn)
		tcpstate_docket_read(docket, view);
	spin_unlock_bh(&listeners->lock);
	if (turn) {
		view->host = *host;
		view->tally = *tally;
		view->targets = 0;
		tcpstate_alert(listeners->log, turn, before, view);
	}
	return !idle;
}

/* Return whether anything goes on at a listener. */
static bool judge_listener(struct tcpstate_listeners *listeners,
			   struct tcpstate_detector *detector, struct tcpstate_listener *listener)
{
	bool stirred = xchg(&listener->stirred, false);
	struct tcpstate_tally tally;

	if (stirred)
		listener->active = tcpstate_now64();
	if (!detector || (!stirred && tcpstate_verdict_idle(&listener->docket.account)))
		return false;
	tcpstate_listener_sum(listener, &tally);
	return judge_docket(listeners, detector, &listener->docket, true, &tally,
			    &listener->host);
}

static bool holds_halfopens(const struct tcpstate_listener *listener)
{
	struct tcpstate_tally tally;

	tcpstate_listener_sum(listener, &tally);
	return tally.half[TCPSTATE_HALF_ASKED] || tally.half[TCPSTATE_HALF_ANSWERED];
}

static bool may_go(const struct tcpstate_listener *listener)
{
	return !READ_ONCE(listener->stirred) &&
	       tcpstate_verdict_idle(&listener->docket.account) && !holds_halfopens(listener);
}

static bool may_be_forgotten(const struct tcpstate_listener *listener)
{
	return !tcpstate_verdict_trouble(listener->docket.account.finding.verdict) &&
	       !holds_halfopens(listener);
}

/*
 * Slots that are @leaving go in phases. Segments do not find them any more; a grace
 * period later all that segments counted before is there to see; then each that still
 * may go is removed, and the others stay.
 */
static void remove_leaving(struct tcpstate_listeners *listeners, bool forget)
{
	struct tcpstate_listener *listener;
	unsigned long slot;

	synchronize_rcu();
	xa_for_each(&listeners->slots, slot, listener) {
		if (!listener->leaving)
			continue;
		if (forget ? may_be_forgotten(listener) : may_go(listener))
			tcpstate_slot_remove(listeners, listener);
		else
			WRITE_ONCE(listener->leaving, false);
		cond_resched();
	}
}

/* Guests are forgotten with their records, but for those under a verdict. */
static void clear_lobby(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector)
{
	struct tcpstate_hitter *hitter;

	spin_lock_bh(&listeners->lock);
	for (hitter = detector->lobby; hitter < detector->lobby + TCPSTATE_LOBBY; hitter++)
		if (!hitter->pinned)
			memset(hitter, 0, sizeof(*hitter));
	spin_unlock_bh(&listeners->lock);
}

/* Where one more was wanted than there is room for, the one idle longest makes room. */
static bool judge_listeners(struct tcpstate_listeners *listeners,
			    struct tcpstate_detector *detector, bool crowded, bool forget)
{
	struct tcpstate_listener *listener, *oldest = NULL;
	bool busy = false, leaving = false;
	u64 now = tcpstate_now64();
	unsigned long slot;

	xa_for_each(&listeners->slots, slot, listener) {
		busy |= judge_listener(listeners, detector, listener);
		if ((forget && may_be_forgotten(listener)) ||
		    (now > listener->active + EXPIRE_MS && may_go(listener))) {
			WRITE_ONCE(listener->leaving, true);
			leaving = true;
		} else if (crowded && (!oldest || listener->active < oldest->active) &&
			   may_go(listener)) {
			oldest = listener;
		}
		cond_resched();
	}
	/* Unless there is room by now, or will be. */
	if (oldest && !leaving && tcpstate_slots_full(listeners)) {
		WRITE_ONCE(oldest->leaving, true);
		leaving = true;
	}
	if (leaving) {
		remove_leaving(listeners, forget);
		/* A host that found no room meanwhile asks again, and another need not go. */
		WRITE_ONCE(listeners->crowded, false);
	}
	if (forget && detector)
		clear_lobby(listeners, detector);
	return busy;
}

/* Tell when there is no slot for somebody, and when there has been for long. */
static void tell_pressure(struct tcpstate_listeners *listeners, bool crowded)
{
	bool pressed = listeners->pressed;

	if (crowded)
		listeners->pressed = CALM_TICKS;
	else if (pressed)
		listeners->pressed--;
	if (pressed != !!listeners->pressed)
		tcpstate_alert_table(listeners->log, !pressed, TCPSTATE_A_COUNTER_LISTENERS,
				     atomic_read(&listeners->count), listeners->max);
}

/* One under a verdict keeps its place. */
static void keep_place(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector,
		       unsigned int i)
{
	const struct tcpstate_account *account = &detector->guest[i].docket.account;
	struct tcpstate_hitter *hitter = &detector->lobby[i];

	spin_lock_bh(&listeners->lock);
	if (hitter->host.family)
		hitter->pinned = tcpstate_verdict_trouble(account->finding.verdict);
	spin_unlock_bh(&listeners->lock);
}

static bool judge_lobby(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector)
{
	struct tcpstate_tally tally;
	struct tcpstate_host host;
	bool busy = false;
	unsigned int i;

	for (i = 0; i < TCPSTATE_LOBBY; i++) {
		spin_lock_bh(&listeners->lock);
		host = detector->lobby[i].host;
		tally = detector->guest[i].tally;
		spin_unlock_bh(&listeners->lock);
		if (!host.family)
			continue;
		busy |= judge_docket(listeners, detector, &detector->guest[i].docket, false,
				     &tally, &host);
		keep_place(listeners, detector, i);
	}
	return busy;
}

static bool judge_suspects(struct tcpstate_listeners *listeners,
			   struct tcpstate_detector *detector, struct tcpstate_suspects *suspects)
{
	struct tcpstate_listener_view *view = &detector->view;
	u64 now = tcpstate_now64();
	enum tcpstate_turn turn;
	bool busy = false;
	unsigned int i;

	for (i = 0; i < TCPSTATE_SUSPECTS; i++) {
		spin_lock_bh(&listeners->lock);
		turn = tcpstate_suspects_judge(suspects, i, &listeners->thresholds, now);
		busy |= suspects->about[i].guilty;
		if (turn)
			tcpstate_suspect_read(suspects, i, view);
		spin_unlock_bh(&listeners->lock);
		if (turn)
			tcpstate_alert(listeners->log, turn,
				       turn == TCPSTATE_TURN_BEGAN ? TCPSTATE_VERDICT_OK :
				       suspects->verdict, view);
	}
	spin_lock_bh(&listeners->lock);
	tcpstate_suspects_turn(suspects);
	spin_unlock_bh(&listeners->lock);
	return busy;
}

/* The end of a tick for all but the listeners. */
static bool judge_others(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector)
{
	bool busy = judge_lobby(listeners, detector);

	busy |= judge_suspects(listeners, detector, &detector->scanners);
	busy |= judge_suspects(listeners, detector, &detector->victims);
	tcpstate_sample_turn(&detector->sample);
	return busy;
}

/* Made when something first goes on: sketches do without what was before. */
static struct tcpstate_detector *make_detector(struct tcpstate_listeners *listeners)
{
	struct tcpstate_detector *detector;
	int cpu;

	if (listeners->shared &&
	    atomic_inc_return(&shared_count) > totalram_pages() >> (SHARE_SHIFT - PAGE_SHIFT)) {
		atomic_dec(&shared_count);
		return NULL;
	}
	detector = tcpstate_memory_alloc(&listeners->log->memory, TCPSTATE_A_MEMORY_DETECTOR,
					 sizeof(*detector), GFP_KERNEL);
	if (!detector)
		goto nomem;
	detector->pending = tcpstate_memory_alloc_percpu(&listeners->log->memory,
							 TCPSTATE_A_MEMORY_DETECTOR,
							 sizeof(struct tcpstate_pending),
							 GFP_KERNEL);
	if (!detector->pending)
		goto free;
	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(detector->pending, cpu)->lock);
	tcpstate_sample_init(&detector->sample);
	detector->scanners.verdict = TCPSTATE_VERDICT_SCAN;
	detector->victims.verdict = TCPSTATE_VERDICT_REFLECTION_VICTIM;
	tcpstate_lobby_open(listeners, detector);
	return detector;

free:
	tcpstate_memory_free(&listeners->log->memory, TCPSTATE_A_MEMORY_DETECTOR, detector,
			     sizeof(*detector));
nomem:
	if (listeners->shared)
		atomic_dec(&shared_count);
	tcpstate_count_bh(listeners->log->stats, NOMEM);
	return NULL;
}

static void free_rcu_detector(struct rcu_head *rcu)
{
	struct tcpstate_detector *detector = container_of(rcu, struct tcpstate_detector, rcu);

	free_percpu(detector->pending);
	kvfree(detector);
}

/* Nothing is told any more, or not for long. It is counted no longer, and freed by RCU. */
static void free_detector(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector)
{
	RCU_INIT_POINTER(listeners->detector, NULL);
	tcpstate_memory_uncharge(&listeners->log->memory, TCPSTATE_A_MEMORY_DETECTOR,
				 tcpstate_detector_size());
	if (listeners->shared)
		atomic_dec(&shared_count);
	call_rcu(&detector->rcu, free_rcu_detector);
}

static void judge(struct work_struct *work)
{
	struct tcpstate_listeners *listeners = container_of(to_tcpstate_work(work),
							    struct tcpstate_listeners, judge);
	/* This work alone replaces it, and tcpstate_judge_stop() after the work was stopped. */
	struct tcpstate_detector *detector = rcu_dereference_protected(listeners->detector, true);
	bool awake = READ_ONCE(listeners->awake), crowded, forget, busy;

	/* Pairs with smp_mb() in tcpstate_judge_wake(). */
	smp_store_mb(listeners->awake, false);
	forget = xchg(&listeners->forget, false);
	if (!detector && !awake && !atomic_read(&listeners->count))
		return;
	if (!detector)
		detector = make_detector(listeners);
	WRITE_ONCE(listeners->denied, !detector);
	if (detector)
		tcpstate_lobby_drain(listeners, detector);
	crowded = xchg(&listeners->crowded, false);
	busy = judge_listeners(listeners, detector, crowded, forget);
	tell_pressure(listeners, crowded);
	busy |= listeners->pressed;
	if (detector)
		busy |= judge_others(listeners, detector);

	if (busy) {
		WRITE_ONCE(listeners->awake, true);
		tcpstate_work_queue(&listeners->judge, workqueue, TICK);
		listeners->idle = 0;
	} else if (atomic_read(&listeners->count) || ++listeners->idle < IDLE_NAPS) {
		tcpstate_work_queue(&listeners->judge, workqueue, NAP);
	} else {
		listeners->idle = 0;
		if (detector)
			free_detector(listeners, detector);
	}
}

/**
 * __tcpstate_judge_wake() - a tick is to follow
 * @listeners: the namespace's
 *
 * Where a detector was denied, memory is asked for again after a nap and not by each event.
 *
 * Context: any.
 */
void __tcpstate_judge_wake(struct tcpstate_listeners *listeners)
{
	unsigned long delay = rcu_access_pointer(listeners->detector) ? TICK : 0;

	WRITE_ONCE(listeners->awake, true);
	tcpstate_work_move(&listeners->judge, workqueue,
			   READ_ONCE(listeners->denied) ? NAP : delay);
}

/**
 * tcpstate_judge_now() - have every listener looked at, and wait for that
 * @listeners: the namespace's, not being stopped
 *
 * Context: process.
 */
void tcpstate_judge_now(struct tcpstate_listeners *listeners)
{
	tcpstate_work_move(&listeners->judge, workqueue, 0);
	flush_delayed_work(&listeners->judge.delayed);
}

/**
 * tcpstate_judge_init() - nothing goes on yet
 * @listeners: the namespace's
 */
void tcpstate_judge_init(struct tcpstate_listeners *listeners)
{
	tcpstate_work_init(&listeners->judge, judge);
}

/**
 * tcpstate_judge_start() - from now on segments may wake the judge
 * @listeners: the namespace's, without any slot
 *
 * Context: process.
 */
void tcpstate_judge_start(struct tcpstate_listeners *listeners)
{
	tcpstate_work_start(&listeners->judge);
}

/**
 * tcpstate_judge_stop() - no verdicts any more
 * @listeners: the namespace's; no segment is told of any more
 *
 * Nothing wakes the judge before tcpstate_judge_start().
 *
 * Context: process.
 */
void tcpstate_judge_stop(struct tcpstate_listeners *listeners)
{
	struct tcpstate_detector *detector;

	tcpstate_work_stop(&listeners->judge);
	detector = rcu_dereference_protected(listeners->detector, true);
	if (detector)
		free_detector(listeners, detector);
	listeners->calls = 0;
	listeners->awake = false;
	listeners->denied = false;
	listeners->forget = false;
}

/**
 * tcpstate_judges_init() - prepare what all judges share
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_judges_init(void)
{
	workqueue = alloc_workqueue("tcpstate_judge", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

/**
 * tcpstate_judges_exit() - undo tcpstate_judges_init()
 *
 * Context: module exit, after every namespace's listeners were released.
 */
void tcpstate_judges_exit(void)
{
	/* Slots, detectors and arrays of buckets are freed by callbacks of ours. */
	rcu_barrier();
	destroy_workqueue(workqueue);
}
