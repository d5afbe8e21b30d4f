// SPDX-License-Identifier: GPL-2.0
/*
 * The judges. Each looks at one state, and the segment that just passed, and says
 * what is wrong, or nothing.
 *
 * What no observer can know, and is therefore no mistake, has a name here and a
 * reason; nothing else is let off.
 */
#include "judge.h"

#define STATE(name) (1u << TCPSTATE_##name)
#define FACT(name) (1u << TCPSTATE_FACT_##name)

const char *const property_claims[PROPERTIES] = {
	[NEVER_AHEAD] = "never ahead of what passed",
	[EXACT] = "exact where all passed in order",
	[AGREES] = "agrees with the endpoints where nothing is in flight",
	[SETTLES] = "agrees with them once all is quiet, whatever was lost",
	[NEVER_REFUSES] = "refuses nothing that arrives in order and was not reset",
};

/**
 * struct side - one endpoint as the judges look at it
 * @tcp: what it is
 * @stack: how it is
 * @observed: the state that the observer gives it
 * @life: the life that the observer's numbers are of, -1 where there are none
 * @evidence: of that life
 * @been: the states that it was in during that life
 * @nxt: the observer's nxt, counted from that life's ISS
 * @deaf: what its peer would send next lies beyond its window
 */
struct side {
	const struct tcp *tcp;
	const struct stack *stack;
	unsigned int observed;
	int life;
	struct evidence evidence;
	unsigned int been;
	__u32 nxt;
	bool deaf;
};

static struct side look(const struct world *w, const struct plan *plan, enum tcpstate_end role)
{
	enum host h = role_host(w, role);
	struct side side = {
		.tcp = &w->host[h],
		.stack = &plan->stack[h],
		.observed = w->pair.state[role],
		.life = life_of(&plan->stack[h], w->pair.nxt[role]),
	};
	__u32 window = plan->stack[h].buffer - w->host[h].unread;
	__u32 next = w->host[!h].nxt - w->host[h].rcv;

	side.deaf = window ? next >= window : next;

	/* One that was not heard of has no numbers yet. */
	if (side.observed == TCPSTATE_LISTEN)
		side.life = -1;
	if (side.life < 0)
		return side;
	side.evidence = w->evidence[h][side.life];
	side.been = w->been[h][side.life];
	side.nxt = w->pair.nxt[role] - plan->stack[h].iss[side.life];
	return side;
}

static bool saw(const struct side *side, unsigned int what)
{
	return (side->evidence.saw & what) == what;
}

/* What must have passed before an endpoint may be said to be in a state. */
static const struct {
	__u8 own;
	__u8 peers;
} needs[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_LISTEN] = { 0, SAW_SYN },
	[TCPSTATE_SYN_SENT] = { SAW_SYN, 0 },
	[TCPSTATE_SYN_RECV] = { SAW_SYN | SAW_PROOF, SAW_SYN },
	/* Each has acknowledged the other's SYN: no initiator without its own ACK. */
	[TCPSTATE_ESTABLISHED] = { SAW_SYN | SAW_PROOF, SAW_SYN | SAW_PROOF },
	[TCPSTATE_FIN_WAIT1] = { SAW_SYN | SAW_PROOF | SAW_FIN, SAW_SYN },
	[TCPSTATE_FIN_WAIT2] = { SAW_FIN | SAW_FIN_ACKED, SAW_SYN | SAW_PROOF },
	[TCPSTATE_CLOSE_WAIT] = { SAW_SYN | SAW_PROOF, SAW_FIN | SAW_FIN_ACKED },
	[TCPSTATE_CLOSING] = { SAW_FIN, SAW_FIN | SAW_FIN_ACKED },
	[TCPSTATE_LAST_ACK] = { SAW_FIN, SAW_FIN | SAW_FIN_ACKED },
	[TCPSTATE_TIME_WAIT] = { SAW_FIN | SAW_FIN_ACKED, SAW_FIN | SAW_FIN_ACKED },
};

/* CLOSE has several reasons: a RST, the end of a passive close, or a timeout. */
static bool close_is_due(const struct world *w, const struct side *e, const struct side *p)
{
	/* Whose FIN was first is not known where one of them was not seen. */
	unsigned int late = w->notes & UNSEEN ? 0 : SAW_LATE;

	/* GUESSED, see agrees(): a RST may have the number of what is but a guess. */
	if (w->pair.flags & TCPSTATE_PICKED_UP)
		return true;
	return (e->evidence.saw | p->evidence.saw) & (SAW_RESET | SAW_DOUBTFUL) ||
	       w->notes & EXPIRED ||
	       (saw(e, SAW_FIN | SAW_FIN_ACKED | late) && saw(p, SAW_FIN | SAW_FIN_ACKED));
}

static const char *never_ahead(const struct world *w, const struct side *e, const struct side *p)
{
	if (e->observed == TCPSTATE_CLOSE)
		return close_is_due(w, e, p) ? NULL : "CLOSE, though nothing that passed ends it";
	if (!needs[e->observed].own && !needs[e->observed].peers)
		return "no state at all";
	/* GUESSED, see agrees(): what the peer of whoever is heard first may be. */
	if ((e->observed == TCPSTATE_ESTABLISHED || e->observed == TCPSTATE_SYN_SENT) &&
	    w->pair.flags & TCPSTATE_PICKED_UP)
		return NULL;
	if (!saw(e, needs[e->observed].own))
		return "a state for which it sent too little";
	if (!saw(p, needs[e->observed].peers) && !(w->pair.flags & TCPSTATE_PICKED_UP))
		return "a state for which its peer sent too little";
	if (e->life >= 0 && e->nxt > e->evidence.sent && e->nxt > e->evidence.acked)
		return "a sequence number that it has not reached";
	return NULL;
}

/* The state that follows from what passed, where that was all there is, in order. */
static unsigned int state_by_evidence(const struct side *e, const struct side *p)
{
	bool acked = saw(e, SAW_FIN_ACKED), late = saw(e, SAW_LATE);

	if (saw(e, SAW_FIN) && saw(p, SAW_FIN_ACKED))
		return late ? (acked ? TCPSTATE_CLOSE : TCPSTATE_LAST_ACK) :
			      (acked ? TCPSTATE_TIME_WAIT : TCPSTATE_CLOSING);
	if (saw(e, SAW_FIN))
		return acked ? TCPSTATE_FIN_WAIT2 : TCPSTATE_FIN_WAIT1;
	if (saw(p, SAW_FIN_ACKED))
		return TCPSTATE_CLOSE_WAIT;
	if (saw(e, SAW_PROOF))
		return saw(p, SAW_PROOF) ? TCPSTATE_ESTABLISHED : TCPSTATE_SYN_RECV;
	return saw(e, SAW_SYN) ? TCPSTATE_SYN_SENT : TCPSTATE_LISTEN;
}

/*
 * Of which states an endpoint must have been in one, for what it sent to prove the
 * state that is observed. Where it is believed for what it was sent (rule 2 of
 * inference.md), that it was in the state before is all that can be asked.
 *
 * CANNOT KNOW, a CLOSE behind unsent text: the RFC has the endpoint in FIN-WAIT-1
 * while its FIN still waits for the window. On the wire it is ESTABLISHED, when its
 * peer's FIN comes CLOSE_WAIT, and in the end LAST_ACK in place of CLOSING.
 */
static const __u16 comes_from[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_SYN_SENT] = STATE(SYN_SENT),
	[TCPSTATE_SYN_RECV] = STATE(SYN_RECV),
	[TCPSTATE_ESTABLISHED] = STATE(ESTABLISHED) | STATE(SYN_RECV) | BEEN_FW1_QUEUED,
	[TCPSTATE_FIN_WAIT1] = STATE(FIN_WAIT1),
	[TCPSTATE_FIN_WAIT2] = STATE(FIN_WAIT1),
	[TCPSTATE_CLOSE_WAIT] = STATE(CLOSE_WAIT) | BEEN_CLOSING_QUEUED,
	[TCPSTATE_CLOSING] = STATE(CLOSING),
	[TCPSTATE_LAST_ACK] = STATE(LAST_ACK) | BEEN_CLOSING_QUEUED,
	[TCPSTATE_TIME_WAIT] = STATE(FIN_WAIT1),
};

/*
 * inference.md, "TIME_WAIT in the pair | SYN from e": any new one ends it but where the
 * peer waits, to whom an old one may be a stray of before (MAY-2).
 */
static const char *reuse(const struct passing *passing)
{
	const struct tcpstate_pair *pair = &passing->before;
	enum tcpstate_end role = passing->role;
	bool may = pair->state[!role] != TCPSTATE_TIME_WAIT ||
		   !before(passing->seg.seq, pair->nxt[role]);

	if (!passing->seen || (passing->seg.flags & (SYN | ACK)) != SYN ||
	    passing->seg.seq == pair->iss[role] ||
	    (pair->state[0] != TCPSTATE_TIME_WAIT && pair->state[1] != TCPSTATE_TIME_WAIT))
		return NULL;
	if (may == (passing->out.action == TCPSTATE_ANEW))
		return NULL;
	return may ? "a SYN that ends TIME-WAIT did not" : "an old SYN ended TIME-WAIT";
}

static const char *exact(const struct side *e, const struct side *p)
{
	if (saw(e, SAW_RESET) || saw(p, SAW_RESET))
		return NULL;
	if (e->observed != state_by_evidence(e, p))
		return "not the state that follows from what passed";
	if (comes_from[e->observed] && !(comes_from[e->observed] & e->been))
		return "a state that it never was in";
	return NULL;
}

static bool is_down(const struct side *e)
{
	return e->tcp->state == TCPSTATE_CLOSE || e->tcp->state == TCPSTATE_LISTEN;
}

/* What the ACK of its FIN makes of one that hears it. */
static unsigned int heard(unsigned int state)
{
	switch (state) {
	case TCPSTATE_FIN_WAIT1:
		return TCPSTATE_FIN_WAIT2;
	case TCPSTATE_CLOSING:
		return TCPSTATE_TIME_WAIT;
	case TCPSTATE_LAST_ACK:
		return TCPSTATE_CLOSE;
	}
	return state;
}

/* Did it not get all that its peer sent? */
static bool lacks(const struct side *e, const struct side *p)
{
	return p->life >= 0 && e->tcp->rcv - p->stack->iss[p->life] < p->evidence.sent;
}

/* Is the record of a life before its present one? */
static bool is_old(const struct side *e)
{
	return e->life >= 0 && e->life < e->tcp->lives - 1;
}

/* Does the SYN of @e end a TIME-WAIT that is observed (RFC 9293 3.6.1)? */
static bool may_reuse(const struct side *e, const struct side *p)
{
	if (e->tcp->state != TCPSTATE_SYN_SENT || e->life < 0)
		return false;
	if (p->observed == TCPSTATE_TIME_WAIT)
		return !before(e->tcp->iss, e->stack->iss[e->life] + e->nxt);
	return e->observed == TCPSTATE_TIME_WAIT;
}

/* Does what is observed agree with what is, or is there a reason why it cannot? */
static const char *agrees(const struct world *w, const struct side *e, const struct side *p)
{
	unsigned int is = e->tcp->state, observed = e->observed;
	bool queued = e->tcp->flags & CLOSING_CALLED && !(e->tcp->flags & FIN_SENT);

	if (is == observed) {
		if (tcp_synchronised(e->tcp) && e->life != e->tcp->lives - 1)
			return "the state of another connection";
		return NULL;
	}
	/* GUESSED, one picked up: what passed before its first segment is not known. */
	if (w->pair.flags & TCPSTATE_PICKED_UP)
		return NULL;
	/* CANNOT KNOW, 2MSL: no segment says that the timer of TIME-WAIT ran out. */
	if (observed == TCPSTATE_TIME_WAIT && is_down(e) && e->been & STATE(TIME_WAIT))
		return NULL;
	/* CANNOT KNOW, a listener: a passive OPEN, or the end of one, sends nothing. */
	if ((observed == TCPSTATE_CLOSE || observed == TCPSTATE_LISTEN) && is_down(e))
		return NULL;
	/*
	 * CANNOT KNOW, a silent end: CLOSE and ABORT in SYN-SENT, ABORT in CLOSING,
	 * LAST-ACK and TIME-WAIT, and a user timeout send nothing (3.10.4, 3.10.5, 3.10.8).
	 */
	if (is_down(e) && e->tcp->flags & SILENT)
		return NULL;
	/*
	 * CANNOT KNOW, an ACK of a SYN or a FIN that was lost before us: its sender would
	 * repeat it if it were asked, but who would ask is gone without a word.
	 */
	if (w->notes & FAULT_BEFORE && is_down(p) &&
	    (p->tcp->flags & SILENT || w->notes & RST_LOST) &&
	    (!saw(e, SAW_PROOF) || (saw(p, SAW_FIN) && !saw(p, SAW_FIN_ACKED))))
		return NULL;
	/* CANNOT KNOW, whether a RST was lost: nobody acknowledges one. */
	if (w->notes & RST_LOST && (observed == TCPSTATE_CLOSE || is_down(e)))
		return NULL;
	/*
	 * CANNOT KNOW, what its receiver makes of a RST: if it lacks what was sent before
	 * it, or had more than what the RST answers, it drops or challenges it.
	 */
	if (observed == TCPSTATE_CLOSE && saw(p, SAW_RESET) &&
	    (lacks(e, p) || p->tcp->flags & SILENT))
		return NULL;
	/*
	 * CANNOT KNOW, whether one in SYN-SENT has the SYN-ACK: only then does a RST
	 * without ACK end it, else it goes on. NOT BELIEVED, a RST that is not exact: its
	 * sender is gone all the same, and RFC 793 believes any in the window.
	 */
	if (is_down(e) && (saw(e, SAW_DOUBTFUL) || saw(p, SAW_DOUBTFUL)))
		return NULL;
	/*
	 * NOT BELIEVED, a second SYN, or a SYN-ACK of other numbers: until its peer
	 * answers it may be forged (RFC 5961 4.2). Its sender will send it again.
	 */
	if ((is == TCPSTATE_SYN_SENT || is == TCPSTATE_SYN_RECV) &&
	    e->life != e->tcp->lives - 1 && !may_reuse(e, p))
		return NULL;
	/* CANNOT KNOW, whether a SYN arrived that may end TIME-WAIT (MAY-2). */
	if (is == TCPSTATE_TIME_WAIT && observed == TCPSTATE_LISTEN && p->life >= 0 &&
	    (w->notes & FORGOTTEN || !before(p->stack->iss[p->life], e->tcp->rcv)))
		return NULL;
	/*
	 * CANNOT KNOW, a deaf endpoint: while its window is shut it drops an ACK that is
	 * numbered behind a probe (3.10.7.4), and hears of its FIN's later.
	 */
	if (e->deaf && observed == heard(is))
		return NULL;
	/*
	 * CANNOT KNOW, an old SYN or SYN-ACK: one that comes after the end is as one sent
	 * again, and one that passes after a newer one is as a newer one.
	 */
	if ((observed == TCPSTATE_SYN_SENT || p->observed == TCPSTATE_SYN_SENT) &&
	    w->notes & (DOUBLED | FAULT_BEFORE) && (is_down(e) || is_old(e) || is_old(p)))
		return NULL;
	/* The timeout of the record is the answer to all of these. */
	if (w->notes & EXPIRED && observed == TCPSTATE_CLOSE)
		return NULL;
	/* CANNOT KNOW, a CLOSE behind unsent text: see above. */
	if (queued && ((is == TCPSTATE_FIN_WAIT1 && observed == TCPSTATE_ESTABLISHED) ||
		       (is == TCPSTATE_CLOSING && observed == TCPSTATE_CLOSE_WAIT)))
		return NULL;
	/*
	 * CANNOT KNOW, whose FIN was first: that of one in CLOSING passed after its ACK
	 * of its peer's, since it waited for the window, or the first one did not pass.
	 */
	if (e->been & STATE(CLOSING) && saw(e, SAW_LATE) &&
	    ((is == TCPSTATE_CLOSING && observed == TCPSTATE_LAST_ACK) ||
	     (is == TCPSTATE_TIME_WAIT && observed == TCPSTATE_CLOSE)))
		return NULL;
	return is_down(e) ? "a connection that its endpoint has left" : "not what its endpoint is";
}

/* Without a record: an endpoint must not be in a connection of which a segment passed. */
static const char *unknown(const struct world *w)
{
	enum host h;

	if (w->notes & (EXPIRED | UNSEEN))
		return NULL;
	for (h = A; h <= B; h++)
		if (tcp_synchronised(&w->host[h]) && w->host[h].state != TCPSTATE_TIME_WAIT &&
		    !(w->notes & RST_LOST))
			return "no record of a connection";
	return NULL;
}

static bool nothing_in_flight(const struct world *w)
{
	return !w->count && !((w->host[A].flags | w->host[B].flags) & ACK_OWED);
}

static bool quiet(const struct world *w)
{
	return nothing_in_flight(w) && !tcp_retransmits(&w->host[A]) &&
	       !tcp_retransmits(&w->host[B]);
}

/* No fault so far, and nothing that an endpoint did on its own account alone. */
static bool faultless(const struct world *w)
{
	return !(w->notes & (FAULT_BEFORE | FAULT_BEHIND | EXPIRED | UNSEEN | SPURIOUS));
}

/* Is the segment of a connection before or after the one that the record is of? */
static bool of_another(const struct world *w, const struct plan *plan,
		       const struct segment *seg)
{
	enum host from = seg->place / 2;
	enum tcpstate_end role = (enum tcpstate_end)(from ^ w->flipped);
	const struct stack *stack = &plan->stack[from], *peers = &plan->stack[!from];

	/* What answers no acknowledgment has no number of its own (3.10.7.1). */
	if (w->pair.state[role] != TCPSTATE_LISTEN &&
	    (seg->flags & (RST | ACK)) != (RST | ACK) &&
	    life_of(stack, seg->seq) != life_of(stack, w->pair.nxt[role]))
		return true;
	return seg->flags & ACK && w->pair.state[!role] != TCPSTATE_LISTEN &&
	       life_of(peers, seg->ack) != life_of(peers, w->pair.nxt[!role]);
}

static const char *never_refuses(const struct world *w, const struct plan *plan,
				 const struct passing *passing)
{
	const __u32 refusals = FACT(OUT_OF_WINDOW) | FACT(INVALID_ACK) | FACT(INVALID_RST) |
			       FACT(RST_INEXACT) | FACT(STRAY) | FACT(RESYNC);
	__u32 facts;

	if (!passing->seen || !faultless(w) || w->notes & ABORTED ||
	    of_another(w, plan, &passing->seg))
		return NULL;
	facts = passing->out.facts & refusals;
	/*
	 * A probe of a shut window lies beyond it, so its peer refuses that text too; and
	 * a SYN amid a connection has to be confirmed (RFC 5961 4.2).
	 */
	if (passing->seg.flags & PROBE || (passing->seg.flags & (SYN | ACK)) == SYN)
		facts &= ~FACT(OUT_OF_WINDOW);
	return facts ? "refuses a segment that its peer does not" : NULL;
}

/**
 * judge() - does a property hold here?
 * @w: the state
 * @plan: its plan
 * @passing: the segment that just passed, if any
 * @property: which
 *
 * Return: NULL where it does, else what is wrong.
 */
const char *judge(const struct world *w, const struct plan *plan,
		  const struct passing *passing, enum property property)
{
	const char *why = NULL;
	enum tcpstate_end role;
	struct side side[2];

	if (property == NEVER_REFUSES)
		return never_refuses(w, plan, passing);
	if (property == AGREES && (!faultless(w) || !nothing_in_flight(w)))
		return NULL;
	if (property == SETTLES && (w->notes & UNSEEN || !quiet(w)))
		return NULL;
	if (!w->known)
		return property == AGREES || property == SETTLES ? unknown(w) : NULL;
	if (property == EXACT && (w->notes & (FAULT_BEFORE | UNSEEN | EXPIRED) ||
				  w->pair.flags & TCPSTATE_PICKED_UP ||
				  tcpstate_fsm_ended(&w->pair)))
		return NULL;

	if (property == EXACT)
		why = reuse(passing);
	side[0] = look(w, plan, TCPSTATE_INITIATOR);
	side[1] = look(w, plan, TCPSTATE_RESPONDER);
	for (role = TCPSTATE_INITIATOR; role <= TCPSTATE_RESPONDER && !why; role++) {
		const struct side *e = &side[role], *p = &side[!role];

		if (property == NEVER_AHEAD)
			why = never_ahead(w, e, p);
		else if (property == EXACT)
			why = exact(e, p);
		else
			why = agrees(w, e, p);
	}
	return why;
}
