/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bucket: the records whose hashes begin alike, one cache line of them. Each
 * way holds a record and, beside it, eight bits of its hash, so that a segment
 * finds its record without a look at any other. What the ways have no room for
 * is chained to the last one.
 *
 * A record stays in its way, or in the chain, until it is taken out or the
 * table is resized.
 */
#ifndef _TCPSTATE_BUCKET_H
#define _TCPSTATE_BUCKET_H

#include <linux/bitops.h>
#include <linux/prefetch.h>
#include <linux/spinlock.h>

#include "record.h"

#define TCPSTATE_WAYS 6

/* Records in a bucket on the average, at most: then few are in chains. */
#define TCPSTATE_LOAD 4

/*
 * Records in a bucket at most, however few buckets there is memory for. By
 * chance a load of twice the above makes one of 2^35 buckets so full.
 */
#define TCPSTATE_BUCKET_MAX 32
#define TCPSTATE_BUCKET_MAX_GROWING 512

/* Log2 of the buckets of the first array: GFP_ATOMIC must do for it. */
#define TCPSTATE_ORDER_MIN 5
#define TCPSTATE_ORDER_MAX 26

/* Buckets that may be visited between two chances for others to run. */
#define TCPSTATE_STRETCH 256

/**
 * struct tcpstate_bucket - some records
 * @lock: protects the rest, and every record that is here
 * @due: no record's timer runs out before this moment; nothing in an empty one
 * @tags: low bits of the records' hashes, by way
 * @tag: @tags, one by one
 * @chained: the last way has had more than one record since it was empty
 * @moved: for ever, once another array has taken over; then all the rest is stale
 * @way: records, the last one's successors linked to it; NULL where there is none
 */
struct tcpstate_bucket {
	spinlock_t lock;	/* protects the rest and the records */
	u32 due;
	union {
		u64 tags;
		struct {
			u8 tag[TCPSTATE_WAYS];
			bool chained;
			bool moved;
		};
	};
	struct tcpstate_record *way[TCPSTATE_WAYS];
} ____cacheline_aligned;

/**
 * struct tcpstate_buckets - one array
 * @next: the array that records are moving to; written by the sweep
 * @bucket: the buckets, allocated on their own, so that their size is a power of two
 * @order: log2 of the number of buckets
 * @evictable: a bit for each bucket, set if it may hold a record that can be
 *	evicted; written under the bucket's lock
 * @rcu: frees it
 */
struct tcpstate_buckets {
	struct tcpstate_buckets __rcu *next;
	struct tcpstate_bucket *bucket;
	unsigned int order;
	struct rcu_head rcu;
	unsigned long evictable[];
};

struct tcpstate_buckets *tcpstate_buckets_alloc(struct tcpstate_memory *memory,
						enum tcpstate_kind kind, unsigned int order,
						gfp_t gfp);
void tcpstate_buckets_free(struct tcpstate_memory *memory, struct tcpstate_buckets *buckets);
void tcpstate_buckets_free_later(struct tcpstate_memory *memory,
				 struct tcpstate_buckets *buckets);

static inline size_t tcpstate_buckets_header_size(unsigned int order)
{
	return sizeof(struct tcpstate_buckets) +
	       BITS_TO_LONGS(1UL << order) * sizeof(unsigned long);
}

/* Octets that an array takes. */
static inline size_t tcpstate_buckets_size(unsigned int order)
{
	return tcpstate_buckets_header_size(order) +
	       ((size_t)sizeof(struct tcpstate_bucket) << order);
}

/* The order of the array that so many records make a table grow to. */
static inline unsigned int tcpstate_buckets_order(unsigned int records)
{
	unsigned int order = TCPSTATE_ORDER_MIN;

	while (order < TCPSTATE_ORDER_MAX && records > TCPSTATE_LOAD << order)
		order++;
	return order;
}

void tcpstate_bucket_link(struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			  u32 hash, u32 deadline);
void tcpstate_bucket_unlink(struct tcpstate_bucket *bucket, struct tcpstate_record *record);

static inline size_t tcpstate_bucket_index(const struct tcpstate_buckets *buckets, u32 hash)
{
	return hash >> (32 - buckets->order);
}

static inline struct tcpstate_bucket *tcpstate_bucket_of(struct tcpstate_buckets *buckets,
							 u32 hash)
{
	return &buckets->bucket[tcpstate_bucket_index(buckets, hash)];
}

/*
 * A bucket is mostly locked by one function and unlocked by another, which
 * sparse cannot follow and lockdep can: towards sparse each is balanced.
 */
static inline void tcpstate_bucket_lock(struct tcpstate_bucket *bucket)
{
	spin_lock(&bucket->lock);
	__release(&bucket->lock);
}

static inline bool tcpstate_bucket_trylock(struct tcpstate_bucket *bucket)
{
	if (!spin_trylock(&bucket->lock))
		return false;
	__release(&bucket->lock);
	return true;
}

static inline void tcpstate_bucket_unlock(struct tcpstate_bucket *bucket)
{
	__acquire(&bucket->lock);
	spin_unlock(&bucket->lock);
}

/*
 * A look without the lock: a record that was there before and is after is seen.
 * What has moved is not empty, for its records are elsewhere.
 */
static inline bool tcpstate_bucket_empty(const struct tcpstate_bucket *bucket)
{
	unsigned int i;

	if (READ_ONCE(bucket->moved))
		return false;
	for (i = 0; i < TCPSTATE_WAYS; i++)
		if (READ_ONCE(bucket->way[i]))
			return false;
	return true;
}

/*
 * Through the records of a locked bucket: @i is where the walk has come to. A
 * record that was passed may be taken out.
 */
static inline struct tcpstate_record *tcpstate_bucket_from(const struct tcpstate_bucket *bucket,
							   unsigned int *i)
{
	for (; *i < TCPSTATE_WAYS; ++*i)
		if (bucket->way[*i])
			return bucket->way[*i];
	return NULL;
}

static inline struct tcpstate_record *tcpstate_bucket_first(const struct tcpstate_bucket *bucket,
							    unsigned int *i)
{
	*i = bucket->moved ? TCPSTATE_WAYS : 0;
	return tcpstate_bucket_from(bucket, i);
}

static inline struct tcpstate_record *tcpstate_bucket_next(const struct tcpstate_bucket *bucket,
							   const struct tcpstate_record *record,
							   unsigned int *i)
{
	if (*i == TCPSTATE_WAYS - 1)
		return record->next;
	++*i;
	return tcpstate_bucket_from(bucket, i);
}

/*
 * Is there no room for one more record? Ways that are free beside a chain count as used. If
 * the table is to grow, it soon has room for more than if it was @denied memory.
 */
static inline bool tcpstate_bucket_full(const struct tcpstate_bucket *bucket, bool denied)
{
	const struct tcpstate_record *record;
	unsigned int count = TCPSTATE_WAYS - 1;

	lockdep_assert_held(&bucket->lock);
	if (likely(!bucket->chained))
		return false;
	for (record = bucket->way[TCPSTATE_WAYS - 1]; record; record = record->next)
		count++;
	return count >= (denied ? TCPSTATE_BUCKET_MAX : TCPSTATE_BUCKET_MAX_GROWING);
}

/**
 * tcpstate_bucket_due() - a record's timer runs out earlier than it did
 * @bucket: locked by the caller
 * @deadline: when
 */
static inline void tcpstate_bucket_due(struct tcpstate_bucket *bucket, u32 deadline)
{
	lockdep_assert_held(&bucket->lock);
	if (tcpstate_due(deadline, bucket->due))
		bucket->due = deadline;
}

/* A bit for each octet of @tags that is @tag: where the lowest is, it is so; above, perhaps. */
static inline u64 tcpstate_bucket_hits(u64 tags, u8 tag)
{
	const u64 ones = 0x010101010101ULL, highs = ones << 7;
	u64 other = tags ^ ones * tag;

	return (other - ones) & ~other & highs;
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
static __always_inline struct tcpstate_record *
tcpstate_bucket_find(const struct tcpstate_bucket *bucket, const struct tcpstate_tuple *tuple,
		     u32 hash, enum tcpstate_end *from)
{
	struct tcpstate_record *record;
	u64 hits;

	lockdep_assert_held(&bucket->lock);
	for (hits = tcpstate_bucket_hits(le64_to_cpu((__force __le64)bucket->tags), hash); hits;
	     hits &= hits - 1) {
		record = bucket->way[__ffs64(hits) / BITS_PER_BYTE];
		if (record && tcpstate_record_matches(record, tuple, hash, from))
			return record;
	}
	if (likely(!bucket->chained))
		return NULL;
	for (record = bucket->way[TCPSTATE_WAYS - 1]; record; record = record->next)
		if (tcpstate_record_matches(record, tuple, hash, from))
			break;
	return record;
}

/*
 * Have the record fetched that tcpstate_bucket_find() would first look at. Without
 * the lock: it may be gone by now, and nothing is read of it.
 */
static inline void tcpstate_bucket_prefetch(const struct tcpstate_bucket *bucket,
					    const struct tcpstate_tuple *tuple, u32 hash)
{
	u64 tags = le64_to_cpu((__force __le64)READ_ONCE(bucket->tags));
	u64 hits = tcpstate_bucket_hits(tags, hash);
	const struct tcpstate_record *record;

	if (!hits)
		return;
	record = READ_ONCE(bucket->way[__ffs64(hits) / BITS_PER_BYTE]);
	prefetchw(record);
	if (tuple->family == NFPROTO_IPV6 && record)
		prefetch(record->addr6);
}

/*
 * Have all records of a bucket fetched, all of each. Without the lock: some may be
 * gone by now, and nothing is read of them.
 */
static inline void tcpstate_bucket_prefetch_all(const struct tcpstate_bucket *bucket)
{
	const struct tcpstate_record *record;
	unsigned int i;

	for (i = 0; i < TCPSTATE_WAYS; i++) {
		record = READ_ONCE(bucket->way[i]);
		if (!record)
			continue;
		prefetch(record);
		prefetch(&record->pair.memo);
	}
}

#endif /* _TCPSTATE_BUCKET_H */
