// SPDX-License-Identifier: GPL-2.0
/* Memory: charged before it is allocated, to the namespace and to its creator's cgroup. */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "listener.h"
#include "memory.h"
#include "table.h"

/* Ceilings that all namespaces but the initial one may reach together. */
#define SHARED 4

const char *const tcpstate_memory_name[__TCPSTATE_A_MEMORY_MAX] = {
	[TCPSTATE_A_MEMORY_FLOWS]	= "flows",
	[TCPSTATE_A_MEMORY_HALFOPEN]	= "halfopen",
	[TCPSTATE_A_MEMORY_TABLES]	= "tables",
	[TCPSTATE_A_MEMORY_LISTENERS]	= "listeners",
	[TCPSTATE_A_MEMORY_DETECTOR]	= "detector",
	[TCPSTATE_A_MEMORY_EVENTS]	= "events",
	[TCPSTATE_A_MEMORY_TRACES]	= "traces",
	[TCPSTATE_A_MEMORY_COUNTERS]	= "counters",
	[TCPSTATE_A_MEMORY_LIMIT]	= "limit",
};

/* What all namespaces but the initial one share has two parts: neither can fill the other. */
enum part {
	PART_DETECTORS,
	PART_OTHERS,
	PARTS,
};

/**
 * struct shared - a part of it
 * @total: octets that are charged
 * @limit: how many there may be
 */
static struct shared {
	atomic_long_t total;
	unsigned long limit;
} shared[PARTS];

/* Octets that the records of a namespace take at most, and all else. */
static u64 records_limit __read_mostly;
static unsigned long others_limit __read_mostly;

static u64 array_size_of(unsigned int max)
{
	return tcpstate_buckets_size(tcpstate_buckets_order(max));
}

/**
 * tcpstate_memory_limits() - derive the ceiling from the sizes of the tables
 * @max_flows: flows in a namespace
 * @max_halfopen: half-opens
 * @max_listeners: listeners
 *
 * Context: module initialisation, before the first namespace.
 */
void tcpstate_memory_limits(unsigned int max_flows, unsigned int max_halfopen,
			    unsigned int max_listeners)
{
	u64 arrays = array_size_of(max_flows) + array_size_of(max_halfopen);
	u64 full = arrays + (u64)max_listeners * tcpstate_listener_size();
	/* While a table grows, all smaller arrays may still be there. */
	u64 others = full + arrays + tcpstate_detector_size() + TCPSTATE_EVENTS_SIZE;

	records_limit = ((u64)max_flows + max_halfopen) * TCPSTATE_RECORD_SIZE_MAX;
	others_limit = min_t(u64, others, LONG_MAX / SHARED);
	/* Half is for detectors, unless four namespaces with full tables need more. */
	shared[PART_OTHERS].limit = SHARED * max_t(u64, others_limit / 2,
						   min_t(u64, full, others_limit -
								    tcpstate_detector_size()));
	shared[PART_DETECTORS].limit = SHARED * others_limit - shared[PART_OTHERS].limit;
}

/**
 * tcpstate_memory_read() - what a namespace holds
 * @memory: the namespace's
 * @sum: its figures
 * @octets: filled in, by kind, and the ceiling
 *
 * Context: any.
 */
void tcpstate_memory_read(const struct tcpstate_memory *memory, const struct tcpstate_stats *sum,
			  u64 octets[__TCPSTATE_A_MEMORY_MAX])
{
	unsigned int kind;

	for (kind = 0; kind < __TCPSTATE_A_MEMORY_MAX; kind++)
		octets[kind] = atomic_long_read(&memory->used[kind]);
	octets[TCPSTATE_A_MEMORY_FLOWS] = sum->octets[TCPSTATE_FLOW];
	octets[TCPSTATE_A_MEMORY_HALFOPEN] = sum->octets[TCPSTATE_HALFOPEN];
	octets[TCPSTATE_A_MEMORY_LIMIT] = records_limit + memory->limit;
}

/**
 * tcpstate_memory_init() - a namespace begins
 * @memory: zeroed
 * @first: it is the initial one
 * @by_creator: the current task creates it
 *
 * Context: process.
 */
void tcpstate_memory_init(struct tcpstate_memory *memory, bool first, bool by_creator)
{
	memory->limit = others_limit;
	memory->shares = !first;
	if (!first && by_creator)
		memory->memcg = tcpstate_memcg_get_current();
}

/**
 * tcpstate_memory_exit() - a namespace ends
 * @memory: all that was charged is freed, or about to be
 *
 * Context: process.
 */
void tcpstate_memory_exit(struct tcpstate_memory *memory)
{
	long detector = atomic_long_read(&memory->used[TCPSTATE_A_MEMORY_DETECTOR]);

	if (memory->shares) {
		atomic_long_sub(detector, &shared[PART_DETECTORS].total);
		atomic_long_sub(atomic_long_read(&memory->total) - detector,
				&shared[PART_OTHERS].total);
	}
	tcpstate_memcg_put(memory->memcg);
}

/**
 * tcpstate_memory_fixed() - count memory that the namespace has until it ends
 * @memory: the namespace's
 * @size: octets; never refused, and outside the ceiling
 *
 * The kernel limits the number of namespaces, and so the sum of these.
 *
 * Context: any.
 */
void tcpstate_memory_fixed(struct tcpstate_memory *memory, size_t size)
{
	atomic_long_add(size, &memory->used[TCPSTATE_A_MEMORY_COUNTERS]);
}

static struct shared *shared_part(enum tcpstate_memory_kind kind)
{
	return &shared[kind == TCPSTATE_A_MEMORY_DETECTOR ? PART_DETECTORS : PART_OTHERS];
}

/**
 * tcpstate_memory_charge() - count memory that is about to be allocated
 * @memory: the namespace's
 * @kind: of the memory, neither records nor counters
 * @size: octets
 *
 * Context: any.
 * Return: false if it would exceed the ceiling.
 */
bool tcpstate_memory_charge(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			    size_t size)
{
	struct shared *part = shared_part(kind);

	if ((unsigned long)atomic_long_add_return(size, &memory->total) > memory->limit)
		goto full;
	if (memory->shares &&
	    (unsigned long)atomic_long_add_return(size, &part->total) > part->limit) {
		atomic_long_sub(size, &part->total);
		goto full;
	}
	atomic_long_add(size, &memory->used[kind]);
	return true;
full:
	atomic_long_sub(size, &memory->total);
	return false;
}

/**
 * tcpstate_memory_uncharge() - undo tcpstate_memory_charge()
 * @memory: the namespace's
 * @kind: as it was charged
 * @size: likewise
 *
 * Context: any.
 */
void tcpstate_memory_uncharge(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			      size_t size)
{
	atomic_long_sub(size, &memory->used[kind]);
	atomic_long_sub(size, &memory->total);
	if (memory->shares)
		atomic_long_sub(size, &shared_part(kind)->total);
}

/**
 * tcpstate_memory_enter() - begin allocations for a namespace
 * @memory: the namespace's
 * @gfp: how the caller would allocate; changed to how it must
 *
 * Namespaces but the initial one take nothing from the reserves that GFP_ATOMIC may
 * use. These also exceed a cgroup's limit. Without __GFP_NORETRY the kernel would
 * kill a task of a cgroup that is at its limit.
 *
 * Context: BH disabled, or process. No sleep but by the allocations.
 * Return: for tcpstate_memory_leave().
 */
struct mem_cgroup *tcpstate_memory_enter(const struct tcpstate_memory *memory, gfp_t *gfp)
{
	*gfp |= __GFP_NOWARN;
	if (!memory->shares)
		return NULL;
	*gfp = (*gfp & ~(GFP_ATOMIC & ~GFP_NOWAIT)) | __GFP_NORETRY;
	if (!memory->memcg || !tcpstate_memcg_stable())
		return NULL;
	*gfp |= __GFP_ACCOUNT;
	return tcpstate_memcg_activate(memory->memcg);
}

/**
 * tcpstate_memory_leave() - end allocations for a namespace
 * @memory: the namespace's
 * @before: what tcpstate_memory_enter() returned
 *
 * Context: the same.
 */
void tcpstate_memory_leave(const struct tcpstate_memory *memory, struct mem_cgroup *before)
{
	if (memory->memcg && tcpstate_memcg_stable())
		tcpstate_memcg_activate(before);
}

/*
 * By pages if kmalloc() would round up: not many more octets are taken than are charged.
 * vmalloc() may sleep whatever it is told.
 */
static void *alloc(size_t size, gfp_t gfp)
{
	if (size > PAGE_SIZE && !is_power_of_2(size) && gfpflags_allow_blocking(gfp))
		return __vmalloc(size, gfp | __GFP_ZERO);
	return kvzalloc(size, gfp);
}

/**
 * tcpstate_memory_alloc() - allocate zeroed memory for a namespace
 * @memory: the namespace's
 * @kind: of the memory
 * @size: octets
 * @gfp: how
 *
 * Context: as @gfp allows.
 * Return: the memory, to be freed by tcpstate_memory_free(), or NULL.
 */
void *tcpstate_memory_alloc(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			    size_t size, gfp_t gfp)
{
	struct mem_cgroup *before;
	void *object;

	if (!tcpstate_memory_charge(memory, kind, size))
		return NULL;
	before = tcpstate_memory_enter(memory, &gfp);
	object = alloc(size, gfp);
	tcpstate_memory_leave(memory, before);
	if (!object)
		tcpstate_memory_uncharge(memory, kind, size);
	return object;
}

/**
 * tcpstate_memory_free() - undo tcpstate_memory_alloc()
 * @memory: the namespace's
 * @kind: as it was allocated
 * @object: the memory
 * @size: likewise
 *
 * Context: process, or any if @size was too small for vmalloc().
 */
void tcpstate_memory_free(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			  const void *object, size_t size)
{
	kvfree(object);
	tcpstate_memory_uncharge(memory, kind, size);
}

/**
 * tcpstate_memory_alloc_percpu() - allocate zeroed memory of each CPU for a namespace
 * @memory: the namespace's
 * @kind: of the memory
 * @size: octets of one CPU
 * @gfp: how
 *
 * Context: as @gfp allows.
 * Return: the memory, of which tcpstate_memory_percpu() octets are charged, or NULL.
 */
void __percpu *tcpstate_memory_alloc_percpu(struct tcpstate_memory *memory,
					    enum tcpstate_memory_kind kind, size_t size,
					    gfp_t gfp)
{
	struct mem_cgroup *before;
	void __percpu *object;

	if (!tcpstate_memory_charge(memory, kind, tcpstate_memory_percpu(size)))
		return NULL;
	before = tcpstate_memory_enter(memory, &gfp);
	object = __alloc_percpu_gfp(size, __alignof__(u64), gfp);
	tcpstate_memory_leave(memory, before);
	if (!object)
		tcpstate_memory_uncharge(memory, kind, tcpstate_memory_percpu(size));
	return object;
}
