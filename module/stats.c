// SPDX-License-Identifier: GPL-2.0
/* Counters: names, and the few rules by which events become counts. */
#include <linux/bitops.h>
#include <linux/cpumask.h>

#include "stats.h"

const char *const tcpstate_counter_name[TCPSTATE_COUNT_MAX] = {
	[TCPSTATE_COUNT_SEGMENTS]		= "segments",
	[TCPSTATE_COUNT_SYN]			= "syn",
	[TCPSTATE_COUNT_SYNACK]			= "synack",
	[TCPSTATE_COUNT_FIN]			= "fin",
	[TCPSTATE_COUNT_RST]			= "rst",
	[TCPSTATE_COUNT_OPENED]			= "opened",
	[TCPSTATE_COUNT_PICKED_UP]		= "picked_up",
	[TCPSTATE_COUNT_ESTABLISHED]		= "established",
	[TCPSTATE_COUNT_CLOSED_FIN]		= "closed_fin",
	[TCPSTATE_COUNT_CLOSED_RESET]		= "closed_reset",
	[TCPSTATE_COUNT_REFUSED]		= "refused",
	[TCPSTATE_COUNT_TIMED_OUT]		= "timed_out",
	[TCPSTATE_COUNT_SUPERSEDED]		= "superseded",
	[TCPSTATE_COUNT_REUSED]			= "reused",
	[TCPSTATE_COUNT_EVICTED]		= "evicted",
	[TCPSTATE_COUNT_FLUSHED]		= "flushed",
	[TCPSTATE_COUNT_SIMULTANEOUS_OPEN]	= "simultaneous_open",
	[TCPSTATE_COUNT_SIMULTANEOUS_CLOSE]	= "simultaneous_close",
	[TCPSTATE_COUNT_SYN_RETRANS]		= "syn_retrans",
	[TCPSTATE_COUNT_SYNACK_RETRANS]		= "synack_retrans",
	[TCPSTATE_COUNT_FIN_RETRANS]		= "fin_retrans",
	[TCPSTATE_COUNT_DATA_RETRANS]		= "data_retrans",
	[TCPSTATE_COUNT_KEEPALIVE]		= "keepalive",
	[TCPSTATE_COUNT_ZERO_WINDOW]		= "zero_window",
	[TCPSTATE_COUNT_MALFORMED]		= "malformed",
	[TCPSTATE_COUNT_INVALID_FLAGS]		= "invalid_flags",
	[TCPSTATE_COUNT_BAD_CHECKSUM]		= "bad_checksum",
	[TCPSTATE_COUNT_OUT_OF_WINDOW]		= "out_of_window",
	[TCPSTATE_COUNT_INVALID_ACK]		= "invalid_ack",
	[TCPSTATE_COUNT_INVALID_RST]		= "invalid_rst",
	[TCPSTATE_COUNT_RST_INEXACT]		= "rst_inexact",
	[TCPSTATE_COUNT_STRAY]			= "stray",
	[TCPSTATE_COUNT_FRAGMENT]		= "fragment",
	[TCPSTATE_COUNT_RESYNC]			= "resync",
	[TCPSTATE_COUNT_FLOW_TABLE_FULL]	= "flow_table_full",
	[TCPSTATE_COUNT_HALFOPEN_TABLE_FULL]	= "halfopen_table_full",
	[TCPSTATE_COUNT_NOMEM]			= "nomem",
	[TCPSTATE_COUNT_EVENTS_LOST]		= "events_lost",
};

/*
 * Facts as counters. What happens to a connection counts once; what is said of
 * segments counts each segment that the skb carries.
 */
static const struct {
	u8 counter;
	bool each_segment;
} fact_counters[TCPSTATE_FACT_MAX] = {
	[TCPSTATE_FACT_ESTABLISHED]		= { TCPSTATE_COUNT_ESTABLISHED },
	[TCPSTATE_FACT_SIMULTANEOUS_OPEN]	= { TCPSTATE_COUNT_SIMULTANEOUS_OPEN },
	[TCPSTATE_FACT_SIMULTANEOUS_CLOSE]	= { TCPSTATE_COUNT_SIMULTANEOUS_CLOSE },
	[TCPSTATE_FACT_SYN_RETRANS]		= { TCPSTATE_COUNT_SYN_RETRANS, true },
	[TCPSTATE_FACT_SYNACK_RETRANS]		= { TCPSTATE_COUNT_SYNACK_RETRANS, true },
	[TCPSTATE_FACT_FIN_RETRANS]		= { TCPSTATE_COUNT_FIN_RETRANS },
	[TCPSTATE_FACT_DATA_RETRANS]		= { TCPSTATE_COUNT_DATA_RETRANS, true },
	[TCPSTATE_FACT_KEEPALIVE]		= { TCPSTATE_COUNT_KEEPALIVE, true },
	[TCPSTATE_FACT_ZERO_WINDOW]		= { TCPSTATE_COUNT_ZERO_WINDOW, true },
	[TCPSTATE_FACT_OUT_OF_WINDOW]		= { TCPSTATE_COUNT_OUT_OF_WINDOW, true },
	[TCPSTATE_FACT_INVALID_ACK]		= { TCPSTATE_COUNT_INVALID_ACK, true },
	[TCPSTATE_FACT_INVALID_RST]		= { TCPSTATE_COUNT_INVALID_RST, true },
	[TCPSTATE_FACT_RST_INEXACT]		= { TCPSTATE_COUNT_RST_INEXACT, true },
	[TCPSTATE_FACT_STRAY]			= { TCPSTATE_COUNT_STRAY, true },
	[TCPSTATE_FACT_RESYNC]			= { TCPSTATE_COUNT_RESYNC },
};

static const u8 reason_counters[TCPSTATE_REASON_MAX] = {
	[TCPSTATE_REASON_FIN]		= TCPSTATE_COUNT_CLOSED_FIN,
	[TCPSTATE_REASON_RESET]		= TCPSTATE_COUNT_CLOSED_RESET,
	[TCPSTATE_REASON_REFUSED]	= TCPSTATE_COUNT_REFUSED,
	[TCPSTATE_REASON_TIMEOUT]	= TCPSTATE_COUNT_TIMED_OUT,
	[TCPSTATE_REASON_SUPERSEDED]	= TCPSTATE_COUNT_SUPERSEDED,
	[TCPSTATE_REASON_REUSED]	= TCPSTATE_COUNT_REUSED,
	[TCPSTATE_REASON_EVICTED]	= TCPSTATE_COUNT_EVICTED,
	[TCPSTATE_REASON_FLUSHED]	= TCPSTATE_COUNT_FLUSHED,
};

/**
 * tcpstate_stats_facts() - count what a segment proved or was refused for
 * @stats: the namespace's counters
 * @facts: tcpstate_outcome::facts
 * @segments: how many segments the skb carried
 *
 * Context: any.
 */
void tcpstate_stats_facts(struct tcpstate_stats __percpu *stats, u32 facts, u32 segments)
{
	unsigned long bits = facts;
	unsigned int fact;

	for_each_set_bit(fact, &bits, TCPSTATE_FACT_MAX)
		this_cpu_add(stats->counter[fact_counters[fact].counter],
			     fact_counters[fact].each_segment ? segments : 1);
}

/**
 * tcpstate_stats_closed() - count the end of a record
 * @stats: the namespace's counters
 * @reason: why it ended
 *
 * Context: any.
 */
void tcpstate_stats_closed(struct tcpstate_stats __percpu *stats, enum tcpstate_reason reason)
{
	this_cpu_inc(stats->counter[reason_counters[reason]]);
}

/**
 * tcpstate_stats_moved() - an endpoint goes from one state to another
 * @stats: the namespace's counters
 * @end: which endpoint
 * @from: the state it leaves, TCPSTATE_UNSPEC where its record begins
 * @to: the state it enters, TCPSTATE_UNSPEC where its record ends
 *
 * Context: any.
 */
void tcpstate_stats_moved(struct tcpstate_stats __percpu *stats, enum tcpstate_end end,
			  u8 from, u8 to)
{
	if (from == to)
		return;
	if (from)
		this_cpu_dec(stats->endpoints[end][from]);
	if (to) {
		this_cpu_inc(stats->endpoints[end][to]);
		this_cpu_inc(stats->entered[to]);
	}
}

/**
 * tcpstate_stats_sum() - add up all CPUs' shares
 * @stats: the namespace's counters
 * @sum: filled in
 *
 * Not a snapshot: while traffic flows, figures may be a segment apart.
 * Context: any; costs as much as there are CPUs, however many records.
 */
void tcpstate_stats_sum(struct tcpstate_stats __percpu *stats, struct tcpstate_stats *sum)
{
	const struct tcpstate_stats *share;
	unsigned int i, end;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		share = per_cpu_ptr(stats, cpu);
		for (i = 0; i < TCPSTATE_COUNT_MAX; i++)
			sum->counter[i] += READ_ONCE(share->counter[i]);
		for (i = 0; i < __TCPSTATE_STATE_MAX; i++) {
			sum->entered[i] += READ_ONCE(share->entered[i]);
			for (end = 0; end < 2; end++)
				sum->endpoints[end][i] += READ_ONCE(share->endpoints[end][i]);
		}
		for (i = 0; i < TCPSTATE_KIND_MAX; i++)
			sum->records[i] += READ_ONCE(share->records[i]);
	}
	/* A record that came and went between two shares leaves less than nothing. */
	for (i = 0; i < __TCPSTATE_STATE_MAX; i++)
		for (end = 0; end < 2; end++)
			sum->endpoints[end][i] = max(sum->endpoints[end][i], 0L);
	for (i = 0; i < TCPSTATE_KIND_MAX; i++)
		sum->records[i] = max(sum->records[i], 0L);
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
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats, cpu)->records[kind]);
	return max(sum, 0L);
}
