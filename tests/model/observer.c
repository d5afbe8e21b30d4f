// SPDX-License-Identifier: GPL-2.0
/*
 * The observer: module/fsm.c, kept as module/observe.c and module/record.c keep it,
 * for the one connection there is.
 */
#include <string.h>

#include "world.h"

/* What is only told, and decides nothing, must not make states differ. */
static void canonicalise(struct tcpstate_pair *pair)
{
	pair->side[0].retrans = 0;
	pair->side[1].retrans = 0;
	pair->history = 0;
	pair->lower = 0;
	pair->syn = 0;
	pair->synack = 0;
}

static enum tcpstate_end role_of_sender(const struct tcpstate_segment *seg, enum host from)
{
	if (seg->flags & SYN)
		return seg->flags & ACK ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	return from == A ? TCPSTATE_INITIATOR : TCPSTATE_RESPONDER;
}

static void forget(struct world *w)
{
	memset(&w->pair, 0, sizeof(w->pair));
	w->known = false;
	w->flipped = false;
}

/**
 * observer_sees() - a segment passes
 * @w: the world
 * @seg: the segment
 * @from: its sender
 *
 * Return: what came of it; a stray that opened nothing is a STRAY.
 */
struct tcpstate_outcome observer_sees(struct world *w, struct segment seg, enum host from)
{
	const struct tcpstate_segment segment = {
		.seq = seg.seq,
		.ack = seg.ack,
		.len = seg.len,
		.count = 1,
		.window = seg.window,
		.flags = seg.flags & ~PROBE,
		.wscale = TCPSTATE_WSCALE_NONE,
	};
	/* The world has no clock: all of it happens within a moment. */
	const struct tcpstate_elapsed elapsed = { 0 };
	enum tcpstate_end role = role_of_sender(&segment, from);
	struct tcpstate_outcome out = { 0 };

	if (w->known) {
		out = tcpstate_fsm_step(&w->pair, &segment,
					from == role_host(w, TCPSTATE_INITIATOR) ?
					TCPSTATE_INITIATOR : TCPSTATE_RESPONDER,
					&elapsed);
		if (out.action == TCPSTATE_ANEW) {
			if (!(segment.flags & SYN))
				role = from == role_host(w, TCPSTATE_INITIATOR) ?
				       TCPSTATE_INITIATOR : TCPSTATE_RESPONDER;
			forget(w);
			tcpstate_fsm_reopen(&w->pair, &segment, role);
			w->known = true;
			w->flipped = (unsigned int)from != (unsigned int)role;
		}
	} else if (tcpstate_fsm_open(&w->pair, &segment, role)) {
		w->known = true;
		w->flipped = (unsigned int)from != (unsigned int)role;
	} else {
		out.facts = 1u << TCPSTATE_FACT_STRAY;
	}
	canonicalise(&w->pair);
	return out;
}

/* Its timer runs out: a record that waited in TIME_WAIT goes, any other lingers first. */
void observer_expires(struct world *w)
{
	if (tcpstate_fsm_ended(&w->pair) ||
	    tcpstate_fsm_expire(&w->pair) == TCPSTATE_REASON_FIN)
		forget(w);
}
