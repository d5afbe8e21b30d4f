// SPDX-License-Identifier: GPL-2.0
/*
 * Inference of both endpoints' states from the segments that pass.
 *
 * A segment is judged first (the numbers: is it evidence at all?), and only
 * then becomes events, which the tables of transition.c turn into states. A
 * segment that is judged to be no evidence changes no state and no number.
 */
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

static struct tcpstate_outcome anew(enum tcpstate_reason reason)
{
	return (struct tcpstate_outcome){ .action = TCPSTATE_ANEW, .reason = reason };
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
	pair->hits = 0;
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
	if (seg->fragment)
		pair->flags |= TCPSTATE_FRAGMENTED;
	tcpstate_history_tell(pair, TCPSTATE_INITIATOR, TCPSTATE_LETTER_GUESSED);
	tcpstate_history_segment(pair, seg, from);
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
	tcpstate_history_tell(pair, TCPSTATE_INITIATOR, TCPSTATE_LETTER_SYN);
	tcpstate_fsm_open(pair, seg, from);
	pair->flags &= ~TCPSTATE_PICKED_UP;
	pair->syn = 1;
}

/* Does it acknowledge the SYN of @end, and nothing that @end did not send? */
static bool acknowledges_syn(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			     enum tcpstate_end end)
{
	return seq_after(seg->ack, pair->iss[end]) && !seq_after(seg->ack, pair->nxt[end]);
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

	if (seq_before(seg->seq, pair->una[from]) || seq_after(seg->seq, pair->nxt[from] + HORIZON))
		return outcome_unchanged(FACT(OUT_OF_WINDOW));
	if (!seg->len)
		return outcome_unchanged(FACT(INVALID_ACK));
	if (!pair->hits) {
		pair->hits = 1;
		pair->memo[from] = seg->seq + seg->len;
		pair->memo[peer] = seg->ack;
		return outcome_unchanged(FACT(INVALID_ACK));
	}
	if (seq_before(seg->seq, pair->memo[from]) || seg->ack - pair->memo[peer] > HORIZON)
		return outcome_unchanged(FACT(INVALID_ACK));

	pair->hits = 0;
	pair->flags |= TCPSTATE_ONE_SIDED;
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
 * on_unanswered() had the initiator's word alone, with the numbers it gave?
 */
static bool answers_unanswered(const struct tcpstate_pair *pair,
			       const struct tcpstate_segment *seg, enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	return pair->state[from] == TCPSTATE_LISTEN && pair->hits &&
	       seq_after(seg->ack, pair->iss[peer]) && !seq_after(seg->ack, pair->memo[peer]) &&
	       seg->seq - pair->memo[from] <= HORIZON;
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
	bool answers = acknowledges_syn(pair, seg, peer) || answers_unanswered(pair, seg, from);

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
	pair->hits = 0;
	pair_suppose_shifts(pair);
	tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
	return 0;
}

/*
 * A keep-alive has the number before the next one (RFC 9293 3.8.4). Where one
 * opened the record we are short of an octet, which its answer acknowledges.
 */
static bool began_with_keepalive(const struct tcpstate_pair *pair, enum tcpstate_end end,
				 __u32 ack)
{
	return pair->flags & TCPSTATE_PICKED_UP && !pair_sent(pair, end) &&
	       ack == pair->nxt[end] + 1 &&
	       !(pair->letters & LETTER(TCPSTATE_LETTER_SYNACK, end));
}

/*
 * Does it reach beyond the right edge? One octet goes there without regard for
 * it, a probe's or a FIN, seen or not; the numbers of bare ACKs are behind that.
 */
static bool is_beyond(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		      enum tcpstate_end from)
{
	__u32 end = seg->seq + seg->len;
	bool bare = !seg->len && !(seg->flags & TCPSTATE_FIN);

	return seq_after(end - bare, pair->edge[from]) &&
	       (seg->len || seq_after(end, pair->nxt[from]));
}

/*
 * Where the window is shut, its peer may refuse a probe's data, or take it by
 * now (RFC 9293 3.8.6.1); its acknowledgment counts (3.10.7.4).
 */
static bool is_probe(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		     enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	return pair->edge[from] == pair->una[from] && seg->seq == pair->edge[from] && seg->len &&
	       !seq_after(seg->ack, pair->nxt[peer]) && !seq_before(seg->ack, pair->una[peer]);
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
	if (is_beyond(pair, seg, from) && !is_probe(pair, seg, from) &&
	    (seen || pair->state[from] == TCPSTATE_SYN_RECV))
		return FACT(OUT_OF_WINDOW);
	if (seq_after(seg->ack, pair->nxt[peer]) && seen &&
	    !began_with_keepalive(pair, peer, seg->ack) &&
	    !(pair->flags & TCPSTATE_FRAGMENTED &&
	      seg->ack - pair->nxt[peer] <= pair_reach(pair, from)))
		return FACT(INVALID_ACK);
	/* RFC 5961 5.2: older than any window that was ever offered */
	if (seq_before(seg->ack, pair->una[peer] - pair_reach(pair, from)))
		return FACT(INVALID_ACK);
	if (seq_before(seg->seq, pair->una[from] - pair_reach(pair, peer)))
		return FACT(OUT_OF_WINDOW);
	/*
	 * Nothing follows a FIN, and a FIN follows all there is; its own octet
	 * we may know already, as a hole that was not acknowledged yet.
	 */
	end += fin;
	if (state_past_fin(pair->state[from]) ? seq_after(end, pair->nxt[from]) :
	    fin && (seq_before(end, pair->nxt[from]) || !seq_after(end, pair->una[from])))
		return FACT(OUT_OF_WINDOW);
	return 0;
}

/* A believed acknowledgment of octets that we did not see, or not in full. */
static void follow(struct tcpstate_pair *pair, enum tcpstate_end end, __u32 ack)
{
	if (!seq_after(ack, pair->nxt[end]) || pair->flags & TCPSTATE_LIBERAL)
		return;
	if (tcpstate_fsm_spoke(pair, end) && !began_with_keepalive(pair, end, ack))
		pair_advance(pair, end, ack);
	else
		pair_rebase(pair, end, ack);
}

/* Sent before: what is it, and is it that at all? */
static __u32 judge_repetition(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			      enum tcpstate_end from)
{
	bool fin = seg->flags & TCPSTATE_FIN;

	if (!seq_before(seg->seq, pair->nxt[from]))
		return 0;
	/* RFC 9293 3.8.4: one octet before the next, all of it acknowledged */
	if (!fin && seg->seq + 1 == pair->nxt[from] &&
	    (!seg->len || (seg->len == 1 && pair->una[from] == pair->nxt[from])))
		return FACT(KEEPALIVE);
	if (!seg->len && !fin)
		return 0;
	pair->retrans[from] += seg->count;
	tcpstate_history_tell(pair, from, TCPSTATE_LETTER_RETRANS);
	return fin && state_past_fin(pair->state[from]) ? FACT(FIN_RETRANS) : FACT(DATA_RETRANS);
}

/* The pair has a TIME_WAIT: keep the newest timestamps, they decide over its reuse. */
static void remember_timestamps(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
				enum tcpstate_end from, bool entered)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	if (entered) {
		tcpstate_resync_forget(pair);
		pair->memo[from] = seg->has_ts ? seg->tsval : 0;
		pair->memo[peer] = seg->has_ts ? seg->tsecr : 0;
	} else if (seg->has_ts && !(pair->flags & TCPSTATE_SYN_MEMO << from)) {
		pair->memo[from] = seg->tsval;
	}
}

static struct tcpstate_outcome on_segment(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;
	__u32 end = seg->seq + seg->len + fin;
	bool liberal = pair->flags & TCPSTATE_LIBERAL;
	struct tcpstate_outcome out = outcome_believed(0);
	__u32 refused;
	bool waiting;

	if (pair_has_state(pair, TCPSTATE_SYN_SENT)) {
		if (pair->state[from] == TCPSTATE_SYN_SENT &&
		    pair->state[peer] == TCPSTATE_LISTEN)
			return on_unanswered(pair, seg, from);
		refused = judge_handshake(pair, seg, from);
		if (refused == PROVES_NOTHING)
			return outcome_unchanged(0);
		if (refused)
			return tcpstate_resync_refuse(pair, seg, from, refused);
	}

	if (!liberal) {
		refused = judge_numbers(pair, seg, from);
		if (refused)
			return tcpstate_resync_refuse(pair, seg, from, refused);
		if (is_probe(pair, seg, from))
			out.facts |= FACT(OUT_OF_WINDOW);
	}

	waiting = pair_has_state(pair, TCPSTATE_TIME_WAIT);
	out.facts |= judge_repetition(pair, seg, from);
	/* Shut just now: before, its peer could have sent more, or less was acknowledged. */
	if (!seg->window &&
	    !(pair->edge[peer] == pair->una[peer] && seg->ack == pair->una[peer]))
		out.facts |= FACT(ZERO_WINDOW);
	if (seg->fragment)
		pair->flags |= TCPSTATE_FRAGMENTED;

	if (!tcpstate_fsm_spoke(pair, from))
		pair_start_seen(pair, from, seg->seq);
	if (pair->state[from] == TCPSTATE_SYN_SENT && pair->state[peer] == TCPSTATE_SYN_SENT) {
		/* The SYNs crossed, and its SYN-ACK passed unseen. */
		tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
	} else if (pair->state[from] == TCPSTATE_SYN_SENT) {
		tcpstate_transition(pair, TCPSTATE_EV_PROOF, from);
		out.facts |= FACT(ESTABLISHED);
		if (pair->refused)
			tcpstate_resync_forget(pair);
	}
	/* A capture of one direction: it acknowledges more than the other's SYN. */
	if (pair->state[peer] == TCPSTATE_SYN_SENT && !tcpstate_fsm_spoke(pair, peer) &&
	    seq_after(seg->ack, pair->nxt[peer])) {
		tcpstate_transition(pair, TCPSTATE_EV_PROOF, peer);
		out.facts |= FACT(ESTABLISHED);
	}
	follow(pair, peer, seg->ack);
	pair_acknowledge(pair, peer, seg->ack, pair_window_edge(pair, seg, from));
	if (liberal && (!seq_near(seg->seq, pair->nxt[from], HORIZON) ||
			(fin && !state_past_fin(pair->state[from]))))
		pair_rebase(pair, from, seg->seq);
	pair_advance(pair, from, end);
	tcpstate_resync_relent(pair);

	if (state_past_fin(pair->state[peer]) && (seg->ack == pair->nxt[peer] || liberal))
		tcpstate_transition(pair, TCPSTATE_EV_ACK_OF_FIN, from);
	if (fin && !state_past_fin(pair->state[from])) {
		tcpstate_transition_fin(pair, from);
		if (pair->state[from] == TCPSTATE_FIN_WAIT1 &&
		    pair->state[peer] == TCPSTATE_FIN_WAIT1)
			out.facts |= FACT(SIMULTANEOUS_CLOSE);
	}
	tcpstate_history_segment(pair, seg, from);
	if (pair_has_state(pair, TCPSTATE_TIME_WAIT)) {
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
	if (!seq_before(seg->seq, pair->nxt[from]))
		return true;
	return seg->has_ts && pair->memo[from] && !(pair->flags & TCPSTATE_SYN_MEMO << from) &&
	       seq_after(seg->tsval, pair->memo[from]);
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
		pair->retrans[from] += seg->count;
		return outcome_unchanged(FACT(SYN_RETRANS));
	}
	if (unanswered)
		return anew(TCPSTATE_REASON_SUPERSEDED);
	if (pair_has_state(pair, TCPSTATE_TIME_WAIT) && may_reuse(pair, seg, from))
		return anew(TCPSTATE_REASON_REUSED);

	/* RFC 5961 4.2: answered by a challenge ACK, and a forged one must change nothing. */
	pair->memo[from] = seg->seq;
	pair->sides = 0;
	pair->hits = 0;
	pair->flags |= TCPSTATE_SYN_MEMO << from;
	return outcome_unchanged(FACT(OUT_OF_WINDOW));
}

/* Does this SYN-ACK acknowledge a SYN that was refused, and remembered? */
static bool confirms_memo(const struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			  enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	return pair->flags & TCPSTATE_SYN_MEMO << peer && seg->ack == pair->memo[peer] + 1;
}

static struct tcpstate_outcome on_synack(struct tcpstate_pair *pair,
					 const struct tcpstate_segment *seg,
					 enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u8 mine = pair->state[from], theirs = pair->state[peer];
	bool answers = acknowledges_syn(pair, seg, peer);
	bool again = seg->seq == pair->iss[from];

	if (confirms_memo(pair, seg, from))
		return anew(TCPSTATE_REASON_SUPERSEDED);

	if (again && tcpstate_fsm_spoke(pair, from) && mine != TCPSTATE_SYN_SENT) {
		count_up(&pair->synack);
		if (pair->letters & LETTER(TCPSTATE_LETTER_SYNACK, from)) {
			pair->retrans[from] += seg->count;
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
			pair->retrans[from] += seg->count;
			return outcome_believed(FACT(SYNACK_RETRANS));
		}
		tcpstate_transition(pair, TCPSTATE_EV_SYNACK, from);
		return outcome_believed(0);
	}
	return outcome_unchanged(FACT(OUT_OF_WINDOW));
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
		exact = seg->flags & TCPSTATE_ACK && acknowledges_syn(pair, seg, peer);
		/* In a simultaneous open it is still the initiator's to give up. */
		exact |= from == TCPSTATE_INITIATOR && seg->seq == nxt &&
			 pair->state[from] == TCPSTATE_SYN_SENT;
		inside = false;
	} else if (pair->state[from] == TCPSTATE_SYN_SENT) {
		/* una says something only once the SYN is acknowledged. */
		exact = seg->seq == nxt || (seg->seq == una && una != pair->iss[from]);
		inside = seq_after(seg->seq, pair->iss[from]) &&
			 !seq_after(seg->seq, nxt + pair_reach(pair, peer));
	} else {
		exact = seg->seq == nxt || seg->seq == una;
		/*
		 * It closed, and answers what was sent before its FIN arrived
		 * by an acknowledgment of then. Stacks take that.
		 */
		if (state_has_fin(pair->state[peer]) && seg->seq + 1 == nxt)
			exact = true;
		inside = !seq_before(seg->seq, una) && !seq_after(seg->seq, pair->edge[from]);
		if (pair->flags & TCPSTATE_LIBERAL && seq_near(seg->seq, nxt, HORIZON))
			exact = true;
	}
	if (!exact)
		return outcome_unchanged(inside ? FACT(RST_INEXACT) : FACT(INVALID_RST));

	if (pair->state[from] == TCPSTATE_LISTEN)
		out.reason = TCPSTATE_REASON_REFUSED;
	else if (pair->letters & LETTER(TCPSTATE_LETTER_FIN, TCPSTATE_INITIATOR) &&
		 pair->letters & LETTER(TCPSTATE_LETTER_FIN, TCPSTATE_RESPONDER))
		out.reason = TCPSTATE_REASON_FIN;
	tcpstate_history_tell(pair, from, TCPSTATE_LETTER_RST);
	tcpstate_transition(pair, TCPSTATE_EV_RST, from);
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
	/*
	 * It lingers to absorb stragglers: only a SYN means a new connection, and
	 * one that came before the end does so once it is confirmed.
	 */
	if (tcpstate_fsm_ended(pair)) {
		if (seg->flags & TCPSTATE_SYN &&
		    (!(seg->flags & TCPSTATE_ACK) || confirms_memo(pair, seg, from)))
			return anew(TCPSTATE_REASON_NONE);
		return outcome_unchanged(FACT(STRAY));
	}
	if (seg->flags & TCPSTATE_RST)
		return on_rst(pair, seg, from);
	if (!(seg->flags & TCPSTATE_SYN))
		return on_segment(pair, seg, from);
	if (seg->flags & TCPSTATE_ACK)
		return on_synack(pair, seg, from);
	return on_syn(pair, seg, from);
}
