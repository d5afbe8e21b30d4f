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

/*
 * The life of a namespace's watch. Its state changes under tcpstate_net::lock alone, so
 * operations of users exclude each other. The lock is left in STOPPING in two cases: the
 * namespace itself goes and no process can ask for anything any more, or the module does, and
 * each namespace is closed: then nothing waits, and nothing starts.
 *
 *			OFF		STARTING	ON		STOPPING
 *	enabled=1	starts		waits		nothing		waits
 *	enabled=0	nothing		waits		stops		waits
 *	FLUSH		nothing		-EBUSY		flushes		-EBUSY
 *	other sysctls	stored		stored		stored		stored
 *	dumps, files	empty		what there is	what there is	what is left
 *	segments	unseen		seen		seen		seen for a grace period
 *	sweep, judge	cannot start	may start	may start	run out, and cannot start
 *	netns exit	nothing		-		stops		-
 *	module unload	closes		waits		stops, closes	waits
 *
 * A namespace that is closed stays OFF. Stopping has phases: the hooks are unregistered, a
 * grace period passes, works are stopped for good, then memory is freed.
 */
enum tcpstate_life {
	TCPSTATE_OFF,
	TCPSTATE_STARTING,
	TCPSTATE_ON,
	TCPSTATE_STOPPING,
};

/**
 * struct tcpstate_net - tcpstate in one network namespace
 * @tables: flows and half-opens
 * @listeners: what becomes of handshakes, and verdicts
 * @log: counters and notifications
 * @net: the namespace, which outlives this
 * @lock: serialises what changes @life, and FLUSH
 * @life: enum tcpstate_life; written under @lock
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
	struct mutex lock;	/* protects @life */
	u8 life;
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
int tcpstate_net_flush(struct tcpstate_net *tn);

/* Are segments seen? Context: any; without the lock it may change at once. */
static inline bool tcpstate_net_enabled(const struct tcpstate_net *tn)
{
	return READ_ONCE(tn->life) == TCPSTATE_ON;
}

int tcpstate_observe_register(struct tcpstate_net *tn);
void tcpstate_observe_unregister(struct tcpstate_net *tn);

/* Without /proc the tables are read by netlink; without sysctl the defaults hold. */
#ifdef CONFIG_PROC_FS
int tcpstate_proc_init(void);
void tcpstate_proc_exit(void);
int tcpstate_proc_net_init(struct tcpstate_net *tn);
void tcpstate_proc_net_exit(struct tcpstate_net *tn);
#else
static inline int tcpstate_proc_init(void) { return 0; }
static inline void tcpstate_proc_exit(void) {}
static inline int tcpstate_proc_net_init(struct tcpstate_net *tn) { return 0; }
static inline void tcpstate_proc_net_exit(struct tcpstate_net *tn) {}
#endif

int tcpstate_netlink_init(void);
void tcpstate_netlink_exit(void);

void tcpstate_sysctl_defaults(struct tcpstate_net *tn);
#ifdef CONFIG_SYSCTL
int tcpstate_sysctl_net_init(struct tcpstate_net *tn);
void tcpstate_sysctl_net_exit(struct tcpstate_net *tn);
#else
static inline int tcpstate_sysctl_net_init(struct tcpstate_net *tn) { return 0; }
static inline void tcpstate_sysctl_net_exit(struct tcpstate_net *tn) {}
#endif

#endif /* _TCPSTATE_NETNS_H */
