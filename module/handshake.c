// SPDX-License-Identifier: GPL-2.0
/*
 * How a record begins, and the handshake up to the segment that completes it.
 */
#include "handshake.h"
#include "history.h"
#include "pair.h"
#include "resync.h"
#include "transition.h"

/* Stops at the most that it can hold. */
static void count_up(__u8 *count)
{
	if (*count < 255)
		++*count;
}

/*
 * The numbers of an endpoint that has not sent its SYN yet are counted from
 * zero, so that the window its peer's SYN offers can be told already.
 */
static void await_syn(struct tcpstate_pair *pair, enum tcpstate_end end, __u16 window)
{
	pair_start_unseen(pair, end, 0);
	pair->edge[end] = window;
}

/* The SYN or SYN-ACK of @end: take its numbers, and keep the window it was offered. */
static void take_syn(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		     enum tcpstate_end end)
{
	__u32 window = pair->edge[end] - pair->iss[end] - 1;

	pair_start(pair, end, seg->seq);
	pair_advance(pair, end, seg->seq + 1 + seg->len);
	pair->edge[end] = seg->seq + 1 + window;
	pair_set_shift(pair, end, seg->wscale);
	tcpstate_history_segment(pair, seg, end);
	tcpstate_resync_drop(pair);
}

/* A SYN-ACK of @from, its acknowledgment in range. */
static void take_synack(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	take_syn(pair, seg, from);
	pair->una[peer] = seg->ack;
	pair->edge[peer] = pair_window_edge(pair, seg, from);
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
	pair_start_unseen(pair, TCPSTATE_INITIATOR, seg->ack);
	pair_set_shift(pair, TCPSTATE_INITIATOR, TCPSTATE_WSCALE_MAX);
	await_syn(pair, TCPSTATE_RESPONDER, 65535);
	take_synack(pair, seg, TCPSTATE_RESPONDER);
	pair_agree_on_shifts(pair);
	pair->state[TCPSTATE_INITIATOR] = TCPSTATE_SYN_SENT;
	pair->state[TCPSTATE_RESPONDER] = TCPSTATE_SYN_RECV;
	pair->flags = TCPSTATE_PICKED_UP;
	pair->unproved = true;
	pair->synack = 1;
}

static void open_midstream(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			   enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	bool fin = seg->flags & TCPSTATE_FIN;

	pair_start(pair, from, seg->seq - 1);
	pair_advance(pair, from, seg->seq + seg->len + fin);
	pair->una[from] = seg->seq;
	pair->edge[from] = pair->nxt[from];
	pair_start_unseen(pair, peer, seg->ack);
	pair_suppose_shifts(pair);
	pair->edge[peer] = pair_window_edge(pair, seg, from);
	pair->state[from] = fin ? TCPSTATE_FIN_WAIT1 : TCPSTATE_ESTABLISHED;
	pair->state[peer] = TCPSTATE_ESTABLISHED;
	pair->flags = TCPSTATE_PICKED_UP;
	pair->unproved = true;
	if (seg->fragment)
		pair->flags |= TCPSTATE_FRAGMENTED;
	tcpstate_history_segment(pair, seg, from);
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
	if (!(seg->flags & TCPSTATE_SYN)) {
		tcpstate_history_tell(pair, TCPSTATE_INITIATOR, TCPSTATE_LETTER_GUESSED);
		open_midstream(pair, seg, from);
		return true;
	}
	if (seg->flags & TCPSTATE_ACK)
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
 * successor is not a picked-up one. A segment without SYN revives a record: it
 * picks up the connection, whose roles are known.
 */
void tcpstate_fsm_reopen(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			 enum tcpstate_end from)
{
	if (!(seg->flags & TCPSTATE_SYN)) {
		open_midstream(pair, seg, from);
		return;
	}
	tcpstate_history_tell(pair, TCPSTATE_INITIATOR, TCPSTATE_LETTER_SYN);
	tcpstate_fsm_open(pair, seg, from);
	pair->flags &= ~TCPSTATE_PICKED_UP;
	pair->unproved = false;
	pair->syn = 1;
	pair->side[TCPSTATE_RESPONDER].tries = 1;
}

/**
 * tcpstate_handshake_unanswered() - an initiator goes on as though it had been answered
 * @pair: SYN_SENT / LISTEN
 * @seg: neither SYN nor RST
 * @from: the initiator
 *
 * Spoofed, or the answers take another way: two segments of data that advance
 * prove this. With other numbers than those of a SYN that replaced a record, it may be
 * the SYN that was spoofed.
 *
 * Return: what became of the pair.
 */
struct tcpstate_outcome tcpstate_handshake_unanswered(struct tcpstate_pair *pair,
						      const struct tcpstate_segment *seg,
						      enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	if (seq_before(seg->seq, pair->una[from]) || seq_after(seg->seq, pair->nxt[from] + HORIZON))
		return pair_succeeded(pair) && tcpstate_resync_revives(pair, seg, from) ?
		       outcome_anew(TCPSTATE_REASON_SUPERSEDED) :
		       outcome_unchanged(FACT(OUT_OF_WINDOW));
	if (!seg->len)
		return outcome_unchanged(FACT(INVALID_ACK));
	if (!pair->turns) {
		tcpstate_resync_drop(pair);
		pair->turns = 1;
		pair->memo[from] = seg->seq + seg->len;
		pair->memo[peer] = seg->ack;
		return outcome_unchanged(FACT(INVALID_ACK));
	}
	if (seq_before(seg->seq, pair->memo[from]) || seg->ack - pair->memo[peer] > HORIZON)
		return outcome_unchanged(FACT(INVALID_ACK));

	pair->turns = 0;
	pair->flags |= TCPSTATE_ONE_SIDED;
	pair->unproved = true;
	pair_advance(pair, from, seg->seq + seg->len);
	pair->una[from] = seg->seq;
	pair_start_unseen(pair, peer, seg->ack);
	pair_suppose_shifts(pair);
	pair->edge[peer] = pair_window_edge(pair, seg, from);
	tcpstate_transition(pair, TCPSTATE_EV_SYNACK, peer);
	tcpstate_transition(pair, TCPSTATE_EV_PROOF, from);
	if (seg->flags & TCPSTATE_FIN) {
		pair_advance(pair, from, seg->seq + seg->len + 1);
		tcpstate_transition_fin(pair, from);
	}
	tcpstate_history_segment(pair, seg, from);
	return outcome_believed(0);
}

/*
 * Does a responder whose SYN-ACK passed unseen acknowledge the data for which
 * tcpstate_handshake_unanswered() had the initiator's word alone, with the numbers it gave?
 */
static bool answers_unanswered(const struct tcpstate_pair *pair,
			       const struct tcpstate_segment *seg, enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	return pair->state[from] == TCPSTATE_LISTEN && pair->turns &&
	       seq_after(seg->ack, pair->iss[peer]) && !seq_after(seg->ack, pair->memo[peer]) &&
	       seg->seq - pair->memo[from] <= HORIZON;
}

/**
 * tcpstate_handshake_judge() - neither SYN nor RST, while an endpoint is still SYN_SENT
 * @pair: the pair
 * @seg: the segment
 * @from: its sender
 *
 * Return: zero to go on as for any other segment; PROVES_NOTHING for one that
 * is neither evidence nor refused; else the facts for which it is refused.
 */
__u32 tcpstate_handshake_judge(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			       enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	bool answers = pair_acknowledges_syn(pair, seg, peer) ||
		       answers_unanswered(pair, seg, from);

	if (pair->state[from] == TCPSTATE_SYN_SENT) {
		if (!answers)
			return FACT(INVALID_ACK);
		if (seq_before(seg->seq, pair->una[from]) || seg->seq == pair->iss[from] ||
		    seq_after(seg->seq + seg->len, pair->edge[from]))
			return FACT(OUT_OF_WINDOW);
		return 0;
	}

	/* From the responder, or in a simultaneous open from either. */
	if (pair->state[from] != TCPSTATE_LISTEN)
		return 0;
	/* RFC 5961 4: a challenge ACK for a connection of before looks so. */
	if (!seg->len && !(seg->flags & TCPSTATE_FIN))
		return PROVES_NOTHING;
	if (!answers)
		return FACT(INVALID_ACK);
	/* Data: its SYN-ACK passed unseen. */
	pair_advance(pair, peer, seg->ack);
	pair_start(pair, from, seg->seq - 1);
	pair_advance(pair, from, seg->seq);
	pair->una[from] = seg->seq;
	pair->edge[from] = seg->seq + seg->len + 65535;
	pair->edge[peer] = seg->ack;
	pair->turns = 0;
	pair_suppose_shifts(pair);
	tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
	return 0;
}

/* RFC 9293 3.6.1 and RFC 6191: may this SYN open what waits to be forgotten? */
static bool may_reuse(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		      enum tcpstate_end from)
{
	if (pair->state[tcpstate_peer(from)] != TCPSTATE_TIME_WAIT)
		return true;
	if (!seq_before(seg->seq, pair->nxt[from]))
		return true;
	return seg->has_ts && pair->memo[from] && !pair->sides && !pair->turns &&
	       !(pair->flags & TCPSTATE_SYN_MEMO << from) &&
	       seq_after(seg->tsval, pair->memo[from]);
}

/**
 * tcpstate_handshake_syn() - a SYN for a record that has not ended
 * @pair: the pair
 * @seg: a SYN without ACK
 * @from: its sender
 *
 * Return: what became of the pair.
 */
struct tcpstate_outcome tcpstate_handshake_syn(struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	unsigned int tries = pair->side[TCPSTATE_INITIATOR].tries;
	bool doubt = pair->doubt;
	bool unanswered = pair->state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT &&
			  pair->state[TCPSTATE_RESPONDER] == TCPSTATE_LISTEN;

	if (unanswered && from == TCPSTATE_RESPONDER) {
		take_syn(pair, seg, from);
		pair_agree_on_shifts(pair);
		pair->edge[peer] = pair->iss[peer] + 1 + seg->window;
		tcpstate_transition(pair, TCPSTATE_EV_SYN, from);
		return outcome_believed(FACT(SIMULTANEOUS_OPEN));
	}
	if (seg->seq == pair->iss[from] &&
	    pair->letters & (LETTER(TCPSTATE_LETTER_SYN, from) |
			     LETTER(TCPSTATE_LETTER_SYNACK, from))) {
		if (from == TCPSTATE_INITIATOR)
			count_up(&pair->syn);
		pair_count_retrans(pair, from, seg->count);
		return outcome_unchanged(FACT(SYN_RETRANS));
	}
	if (unanswered)
		return outcome_anew(TCPSTATE_REASON_SUPERSEDED);
	if (pair_has_state(pair, TCPSTATE_TIME_WAIT) && may_reuse(pair, seg, from))
		return outcome_anew(TCPSTATE_REASON_REUSED);

	/*
	 * RFC 5961 4.2: answered by a challenge ACK, and a forged one must change nothing.
	 * Against a claim it counts like other segments that do not agree with it.
	 */
	if (pair->turns > 1) {
		pair->turns--;
		return outcome_unchanged(FACT(OUT_OF_WINDOW));
	}
	tcpstate_resync_drop(pair);
	pair->doubt = doubt;
	pair->side[TCPSTATE_INITIATOR].tries = tries;
	pair->memo[from] = seg->seq;
	pair->flags |= TCPSTATE_SYN_MEMO << from;
	return outcome_unchanged(FACT(OUT_OF_WINDOW));
}

/**
 * tcpstate_handshake_synack() - a SYN-ACK for a record that has not ended
 * @pair: the pair
 * @seg: a SYN-ACK
 * @from: its sender
 * @elapsed: times at this segment
 *
 * A SYN that was refused and this SYN-ACK can both be forged. They begin a new connection
 * only if the endpoints of the old one say nothing (or it is closed, or was never open).
 *
 * Return: what became of the pair.
 */
struct tcpstate_outcome tcpstate_handshake_synack(struct tcpstate_pair *pair,
						  const struct tcpstate_segment *seg,
						  enum tcpstate_end from,
						  const struct tcpstate_elapsed *elapsed)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u8 mine = pair->state[from], theirs = pair->state[peer];
	bool answers = pair_acknowledges_syn(pair, seg, peer);
	bool again = seg->seq == pair->iss[from];

	if (tcpstate_handshake_confirms(pair, seg, from) &&
	    (tcpstate_fsm_halfopen(pair) || pair_has_state(pair, TCPSTATE_TIME_WAIT) ||
	     tcpstate_resync_idle(elapsed)))
		return outcome_anew(TCPSTATE_REASON_SUPERSEDED);

	if (again && tcpstate_fsm_spoke(pair, from) && mine != TCPSTATE_SYN_SENT) {
		count_up(&pair->synack);
		if (pair->letters & LETTER(TCPSTATE_LETTER_SYNACK, from)) {
			pair_count_retrans(pair, from, seg->count);
			return outcome_believed(FACT(SYNACK_RETRANS));
		}
		/* What was sent after it overtook it. */
		tcpstate_history_segment(pair, seg, from);
		return outcome_believed(0);
	}

	if (mine == TCPSTATE_SYN_SENT && theirs == TCPSTATE_LISTEN) {
		/* The initiator answers: the other's SYN crossed its own unseen. */
		if (!again)
			return outcome_unchanged(FACT(OUT_OF_WINDOW));
		pair_start_unseen(pair, peer, seg->ack);
		pair->edge[peer] = pair_window_edge(pair, seg, from);
		pair->edge[from] = pair->nxt[from] + 65535;
		pair_set_shift(pair, from, seg->wscale);
		pair_set_shift(pair, peer, TCPSTATE_WSCALE_MAX);
		pair_agree_on_shifts(pair);
		tcpstate_transition(pair, TCPSTATE_EV_SYN, peer);
		tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
		tcpstate_history_segment(pair, seg, from);
		tcpstate_resync_drop(pair);
		pair->synack = 1;
		return outcome_believed(FACT(SIMULTANEOUS_OPEN));
	}
	if (mine == TCPSTATE_SYN_SENT) {
		if (!again)
			return outcome_unchanged(FACT(OUT_OF_WINDOW));
		if (!answers)
			return outcome_unchanged(FACT(INVALID_ACK));
		pair_acknowledge(pair, peer, seg->ack, pair_window_edge(pair, seg, from));
		tcpstate_history_segment(pair, seg, from);
		count_up(&pair->synack);
		if (theirs == TCPSTATE_SYN_SENT) {
			tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
			return outcome_believed(0);
		}
		/* Both have answered now: each one's SYN is acknowledged. */
		tcpstate_transition(pair, TCPSTATE_EV_PROOF, from);
		return outcome_believed(FACT(ESTABLISHED));
	}
	if (theirs == TCPSTATE_SYN_SENT && (mine == TCPSTATE_LISTEN || mine == TCPSTATE_SYN_RECV)) {
		if (!answers)
			return outcome_unchanged(FACT(INVALID_ACK));
		/*
		 * Another number than the last time: it lost its memory, or
		 * answers by SYN cookie. The newest is what will be acknowledged.
		 */
		take_synack(pair, seg, from);
		pair_agree_on_shifts(pair);
		count_up(&pair->synack);
		if (mine == TCPSTATE_SYN_RECV) {
			pair_count_retrans(pair, from, seg->count);
			return outcome_believed(FACT(SYNACK_RETRANS));
		}
		tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
		return outcome_believed(0);
	}
	/*
	 * SYNPROXY behind this hook completed a handshake of its own, and repeats the SYN
	 * to the server. It shifts the numbers where only one direction shows it.
	 */
	if (mine == TCPSTATE_ESTABLISHED && theirs == TCPSTATE_ESTABLISHED && pair->syn > 1 &&
	    from == TCPSTATE_RESPONDER && seg->ack == pair->iss[peer] + 1) {
		pair->flags |= TCPSTATE_LIBERAL;
		tcpstate_resync_drop(pair);
		return outcome_believed(FACT(RESYNC));
	}
	return outcome_unchanged(FACT(OUT_OF_WINDOW));
}
