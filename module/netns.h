/* SPDX-License-Identifier: GPL-2.0 */
/* What a network namespace has of its own. */
#ifndef _TCPSTATE_NETNS_H
#define _TCPSTATE_NETNS_H

#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "listener.h"
#include "table.h"

/* Four places of each address family. */
#define TCPSTATE_HOOKS 8

/**
 * struct tcpstate_net - tcpstate in one network namespace
 * @tables: flows and half-opens
 * @listeners: what becomes of handshakes, and verdicts
 * @log: counters and notifications
 * @net: the namespace, which outlives this
 * @lock: serialises @enabled and the hooks
 * @enabled: the hooks are registered; protected by @lock
 * @hooks: what runs for every packet, each told that it is this namespace's
 * @loose: open records for what was under way before we saw it
 * @checksum: verify checksums on receive
 * @sysctl: net.tcpstate
 * @sysctl_table: what it was made from
 */
struct tcpstate_net {
	struct tcpstate_tables tables;
	struct tcpstate_listeners listeners;
	struct tcpstate_log log;
	struct net *net;
	struct mutex lock;	/* protects @enabled */
	u8 enabled;
	struct nf_hook_ops hooks[TCPSTATE_HOOKS];
	u8 loose;
	u8 checksum;
	struct ctl_table_header *sysctl;
	struct ctl_table *sysctl_table;
};

/* Limits that hold for each namespace, set when the module is loaded. */
extern unsigned int tcpstate_max_flows;
extern unsigned int tcpstate_max_halfopen;
extern unsigned int tcpstate_max_listeners;

int tcpstate_netns_init(void);
void tcpstate_netns_exit(void);
void tcpstate_netns_stop(void);

struct tcpstate_net *tcpstate_net(const struct net *net);
void tcpstate_net_stats(const struct tcpstate_net *tn, struct tcpstate_stats *sum);
int tcpstate_net_enable(struct tcpstate_net *tn, bool enable);

int tcpstate_observe_register(struct tcpstate_net *tn);
void tcpstate_observe_unregister(struct tcpstate_net *tn);

int tcpstate_proc_init(void);
void tcpstate_proc_exit(void);
int tcpstate_proc_net_init(struct tcpstate_net *tn);
void tcpstate_proc_net_exit(struct tcpstate_net *tn);

int tcpstate_netlink_init(void);
void tcpstate_netlink_exit(void);

void tcpstate_sysctl_defaults(struct tcpstate_net *tn);
int tcpstate_sysctl_net_init(struct tcpstate_net *tn);
void tcpstate_sysctl_net_exit(struct tcpstate_net *tn);

#endif /* _TCPSTATE_NETNS_H */
