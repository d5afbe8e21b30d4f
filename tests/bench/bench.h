/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a segment costs: tcpstate's hooks and nf_conntrack's, timed in turn over
 * the same segments. control.c has the commands, traffic.c the segments,
 * hooks.c finds whom to time, lanes.c times, and wire.c sends along a real path.
 */
#ifndef _TCPSTATE_BENCH_H
#define _TCPSTATE_BENCH_H

#include <linux/completion.h>
#include <linux/netfilter.h>
#include <linux/prandom.h>
#include <linux/skbuff.h>

#define BENCH_BATCH 32		/* segments under one BH-disabled stretch */
#define BENCH_LIST 8		/* segments that GRO hands on together */
#define BENCH_SLICE (512 * BENCH_BATCH)	/* segments of one lane's turn, at most */
#define BENCH_CPUS 2		/* that are timed together */
#define BENCH_HANDSHAKE 3	/* segments until a connection is established */
#define BENCH_FIN 8		/* until the initiator has sent its FIN */
#define BENCH_LIFE 10		/* and until it is in TIME_WAIT */
#define BENCH_HOOKS 4		/* that one lane has in one place, at most */

/*
 * Nobody, whose time is that of the loop and the clock; tcpstate; conntrack; and
 * whoever is in the way from one network device to another.
 */
enum bench_lane_id {
	BENCH_NOBODY,
	BENCH_TCPSTATE,
	BENCH_CONNTRACK,
	BENCH_WIRE,
	BENCH_LANES,
};

#define BENCH_HOOKED (BIT(BENCH_NOBODY) | BIT(BENCH_TCPSTATE) | BIT(BENCH_CONNTRACK))

/**
 * struct bench_stream - which segments there are
 * @kind: lives led from their beginning; data flow by flow; data of flows at random
 * @first: BENCH_LIVES: number of the first flow
 * @flows: how many flows take part
 * @steps: BENCH_LIVES: how far each life is led
 * @segments: length of the stream, for each CPU
 * @group: so many pass a hook before the next hook sees the first of them
 * @cpus: on how many CPUs, each of which has its share of the flows
 * @shift: which share that is, so that it can be another the next time
 */
struct bench_stream {
	enum { BENCH_LIVES, BENCH_DATA, BENCH_RANDOM } kind;
	u32 first;
	u32 flows;
	u32 steps;
	u32 segments;
	u32 group;
	u32 cpus;
	u32 shift;
};

/**
 * struct bench_figures - what a lane's segments took
 * @segments: how many it got
 * @ns: time that they took, but for @interrupted
 * @fastest: nanoseconds a segment of its fastest batch
 * @interrupted: segments of batches that were interrupted
 * @refused: how many of them were not accepted, or not tracked
 */
struct bench_figures {
	u32 segments;
	u64 ns;
	u64 fastest;
	u32 interrupted;
	u32 refused;
};

/**
 * struct bench_worker - a CPU's own
 * @batch: skbs, used for ever
 * @random: which flow is next, by lane
 * @figures: by lane
 * @index: which of the CPUs
 * @err: why it gave up
 * @done: it has ended
 */
struct bench_worker {
	struct sk_buff *batch[BENCH_BATCH];
	struct rnd_state random[BENCH_LANES];
	struct bench_figures figures[BENCH_LANES];
	unsigned int index;
	int err;
	struct completion done;
};

/**
 * struct bench - all of it, protected by a mutex in control.c
 * @net: the namespace that the module was loaded in
 * @dev: what segments come in by; never registered
 * @family: of the segments
 * @lanes: whom the next command is about, bits
 * @established: flows 0 to this are established
 * @fresh: number of the next new flow
 * @turn: the lane that begins the next slice
 * @sent: data segments so far, per lane and established flow
 * @worker: one a CPU
 */
struct bench {
	struct net *net;
	struct net_device *dev;
	u8 family;
	unsigned long lanes;
	u32 established;
	u32 fresh;
	unsigned int turn;
	u32 *sent[BENCH_LANES];
	struct bench_worker worker[BENCH_CPUS];
};

extern struct bench bench;

/**
 * struct bench_hook - a hook to call, and how
 * @entry: it
 * @state: what it is to be told
 */
struct bench_hook {
	struct nf_hook_entry entry;
	struct nf_hook_state *state;
};

/**
 * struct bench_path - the hooks of a lane on the way of a forwarded segment
 * @state: what they are told, by hook number
 * @early: those of PRE_ROUTING, in order
 * @late: those behind it
 * @earlies: how many
 * @lates: how many
 * @tracked: whether the segment is to have a conntrack afterwards
 */
struct bench_path {
	struct nf_hook_state state[NF_INET_NUMHOOKS];
	struct bench_hook early[BENCH_HOOKS];
	struct bench_hook late[2 * BENCH_HOOKS];
	unsigned int earlies;
	unsigned int lates;
	bool tracked;
};

/* traffic.c */
int bench_batch_alloc(struct bench_worker *worker);
void bench_batch_free(struct bench_worker *worker);
void bench_build(struct bench_worker *worker, enum bench_lane_id lane,
		 const struct bench_stream *stream, u32 i, struct sk_buff *skb);

/* hooks.c */
void bench_hooks_learn(void);
int bench_hooks_find(enum bench_lane_id lane, struct bench_path *path);

/* lanes.c */
void bench_forget_figures(void);
int bench_run(const struct bench_stream *stream);
void bench_account(struct bench_figures *figures, unsigned int n, unsigned int accepted, u64 ns);

/* wire.c */
int bench_wire_begin(void);
int bench_wire_batch(struct bench_worker *worker, unsigned int n);
int bench_wire_end(void);

#endif /* _TCPSTATE_BENCH_H */
