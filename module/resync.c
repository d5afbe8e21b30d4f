// SPDX-License-Identifier: GPL-2.0
/*
 * Taking over other numbers after segments passed unseen.
 *
 * A segment that contradicts the known numbers is refused, and what it claims is
 * remembered in memo[]. An attacker who knows addresses and ports alone can send
 * any number of such segments for both endpoints, and they agree as well as true
 * ones. Two things are hard to forge: a number near a known one, and the silence
 * of the true endpoints, whose segments fit the known numbers.
 */
#include "history.h"
#include "pair.h"
#include "resync.h"
#include "transition.h"

/* A number that is near a known one: a blind guess meets it once in 2^15. */
#define NEAR (64u << 10)
/* So many turns make seven exchanges. The count fills its bits. */
#define TURNS 15
/* A dispute counts the disputed endpoint's turns alone: one a round trip. */
#define DISPUTE_TURNS 7
/* After so many claims that others did not agree with, nearness proves nothing. */
#define TRIES 4
#define TRIES_MAX 15
/* Endpoints that live answer segments that do not fit within three round trips, or 10 ms. */
#define QUIET_ROUND_TRIPS 3
#define QUIET_MS 10
/* A first retransmission comes after that (RFC 6298 2.1, in milliseconds). */
#define RETRANSMISSION_MS 1000

/**
 * tcpstate_resync_drop() - refused segments speak no longer against the known numbers
 * @pair: the pair
 */
void tcpstate_resync_drop(struct tcpstate_pair *pair)
{
	enum tcpstate_end end;

	/* Then memo[] held no timestamps. */
	if ((pair->sides || pair->turns) && pair_has_state(pair, TCPSTATE_TIME_WAIT))
		for (end = TCPSTATE_INITIATOR; end <= TCPSTATE_RESPONDER; end++)
			pair->memo[end] = 0;
	pair->sides = 0;
	pair->turns = 0;
	pair->turn = 0;
	pair->moved = false;
	pair->doubt = false;
	pair->side[TCPSTATE_INITIATOR].tries = 0;
	pair->flags &= ~(TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
}

/**
 * tcpstate_resync_idle() - were both endpoints silent for long enough to doubt the numbers?
 * @elapsed: times at this segment
 *
 * Return: true after a round trip and a retransmission.
 */
bool tcpstate_resync_idle(const struct tcpstate_elapsed *elapsed)
{
	return elapsed->silent > elapsed->round_trip + RETRANSMISSION_MS;
}

/* Did no segment fit the known numbers for as long as a claim of the second kind needs? */
static bool is_quiet(const struct tcpstate_elapsed *elapsed)
{
	__u32 round_trips = QUIET_ROUND_TRIPS * elapsed->round_trip;

	return elapsed->silent >= (round_trips > QUIET_MS ? round_trips : QUIET_MS);
}

/* A FIN of @end was among the segments that were refused, and is believed now. */
static void fin_in_gap(struct tcpstate_pair *pair, enum tcpstate_end end)
{
	if (!(pair->flags & TCPSTATE_GAP_FIN << end) || state_past_fin(pair->state[end]))
		return;
	pair_set_sent(pair, end, pair_sent(pair, end) + 1);
	tcpstate_transition_fin(pair, end);
	tcpstate_history_tell(pair, end, TCPSTATE_LETTER_FIN);
}

/* The numbers of refused segments hold and ours do not: take them over. */
static void resynchronise(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			  enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	const __u32 nxt[2] = { pair->memo[0], pair->memo[1] };
	enum tcpstate_end end;

	if (pair_has_state(pair, TCPSTATE_SYN_SENT))
		tcpstate_transition(pair, TCPSTATE_EV_PROOF, TCPSTATE_INITIATOR);
	for (end = TCPSTATE_INITIATOR; end <= TCPSTATE_RESPONDER; end++) {
		if (state_past_fin(pair->state[end]) && nxt[end] != pair->nxt[end])
			tcpstate_transition(pair, TCPSTATE_EV_NO_FIN, end);
		pair_rebase(pair, end, nxt[end]);
	}
	/* What was acknowledged stands, unless these are other numbers altogether. */
	if (seg->seq - pair->una[from] > pair_reach(pair, peer))
		pair->una[from] = seg->seq;
	pair->edge[from] = pair->nxt[from] + pair_reach(pair, peer);
	pair->una[peer] = seg->ack;
	pair->edge[peer] = pair_window_edge(pair, seg, from);

	fin_in_gap(pair, peer);
	if (state_past_fin(pair->state[peer]) && pair->una[peer] == pair->nxt[peer])
		tcpstate_transition(pair, TCPSTATE_EV_ACK_OF_FIN, from);
	fin_in_gap(pair, from);
	tcpstate_history_segment(pair, seg, from);
	tcpstate_resync_drop(pair);
}

/*
 * A dispute: the numbers that one endpoint sends and those that its peer
 * acknowledges differ, and each time by as much. Then memo[] holds the peer's
 * last acknowledgment for that endpoint, and the difference beside it; @sides
 * is zero, @turns counts, and TCPSTATE_GAP_FIN says which endpoint it is.
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
	pair->turns = 1;
	pair->turn = from;
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

	if (pair->sides || !pair->turns)
		return false;
	if (from != disputed) {
		*acknowledged = seg->ack;
		pair->moved |= !!seg->len;
		pair->turn = from;
		return true;
	}
	if (!seq_near(seg->seq - *acknowledged, difference, HORIZON))
		return false;
	if (pair->turn != from && pair->moved && pair->turns < TURNS) {
		pair->turns++;
		pair->moved = false;
	}
	pair->moved |= !!seg->len;
	pair->turn = from;
	return true;
}

/* The first segment that claims other numbers, or other ones than those before. */
static void begin_claim(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			enum tcpstate_end from)
{
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;

	pair->flags &= ~(TCPSTATE_SYN_MEMO | TCPSTATE_SYN_MEMO << 1 |
			 TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
	pair->memo[from] = seg->seq + seg->len + fin;
	pair->memo[tcpstate_peer(from)] = seg->ack;
	pair->sides = 1 << from;
	pair->turns = 0;
	pair->turn = from;
	pair->moved = seg->len || fin;
	if (fin)
		pair->flags |= TCPSTATE_GAP_FIN << from;
}

/* One more segment that agrees with the claim. */
static void carry_on_claim(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			   enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;
	__u32 end = seg->seq + seg->len + fin;
	bool moved = false;

	if (seq_after(end, pair->memo[from])) {
		pair->memo[from] = end;
		moved = true;
	}
	/* No proof alone: endpoints let pure ACKs of other numbers pass without an answer. */
	if (seq_after(seg->ack, pair->memo[peer]))
		pair->memo[peer] = seg->ack;
	if (fin)
		pair->flags |= TCPSTATE_GAP_FIN << from;
	pair->sides |= 1 << from;
	if (from == pair->turn) {
		pair->moved |= moved;
	} else if (moved || pair->moved) {
		if (pair->turns < TURNS)
			pair->turns++;
		pair->turn = from;
		pair->moved = moved;
	}
}

/* Do the refused segments prove that the known numbers hold no longer? */
static bool convinces(const struct tcpstate_pair *pair, const struct tcpstate_elapsed *elapsed,
		      bool answered)
{
	bool near_i = seq_near(pair->memo[0], pair->nxt[0], NEAR);
	bool near_r = seq_near(pair->memo[1], pair->nxt[1], NEAR);

	if (pair->sides != 3)
		return false;
	if (pair->turns == TURNS && is_quiet(elapsed))
		return true;
	/* A handshake that ended unseen, or a FIN that was none. */
	if (answered || state_past_fin(pair->state[0]) || state_past_fin(pair->state[1]))
		if (near_i && near_r)
			return true;
	return !answered && (near_i || near_r) && tcpstate_resync_idle(elapsed) &&
	       pair->side[TCPSTATE_INITIATOR].tries < TRIES;
}

/**
 * tcpstate_resync_refuse() - a segment contradicts the known numbers
 * @pair: the pair
 * @seg: the segment
 * @from: its sender
 * @elapsed: times at this segment
 * @fact: what it is refused for
 *
 * It is no evidence, unless refused segments of both endpoints agree, and
 *
 * - either both endpoints were silent for longer than a round trip and a
 *   retransmission, and a number is near a known one,
 * - or their numbers advanced over seven exchanges, and no segment fitted the known
 *   numbers for three round trips and 10 ms.
 *
 * Both numbers near known ones suffice where a FIN may have been forged, and to
 * end a handshake whose last ACK and first request passed unseen. A spoofed source
 * cannot bring the latter about alone: a responder that was not answered sends no
 * data and acknowledges nothing but the SYN.
 *
 * A segment that does not agree with the claim counts against it, so that one side
 * cannot keep the other from proving its numbers by noise.
 *
 * Return: unchanged but for @fact; or with TCPSTATE_FACT_RESYNC, the segment
 * believed after all. The first FIN of each endpoint that the peer's refused segments
 * bear out renews the timer, whose timeout is shorter from then on.
 */
struct tcpstate_outcome tcpstate_resync_refuse(struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from,
					       const struct tcpstate_elapsed *elapsed, __u32 fact)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	struct tcpstate_side *counts = &pair->side[TCPSTATE_INITIATOR];
	struct tcpstate_outcome out = outcome_unchanged(fact);
	bool answered = pair->state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT &&
			pair->state[TCPSTATE_RESPONDER] == TCPSTATE_SYN_RECV;
	bool seq_agrees, ack_agrees;
	__u8 fins;

	/* No numbers to claim against; but a SYN that replaced a record may be forged. */
	if (!answered && pair_has_state(pair, TCPSTATE_SYN_SENT))
		return pair_succeeded(pair) && tcpstate_resync_revives(pair, seg, from) ?
		       outcome_anew(TCPSTATE_REASON_SUPERSEDED) : out;
	/* Only data says that the connection goes on. */
	if (pair_has_state(pair, TCPSTATE_TIME_WAIT) && !seg->len)
		return out;
	/* What it may send in SYN_RECV too bears out no initiator. */
	if (answered && from == TCPSTATE_RESPONDER && !seg->len &&
	    !seq_after(seg->ack, pair->nxt[peer]))
		return out;

	if (carries_on_dispute(pair, seg, from)) {
		if (pair->turns < DISPUTE_TURNS || !is_quiet(elapsed))
			return out;
		tcpstate_resync_drop(pair);
		pair->flags |= TCPSTATE_LIBERAL;
		return outcome_believed(fact | FACT(RESYNC));
	}
	seq_agrees = pair->sides && seq_near(seg->seq, pair->memo[from], HORIZON);
	ack_agrees = pair->sides && seq_near(seg->ack, pair->memo[peer], HORIZON);
	if (!answered && pair->sides == 1 << peer && seq_agrees != ack_agrees) {
		begin_dispute(pair, seg, from, ack_agrees ? from : peer);
		return out;
	}
	if (!seq_agrees || !ack_agrees) {
		if (pair->sides && counts->tries < TRIES_MAX)
			counts->tries++;
		/* A dispute has no @sides and one turn at least. */
		if (pair->turns > !pair->sides)
			pair->turns--;
		else
			begin_claim(pair, seg, from);
		return out;
	}
	fins = pair->flags & (TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
	carry_on_claim(pair, seg, from);
	fins ^= pair->flags & (TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
	if (convinces(pair, elapsed, answered)) {
		resynchronise(pair, seg, from);
		if (answered)
			fact |= FACT(ESTABLISHED);
		return outcome_believed(fact | FACT(RESYNC));
	}
	if (pair->sides == 3 && pair->flags & (TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1) &&
	    (!pair->doubt || fins) && !pair_has_state(pair, TCPSTATE_TIME_WAIT)) {
		pair->doubt = true;
		out.renew = true;
	}
	return out;
}

/**
 * tcpstate_resync_revives() - does the connection of a record that ended go on?
 * @pair: a pair that has ended, or that waits for the answer to a SYN
 * @seg: a segment without SYN, and for the latter with numbers that do not fit
 * @from: its sender
 *
 * Data of both endpoints after the end, or the SYN, revives it, if the one acknowledges
 * the other: a socket that is gone acknowledges nothing. If both endpoints send all the
 * time, that acknowledgment comes a round trip later, behind data that agrees too.
 *
 * Return: true if @seg is the second of these.
 */
bool tcpstate_resync_revives(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			     enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	if (seg->flags & (TCPSTATE_RST | TCPSTATE_FIN) || !seg->len)
		return false;
	/* The peer's answer is to acknowledge the first of several, so that one stands. */
	if (!pair->sides || !seq_near(seg->seq, pair->memo[from], HORIZON) ||
	    !seq_near(seg->ack, pair->memo[peer], HORIZON)) {
		begin_claim(pair, seg, from);
		return false;
	}
	return pair->sides == 1 << peer && !seq_before(seg->ack, pair->memo[peer]);
}
