/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pair's numbers, and what the rooms of the machine (fsm, handshake,
 * transition, history, resync, predict) do to them. No other file includes this.
 */
#ifndef _TCPSTATE_PAIR_H
#define _TCPSTATE_PAIR_H

#include "fsm.h"

#define FACT(name) (1u << TCPSTATE_FACT_##name)
#define SET(state) (1u << TCPSTATE_##state)

/* RFC 9293 3.4: sequence numbers are compared modulo 2^32. */
static inline bool seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static inline bool seq_after(__u32 a, __u32 b)
{
	return seq_before(b, a);
}

/* Is @number at most @reach away from @middle, on either side? */
static inline bool seq_near(__u32 number, __u32 middle, __u32 reach)
{
	return number - middle + reach <= 2 * reach;
}

/* Its FIN has passed, so @nxt counts it in and nothing may follow. */
static inline bool state_past_fin(__u8 state)
{
	return (SET(FIN_WAIT1) | SET(FIN_WAIT2) | SET(CLOSING) | SET(LAST_ACK) |
		SET(TIME_WAIT) | SET(CLOSE)) >> state & 1;
}

/* Its peer's FIN has arrived, and its own end is not acknowledged to it. */
static inline bool state_has_fin(__u8 state)
{
	return (SET(CLOSE_WAIT) | SET(LAST_ACK) | SET(CLOSING)) >> state & 1;
}

static inline bool pair_has_state(const struct tcpstate_pair *pair, enum tcpstate_state state)
{
	return pair->state[TCPSTATE_INITIATOR] == state ||
	       pair->state[TCPSTATE_RESPONDER] == state;
}

/* Did it take the place of another by a SYN or SYN-ACK? That may have been forged. */
static inline bool pair_succeeded(const struct tcpstate_pair *pair)
{
	return pair->side[TCPSTATE_RESPONDER].tries;
}

static inline unsigned int pair_shift(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return pair->wscale >> (4 * end) & 15;
}

static inline void pair_set_shift(struct tcpstate_pair *pair, enum tcpstate_end end,
				  unsigned int shift)
{
	pair->wscale = (pair->wscale & ~(15 << (4 * end))) | shift << (4 * end);
}

/* The largest window that @end can ever advertise. */
static inline __u32 pair_reach(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return 65535u << pair_shift(pair, end);
}

/* Both SYNs are known: the shifts hold if both carried the option (RFC 7323 2.2). */
static inline void pair_agree_on_shifts(struct tcpstate_pair *pair)
{
	if (pair_shift(pair, TCPSTATE_INITIATOR) == TCPSTATE_WSCALE_NONE ||
	    pair_shift(pair, TCPSTATE_RESPONDER) == TCPSTATE_WSCALE_NONE)
		pair->wscale = 0;
}

/* A SYN was not seen: suppose the largest shift, so that nothing is refused for it. */
static inline void pair_suppose_shifts(struct tcpstate_pair *pair)
{
	pair_set_shift(pair, TCPSTATE_INITIATOR, TCPSTATE_WSCALE_MAX);
	pair_set_shift(pair, TCPSTATE_RESPONDER, TCPSTATE_WSCALE_MAX);
}

/* Move @end's next sequence number forward to @to, never back. */
static inline void pair_advance(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 to)
{
	if (!seq_after(to, pair->nxt[end]))
		return;
	if (to < pair->nxt[end])
		pair->wraps[end]++;
	pair->nxt[end] = to;
}

/* Octets of payload and FIN that @end is known to have sent. */
static inline __u64 pair_sent(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return ((__u64)pair->wraps[end] << 32 | pair->nxt[end]) - pair->iss[end] - 1;
}

/* Let @end have sent so much, by putting its ISS where that holds. */
static inline void pair_set_sent(struct tcpstate_pair *pair, enum tcpstate_end end, __u64 octets)
{
	octets++;
	pair->iss[end] = pair->nxt[end] - (__u32)octets;
	pair->wraps[end] = (octets >> 32) + (pair->iss[end] > pair->nxt[end]);
}

/* Put @end's next sequence number at @nxt without counting the leap as payload. */
static inline void pair_rebase(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 nxt)
{
	__u64 octets = pair_sent(pair, end);

	pair->nxt[end] = nxt;
	pair_set_sent(pair, end, octets);
}

/* Begin to follow @end, whose first octet of payload is @iss + 1. */
static inline void pair_start(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 iss)
{
	pair->iss[end] = iss;
	pair->wraps[end] = 0;
	pair->nxt[end] = iss;
	pair->una[end] = iss;
}

/* Follow an endpoint by what its peer acknowledges: it may never be seen itself. */
static inline void pair_start_unseen(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 ack)
{
	pair_start(pair, end, ack - 1);
	pair_advance(pair, end, ack);
	pair->una[end] = ack;
}

/*
 * The first segment of @end itself: its payload counts from @seq, though what
 * its peer acknowledged before stands.
 */
static inline void pair_start_seen(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 seq)
{
	if (seq_after(seq, pair->nxt[end]))
		pair->nxt[end] = seq;
	pair->iss[end] = seq - 1;
	pair->wraps[end] = pair->nxt[end] < pair->iss[end];
}

/* The peer of @end acknowledges @ack and opens the window to @edge. */
static inline void pair_acknowledge(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 ack,
				    __u32 edge)
{
	if (seq_after(ack, pair->una[end]))
		pair->una[end] = ack;
	if (seq_after(edge, pair->edge[end]))
		pair->edge[end] = edge;
}

static inline __u32 pair_window_edge(const struct tcpstate_pair *pair,
				     const struct tcpstate_segment *seg,
				     enum tcpstate_end from)
{
	if (seg->flags & TCPSTATE_SYN)
		return seg->ack + seg->window;
	return seg->ack + ((__u32)seg->window << pair_shift(pair, from));
}

/* Does it acknowledge the SYN of @end, and nothing that @end did not send? */
static inline bool pair_acknowledges_syn(const struct tcpstate_pair *pair,
					 const struct tcpstate_segment *seg,
					 enum tcpstate_end end)
{
	return seq_after(seg->ack, pair->iss[end]) && !seq_after(seg->ack, pair->nxt[end]);
}

/* So many segments of @end were retransmissions. */
static inline void pair_count_retrans(struct tcpstate_pair *pair, enum tcpstate_end end,
				      __u32 count)
{
	const __u32 most = (1u << 24) - 1;
	__u32 had = pair->side[end].retrans;

	pair->side[end].retrans = count < most - had ? had + count : most;
}

static inline struct tcpstate_outcome outcome_unchanged(__u32 facts)
{
	return (struct tcpstate_outcome){ .facts = facts };
}

static inline struct tcpstate_outcome outcome_believed(__u32 facts)
{
	return (struct tcpstate_outcome){ .facts = facts, .renew = true };
}

static inline struct tcpstate_outcome outcome_anew(enum tcpstate_reason reason)
{
	return (struct tcpstate_outcome){ .action = TCPSTATE_ANEW, .reason = reason };
}

#endif /* _TCPSTATE_PAIR_H */
