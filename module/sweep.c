// SPDX-License-Identifier: GPL-2.0
/*
 * The sweep: once a second it expires what is due, and now and then it resizes a
 * table or frees one that has long been empty. Plain delayed work, since
 * deferrable work would let the records of an idle machine stay.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "alert.h"
#include "sweep.h"

#define PERIOD HZ
#define LOW_PERIOD (60 * HZ)	/* a large array is kept that long for records to come */
#define CALM 10			/* sweeps after which a full table is one no longer */

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
	return buckets->order < TCPSTATE_ORDER_MAX &&
	       min_t(unsigned int, atomic_read(&table->count), table->max) >
	       TCPSTATE_LOAD << buckets->order;
}

/* Log2 of the buckets that so many records load with half of TCPSTATE_LOAD at most. */
static unsigned int order_for(unsigned int count)
{
	return max_t(unsigned int, fls(count / (TCPSTATE_LOAD / 2)), TCPSTATE_ORDER_MIN);
}

/* Would a quarter of the array do? Far enough from growth for the size not to flap. */
static bool is_low(const struct tcpstate_buckets *buckets, unsigned int count)
{
	return !count || order_for(count) + 2 <= buckets->order;
}

/* Expire what is due in a bucket. Return whether what stays can be evicted. */
static bool sweep_bucket(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket)
{
	u32 now = tcpstate_now();	/* under the lock: no stamp is younger */
	struct tcpstate_record *record, *next;
	bool evictable = false;
	unsigned int way;

	lockdep_assert_held(&bucket->lock);
	/* As far off as deadlines go: the records bring it nearer. */
	bucket->due = now + S32_MAX;
	for (record = tcpstate_bucket_first(bucket, &way); record; record = next) {
		next = tcpstate_bucket_next(bucket, record, &way);
		tcpstate_record_long(record, now);
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
		evictable |= tcpstate_table_evictable(table, record);
	}
	return evictable;
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
			assign_bit(i, buckets->evictable,
				   sweep_bucket(tables, table, bucket));
			spin_unlock_bh(&bucket->lock);
		}
		if (i % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1) {
			cond_resched();
			now = tcpstate_now();
		}
	}
}

/* Move a bucket's records to another array, which is in force for them from then on. */
static void move_bucket(const struct tcpstate_tables *tables, const struct tcpstate_table *table,
			struct tcpstate_bucket *bucket, struct tcpstate_buckets *to)
{
	struct tcpstate_record *record, *next;
	struct tcpstate_bucket *target;
	unsigned int way;
	u32 hash;

	spin_lock_bh(&bucket->lock);
	for (record = tcpstate_bucket_first(bucket, &way); record; record = next) {
		next = tcpstate_bucket_next(bucket, record, &way);
		hash = tcpstate_record_hash(&tables->log->key, record);
		target = tcpstate_bucket_of(to, hash);
		/* Whoever has a bucket of @to locked waits for none of the old array. */
		spin_lock_nested(&target->lock, SINGLE_DEPTH_NESTING);
		tcpstate_bucket_link(target, record, hash, bucket->due);
		if (tcpstate_table_evictable(table, record))
			set_bit(tcpstate_bucket_index(to, hash), to->evictable);
		spin_unlock(&target->lock);
	}
	WRITE_ONCE(bucket->moved, true);
	spin_unlock_bh(&bucket->lock);
}

/*
 * Put an array of another size into force. Return the array that is in force then: without
 * memory the old one. The old one must stay for a grace period, as those before it.
 */
static struct tcpstate_buckets *resize(const struct tcpstate_tables *tables,
				       struct tcpstate_table *table,
				       struct tcpstate_buckets *from, unsigned int order)
{
	struct tcpstate_buckets *to;
	size_t i;

	to = tcpstate_buckets_alloc(table->memory, table->kind, order, GFP_KERNEL);
	if (!to) {
		tcpstate_count_bh(tables->log->stats, NOMEM);
		return from;
	}
	rcu_assign_pointer(from->next, to);
	for (i = 0; i < 1UL << from->order; i++) {
		move_bucket(tables, table, &from->bucket[i], to);
		if (i % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1)
			cond_resched();
	}
	rcu_assign_pointer(table->buckets, to);
	return to;
}

/* Free the arrays from @old to the one before @last, which replaced them one by one. */
static void free_replaced(const struct tcpstate_table *table, struct tcpstate_buckets *old,
			  const struct tcpstate_buckets *last)
{
	struct tcpstate_buckets *next;

	if (old == last)
		return;
	synchronize_rcu();
	for (; old != last; old = next) {
		/* Only the sweep writes it, and no reader is left. */
		next = rcu_dereference_protected(old->next, true);
		tcpstate_buckets_free(table->memory, old);
	}
}

/* Double the array until it has room. A flood does not wait, so one grace period is for all. */
static struct tcpstate_buckets *grow(const struct tcpstate_tables *tables,
				     struct tcpstate_table *table,
				     struct tcpstate_buckets *buckets)
{
	struct tcpstate_buckets *old = buckets, *larger;

	WRITE_ONCE(table->denied, false);
	while (wants_growth(table, buckets)) {
		larger = resize(tables, table, buckets, buckets->order + 1);
		if (larger == buckets) {
			WRITE_ONCE(table->denied, true);
			break;
		}
		buckets = larger;
	}
	free_replaced(table, old, buckets);
	return buckets;
}

/* End every record in an array that is withdrawn: no segment files one there. */
static void clear(struct tcpstate_tables *tables, struct tcpstate_table *table,
		  struct tcpstate_buckets *buckets, enum tcpstate_reason reason)
{
	struct tcpstate_record *record, *next;
	struct tcpstate_bucket *bucket;
	unsigned int way;
	size_t i;

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
}

/* Free the array of an empty table, with what was filed in the last moment. */
static void free_empty(struct tcpstate_tables *tables, struct tcpstate_table *table,
		       struct tcpstate_buckets *buckets)
{
	RCU_INIT_POINTER(table->buckets, NULL);
	synchronize_rcu();
	clear(tables, table, buckets, TCPSTATE_REASON_EVICTED);
	tcpstate_buckets_free(table->memory, buckets);
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
	unsigned int count;

	if (!buckets)
		return false;
	buckets = grow(tables, table, buckets);
	sweep_table(tables, table, buckets, all);
	tell_pressure(tables, table);
	if (table->kind == TCPSTATE_FLOW)
		tcpstate_leak_visit(&tables->leak, tables->log, buckets);

	count = atomic_read(&table->count);
	if (!is_low(buckets, count)) {
		table->low_since = 0;
	} else if (!table->low_since) {
		table->low_since = jiffies | 1;
	} else if (time_after(jiffies, table->low_since + LOW_PERIOD)) {
		table->low_since = 0;
		if (!count) {
			free_empty(tables, table, buckets);
			return false;
		}
		free_replaced(table, buckets,
			      resize(tables, table, buckets, order_for(count)));
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
 * Waits for no grace period: namespaces may go by the hundred. Readers may still use an
 * array, so a callback frees it.
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
		if (!buckets)
			continue;
		RCU_INIT_POINTER(tables->table[kind].buckets, NULL);
		clear(tables, &tables->table[kind], buckets, reason);
		tcpstate_buckets_free_later(tables->table[kind].memory, buckets);
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
