/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of a network namespace: counted by kind, limited by a ceiling, and
 * charged to the memory cgroup of the task that created the namespace.
 *
 * Records are limited by the sizes of their tables and counted in the statistics,
 * so that no segment pays for an atomic more. All other memory is charged here. The
 * ceiling is the sum of both. All namespaces but the initial one share four times it.
 */
#ifndef _TCPSTATE_MEMORY_H
#define _TCPSTATE_MEMORY_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "stats.h"

struct mem_cgroup;

/**
 * struct tcpstate_memory - memory of a namespace
 * @used: octets by enum tcpstate_memory_kind; not of records
 * @total: those of @used that count against @limit
 * @limit: how many octets @total may be
 * @shares: it is not the initial namespace, which has its ceiling for itself
 * @memcg: memory cgroup that is charged, or NULL
 */
struct tcpstate_memory {
	atomic_long_t used[__TCPSTATE_A_MEMORY_MAX];
	atomic_long_t total;
	unsigned long limit;
	bool shares;
	struct mem_cgroup *memcg;
};

extern const char *const tcpstate_memory_name[__TCPSTATE_A_MEMORY_MAX];

/* Kinds of memory, and the ceiling after them. */
#define TCPSTATE_MEMORY_FIRST TCPSTATE_A_MEMORY_FLOWS

/* Process context. */
void tcpstate_memory_limits(unsigned int max_flows, unsigned int max_halfopen,
			    unsigned int max_listeners);
void tcpstate_memory_init(struct tcpstate_memory *memory, bool first, bool by_creator);
void tcpstate_memory_exit(struct tcpstate_memory *memory);
void tcpstate_memory_fixed(struct tcpstate_memory *memory, size_t size);

/* Any context. */
void tcpstate_memory_read(const struct tcpstate_memory *memory, const struct tcpstate_stats *sum,
			  u64 octets[__TCPSTATE_A_MEMORY_MAX]);
bool tcpstate_memory_charge(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			    size_t size);
void tcpstate_memory_uncharge(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			      size_t size);
struct mem_cgroup *tcpstate_memory_enter(const struct tcpstate_memory *memory, gfp_t *gfp);
void tcpstate_memory_leave(const struct tcpstate_memory *memory, struct mem_cgroup *before);
void *tcpstate_memory_alloc(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			    size_t size, gfp_t gfp);
void tcpstate_memory_free(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			  const void *object, size_t size);
void __percpu *tcpstate_memory_alloc_percpu(struct tcpstate_memory *memory,
					    enum tcpstate_memory_kind kind, size_t size,
					    gfp_t gfp);

/*
 * Octets that per-CPU memory takes. With memory cgroups the kernel has a pointer beside
 * each PCPU_MIN_ALLOC_SIZE (4) octets of one CPU.
 */
static inline size_t tcpstate_memory_percpu(size_t size)
{
	size_t pointers = IS_ENABLED(CONFIG_MEMCG) ? DIV_ROUND_UP(size, PCPU_MIN_ALLOC_SIZE) : 0;

	return num_possible_cpus() * size + pointers * sizeof(void *);
}

#endif /* _TCPSTATE_MEMORY_H */
