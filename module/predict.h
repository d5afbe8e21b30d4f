/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Header prediction: most segments are the next one of an established
 * connection, and say nothing that was not said before. Of those all that
 * tcpstate_fsm_step() would find out is found out here, in a few comparisons.
 */
#ifndef _TCPSTATE_PREDICT_H
#define _TCPSTATE_PREDICT_H

#include "history.h"
#include "pair.h"

/**
 * tcpstate_fsm_predicted() - is this the segment that was to come?
 * @pair: the record's pair
 * @seg: a segment with valid flags
 * @from: its sender
 *
 * Both ends are ESTABLISHED and were seen; the segment begins where the last one ended, stays
 * within the window, acknowledges what may be acknowledged (RFC 9293 3.10.7.4),
 * and its kind has occurred before.
 *
 * Context: any; the caller serialises access to @pair.
 * Return: true where @pair is now as tcpstate_fsm_step() would have left it,
 * with no fact and the timer renewed; false, and nothing changed, where that
 * one must be asked.
 */
static inline bool tcpstate_fsm_predicted(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	enum tcpstate_letter letter = seg->len ? TCPSTATE_LETTER_DATA : TCPSTATE_LETTER_ACK;
	__u32 end = seg->seq + seg->len;
	__u32 edge;

	if ((seg->flags & ~TCPSTATE_PSH) != TCPSTATE_ACK || seg->fragment || !seg->window)
		return false;
	if (pair->state[from] != TCPSTATE_ESTABLISHED || pair->state[peer] != TCPSTATE_ESTABLISHED)
		return false;
	if (!(pair->letters & LETTER(letter, from)) || !(pair->letters & history_speech(peer)) ||
	    pair->sides || pair->turns || pair->doubt)
		return false;
	if (seg->seq != pair->nxt[from] || end < seg->seq || seq_after(end, pair->edge[from]))
		return false;
	if (seg->ack - pair->una[peer] > pair->nxt[peer] - pair->una[peer])
		return false;

	edge = seg->ack + ((__u32)seg->window << pair_shift(pair, from));
	pair->nxt[from] = end;
	pair->una[peer] = seg->ack;
	if (seq_after(edge, pair->edge[peer]))
		pair->edge[peer] = edge;
	return true;
}

#endif /* _TCPSTATE_PREDICT_H */
