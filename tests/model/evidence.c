// SPDX-License-Identifier: GPL-2.0
/*
 * An independent account of what the segments that passed the observer prove. It
 * knows what no observer does: every ISS, so whose number a number is.
 */
#include <string.h>

#include "world.h"

/* Numbers that one life may use. The ISSs of two lives are farther apart. */
#define SPAN 64

/**
 * life_of() - whose number is it?
 * @stack: of the host whose it may be
 * @number: a sequence number
 *
 * Return: which life's, -1 where it is of none.
 */
int life_of(const struct stack *stack, __u32 number)
{
	int life;

	for (life = 0; life < LIVES; life++)
		if (number - stack->iss[life] < SPAN)
			return life;
	return -1;
}

/**
 * evidence_begin() - a segment opened a record
 * @w: the world
 * @plan: its plan
 * @seg: the segment; what it proves itself is noted by evidence_note()
 * @from: its sender
 *
 * A SYN speaks for a new connection, whatever passed before. A SYN-ACK that opens
 * the successor of a record does so for the SYN it answers.
 */
void evidence_begin(struct world *w, const struct plan *plan, const struct segment *seg,
		    enum host from)
{
	int life = life_of(&plan->stack[from], seg->seq);
	int peers = life_of(&plan->stack[!from], seg->ack);

	if (!(seg->flags & SYN) || w->pair.flags & TCPSTATE_PICKED_UP)
		return;
	/* A connection that went on behind a RST that did not end it has been missed. */
	if (life >= 0 && w->evidence[from][life].saw)
		w->notes |= FAULT_BEFORE;
	memset(w->evidence, 0, sizeof(w->evidence));
	if (seg->flags & ACK && peers >= 0)
		w->evidence[!from][peers].saw = SAW_SYN;
}

static void note_rst(struct world *w, const struct plan *plan, const struct segment *seg,
		     enum host from)
{
	int life = life_of(&plan->stack[from], seg->seq);
	int peers = seg->flags & ACK ? life_of(&plan->stack[!from], seg->ack) : -1;
	struct evidence *mine = life < 0 ? NULL : &w->evidence[from][life];
	struct evidence *theirs = peers < 0 ? NULL : &w->evidence[!from][peers];

	/*
	 * RFC 9293 3.10.7.3: who is in SYN-SENT believes it by its acknowledgment. Who has
	 * gone on may have sent its SYN again, as far as anybody can tell.
	 */
	if (theirs && theirs->saw & SAW_SYN && seg->ack != plan->stack[!from].iss[peers])
		theirs->saw |= theirs->saw & SAW_PROOF ? SAW_DOUBTFUL : SAW_RESET;
	/*
	 * RFC 5961 3.2: others by its exact number, as it was sent or as they expect it.
	 * Whether they are others already, or go by RFC 793 yet, is in doubt.
	 */
	if (mine && mine->saw & SAW_SYN) {
		__u32 seq = seg->seq - plan->stack[from].iss[life];
		const struct tcp *peer = &w->host[!from];
		bool proved = peer->lives &&
			      w->evidence[!from][peer->lives - 1].saw & SAW_PROOF;

		if (seq != mine->sent && seq != mine->acked)
			mine->saw |= SAW_DOUBTFUL;
		else
			mine->saw |= proved || mine->saw == SAW_SYN ? SAW_RESET : SAW_DOUBTFUL;
	}
}

/**
 * evidence_note() - a segment passes the observer
 * @w: the world
 * @plan: its plan
 * @seg: the segment
 * @from: its sender
 */
void evidence_note(struct world *w, const struct plan *plan, const struct segment *seg,
		   enum host from)
{
	int life = life_of(&plan->stack[from], seg->seq);
	int peers = seg->flags & ACK ? life_of(&plan->stack[!from], seg->ack) : -1;
	bool fin = seg->flags & FIN;
	struct evidence *mine, *theirs;
	__u32 end, ack;

	if (seg->flags & RST) {
		note_rst(w, plan, seg, from);
		return;
	}
	if (life < 0)
		return;
	mine = &w->evidence[from][life];
	end = seg->seq - plan->stack[from].iss[life] + seg->len + fin + !!(seg->flags & SYN);
	if (end > mine->sent)
		mine->sent = end;
	/* Whatever comes after the SYN proves that there was one. */
	mine->saw |= SAW_SYN;
	if (peers >= 0) {
		theirs = &w->evidence[!from][peers];
		ack = seg->ack - plan->stack[!from].iss[peers];
		if (ack > theirs->acked)
			theirs->acked = ack;
		if (ack)
			mine->saw |= SAW_PROOF;
		if (theirs->saw & SAW_FIN && ack == theirs->fin)
			theirs->saw |= SAW_FIN_ACKED;
		if (fin && !(mine->saw & SAW_FIN) && theirs->saw & SAW_FIN_ACKED)
			mine->saw |= SAW_LATE;
	}
	if (fin) {
		mine->saw |= SAW_FIN;
		mine->fin = end;
	}
}
