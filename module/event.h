/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where what becomes of a namespace's records is written down: counters that
 * are always kept, and notifications for those who listen.
 *
 * A notification is put at the end of its group's queue by whoever holds the
 * record's bucket, and sent by one work for all groups: several in a buffer
 * when there are many, each at once when there are few.
 *
 * Netlink knows only whether a group has a listener in any namespace. So a
 * delivery shows whether one receives from this namespace. After a delivery
 * without a listener, nothing is queued until one of these happens: a tenth of
 * a second passes, a reader asks for the last numbers, or a process of this
 * namespace joins the group (since 6.9).
 */
#ifndef _TCPSTATE_EVENT_H
#define _TCPSTATE_EVENT_H

#include <linux/mutex.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "memory.h"

/* Buffers that may wait in a group; some ten notifications fit into each. */
#define TCPSTATE_BUFFERS_MAX 256

/* Octets that the buffers of one group take: room for all may be short. */
#define TCPSTATE_EVENTS_SIZE (TCPSTATE_BUFFERS_MAX * SKB_TRUESIZE(2 * PAGE_SIZE))

struct tcpstate_listeners;
struct tcpstate_record;
struct tcpstate_traces;

enum tcpstate_group {
	TCPSTATE_GROUP_FLOWS,
	TCPSTATE_GROUP_CLOSED,
	TCPSTATE_GROUP_SEGMENTS,
	TCPSTATE_GROUP_ALERTS,
	TCPSTATE_GROUP_MAX,
};

/**
 * struct tcpstate_queue - what is still to be sent to a multicast group
 * @buffers: its own lock protects @buffers and @seq; the last buffer may be
 *	filled further
 * @seq: the last number that was given, in the order of @buffers
 * @settled: the last number that was sent or lost; protected by
 *	tcpstate_log::sending, like @committed
 * @committed: the last number that a listener may know; if no listener is
 *	found, later numbers are given anew
 * @unheard: some deliveries found no listener, and nothing was queued since;
 *	cleared without a lock
 * @checked: since when such deliveries are counted (jiffies)
 * @probes: how many there were
 */
struct tcpstate_queue {
	struct sk_buff_head buffers;
	u64 seq;
	u64 settled;
	u64 committed;
	bool unheard;
	unsigned long checked;
	unsigned int probes;
};

/**
 * struct tcpstate_log - a namespace's books
 * @stats: counters
 * @key: of the hashes of connections, which dumps are in the order of; beside
 *	@stats, as every segment needs both
 * @memory: what it holds
 * @resets: ledger of RSTs
 * @net: whose
 * @queue: notifications, by enum tcpstate_group
 * @send: sends them
 * @sending: held while one buffer of each group is sent
 * @traces: whose segments to tell of; see trace.h
 * @traces_lock: serialises writers of @traces
 * @listeners: what becomes of handshakes; see listener.h
 */
struct tcpstate_log {
	struct tcpstate_stats __percpu *stats;
	hsiphash_key_t key;
	struct tcpstate_memory memory;
	struct tcpstate_resets resets;
	struct net *net;
	struct tcpstate_queue queue[TCPSTATE_GROUP_MAX];
	struct work_struct send;
	struct mutex sending;		/* protects what @queue says of deliveries */
	struct tcpstate_traces __rcu *traces;
	struct mutex traces_lock;	/* protects @traces */
	struct tcpstate_listeners *listeners;
};

/* Puts the attributes of a notification: 0, or -EMSGSIZE where they do not fit. */
typedef int (*tcpstate_put_fn)(struct sk_buff *skb, const void *what, u64 seq);

/* Process context. */
int tcpstate_event_init(void);
void tcpstate_event_exit(void);
void tcpstate_event_start(void);
void tcpstate_event_stop(void);
int tcpstate_log_init(struct tcpstate_log *log, struct net *net);
void tcpstate_log_exit(struct tcpstate_log *log);
void tcpstate_log_seq(struct tcpstate_log *log, bool reader, u64 seq[TCPSTATE_GROUP_MAX]);

/* Any context. */
void tcpstate_event_joined(struct tcpstate_log *log, enum tcpstate_group group);
bool tcpstate_event_heard(const struct tcpstate_log *log, enum tcpstate_group group);
void tcpstate_event_post(struct tcpstate_log *log, enum tcpstate_group group, u8 cmd,
			 tcpstate_put_fn put, const void *what);
void tcpstate_event_lost(struct tcpstate_log *log, enum tcpstate_group group);
void tcpstate_event(struct tcpstate_log *log, enum tcpstate_event_type type,
		    const struct tcpstate_record *record, const u8 state[2],
		    enum tcpstate_reason reason);

#endif /* _TCPSTATE_EVENT_H */
