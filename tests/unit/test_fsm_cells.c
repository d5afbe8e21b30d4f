// SPDX-License-Identifier: GPL-2.0
/*
 * Every cell of states x states x class of segment x direction, against an
 * oracle written from inference.md: one row here for each of its cells, in its
 * words. What no row names must leave both states as they were.
 *
 * Each pair of states is made twice: laid down by hand, and, where a wire can
 * lead to it, by the segments that do. Each of the two with numbers far from
 * zero and with numbers about to wrap.
 */
#include "ktap.h"
#include "wire.h"

/* What is sent. Numbers are relative to the truth: see compose(). */
enum class {
	SYN_SAME,		/* the ISS of the sender */
	SYN_AFTER,		/* another ISS, after all that it sent */
	SYN_BEFORE,		/* another ISS, before all that it sent */
	SYNACK_GOOD,		/* its ISS, acknowledging the SYN */
	SYNACK_BAD,		/* its ISS, acknowledging what was never sent */
	SYNACK_LOW,		/* its ISS, acknowledging J in place of J + 1 */
	SYNACK_OTHER_GOOD,	/* another ISS */
	SYNACK_OTHER_BAD,
	ACK_CURRENT,		/* acknowledging what was acknowledged before */
	ACK_SYN,		/* only the SYN */
	ACK_BUT_ONE,		/* all but the last octet, or all but the FIN */
	ACK_ALL,		/* everything, the FIN too where there is one */
	ACK_UNSENT,		/* one more than that */
	ACK_FAR,		/* far more than that */
	DATA,
	DATA_SYN,
	DATA_ALL,
	DATA_UNSENT,
	DATA_AGAIN,		/* sent before */
	DATA_AGAIN_ALL,
	KEEPALIVE_EMPTY,	/* one octet before the next, and nothing in it */
	KEEPALIVE_OCTET,
	DATA_BEYOND,		/* acknowledging everything, beyond the right edge */
	FIN_CURRENT,		/* next in sequence, as data: beyond the own FIN if any */
	FIN_SYN,
	FIN_ALL,
	FIN_DATA_ALL,
	FIN_UNSENT,
	FIN_BEYOND,
	FIN_AMID,		/* before the end of what was sent */
	FIN_AGAIN,		/* the FIN that was sent */
	FIN_AGAIN_ALL,
	RST_NXT,
	RST_UNA,
	RST_IN,			/* in the window, not exact */
	RST_OUT,		/* after the window */
	RST_OLD,		/* before it */
	RST_ACK_NXT,		/* the same with an acknowledgement of everything */
	RST_ACK_UNA,
	RST_ACK_IN,
	RST_ACK_OUT,
	RST_ACK_OLD,
	RST_ACK_UNSENT,		/* exact, acknowledging what was never sent */
	CLASSES,
};

static const char * const class_name[CLASSES] = {
	[SYN_SAME] = "SYN, same sequence",
	[SYN_AFTER] = "SYN, other sequence, after",
	[SYN_BEFORE] = "SYN, other sequence, before",
	[SYNACK_GOOD] = "SYN-ACK",
	[SYNACK_BAD] = "SYN-ACK of something never sent",
	[SYNACK_LOW] = "SYN-ACK of J in place of J+1",
	[SYNACK_OTHER_GOOD] = "SYN-ACK, other sequence",
	[SYNACK_OTHER_BAD] = "SYN-ACK, other sequence, of something never sent",
	[ACK_CURRENT] = "ACK that says nothing new",
	[ACK_SYN] = "ACK of the SYN",
	[ACK_BUT_ONE] = "ACK of all but the last",
	[ACK_ALL] = "ACK of everything",
	[ACK_UNSENT] = "ACK of one more than was sent",
	[ACK_FAR] = "ACK of far more than was sent",
	[DATA] = "data",
	[DATA_SYN] = "data, its ack of the SYN",
	[DATA_ALL] = "data, its ack of everything",
	[DATA_UNSENT] = "data, its ack of something never sent",
	[DATA_AGAIN] = "data again",
	[DATA_AGAIN_ALL] = "data again, its ack of everything",
	[KEEPALIVE_EMPTY] = "keep-alive",
	[KEEPALIVE_OCTET] = "keep-alive of one octet",
	[DATA_BEYOND] = "data beyond the right edge",
	[FIN_CURRENT] = "FIN",
	[FIN_SYN] = "FIN, its ack of the SYN",
	[FIN_ALL] = "FIN, its ack of everything",
	[FIN_DATA_ALL] = "FIN with data, its ack of everything",
	[FIN_UNSENT] = "FIN, its ack of something never sent",
	[FIN_BEYOND] = "FIN beyond the right edge",
	[FIN_AMID] = "FIN before the end of what was sent",
	[FIN_AGAIN] = "FIN again",
	[FIN_AGAIN_ALL] = "FIN again, its ack of everything",
	[RST_NXT] = "RST at nxt",
	[RST_UNA] = "RST at una",
	[RST_IN] = "RST in the window, not exact",
	[RST_OUT] = "RST after the window",
	[RST_OLD] = "RST before the window",
	[RST_ACK_NXT] = "RST+ACK at nxt",
	[RST_ACK_UNA] = "RST+ACK at una",
	[RST_ACK_IN] = "RST+ACK in the window, not exact",
	[RST_ACK_OUT] = "RST+ACK after the window",
	[RST_ACK_OLD] = "RST+ACK before the window",
	[RST_ACK_UNSENT] = "RST+ACK at nxt, of something never sent",
};

#define C(name) (1ULL << (name))
#define S(name) (1U << TCPSTATE_##name)
#define EVERY_STATE ((1U << (TCPSTATE_STATE_MAX + 1)) - 2)
#define SENT_FIN (S(FIN_WAIT1) | S(FIN_WAIT2) | S(CLOSING) | S(LAST_ACK) | S(TIME_WAIT) | \
		  S(CLOSE))
#define LATER (EVERY_STATE & ~(S(LISTEN) | S(SYN_SENT)))	/* SYN_RECV or later */

#define EVERYTHING (C(CLASSES) - 1)
#define SYN_OTHER (C(SYN_AFTER) | C(SYN_BEFORE))
#define SYNS (C(SYN_SAME) | SYN_OTHER)
#define RSTS (C(RST_NXT) | C(RST_UNA) | C(RST_IN) | C(RST_OUT) | C(RST_OLD))
#define RST_ACKS (C(RST_ACK_NXT) | C(RST_ACK_UNA) | C(RST_ACK_IN) | C(RST_ACK_OUT) | \
		  C(RST_ACK_OLD))
#define RST_ANY (RSTS | RST_ACKS | C(RST_ACK_UNSENT))
#define RST_EXACT (C(RST_NXT) | C(RST_ACK_NXT) | C(RST_ACK_UNSENT))
#define FINS (C(FIN_CURRENT) | C(FIN_SYN) | C(FIN_ALL) | C(FIN_DATA_ALL))
#define FIN_COVERING (C(FIN_ALL) | C(FIN_DATA_ALL))
#define FIN_BARE (C(FIN_CURRENT) | C(FIN_SYN))
#define DATAS (C(DATA) | C(DATA_SYN) | C(DATA_ALL))
/* An acknowledgement of everything by one that may have sent its FIN before. */
#define COVERING (C(ACK_ALL) | C(DATA_AGAIN_ALL) | C(FIN_AGAIN_ALL))

enum who { ANYONE, BY_I, BY_R };
enum flavour { WHATEVER, PLAIN, CROSSED };

/**
 * struct row - one cell of a table of inference.md
 * @words: its words
 * @who: whose segment
 * @self: states of the sender before, a set
 * @peer: states of its peer before, a set
 * @classes: which segments
 * @self_after: state of the sender after, zero for unchanged
 * @peer_after: state of its peer after, likewise
 * @facts: facts that the page names
 * @action: what becomes of the record
 * @reason: why
 * @flavour: only where the SYNs crossed, or only where they did not
 */
struct row {
	const char *words;
	enum who who;
	unsigned int self;
	unsigned int peer;
	__u64 classes;
	__u8 self_after;
	__u8 peer_after;
	__u32 facts;
	__u8 action;
	__u8 reason;
	enum flavour flavour;
};

#define TO(s, p) .self_after = TCPSTATE_##s, .peer_after = TCPSTATE_##p
#define ENDS(why) .action = TCPSTATE_END, .reason = TCPSTATE_REASON_##why, TO(CLOSE, CLOSE)
#define BEGINS(why) .action = TCPSTATE_ANEW, .reason = TCPSTATE_REASON_##why

/* The first row that fits decides. */
static const struct row rows[] = {
	/* Lingering */
	{ "ended: only a SYN starts anew", ANYONE, S(CLOSE), S(CLOSE), SYNS, BEGINS(NONE) },
	{ "ended: a straggler is absorbed as stray", ANYONE, S(CLOSE), S(CLOSE), EVERYTHING,
	  .facts = FACT(STRAY) },

	/* Opening: SYN */
	{ "SYN from I, same sequence: SYN retransmission counted",
	  BY_I, S(SYN_SENT), S(LISTEN), C(SYN_SAME), .facts = FACT(SYN_RETRANS) },
	{ "SYN from I, other sequence: the old record closes as superseded",
	  BY_I, S(SYN_SENT), S(LISTEN), SYN_OTHER, BEGINS(SUPERSEDED) },
	{ "SYN (no ACK) from R: simultaneous open",
	  BY_R, S(LISTEN), S(SYN_SENT), SYNS, TO(SYN_SENT, SYN_SENT),
	  .facts = FACT(SIMULTANEOUS_OPEN) },
	{ "TIME_WAIT, SYN from e, p not in TIME_WAIT: reused with any new ISS",
	  ANYONE, S(TIME_WAIT), EVERY_STATE & ~S(TIME_WAIT), SYN_OTHER, BEGINS(REUSED) },
	{ "p in TIME_WAIT, SYN from e after its nxt: reused",
	  ANYONE, EVERY_STATE, S(TIME_WAIT), C(SYN_AFTER), BEGINS(REUSED) },
	{ "SYN_RECV or later in the pair, SYN from either, other sequence: out_of_window",
	  ANYONE, LATER, EVERY_STATE, SYN_OTHER, .facts = FACT(OUT_OF_WINDOW) },
	{ "SYN_RECV or later in the pair (the peer), SYN, other sequence: out_of_window",
	  ANYONE, EVERY_STATE, LATER, SYN_OTHER, .facts = FACT(OUT_OF_WINDOW) },

	/* Opening: SYN-ACK */
	{ "SYN-ACK from R, ack in (ISS, nxt of I]",
	  BY_R, S(LISTEN), S(SYN_SENT), C(SYNACK_GOOD) | C(SYNACK_OTHER_GOOD),
	  TO(SYN_RECV, SYN_SENT) },
	{ "SYN-ACK from R, ack elsewhere: invalid_ack",
	  BY_R, S(LISTEN), S(SYN_SENT), C(SYNACK_BAD) | C(SYNACK_LOW) | C(SYNACK_OTHER_BAD),
	  .facts = FACT(INVALID_ACK) },
	{ "SYN-ACK from R again: SYN-ACK retransmission counted",
	  BY_R, S(SYN_RECV), S(SYN_SENT), C(SYNACK_GOOD), .facts = FACT(SYNACK_RETRANS),
	  .flavour = PLAIN },
	{ "ESTABLISHED / ESTABLISHED, SYN-ACK from R again, same sequence: synack_retrans",
	  BY_R, S(ESTABLISHED), S(ESTABLISHED), C(SYNACK_GOOD), .facts = FACT(SYNACK_RETRANS) },
	{ "SYN-ACK from I with its own ISS: we missed R's SYN",
	  BY_I, S(SYN_SENT), S(LISTEN), C(SYNACK_GOOD) | C(SYNACK_BAD) | C(SYNACK_LOW),
	  TO(SYN_RECV, SYN_SENT), .facts = FACT(SIMULTANEOUS_OPEN) },
	{ "SYN_SENT / SYN_SENT, SYN-ACK from e, ack in (ISS, nxt of p]",
	  ANYONE, S(SYN_SENT), S(SYN_SENT), C(SYNACK_GOOD), TO(SYN_RECV, SYN_SENT) },
	{ "rule 1: SYN_SENT / SYN_SENT, ACK or data from e proves the SYN-ACK that we missed",
	  ANYONE, S(SYN_SENT), S(SYN_SENT),
	  C(ACK_SYN) | C(ACK_ALL) | C(DATA_SYN) | C(DATA_ALL), TO(SYN_RECV, SYN_SENT) },
	{ "rule 1: likewise FIN from e",
	  ANYONE, S(SYN_SENT), S(SYN_SENT), C(FIN_SYN) | FIN_COVERING,
	  TO(FIN_WAIT1, SYN_SENT) },
	{ "simultaneous open, once both have sent theirs: ESTABLISHED",
	  ANYONE, S(SYN_SENT), S(SYN_RECV), C(SYNACK_GOOD), TO(ESTABLISHED, ESTABLISHED),
	  .facts = FACT(ESTABLISHED), .flavour = CROSSED },
	{ "the same where we missed R's SYN, not its SYN-ACK",
	  BY_I, S(SYN_SENT), S(SYN_RECV), C(SYNACK_GOOD), TO(ESTABLISHED, ESTABLISHED),
	  .facts = FACT(ESTABLISHED), .flavour = PLAIN },
	{ "or R's SYN-ACK, and the FIN with which it closed since",
	  BY_I, S(SYN_SENT), S(FIN_WAIT1), C(SYNACK_GOOD), TO(ESTABLISHED, FIN_WAIT1),
	  .facts = FACT(ESTABLISHED) },
	{ "simultaneous open, or p sends a pure ACK in that range: ESTABLISHED",
	  ANYONE, S(SYN_SENT), S(SYN_RECV), C(ACK_SYN) | C(ACK_ALL),
	  TO(ESTABLISHED, ESTABLISHED), .facts = FACT(ESTABLISHED), .flavour = CROSSED },

	/* Opening: the handshake completed */
	{ "any acceptable ACK from I, data allowed",
	  BY_I, S(SYN_SENT), S(SYN_RECV),
	  C(ACK_SYN) | C(ACK_ALL) | C(DATA_SYN) | C(DATA_ALL),
	  TO(ESTABLISHED, ESTABLISHED), .facts = FACT(ESTABLISHED) },
	{ "any acceptable ACK from I, FIN allowed",
	  BY_I, S(SYN_SENT), S(SYN_RECV), C(FIN_SYN) | C(FIN_ALL) | C(FIN_DATA_ALL),
	  TO(FIN_WAIT1, ESTABLISHED), .facts = FACT(ESTABLISHED) },
	{ "any acceptable ACK from I where R sent its FIN",
	  BY_I, S(SYN_SENT), S(FIN_WAIT1), C(ACK_SYN) | C(DATA_SYN) | C(ACK_BUT_ONE),
	  TO(ESTABLISHED, FIN_WAIT1), .facts = FACT(ESTABLISHED) },
	{ "any acceptable ACK from I, covering R's FIN",
	  BY_I, S(SYN_SENT), S(FIN_WAIT1), C(ACK_ALL) | C(DATA_ALL),
	  TO(CLOSE_WAIT, FIN_WAIT2), .facts = FACT(ESTABLISHED) },
	{ "any acceptable ACK from I with FIN, where R sent its FIN",
	  BY_I, S(SYN_SENT), S(FIN_WAIT1), C(FIN_SYN),
	  TO(FIN_WAIT1, FIN_WAIT1), .facts = FACT(ESTABLISHED) },
	{ "any acceptable ACK from I with FIN, covering R's FIN",
	  BY_I, S(SYN_SENT), S(FIN_WAIT1), FIN_COVERING,
	  TO(LAST_ACK, FIN_WAIT2), .facts = FACT(ESTABLISHED) },
	{ "ACK, data or FIN from I, nothing ever seen from R: invalid_ack",
	  BY_I, S(SYN_SENT), S(LISTEN),
	  C(ACK_CURRENT) | C(ACK_SYN) | C(ACK_ALL) | C(ACK_FAR) | DATAS | FINS,
	  .facts = FACT(INVALID_ACK) },

	{ "rule 1: data from R, its ack of the SYN, proves the SYN-ACK that we missed",
	  BY_R, S(LISTEN), S(SYN_SENT), C(DATA_SYN) | C(DATA_ALL) | C(DATA_AGAIN_ALL) |
	  C(DATA_BEYOND), TO(SYN_RECV, SYN_SENT) },
	{ "rule 1: likewise FIN from R",
	  BY_R, S(LISTEN), S(SYN_SENT),
	  C(FIN_SYN) | C(FIN_ALL) | C(FIN_DATA_ALL) | C(FIN_BEYOND), TO(FIN_WAIT1, SYN_SENT) },

	{ "rule 1: data of p proves what its pure ACK would",
	  BY_R, S(SYN_SENT), S(SYN_RECV), C(DATA_SYN) | C(DATA_ALL),
	  TO(ESTABLISHED, ESTABLISHED), .facts = FACT(ESTABLISHED) },
	{ "rule 1: likewise FIN of p",
	  BY_R, S(SYN_SENT), S(SYN_RECV), C(FIN_SYN) | C(FIN_ALL) | C(FIN_DATA_ALL),
	  TO(FIN_WAIT1, ESTABLISHED), .facts = FACT(ESTABLISHED) },

	/* Reset */
	{ "RST(+ACK) from R, ACK set and ISS of I < ack <= nxt of I: refused",
	  BY_R, S(LISTEN), S(SYN_SENT), RST_ACKS, ENDS(REFUSED) },
	{ "the same where R was not LISTEN: reset",
	  BY_R, EVERY_STATE, S(SYN_SENT), RST_ACKS, ENDS(RESET) },
	{ "RST from R without that ack", BY_R, EVERY_STATE, S(SYN_SENT), RST_ANY,
	  .facts = FACT(INVALID_RST) },
	{ "RST from I, seq == nxt of I: reset", BY_I, S(SYN_SENT), EVERY_STATE, RST_EXACT,
	  ENDS(RESET) },
	{ "RFC 9293 3.10.7.3: R in SYN_SENT believes a RST that acknowledges its SYN",
	  BY_I, S(SYN_SENT) | S(SYN_RECV), S(SYN_SENT), RST_ACKS, ENDS(RESET) },
	{ "RST from I to R in SYN_SENT, seq elsewhere",
	  BY_I, S(SYN_SENT), S(SYN_SENT), RST_ANY, .facts = FACT(INVALID_RST) },
	{ "RST from I, seq elsewhere", BY_I, S(SYN_SENT), S(LISTEN), RST_ANY,
	  .facts = 0 },
	{ "RST after both FINs, exact: fin",
	  ANYONE, SENT_FIN, SENT_FIN, RST_EXACT | C(RST_UNA) | C(RST_ACK_UNA), ENDS(FIN) },
	{ "RST exactly una or exactly nxt",
	  ANYONE, EVERY_STATE, EVERY_STATE, RST_EXACT | C(RST_UNA) | C(RST_ACK_UNA),
	  ENDS(RESET) },
	{ "RST in the window but not exact: rst_inexact",
	  ANYONE, EVERY_STATE, EVERY_STATE, C(RST_IN) | C(RST_ACK_IN),
	  .facts = FACT(RST_INEXACT) },
	{ "RST out of the window: invalid_rst",
	  ANYONE, EVERY_STATE, EVERY_STATE,
	  C(RST_OUT) | C(RST_OLD) | C(RST_ACK_OUT) | C(RST_ACK_OLD),
	  .facts = FACT(INVALID_RST) },

	/* Which segments count */
	{ "data from e beyond its own FIN: out_of_window",
	  ANYONE, SENT_FIN, EVERY_STATE, DATAS | C(FIN_DATA_ALL), .facts = FACT(OUT_OF_WINDOW) },
	{ "a second FIN beyond the first is beyond its own FIN as well",
	  ANYONE, SENT_FIN, EVERY_STATE, FINS, .facts = FACT(OUT_OF_WINDOW) },
	{ "data beyond the right edge: out_of_window",
	  ANYONE, LATER, LATER, C(DATA_BEYOND) | C(FIN_BEYOND), .facts = FACT(OUT_OF_WINDOW) },
	{ "an acknowledgement of something never sent: invalid_ack",
	  ANYONE, LATER & ~SENT_FIN, LATER,
	  C(ACK_UNSENT) | C(ACK_FAR) | C(DATA_UNSENT) | C(FIN_UNSENT),
	  .facts = FACT(INVALID_ACK) },
	{ "an acknowledgement of something never sent, after the own FIN: invalid_ack",
	  ANYONE, SENT_FIN, LATER, C(ACK_UNSENT) | C(ACK_FAR), .facts = FACT(INVALID_ACK) },

	/* Closing: FIN */
	{ "ESTABLISHED / *: FIN from e: FIN_WAIT1",
	  ANYONE, S(ESTABLISHED), S(ESTABLISHED), FINS, TO(FIN_WAIT1, ESTABLISHED) },
	{ "SYN_RECV / *: FIN from R: FIN_WAIT1",
	  BY_R, S(SYN_RECV), S(SYN_SENT), FINS, TO(FIN_WAIT1, SYN_SENT) },
	{ "SYN_RECV / *: FIN from I: FIN_WAIT1",
	  BY_I, S(SYN_RECV), S(SYN_SENT), FINS, TO(FIN_WAIT1, SYN_SENT) },
	{ "CLOSE_WAIT / *: FIN from e: LAST_ACK",
	  ANYONE, S(CLOSE_WAIT), S(FIN_WAIT2), FINS, TO(LAST_ACK, FIN_WAIT2) },
	{ "FIN_WAIT1 / ESTABLISHED, FIN from p, its ack covering e's FIN",
	  ANYONE, S(ESTABLISHED), S(FIN_WAIT1), FIN_COVERING, TO(LAST_ACK, FIN_WAIT2) },
	{ "FIN_WAIT1 / ESTABLISHED, FIN from p, not covering: simultaneous close",
	  ANYONE, S(ESTABLISHED), S(FIN_WAIT1), FIN_BARE, TO(FIN_WAIT1, FIN_WAIT1) },
	{ "retransmitted FIN: counted",
	  ANYONE, SENT_FIN, EVERY_STATE, C(FIN_AGAIN), .facts = FACT(FIN_RETRANS) },

	/* Closing: ACK */
	{ "FIN_WAIT1 / ESTABLISHED, ACK from p covering the FIN",
	  ANYONE, S(ESTABLISHED), S(FIN_WAIT1), COVERING | C(DATA_ALL),
	  TO(CLOSE_WAIT, FIN_WAIT2) },
	{ "FIN_WAIT1 / FIN_WAIT1, ACK from e covering p's FIN",
	  ANYONE, S(FIN_WAIT1), S(FIN_WAIT1), COVERING, TO(CLOSING, FIN_WAIT2) },
	{ "CLOSING / FIN_WAIT2, when p then covers e's FIN, both TIME_WAIT",
	  ANYONE, S(FIN_WAIT2), S(CLOSING), COVERING, TO(TIME_WAIT, TIME_WAIT) },
	{ "FIN_WAIT2 / LAST_ACK, ACK from e covering p's FIN",
	  ANYONE, S(FIN_WAIT2), S(LAST_ACK), COVERING, TO(TIME_WAIT, CLOSE) },
};

static unsigned int row_hits[ARRAY_SIZE(rows)];

/* Cells whose reading the page leaves open: any outcome that is sane will do. */
static bool left_open(enum who who, unsigned int self, unsigned int peer, enum class class)
{
	/* R in SYN_SENT ignores what I's general rule believes: RST without ACK. */
	if (who == BY_I && self == S(SYN_RECV) && peer == S(SYN_SENT) &&
	    (C(class) & (RSTS | C(RST_ACK_UNSENT))))
		return true;
	return false;
}

/* The pairs that segments can lead to, initiator first. */
static bool possible(unsigned int i, unsigned int r)
{
	static const unsigned int peers[TCPSTATE_STATE_MAX + 1] = {
		[TCPSTATE_SYN_SENT] = S(LISTEN) | S(SYN_SENT) | S(SYN_RECV) | S(FIN_WAIT1),
		[TCPSTATE_SYN_RECV] = S(SYN_SENT),
		[TCPSTATE_ESTABLISHED] = S(ESTABLISHED) | S(FIN_WAIT1),
		[TCPSTATE_FIN_WAIT1] = S(ESTABLISHED) | S(FIN_WAIT1),
		[TCPSTATE_FIN_WAIT2] = S(CLOSE_WAIT) | S(LAST_ACK) | S(CLOSING),
		[TCPSTATE_CLOSE_WAIT] = S(FIN_WAIT2),
		[TCPSTATE_LAST_ACK] = S(FIN_WAIT2),
		[TCPSTATE_CLOSING] = S(FIN_WAIT2),
		[TCPSTATE_TIME_WAIT] = S(TIME_WAIT) | S(CLOSE),
		[TCPSTATE_CLOSE] = S(TIME_WAIT) | S(CLOSE),
	};

	return peers[i] & 1U << r;
}

/**
 * struct scene - a pair in two given states, and the truth about its numbers
 * @w: the record and its hosts; A is the initiator
 * @crossed: the SYNs crossed
 */
struct scene {
	struct wire w;
	bool crossed;
};

#define OCTETS 1000	/* that each host has sent, of which ... */
#define UNACKED 200	/* ... are not acknowledged */
#define WINDOW 65535

static void letter(struct tcpstate_pair *pair, enum tcpstate_end end, enum tcpstate_letter kind)
{
	static int n;

	if (!pair->history)
		n = 0;
	pair->letters |= BIT(kind - 1) << (end == I ? 0 : 11);
	pair->history |= (__u64)kind << 4 * n;
	pair->lower |= (end == R) << n++;
}

/* Lay a pair of states down by hand, with numbers as they would be. */
static void scene_lay(struct scene *sc, unsigned int i, unsigned int r, bool crossed,
		      const __u32 iss[2])
{
	const unsigned int state[2] = { i, r };
	struct wire *w = &sc->w;
	int e;

	sc->crossed = crossed;
	wire_lay(w, iss[A], iss[B]);
	w->known = true;
	w->window[A] = WINDOW;
	w->window[B] = WINDOW;
	for (e = A; e <= B; e++) {
		unsigned int set = 1U << state[e];
		unsigned int other = 1U << state[!e];

		if (set & S(LISTEN)) {
			w->iss[e] = 0;
			w->snd[e] = 0;
			w->una[e] = 0;
			w->edge[e] = 0;
			continue;
		}
		if (set & (S(SYN_SENT) | S(SYN_RECV))) {
			w->snd[e]++;
			/* Is the SYN acknowledged? Whoever did not send a mere SYN did so. */
			w->una[e] += !(other & (S(SYN_SENT) | S(LISTEN)));
		} else if ((set & S(FIN_WAIT1)) && (other & S(SYN_SENT))) {
			w->snd[e] += 1 + OCTETS + 1;
		} else {
			w->snd[e] += 1 + OCTETS;
			w->una[e] = w->snd[e] - UNACKED;
			w->snd[e] += !!(set & SENT_FIN);
			if (set & (S(FIN_WAIT2) | S(TIME_WAIT) | S(CLOSE)))
				w->una[e] = w->snd[e];
		}
		w->acked[e] = w->una[e] != w->iss[e];
		w->offered[e] = !(other & S(LISTEN));
		w->edge[e] = w->una[e] + !w->acked[e] + WINDOW;
	}
	memcpy(w->pair.iss, w->iss, sizeof(w->iss));
	memcpy(w->pair.nxt, w->snd, sizeof(w->snd));
	memcpy(w->pair.una, w->una, sizeof(w->una));
	memcpy(w->pair.edge, w->edge, sizeof(w->edge));
	for (e = A; e <= B; e++) {
		w->pair.state[e] = state[e];
		w->pair.wraps[e] = w->snd[e] < w->iss[e];
		w->rcv[e] = w->una[!e];
	}

	w->pair.syn = 1;
	letter(&w->pair, I, TCPSTATE_LETTER_SYN);
	if (r == TCPSTATE_LISTEN)
		return;
	if (crossed || r == TCPSTATE_SYN_SENT)
		letter(&w->pair, R, TCPSTATE_LETTER_SYN);
	if (i == TCPSTATE_SYN_RECV)
		letter(&w->pair, I, TCPSTATE_LETTER_SYNACK);
	if (r == TCPSTATE_SYN_SENT)
		return;
	letter(&w->pair, R, TCPSTATE_LETTER_SYNACK);
	w->pair.synack = 1;
	if (i == TCPSTATE_SYN_SENT || i == TCPSTATE_SYN_RECV)
		return;
	for (e = A; e <= B; e++) {
		letter(&w->pair, (enum tcpstate_end)e, TCPSTATE_LETTER_ACK);
		letter(&w->pair, (enum tcpstate_end)e, TCPSTATE_LETTER_DATA);
		if (1U << state[e] & SENT_FIN)
			letter(&w->pair, (enum tcpstate_end)e, TCPSTATE_LETTER_FIN);
	}
}

/* The closing half of a life, from ESTABLISHED / ESTABLISHED; @e closes first. */
static void drive_close(struct wire *w, enum host e, unsigned int self, unsigned int peer)
{
	if (self == TCPSTATE_ESTABLISHED)
		return;
	if (self == TCPSTATE_CLOSE && peer == TCPSTATE_CLOSE) {
		lose(w, e, RST, 0);
		return;
	}
	lose(w, e, FIN | ACK, 0);
	if (peer == TCPSTATE_ESTABLISHED)
		return;
	if (peer == TCPSTATE_FIN_WAIT1 || peer == TCPSTATE_CLOSING ||
	    peer == TCPSTATE_TIME_WAIT) {
		lose(w, !e, FIN | ACK, 0);
		if (peer == TCPSTATE_FIN_WAIT1)
			return;
		wire_hear(w, !e);
		lose(w, !e, ACK, 0);
		if (peer == TCPSTATE_CLOSING)
			return;
		wire_hear(w, e);
		lose(w, e, ACK, 0);
		return;
	}
	wire_hear(w, !e);
	lose(w, !e, ACK, 0);
	if (peer == TCPSTATE_CLOSE_WAIT)
		return;
	lose(w, !e, FIN | ACK, 0);
	if (peer == TCPSTATE_LAST_ACK)
		return;
	wire_hear(w, e);
	lose(w, e, ACK, 0);
}

/* Lead a pair to its states by segments. */
static void scene_drive(struct scene *sc, unsigned int i, unsigned int r, bool crossed,
			const __u32 iss[2])
{
	struct wire *w = &sc->w;
	enum host first;

	sc->crossed = crossed;
	wire_lay(w, iss[A], iss[B]);
	w->window[A] = WINDOW;
	w->window[B] = WINDOW;
	say(w, A, SYN, 0);
	if (r == TCPSTATE_LISTEN)
		return;
	if (r == TCPSTATE_SYN_SENT || crossed) {
		say(w, B, SYN, 0);
		if (i == TCPSTATE_SYN_RECV) {
			again(w, A, 1, SYN | ACK, 0);
			return;
		}
		if (r == TCPSTATE_SYN_SENT)
			return;
		again(w, B, 1, SYN | ACK, 0);
		if (r == TCPSTATE_SYN_RECV)
			return;
	} else {
		say(w, B, SYN | ACK, 0);
	}
	if (i == TCPSTATE_SYN_SENT) {
		if (r == TCPSTATE_FIN_WAIT1) {
			lose(w, B, ACK, OCTETS);
			lose(w, B, FIN | ACK, 0);
			w->rcv[A] = w->iss[B];
		}
		return;
	}
	say(w, A, ACK, 0);
	say(w, A, ACK, OCTETS - UNACKED);
	say(w, B, ACK, OCTETS - UNACKED);
	say(w, A, ACK, 0);
	lose(w, A, ACK, UNACKED);
	lose(w, B, ACK, UNACKED);

	/* Who closes first: the host whose state is further along its way. */
	first = A;
	if (i == TCPSTATE_ESTABLISHED || i == TCPSTATE_CLOSE_WAIT || i == TCPSTATE_LAST_ACK ||
	    i == TCPSTATE_CLOSING || (i == TCPSTATE_CLOSE && r == TCPSTATE_TIME_WAIT))
		first = B;
	drive_close(w, first, first == A ? i : r, first == A ? r : i);
}

/* A segment of @class from @e. Returns false where there is no such segment. */
static bool compose(const struct scene *sc, enum host e, enum class class,
		    struct tcpstate_segment *seg)
{
	const struct wire *w = &sc->w;
	bool closed = 1U << w->pair.state[e] & SENT_FIN;
	__u32 nxt = w->snd[e], una = w->una[e], current = w->una[!e], all = w->snd[!e];
	__u32 edge = w->offered[e] ? w->edge[e] : nxt + 65536;
	__u32 syn = w->iss[!e] + 1;

#define MAKE(bits, number, acknowledged, octets) \
	(*seg = wire_make(w, e, bits, octets), seg->seq = (number), \
	 seg->ack = (acknowledged), true)

	switch (class) {
	case SYN_SAME:		return MAKE(SYN, w->iss[e], 0, 0);
	case SYN_AFTER:		return MAKE(SYN, nxt + 100000, 0, 0);
	case SYN_BEFORE:	return MAKE(SYN, w->iss[e] - 100000, 0, 0);
	case SYNACK_GOOD:	return MAKE(SYN | ACK, w->iss[e], syn, 0);
	case SYNACK_BAD:	return MAKE(SYN | ACK, w->iss[e], all + 1, 0);
	case SYNACK_LOW:	return MAKE(SYN | ACK, w->iss[e], syn - 1, 0);
	case SYNACK_OTHER_GOOD:	return MAKE(SYN | ACK, nxt + 77777, syn, 0);
	case SYNACK_OTHER_BAD:	return MAKE(SYN | ACK, nxt + 77777, all + 1, 0);
	case ACK_CURRENT:	return MAKE(ACK, nxt, current, 0);
	case ACK_SYN:		return MAKE(ACK, nxt, syn, 0);
	case ACK_BUT_ONE:	return all - 1 != current - 1 && MAKE(ACK, nxt, all - 1, 0);
	case ACK_ALL:		return MAKE(ACK, nxt, all, 0);
	case ACK_UNSENT:	return MAKE(ACK, nxt, all + 1, 0);
	case ACK_FAR:		return MAKE(ACK, nxt, all + 1000000, 0);
	case DATA:		return MAKE(ACK, nxt, current, 100);
	case DATA_SYN:		return MAKE(ACK, nxt, syn, 100);
	case DATA_ALL:		return MAKE(ACK, nxt, all, 100);
	case DATA_UNSENT:	return MAKE(ACK, nxt, all + 1, 100);
	case DATA_AGAIN:	return MAKE(ACK, nxt - closed - 50, current, 50);
	case DATA_AGAIN_ALL:	return MAKE(ACK, nxt - closed - 50, all, 50);
	case KEEPALIVE_EMPTY:	return MAKE(ACK, nxt - 1, current, 0);
	case KEEPALIVE_OCTET:	return MAKE(ACK, nxt - 1, current, 1);
	case DATA_BEYOND:	return MAKE(ACK, edge, all, 1);
	case FIN_CURRENT:	return MAKE(FIN | ACK, nxt, current, 0);
	case FIN_SYN:		return MAKE(FIN | ACK, nxt, syn, 0);
	case FIN_ALL:		return MAKE(FIN | ACK, nxt, all, 0);
	case FIN_DATA_ALL:	return MAKE(FIN | ACK, nxt, all, 100);
	case FIN_UNSENT:	return MAKE(FIN | ACK, nxt, all + 1, 0);
	case FIN_BEYOND:	return MAKE(FIN | ACK, edge + 1, all, 0);
	case FIN_AMID:		return MAKE(FIN | ACK, nxt - 60, current, 50);
	case FIN_AGAIN:		return closed && MAKE(FIN | ACK, nxt - 1, current, 0);
	case FIN_AGAIN_ALL:	return closed && MAKE(FIN | ACK, nxt - 1, all, 0);
	case RST_NXT:		return MAKE(RST, nxt, 0, 0);
	case RST_UNA:		return MAKE(RST, una, 0, 0);
	case RST_IN:		return MAKE(RST, nxt + 1, 0, 0);
	case RST_OUT:		return MAKE(RST, edge + 1000000, 0, 0);
	case RST_OLD:		return MAKE(RST, una - 1000000, 0, 0);
	case RST_ACK_NXT:	return MAKE(RST | ACK, nxt, all, 0);
	case RST_ACK_UNA:	return MAKE(RST | ACK, una, all, 0);
	case RST_ACK_IN:	return MAKE(RST | ACK, nxt + 1, all, 0);
	case RST_ACK_OUT:	return MAKE(RST | ACK, edge + 1000000, all, 0);
	case RST_ACK_OLD:	return MAKE(RST | ACK, una - 1000000, all, 0);
	case RST_ACK_UNSENT:	return MAKE(RST | ACK, nxt, all + 1, 0);
	case CLASSES:		break;
	}
	return false;
}

static const struct row *find_row(const struct scene *sc, enum host e, enum class class)
{
	unsigned int self = 1U << sc->w.pair.state[e], peer = 1U << sc->w.pair.state[!e];
	bool crossed = sc->crossed || sc->w.pair.state[I] == TCPSTATE_SYN_RECV;
	size_t n;

	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		const struct row *row = &rows[n];

		if ((row->who == BY_I && e != A) || (row->who == BY_R && e != B) ||
		    (row->flavour == PLAIN && crossed) ||
		    (row->flavour == CROSSED && !crossed))
			continue;
		if ((row->self & self) && (row->peer & peer) && (row->classes & C(class))) {
			row_hits[n]++;
			return row;
		}
	}
	return NULL;
}

static bool sane(const struct tcpstate_pair *pair)
{
	return pair->state[I] >= 1 && pair->state[I] <= TCPSTATE_STATE_MAX &&
	       pair->state[R] >= 1 && pair->state[R] <= TCPSTATE_STATE_MAX;
}

/* Judge one cell. Returns what is wrong, or NULL. */
static const char *judge(const struct scene *sc, enum host e, enum class class,
			 const struct tcpstate_segment *seg)
{
	const struct tcpstate_pair *was = &sc->w.pair;
	static char why[400];
	struct tcpstate_outcome out;
	struct tcpstate_pair now;
	const struct row *row;
	unsigned int self, peer;

	now = *was;
	out = tcpstate_fsm_step(&now, seg, (enum tcpstate_end)e,
				&(struct tcpstate_elapsed){ 0 });
	if (!sane(&now))
		return "no state at all";
	if (out.facts >> TCPSTATE_FACT_MAX)
		return "no such fact";
	if (!possible(was->state[I], was->state[R])) {
		if ((seg->flags & RST) &&
		    (now.state[I] == TCPSTATE_CLOSE) != (now.state[R] == TCPSTATE_CLOSE) &&
		    memcmp(now.state, was->state, sizeof(now.state)))
			return "a RST closed one endpoint alone";
		return NULL;
	}
	if ((out.action == TCPSTATE_END) != (tcpstate_fsm_ended(&now) && !tcpstate_fsm_ended(was)))
		return "ended and CLOSE / CLOSE differ";
	if ((out.facts & REFUSALS) && out.action == TCPSTATE_KEEP &&
	    (memcmp(now.nxt, was->nxt, sizeof(now.nxt)) ||
	     memcmp(now.una, was->una, sizeof(now.una)) ||
	     memcmp(now.edge, was->edge, sizeof(now.edge)) ||
	     memcmp(now.state, was->state, sizeof(now.state))))
		return "a refused segment moved the record";
	if ((out.facts & REFUSALS) && out.renew)
		return "a refused segment renewed the timer";

	if (left_open(e == A ? BY_I : BY_R, 1U << was->state[e], 1U << was->state[!e], class))
		return NULL;

	row = find_row(sc, e, class);
	self = row && row->self_after ? row->self_after : was->state[e];
	peer = row && row->peer_after ? row->peer_after : was->state[!e];
	if (now.state[e] != self || now.state[!e] != peer) {
		snprintf(why, sizeof(why), "should be %s / %s, is %s / %s (%s)",
			 wire_state(e == A ? self : peer), wire_state(e == A ? peer : self),
			 wire_state(now.state[I]), wire_state(now.state[R]),
			 row ? row->words : "no row names it");
		return why;
	}
	if (row && (out.facts & row->facts) != row->facts) {
		snprintf(why, sizeof(why), "facts %#x lack %#x (%s)", out.facts,
			 row->facts & ~out.facts, row->words);
		return why;
	}
	if (out.action != (row ? row->action : TCPSTATE_KEEP) ||
	    out.reason != (row ? row->reason : TCPSTATE_REASON_NONE)) {
		snprintf(why, sizeof(why), "action %d reason %d (%s)", out.action, out.reason,
			 row ? row->words : "no row names it");
		return why;
	}
	return NULL;
}

static const __u32 numbers[][2] = {
	{ 1000000000, 3000000000 },
	{ 0xfffffe00, 0xfffffffe },
	{ 0xfffffc17, 0xfffffc16 },	/* nxt lands on zero */
	{ 0x7fffff00, 0x7ffffc00 },
};

enum { BY_HAND, BY_WIRE };

/* Call @each with every scene. */
static void scenes(void (*each)(const struct scene *sc, int made, void *data), void *data)
{
	unsigned int i, r, n;
	struct scene sc;
	int crossed;

	for (n = 0; n < ARRAY_SIZE(numbers); n++) {
		for (i = 1; i <= TCPSTATE_STATE_MAX; i++) {
			for (r = 1; r <= TCPSTATE_STATE_MAX; r++) {
				for (crossed = 0; crossed < 2; crossed++) {
					if (crossed && (i != TCPSTATE_SYN_SENT ||
							r != TCPSTATE_SYN_RECV))
						continue;
					scene_lay(&sc, i, r, crossed, numbers[n]);
					each(&sc, BY_HAND, data);
					if (!possible(i, r))
						continue;
					scene_drive(&sc, i, r, crossed, numbers[n]);
					if (sc.w.pair.state[I] == i && sc.w.pair.state[R] == r)
						each(&sc, BY_WIRE, data);
				}
			}
		}
	}
}

struct tally {
	enum class class;
	enum host from;
	unsigned int cells;
	unsigned int wrong;
	char first[6][600];
};

static void check_cell(const struct scene *sc, int made, void *data)
{
	struct tally *tally = data;
	struct tcpstate_segment seg;
	const char *why;

	if (!compose(sc, tally->from, tally->class, &seg))
		return;
	tally->cells++;
	why = judge(sc, tally->from, tally->class, &seg);
	if (why && tally->wrong++ < ARRAY_SIZE(tally->first))
		snprintf(tally->first[tally->wrong - 1], sizeof(tally->first[0]),
			 "%s / %s%s %s, iss %#x: %s", wire_state(sc->w.pair.state[I]),
			 wire_state(sc->w.pair.state[R]), sc->crossed ? " (crossed)" : "",
			 made == BY_WIRE ? "by wire" : "by hand", sc->w.iss[A], why);
}

/* Every pair that can occur is reached by the segments that lead to it. */
static void check_reached(unsigned int i, unsigned int r, bool crossed)
{
	struct scene sc, laid;
	unsigned int n;
	bool right = true;

	for (n = 0; n < ARRAY_SIZE(numbers) && right; n++) {
		const struct tcpstate_pair *pair = &sc.w.pair;
		int e;

		scene_drive(&sc, i, r, crossed, numbers[n]);
		scene_lay(&laid, i, r, crossed, numbers[n]);
		right = pair->state[I] == i && pair->state[R] == r;
		if (!right)
			diag("is %s / %s", wire_state(pair->state[I]), wire_state(pair->state[R]));
		if (i == TCPSTATE_CLOSE && r == TCPSTATE_CLOSE)
			continue;
		for (e = A; e <= B && right; e++) {
			if (e == B && r == TCPSTATE_LISTEN)
				continue;
			right = pair->nxt[e] == sc.w.snd[e] && pair->nxt[e] == laid.w.snd[e] &&
				(!sc.w.acked[e] || pair->una[e] == sc.w.una[e]) &&
				(!sc.w.offered[e] || pair->edge[e] == sc.w.edge[e]);
			if (!right)
				diag("host %d iss %#x: nxt %#x, sent %#x; una %#x, acked %#x; edge %#x, is %#x",
				     e, sc.w.iss[e], pair->nxt[e], sc.w.snd[e], pair->una[e],
				     sc.w.una[e], pair->edge[e], sc.w.edge[e]);
		}
	}
	ok(right, "%s / %s%s is reached, its numbers as sent", wire_state(i), wire_state(r),
	   crossed ? " (SYNs crossed)" : "");
}

int main(void)
{
	unsigned int i, r, n;
	int class, from;

	for (i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		for (r = 1; r <= TCPSTATE_STATE_MAX; r++) {
			if (possible(i, r))
				check_reached(i, r, false);
		}
	}
	check_reached(TCPSTATE_SYN_SENT, TCPSTATE_SYN_RECV, true);

	for (class = 0; class < CLASSES; class++) {
		for (from = A; from <= B; from++) {
			struct tally tally = { .class = class, .from = from };

			scenes(check_cell, &tally);
			if (!ok(!tally.wrong && tally.cells, "%s from %c: %u cells",
				class_name[class], from == A ? 'I' : 'R', tally.cells))
				diag("%u wrong", tally.wrong);
			for (n = 0; n < tally.wrong && n < ARRAY_SIZE(tally.first); n++)
				diag("%s", tally.first[n]);
		}
	}

	/* A row that no cell meets would claim nothing. */
	for (n = 0, i = 0; n < ARRAY_SIZE(rows); n++) {
		if (!row_hits[n]) {
			diag("no cell meets: %s", rows[n].words);
			i++;
		}
	}
	ok(!i, "every row of inference.md is met by a cell");
	return done();
}
