// SPDX-License-Identifier: GPL-2.0
/*
 * Inference of both endpoints' states from the segments that pass.
 *
 * A segment is judged first (the numbers: is it evidence at all?), and only
 * then becomes events, which the tables of transition.c turn into states. A
 * segment that is judged to be no evidence changes no state and no number.
 */
#include "handshake.h"
#include "history.h"
#include "pair.h"
#include "predict.h"
#include "resync.h"
#include "transition.h"

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
	__u32 oldest = pair->una[from] - pair_reach(pair, peer);
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
	/* So is the end of what begins almost half the circle ahead. */
	if (seq_before(seg->seq, oldest) || seq_before(end, oldest))
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
	enum tcpstate_end peer = tcpstate_peer(from);
	bool fin = seg->flags & TCPSTATE_FIN;

	if (!seq_before(seg->seq, pair->nxt[from]))
		return 0;
	/*
	 * RFC 9293 3.8.4: one octet before the next, all of it acknowledged. So is an
	 * ACK that a FIN has overtaken, but what it acknowledges is old.
	 */
	if (!fin && seg->seq + 1 == pair->nxt[from] && seg->len <= 1 &&
	    pair->una[from] == pair->nxt[from] && !seq_before(seg->ack, pair->una[peer]))
		return FACT(KEEPALIVE);
	if (!seg->len && !fin)
		return 0;
	pair_count_retrans(pair, from, seg->count);
	tcpstate_history_tell(pair, from, TCPSTATE_LETTER_RETRANS);
	return fin && state_past_fin(pair->state[from]) ? FACT(FIN_RETRANS) : FACT(DATA_RETRANS);
}

/* The pair has a TIME_WAIT: keep the newest timestamps, they decide over its reuse. */
static void remember_timestamps(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
				enum tcpstate_end from, bool entered)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	if (entered) {
		tcpstate_resync_drop(pair);
		pair->flags &= ~(TCPSTATE_SYN_MEMO | TCPSTATE_SYN_MEMO << 1);
		pair->memo[from] = seg->has_ts ? seg->tsval : 0;
		pair->memo[peer] = seg->has_ts ? seg->tsecr : 0;
	} else if (seg->has_ts && !(pair->flags & TCPSTATE_SYN_MEMO << from)) {
		pair->memo[from] = seg->tsval;
	}
}

/* Refused, unless it is we who missed something: and that may have been the last FIN. */
static struct tcpstate_outcome refuse(struct tcpstate_pair *pair,
				      const struct tcpstate_segment *seg,
				      enum tcpstate_end from,
				      const struct tcpstate_elapsed *elapsed, __u32 fact)
{
	struct tcpstate_outcome out = tcpstate_resync_refuse(pair, seg, from, elapsed, fact);

	if (out.facts & FACT(RESYNC) && pair_has_state(pair, TCPSTATE_TIME_WAIT))
		remember_timestamps(pair, seg, from, true);
	return out;
}

/* So many periods with proof prove a connection: 32 s, at the earliest. */
#define PERIODS 7

/*
 * The number of the period at this age: they begin after 1, 2, 4, 8, 16 and 32 s, and
 * then every 32 s. Short ones come first, so that a flow that lives for some seconds
 * stands above those that are forged anew.
 */
static unsigned int period(__u32 age)
{
	unsigned int seconds = age >> 10, n;

	if (seconds >= 32)
		return 5 + (seconds >> 5);
	for (n = 0; seconds; n++)
		seconds >>= 1;
	return n;
}

/* Periods that began since the newest one with proof, if the timer was renewed @silent ago. */
static unsigned int since_proof(const struct tcpstate_pair *pair, __u32 age, __u32 silent)
{
	return pair->side[TCPSTATE_RESPONDER].proof + period(age) - period(age - silent);
}

/*
 * A segment of @from renews the timer, and no handshake proved the connection. Its traffic
 * does, if in seven periods each endpoint acknowledges data of its peer, as @acked says.
 */
static void vouch(struct tcpstate_pair *pair, enum tcpstate_end from,
		  const struct tcpstate_elapsed *elapsed, bool acked)
{
	struct tcpstate_side *mine = &pair->side[from], *peers = &pair->side[tcpstate_peer(from)];
	unsigned int since = since_proof(pair, elapsed->age, elapsed->silent);

	if (since != pair->side[TCPSTATE_RESPONDER].proof) {
		pair->side[TCPSTATE_RESPONDER].proof = since < PERIODS ? since : PERIODS;
		mine->acked = false;
		peers->acked = false;
	}
	if (!acked || mine->acked)
		return;
	mine->acked = true;
	if (!peers->acked)
		return;
	pair->side[TCPSTATE_RESPONDER].proof = 0;
	if (++pair->side[TCPSTATE_INITIATOR].proof == PERIODS)
		pair->unproved = false;
}

/**
 * tcpstate_fsm_standing() - how badly is the connection proved?
 * @pair: the pair
 * @age: of the record, in milliseconds, as in struct tcpstate_elapsed
 * @silent: since its timer was renewed, likewise
 *
 * Return: TCPSTATE_PROVED_BY_HANDSHAKE, TCPSTATE_PROVED_BY_TRAFFIC, or at most
 * TCPSTATE_UNPROVED: the less, the more periods have proof, as long as this period
 * or the last one has it.
 */
unsigned int tcpstate_fsm_standing(const struct tcpstate_pair *pair, __u32 age, __u32 silent)
{
	if (!pair->unproved)
		return pair->flags & (TCPSTATE_PICKED_UP | TCPSTATE_ONE_SIDED) ?
		       TCPSTATE_PROVED_BY_TRAFFIC : TCPSTATE_PROVED_BY_HANDSHAKE;
	if (since_proof(pair, age, silent) <= 1)
		return TCPSTATE_UNPROVED - pair->side[TCPSTATE_INITIATOR].proof;
	return TCPSTATE_UNPROVED;
}

static struct tcpstate_outcome on_segment(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from,
					  const struct tcpstate_elapsed *elapsed)
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
			return tcpstate_handshake_unanswered(pair, seg, from);
		refused = tcpstate_handshake_judge(pair, seg, from);
		if (refused == PROVES_NOTHING)
			return outcome_unchanged(0);
		if (refused)
			return refuse(pair, seg, from, elapsed, refused);
	}

	if (!liberal) {
		refused = judge_numbers(pair, seg, from);
		if (refused)
			return refuse(pair, seg, from, elapsed, refused);
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
	/* Whose acknowledgments pass elsewhere: what it went on from was acknowledged. */
	if (seg->len && !tcpstate_fsm_spoke(pair, peer) && seq_after(seg->seq, pair->una[from]))
		pair->una[from] = seg->seq;
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

/* RFC 9293 3.10.7.3 for an endpoint in SYN_SENT, RFC 5961 3.2 for any other. */
static struct tcpstate_outcome on_rst(struct tcpstate_pair *pair,
				      const struct tcpstate_segment *seg,
				      enum tcpstate_end from,
				      const struct tcpstate_elapsed *elapsed)
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
		exact = seg->flags & TCPSTATE_ACK && pair_acknowledges_syn(pair, seg, peer);
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
	if (!exact) {
		out = outcome_unchanged(inside ? FACT(RST_INEXACT) : FACT(INVALID_RST));
		/* After a silence it may be all that is seen of the close. */
		if (!tcpstate_fsm_halfopen(pair) && !pair_has_state(pair, TCPSTATE_TIME_WAIT) &&
		    !pair->doubt && tcpstate_resync_idle(elapsed)) {
			pair->doubt = true;
			out.renew = true;
		}
		return out;
	}

	tcpstate_resync_drop(pair);
	/*
	 * The SYNs crossed, and this one may be of before: then the peer has
	 * gone on to SYN_RECV, does not care, and will confirm its SYN.
	 */
	if (pair->state[from] == TCPSTATE_SYN_SENT && pair->state[peer] == TCPSTATE_SYN_SENT) {
		pair->memo[from] = pair->iss[from];
		pair->flags |= TCPSTATE_SYN_MEMO << from;
	}
	if (pair->state[from] == TCPSTATE_LISTEN)
		out.reason = TCPSTATE_REASON_REFUSED;
	else if (pair->letters & LETTER(TCPSTATE_LETTER_FIN, TCPSTATE_INITIATOR) &&
		 pair->letters & LETTER(TCPSTATE_LETTER_FIN, TCPSTATE_RESPONDER))
		out.reason = TCPSTATE_REASON_FIN;
	tcpstate_history_tell(pair, from, TCPSTATE_LETTER_RST);
	tcpstate_transition(pair, TCPSTATE_EV_RST, from);
	return out;
}

/* A segment for a record, whether that has ended or not. */
static struct tcpstate_outcome step(struct tcpstate_pair *pair,
				    const struct tcpstate_segment *seg, enum tcpstate_end from,
				    const struct tcpstate_elapsed *elapsed)
{
	/*
	 * It lingers to absorb stragglers. A SYN means a new connection, and one that
	 * came before the end does so once it is confirmed.
	 */
	if (tcpstate_fsm_ended(pair)) {
		if (seg->flags & TCPSTATE_SYN &&
		    (!(seg->flags & TCPSTATE_ACK) || tcpstate_handshake_confirms(pair, seg, from)))
			return outcome_anew(TCPSTATE_REASON_NONE);
		if (!(seg->flags & TCPSTATE_SYN) && tcpstate_resync_revives(pair, seg, from))
			return outcome_anew(TCPSTATE_REASON_NONE);
		return outcome_unchanged(FACT(STRAY));
	}
	if (seg->flags & TCPSTATE_RST)
		return on_rst(pair, seg, from, elapsed);
	if (!(seg->flags & TCPSTATE_SYN))
		return on_segment(pair, seg, from, elapsed);
	if (seg->flags & TCPSTATE_ACK)
		return tcpstate_handshake_synack(pair, seg, from, elapsed);
	return tcpstate_handshake_syn(pair, seg, from);
}

/**
 * tcpstate_fsm_step() - let one more segment speak for a record
 * @pair: the record's pair, changed by what the segment proves
 * @seg: a segment with valid flags
 * @from: its sender
 * @elapsed: times at this segment
 *
 * Context: any; the caller serialises access to @pair.
 * Return: what the segment proved or was refused for, and whether the record
 * goes on (see enum tcpstate_action). With TCPSTATE_ANEW the states of @pair
 * are those it had before; with TCPSTATE_END both are CLOSE.
 */
struct tcpstate_outcome tcpstate_fsm_step(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from,
					  const struct tcpstate_elapsed *elapsed)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 una = pair->una[peer];
	struct tcpstate_outcome out;

	if (!pair->unproved)
		return tcpstate_fsm_predicted(pair, seg, from) ? outcome_believed(0) :
								 step(pair, seg, from, elapsed);
	out = step(pair, seg, from, elapsed);
	if (out.renew && out.action == TCPSTATE_KEEP)
		vouch(pair, from, elapsed, seq_after(pair->una[peer], una));
	return out;
}
