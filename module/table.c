// SPDX-License-Identifier: GPL-2.0
/* Buckets of records: found, filed, evicted. */
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "sweep.h"
#include "table.h"
#include "trace.h"

#define SHARED 4			/* full tables that all other namespaces may fill */
#define EVICT_LOOKS 3			/* buckets that a search for a victim may look into */
#define EVICT_REACH 2048		/* and pass over: four cache lines of bits */

/* What all namespaces but the first hold together. */
static atomic_t shared_count[TCPSTATE_KIND_MAX];

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
	buckets = tcpstate_buckets_alloc(table->memory, table->kind, TCPSTATE_ORDER_MIN,
					 GFP_ATOMIC);
	if (!buckets)
		return NULL;
	if (cmpxchg((struct tcpstate_buckets __force **)&table->buckets, NULL, buckets))
		tcpstate_buckets_free(table->memory, buckets);
	tcpstate_sweep_start(tables);
	return tcpstate_table_lock(table, hash);
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
	if (buckets && !READ_ONCE(table->denied) &&
	    unlikely(atomic_read(&table->count) == (TCPSTATE_LOAD << buckets->order) + 1))
		tcpstate_sweep_now(tables);
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

/*
 * Note in the array, or in both arrays of a table that is being resized, whether the
 * locked bucket of a hash holds a record that can be evicted.
 */
static void note_evictable(const struct tcpstate_table *table,
			   const struct tcpstate_bucket *bucket, u32 hash, bool evictable)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);
	size_t i;

	lockdep_assert_held(&bucket->lock);
	for (; buckets; buckets = rcu_dereference(buckets->next)) {
		i = tcpstate_bucket_index(buckets, hash);
		if (test_bit(i, buckets->evictable) == evictable)
			continue;
		if (evictable)
			set_bit(i, buckets->evictable);
		else if (bucket == &buckets->bucket[i])
			clear_bit(i, buckets->evictable);
	}
}

static bool holds_evictable(const struct tcpstate_table *table,
			    const struct tcpstate_bucket *bucket)
{
	const struct tcpstate_record *record;
	unsigned int way;

	for (record = tcpstate_bucket_first(bucket, &way); record;
	     record = tcpstate_bucket_next(bucket, record, &way))
		if (tcpstate_table_evictable(table, record))
			return true;
	return false;
}

/**
 * tcpstate_table_file() - put a record into the table that it is charged to
 * @tables: the tables
 * @table: the one that admitted it
 * @bucket: of the record's hash, locked by the caller
 * @record: the record, open
 * @hash: its hash
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_table_file(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			 u32 hash)
{
	tcpstate_table_unreplied(table, false, tcpstate_table_budgets(table, record));
	tcpstate_stats_octets(tables->log->stats, table->kind, tcpstate_record_size(record));
	tcpstate_bucket_link(bucket, record, hash,
			     tcpstate_record_deadline(record, tables->timeout));
	if (tcpstate_table_evictable(table, record))
		note_evictable(table, bucket, hash, true);
}

/**
 * tcpstate_table_take() - take a record out of its table without ending it
 * @tables: the tables
 * @table: the record's
 * @bucket: the record's, locked by the caller
 * @record: the record; afterwards the caller's own
 *
 * Context: BH disabled.
 */
void tcpstate_table_take(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket, struct tcpstate_record *record)
{
	tcpstate_stats_octets(tables->log->stats, table->kind, -(long)tcpstate_record_size(record));
	tcpstate_table_unreplied(table, tcpstate_table_budgets(table, record), false);
	tcpstate_bucket_unlink(bucket, record);
	tcpstate_table_uncharge(table);
}

/**
 * tcpstate_table_step() - a segment of a record's connection
 * @tables: the tables
 * @table: the record's
 * @bucket: the record's, locked by the caller
 * @record: the record
 * @segment: the segment
 * @hash: of its tuple
 * @from: its sender
 * @now: tcpstate_now()
 *
 * Context: RCU read side, BH disabled.
 * Return: as tcpstate_fsm_step(). With TCPSTATE_ANEW the record has ended
 * already, for the reason that is stated. Where it goes on and
 * tcpstate_record_kind() is not its table's, it must move to the other.
 */
struct tcpstate_outcome tcpstate_table_step(struct tcpstate_tables *tables,
					    struct tcpstate_table *table,
					    struct tcpstate_bucket *bucket,
					    struct tcpstate_record *record,
					    const struct tcpstate_segment *segment, u32 hash,
					    enum tcpstate_end from, u32 now)
{
	struct tcpstate_pair *pair = &record->pair;
	const u8 before[2] = { pair->state[0], pair->state[1] };
	bool evictable = tcpstate_table_evictable(table, record);
	bool was = tcpstate_table_budgets(table, record);
	struct tcpstate_outcome out;

	lockdep_assert_held(&bucket->lock);
	out = tcpstate_record_step(tables->log, record, segment, from, now);
	if (out.action == TCPSTATE_ANEW)
		tcpstate_record_end(tables->log, record, out.reason);
	else
		tcpstate_trace(tables->log, record, segment, from, &out);
	tcpstate_table_unreplied(table, was, tcpstate_table_budgets(table, record));
	if (unlikely(evictable != tcpstate_table_evictable(table, record)))
		note_evictable(table, bucket, hash, holds_evictable(table, bucket));
	/*
	 * In the same states a timer is only ever renewed, so the bucket knows enough; unless
	 * the segment raised a doubt.
	 */
	if (unlikely(before[0] != pair->state[0] || before[1] != pair->state[1] || pair->doubt))
		tcpstate_bucket_due(bucket, tcpstate_record_deadline(record, tables->timeout));
	return out;
}

/**
 * tcpstate_table_discard() - take a record out, end it and free it
 * @tables: the tables
 * @table: the record's
 * @bucket: the record's, locked by the caller
 * @record: the record
 * @reason: for which it ends, unless it has ended already
 *
 * Context: BH disabled.
 */
void tcpstate_table_discard(struct tcpstate_tables *tables, struct tcpstate_table *table,
			    struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			    enum tcpstate_reason reason)
{
	tcpstate_table_take(tables, table, bucket, record);
	tcpstate_record_end(tables->log, record, reason);
	tcpstate_record_free(record);
}

/**
 * struct choice - the record that is to be evicted, as far as a search has come
 * @record: the record, NULL if there is none yet
 * @bucket: its bucket
 * @rank: its rank
 * @equals: records of that rank that were met
 * @chance: a random number, made anew for each draw
 */
struct choice {
	struct tcpstate_record *record;
	struct tcpstate_bucket *bucket;
	unsigned int rank;
	unsigned int equals;
	u32 chance;
};

/* Have the records of a locked bucket compete. Return false if no rule can evict any. */
static bool choose(struct choice *choice, const struct tcpstate_tables *tables,
		   const struct tcpstate_table *table, struct tcpstate_bucket *bucket,
		   tcpstate_rank_fn rank, u32 now)
{
	struct tcpstate_record *record;
	bool evictable = false;
	unsigned int way, r;

	lockdep_assert_held(&bucket->lock);
	for (record = tcpstate_bucket_first(bucket, &way); record;
	     record = tcpstate_bucket_next(bucket, record, &way)) {
		evictable |= tcpstate_table_evictable(table, record);
		r = rank(tables, record, now);
		if (!r || r < choice->rank)
			continue;
		choice->equals = r > choice->rank ? 1 : choice->equals + 1;
		choice->rank = r;
		/* As good as one more draw of the kernel's, whose state it came from. */
		choice->chance = choice->chance * 1664525 + 1013904223;
		if (reciprocal_scale(choice->chance, choice->equals))
			continue;
		choice->record = record;
		choice->bucket = bucket;
	}
	return evictable;
}

/* Collect a few buckets that may hold an evictable record, from a random one on. */
static unsigned int collect(const struct tcpstate_buckets *buckets, u32 chance,
			    size_t found[EVICT_LOOKS])
{
	size_t start = tcpstate_bucket_index(buckets, chance), i = start;
	size_t reach = min_t(size_t, 1UL << buckets->order, EVICT_REACH);
	size_t first = start & ~(reach - 1), end = first + reach;
	unsigned int n = 0;

	while (n < EVICT_LOOKS) {
		/* A bit that changes meanwhile is looked at under its bucket's lock, or missed. */
		i = data_race(find_next_bit(buckets->evictable, end, i));
		if (i < end) {
			prefetchw(&buckets->bucket[i]);
			found[n++] = i++;
		} else if (end != start && first != start) {
			end = start;
			i = first;
		} else {
			break;
		}
	}
	return n;
}

/* Evict from one array. */
static bool evict(struct tcpstate_tables *tables, struct tcpstate_table *table,
		  struct tcpstate_buckets *buckets, struct tcpstate_bucket *held,
		  tcpstate_rank_fn rank, u32 now)
{
	struct choice choice = { .chance = get_random_u32() };
	struct tcpstate_record *record;
	struct tcpstate_bucket *bucket;
	size_t found[EVICT_LOOKS];
	unsigned int i, n, way;
	bool done = false;

	n = collect(buckets, choice.chance, found);
	for (i = 0; i < n; i++)
		tcpstate_bucket_prefetch_all(&buckets->bucket[found[i]]);
	for (i = 0; i < n; i++) {
		bucket = &buckets->bucket[found[i]];
		if (bucket != held && !tcpstate_bucket_trylock(bucket))
			continue;
		if (!choose(&choice, tables, table, bucket, rank, now))
			clear_bit(found[i], buckets->evictable);
		if (bucket != held)
			tcpstate_bucket_unlock(bucket);
	}
	bucket = choice.bucket;
	if (!bucket || (bucket != held && !tcpstate_bucket_trylock(bucket)))
		return false;
	/* It was not locked meanwhile: only what is still there and still ranks. */
	for (record = tcpstate_bucket_first(bucket, &way); record;
	     record = tcpstate_bucket_next(bucket, record, &way))
		if (record == choice.record)
			break;
	if (record && rank(tables, record, now) == choice.rank) {
		tcpstate_table_discard(tables, table, bucket, record, TCPSTATE_REASON_EVICTED);
		done = true;
	}
	if (bucket != held)
		tcpstate_bucket_unlock(bucket);
	return done;
}

/**
 * tcpstate_table_evict() - make room for a record
 * @tables: the tables
 * @table: the one that is full
 * @held: a bucket of @table that the caller has locked, or NULL
 * @rank: how willingly each is parted with
 * @now: tcpstate_now()
 *
 * Begins at a random place, looks into three buckets at most and waits for none:
 * a locked one is passed over. If one record of 2^21 alone can be evicted, it is
 * found after 256 calls on the average.
 *
 * Context: RCU read side, BH disabled.
 * Return: true when a record was evicted.
 */
bool tcpstate_table_evict(struct tcpstate_tables *tables, struct tcpstate_table *table,
			  struct tcpstate_bucket *held, tcpstate_rank_fn rank, u32 now)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);

	for (; buckets; buckets = rcu_dereference(buckets->next))
		if (evict(tables, table, buckets, held, rank, now))
			return true;
	return false;
}

/**
 * tcpstate_table_evict_from() - make room for a record in its bucket
 * @tables: the tables
 * @table: one of them
 * @bucket: a bucket of it that is full, locked by the caller
 * @rank: how willingly each is parted with
 * @now: tcpstate_now()
 *
 * Context: BH disabled.
 * Return: true when a record was evicted.
 */
bool tcpstate_table_evict_from(struct tcpstate_tables *tables, struct tcpstate_table *table,
			       struct tcpstate_bucket *bucket, tcpstate_rank_fn rank, u32 now)
{
	struct choice choice = { .chance = get_random_u32() };

	choose(&choice, tables, table, bucket, rank, now);
	if (!choice.record)
		return false;
	tcpstate_table_discard(tables, table, bucket, choice.record, TCPSTATE_REASON_EVICTED);
	return true;
}

/**
 * tcpstate_tables_init() - empty tables for a namespace
 * @tables: zeroed but for @timeout, which the caller has filled in
 * @log: the namespace's books
 * @first: this is the initial namespace, whose tables are its own; all others
 *	share what fills four, since anyone may make more of them
 * @max: how many records of each kind there may be
 *
 * Context: process. Allocates nothing and starts no timer.
 */
void tcpstate_tables_init(struct tcpstate_tables *tables,
			  struct tcpstate_log *log, bool first,
			  const unsigned int max[TCPSTATE_KIND_MAX])
{
	unsigned int kind;

	tables->log = log;
	tcpstate_sweep_prepare(tables);
	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		tables->table[kind].kind = kind;
		tables->table[kind].max = max[kind];
		tables->table[kind].memory = &log->memory;
		if (!first)
			tables->table[kind].shared = &shared_count[kind];
	}
}
