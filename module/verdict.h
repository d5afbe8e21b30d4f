/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A listener's account, and what it says of the trouble that the listener is in.
 *
 * Pure: no clock, no allocation, no lock. Compiles in userspace as it stands.
 *
 * Every tick (250 ms) whoever owns the accounts judges each, all with the same
 * tick, and then turns the sample:
 *
 *	for each account
 *		tcpstate_verdict_judge(account, sources, &reading, thresholds,
 *				       sample->tick, sample->quota, now);
 *	tcpstate_sample_turn(sample);
 *
 * A tick that comes late is a longer cohort and nothing worse. Ticks may cease
 * while every account is tcpstate_verdict_idle().
 */
#ifndef _TCPSTATE_VERDICT_H
#define _TCPSTATE_VERDICT_H

#include "sample.h"
#include "sources.h"
#include "uapi/tcpstate.h"

/* What an alert says, where there is one. */
enum tcpstate_turn {
	TCPSTATE_TURN_NONE,
	TCPSTATE_TURN_BEGAN,
	TCPSTATE_TURN_CHANGED,	/* it goes on, but is of another kind */
	TCPSTATE_TURN_ENDED,
};

/**
 * struct tcpstate_thresholds - what the judges go by; sysctl flood_<name>
 * @backlog: half-opens older than 3 s that make a flood however slow it comes.
 *	Lower finds slower floods, and names a listener with many broken clients.
 * @floor: missing handshakes a tick are weighed against at least so many. Lower
 *	sees smaller floods of idle listeners, and trips over a few lost clients.
 * @allowance: share of handshakes (in 1/256 of those that complete) that may be
 *	missing, beyond the usual, for ever. Lower finds floods smaller than the
 *	listener's own traffic, and trips over bad weather on the network.
 * @alarm: missing handshakes beyond that, summed up, in 1/256 of a tick's
 *	completions, from which a tick is bad. Lower is sooner, and trips over shorter
 *	disturbances.
 * @certain: the same, from which a single bad tick is enough
 * @surge: times the usual SYNs that make a surge
 * @surge_syn: and so many a tick at least
 * @few: a flood is of few sources when each sends so many SYNs or more
 * @calm: ticks without trouble that end it. Lower ends sooner, and makes several
 *	of a flood that comes in pulses.
 * @scan: targets of one source within some ten seconds, few of which it completes,
 *	that make it a scanner. Lower finds slower scans, and names a crawler.
 * @reflection: SYN-ACKs a second that a host did not ask for and did not go on with,
 *	that make it a victim
 */
struct tcpstate_thresholds {
	u32 backlog;
	u32 floor;
	u32 allowance;
	u32 alarm;
	u32 certain;
	u32 surge;
	u32 surge_syn;
	u32 few;
	u32 calm;
	u32 scan;
	u32 reflection;
};

#define TCPSTATE_THRESHOLDS ((struct tcpstate_thresholds){	\
	.backlog = 1024,					\
	.floor = 16,						\
	.allowance = 64,					\
	.alarm = 4 << 8,					\
	.certain = 16 << 8,					\
	.surge = 4,						\
	.surge_syn = 64,					\
	.few = 16,						\
	.calm = 20,						\
	.scan = 64,						\
	.reflection = 100,					\
})

/**
 * struct tcpstate_reading - what the owner counted of a listener
 * @syn: first SYNs since the account was opened; may wrap. Best a per-CPU counter,
 *	summed up for the judge: it is the only thing every SYN must count.
 * @strain: SYN-ACKs sent again after the ACK had come, likewise; rare
 * @syn_recv: half-opens now whose SYN was answered
 * @lingering: those of them older than 3 s
 */
struct tcpstate_reading {
	u32 syn;
	u32 strain;
	u32 syn_recv;
	u32 lingering;
};

/**
 * struct tcpstate_finding - the verdict, and the figures that justify it
 * @verdict: enum tcpstate_verdict
 * @since: when it began, in ms
 * @syn_rate: first SYNs in the last second
 * @completion: share of handshakes that complete, in 1/256, of SYNs half a second to
 *	three seconds old; TCPSTATE_UNKNOWN without any
 * @usual: the same when all is quiet
 * @sources: distinct in the last full second
 * @concentration: share, in 1/256, of the handshakes that wait which the sources
 *	of tcpstate_sources_top() have together
 * @lingering: as read
 */
struct tcpstate_finding {
	u64 since;
	u32 verdict;
	u32 syn_rate;
	u32 completion;
	u32 usual;
	u32 sources;
	u32 concentration;
	u32 lingering;
};

#define TCPSTATE_UNKNOWN (~0U)

/**
 * struct tcpstate_account - a listener's account
 * @cohorts: for segments, see there; all the rest is the judge's
 * @finding: what the judge last found
 * @syn: first SYNs of each cohort
 * @shift: by which each was sampled
 * @ended: when each ended, ms
 * @syn_seen: reading at the last tick
 * @strain_seen: likewise
 * @strain: SYN-ACKs sent again after the ACK, of the last 8 s or so, in 1/256
 * @usual: share of handshakes that complete here, in 1/65536
 * @usual_syn: SYNs of a tick, usually, in 1/256
 * @usual_done: completions of a tick, usually, in 1/256
 * @sum: missing handshakes beyond the usual, summed up to the oldest cohort that
 *	is still judged anew each tick
 * @lately_syn: SYNs of the ticks of which the usual is to be learned next
 * @lately_done: their completions
 * @lately: how many ticks these are
 * @learned: ticks with SYNs that the usual was learned from, stops at 255
 * @calm: ticks without trouble, since there was
 * @ebb: ticks without a surge, since there was
 * @empty: ticks without a SYN, stops at 255
 * @other: ticks for which the trouble has looked like another kind
 * @kind: that other kind
 *
 * All zero to begin with.
 */
struct tcpstate_account {
	struct tcpstate_cohorts cohorts;
	struct tcpstate_finding finding;
	u32 syn[TCPSTATE_COHORTS];
	u8 shift[TCPSTATE_COHORTS];
	u32 ended[TCPSTATE_SOURCES_TICKS];
	u32 syn_seen;
	u32 strain_seen;
	u32 strain;
	u32 usual;
	u32 usual_syn;
	u32 usual_done;
	u32 sum;
	u32 lately_syn;
	u32 lately_done;
	u8 lately;
	u8 learned;
	u8 calm;
	u8 ebb;
	u8 empty;
	u8 other;
	u8 kind;
};

/**
 * tcpstate_verdict_trouble() - is it one to be alerted of?
 * @verdict: enum tcpstate_verdict
 *
 * Return: false for ok and surge.
 */
static inline bool tcpstate_verdict_trouble(unsigned int verdict)
{
	return verdict > TCPSTATE_VERDICT_SURGE;
}

/**
 * tcpstate_verdict_flood() - is it a flood?
 * @verdict: enum tcpstate_verdict
 *
 * Return: true for a spoofed one and one of few sources.
 */
static inline bool tcpstate_verdict_flood(unsigned int verdict)
{
	return verdict == TCPSTATE_VERDICT_FLOOD_SPOOFED ||
	       verdict == TCPSTATE_VERDICT_FLOOD_FEW;
}

enum tcpstate_turn tcpstate_verdict_judge(struct tcpstate_account *account,
					  struct tcpstate_sources *sources,
					  const struct tcpstate_reading *reading,
					  const struct tcpstate_thresholds *thresholds,
					  u32 tick, u32 quota, u64 now);
bool tcpstate_verdict_idle(const struct tcpstate_account *account);
const char *tcpstate_verdict_name(unsigned int verdict);

#endif /* _TCPSTATE_VERDICT_H */
