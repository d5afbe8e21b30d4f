// SPDX-License-Identifier: GPL-2.0
/* Counters: names, and the few rules by which events become counts. */
#include <linux/bitops.h>
#include <linux/cpumask.h>

#include "stats.h"

const char *const tcpstate_counter_name[__TCPSTATE_A_COUNTER_MAX] = {
	[TCPSTATE_A_COUNTER_FLOWS]			= "flows",
	[TCPSTATE_A_COUNTER_HALFOPEN]			= "halfopen",
	[TCPSTATE_A_COUNTER_LISTENERS]			= "listeners",
	[TCPSTATE_A_COUNTER_MAX_FLOWS]			= "max_flows",
	[TCPSTATE_A_COUNTER_MAX_HALFOPEN]		= "max_halfopen",
	[TCPSTATE_A_COUNTER_MAX_LISTENERS]		= "max_listeners",
	[TCPSTATE_A_COUNTER_SEGMENTS]			= "segments",
	[TCPSTATE_A_COUNTER_SYN]			= "syn",
	[TCPSTATE_A_COUNTER_SYNACK]			= "synack",
	[TCPSTATE_A_COUNTER_FIN]			= "fin",
	[TCPSTATE_A_COUNTER_RST]			= "rst",
	[TCPSTATE_A_COUNTER_OPENED]			= "opened",
	[TCPSTATE_A_COUNTER_PICKED_UP]			= "picked_up",
	[TCPSTATE_A_COUNTER_ESTABLISHED]		= "established",
	[TCPSTATE_A_COUNTER_CLOSED_FIN]			= "closed_fin",
	[TCPSTATE_A_COUNTER_CLOSED_RESET]		= "closed_reset",
	[TCPSTATE_A_COUNTER_REFUSED]			= "refused",
	[TCPSTATE_A_COUNTER_TIMED_OUT]			= "timed_out",
	[TCPSTATE_A_COUNTER_SUPERSEDED]			= "superseded",
	[TCPSTATE_A_COUNTER_REUSED]			= "reused",
	[TCPSTATE_A_COUNTER_EVICTED]			= "evicted",
	[TCPSTATE_A_COUNTER_FLUSHED]			= "flushed",
	[TCPSTATE_A_COUNTER_SIMULTANEOUS_OPEN]		= "simultaneous_open",
	[TCPSTATE_A_COUNTER_SIMULTANEOUS_CLOSE]		= "simultaneous_close",
	[TCPSTATE_A_COUNTER_SYN_RETRANS]		= "syn_retrans",
	[TCPSTATE_A_COUNTER_SYNACK_RETRANS]		= "synack_retrans",
	[TCPSTATE_A_COUNTER_FIN_RETRANS]		= "fin_retrans",
	[TCPSTATE_A_COUNTER_DATA_RETRANS]		= "data_retrans",
	[TCPSTATE_A_COUNTER_KEEPALIVE]			= "keepalive",
	[TCPSTATE_A_COUNTER_ZERO_WINDOW]		= "zero_window",
	[TCPSTATE_A_COUNTER_MALFORMED]			= "malformed",
	[TCPSTATE_A_COUNTER_INVALID_FLAGS]		= "invalid_flags",
	[TCPSTATE_A_COUNTER_BAD_CHECKSUM]		= "bad_checksum",
	[TCPSTATE_A_COUNTER_OUT_OF_WINDOW]		= "out_of_window",
	[TCPSTATE_A_COUNTER_INVALID_ACK]		= "invalid_ack",
	[TCPSTATE_A_COUNTER_INVALID_RST]		= "invalid_rst",
	[TCPSTATE_A_COUNTER_RST_INEXACT]		= "rst_inexact",
	[TCPSTATE_A_COUNTER_STRAY]			= "stray",
	[TCPSTATE_A_COUNTER_FRAGMENT]			= "fragment",
	[TCPSTATE_A_COUNTER_RESYNC]			= "resync",
	[TCPSTATE_A_COUNTER_FLOW_TABLE_FULL]		= "flow_table_full",
	[TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL]	= "halfopen_table_full",
	[TCPSTATE_A_COUNTER_NOMEM]			= "nomem",
	[TCPSTATE_A_COUNTER_EVENTS_LOST]		= "events_lost",
};

/*
 * Facts as counters. What happens to a connection counts once; what is said of
 * segments counts each segment that the skb carries.
 */
static const struct {
	u8 counter;
	bool each_segment;
} fact_counters[TCPSTATE_FACT_MAX] = {
	[TCPSTATE_FACT_ESTABLISHED]		= { TCPSTATE_A_COUNTER_ESTABLISHED },
	[TCPSTATE_FACT_SIMULTANEOUS_OPEN]	= { TCPSTATE_A_COUNTER_SIMULTANEOUS_OPEN },
	[TCPSTATE_FACT_SIMULTANEOUS_CLOSE]	= { TCPSTATE_A_COUNTER_SIMULTANEOUS_CLOSE },
	[TCPSTATE_FACT_SYN_RETRANS]		= { TCPSTATE_A_COUNTER_SYN_RETRANS, true },
	[TCPSTATE_FACT_SYNACK_RETRANS]		= { TCPSTATE_A_COUNTER_SYNACK_RETRANS, true },
	[TCPSTATE_FACT_FIN_RETRANS]		= { TCPSTATE_A_COUNTER_FIN_RETRANS },
	[TCPSTATE_FACT_DATA_RETRANS]		= { TCPSTATE_A_COUNTER_DATA_RETRANS, true },
	[TCPSTATE_FACT_KEEPALIVE]		= { TCPSTATE_A_COUNTER_KEEPALIVE, true },
	[TCPSTATE_FACT_ZERO_WINDOW]		= { TCPSTATE_A_COUNTER_ZERO_WINDOW, true },
	[TCPSTATE_FACT_OUT_OF_WINDOW]		= { TCPSTATE_A_COUNTER_OUT_OF_WINDOW, true },
	[TCPSTATE_FACT_INVALID_ACK]		= { TCPSTATE_A_COUNTER_INVALID_ACK, true },
	[TCPSTATE_FACT_INVALID_RST]		= { TCPSTATE_A_COUNTER_INVALID_RST, true },
	[TCPSTATE_FACT_RST_INEXACT]		= { TCPSTATE_A_COUNTER_RST_INEXACT, true },
	[TCPSTATE_FACT_STRAY]			= { TCPSTATE_A_COUNTER_STRAY, true },
	[TCPSTATE_FACT_RESYNC]			= { TCPSTATE_A_COUNTER_RESYNC },
};

static const u8 reason_counters[__TCPSTATE_REASON_MAX] = {
	[TCPSTATE_REASON_FIN]		= TCPSTATE_A_COUNTER_CLOSED_FIN,
	[TCPSTATE_REASON_RESET]		= TCPSTATE_A_COUNTER_CLOSED_RESET,
	[TCPSTATE_REASON_REFUSED]	= TCPSTATE_A_COUNTER_REFUSED,
	[TCPSTATE_REASON_TIMEOUT]	= TCPSTATE_A_COUNTER_TIMED_OUT,
	[TCPSTATE_REASON_SUPERSEDED]	= TCPSTATE_A_COUNTER_SUPERSEDED,
	[TCPSTATE_REASON_REUSED]	= TCPSTATE_A_COUNTER_REUSED,
	[TCPSTATE_REASON_EVICTED]	= TCPSTATE_A_COUNTER_EVICTED,
	[TCPSTATE_REASON_FLUSHED]	= TCPSTATE_A_COUNTER_FLUSHED,
	[TCPSTATE_REASON_UNLOADED]	= TCPSTATE_A_COUNTER_FLUSHED,
};

/**
 * tcpstate_stats_facts() - count what a segment proved or was refused for
 * @stats: the namespace's counters
 * @facts: tcpstate_outcome::facts
 * @segments: how many segments the skb carried
 *
 * Context: BH disabled.
 */
void tcpstate_stats_facts(struct tcpstate_stats __percpu *stats, u32 facts, u32 segments)
{
	unsigned long bits = facts;
	unsigned int fact;

	for_each_set_bit(fact, &bits, TCPSTATE_FACT_MAX)
		tcpstate_percpu_add(stats->counter[fact_counters[fact].counter],
				    fact_counters[fact].each_segment ? segments : 1);
}

/**
 * tcpstate_stats_opened() - a record begins
 * @stats: the namespace's counters
 * @kind: as what it counts
 * @state: the states in which its endpoints begin
 *
 * Context: BH disabled.
 */
void tcpstate_stats_opened(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
			   const u8 state[2])
{
	tcpstate_percpu_inc(stats->records[kind]);
	tcpstate_percpu_inc(stats->pairs[state[0]][state[1]]);
	tcpstate_percpu_inc(stats->transitions[TCPSTATE_UNSPEC][state[0]]);
	tcpstate_percpu_inc(stats->transitions[TCPSTATE_UNSPEC][state[1]]);
}

/* Of both endpoints, either of which may have stayed where it was. */
static void count_transitions(struct tcpstate_stats __percpu *stats, const u8 from[2],
			      const u8 to[2])
{
	unsigned int end;

	for (end = 0; end < 2; end++)
		if (from[end] != to[end])
			tcpstate_percpu_inc(stats->transitions[from[end]][to[end]]);
}

/**
 * tcpstate_stats_moved() - a pair goes from one pair of states to another
 * @stats: the namespace's counters
 * @from: the states that the endpoints leave
 * @to: the states that they enter, one of which may be the same
 *
 * Context: BH disabled.
 */
void tcpstate_stats_moved(struct tcpstate_stats __percpu *stats, const u8 from[2],
			  const u8 to[2])
{
	tcpstate_percpu_dec(stats->pairs[from[0]][from[1]]);
	tcpstate_percpu_inc(stats->pairs[to[0]][to[1]]);
	count_transitions(stats, from, to);
}

/**
 * tcpstate_stats_shut() - both endpoints are closed, and their record is about to end
 * @stats: the namespace's counters
 * @from: the states that they leave, which may be closed already
 *
 * Context: BH disabled.
 */
void tcpstate_stats_shut(struct tcpstate_stats __percpu *stats, const u8 from[2])
{
	static const u8 closed[2] = { TCPSTATE_CLOSE, TCPSTATE_CLOSE };

	count_transitions(stats, from, closed);
}

/**
 * tcpstate_stats_closed() - a record ends
 * @stats: the namespace's counters
 * @kind: as what it counted
 * @state: the states in which its endpoints were last
 * @reason: why it ended
 *
 * Context: BH disabled.
 */
void tcpstate_stats_closed(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
			   const u8 state[2], enum tcpstate_reason reason)
{
	tcpstate_percpu_dec(stats->records[kind]);
	tcpstate_percpu_dec(stats->pairs[state[0]][state[1]]);
	tcpstate_percpu_inc(stats->counter[reason_counters[reason]]);
}

/**
 * tcpstate_stats_octets() - a table's records take more memory, or less
 * @stats: the namespace's counters
 * @kind: of the table
 * @octets: how many more
 *
 * Context: BH disabled.
 */
void tcpstate_stats_octets(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
			   long octets)
{
	tcpstate_percpu_add(stats->octets[kind], octets);
}

static void add_histogram(struct tcpstate_histogram *sum, const struct tcpstate_histogram *share)
{
	unsigned int i;

	for (i = 0; i < TCPSTATE_BUCKETS; i++)
		sum->bucket[i] += READ_ONCE(share->bucket[i]);
	sum->sum += READ_ONCE(share->sum);
}

static void add(struct tcpstate_stats *sum, const struct tcpstate_stats *share)
{
	unsigned int i, j;

	for (i = TCPSTATE_COUNTER_EVENTS; i <= TCPSTATE_A_COUNTER_MAX; i++)
		sum->counter[i] += READ_ONCE(share->counter[i]);
	for (i = 0; i < TCPSTATE_KIND_MAX; i++) {
		sum->records[i] += READ_ONCE(share->records[i]);
		sum->octets[i] += READ_ONCE(share->octets[i]);
	}
	for (i = 0; i < __TCPSTATE_STATE_MAX; i++) {
		add_histogram(&sum->dwell[i], &share->dwell[i]);
		for (j = 0; j < __TCPSTATE_STATE_MAX; j++) {
			sum->transitions[i][j] += READ_ONCE(share->transitions[i][j]);
			sum->pairs[i][j] += READ_ONCE(share->pairs[i][j]);
		}
	}
	for (i = 0; i < 2; i++)
		add_histogram(&sum->latency[i], &share->latency[i]);
}

/**
 * tcpstate_stats_sum() - add up all CPUs' shares
 * @stats: the namespace's counters
 * @sum: filled in, but for the limits, which are not known here
 *
 * Not a snapshot: while traffic flows, figures may be a segment apart.
 * Context: any; costs as much as there are CPUs, however many records.
 */
void tcpstate_stats_sum(struct tcpstate_stats __percpu *stats, struct tcpstate_stats *sum)
{
	unsigned int i, j;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		add(sum, per_cpu_ptr(stats, cpu));
	/* A record that came and went between two shares leaves less than nothing. */
	for (i = 0; i < __TCPSTATE_STATE_MAX; i++)
		for (j = 0; j < __TCPSTATE_STATE_MAX; j++)
			sum->pairs[i][j] = max(sum->pairs[i][j], 0);
	for (i = 0; i < TCPSTATE_KIND_MAX; i++) {
		sum->records[i] = max(sum->records[i], 0);
		sum->octets[i] = max(sum->octets[i], 0L);
	}
	sum->counter[TCPSTATE_A_COUNTER_FLOWS] = sum->records[TCPSTATE_FLOW];
	sum->counter[TCPSTATE_A_COUNTER_HALFOPEN] = sum->records[TCPSTATE_HALFOPEN];
}

/**
 * tcpstate_stats_endpoints() - how many endpoints are in a state now
 * @sum: filled in by tcpstate_stats_sum()
 * @end: initiators or responders
 * @state: which state
 *
 * Return: their number.
 */
unsigned long tcpstate_stats_endpoints(const struct tcpstate_stats *sum, enum tcpstate_end end,
				       unsigned int state)
{
	unsigned long n = 0;
	unsigned int peer;

	for (peer = 0; peer < __TCPSTATE_STATE_MAX; peer++)
		n += end == TCPSTATE_INITIATOR ? sum->pairs[state][peer] : sum->pairs[peer][state];
	return n;
}

/**
 * tcpstate_stats_entered() - how often an endpoint has entered a state
 * @sum: filled in by tcpstate_stats_sum()
 * @state: which state
 *
 * Return: that number.
 */
unsigned long tcpstate_stats_entered(const struct tcpstate_stats *sum, unsigned int state)
{
	unsigned long n = 0;
	unsigned int from;

	for (from = 0; from < __TCPSTATE_STATE_MAX; from++)
		n += sum->transitions[from][state];
	return n;
}

/**
 * tcpstate_stats_records() - how many records of a kind there are now
 * @stats: the namespace's counters
 * @kind: flows or half-opens
 *
 * Context: any.
 * Return: their number, lingering ones left out.
 */
unsigned long tcpstate_stats_records(struct tcpstate_stats __percpu *stats,
				     enum tcpstate_kind kind)
{
	int sum = 0, cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats, cpu)->records[kind]);
	return max(sum, 0);
}

/**
 * tcpstate_stats_pair() - how many records are in a pair of states now
 * @stats: the namespace's counters
 * @initiator: the initiator's state
 * @responder: the responder's
 *
 * Context: any.
 * Return: their number.
 */
unsigned int tcpstate_stats_pair(struct tcpstate_stats __percpu *stats, u8 initiator,
				 u8 responder)
{
	int sum = 0, cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats, cpu)->pairs[initiator][responder]);
	return max(sum, 0);
}
