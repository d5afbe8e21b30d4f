// SPDX-License-Identifier: GPL-2.0
/* Coming and going of network namespaces, and what each may hold. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/netns/generic.h>

#include "batch.h"
#include "judge.h"
#include "netns.h"
#include "sweep.h"
#include "trace.h"
#include "walk.h"

/* Far beyond what memory allows; a slip of the hand ends here. */
#define RECORDS_MAX 0x4000000U

unsigned int tcpstate_max_flows;
module_param_named(max_flows, tcpstate_max_flows, uint, 0444);
MODULE_PARM_DESC(max_flows, "flows in a network namespace (default: one per 32 KiB of memory)");

unsigned int tcpstate_max_halfopen;
module_param_named(max_halfopen, tcpstate_max_halfopen, uint, 0444);
MODULE_PARM_DESC(max_halfopen,
		 "half-opens in a network namespace (default: one per 64 KiB of memory, at most 65536)");

unsigned int tcpstate_max_listeners;
module_param_named(max_listeners, tcpstate_max_listeners, uint, 0444);
MODULE_PARM_DESC(max_listeners, "listeners in a network namespace (default: 1024)");

static unsigned int net_id __read_mostly;

/* Loads the module: namespaces that are there already have another creator. */
static const struct task_struct *loader;

static bool enabled_by_default = true;
module_param_named(enabled, enabled_by_default, bool, 0444);
MODULE_PARM_DESC(enabled, "watch in new network namespaces (default: true)");

/**
 * tcpstate_net() - tcpstate in a namespace
 * @net: the namespace
 *
 * Context: any.
 * Return: what belongs to @net, valid as long as its hooks are.
 */
struct tcpstate_net *tcpstate_net(const struct net *net)
{
	return net_generic(net, net_id);
}

/**
 * tcpstate_net_stats() - every figure of a namespace
 * @tn: the namespace
 * @sum: filled in
 *
 * Context: any; see tcpstate_stats_sum().
 */
void tcpstate_net_stats(const struct tcpstate_net *tn, struct tcpstate_stats *sum)
{
	tcpstate_stats_sum(tn->log.stats, sum);
	sum->counter[TCPSTATE_A_COUNTER_LISTENERS] = atomic_read(&tn->listeners.count);
	sum->counter[TCPSTATE_A_COUNTER_MAX_FLOWS] = tcpstate_max_flows;
	sum->counter[TCPSTATE_A_COUNTER_MAX_HALFOPEN] = tcpstate_max_halfopen;
	sum->counter[TCPSTATE_A_COUNTER_MAX_LISTENERS] = tcpstate_max_listeners;
}

/* The module is about to go: what is off stays off. */
static bool closing;

static void set_life(struct tcpstate_net *tn, enum tcpstate_life life)
{
	lockdep_assert_held(&tn->lock);
	WRITE_ONCE(tn->life, life);
}

/*
 * Stopping has three phases. Many namespaces that stop together go through each together,
 * so that they wait for one grace period.
 */
static void unhook(struct tcpstate_net *tn)
{
	lockdep_assert_held(&tn->lock);
	if (tn->life != TCPSTATE_ON)
		return;
	set_life(tn, TCPSTATE_STOPPING);
	tcpstate_observe_unregister(tn);
}

static void await_segments(void)
{
	synchronize_rcu();
	tcpstate_batch_flush();
}

static void release(struct tcpstate_net *tn, enum tcpstate_reason reason)
{
	lockdep_assert_held(&tn->lock);
	if (tn->life != TCPSTATE_STOPPING)
		return;
	tcpstate_sweep_release(&tn->tables, reason);
	tcpstate_listeners_release(&tn->listeners);
	set_life(tn, TCPSTATE_OFF);
}

static int start(struct tcpstate_net *tn)
{
	int err;

	lockdep_assert_held(&tn->lock);
	if (tn->life == TCPSTATE_ON)
		return 0;
	if (READ_ONCE(closing))
		return -ENODEV;
	set_life(tn, TCPSTATE_STARTING);
	tcpstate_sweep_allow(&tn->tables);
	tcpstate_judge_start(&tn->listeners);
	err = tcpstate_observe_register(tn);
	if (err) {
		/* Hooks that were registered first may have seen segments. */
		set_life(tn, TCPSTATE_STOPPING);
		await_segments();
		release(tn, TCPSTATE_REASON_FLUSHED);
		return err;
	}
	set_life(tn, TCPSTATE_ON);
	return 0;
}

static void stop(struct tcpstate_net *tn)
{
	lockdep_assert_held(&tn->lock);
	if (tn->life != TCPSTATE_ON)
		return;
	unhook(tn);
	await_segments();
	release(tn, TCPSTATE_REASON_FLUSHED);
}

/**
 * tcpstate_net_enable() - watch, or stop watching
 * @tn: the namespace
 * @enable: which of the two
 *
 * Stopping waits for a grace period and ends every record; then nothing is left
 * of us in the path of a packet, and no memory in the tables.
 *
 * Context: process.
 * Return: 0 or a negative errno; -ENODEV once the module is about to go.
 */
int tcpstate_net_enable(struct tcpstate_net *tn, bool enable)
{
	int err = 0;

	mutex_lock(&tn->lock);
	if (enable)
		err = start(tn);
	else
		stop(tn);
	mutex_unlock(&tn->lock);
	return err;
}

/**
 * tcpstate_net_flush() - end every record and remove every listener that can be
 * @tn: the namespace
 *
 * Context: process.
 * Return: 0, or -EBUSY if another operation is under way. Its end is not awaited: generic
 * netlink holds a lock of the whole machine meanwhile.
 */
int tcpstate_net_flush(struct tcpstate_net *tn)
{
	if (!mutex_trylock(&tn->lock))
		return -EBUSY;
	if (tn->life == TCPSTATE_ON) {
		tcpstate_walk_flush(&tn->tables);
		tcpstate_listeners_flush(&tn->listeners);
	}
	mutex_unlock(&tn->lock);
	return 0;
}

static int __net_init net_init(struct net *net)
{
	const unsigned int max[TCPSTATE_KIND_MAX] = {
		[TCPSTATE_FLOW] = tcpstate_max_flows,
		[TCPSTATE_HALFOPEN] = tcpstate_max_halfopen,
	};
	struct tcpstate_net *tn = tcpstate_net(net);
	int err;

	tn->net = net;
	mutex_init(&tn->lock);
	tcpstate_memory_init(&tn->log.memory, net_eq(net, &init_net), current != loader);
	tcpstate_memory_fixed(&tn->log.memory, sizeof(*tn));
	err = tcpstate_log_init(&tn->log, net);
	if (err)
		goto exit_memory;
	err = tcpstate_listeners_init(&tn->listeners, &tn->log, tcpstate_max_listeners,
				      net_eq(net, &init_net));
	if (err)
		goto exit_log;
	tcpstate_sysctl_defaults(tn);
	tcpstate_tables_init(&tn->tables, &tn->log, net_eq(net, &init_net), max);

	err = tcpstate_proc_net_init(tn);
	if (err)
		goto exit_listeners;
	err = tcpstate_sysctl_net_init(tn);
	if (err)
		goto exit_proc;
	if (!enabled_by_default)
		return 0;
	err = tcpstate_net_enable(tn, true);
	/*
	 * A namespace may be so full of hooks of its user's that ours find no room. It
	 * stays off then, for it must not keep the module from being loaded.
	 */
	if (err && net_eq(net, &init_net))
		goto exit_sysctl;
	return 0;

exit_sysctl:
	tcpstate_sysctl_net_exit(tn);
exit_proc:
	tcpstate_proc_net_exit(tn);
exit_listeners:
	tcpstate_listeners_exit(&tn->listeners);
exit_log:
	tcpstate_log_exit(&tn->log);
exit_memory:
	tcpstate_memory_exit(&tn->log.memory);
	return err;
}

/* Writers first, then the hooks; a grace period follows before net_exit_batch(). */
static void __net_exit net_pre_exit(struct net *net)
{
	struct tcpstate_net *tn = tcpstate_net(net);

	tcpstate_sysctl_net_exit(tn);
	mutex_lock(&tn->lock);
	unhook(tn);
	mutex_unlock(&tn->lock);
}

static void __net_exit net_exit_batch(struct list_head *nets)
{
	struct tcpstate_net *tn;
	struct net *net;

	tcpstate_batch_flush();
	list_for_each_entry(net, nets, exit_list) {
		tn = tcpstate_net(net);
		tcpstate_proc_net_exit(tn);
		mutex_lock(&tn->lock);
		release(tn, TCPSTATE_REASON_FLUSHED);
		mutex_unlock(&tn->lock);
		tcpstate_listeners_exit(&tn->listeners);
		tcpstate_trace_exit(&tn->log);
		tcpstate_log_exit(&tn->log);
		tcpstate_memory_exit(&tn->log.memory);
	}
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit_batch = net_exit_batch,
	.id = &net_id,
	.size = sizeof(struct tcpstate_net),
};

/* A limit that was not given, and so is 0, follows from the memory that there is. */
static int __init set_limit(const char *name, unsigned int *limit, u64 fitting,
			    unsigned int least, unsigned int most, unsigned int last)
{
	if (!*limit)
		*limit = clamp_t(u64, fitting, least, most);
	if (*limit <= last)
		return 0;
	pr_err("%s=%u is out of range, at most %u\n", name, *limit, last);
	return -EINVAL;
}

static int __init set_limits(void)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;

	return set_limit("max_flows", &tcpstate_max_flows, memory >> 15, 16384, 1U << 22,
			 RECORDS_MAX) ?:
	       set_limit("max_halfopen", &tcpstate_max_halfopen, memory >> 16, 4096, 65536,
			 RECORDS_MAX) ?:
	       set_limit("max_listeners", &tcpstate_max_listeners, 1024, 1024, 1024,
			 TCPSTATE_LISTENERS_MAX);
}

/**
 * tcpstate_netns_init() - begin in every namespace there is and will be
 *
 * Context: module initialisation. Tells the limits in force.
 * Return: 0 or a negative errno.
 */
int __init tcpstate_netns_init(void)
{
	int err = set_limits();

	if (err)
		return err;
	tcpstate_memory_limits(tcpstate_max_flows, tcpstate_max_halfopen,
			       tcpstate_max_listeners);
	loader = current;
	err = register_pernet_subsys(&net_ops);
	loader = NULL;
	if (err)
		return err;
	pr_info("at most %u flows, %u half-open, %u listeners in a network namespace\n",
		tcpstate_max_flows, tcpstate_max_halfopen, tcpstate_max_listeners);
	return 0;
}

/**
 * tcpstate_netns_stop() - watch no namespace any more
 *
 * The module is about to go: every record ends and is told of, while there is
 * a family to tell it through.
 *
 * Context: module exit.
 */
void tcpstate_netns_stop(void)
{
	struct tcpstate_net *tn;
	struct net *net;

	/* What is made from now on has nothing to tell, and what is off stays so. */
	enabled_by_default = false;
	WRITE_ONCE(closing, true);
	down_read(&net_rwsem);
	for_each_net(net) {
		tn = tcpstate_net(net);
		mutex_lock(&tn->lock);
		unhook(tn);
		mutex_unlock(&tn->lock);
	}
	await_segments();
	for_each_net(net) {
		tn = tcpstate_net(net);
		mutex_lock(&tn->lock);
		release(tn, TCPSTATE_REASON_UNLOADED);
		mutex_unlock(&tn->lock);
	}
	up_read(&net_rwsem);
}

/**
 * tcpstate_netns_exit() - end in every namespace
 *
 * Context: module exit.
 */
void tcpstate_netns_exit(void)
{
	unregister_pernet_subsys(&net_ops);
}
