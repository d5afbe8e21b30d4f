// SPDX-License-Identifier: GPL-2.0
/*
 * Inference of both endpoints' states from the segments that pass.
 *
 * Two rules of evidence. What an endpoint sends proves its own state at once:
 * table sends[]. What is sent to an endpoint is believed of it only where it
 * would answer nothing that we could wait for: table hears[]. An initiator is
 * therefore not ESTABLISHED because a SYN-ACK went its way.
 *
 * A segment is judged first (the numbers: is it evidence at all?), and only
 * then becomes events, which the two tables turn into states. A segment that
 * is judged to be no evidence changes no state and no number.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "fsm.h"

#define FACT(name) (1u << TCPSTATE_FACT_##name)
#define SET(state) (1u << TCPSTATE_##state)

/*
 * How far apart two refused segments may be and still speak of one stream;
 * also how far beyond a SYN that nobody answered its data may lie.
 */
#define HORIZON (4u << 20)

#define LETTERS (TCPSTATE_LETTER_MAX - 1)
/* Only the initiator has TCPSTATE_LETTER_GUESSED, so 21 bits are enough. */
#define LETTER(letter, end) (1u << ((letter) - 1 + LETTERS * (end)))

/* What a segment, once believed, says. */
enum event {
	EV_SYN,		/* an endpoint opens towards one that does so too */
	EV_SYNACK,	/* an endpoint answers its peer's SYN */
	EV_PROOF,	/* an endpoint acknowledges its peer's SYN-ACK */
	EV_ACK_OF_FIN,	/* an endpoint acknowledges its peer's FIN */
	EV_FIN,		/* an endpoint will send no more */
	EV_NO_FIN,	/* an endpoint goes on: what we took for its FIN was none */
	EV_RST,
	EV_MAX,
};

/* Rule 1: what the sender of an event thereby becomes. Zero: it stays. */
static const __u8 sends[EV_MAX][__TCPSTATE_STATE_MAX] = {
	[EV_SYN] = {
		/* simultaneous open: the SYNs cross */
		[TCPSTATE_LISTEN] = TCPSTATE_SYN_SENT,
	},
	[EV_SYNACK] = {
		/* second step of three: ack = J+1 */
		[TCPSTATE_LISTEN] = TCPSTATE_SYN_RECV,
		/* simultaneous open: answers the other's SYN */
		[TCPSTATE_SYN_SENT] = TCPSTATE_SYN_RECV,
	},
	[EV_PROOF] = {
		/* third step of three: ack = K+1 */
		[TCPSTATE_SYN_SENT] = TCPSTATE_ESTABLISHED,
	},
	[EV_ACK_OF_FIN] = {
		/* passive close: the other side is done */
		[TCPSTATE_ESTABLISHED] = TCPSTATE_CLOSE_WAIT,
		/* the FINs crossed; its own is open yet */
		[TCPSTATE_FIN_WAIT1] = TCPSTATE_CLOSING,
		/* last ACK of an active close */
		[TCPSTATE_FIN_WAIT2] = TCPSTATE_TIME_WAIT,
	},
	[EV_FIN] = {
		/* active close */
		[TCPSTATE_ESTABLISHED] = TCPSTATE_FIN_WAIT1,
		/* closed before the handshake was complete */
		[TCPSTATE_SYN_RECV] = TCPSTATE_FIN_WAIT1,
		/* passive close: now this side is done too */
		[TCPSTATE_CLOSE_WAIT] = TCPSTATE_LAST_ACK,
	},
	[EV_NO_FIN] = {
		/* it sends beyond that FIN */
		[TCPSTATE_FIN_WAIT1] = TCPSTATE_ESTABLISHED,
		/* likewise */
		[TCPSTATE_FIN_WAIT2] = TCPSTATE_ESTABLISHED,
		/* likewise, and its peer's FIN stands */
		[TCPSTATE_CLOSING] = TCPSTATE_CLOSE_WAIT,
		/* likewise */
		[TCPSTATE_LAST_ACK] = TCPSTATE_CLOSE_WAIT,
	},
	[EV_RST] = {
		[TCPSTATE_ESTABLISHED ... TCPSTATE_STATE_MAX] = TCPSTATE_CLOSE,
	},
};

/* Rule 2: what we believe of the endpoint that an event passes on to. */
static const __u8 hears[EV_MAX][__TCPSTATE_STATE_MAX] = {
	[EV_PROOF] = {
		/* it answers an ACK with nothing */
		[TCPSTATE_SYN_RECV] = TCPSTATE_ESTABLISHED,
	},
	[EV_ACK_OF_FIN] = {
		/* its FIN is acknowledged */
		[TCPSTATE_FIN_WAIT1] = TCPSTATE_FIN_WAIT2,
		/* and so had been its peer's */
		[TCPSTATE_CLOSING] = TCPSTATE_TIME_WAIT,
		/* end of a passive close */
		[TCPSTATE_LAST_ACK] = TCPSTATE_CLOSE,
	},
	[EV_NO_FIN] = {
		/* there was no FIN to get */
		[TCPSTATE_CLOSE_WAIT] = TCPSTATE_ESTABLISHED,
		/* likewise, and its own stands */
		[TCPSTATE_CLOSING] = TCPSTATE_FIN_WAIT1,
		/* likewise */
		[TCPSTATE_LAST_ACK] = TCPSTATE_FIN_WAIT1,
	},
	[EV_RST] = {
		[TCPSTATE_ESTABLISHED ... TCPSTATE_STATE_MAX] = TCPSTATE_CLOSE,
	},
};

static const char *const state_names[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED]	= "ESTABLISHED",
	[TCPSTATE_SYN_SENT]	= "SYN_SENT",
	[TCPSTATE_SYN_RECV]	= "SYN_RECV",
	[TCPSTATE_FIN_WAIT1]	= "FIN_WAIT1",
	[TCPSTATE_FIN_WAIT2]	= "FIN_WAIT2",
	[TCPSTATE_TIME_WAIT]	= "TIME_WAIT",
	[TCPSTATE_CLOSE]	= "CLOSE",
	[TCPSTATE_CLOSE_WAIT]	= "CLOSE_WAIT",
	[TCPSTATE_LAST_ACK]	= "LAST_ACK",
	[TCPSTATE_LISTEN]	= "LISTEN",
	[TCPSTATE_CLOSING]	= "CLOSING",
};

/* By which timeout a state is ruled; TCPSTATE_LISTEN occurs in half-opens alone. */
static const __u8 timeouts[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED]	= TCPSTATE_TIMEOUT_ESTABLISHED,
	[TCPSTATE_SYN_SENT]	= TCPSTATE_TIMEOUT_SYN_SENT,
	[TCPSTATE_SYN_RECV]	= TCPSTATE_TIMEOUT_SYN_RECV,
	[TCPSTATE_FIN_WAIT1]	= TCPSTATE_TIMEOUT_FIN_WAIT,
	[TCPSTATE_FIN_WAIT2]	= TCPSTATE_TIMEOUT_FIN_WAIT,
	[TCPSTATE_TIME_WAIT]	= TCPSTATE_TIMEOUT_TIME_WAIT,
	[TCPSTATE_CLOSE]	= TCPSTATE_TIMEOUT_CLOSE,
	[TCPSTATE_CLOSE_WAIT]	= TCPSTATE_TIMEOUT_CLOSE_WAIT,
	[TCPSTATE_LAST_ACK]	= TCPSTATE_TIMEOUT_LAST_ACK,
	[TCPSTATE_LISTEN]	= TCPSTATE_TIMEOUT_SYN_SENT,
	[TCPSTATE_CLOSING]	= TCPSTATE_TIMEOUT_LAST_ACK,
};

/* RFC 9293 3.4: sequence numbers are compared modulo 2^32. */
static bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static bool after(__u32 a, __u32 b)
{
	return before(b, a);
}

/* Is @number at most @reach away from @middle, on either side? */
static bool near(__u32 number, __u32 middle, __u32 reach)
{
	return number - middle + reach <= 2 * reach;
}

/* Its FIN has passed, so @nxt counts it in and nothing may follow. */
static bool past_fin(__u8 state)
{
	return (SET(FIN_WAIT1) | SET(FIN_WAIT2) | SET(CLOSING) | SET(LAST_ACK) |
		SET(TIME_WAIT) | SET(CLOSE)) >> state & 1;
}

static bool has_state(const struct tcpstate_pair *pair, enum tcpstate_state state)
{
	return pair->state[TCPSTATE_INITIATOR] == state ||
	       pair->state[TCPSTATE_RESPONDER] == state;
}

static void apply(struct tcpstate_pair *pair, enum event event, enum tcpstate_end from)
{
	__u8 *sender = &pair->state[from];
	__u8 *hearer = &pair->state[tcpstate_peer(from)];

	if (sends[event][*sender])
		*sender = sends[event][*sender];
	if (hears[event][*hearer])
		*hearer = hears[event][*hearer];
}

static unsigned int shift_of(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return pair->wscale >> (4 * end) & 15;
}

static void set_shift(struct tcpstate_pair *pair, enum tcpstate_end end, unsigned int shift)
{
	pair->wscale = (pair->wscale & ~(15 << (4 * end))) | shift << (4 * end);
}

/* The largest window that @end can ever advertise. */
static __u32 reach_of(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return 65535u << shift_of(pair, end);
}

/* Both SYNs are known: the shifts hold if both carried the option (RFC 7323 2.2). */
static void agree_on_shifts(struct tcpstate_pair *pair)
{
	if (shift_of(pair, TCPSTATE_INITIATOR) == TCPSTATE_WSCALE_NONE ||
	    shift_of(pair, TCPSTATE_RESPONDER) == TCPSTATE_WSCALE_NONE)
		pair->wscale = 0;
}

/* A SYN was not seen: suppose the largest shift, so that nothing is refused for it. */
static void suppose_shifts(struct tcpstate_pair *pair)
{
	set_shift(pair, TCPSTATE_INITIATOR, TCPSTATE_WSCALE_MAX);
	set_shift(pair, TCPSTATE_RESPONDER, TCPSTATE_WSCALE_MAX);
}

/* Write @letter at the end of the history, unless @end has it there already. */
static void tell(struct tcpstate_pair *pair, enum tcpstate_end end, enum tcpstate_letter letter)
{
	unsigned int i;

	if (pair->letters & LETTER(letter, end))
		return;
	pair->letters |= LETTER(letter, end);
	for (i = 0; i < TCPSTATE_HISTORY_MAX; i++) {
		if (pair->history >> (4 * i) & 15)
			continue;
		pair->history |= (__u64)letter << (4 * i);
		pair->lower |= end << i;
		break;
	}
}

/* Move @end's next sequence number forward to @to, never back. */
static void advance(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 to)
{
	if (!after(to, pair->nxt[end]))
		return;
	if (to < pair->nxt[end])
		pair->wraps[end]++;
	pair->nxt[end] = to;
}

/* Octets of payload and FIN that @end is known to have sent. */
static __u64 sent(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return ((__u64)pair->wraps[end] << 32 | pair->nxt[end]) - pair->iss[end] - 1;
}

/* Let @end have sent so much, by putting its ISS where that holds. */
static void set_sent(struct tcpstate_pair *pair, enum tcpstate_end end, __u64 octets)
{
	octets++;
	pair->iss[end] = pair->nxt[end] - (__u32)octets;
	pair->wraps[end] = (octets >> 32) + (pair->iss[end] > pair->nxt[end]);
}

/* Put @end's next sequence number at @nxt without counting the leap as payload. */
static void rebase(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 nxt)
{
	__u64 octets = sent(pair, end);

	pair->nxt[end] = nxt;
	set_sent(pair, end, octets);
}

/* @end's FIN, as the last octet of what it is known to have sent. */
static void apply_fin(struct tcpstate_pair *pair, enum tcpstate_end end)
{
	/* A second one: what was taken for the first was none, and nothing. */
	if (pair->letters & LETTER(TCPSTATE_LETTER_FIN, end))
		set_sent(pair, end, sent(pair, end) - 1);
	/* Its octet counts, even where the leap over a gap did not. */
	if (!sent(pair, end))
		set_sent(pair, end, 1);
	apply(pair, EV_FIN, end);
}

/* Begin to follow @end, whose first octet of payload is @seq + 1. */
static void start(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 iss)
{
	pair->iss[end] = iss;
	pair->wraps[end] = 0;
	pair->nxt[end] = iss;
	pair->una[end] = iss;
}

/* Follow an endpoint by what its peer acknowledges: it may never be seen itself. */
static void start_unseen(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 ack)
{
	start(pair, end, ack - 1);
	advance(pair, end, ack);
	pair->una[end] = ack;
}

/*
 * The first segment of @end itself: its payload counts from @seq, though what
 * its peer acknowledged before stands.
 */
static void start_seen(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 seq)
{
	if (after(seq, pair->nxt[end]))
		pair->nxt[end] = seq;
	pair->iss[end] = seq - 1;
	pair->wraps[end] = pair->nxt[end] < pair->iss[end];
}

/* The peer of @end acknowledges @ack and opens the window to @edge. */
static void acknowledge(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 ack, __u32 edge)
{
	if (after(ack, pair->una[end]))
		pair->una[end] = ack;
	if (after(edge, pair->edge[end]))
		pair->edge[end] = edge;
}

static __u32 window_edge(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			 enum tcpstate_end from)
{
	if (seg->flags & TCPSTATE_SYN)
		return seg->ack + seg->window;
	return seg->ack + ((__u32)seg->window << shift_of(pair, from));
}

/* What refused segments claimed is forgotten, though not that they were refused. */
static void forget_claims(struct tcpstate_pair *pair)
{
	pair->sides = 0;
	pair->hits = 0;
	pair->flags &= ~(TCPSTATE_SYN_MEMO | TCPSTATE_SYN_MEMO << 1 |
			 TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
}

static void forget(struct tcpstate_pair *pair)
{
	pair->refused = 0;
	forget_claims(pair);
}

static struct tcpstate_outcome unchanged(__u32 facts)
{
	return (struct tcpstate_outcome){ .facts = facts };
}

static struct tcpstate_outcome believed(__u32 facts)
{
	return (struct tcpstate_outcome){ .facts = facts, .renew = true };
}

static struct tcpstate_outcome anew(enum tcpstate_reason reason)
{
	return (struct tcpstate_outcome){ .action = TCPSTATE_ANEW, .reason = reason };
}

/**
 * tcpstate_fsm_spoke() - has a believed segment of this endpoint been seen?
 * @pair: the pair
 * @end: which endpoint
 *
 * Return: false for an endpoint that we know from its peer's segments only.
 */
bool tcpstate_fsm_spoke(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return pair->letters & (LETTER(TCPSTATE_LETTER_SYN, end) |
				LETTER(TCPSTATE_LETTER_SYNACK, end) |
				LETTER(TCPSTATE_LETTER_ACK, end) |
				LETTER(TCPSTATE_LETTER_DATA, end) |
				LETTER(TCPSTATE_LETTER_FIN, end) |
				LETTER(TCPSTATE_LETTER_RST, end));
}

/* Letters of an ordinary segment, in the order in which it says them. */
static void tell_segment(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			 enum tcpstate_end from)
{
	if (seg->flags & TCPSTATE_SYN)
		tell(pair, from, seg->flags & TCPSTATE_ACK ? TCPSTATE_LETTER_SYNACK :
							      TCPSTATE_LETTER_SYN);
	else if (!seg->len && !(seg->flags & TCPSTATE_FIN))
		tell(pair, from, TCPSTATE_LETTER_ACK);
	if (seg->len)
		tell(pair, from, TCPSTATE_LETTER_DATA);
	if (seg->flags & TCPSTATE_FIN)
		tell(pair, from, TCPSTATE_LETTER_FIN);
	if (!seg->window && !(seg->flags & TCPSTATE_SYN))
		tell(pair, from, TCPSTATE_LETTER_ZERO_WINDOW);
}

/*
 * The numbers of an endpoint that has not sent its SYN yet are counted from
 * zero, so that the window its peer's SYN offers can be told already.
 */
static void await_syn(struct tcpstate_pair *pair, enum tcpstate_end end, __u16 window)
{
	start_unseen(pair, end, 0);
	pair->edge[end] = window;
}

/* The SYN or SYN-ACK of @end: take its numbers, and keep the window it was offered. */
static void take_syn(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		     enum tcpstate_end end)
{
	__u32 window = pair->edge[end] - pair->iss[end] - 1;

	start(pair, end, seg->seq);
	advance(pair, end, seg->seq + 1 + seg->len);
	pair->edge[end] = seg->seq + 1 + window;
	set_shift(pair, end, seg->wscale);
	tell_segment(pair, seg, end);
	pair->hits = 0;
}

/* A SYN-ACK of @from, its acknowledgment in range. */
static void take_synack(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	take_syn(pair, seg, from);
	pair->una[peer] = seg->ack;
	pair->edge[peer] = window_edge(pair, seg, from);
}

static void open_by_syn(struct tcpstate_pair *pair, const struct tcpstate_segment *seg)
{
	await_syn(pair, TCPSTATE_INITIATOR, 65535);
	take_syn(pair, seg, TCPSTATE_INITIATOR);
	await_syn(pair, TCPSTATE_RESPONDER, seg->window);
	pair->state[TCPSTATE_INITIATOR] = TCPSTATE_SYN_SENT;
	pair->state[TCPSTATE_RESPONDER] = TCPSTATE_LISTEN;
	pair->syn = 1;
}

/* The SYN was not seen, so the shift of its sender is unknown where it offered one. */
static void open_by_synack(struct tcpstate_pair *pair, const struct tcpstate_segment *seg)
{
	start_unseen(pair, TCPSTATE_INITIATOR, seg->ack);
	set_shift(pair, TCPSTATE_INITIATOR, TCPSTATE_WSCALE_MAX);
	await_syn(pair, TCPSTATE_RESPONDER, 65535);
	take_synack(pair, seg, TCPSTATE_RESPONDER);
	agree_on_shifts(pair);
	pair->state[TCPSTATE_INITIATOR] = TCPSTATE_SYN_SENT;
	pair->state[TCPSTATE_RESPONDER] = TCPSTATE_SYN_RECV;
	pair->flags = TCPSTATE_PICKED_UP;
	pair->synack = 1;
}

static void open_midstream(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			   enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	bool fin = seg->flags & TCPSTATE_FIN;

	start(pair, from, seg->seq - 1);
	advance(pair, from, seg->seq + seg->len + fin);
	pair->una[from] = seg->seq;
	pair->edge[from] = pair->nxt[from];
	start_unseen(pair, peer, seg->ack);
	suppose_shifts(pair);
	pair->edge[peer] = window_edge(pair, seg, from);
	pair->state[from] = fin ? TCPSTATE_FIN_WAIT1 : TCPSTATE_ESTABLISHED;
	pair->state[peer] = TCPSTATE_ESTABLISHED;
	pair->flags = TCPSTATE_PICKED_UP;
	if (seg->fragment)
		pair->flags |= TCPSTATE_FRAGMENTED;
	tell(pair, TCPSTATE_INITIATOR, TCPSTATE_LETTER_GUESSED);
	tell_segment(pair, seg, from);
}

/**
 * tcpstate_fsm_flags_valid() - do these control bits occur together?
 * @flags: octet 13 of the header
 *
 * Return: false for what no TCP sends: none of SYN, ACK and RST; SYN with FIN
 * or RST; FIN with RST; FIN without ACK. (RFC 9293 3.10.7 discards these, or
 * leaves them undefined.)
 */
bool tcpstate_fsm_flags_valid(__u8 flags)
{
	bool fin = flags & TCPSTATE_FIN, syn = flags & TCPSTATE_SYN;
	bool rst = flags & TCPSTATE_RST, ack = flags & TCPSTATE_ACK;

	return (syn || rst || ack) && syn + rst + fin <= 1 && (ack || !fin);
}

/**
 * tcpstate_fsm_open() - begin a record with a segment that belongs to none
 * @pair: zeroed
 * @seg: a segment with valid flags
 * @from: its sender. Of a SYN it is the initiator and of a SYN-ACK the
 *	responder; of anything else the caller guesses.
 *
 * Return: true when @pair describes the connection now, false when the segment
 * proves none (a RST), and @pair is still zero.
 */
bool tcpstate_fsm_open(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		       enum tcpstate_end from)
{
	if (seg->flags & TCPSTATE_RST)
		return false;
	if (!(seg->flags & TCPSTATE_SYN))
		open_midstream(pair, seg, from);
	else if (seg->flags & TCPSTATE_ACK)
		open_by_synack(pair, seg);
	else
		open_by_syn(pair, seg);
	return true;
}

/**
 * tcpstate_fsm_reopen() - begin the successor of a record that gave way
 * @pair: zeroed
 * @seg: the segment for which tcpstate_fsm_step() said TCPSTATE_ANEW
 * @from: its sender, as for tcpstate_fsm_open()
 *
 * A SYN-ACK only supersedes what it does when its SYN was seen, so the
 * successor is not a picked-up one.
 */
void tcpstate_fsm_reopen(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			 enum tcpstate_end from)
{
	tell(pair, TCPSTATE_INITIATOR, TCPSTATE_LETTER_SYN);
	tcpstate_fsm_open(pair, seg, from);
	pair->flags &= ~TCPSTATE_PICKED_UP;
	pair->syn = 1;
}

/* A FIN of @end was among the segments that were refused, and is believed now. */
static void fin_in_gap(struct tcpstate_pair *pair, enum tcpstate_end end)
{
	if (!(pair->flags & TCPSTATE_GAP_FIN << end) || past_fin(pair->state[end]))
		return;
	set_sent(pair, end, sent(pair, end) + 1);
	apply_fin(pair, end);
	tell(pair, end, TCPSTATE_LETTER_FIN);
}

/* The numbers of refused segments hold and ours do not: take them over. */
static void resynchronise(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			  enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	enum tcpstate_end end;

	for (end = TCPSTATE_INITIATOR; end <= TCPSTATE_RESPONDER; end++) {
		if (past_fin(pair->state[end]) && pair->memo[end] != pair->nxt[end])
			apply(pair, EV_NO_FIN, end);
		rebase(pair, end, pair->memo[end]);
	}
	pair->una[from] = seg->seq;
	pair->edge[from] = pair->nxt[from] + reach_of(pair, peer);
	pair->una[peer] = seg->ack;
	pair->edge[peer] = window_edge(pair, seg, from);

	fin_in_gap(pair, peer);
	if (past_fin(pair->state[peer]) && pair->una[peer] == pair->nxt[peer])
		apply(pair, EV_ACK_OF_FIN, from);
	fin_in_gap(pair, from);
	tell_segment(pair, seg, from);
	forget(pair);
}

/*
 * A dispute: the numbers that one endpoint sends and those that its peer
 * acknowledges differ, and each time by as much. Then memo[] holds the peer's
 * last acknowledgment for that endpoint, and the difference beside it; @sides
 * is zero, @hits counts, and TCPSTATE_GAP_FIN says which endpoint it is.
 */
static void begin_dispute(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			  enum tcpstate_end from, enum tcpstate_end disputed)
{
	__u32 difference;

	if (disputed == from) {
		difference = seg->seq - pair->memo[from];
	} else {
		difference = pair->memo[disputed] - seg->ack;
		pair->memo[disputed] = seg->ack;
	}
	pair->memo[tcpstate_peer(disputed)] = difference;
	pair->sides = 0;
	pair->hits = 1;
	pair->flags &= ~(TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
	pair->flags |= TCPSTATE_GAP_FIN << disputed;
}

/* Does a refused segment fit into the dispute? Without one it does not. */
static bool carries_on_dispute(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			       enum tcpstate_end from)
{
	enum tcpstate_end disputed = pair->flags & TCPSTATE_GAP_FIN << TCPSTATE_RESPONDER ?
				     TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	__u32 *acknowledged = &pair->memo[disputed];
	__u32 difference = pair->memo[tcpstate_peer(disputed)];

	if (pair->sides || !pair->hits)
		return false;
	if (from == disputed) {
		if (!near(seg->seq - *acknowledged, difference, HORIZON))
			return false;
		pair->hits++;
	} else {
		if (!near(seg->ack, *acknowledged, HORIZON))
			return false;
		*acknowledged = seg->ack;
	}
	return true;
}

/*
 * The segment contradicts what we know, so it is no evidence, unless others
 * that were refused bear it out: then it is we who missed something. Three
 * among the last six from both sides do, and two in a row do, one from each
 * side, that continue each other exactly, as the first ones after a gap.
 */
static struct tcpstate_outcome refuse(struct tcpstate_pair *pair,
				      const struct tcpstate_segment *seg,
				      enum tcpstate_end from, __u32 fact)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;
	__u32 end = seg->seq + seg->len + fin;
	bool seq_agrees, ack_agrees, continues;

	if (tcpstate_fsm_halfopen(pair) || has_state(pair, TCPSTATE_TIME_WAIT))
		return unchanged(fact);

	continues = pair->sides == 1 << peer && pair->refused & 1 &&
		    seg->seq == pair->memo[from] && seg->ack == pair->memo[peer];
	pair->refused = pair->refused << 1 | 1;

	if (carries_on_dispute(pair, seg, from)) {
		if (pair->hits < 3)
			return unchanged(fact);
		forget(pair);
		pair->flags |= TCPSTATE_LIBERAL;
		return believed(fact | FACT(RESYNC));
	}
	seq_agrees = pair->sides && near(seg->seq, pair->memo[from], HORIZON);
	ack_agrees = pair->sides && near(seg->ack, pair->memo[peer], HORIZON);
	if (pair->sides == 1 << peer && seq_agrees != ack_agrees) {
		begin_dispute(pair, seg, from, ack_agrees ? from : peer);
		return unchanged(fact);
	}
	if (!seq_agrees || !ack_agrees) {
		forget_claims(pair);
		pair->memo[from] = end;
		pair->memo[peer] = seg->ack;
	}
	if (after(end, pair->memo[from]))
		pair->memo[from] = end;
	if (after(seg->ack, pair->memo[peer]))
		pair->memo[peer] = seg->ack;
	if (fin)
		pair->flags |= TCPSTATE_GAP_FIN << from;
	pair->sides |= 1 << from;
	if (pair->hits < 3)
		pair->hits++;
	if (!continues && !(pair->hits == 3 && pair->sides == 3))
		return unchanged(fact);
	resynchronise(pair, seg, from);
	return believed(fact | FACT(RESYNC));
}

/* A segment was believed: what was refused before it counts for less. */
static void relent(struct tcpstate_pair *pair)
{
	if (!pair->refused)
		return;
	pair->refused <<= 1;
	if (!pair->refused)
		forget(pair);
}

/*
 * An unanswered initiator goes on as though it had been answered. Spoofed, or
 * the answers take another way: two segments of data that advance prove this.
 */
static struct tcpstate_outcome on_unanswered(struct tcpstate_pair *pair,
					     const struct tcpstate_segment *seg,
					     enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	if (before(seg->seq, pair->una[from]) || after(seg->seq, pair->nxt[from] + HORIZON))
		return unchanged(FACT(OUT_OF_WINDOW));
	if (!seg->len)
		return unchanged(FACT(INVALID_ACK));
	if (!pair->hits) {
		pair->hits = 1;
		pair->memo[from] = seg->seq + seg->len;
		pair->memo[peer] = seg->ack;
		return unchanged(FACT(INVALID_ACK));
	}
	if (before(seg->seq, pair->memo[from]) || seg->ack - pair->memo[peer] > HORIZON)
		return unchanged(FACT(INVALID_ACK));

	pair->hits = 0;
	pair->flags |= TCPSTATE_ONE_SIDED;
	advance(pair, from, seg->seq + seg->len);
	pair->una[from] = seg->seq;
	start_unseen(pair, peer, seg->ack);
	suppose_shifts(pair);
	pair->edge[peer] = window_edge(pair, seg, from);
	apply(pair, EV_SYNACK, peer);
	apply(pair, EV_PROOF, from);
	if (seg->flags & TCPSTATE_FIN) {
		advance(pair, from, seg->seq + seg->len + 1);
		apply_fin(pair, from);
	}
	tell_segment(pair, seg, from);
	return believed(0);
}

/*
 * Neither SYN nor RST, while an endpoint is still SYN_SENT. Zero: go on as for
 * any other segment; else the facts for which the segment is no evidence, with
 * FACT_MAX's bit for one that merely proves nothing.
 */
#define PROVES_NOTHING FACT(MAX)

static __u32 judge_handshake(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			     enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	bool answers = after(seg->ack, pair->iss[peer]) && !after(seg->ack, pair->nxt[peer]);

	if (pair->state[from] == TCPSTATE_SYN_SENT) {
		if (pair->state[peer] == TCPSTATE_SYN_SENT)
			return PROVES_NOTHING;
		if (!answers)
			return FACT(INVALID_ACK);
		if (before(seg->seq, pair->una[from]) ||
		    after(seg->seq + seg->len, pair->edge[from]))
			return FACT(OUT_OF_WINDOW);
		return 0;
	}

	/* From the responder, or in a simultaneous open from either. */
	if (pair->state[from] == TCPSTATE_LISTEN) {
		if (!answers)
			return FACT(INVALID_ACK);
		/* RFC 5961 4: a challenge ACK for a connection of before looks so. */
		if (!seg->len && !(seg->flags & TCPSTATE_FIN))
			return PROVES_NOTHING;
		/* Data: its SYN-ACK passed unseen. */
		start(pair, from, seg->seq - 1);
		advance(pair, from, seg->seq);
		pair->una[from] = seg->seq;
		pair->edge[from] = seg->seq + seg->len + 65535;
		pair->edge[peer] = seg->ack;
		pair->hits = 0;
		suppose_shifts(pair);
		apply(pair, EV_SYNACK, from);
		return 0;
	}
	return 0;
}

/* Judge the numbers of a segment that is neither SYN nor RST: zero, or why not. */
static __u32 judge_numbers(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			   enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 end = seg->seq + seg->len;
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;

	bool seen = tcpstate_fsm_spoke(pair, peer);

	/* The window of an endpoint that was never seen is known from its SYN alone. */
	if (after(end, pair->edge[from]) && (seen || pair->state[from] == TCPSTATE_SYN_RECV))
		return FACT(OUT_OF_WINDOW);
	if (after(seg->ack, pair->nxt[peer]) && seen &&
	    !(pair->flags & TCPSTATE_FRAGMENTED &&
	      seg->ack - pair->nxt[peer] <= reach_of(pair, from)))
		return FACT(INVALID_ACK);
	/* RFC 5961 5.2: older than any window that was ever offered */
	if (before(seg->ack, pair->una[peer] - reach_of(pair, from)))
		return FACT(INVALID_ACK);
	if (before(seg->seq, pair->una[from] - reach_of(pair, peer)))
		return FACT(OUT_OF_WINDOW);
	/*
	 * Nothing follows a FIN, and a FIN follows all there is; its own octet
	 * we may know already, as a hole that was not acknowledged yet.
	 */
	end += fin;
	if (past_fin(pair->state[from]) ? after(end, pair->nxt[from]) :
	    fin && (before(end, pair->nxt[from]) || !after(end, pair->una[from])))
		return FACT(OUT_OF_WINDOW);
	return 0;
}

/* A believed acknowledgment of octets that we did not see, or not in full. */
static void follow(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 ack)
{
	if (!after(ack, pair->nxt[end]) || pair->flags & TCPSTATE_LIBERAL)
		return;
	if (tcpstate_fsm_spoke(pair, end))
		advance(pair, end, ack);
	else
		rebase(pair, end, ack);
}

/* Sent before: what is it, and is it that at all? */
static __u32 judge_repetition(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			      enum tcpstate_end from)
{
	bool fin = seg->flags & TCPSTATE_FIN;

	if (!before(seg->seq, pair->nxt[from]))
		return 0;
	/* RFC 9293 3.8.4: one octet before the next, all of it acknowledged */
	if (!fin && seg->seq + 1 == pair->nxt[from] &&
	    (!seg->len || (seg->len == 1 && pair->una[from] == pair->nxt[from])))
		return FACT(KEEPALIVE);
	if (!seg->len && !fin)
		return 0;
	pair->retrans[from] += seg->count;
	tell(pair, from, TCPSTATE_LETTER_RETRANS);
	return fin && past_fin(pair->state[from]) ? FACT(FIN_RETRANS) : FACT(DATA_RETRANS);
}

/* The pair has a TIME_WAIT: keep the newest timestamps, they decide over its reuse. */
static void remember_timestamps(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
				enum tcpstate_end from, bool entered)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	if (entered) {
		forget(pair);
		pair->memo[from] = seg->has_ts ? seg->tsval : 0;
		pair->memo[peer] = seg->has_ts ? seg->tsecr : 0;
	} else if (seg->has_ts && !(pair->flags & TCPSTATE_SYN_MEMO << from)) {
		pair->memo[from] = seg->tsval;
	}
}

/*
 * Where the window is shut, a probe's data is refused and its acknowledgment
 * is not (RFC 9293 3.10.7.4).
 */
static bool is_probe(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		     enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	return pair->edge[from] == pair->una[from] && seg->seq == pair->edge[from] &&
	       !after(seg->ack, pair->nxt[peer]) && !before(seg->ack, pair->una[peer]);
}

static struct tcpstate_outcome on_segment(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;
	__u32 end = seg->seq + seg->len + fin;
	bool liberal = pair->flags & TCPSTATE_LIBERAL;
	struct tcpstate_outcome out = believed(0);
	bool waiting, shut = false;
	__u32 refused;

	if (has_state(pair, TCPSTATE_SYN_SENT)) {
		if (pair->state[from] == TCPSTATE_SYN_SENT &&
		    pair->state[peer] == TCPSTATE_LISTEN)
			return on_unanswered(pair, seg, from);
		refused = judge_handshake(pair, seg, from);
		if (refused)
			return unchanged(refused & ~PROVES_NOTHING);
	}

	if (!liberal) {
		refused = judge_numbers(pair, seg, from);
		shut = refused == FACT(OUT_OF_WINDOW) && is_probe(pair, seg, from);
		if (refused && !shut)
			return refuse(pair, seg, from, refused);
	}
	if (shut) {
		out.facts |= refused;
		end = pair->nxt[from];
		fin = 0;
	}

	waiting = has_state(pair, TCPSTATE_TIME_WAIT);
	out.facts |= judge_repetition(pair, seg, from);
	/* Shut just now: before, its peer could have sent more, or less was acknowledged. */
	if (!seg->window &&
	    !(pair->edge[peer] == pair->una[peer] && seg->ack == pair->una[peer]))
		out.facts |= FACT(ZERO_WINDOW);
	if (seg->fragment)
		pair->flags |= TCPSTATE_FRAGMENTED;

	if (!tcpstate_fsm_spoke(pair, from))
		start_seen(pair, from, seg->seq);
	if (pair->state[from] == TCPSTATE_SYN_SENT) {
		apply(pair, EV_PROOF, from);
		out.facts |= FACT(ESTABLISHED);
	}
	/* A capture of one direction: it acknowledges more than the other's SYN. */
	if (pair->state[peer] == TCPSTATE_SYN_SENT && !tcpstate_fsm_spoke(pair, peer) &&
	    after(seg->ack, pair->nxt[peer])) {
		apply(pair, EV_PROOF, peer);
		out.facts |= FACT(ESTABLISHED);
	}
	follow(pair, peer, seg->ack);
	acknowledge(pair, peer, seg->ack, window_edge(pair, seg, from));
	if (liberal && (!near(seg->seq, pair->nxt[from], HORIZON) ||
			(fin && !past_fin(pair->state[from]))))
		rebase(pair, from, seg->seq);
	advance(pair, from, end);
	relent(pair);

	if (past_fin(pair->state[peer]) && (seg->ack == pair->nxt[peer] || liberal))
		apply(pair, EV_ACK_OF_FIN, from);
	if (fin && !past_fin(pair->state[from])) {
		apply_fin(pair, from);
		if (pair->state[from] == TCPSTATE_FIN_WAIT1 &&
		    pair->state[peer] == TCPSTATE_FIN_WAIT1)
			out.facts |= FACT(SIMULTANEOUS_CLOSE);
	}
	if (!shut)
		tell_segment(pair, seg, from);
	if (has_state(pair, TCPSTATE_TIME_WAIT)) {
		remember_timestamps(pair, seg, from, !waiting);
		/* Linux too restarts its timer for a FIN, not for an ACK. */
		out.renew = !waiting || fin;
	}
	return out;
}

/* RFC 9293 3.6.1 and RFC 6191: may this SYN open what waits to be forgotten? */
static bool may_reuse(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		      enum tcpstate_end from)
{
	if (pair->state[tcpstate_peer(from)] != TCPSTATE_TIME_WAIT)
		return true;
	if (!before(seg->seq, pair->nxt[from]))
		return true;
	return seg->has_ts && pair->memo[from] && !(pair->flags & TCPSTATE_SYN_MEMO << from) &&
	       after(seg->tsval, pair->memo[from]);
}

static struct tcpstate_outcome on_syn(struct tcpstate_pair *pair,
				      const struct tcpstate_segment *seg,
				      enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	bool unanswered = pair->state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT &&
			  pair->state[TCPSTATE_RESPONDER] == TCPSTATE_LISTEN;

	if (unanswered && from == TCPSTATE_RESPONDER) {
		take_syn(pair, seg, from);
		agree_on_shifts(pair);
		pair->edge[peer] = pair->iss[peer] + 1 + seg->window;
		apply(pair, EV_SYN, from);
		return believed(FACT(SIMULTANEOUS_OPEN));
	}
	if (seg->seq == pair->iss[from] &&
	    pair->letters & (LETTER(TCPSTATE_LETTER_SYN, from) |
			     LETTER(TCPSTATE_LETTER_SYNACK, from))) {
		if (from == TCPSTATE_INITIATOR && pair->syn < 255)
			pair->syn++;
		pair->retrans[from] += seg->count;
		return unchanged(FACT(SYN_RETRANS));
	}
	if (unanswered)
		return anew(TCPSTATE_REASON_SUPERSEDED);
	if (has_state(pair, TCPSTATE_TIME_WAIT) && may_reuse(pair, seg, from))
		return anew(TCPSTATE_REASON_REUSED);

	/* RFC 5961 4.2: answered by a challenge ACK, and a forged one must change nothing. */
	pair->memo[from] = seg->seq;
	pair->sides = 0;
	pair->hits = 0;
	pair->flags |= TCPSTATE_SYN_MEMO << from;
	return unchanged(FACT(OUT_OF_WINDOW));
}

static struct tcpstate_outcome on_synack(struct tcpstate_pair *pair,
					 const struct tcpstate_segment *seg,
					 enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u8 mine = pair->state[from], theirs = pair->state[peer];
	bool answers = after(seg->ack, pair->iss[peer]) && !after(seg->ack, pair->nxt[peer]);
	bool again = seg->seq == pair->iss[from];

	if (pair->flags & TCPSTATE_SYN_MEMO << peer && seg->ack == pair->memo[peer] + 1)
		return anew(TCPSTATE_REASON_SUPERSEDED);

	if (again && pair->letters & LETTER(TCPSTATE_LETTER_SYNACK, from) &&
	    mine != TCPSTATE_SYN_SENT) {
		if (pair->synack < 255)
			pair->synack++;
		pair->retrans[from] += seg->count;
		return believed(FACT(SYNACK_RETRANS));
	}

	if (mine == TCPSTATE_SYN_SENT && theirs == TCPSTATE_LISTEN) {
		/* The initiator answers: the other's SYN crossed its own unseen. */
		if (!again)
			return unchanged(FACT(OUT_OF_WINDOW));
		start_unseen(pair, peer, seg->ack);
		pair->edge[peer] = window_edge(pair, seg, from);
		pair->edge[from] = pair->nxt[from] + 65535;
		set_shift(pair, from, seg->wscale);
		set_shift(pair, peer, TCPSTATE_WSCALE_MAX);
		agree_on_shifts(pair);
		apply(pair, EV_SYN, peer);
		apply(pair, EV_SYNACK, from);
		tell_segment(pair, seg, from);
		pair->synack = 1;
		return believed(FACT(SIMULTANEOUS_OPEN));
	}
	if (mine == TCPSTATE_SYN_SENT &&
	    (theirs == TCPSTATE_SYN_SENT || theirs == TCPSTATE_SYN_RECV)) {
		if (!again)
			return unchanged(FACT(OUT_OF_WINDOW));
		if (!answers)
			return unchanged(FACT(INVALID_ACK));
		acknowledge(pair, peer, seg->ack, window_edge(pair, seg, from));
		tell_segment(pair, seg, from);
		if (pair->synack < 255)
			pair->synack++;
		if (theirs == TCPSTATE_SYN_SENT) {
			apply(pair, EV_SYNACK, from);
			return believed(0);
		}
		/* Both have answered now: each one's SYN is acknowledged. */
		apply(pair, EV_PROOF, from);
		return believed(FACT(ESTABLISHED));
	}
	if (theirs == TCPSTATE_SYN_SENT && (mine == TCPSTATE_LISTEN || mine == TCPSTATE_SYN_RECV)) {
		if (!answers)
			return unchanged(FACT(INVALID_ACK));
		/*
		 * Another number than the last time: it lost its memory, or
		 * answers by SYN cookie. The newest is what will be acknowledged.
		 */
		take_synack(pair, seg, from);
		agree_on_shifts(pair);
		if (pair->synack < 255)
			pair->synack++;
		if (mine == TCPSTATE_SYN_RECV) {
			pair->retrans[from] += seg->count;
			return believed(FACT(SYNACK_RETRANS));
		}
		apply(pair, EV_SYNACK, from);
		return believed(0);
	}
	return unchanged(FACT(OUT_OF_WINDOW));
}

/* RFC 9293 3.10.7.3 for an endpoint in SYN_SENT, RFC 5961 3.2 for any other. */
static struct tcpstate_outcome on_rst(struct tcpstate_pair *pair,
				      const struct tcpstate_segment *seg,
				      enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 una = pair->una[from], nxt = pair->nxt[from];
	struct tcpstate_outcome out = {
		.action = TCPSTATE_END,
		.reason = TCPSTATE_REASON_RESET,
		.renew = true,
	};
	bool exact, inside;

	if (pair->state[peer] == TCPSTATE_SYN_SENT) {
		exact = seg->flags & TCPSTATE_ACK && after(seg->ack, pair->iss[peer]) &&
			!after(seg->ack, pair->nxt[peer]);
		/* In a simultaneous open it is still the initiator's to give up. */
		exact |= from == TCPSTATE_INITIATOR && seg->seq == nxt &&
			 pair->state[from] == TCPSTATE_SYN_SENT;
		inside = false;
	} else if (pair->state[from] == TCPSTATE_SYN_SENT) {
		/* una says something only once the SYN is acknowledged. */
		exact = seg->seq == nxt || (seg->seq == una && una != pair->iss[from]);
		inside = after(seg->seq, pair->iss[from]) &&
			 !after(seg->seq, nxt + reach_of(pair, peer));
	} else {
		exact = seg->seq == nxt || seg->seq == una;
		inside = !before(seg->seq, una) && !after(seg->seq, pair->edge[from]);
		if (pair->flags & TCPSTATE_LIBERAL && near(seg->seq, nxt, HORIZON))
			exact = true;
	}
	if (!exact)
		return unchanged(inside ? FACT(RST_INEXACT) : FACT(INVALID_RST));

	if (pair->state[from] == TCPSTATE_LISTEN)
		out.reason = TCPSTATE_REASON_REFUSED;
	else if (pair->letters & LETTER(TCPSTATE_LETTER_FIN, TCPSTATE_INITIATOR) &&
		 pair->letters & LETTER(TCPSTATE_LETTER_FIN, TCPSTATE_RESPONDER))
		out.reason = TCPSTATE_REASON_FIN;
	tell(pair, from, TCPSTATE_LETTER_RST);
	apply(pair, EV_RST, from);
	return out;
}

/**
 * tcpstate_fsm_step() - let one more segment speak for a record
 * @pair: the record's pair, changed by what the segment proves
 * @seg: a segment with valid flags
 * @from: its sender
 *
 * Context: any; the caller serialises access to @pair.
 * Return: what the segment proved or was refused for, and whether the record
 * goes on (see enum tcpstate_action). With TCPSTATE_ANEW the states of @pair
 * are those it had before; with TCPSTATE_END both are CLOSE.
 */
struct tcpstate_outcome tcpstate_fsm_step(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from)
{
	/* It lingers to absorb stragglers: only a SYN means a new connection. */
	if (tcpstate_fsm_ended(pair)) {
		if ((seg->flags & (TCPSTATE_SYN | TCPSTATE_ACK)) == TCPSTATE_SYN)
			return anew(TCPSTATE_REASON_NONE);
		return unchanged(FACT(STRAY));
	}
	if (seg->flags & TCPSTATE_RST)
		return on_rst(pair, seg, from);
	if (!(seg->flags & TCPSTATE_SYN))
		return on_segment(pair, seg, from);
	if (seg->flags & TCPSTATE_ACK)
		return on_synack(pair, seg, from);
	return on_syn(pair, seg, from);
}

/**
 * tcpstate_fsm_close() - end a record for a reason that is not in a segment
 * @pair: the pair; both endpoints are CLOSE afterwards
 */
void tcpstate_fsm_close(struct tcpstate_pair *pair)
{
	pair->state[TCPSTATE_INITIATOR] = TCPSTATE_CLOSE;
	pair->state[TCPSTATE_RESPONDER] = TCPSTATE_CLOSE;
}

/**
 * tcpstate_fsm_expire() - the timer of the pair ran out
 * @pair: a pair that has not ended; both endpoints are CLOSE afterwards
 *
 * Return: TCPSTATE_REASON_FIN where an endpoint waited in TIME_WAIT (RFC 9293
 * 3.6), else TCPSTATE_REASON_TIMEOUT.
 */
enum tcpstate_reason tcpstate_fsm_expire(struct tcpstate_pair *pair)
{
	bool waited = has_state(pair, TCPSTATE_TIME_WAIT);

	tcpstate_fsm_close(pair);
	return waited ? TCPSTATE_REASON_FIN : TCPSTATE_REASON_TIMEOUT;
}

/**
 * tcpstate_fsm_unreplied() - is this flow still the word of one side alone?
 * @pair: the pair
 *
 * Return: true for a picked-up or one-sided flow until both sides have spoken.
 */
bool tcpstate_fsm_unreplied(const struct tcpstate_pair *pair)
{
	return pair->flags & (TCPSTATE_PICKED_UP | TCPSTATE_ONE_SIDED) &&
	       !(tcpstate_fsm_spoke(pair, TCPSTATE_INITIATOR) &&
		 tcpstate_fsm_spoke(pair, TCPSTATE_RESPONDER));
}

/**
 * tcpstate_fsm_timeout() - how long the pair may be silent
 * @pair: the pair
 * @seconds: the timeouts in force
 *
 * Return: seconds since the last segment that renewed the record's timer.
 */
unsigned int tcpstate_fsm_timeout(const struct tcpstate_pair *pair,
				  const unsigned int seconds[TCPSTATE_TIMEOUT_MAX])
{
	unsigned int initiator = seconds[timeouts[pair->state[TCPSTATE_INITIATOR]]];
	unsigned int responder = seconds[timeouts[pair->state[TCPSTATE_RESPONDER]]];
	unsigned int longer = initiator > responder ? initiator : responder;

	if (tcpstate_fsm_halfopen(pair)) {
		if (pair->state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT &&
		    (pair->state[TCPSTATE_RESPONDER] == TCPSTATE_LISTEN ||
		     pair->state[TCPSTATE_RESPONDER] == TCPSTATE_SYN_SENT))
			return seconds[TCPSTATE_TIMEOUT_SYN_SENT];
		return seconds[TCPSTATE_TIMEOUT_SYN_RECV];
	}
	if (tcpstate_fsm_unreplied(pair) && !tcpstate_fsm_ended(pair) &&
	    longer > seconds[TCPSTATE_TIMEOUT_UNREPLIED])
		return seconds[TCPSTATE_TIMEOUT_UNREPLIED];
	return longer;
}

/**
 * tcpstate_fsm_bytes() - payload that an endpoint has sent
 * @pair: the pair
 * @end: which endpoint
 *
 * Return: octets, those sent again counted once. Zero for an endpoint that was
 * never seen.
 */
__u64 tcpstate_fsm_bytes(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	bool fin = pair->letters & LETTER(TCPSTATE_LETTER_FIN, end);

	return tcpstate_fsm_spoke(pair, end) ? sent(pair, end) - fin : 0;
}

/**
 * tcpstate_fsm_history() - the life of a pair in letters
 * @pair: the pair
 * @text: filled in, ends with a NUL
 */
void tcpstate_fsm_history(const struct tcpstate_pair *pair, char text[TCPSTATE_HISTORY_MAX + 1])
{
	static const char lower[] = "?shadfrcitw^", upper[] = "?SHADFRCITW^";
	unsigned int i, letter;

	for (i = 0; i < TCPSTATE_HISTORY_MAX; i++) {
		letter = pair->history >> (4 * i) & 15;
		if (!letter)
			break;
		text[i] = pair->lower >> i & 1 ? lower[letter] : upper[letter];
	}
	text[i] = '\0';
}

/**
 * tcpstate_state_name() - a state as netstat prints it
 * @state: enum tcpstate_state
 *
 * Return: its name, "UNKNOWN" for what is none.
 */
const char *tcpstate_state_name(unsigned int state)
{
	if (state >= __TCPSTATE_STATE_MAX || !state_names[state])
		return "UNKNOWN";
	return state_names[state];
}
