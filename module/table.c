// SPDX-License-Identifier: GPL-2.0
/* Buckets of records, and the sweep that expires, grows and frees them. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "table.h"

#define ORDER_MIN 7		/* the first array must do with GFP_ATOMIC */
#define ORDER_MAX 26
#define GROWTH 2		/* log2 of how many buckets one becomes */
#define STRETCH 256		/* buckets between two chances to reschedule */
#define SWEEP_PERIOD HZ
#define EMPTY_PERIOD (60 * HZ)	/* an array is kept that long for records to come */
#define SHARED 4			/* full tables that all other namespaces may fill */
#define EVICT_SCAN 64		/* buckets that may be looked at for a victim */
#define EVICT_CANDIDATES 8	/* records among which one is chosen */

static struct workqueue_struct *workqueue;
static struct lock_class_key lock_keys[TCPSTATE_KIND_MAX];

/* What all namespaces but the first hold together. */
static atomic_t shared_count[TCPSTATE_KIND_MAX];

/**
 * tcpstate_table_init() - prepare what all tables share
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_table_init(void)
{
	workqueue = alloc_workqueue("tcpstate", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

/**
 * tcpstate_table_exit() - undo tcpstate_table_init()
 *
 * Context: module exit, after every table was released.
 */
void tcpstate_table_exit(void)
{
	destroy_workqueue(workqueue);
}

static struct tcpstate_buckets *buckets_alloc(enum tcpstate_kind kind, unsigned int order,
					      gfp_t gfp)
{
	struct tcpstate_buckets *buckets;
	size_t i;

	buckets = kvzalloc(struct_size(buckets, bucket, 1UL << order), gfp);
	if (!buckets)
		return NULL;
	buckets->order = order;
	for (i = 0; i < 1UL << order; i++) {
		spin_lock_init(&buckets->bucket[i].lock);
		lockdep_set_class(&buckets->bucket[i].lock, &lock_keys[kind]);
	}
	return buckets;
}

static struct tcpstate_bucket *bucket_of(struct tcpstate_buckets *buckets, u32 hash)
{
	return &buckets->bucket[hash >> (32 - buckets->order)];
}

/**
 * tcpstate_table_lock() - lock the bucket of a hash
 * @table: the table
 * @hash: tcpstate_tuple_hash()
 *
 * Context: RCU read side, BH disabled.
 * Return: the bucket, to be unlocked by tcpstate_bucket_unlock(), or NULL where the table
 * has no array and so no record.
 */
struct tcpstate_bucket *tcpstate_table_lock(struct tcpstate_table *table, u32 hash)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);
	struct tcpstate_bucket *bucket;

	while (buckets) {
		bucket = bucket_of(buckets, hash);
		tcpstate_bucket_lock(bucket);
		if (likely(bucket->first != TCPSTATE_MOVED))
			return bucket;
		tcpstate_bucket_unlock(bucket);
		buckets = rcu_dereference(buckets->next);
	}
	return NULL;
}

/**
 * tcpstate_table_lock_new() - lock a bucket in order to file a record
 * @tables: the tables
 * @table: one of them
 * @hash: tcpstate_tuple_hash()
 *
 * Context: RCU read side, BH disabled.
 * Return: as tcpstate_table_lock(), but NULL only where memory is short.
 */
struct tcpstate_bucket *tcpstate_table_lock_new(struct tcpstate_tables *tables,
						struct tcpstate_table *table, u32 hash)
{
	struct tcpstate_bucket *bucket = tcpstate_table_lock(table, hash);
	struct tcpstate_buckets *buckets;

	if (likely(bucket))
		return bucket;
	buckets = buckets_alloc(table->kind, ORDER_MIN, GFP_ATOMIC | __GFP_NOWARN);
	if (!buckets)
		return NULL;
	if (cmpxchg((struct tcpstate_buckets __force **)&table->buckets, NULL, buckets))
		kvfree(buckets);
	queue_delayed_work(workqueue, &tables->sweep, SWEEP_PERIOD);
	return tcpstate_table_lock(table, hash);
}

/**
 * tcpstate_bucket_find() - the record that a segment belongs to
 * @bucket: locked by the caller
 * @tuple: the segment's
 * @hash: of @tuple
 * @from: filled in with the segment's sender
 *
 * Return: the record or NULL.
 */
struct tcpstate_record *tcpstate_bucket_find(struct tcpstate_bucket *bucket,
					     const struct tcpstate_tuple *tuple, u32 hash,
					     enum tcpstate_end *from)
{
	struct tcpstate_record *record;

	lockdep_assert_held(&bucket->lock);
	for (record = bucket->first; record; record = record->next)
		if (tcpstate_record_matches(record, tuple, hash, from))
			return record;
	return NULL;
}

/**
 * tcpstate_bucket_due() - a record's timer runs out earlier than it did
 * @bucket: locked by the caller
 * @deadline: when
 */
void tcpstate_bucket_due(struct tcpstate_bucket *bucket, u32 deadline)
{
	lockdep_assert_held(&bucket->lock);
	if (tcpstate_due(deadline, bucket->due))
		bucket->due = deadline;
}

/**
 * tcpstate_bucket_link() - file a record
 * @bucket: of the record's hash, locked by the caller
 * @record: charged to the bucket's table
 * @deadline: when its timer runs out
 */
void tcpstate_bucket_link(struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			  u32 deadline)
{
	lockdep_assert_held(&bucket->lock);
	if (bucket->first)
		tcpstate_bucket_due(bucket, deadline);
	else
		bucket->due = deadline;
	record->next = bucket->first;
	WRITE_ONCE(bucket->first, record);
}

/**
 * tcpstate_bucket_unlink() - take a record out
 * @bucket: that it is in, locked by the caller
 * @record: afterwards the caller's own
 */
void tcpstate_bucket_unlink(struct tcpstate_bucket *bucket, struct tcpstate_record *record)
{
	struct tcpstate_record **link = &bucket->first;

	lockdep_assert_held(&bucket->lock);
	while (*link != record)
		link = &(*link)->next;
	WRITE_ONCE(*link, record->next);
}

/* Is the table so full that chains grow? */
static bool wants_growth(const struct tcpstate_table *table,
			 const struct tcpstate_buckets *buckets)
{
	return buckets->order < ORDER_MAX && atomic_read(&table->count) > 1 << buckets->order;
}

/**
 * tcpstate_table_charge() - account for a record that is about to be filed
 * @tables: the tables
 * @table: the one that it will be in
 *
 * Context: RCU read side.
 * Return: false where the table, or what all namespaces share, is full.
 */
bool tcpstate_table_charge(struct tcpstate_tables *tables, struct tcpstate_table *table)
{
	const struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);

	if ((u32)atomic_inc_return(&table->count) > table->max)
		goto full;
	if (table->shared && (u32)atomic_inc_return(table->shared) > SHARED * table->max) {
		atomic_dec(table->shared);
		goto full;
	}
	/* Once only, when the limit is crossed: the sweep looks again anyway. */
	if (buckets && unlikely(atomic_read(&table->count) == (1 << buckets->order) + 1))
		mod_delayed_work(workqueue, &tables->sweep, 0);
	return true;
full:
	atomic_dec(&table->count);
	return false;
}

/**
 * tcpstate_table_uncharge() - undo tcpstate_table_charge()
 * @table: the table that the record is no longer in
 *
 * Context: any.
 */
void tcpstate_table_uncharge(struct tcpstate_table *table)
{
	atomic_dec(&table->count);
	if (table->shared)
		atomic_dec(table->shared);
}

/**
 * tcpstate_table_unreplied() - keep the budget of one-sided records
 * @table: the table of the record
 * @was: the record was in the budget
 * @is: it is now
 *
 * Context: any.
 */
void tcpstate_table_unreplied(struct tcpstate_table *table, bool was, bool is)
{
	if (likely(was == is))
		return;
	if (is)
		atomic_inc(&table->unreplied);
	else
		atomic_dec(&table->unreplied);
}

/* Does the record count in its table's budget of one-sided ones? */
static bool is_unreplied(const struct tcpstate_table *table, const struct tcpstate_record *record)
{
	return table->kind == TCPSTATE_FLOW && !tcpstate_fsm_ended(&record->pair) &&
	       tcpstate_fsm_unreplied(&record->pair);
}

/* End a record that no segment ended, take it out and free it. */
static void discard(struct tcpstate_tables *tables, struct tcpstate_table *table,
		    struct tcpstate_bucket *bucket, struct tcpstate_record *record,
		    enum tcpstate_reason reason)
{
	lockdep_assert_held(&bucket->lock);
	tcpstate_table_unreplied(table, is_unreplied(table, record), false);
	tcpstate_record_end(tables->stats, record, reason);
	tcpstate_bucket_unlink(bucket, record);
	tcpstate_record_free(record);
	tcpstate_table_uncharge(table);
}

/**
 * tcpstate_table_evict() - make room for a record
 * @tables: the tables
 * @table: the one that is full
 * @hash: of the record to come, from which the search starts: random to anyone
 *	who does not know the key
 * @held: a bucket of @table that the caller has locked, or NULL
 * @rank: how willingly each is parted with
 * @now: tcpstate_now()
 *
 * Looks at a bounded number of buckets and waits for none: one that is locked
 * is passed over.
 *
 * Context: RCU read side, BH disabled.
 * Return: true when a record was evicted.
 */
bool tcpstate_table_evict(struct tcpstate_tables *tables, struct tcpstate_table *table, u32 hash,
			  struct tcpstate_bucket *held, tcpstate_rank_fn rank, u32 now)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);
	struct tcpstate_record *record, *victim = NULL;
	struct tcpstate_bucket *bucket, *where = NULL;
	unsigned int i, r, mask, best = 0, equals = 0, candidates = 0;
	bool done = false;

	if (!buckets)
		return false;
	mask = (1U << buckets->order) - 1;
	hash >>= 32 - buckets->order;
	for (i = 0; i < EVICT_SCAN && i <= mask && candidates < EVICT_CANDIDATES; i++) {
		bucket = &buckets->bucket[(hash + i) & mask];
		if (!READ_ONCE(bucket->first) || READ_ONCE(bucket->first) == TCPSTATE_MOVED)
			continue;
		if (bucket != held && !tcpstate_bucket_trylock(bucket))
			continue;
		record = bucket->first == TCPSTATE_MOVED ? NULL : bucket->first;
		for (; record; record = record->next) {
			r = rank(tables, record, now);
			if (!r || r < best)
				continue;
			candidates++;
			equals = r > best ? 1 : equals + 1;
			best = r;
			if (reciprocal_scale(get_random_u32(), equals))
				continue;
			victim = record;
			where = bucket;
		}
		if (bucket != held)
			tcpstate_bucket_unlock(bucket);
	}
	if (!victim || (where != held && !tcpstate_bucket_trylock(where)))
		return false;
	/* It was not locked meanwhile: only what is still there and still ranks. */
	record = where->first == TCPSTATE_MOVED ? NULL : where->first;
	while (record && record != victim)
		record = record->next;
	if (record && rank(tables, record, now) == best) {
		discard(tables, table, where, record, TCPSTATE_REASON_EVICTED);
		done = true;
	}
	if (where != held)
		tcpstate_bucket_unlock(where);
	return done;
}

/* Expire what is due in a bucket. */
static void sweep_bucket(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket, u32 now)
{
	struct tcpstate_record *record, *next;
	bool was;

	lockdep_assert_held(&bucket->lock);
	/* As far off as deadlines go: the records bring it nearer. */
	bucket->due = now + S32_MAX;
	for (record = bucket->first; record; record = next) {
		next = record->next;
		if (tcpstate_due(tcpstate_record_deadline(record, tables->timeout), now)) {
			was = is_unreplied(table, record);
			tcpstate_table_unreplied(table, was, false);
			if (tcpstate_record_expire(tables->stats, record, now)) {
				discard(tables, table, bucket, record, TCPSTATE_REASON_NONE);
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
		if (READ_ONCE(bucket->first) &&
		    (all || tcpstate_due(READ_ONCE(bucket->due), now))) {
			spin_lock_bh(&bucket->lock);
			sweep_bucket(tables, table, bucket, now);
			spin_unlock_bh(&bucket->lock);
		}
		if (i % STRETCH == STRETCH - 1) {
			cond_resched();
			now = tcpstate_now();
		}
	}
}

/* Move a bucket's records to the larger array; afterwards it is MOVED for ever. */
static void move_bucket(struct tcpstate_bucket *bucket, struct tcpstate_buckets *larger)
{
	struct tcpstate_record *record, *next;
	struct tcpstate_bucket *target;

	spin_lock_bh(&bucket->lock);
	for (record = bucket->first; record; record = next) {
		next = record->next;
		target = bucket_of(larger, tcpstate_record_hash(record));
		spin_lock_nested(&target->lock, SINGLE_DEPTH_NESTING);
		tcpstate_bucket_link(target, record, bucket->due);
		spin_unlock(&target->lock);
	}
	WRITE_ONCE(bucket->first, TCPSTATE_MOVED);
	spin_unlock_bh(&bucket->lock);
}

/* Return the array that is in force afterwards: without memory the old one. */
static struct tcpstate_buckets *grow(struct tcpstate_table *table,
				     struct tcpstate_buckets *buckets)
{
	unsigned int order = min_t(unsigned int, buckets->order + GROWTH, ORDER_MAX);
	struct tcpstate_buckets *larger;
	size_t i;

	larger = buckets_alloc(table->kind, order, GFP_KERNEL | __GFP_NOWARN);
	if (!larger)
		return buckets;
	rcu_assign_pointer(buckets->next, larger);
	for (i = 0; i < 1UL << buckets->order; i++) {
		move_bucket(&buckets->bucket[i], larger);
		if (i % STRETCH == STRETCH - 1)
			cond_resched();
	}
	rcu_assign_pointer(table->buckets, larger);
	synchronize_rcu();
	kvfree(buckets);
	return larger;
}

/* Withdraw the array and free it, with what was filed in the last moment. */
static void release(struct tcpstate_tables *tables, struct tcpstate_table *table,
		    struct tcpstate_buckets *buckets, enum tcpstate_reason reason)
{
	struct tcpstate_bucket *bucket;
	size_t i;

	RCU_INIT_POINTER(table->buckets, NULL);
	synchronize_rcu();
	for (i = 0; i < 1UL << buckets->order; i++) {
		bucket = &buckets->bucket[i];
		if (!bucket->first)
			continue;
		spin_lock_bh(&bucket->lock);
		while (bucket->first)
			discard(tables, table, bucket, bucket->first, reason);
		spin_unlock_bh(&bucket->lock);
	}
	kvfree(buckets);
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
	struct tcpstate_tables *tables = container_of(to_delayed_work(work),
						      struct tcpstate_tables, sweep);
	bool all = xchg(&tables->rescan, false), again = false;
	unsigned int kind;

	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++)
		again |= sweep_one(tables, &tables->table[kind], all);
	if (again)
		queue_delayed_work(workqueue, &tables->sweep, SWEEP_PERIOD);
}

/**
 * tcpstate_tables_init() - empty tables for a namespace
 * @tables: zeroed but for @timeout, which the caller has filled in
 * @stats: the namespace's counters
 * @first: this is the initial namespace, whose tables are its own; all others
 *	share what fills four, since anyone may make more of them
 * @max: how many records of each kind there may be
 *
 * Context: process. Allocates nothing and starts no timer.
 */
void tcpstate_tables_init(struct tcpstate_tables *tables,
			  struct tcpstate_stats __percpu *stats, bool first,
			  const unsigned int max[TCPSTATE_KIND_MAX])
{
	unsigned int kind;

	tables->stats = stats;
	INIT_DELAYED_WORK(&tables->sweep, sweep);
	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		tables->table[kind].kind = kind;
		tables->table[kind].max = max[kind];
		if (!first)
			tables->table[kind].shared = &shared_count[kind];
	}
}

/*
 * Lock the first bucket at or behind @place that is not empty, and put @place
 * behind it. NULL when a stretch of the table was empty, or all the rest.
 *
 * A place that was read in a small array is not read again in a larger one:
 * the bucket there holds what hashes alike, in as many pieces as it may be.
 */
static struct tcpstate_bucket *lock_place(struct tcpstate_table *table, u64 *place)
{
	struct tcpstate_buckets *buckets;
	struct tcpstate_bucket *bucket;
	unsigned int steps;
	u64 behind;

	for (steps = 0; *place < TCPSTATE_PLACE_END && steps < STRETCH; steps++) {
		buckets = rcu_dereference(table->buckets);
		while (buckets && READ_ONCE(bucket_of(buckets, *place)->first) == TCPSTATE_MOVED)
			buckets = rcu_dereference(buckets->next);
		if (!buckets) {
			*place = TCPSTATE_PLACE_END;
			return NULL;
		}
		bucket = bucket_of(buckets, *place);
		behind = ((*place >> (32 - buckets->order)) + 1) << (32 - buckets->order);
		if (READ_ONCE(bucket->first)) {
			tcpstate_bucket_lock(bucket);
			if (bucket->first == TCPSTATE_MOVED) {
				tcpstate_bucket_unlock(bucket);
				continue;
			}
			*place = behind;
			return bucket;
		}
		*place = behind;
	}
	return NULL;
}

static void flush_table(struct tcpstate_tables *tables, struct tcpstate_table *table)
{
	struct tcpstate_bucket *bucket;
	u64 place = 0;

	while (place < TCPSTATE_PLACE_END) {
		rcu_read_lock();
		local_bh_disable();
		bucket = lock_place(table, &place);
		if (bucket) {
			while (bucket->first)
				discard(tables, table, bucket, bucket->first,
					TCPSTATE_REASON_FLUSHED);
			tcpstate_bucket_unlock(bucket);
		}
		local_bh_enable();
		rcu_read_unlock();
		cond_resched();
	}
}

/**
 * tcpstate_tables_flush() - end every record
 * @tables: the tables; segments may go on arriving
 *
 * Context: process.
 */
void tcpstate_tables_flush(struct tcpstate_tables *tables)
{
	unsigned int kind;

	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++)
		flush_table(tables, &tables->table[kind]);
}

/**
 * tcpstate_tables_release() - end every record and free all memory
 * @tables: the tables; no segment arrives any more and a grace period has
 *	passed since the last. They may be used again.
 *
 * Context: process.
 */
void tcpstate_tables_release(struct tcpstate_tables *tables)
{
	struct tcpstate_buckets *buckets;
	unsigned int kind;

	cancel_delayed_work_sync(&tables->sweep);
	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		buckets = rcu_dereference_protected(tables->table[kind].buckets, true);
		if (buckets)
			release(tables, &tables->table[kind], buckets, TCPSTATE_REASON_FLUSHED);
	}
}

/**
 * tcpstate_tables_rescan() - timeouts have changed
 * @tables: the tables
 *
 * The next sweep asks every record for its deadline.
 * Context: process.
 */
void tcpstate_tables_rescan(struct tcpstate_tables *tables)
{
	WRITE_ONCE(tables->rescan, true);
}

/**
 * tcpstate_table_read() - read the next stretch of a table
 * @table: the table
 * @cursor: where to read on; zeroed for the start, moved by what was read
 * @views: filled in with records that have not ended
 * @room: how many @views there are. A bucket that holds more is cut short;
 *	with sixteen that is rarer than a broken machine.
 *
 * Context: process. Takes one bucket's lock for as long as it copies it.
 * Return: how many views were filled in. Zero says that nothing is left if
 * the cursor stands at TCPSTATE_PLACE_END, else that the stretch was empty.
 */
unsigned int tcpstate_table_read(struct tcpstate_table *table, struct tcpstate_cursor *cursor,
				 struct tcpstate_view *views, unsigned int room)
{
	struct tcpstate_record *record;
	struct tcpstate_bucket *bucket;
	unsigned int n = 0;

	rcu_read_lock();
	local_bh_disable();
	bucket = lock_place(table, &cursor->place);
	if (bucket) {
		for (record = bucket->first; record && n < room; record = record->next)
			if (!tcpstate_fsm_ended(&record->pair))
				tcpstate_record_view(record, &views[n++]);
		tcpstate_bucket_unlock(bucket);
	}
	local_bh_enable();
	rcu_read_unlock();
	return n;
}
