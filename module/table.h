/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hash table under the flow table and the half-open table: buckets of
 * records, resizing, expiry, eviction, walks.
 *
 * Who may touch what. The array of buckets is reached under RCU and replaced
 * by the sweep alone. A bucket's lock guards every record in it: a segment that
 * finds a record is about to write to it, so there is no lookup that would gain
 * from going without, and a record can be freed the moment it is unlinked.
 * Readers take the lock of one bucket for as long as it takes to copy its
 * records, which a keyed hash keeps at a few.
 *
 * Order of locks: a half-open bucket, then the flow bucket of the same key;
 * other buckets of either table are only ever tried. All with BH disabled.
 *
 * A record is filed by the high bits of its hash, so a place in the table is a
 * hash value, and no change of size moves a record past a reader's place.
 */
#ifndef _TCPSTATE_TABLE_H
#define _TCPSTATE_TABLE_H

#include <linux/atomic.h>

#include "bucket.h"
#include "leak.h"
#include "work.h"

struct tcpstate_tables;

/**
 * struct tcpstate_table - a table of records
 * @buckets: NULL until the first record and when long empty; replaced by the
 *	sweep, first set by whoever needs it
 * @count: records, lingering ones too
 * @unreplied: records in the budget of those that no handshake proved
 * @max: how many records there may be
 * @shared: how many all namespaces but the first have together, or NULL in the
 *	first. They too are limited, or whoever can make namespaces could fill
 *	the machine's memory.
 * @memory: the namespace's, to which @buckets is charged
 * @crowded: somebody met it full since the last sweep
 * @denied: the last sweep got no memory for it to grow
 * @pressed: sweeps that are still to find it calm until that is told; the
 *	sweep's own
 * @low_since: jiffies at which the sweep first found its load low, 0 if it is
 *	not; the sweep's own
 * @kind: which table this is
 */
struct tcpstate_table {
	struct tcpstate_buckets __rcu *buckets;
	atomic_t count;
	atomic_t unreplied;
	unsigned int max;
	atomic_t *shared;
	struct tcpstate_memory *memory;
	u32 crowded;	/* of xchg()'s size on any processor */
	bool denied;
	u8 pressed;
	unsigned long low_since;
	enum tcpstate_kind kind;
};

/**
 * struct tcpstate_tables - both tables of a network namespace
 * @table: by enum tcpstate_kind
 * @log: the namespace's books
 * @timeout: in seconds; written by sysctl, read without a lock
 * @sweep: expires, resizes, frees; pending while either table has an array
 * @rescan: timeouts changed, so no bucket's @due can be relied on
 * @leak: who leaves connections half closed; written by the sweep
 */
struct tcpstate_tables {
	struct tcpstate_table table[TCPSTATE_KIND_MAX];
	struct tcpstate_log *log;
	unsigned int timeout[TCPSTATE_TIMEOUT_MAX];
	struct tcpstate_work sweep;
	u32 rescan;	/* of xchg()'s size on any processor */
	struct tcpstate_leak leak;
};

/*
 * How willingly a table parts with a record when it is full: not at all when
 * zero, else the highest first and at random among equals.
 */
typedef unsigned int (*tcpstate_rank_fn)(const struct tcpstate_tables *tables,
					 const struct tcpstate_record *record, u32 now);

/* Life of the tables: process context. */
void tcpstate_tables_init(struct tcpstate_tables *tables,
			  struct tcpstate_log *log, bool first,
			  const unsigned int max[TCPSTATE_KIND_MAX]);

/* Segments: any context, RCU read side, BH disabled. */
struct tcpstate_bucket *tcpstate_table_lock_new(struct tcpstate_tables *tables,
						struct tcpstate_table *table, u32 hash);
bool tcpstate_table_charge(struct tcpstate_tables *tables, struct tcpstate_table *table);
void tcpstate_table_uncharge(struct tcpstate_table *table);
bool tcpstate_table_evict(struct tcpstate_tables *tables, struct tcpstate_table *table,
			  struct tcpstate_bucket *held, tcpstate_rank_fn rank, u32 now);
bool tcpstate_table_evict_from(struct tcpstate_tables *tables, struct tcpstate_table *table,
			       struct tcpstate_bucket *bucket, tcpstate_rank_fn rank, u32 now);
void tcpstate_table_unreplied(struct tcpstate_table *table, bool was, bool is);
void tcpstate_table_file(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			 u32 hash);
void tcpstate_table_take(struct tcpstate_tables *tables, struct tcpstate_table *table,
			 struct tcpstate_bucket *bucket, struct tcpstate_record *record);
struct tcpstate_outcome tcpstate_table_step(struct tcpstate_tables *tables,
					    struct tcpstate_table *table,
					    struct tcpstate_bucket *bucket,
					    struct tcpstate_record *record,
					    const struct tcpstate_segment *segment, u32 hash,
					    enum tcpstate_end from, u32 now);
void tcpstate_table_discard(struct tcpstate_tables *tables, struct tcpstate_table *table,
			    struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			    enum tcpstate_reason reason);

/* Does the record count in its table's budget of those that no handshake proved? */
static inline bool tcpstate_table_budgets(const struct tcpstate_table *table,
					  const struct tcpstate_record *record)
{
	return table->kind == TCPSTATE_FLOW && !tcpstate_fsm_ended(&record->pair) &&
	       record->pair.unproved;
}

/*
 * May any rule evict the record? What makes it so is filing, a step or expiry, and
 * never time alone: &tcpstate_buckets.evictable follows from these.
 */
static inline bool tcpstate_table_evictable(const struct tcpstate_table *table,
					    const struct tcpstate_record *record)
{
	return table->kind == TCPSTATE_HALFOPEN || tcpstate_fsm_ended(&record->pair) ||
	       record->pair.unproved ||
	       record->pair.flags & (TCPSTATE_PICKED_UP | TCPSTATE_ONE_SIDED);
}

/* Have the bucket of a hash fetched into the cache while something else is done. */
static inline void tcpstate_table_prefetch(const struct tcpstate_table *table, u32 hash)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);

	if (likely(buckets))
		prefetchw(tcpstate_bucket_of(buckets, hash));
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
static inline struct tcpstate_bucket *tcpstate_table_lock(struct tcpstate_table *table, u32 hash)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);
	struct tcpstate_bucket *bucket;

	while (buckets) {
		bucket = tcpstate_bucket_of(buckets, hash);
		tcpstate_bucket_lock(bucket);
		if (likely(!bucket->moved))
			return bucket;
		tcpstate_bucket_unlock(bucket);
		buckets = rcu_dereference(buckets->next);
	}
	return NULL;
}

/* And then, by its bucket, the record that a segment may belong to. */
static inline void tcpstate_table_prefetch_record(const struct tcpstate_table *table,
						  const struct tcpstate_tuple *tuple, u32 hash)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);

	if (likely(buckets))
		tcpstate_bucket_prefetch(tcpstate_bucket_of(buckets, hash), tuple, hash);
}

/* Likewise all records of the bucket of a hash. */
static inline void tcpstate_table_prefetch_all(const struct tcpstate_table *table, u32 hash)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);

	if (likely(buckets))
		tcpstate_bucket_prefetch_all(tcpstate_bucket_of(buckets, hash));
}

static inline struct tcpstate_table *tcpstate_flows(struct tcpstate_tables *tables)
{
	return &tables->table[TCPSTATE_FLOW];
}

static inline struct tcpstate_table *tcpstate_halfopens(struct tcpstate_tables *tables)
{
	return &tables->table[TCPSTATE_HALFOPEN];
}

#endif /* _TCPSTATE_TABLE_H */
