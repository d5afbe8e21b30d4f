/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels we build for, 5.10 up to the newest, put in
 * the newest one's terms. No other file names a kernel version. Distributions patch
 * their kernels, so HAVE_* are features that Kbuild finds in the headers.
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

/* 5.10.204 enforces the permission to join a group, but by the flag of an operation. */
#ifndef GENL_MCAST_CAP_NET_ADMIN
#define GENL_MCAST_CAP_NET_ADMIN GENL_UNS_ADMIN_PERM
#endif

/* Both types check the length alone, if a policy sets no range. */
#ifndef HAVE_NLA_BE16
#define NLA_BE16 NLA_U16
#endif

#ifndef DEBUG_NET_WARN_ON_ONCE
#define DEBUG_NET_WARN_ON_ONCE(cond) BUILD_BUG_ON_INVALID(cond)
#endif

/* Since 6.6 a table has a size, and the old name is a macro; before, an empty entry ends it. */
#ifdef register_net_sysctl
#define TCPSTATE_SYSCTL_END 0
#else
#define TCPSTATE_SYSCTL_END 1
#endif

static inline struct ctl_table_header *
tcpstate_register_sysctl(struct net *net, const char *path, struct ctl_table *table, size_t size)
{
#ifdef register_net_sysctl
	return register_net_sysctl_sz(net, path, table, size);
#else
	return register_net_sysctl(net, path, table);
#endif
}

/* 6.11 made the table that a handler is given constant. */
#ifdef HAVE_CONST_CTL_TABLE
#define TCPSTATE_CTL_CONST const
#else
#define TCPSTATE_CTL_CONST
#endif

/* The attributes of a dump's request; 6.6 put them where a doit has them. */
static inline struct nlattr **tcpstate_genl_dump_attrs(struct netlink_callback *cb)
{
#ifdef HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* 6.9 calls a family before a socket joins one of its groups; no namespace is given. */
#ifdef HAVE_GENL_BIND
#define TCPSTATE_GENL_HAS_BIND 1
#else
#define TCPSTATE_GENL_HAS_BIND 0
#endif

/*
 * Returns whether nf_dup is sending its copy of a packet on this CPU, which TEE and
 * nft's dup do with BH disabled. 6.16 moved the mark from the CPU to the task.
 */
static inline bool tcpstate_duplicates(void)
{
#ifdef HAVE_IN_NF_DUPLICATE
	return current->in_nf_duplicate;
#else
	return softirq_count() && this_cpu_read(nf_skb_duplicated);
#endif
}

/*
 * The memory cgroup of the current task, to be put by tcpstate_memcg_put(), or
 * NULL: the root has no limit. Before 5.14 no module can charge another one.
 */
#if IS_ENABLED(CONFIG_MEMCG) && defined(HAVE_ACTIVE_MEMCG)
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
 * kernel can preempt each other, so that there it would not stay the same. No header
 * says so, hence the version.
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
