// SPDX-License-Identifier: GPL-2.0
/* Taking up the numbers again after segments passed unseen. */
#include "history.h"
#include "pair.h"
#include "resync.h"
#include "transition.h"

/* What refused segments claimed is forgotten, though not that they were refused. */
static void forget_claims(struct tcpstate_pair *pair)
{
	pair->sides = 0;
	pair->hits = 0;
	pair->flags &= ~(TCPSTATE_SYN_MEMO | TCPSTATE_SYN_MEMO << 1 |
			 TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1);
}

/**
 * tcpstate_resync_forget() - what was refused no longer speaks against what we know
 * @pair: the pair
 */
void tcpstate_resync_forget(struct tcpstate_pair *pair)
{
	pair->refused = 0;
	forget_claims(pair);
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
	enum tcpstate_end end;

	if (pair_has_state(pair, TCPSTATE_SYN_SENT))
		tcpstate_transition(pair, TCPSTATE_EV_PROOF, TCPSTATE_INITIATOR);
	for (end = TCPSTATE_INITIATOR; end <= TCPSTATE_RESPONDER; end++) {
		if (state_past_fin(pair->state[end]) && pair->memo[end] != pair->nxt[end])
			tcpstate_transition(pair, TCPSTATE_EV_NO_FIN, end);
		pair_rebase(pair, end, pair->memo[end]);
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
	tcpstate_resync_forget(pair);
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
	if (from != disputed) {
		*acknowledged = seg->ack;
		return true;
	}
	if (!seq_near(seg->seq - *acknowledged, difference, HORIZON))
		return false;
	pair->hits++;
	return true;
}

/**
 * tcpstate_resync_refuse() - a segment contradicts what we know
 * @pair: the pair
 * @seg: the segment
 * @from: its sender
 * @fact: what it is refused for
 *
 * It is no evidence, unless others that were refused bear it out: then it is
 * we who missed something. Three among the last six from both sides do, and
 * two in a row do, one from each side, that continue each other exactly, as
 * the first ones after a gap.
 *
 * So ends a handshake too whose last ACK and first request passed unseen. A
 * spoofed source cannot bring that about alone: a responder that was not
 * answered sends no data and acknowledges nothing but the SYN.
 *
 * Return: unchanged but for @fact; or with TCPSTATE_FACT_RESYNC, the segment
 * believed after all.
 */
struct tcpstate_outcome tcpstate_resync_refuse(struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from, __u32 fact)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 fin = seg->flags & TCPSTATE_FIN ? 1 : 0;
	__u32 end = seg->seq + seg->len + fin;
	bool answered = pair->state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT &&
			pair->state[TCPSTATE_RESPONDER] == TCPSTATE_SYN_RECV;
	bool seq_agrees, ack_agrees, continues;

	/* Nothing to go by yet, or nothing to go on for. */
	if (!answered && pair_has_state(pair, TCPSTATE_SYN_SENT))
		return outcome_unchanged(fact);
	if (pair_has_state(pair, TCPSTATE_TIME_WAIT))
		return outcome_unchanged(fact);
	/* What it may send in SYN_RECV too bears out no initiator. */
	if (answered && from == TCPSTATE_RESPONDER && !seg->len &&
	    !seq_after(seg->ack, pair->nxt[peer]))
		return outcome_unchanged(fact);

	continues = pair->sides == 1 << peer && pair->refused & 1 &&
		    seg->seq == pair->memo[from] && seg->ack == pair->memo[peer];
	pair->refused = pair->refused << 1 | 1;

	if (carries_on_dispute(pair, seg, from)) {
		if (pair->hits < 3)
			return outcome_unchanged(fact);
		tcpstate_resync_forget(pair);
		pair->flags |= TCPSTATE_LIBERAL;
		return outcome_believed(fact | FACT(RESYNC));
	}
	seq_agrees = pair->sides && seq_near(seg->seq, pair->memo[from], HORIZON);
	ack_agrees = pair->sides && seq_near(seg->ack, pair->memo[peer], HORIZON);
	if (!answered && pair->sides == 1 << peer && seq_agrees != ack_agrees) {
		begin_dispute(pair, seg, from, ack_agrees ? from : peer);
		return outcome_unchanged(fact);
	}
	if (!seq_agrees || !ack_agrees) {
		forget_claims(pair);
		pair->memo[from] = end;
		pair->memo[peer] = seg->ack;
	}
	if (seq_after(end, pair->memo[from]))
		pair->memo[from] = end;
	if (seq_after(seg->ack, pair->memo[peer]))
		pair->memo[peer] = seg->ack;
	if (fin)
		pair->flags |= TCPSTATE_GAP_FIN << from;
	pair->sides |= 1 << from;
	if (pair->hits < 3)
		pair->hits++;
	if (!continues && !(pair->hits == 3 && pair->sides == 3))
		return outcome_unchanged(fact);
	resynchronise(pair, seg, from);
	if (answered)
		fact |= FACT(ESTABLISHED);
	return outcome_believed(fact | FACT(RESYNC));
}
