// SPDX-License-Identifier: GPL-2.0
/*
 * The sweep: once a second it expires what is due, and now and then it grows a
 * table or frees one that has long been empty. Plain delayed work, since
 * deferrable work would let the records of an idle machine stay.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "alert.h"
#include "sweep.h"

#define PERIOD HZ
#define EMPTY_PERIOD (60 * HZ)	/* an array is kept that long for records to come */
#define ORDER_MAX 26
#define CALM 10			/* sweeps after which a full table is one no longer */
#define GROWTH 1		/* log2 of how many buckets one becomes */

static struct workqueue_struct *workqueue;

/**
 * tcpstate_sweep_init() - prepare what all sweeps share
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_sweep_init(void)
{
	workqueue = alloc_workqueue("tcpstate", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

/**
 * tcpstate_sweep_exit() - undo tcpstate_sweep_init()
 *
 * Context: module exit, after every table was released.
 */
void tcpstate_sweep_exit(void)
{
	destroy_workqueue(workqueue);
}

/* Is the table so full that its buckets overflow? */
static bool wants_growth(const struct tcpstate_table *table,
			 const struct tcpstate_buckets *buckets)
{
	return buckets->order < ORDER_MAX &&
	       atomic_read(&table->count) > TCPSTATE_LOAD << buckets->order;
}

/* Expire what is due in a bucket. */
static void sweep_bucket(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket, u32 now)
{
	struct tcpstate_record *record, *next;
	unsigned int way;

	lockdep_assert_held(&bucket->lock);
	/* As far off as deadlines go: the records bring it nearer. */
	bucket->due = now + S32_MAX;
	for (record = tcpstate_bucket_first(bucket, &way); record; record = next) {
		next = tcpstate_bucket_next(bucket, record, &way);
		if (tcpstate_due(tcpstate_record_deadline(record, tables->timeout), now)) {
			tcpstate_table_unreplied(table, tcpstate_table_budgets(table, record),
						 false);
			if (tcpstate_record_expire(tables->log, record, now)) {
				tcpstate_table_discard(tables, table, bucket, record,
						       TCPSTATE_REASON_NONE);
				continue;
			}
		}
		tcpstate_bucket_due(bucket, tcpstate_record_deadline(record, tables->timeout));
	}
}

/* Visit the buckets that have something due, or all; of the others nothing else is read. */
static void sweep_table(struct tcpstate_tables *tables, struct tcpstate_table *table,
			struct tcpstate_buckets *buckets, bool all)
{
	size_t i, size = 1UL << buckets->order;
	struct tcpstate_bucket *bucket;
	u32 now = tcpstate_now();

	for (i = 0; i < size; i++) {
		bucket = &buckets->bucket[i];
		if (!tcpstate_bucket_empty(bucket) &&
		    (all || tcpstate_due(READ_ONCE(bucket->due), now))) {
			spin_lock_bh(&bucket->lock);
			sweep_bucket(tables, table, bucket, now);
			spin_unlock_bh(&bucket->lock);
		}
		if (i % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1) {
			cond_resched();
			now = tcpstate_now();
		}
	}
}

/* Move a bucket's records to the larger array, which is in force for them from then on. */
static void move_bucket(struct tcpstate_bucket *bucket, struct tcpstate_buckets *larger)
{
	struct tcpstate_record *record, *next;
	struct tcpstate_bucket *target;
	unsigned int way;
	u32 hash;

	spin_lock_bh(&bucket->lock);
	for (record = tcpstate_bucket_first(bucket, &way); record; record = next) {
		next = tcpstate_bucket_next(bucket, record, &way);
		hash = tcpstate_record_hash(record);
		target = tcpstate_bucket_of(larger, hash);
		spin_lock_nested(&target->lock, SINGLE_DEPTH_NESTING);
		tcpstate_bucket_link(target, record, hash, bucket->due);
		spin_unlock(&target->lock);
	}
	WRITE_ONCE(bucket->moved, true);
	spin_unlock_bh(&bucket->lock);
}

/* Return the array that is in force afterwards: without memory the old one. */
static struct tcpstate_buckets *grow(struct tcpstate_table *table,
				     struct tcpstate_buckets *buckets)
{
	unsigned int order = min_t(unsigned int, buckets->order + GROWTH, ORDER_MAX);
	struct tcpstate_buckets *larger;
	size_t i;

	larger = tcpstate_buckets_alloc(table->kind, order, GFP_KERNEL | __GFP_NOWARN);
	if (!larger)
		return buckets;
	rcu_assign_pointer(buckets->next, larger);
	for (i = 0; i < 1UL << buckets->order; i++) {
		move_bucket(&buckets->bucket[i], larger);
		if (i % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1)
			cond_resched();
	}
	rcu_assign_pointer(table->buckets, larger);
	synchronize_rcu();
	tcpstate_buckets_free(buckets);
	return larger;
}

/* Withdraw the array and free it, with what was filed in the last moment. */
static void release(struct tcpstate_tables *tables, struct tcpstate_table *table,
		    struct tcpstate_buckets *buckets, enum tcpstate_reason reason)
{
	struct tcpstate_record *record, *next;
	struct tcpstate_bucket *bucket;
	unsigned int way;
	size_t i;

	RCU_INIT_POINTER(table->buckets, NULL);
	synchronize_rcu();
	for (i = 0; i < 1UL << buckets->order; i++) {
		if (i % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1)
			cond_resched();
		bucket = &buckets->bucket[i];
		if (tcpstate_bucket_empty(bucket))
			continue;
		spin_lock_bh(&bucket->lock);
		for (record = tcpstate_bucket_first(bucket, &way); record; record = next) {
			next = tcpstate_bucket_next(bucket, record, &way);
			tcpstate_table_discard(tables, table, bucket, record, reason);
		}
		spin_unlock_bh(&bucket->lock);
	}
	tcpstate_buckets_free(buckets);
}

/* Tell when a table becomes full, and when it has not been so for long. */
static void tell_pressure(struct tcpstate_tables *tables, struct tcpstate_table *table)
{
	bool crowded = xchg(&table->crowded, false), pressed = table->pressed;

	if (crowded)
		table->pressed = CALM;
	else if (pressed)
		table->pressed--;
	if (pressed != !!table->pressed)
		tcpstate_alert_table(tables->log, !pressed,
				     table->kind == TCPSTATE_FLOW ? TCPSTATE_A_COUNTER_FLOWS :
				     TCPSTATE_A_COUNTER_HALFOPEN,
				     atomic_read(&table->count), table->max);
}

/* Return whether the table still has an array. */
static bool sweep_one(struct tcpstate_tables *tables, struct tcpstate_table *table, bool all)
{
	/* Only this work replaces an array, and release() waits for it to end. */
	struct tcpstate_buckets *buckets = rcu_dereference_protected(table->buckets, true);

	if (!buckets)
		return false;
	while (wants_growth(table, buckets)) {
		struct tcpstate_buckets *larger = grow(table, buckets);

		if (larger == buckets)
			break;
		buckets = larger;
	}
	sweep_table(tables, table, buckets, all);
	tell_pressure(tables, table);
	if (table->kind == TCPSTATE_FLOW)
		tcpstate_leak_visit(&tables->leak, tables->log, buckets);

	if (atomic_read(&table->count)) {
		table->empty_since = 0;
	} else if (!table->empty_since) {
		table->empty_since = jiffies | 1;
	} else if (time_after(jiffies, table->empty_since + EMPTY_PERIOD)) {
		table->empty_since = 0;
		release(tables, table, buckets, TCPSTATE_REASON_EVICTED);
		return false;
	}
	return true;
}

static void sweep(struct work_struct *work)
{
	struct tcpstate_tables *tables = container_of(to_tcpstate_work(work),
						      struct tcpstate_tables, sweep);
	bool all = xchg(&tables->rescan, false), again = false;
	unsigned int kind;

	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++)
		again |= sweep_one(tables, &tables->table[kind], all);
	if (again)
		tcpstate_sweep_start(tables);
}

/**
 * tcpstate_sweep_prepare() - make the tables' sweep ready to start
 * @tables: the tables
 */
void tcpstate_sweep_prepare(struct tcpstate_tables *tables)
{
	tcpstate_work_init(&tables->sweep, sweep);
}

/**
 * tcpstate_sweep_allow() - from now on segments may start the sweep
 * @tables: the tables, empty
 *
 * Context: process.
 */
void tcpstate_sweep_allow(struct tcpstate_tables *tables)
{
	tcpstate_work_start(&tables->sweep);
}

/**
 * tcpstate_sweep_start() - sweep in a second, unless it is to be done already
 * @tables: the tables, one of which has an array now
 *
 * Context: any.
 */
void tcpstate_sweep_start(struct tcpstate_tables *tables)
{
	tcpstate_work_queue(&tables->sweep, workqueue, PERIOD);
}

/**
 * tcpstate_sweep_now() - sweep at once: a table should grow
 * @tables: the tables
 *
 * Context: any.
 */
void tcpstate_sweep_now(struct tcpstate_tables *tables)
{
	tcpstate_work_move(&tables->sweep, workqueue, 0);
}

/**
 * tcpstate_sweep_release() - end every record and free all memory
 * @tables: the tables; no segment arrives any more and a grace period has
 *	passed since the last. They may be used again after tcpstate_sweep_allow().
 * @reason: for which the records end
 *
 * Context: process.
 */
void tcpstate_sweep_release(struct tcpstate_tables *tables, enum tcpstate_reason reason)
{
	struct tcpstate_buckets *buckets;
	unsigned int kind;

	tcpstate_work_stop(&tables->sweep);
	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		buckets = rcu_dereference_protected(tables->table[kind].buckets, true);
		if (buckets)
			release(tables, &tables->table[kind], buckets, reason);
	}
	tables->leak = (struct tcpstate_leak){};
}

/**
 * tcpstate_sweep_rescan() - timeouts have changed
 * @tables: the tables
 *
 * The next sweep asks every record for its deadline.
 * Context: process.
 */
void tcpstate_sweep_rescan(struct tcpstate_tables *tables)
{
	WRITE_ONCE(tables->rescan, true);
}
