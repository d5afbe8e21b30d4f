/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Breadth first through all states that a plan leads to, so that the first trace
 * found to a state is a shortest one.
 *
 * A state that was met is remembered by 64 bits of hash, its predecessor and the
 * move between them: 16 octets, and 8 in the table. Two states of one hash would be
 * taken for one; among N states that is expected N * N / 2^65 times, so once in
 * 36,000 searches of 10^8. The states themselves are kept for the two levels alone
 * that the search is at. The order of moves is fixed, so every run is the same.
 */
#ifndef _MODEL_SEARCH_H
#define _MODEL_SEARCH_H

#include "judge.h"

/**
 * struct violation - where a property first failed
 * @why: what is wrong, NULL where it holds
 * @state: the state before
 * @move: the move that led to it
 */
struct violation {
	const char *why;
	__u32 state;
	struct move move;
};

/**
 * struct search - what a search found
 * @states: how many were met
 * @transitions: moves made
 * @depth: moves on the longest of the shortest ways to a state
 * @crowded: moves not followed because more would have been in flight than fits
 * @exhausted: no state was left out for want of room
 * @violation: per property
 * @pairs: observed pairs, a bit for each responder's state, per initiator's
 */
struct search {
	__u64 states;
	__u64 transitions;
	unsigned int depth;
	__u64 crowded;
	bool exhausted;
	struct violation violation[PROPERTIES];
	__u16 pairs[__TCPSTATE_STATE_MAX];
};

#define TRACE_MAX 256

void search_run(const struct plan *plan, size_t memory, struct search *found);
unsigned int search_trace(const struct violation *violation, struct move trace[TRACE_MAX]);

#endif /* _MODEL_SEARCH_H */
