/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters and gauges of one network namespace: per CPU, summed when read. One
 * enum and one table of names serve every view.
 */
#ifndef _TCPSTATE_STATS_H
#define _TCPSTATE_STATS_H

#include <linux/percpu.h>

#include "fsm.h"

enum tcpstate_counter {
	/* segments, those that an offloaded one stands for counted each */
	TCPSTATE_COUNT_SEGMENTS,	/* TCP segments whose header could be read */
	TCPSTATE_COUNT_SYN,		/* of these SYN without ACK */
	TCPSTATE_COUNT_SYNACK,		/* SYN with ACK */
	TCPSTATE_COUNT_FIN,
	TCPSTATE_COUNT_RST,
	/* lives; a record begins in one of the first two and ends in one of the last eight */
	TCPSTATE_COUNT_OPENED,		/* by a SYN */
	TCPSTATE_COUNT_PICKED_UP,	/* by anything else */
	TCPSTATE_COUNT_ESTABLISHED,	/* handshakes completed */
	TCPSTATE_COUNT_CLOSED_FIN,	/* ended by FINs */
	TCPSTATE_COUNT_CLOSED_RESET,	/* by a RST */
	TCPSTATE_COUNT_REFUSED,		/* by a RST that answered the SYN */
	TCPSTATE_COUNT_TIMED_OUT,	/* by silence */
	TCPSTATE_COUNT_SUPERSEDED,	/* by a new SYN that its peer confirmed */
	TCPSTATE_COUNT_REUSED,		/* by a new SYN during TIME_WAIT */
	TCPSTATE_COUNT_EVICTED,		/* by lack of room */
	TCPSTATE_COUNT_FLUSHED,		/* by the operator */
	/* oddities */
	TCPSTATE_COUNT_SIMULTANEOUS_OPEN,
	TCPSTATE_COUNT_SIMULTANEOUS_CLOSE,
	TCPSTATE_COUNT_SYN_RETRANS,
	TCPSTATE_COUNT_SYNACK_RETRANS,
	TCPSTATE_COUNT_FIN_RETRANS,
	TCPSTATE_COUNT_DATA_RETRANS,
	TCPSTATE_COUNT_KEEPALIVE,
	TCPSTATE_COUNT_ZERO_WINDOW,
	/* refused evidence */
	TCPSTATE_COUNT_MALFORMED,	/* a TCP header that does not fit its packet */
	TCPSTATE_COUNT_INVALID_FLAGS,	/* control bits that no TCP sends together */
	TCPSTATE_COUNT_BAD_CHECKSUM,
	TCPSTATE_COUNT_OUT_OF_WINDOW,
	TCPSTATE_COUNT_INVALID_ACK,	/* acknowledges what was never sent */
	TCPSTATE_COUNT_INVALID_RST,
	TCPSTATE_COUNT_RST_INEXACT,	/* in the window, which is not enough (RFC 5961) */
	TCPSTATE_COUNT_STRAY,		/* of no connection, or of one that ended */
	TCPSTATE_COUNT_FRAGMENT,	/* fragments other than the first */
	/* repairs */
	TCPSTATE_COUNT_RESYNC,
	/* pressure */
	TCPSTATE_COUNT_FLOW_TABLE_FULL,
	TCPSTATE_COUNT_HALFOPEN_TABLE_FULL,
	TCPSTATE_COUNT_NOMEM,
	TCPSTATE_COUNT_EVENTS_LOST,
	TCPSTATE_COUNT_MAX,
};

/* Which table a record is in; also an index into tcpstate_stats::records. */
enum tcpstate_kind {
	TCPSTATE_FLOW,
	TCPSTATE_HALFOPEN,
	TCPSTATE_KIND_MAX,
};

/**
 * struct tcpstate_stats - one CPU's share
 * @counter: events since the namespace began
 * @entered: how often an endpoint entered each state
 * @endpoints: endpoints in each state now; only the sum over all CPUs means
 *	anything, since a record may come on one CPU and go on another
 * @records: records of each kind now, likewise; lingering ones are in neither
 *
 * Written with this_cpu operations alone, from any context.
 */
struct tcpstate_stats {
	unsigned long counter[TCPSTATE_COUNT_MAX];
	unsigned long entered[__TCPSTATE_STATE_MAX];
	long endpoints[2][__TCPSTATE_STATE_MAX];
	long records[TCPSTATE_KIND_MAX];
};

extern const char *const tcpstate_counter_name[TCPSTATE_COUNT_MAX];

#define tcpstate_count_add(stats, name, n) \
	this_cpu_add((stats)->counter[TCPSTATE_COUNT_##name], n)
#define tcpstate_count(stats, name) tcpstate_count_add(stats, name, 1)

void tcpstate_stats_facts(struct tcpstate_stats __percpu *stats, u32 facts, u32 segments);
void tcpstate_stats_closed(struct tcpstate_stats __percpu *stats, enum tcpstate_reason reason);
void tcpstate_stats_moved(struct tcpstate_stats __percpu *stats, enum tcpstate_end end,
			  u8 from, u8 to);
void tcpstate_stats_sum(struct tcpstate_stats __percpu *stats, struct tcpstate_stats *sum);
unsigned long tcpstate_stats_records(struct tcpstate_stats __percpu *stats,
				     enum tcpstate_kind kind);

#endif /* _TCPSTATE_STATS_H */
