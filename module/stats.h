/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters, gauges and histograms of one network namespace: per CPU, summed
 * when read. The enum is uapi's enum tcpstate_counter; it and one table of
 * names serve every view.
 */
#ifndef _TCPSTATE_STATS_H
#define _TCPSTATE_STATS_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/percpu.h>

#include "fsm.h"

/* Which table a record is in; also an index into tcpstate_stats::records. */
enum tcpstate_kind {
	TCPSTATE_FLOW,
	TCPSTATE_HALFOPEN,
	TCPSTATE_KIND_MAX,
};

/* The events among the counters; before them come gauges and limits. */
#define TCPSTATE_COUNTER_FIRST	TCPSTATE_A_COUNTER_FLOWS
#define TCPSTATE_COUNTER_EVENTS	TCPSTATE_A_COUNTER_SEGMENTS

/* A bucket for each power of two; the last takes what is beyond. */
#define TCPSTATE_BUCKETS 32

/**
 * struct tcpstate_histogram - of a time
 * @bucket: how many, by tcpstate_bucket()
 * @sum: all of them together
 */
struct tcpstate_histogram {
	unsigned long bucket[TCPSTATE_BUCKETS];
	unsigned long sum;
};

/**
 * struct tcpstate_stats - one CPU's share, or the sum of all
 * @counter: events since the namespace began; gauges and limits only in the sum
 * @transitions: how often an endpoint went from each state to each other one; from
 *	TCPSTATE_UNSPEC where its record began
 * @pairs: records in each pair of states now, the initiator's first; only the
 *	sum over all CPUs means anything, since a record may come on one CPU and
 *	go on another
 * @records: records of each kind now, likewise; lingering ones are in neither
 * @octets: of memory that the records of each table take, likewise; lingering ones too
 * @dwell: stays of endpoints in each state that are over, in milliseconds
 * @latency: handshake latencies of each endpoint, in microseconds
 *
 * Written with BH disabled alone, by tcpstate_percpu_add(). On 32 bits a count wraps
 * at 2^32.
 */
struct tcpstate_stats {
	unsigned long counter[__TCPSTATE_A_COUNTER_MAX];
	unsigned long transitions[__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX];
	int pairs[__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX];
	int records[TCPSTATE_KIND_MAX];
	long octets[TCPSTATE_KIND_MAX];
	struct tcpstate_histogram dwell[__TCPSTATE_STATE_MAX];
	struct tcpstate_histogram latency[2];
};

/* What became of a RST. */
enum tcpstate_reset {
	TCPSTATE_RESET_IN_WINDOW,
	TCPSTATE_RESET_INEXACT,
	TCPSTATE_RESET_OUT_OF_WINDOW,
	TCPSTATE_RESET_MAX,
};

/**
 * struct tcpstate_resets - a namespace's ledger of RSTs
 * @count: by sender, by the pair of states that it struck, the initiator's
 *	first, and by what became of it
 *
 * Shared by all CPUs: where there are many of them, somebody is guessing.
 */
struct tcpstate_resets {
	atomic_long_t count[2][__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX][TCPSTATE_RESET_MAX];
};

extern const char *const tcpstate_counter_name[__TCPSTATE_A_COUNTER_MAX];

/*
 * Adds to a per-CPU count. Disabled BH keeps every other writer off the CPU, so the
 * cheapest addition is safe. On PREEMPT_RT another task may run there between the
 * load and the store of it, from 6.18 on even with BH disabled.
 */
#ifdef CONFIG_PREEMPT_RT
#define tcpstate_percpu_add(count, n) this_cpu_add(count, n)
#else
#define tcpstate_percpu_add(count, n) __this_cpu_add(count, n)
#endif
#define tcpstate_percpu_inc(count) tcpstate_percpu_add(count, 1)
#define tcpstate_percpu_dec(count) tcpstate_percpu_add(count, -1)

#define tcpstate_count_add(stats, name, n) \
	tcpstate_percpu_add((stats)->counter[TCPSTATE_A_COUNTER_##name], n)
#define tcpstate_count(stats, name) tcpstate_count_add(stats, name, 1)

/* The same for a caller that has BH enabled. */
#define tcpstate_count_add_bh(stats, name, n) do {		\
	local_bh_disable();					\
	tcpstate_count_add(stats, name, n);			\
	local_bh_enable();					\
} while (0)
#define tcpstate_count_bh(stats, name) tcpstate_count_add_bh(stats, name, 1)

static inline unsigned int tcpstate_bucket(u32 value)
{
	return min_t(unsigned int, fls(value), TCPSTATE_BUCKETS - 1);
}

/* Context: BH disabled. */
static inline void tcpstate_histogram_add(struct tcpstate_histogram __percpu *histogram, u64 value)
{
	tcpstate_percpu_inc(histogram->bucket[tcpstate_bucket(min_t(u64, value, U32_MAX))]);
	tcpstate_percpu_add(histogram->sum, value);
}

void tcpstate_stats_facts(struct tcpstate_stats __percpu *stats, u32 facts, u32 segments);
void tcpstate_stats_opened(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
			   const u8 state[2]);
void tcpstate_stats_moved(struct tcpstate_stats __percpu *stats, const u8 from[2],
			  const u8 to[2]);
void tcpstate_stats_shut(struct tcpstate_stats __percpu *stats, const u8 from[2]);
void tcpstate_stats_closed(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
			   const u8 state[2], enum tcpstate_reason reason);
void tcpstate_stats_octets(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
			   long octets);
void tcpstate_stats_sum(struct tcpstate_stats __percpu *stats, struct tcpstate_stats *sum);
unsigned long tcpstate_stats_records(struct tcpstate_stats __percpu *stats,
				     enum tcpstate_kind kind);
unsigned int tcpstate_stats_pair(struct tcpstate_stats __percpu *stats, u8 initiator,
				 u8 responder);
unsigned long tcpstate_stats_endpoints(const struct tcpstate_stats *sum, enum tcpstate_end end,
				       unsigned int state);
unsigned long tcpstate_stats_entered(const struct tcpstate_stats *sum, unsigned int state);

#endif /* _TCPSTATE_STATS_H */
