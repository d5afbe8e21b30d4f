/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels we build for, 6.1 up to the newest, put in
 * the newest one's terms. No other file names a kernel version.
 */
#ifndef _TCPSTATE_COMPAT_H
#define _TCPSTATE_COMPAT_H

#include <linux/memcontrol.h>
#include <linux/netfilter.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sysctl.h>
#include <linux/version.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

/* 6.11 takes every entry of a table for one; before, an empty one ended it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define TCPSTATE_SYSCTL_END 1
#else
#define TCPSTATE_SYSCTL_END 0
#endif

static inline struct ctl_table_header *
tcpstate_register_sysctl(struct net *net, const char *path, struct ctl_table *table, size_t size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return register_net_sysctl(net, path, table);
#else
	return register_net_sysctl_sz(net, path, table, size);
#endif
}

/* 6.11 made the table that a handler is given constant. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define TCPSTATE_CTL_CONST
#else
#define TCPSTATE_CTL_CONST const
#endif

/* The attributes of a dump's request; 6.6 put them where a doit has them. */
static inline struct nlattr **tcpstate_genl_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return genl_dumpit_info(cb)->attrs;
#else
	return genl_info_dump(cb)->attrs;
#endif
}

/* 6.9 calls a family before a socket joins one of its groups; no namespace is given. */
#define TCPSTATE_GENL_HAS_BIND (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0))

/*
 * Returns whether nf_dup is sending its copy of a packet on this CPU, which TEE and
 * nft's dup do with BH disabled. 6.16 moved the mark from the CPU to the task.
 */
static inline bool tcpstate_duplicates(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	return softirq_count() && this_cpu_read(nf_skb_duplicated);
#else
	return current->in_nf_duplicate;
#endif
}

/*
 * The memory cgroup of the current task, to be put by tcpstate_memcg_put(), or
 * NULL: the root has no limit. Before 5.14 no module could charge another one.
 */
#if IS_ENABLED(CONFIG_MEMCG) && LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
static inline struct mem_cgroup *tcpstate_memcg_get_current(void)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(current->mm);

	if (!memcg || memcg->css.parent)
		return memcg;
	mem_cgroup_put(memcg);
	return NULL;
}

static inline void tcpstate_memcg_put(struct mem_cgroup *memcg)
{
	mem_cgroup_put(memcg);
}

static inline struct mem_cgroup *tcpstate_memcg_activate(struct mem_cgroup *memcg)
{
	return set_active_memcg(memcg);
}
#else
static inline struct mem_cgroup *tcpstate_memcg_get_current(void)
{
	return NULL;
}

static inline void tcpstate_memcg_put(struct mem_cgroup *memcg)
{
}

static inline struct mem_cgroup *tcpstate_memcg_activate(struct mem_cgroup *memcg)
{
	return NULL;
}
#endif

/*
 * Outside tasks the active cgroup is one for each CPU. Since 6.18 softirqs of an RT
 * kernel can preempt each other, so that there it would not stay the same.
 */
static inline bool tcpstate_memcg_stable(void)
{
#if IS_ENABLED(CONFIG_PREEMPT_RT) && !IS_ENABLED(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK) && \
	LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return in_task();
#else
	return true;
#endif
}

#endif /* _TCPSTATE_COMPAT_H */
