// SPDX-License-Identifier: GPL-2.0
/* Buckets: made in arrays, filled and emptied one record at a time. */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bucket.h"

#define LAST (TCPSTATE_WAYS - 1)

static struct lock_class_key lock_keys[TCPSTATE_KIND_MAX];

/**
 * tcpstate_buckets_alloc() - allocate an empty array of buckets
 * @memory: the namespace's
 * @kind: the table that it is for
 * @order: log2 of the number of buckets
 * @gfp: allocation flags
 *
 * Context: process if @gfp may block, else any.
 * Return: the array, to be freed by tcpstate_buckets_free(), or NULL.
 */
struct tcpstate_buckets *tcpstate_buckets_alloc(struct tcpstate_memory *memory,
						enum tcpstate_kind kind, unsigned int order,
						gfp_t gfp)
{
	struct tcpstate_buckets *buckets;
	size_t i;

	buckets = tcpstate_memory_alloc(memory, TCPSTATE_A_MEMORY_TABLES,
					tcpstate_buckets_header_size(order), gfp);
	if (!buckets)
		return NULL;
	buckets->order = order;
	buckets->bucket = tcpstate_memory_alloc(memory, TCPSTATE_A_MEMORY_TABLES,
						sizeof(*buckets->bucket) << order, gfp);
	if (!buckets->bucket) {
		tcpstate_buckets_free(memory, buckets);
		return NULL;
	}
	for (i = 0; i < 1UL << order; i++) {
		spin_lock_init(&buckets->bucket[i].lock);
		lockdep_set_class(&buckets->bucket[i].lock, &lock_keys[kind]);
		if (i % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1 && gfpflags_allow_blocking(gfp))
			cond_resched();
	}
	return buckets;
}

/**
 * tcpstate_buckets_free() - free an array of buckets
 * @memory: the namespace's
 * @buckets: the array; no record is in it and no reader uses it
 *
 * Context: process, or any if @buckets has the smallest order.
 */
void tcpstate_buckets_free(struct tcpstate_memory *memory, struct tcpstate_buckets *buckets)
{
	if (buckets->bucket)
		tcpstate_memory_free(memory, TCPSTATE_A_MEMORY_TABLES, buckets->bucket,
				     sizeof(*buckets->bucket) << buckets->order);
	tcpstate_memory_free(memory, TCPSTATE_A_MEMORY_TABLES, buckets,
			     tcpstate_buckets_header_size(buckets->order));
}

static void free_rcu(struct rcu_head *rcu)
{
	struct tcpstate_buckets *buckets = container_of(rcu, struct tcpstate_buckets, rcu);

	kvfree(buckets->bucket);
	kvfree(buckets);
}

/**
 * tcpstate_buckets_free_later() - free an array of buckets after a grace period
 * @memory: the namespace's, where it is counted no longer
 * @buckets: the array, unpublished; no record is in it
 *
 * Context: any.
 */
void tcpstate_buckets_free_later(struct tcpstate_memory *memory, struct tcpstate_buckets *buckets)
{
	tcpstate_memory_uncharge(memory, TCPSTATE_A_MEMORY_TABLES,
				 tcpstate_buckets_size(buckets->order));
	call_rcu(&buckets->rcu, free_rcu);
}

/**
 * tcpstate_bucket_link() - put a record in
 * @bucket: of @hash, locked by the caller
 * @record: in no bucket
 * @hash: tcpstate_record_hash()
 * @deadline: when its timer runs out
 */
void tcpstate_bucket_link(struct tcpstate_bucket *bucket, struct tcpstate_record *record,
			  u32 hash, u32 deadline)
{
	unsigned int i = 0;

	lockdep_assert_held(&bucket->lock);
	if (tcpstate_bucket_empty(bucket))
		bucket->due = deadline;
	else
		tcpstate_bucket_due(bucket, deadline);
	while (i < LAST && bucket->way[i])
		i++;
	record->next = bucket->way[i];
	bucket->chained |= !!record->next;
	bucket->tag[i] = hash;
	WRITE_ONCE(bucket->way[i], record);
}

/**
 * tcpstate_bucket_unlink() - take a record out
 * @bucket: that it is in, locked by the caller
 * @record: afterwards the caller's own
 */
void tcpstate_bucket_unlink(struct tcpstate_bucket *bucket, struct tcpstate_record *record)
{
	struct tcpstate_record **link;
	unsigned int i = 0;

	lockdep_assert_held(&bucket->lock);
	while (i < LAST && bucket->way[i] != record)
		i++;
	for (link = &bucket->way[i]; *link != record; link = &(*link)->next)
		;
	WRITE_ONCE(*link, record->next);
	record->next = NULL;
	/* The tag of a chain is that of its newest record, which may be gone: all are compared. */
	if (!bucket->way[LAST])
		bucket->chained = false;
}
