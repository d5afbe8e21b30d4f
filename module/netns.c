// SPDX-License-Identifier: GPL-2.0
/* Coming and going of network namespaces. */
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <net/netns/generic.h>

#include "netns.h"
#include "sweep.h"

static unsigned int net_id __read_mostly;

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
 * tcpstate_net_enable() - watch, or stop watching
 * @tn: the namespace
 * @enable: which of the two
 *
 * Stopping waits for a grace period and ends every record; then nothing is left
 * of us in the path of a packet, and no memory in the tables.
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int tcpstate_net_enable(struct tcpstate_net *tn, bool enable)
{
	int err = 0;

	mutex_lock(&tn->lock);
	if (enable && !tn->enabled) {
		err = tcpstate_observe_register(tn->net);
		if (!err)
			tn->enabled = true;
	} else if (!enable && tn->enabled) {
		tcpstate_observe_unregister(tn->net);
		tn->enabled = false;
		synchronize_rcu();
		tcpstate_sweep_release(&tn->tables);
	}
	mutex_unlock(&tn->lock);
	return err;
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
	tn->stats = alloc_percpu(struct tcpstate_stats);
	if (!tn->stats)
		return -ENOMEM;
	tcpstate_sysctl_defaults(tn);
	tcpstate_tables_init(&tn->tables, tn->stats, net_eq(net, &init_net), max);

	err = tcpstate_proc_net_init(tn);
	if (err)
		goto free_stats;
	err = tcpstate_sysctl_net_init(tn);
	if (err)
		goto exit_proc;
	if (enabled_by_default) {
		err = tcpstate_net_enable(tn, true);
		if (err)
			goto exit_sysctl;
	}
	return 0;

exit_sysctl:
	tcpstate_sysctl_net_exit(tn);
exit_proc:
	tcpstate_proc_net_exit(tn);
free_stats:
	free_percpu(tn->stats);
	return err;
}

/* The writers first, then the hooks; a grace period follows before net_exit_batch(). */
static void __net_exit net_pre_exit(struct net *net)
{
	struct tcpstate_net *tn = tcpstate_net(net);

	tcpstate_sysctl_net_exit(tn);
	mutex_lock(&tn->lock);
	if (tn->enabled)
		tcpstate_observe_unregister(net);
	tn->enabled = false;
	mutex_unlock(&tn->lock);
}

static void __net_exit net_exit_batch(struct list_head *nets)
{
	struct tcpstate_net *tn;
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		tn = tcpstate_net(net);
		tcpstate_proc_net_exit(tn);
		tcpstate_sweep_release(&tn->tables);
		free_percpu(tn->stats);
	}
}

static struct pernet_operations operations = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit_batch = net_exit_batch,
	.id = &net_id,
	.size = sizeof(struct tcpstate_net),
};

/**
 * tcpstate_netns_init() - begin in every namespace there is and will be
 *
 * Context: module initialisation.
 * Return: 0 or a negative errno.
 */
int __init tcpstate_netns_init(void)
{
	return register_pernet_subsys(&operations);
}

/**
 * tcpstate_netns_exit() - end in every namespace
 *
 * Context: module exit.
 */
void tcpstate_netns_exit(void)
{
	unregister_pernet_subsys(&operations);
}
