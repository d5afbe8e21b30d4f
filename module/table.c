// SPDX-License-Identifier: GPL-2.0
/* Buckets of records: found, filed, evicted. */
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "sweep.h"
#include "table.h"
#include "trace.h"

#define ORDER_MIN 5			/* the first array must do with GFP_ATOMIC */
#define SHARED 4			/* full tables that all other namespaces may fill */
#define EVICT_SCAN 64			/* buckets that may be looked at for a victim */
#define EVICT_CANDIDATES 8		/* records among which one is chosen */

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
	buckets = tcpstate_buckets_alloc(table->kind, ORDER_MIN, GFP_ATOMIC | __GFP_NOWARN);
	if (!buckets)
		return NULL;
	if (cmpxchg((struct tcpstate_buckets __force **)&table->buckets, NULL, buckets))
		tcpstate_buckets_free(buckets);
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
	if (buckets &&
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
	tcpstate_bucket_link(bucket, record, hash,
			     tcpstate_record_deadline(record, tables->timeout));
}

/**
 * tcpstate_table_take() - take a record out of its table without ending it
 * @table: the record's
 * @bucket: the record's, locked by the caller
 * @record: the record; afterwards the caller's own
 *
 * Context: BH disabled.
 */
void tcpstate_table_take(struct tcpstate_table *table, struct tcpstate_bucket *bucket,
			 struct tcpstate_record *record)
{
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
					    const struct tcpstate_segment *segment,
					    enum tcpstate_end from, u32 now)
{
	struct tcpstate_pair *pair = &record->pair;
	const u8 before[2] = { pair->state[0], pair->state[1] };
	bool was = tcpstate_table_budgets(table, record);
	struct tcpstate_outcome out;

	lockdep_assert_held(&bucket->lock);
	out = tcpstate_record_step(tables->log, record, segment, from, now);
	if (out.action == TCPSTATE_ANEW)
		tcpstate_record_end(tables->log, record, out.reason);
	else
		tcpstate_trace(tables->log, record, segment, from, &out);
	tcpstate_table_unreplied(table, was, tcpstate_table_budgets(table, record));
	/* In the same states a timer is only ever renewed, so the bucket knows enough. */
	if (unlikely(before[0] != pair->state[0] || before[1] != pair->state[1]))
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
	tcpstate_table_take(table, bucket, record);
	tcpstate_record_end(tables->log, record, reason);
	tcpstate_record_free(record);
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
	unsigned int i, way, r, mask, best = 0, equals = 0, candidates = 0;
	bool done = false;

	if (!buckets)
		return false;
	mask = (1U << buckets->order) - 1;
	hash >>= 32 - buckets->order;
	for (i = 0; i < EVICT_SCAN && i <= mask && candidates < EVICT_CANDIDATES; i++) {
		bucket = &buckets->bucket[(hash + i) & mask];
		if (READ_ONCE(bucket->moved) || tcpstate_bucket_empty(bucket))
			continue;
		if (bucket != held && !tcpstate_bucket_trylock(bucket))
			continue;
		for (record = tcpstate_bucket_first(bucket, &way); record;
		     record = tcpstate_bucket_next(bucket, record, &way)) {
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
	for (record = tcpstate_bucket_first(where, &way); record;
	     record = tcpstate_bucket_next(where, record, &way))
		if (record == victim)
			break;
	if (record && rank(tables, record, now) == best) {
		tcpstate_table_discard(tables, table, where, record, TCPSTATE_REASON_EVICTED);
		done = true;
	}
	if (where != held)
		tcpstate_bucket_unlock(where);
	return done;
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
		if (!first)
			tables->table[kind].shared = &shared_count[kind];
	}
}
