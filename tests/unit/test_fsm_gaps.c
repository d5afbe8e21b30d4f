// SPDX-License-Identifier: GPL-2.0
/*
 * What an observer does not see: connections picked up midstream, captures of
 * one direction, gaps, directions that disagree for good.
 */
#include "lives.h"

/* Picked up */

static const char *close_from_a(struct wire *w)
{
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	say(w, B, FIN | ACK, 0);
	IN(FIN_WAIT2, LAST_ACK);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

static const char *picked_up_by_ack(struct wire *w)
{
	midst(w);
	say(w, A, ACK, 0);
	MUST(w->known);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(w->pair.flags & TCPSTATE_PICKED_UP);
	MUST(!tcpstate_fsm_halfopen(&w->pair));
	MUST(tcpstate_fsm_unreplied(&w->pair));
	HISTORY("^A");
	say(w, B, ACK, 200);
	MUST(!w->out.facts);
	MUST(!tcpstate_fsm_unreplied(&w->pair));
	say(w, A, ACK, 300);
	MUST(!w->out.facts);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 300);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 200);
	MUST(!(w->facts & FACT(ESTABLISHED)));
	HISTORY("^AdD");
	return close_from_a(w);
}

/* A keep-alive has the number of an octet that was acknowledged long ago. */
static const char *picked_up_by_keepalive(struct wire *w)
{
	midst(w);
	again(w, A, 1, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	say(w, B, ACK, 0);
	ONLY(0);
	MUST(!tcpstate_fsm_unreplied(&w->pair));
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 0);
	say(w, A, ACK, 100);
	ONLY(0);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	/* Two octets more than were sent are still none of its. */
	forge(w, B, w->snd[B], w->snd[A] + 2, ACK, 0);
	ONLY(FACT(INVALID_ACK));
	return close_from_a(w);
}

static const char *picked_up_by_data(struct wire *w)
{
	midst(w);
	say(w, B, ACK | PSH, 1460);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(!w->flipped);
	HISTORY("^d");
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 1460);
	say(w, A, ACK, 0);
	MUST(!w->out.facts);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 0);
	return close_from_a(w);
}

static const char *picked_up_by_fin(struct wire *w)
{
	midst(w);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	MUST(w->pair.flags & TCPSTATE_PICKED_UP);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	HISTORY("^FafA");
	return NULL;
}

static const char *picked_up_by_fin_of_r(struct wire *w)
{
	midst(w);
	say(w, B, FIN | ACK, 0);
	IN(ESTABLISHED, FIN_WAIT1);
	say(w, A, FIN | ACK, 0);
	IN(LAST_ACK, FIN_WAIT2);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	return NULL;
}

static const char *picked_up_by_synack(struct wire *w)
{
	miss(w, B, SYN, 0);
	say(w, A, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	MUST(w->flipped);	/* the sender of a SYN-ACK is the responder */
	MUST(w->pair.flags & TCPSTATE_PICKED_UP);
	MUST(tcpstate_fsm_halfopen(&w->pair));
	MUST(tcpstate_fsm_unreplied(&w->pair));
	HISTORY("h");
	say(w, B, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	DID(ESTABLISHED);
	say(w, B, ACK, 100);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	MUST(!tcpstate_fsm_unreplied(&w->pair));
	HISTORY("hAD");
	return NULL;
}

static const char *picked_up_amid_a_gap(struct wire *w)
{
	midst(w);
	say(w, A, ACK, 100);
	miss(w, B, ACK, 5000);
	say(w, B, ACK, 300);
	MUST(!w->out.facts);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 300);
	return close_from_a(w);
}

static const char *rst_opens_nothing(struct wire *w)
{
	midst(w);
	say(w, A, RST, 0);
	MUST(!w->known);
	ONLY(FACT(STRAY));
	say(w, B, RST | ACK, 0);
	MUST(!w->known);
	return NULL;
}

static const char *picked_up_windows(struct wire *w)
{
	midst(w);
	w->window[B] = 100;
	say(w, A, ACK, 0);
	say(w, B, ACK, 0);
	/* The scale is unknown: 14. */
	lose(w, A, ACK, 100u << 14);
	ONLY(0);
	forge(w, A, w->snd[A], w->rcv[A], ACK, 1);
	ONLY(FACT(OUT_OF_WINDOW));
	return NULL;
}

static const char *picked_up_then_reset(struct wire *w)
{
	midst(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 0);
	say(w, B, RST, 0);
	ENDED(RESET);
	return NULL;
}

/* Captures of one direction */

static const char *only_i(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	say(w, A, ACK, 100);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	again(w, A, 100, ACK, 100);	/* it does not advance */
	IN(SYN_SENT, LISTEN);
	miss(w, B, ACK, 1000);
	say(w, A, ACK, 100);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(w->pair.flags & TCPSTATE_ONE_SIDED);
	MUST(!(w->facts & FACT(ESTABLISHED)));	/* neither completion nor failure */
	MUST(tcpstate_fsm_unreplied(&w->pair));
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 200);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 0);
	miss(w, B, ACK, 1000);
	say(w, A, ACK, 100);
	MUST(!(w->out.facts & REFUSALS));
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	return NULL;
}

static const char *spoofed_ack_proves_nothing(struct wire *w)
{
	int n;

	say(w, A, SYN, 0);
	for (n = 0; n < 10; n++) {
		forge(w, A, w->snd[A], 12345 + n, ACK, 0);
		ONLY(FACT(INVALID_ACK));
		IN(SYN_SENT, LISTEN);
	}
	forge(w, A, w->snd[A], 12345, FIN | ACK, 0);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	return NULL;
}

/* I's word alone, until R's answer acknowledges it by its own number. */
static const char *missed_synack_request(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
	say(w, A, ACK | PSH, 413);
	IN(SYN_SENT, LISTEN);
	say(w, B, ACK, 1460);
	IN(SYN_SENT, SYN_RECV);
	ONLY(0);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(!(w->pair.flags & TCPSTATE_ONE_SIDED));
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 413);
	return close_from_a(w);
}

static const char *missed_synack_forged(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
	say(w, A, ACK | PSH, 413);
	forge(w, B, w->snd[B], w->snd[A] + 1, ACK, 100);
	ONLY(FACT(INVALID_ACK));
	forge(w, B, w->snd[B] - 1, w->snd[A], ACK, 100);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	return NULL;
}

static const char *only_i_from_the_midst(struct wire *w)
{
	int n;

	midst(w);
	for (n = 0; n < 20; n++) {
		say(w, A, ACK, 100);
		MUST(!w->out.facts);
		/* nxt of an endpoint never seen follows its peer's acknowledgements */
		MUST(w->pair.nxt[R] == w->rcv[A]);
		miss(w, B, ACK, 100000);
	}
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_unreplied(&w->pair));
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 2000);
	/* And R is heard at last. */
	say(w, A, ACK, 0);
	say(w, B, ACK, 500);
	MUST(!w->out.facts);
	MUST(!tcpstate_fsm_unreplied(&w->pair));
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 500);
	return NULL;
}

/* More than once round the circle, and nobody acknowledges any of it. */
static const char *far(struct wire *w)
{
	__u64 before = tcpstate_fsm_bytes(&w->pair, I);
	int n;

	for (n = 0; n < 80; n++) {
		say(w, A, ACK, 100000000);
		MUST(!w->out.facts);
	}
	MUST(tcpstate_fsm_bytes(&w->pair, I) == before + 8000000000ull);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	return NULL;
}

/* Nobody offers a window to see; so far on that its end is behind all there was. */
static const char *only_r_half_the_circle_on(struct wire *w)
{
	miss(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	miss(w, A, ACK, 1000);
	say(w, B, ACK, 100);
	IN(ESTABLISHED, ESTABLISHED);
	forge(w, B, w->snd[B] + 0x7ffd0000, w->rcv[B], ACK, 300000);
	ONLY(FACT(OUT_OF_WINDOW));
	MUST(w->pair.nxt[R] == w->snd[B]);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 100);
	return NULL;
}

static const char *only_i_far(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN | ACK, 0);
	say(w, A, ACK, 100);
	say(w, A, ACK, 100);
	IN(ESTABLISHED, ESTABLISHED);
	return far(w);
}

static const char *only_i_far_from_the_midst(struct wire *w)
{
	midst(w);
	say(w, A, ACK, 100);
	return far(w);
}

static const char *only_r(struct wire *w)
{
	miss(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	MUST(!w->flipped);
	miss(w, A, ACK, 0);
	miss(w, A, ACK, 100);
	say(w, B, ACK, 0);		/* beyond ISS+1 */
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_unreplied(&w->pair));
	say(w, B, ACK, 1000);
	miss(w, A, ACK, 100000);
	say(w, B, ACK, 1000);
	MUST(!(w->out.facts & REFUSALS));
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 2000);
	say(w, B, FIN | ACK, 0);
	IN(ESTABLISHED, FIN_WAIT1);
	return NULL;
}

static const char *only_r_no_proof(struct wire *w)
{
	miss(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, B, ACK, 0);		/* exactly ISS+1 */
	IN(SYN_SENT, SYN_RECV);
	say(w, B, ACK, 100);
	IN(SYN_SENT, SYN_RECV);
	return NULL;
}

static const char *only_r_forged(struct wire *w)
{
	miss(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, B, w->snd[B] - 0x60000000, w->iss[A] + 1000, ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	MUST(w->out.facts & REFUSALS);
	return NULL;
}

static const char *seen_i_needs_its_own_ack(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, B, w->snd[B], w->iss[A] + 101, ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	return NULL;
}

/* Longer than a round trip and a retransmission. */
static void pause(struct wire *w)
{
	w->now += 3000;
}

/* Each sends data and acknowledges the other's: so often, or until the numbers are in force. */
static int exchange(struct wire *w, int most)
{
	int n;

	for (n = 1; n <= most; n++) {
		say(w, A, ACK | PSH, 100);
		if (w->out.facts & FACT(RESYNC))
			break;
		say(w, B, ACK | PSH, 1000);
		if (w->out.facts & FACT(RESYNC))
			break;
	}
	return n;
}

/*
 * The SYN of R and its SYN-ACK crossed I's unseen, behind I's word alone: what that
 * claimed is no refused segment, and those that are refused later count.
 */
static const char *unanswered_then_crossed(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN, 0);
	wire_hear(w, A);
	forge(w, A, w->snd[A], 12345, ACK, 100);
	ONLY(FACT(INVALID_ACK));
	forge(w, A, w->iss[A], w->snd[B], SYN | ACK, 0);
	IN(SYN_RECV, SYN_SENT);
	say(w, B, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	say(w, A, ACK, 0);
	miss(w, A, ACK, 50000000);
	miss(w, B, ACK, 70000000);
	wire_hear(w, A);
	MUST(exchange(w, 20) <= 20);
	return close_from_a(w);
}

/* Gaps */

/* Far more than any window passes by another way. */
static void gap(struct wire *w, __u32 by_a, __u32 by_b)
{
	miss(w, A, ACK, by_a);
	miss(w, B, ACK, by_b);
	wire_hear(w, A);
}

static const char *healed(struct wire *w)
{
	__u32 facts = w->facts;

	w->facts = 0;
	say(w, B, ACK, 100);
	say(w, A, ACK, 100);
	say(w, B, ACK, 0);
	MUST(!w->facts);
	w->facts = facts;
	return NULL;
}

/* The end of the handshake and the request pass unseen: all numbers are ahead. */
static const char *unseen_proof(struct wire *w)
{
	const char *why;

	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	miss(w, A, ACK, 0);
	miss(w, A, ACK, 400);
	say(w, B, ACK, 1000);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	ONLY(FACT(INVALID_ACK) | FACT(RESYNC) | FACT(ESTABLISHED));
	MUST(w->out.renew);
	IN(ESTABLISHED, ESTABLISHED);
	why = healed(w);
	return why ? why : close_from_a(w);
}

static const char *unseen_proof_i_first(struct wire *w)
{
	const char *why;

	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	miss(w, A, ACK, 400);
	miss(w, B, ACK, 1000);
	say(w, A, ACK, 300);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, SYN_RECV);
	say(w, B, ACK, 0);
	DID(RESYNC);
	IN(ESTABLISHED, ESTABLISHED);
	why = healed(w);
	return why ? why : close_from_a(w);
}

/* Three that agree, if none continues the other. */
static const char *unseen_proof_in_pieces(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	miss(w, A, ACK, 400);
	miss(w, B, ACK, 1000);
	say(w, A, ACK, 300);
	miss(w, B, ACK, 1000);
	say(w, A, ACK, 300);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, SYN_RECV);
	miss(w, B, ACK, 1000);
	say(w, B, ACK, 1000);
	DID(RESYNC);
	IN(ESTABLISHED, ESTABLISHED);
	return close_from_a(w);
}

static const char *unseen_proof_fin(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	miss(w, A, ACK, 400);
	say(w, B, FIN | ACK, 1000);
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	DID(RESYNC);
	IN(CLOSE_WAIT, FIN_WAIT2);
	say(w, A, FIN | ACK, 0);
	IN(LAST_ACK, FIN_WAIT2);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	return NULL;
}

/* Where the two disagree there is no handshake to complete, nor any flow to be liberal with. */
static const char *unseen_proof_disputed(struct wire *w)
{
	int n;

	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	for (n = 0; n < 6; n++) {
		forge(w, A, w->snd[A] + 10, w->snd[B] + 100000000, ACK, 0);
		ONLY(FACT(INVALID_ACK));
		forge(w, B, w->snd[B], w->snd[A] + 10, ACK, 0);
		ONLY(FACT(INVALID_ACK));
		IN(SYN_SENT, SYN_RECV);
	}
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	return NULL;
}

/* R answers a spoofed source as one in SYN_RECV does, whatever that source sends. */
static const char *unseen_proof_spoofed(struct wire *w)
{
	int n;

	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	for (n = 0; n < 20; n++) {
		forge(w, A, w->snd[A] + 10 * n, w->snd[B] + 70000 + 10 * n, ACK, 10);
		MUST(w->out.facts & REFUSALS);
		lose(w, B, ACK, 0);
		again(w, B, 1, SYN | ACK, 0);
		/* No data, and nothing acknowledged that was not before. */
		forge(w, B, w->snd[B] + 70010 + 10 * n, w->rcv[B], ACK, 0);
		MUST(w->out.facts & REFUSALS);
		IN(SYN_SENT, SYN_RECV);
	}
	MUST(!(w->facts & FACT(RESYNC)));
	/* And what it claimed is no part of the connection, should there be one. */
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	forge(w, B, w->snd[B] + 70200, w->snd[A] + 200, ACK, 0);
	MUST(!(w->out.facts & FACT(RESYNC)));
	return NULL;
}

/* The numbers are in force soon, no later segment is refused, and the close is followed. */
static const char *bridged(struct wire *w)
{
	MUST(exchange(w, 20) <= 20);
	IN(ESTABLISHED, ESTABLISHED);
	w->facts = 0;
	exchange(w, 20);
	MUST(!w->facts);
	return close_from_a(w);
}

static const char *gap_both(struct wire *w)
{
	const char *why;
	__u64 i, r;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	i = tcpstate_fsm_bytes(&w->pair, I);
	r = tcpstate_fsm_bytes(&w->pair, R);
	gap(w, 50000000, 70000000);
	say(w, A, ACK, 100);
	ONLY(FACT(OUT_OF_WINDOW));
	say(w, B, ACK, 100);
	MUST(!(w->out.facts & FACT(RESYNC)));
	IN(ESTABLISHED, ESTABLISHED);
	MUST(exchange(w, 20) <= 20);
	MUST(tcpstate_fsm_bytes(&w->pair, I) >= i);
	MUST(tcpstate_fsm_bytes(&w->pair, R) >= r);
	why = healed(w);
	return why ? why : close_from_a(w);
}

static const char *gap_of_exchanges(struct wire *w)
{
	int n;

	w->wscale[A] = 7;
	w->wscale[B] = 7;
	w->round_trip = 8;
	handshake(w);
	exchange(w, 3);
	for (n = 0; n < 30; n++) {
		miss(w, A, ACK, 100);
		miss(w, B, ACK, 1000);
	}
	return bridged(w);
}

/* An exchange takes 0.2 ms, the round trip counts as 0 ms, and the clock has ticks of 4 ms. */
static const char *gap_on_a_lan(struct wire *w)
{
	__u32 from, us;

	w->pace = 0;
	handshake(w);
	exchange(w, 3);
	gap(w, 50000000, 70000000);
	from = w->now;
	for (us = 0; us < 100000 && !(w->facts & FACT(RESYNC)); us += 200) {
		w->now = from + us / 4000 * 4;
		exchange(w, 1);
	}
	/* Three ticks are the first time of 10 ms or more. */
	MUST(us >= 20 * 200 && us <= 12000 + 200);
	IN(ESTABLISHED, ESTABLISHED);
	w->facts = 0;
	exchange(w, 20);
	MUST(!w->facts);
	return close_from_a(w);
}

static const char *gap_of_megabytes(struct wire *w)
{
	w->wscale[A] = 7;
	w->wscale[B] = 7;
	handshake(w);
	exchange(w, 3);
	gap(w, 4 << 20, 4 << 20);
	return bridged(w);
}

/* One endpoint sends, and its peer acknowledges every other segment. */
static const char *gap_then_download(struct wire *w)
{
	int n;

	handshake(w);
	gap(w, 4 << 20, 4 << 20);
	for (n = 0; n < 40 && !(w->facts & FACT(RESYNC)); n++) {
		say(w, B, ACK, 1460);
		say(w, B, ACK, 1460);
		say(w, A, ACK, 0);
	}
	MUST(n <= 20);
	return healed(w);
}

/* Two more gaps before the first one is bridged. */
static const char *gap_in_a_gap(struct wire *w)
{
	handshake(w);
	gap(w, 50000000, 70000000);
	exchange(w, 5);
	gap(w, 50000000, 70000000);
	exchange(w, 2);
	gap(w, 50000000, 70000000);
	return bridged(w);
}

/* An attacker adds a segment to every exchange. */
static const char *gap_and_noise(struct wire *w)
{
	int n;

	handshake(w);
	gap(w, 50000000, 70000000);
	for (n = 0; n < 40 && !(w->facts & FACT(RESYNC)); n++) {
		say(w, A, ACK, 100);
		forge(w, n & 1 ? A : B, 0x12345678u * n, 0x23456789u * n, ACK, 0);
		say(w, B, ACK, 100);
	}
	MUST(w->facts & FACT(RESYNC));
	return healed(w);
}

static const char *gap_both_then_close(struct wire *w)
{
	const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = {
		120, 60, 432000, 120, 432000, 30, 60, 10, 300
	};

	handshake(w);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	gap(w, 50000000, 70000000);
	pause(w);
	say(w, A, FIN | ACK, 0);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	w->now += 1000;
	say(w, B, FIN | ACK, 0);
	/* From now on. */
	MUST(w->out.renew);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 120);
	say(w, A, ACK, 0);
	MUST(!w->out.renew);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 120);
	return NULL;
}

/* A half-closed connection may be silent for longer than a closed one. */
static const char *gap_both_then_close_by_and_by(struct wire *w)
{
	const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = {
		120, 60, 432000, 120, 432000, 30, 60, 10, 300
	};

	handshake(w);
	gap(w, 50000000, 70000000);
	pause(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	MUST(w->out.renew);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 7875);
	w->now += 3600000;
	say(w, A, ACK, 0);
	MUST(!w->out.renew);
	say(w, B, FIN | ACK, 0);
	MUST(w->out.renew);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 120);
	say(w, A, ACK, 0);
	MUST(!w->out.renew);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 120);
	return NULL;
}

static const char *gap_both_then_rst(struct wire *w)
{
	const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = {
		120, 60, 432000, 120, 432000, 30, 60, 10, 300
	};

	handshake(w);
	say(w, A, ACK, 100);
	forge(w, A, w->snd[A] + 50000000, 0, RST, 0);
	ONLY(FACT(INVALID_RST));
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	pause(w);
	forge(w, A, w->snd[A] + 50000000, 0, RST, 0);
	ONLY(FACT(INVALID_RST));
	MUST(w->out.renew);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 7875);
	pause(w);
	forge(w, A, w->snd[A] + 50000000, 0, RST, 0);
	MUST(!w->out.renew);
	/* It was forged, and a segment that fits says so. */
	say(w, A, ACK, 100);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	return NULL;
}

/* What B hears of a FIN after a gap, it answers by data: it is followed from then on. */
static const char *gap_both_half_closed(struct wire *w)
{
	int n;

	handshake(w);
	gap(w, 50000000, 70000000);
	say(w, A, FIN | ACK, 0);
	for (n = 0; n < 40 && !(w->facts & FACT(RESYNC)); n++) {
		say(w, B, ACK, 1460);
		say(w, A, ACK, 0);
	}
	MUST(n <= 20);
	IN(FIN_WAIT2, CLOSE_WAIT);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

/* TIME_WAIT by way of a gap: what decides over its reuse are timestamps, and there are none. */
static const char *gap_then_wait(struct wire *w)
{
	struct tcpstate_segment syn;

	handshake(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	miss(w, B, ACK, 50000000);
	pause(w);
	say(w, B, FIN | ACK, 100);
	MUST(w->out.facts & REFUSALS);
	say(w, A, ACK, 0);
	DID(RESYNC);
	IN(TIME_WAIT, CLOSE);
	syn = wire_make(w, B, SYN, 0);
	syn.seq = w->iss[B] - 1000;
	syn.has_ts = true;
	syn.tsval = w->snd[B] + 1;	/* newer than a number that is no timestamp */
	wire_put(w, B, syn);
	WENT_ON();
	ONLY(FACT(OUT_OF_WINDOW));
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

static const char *gap_one(struct wire *w, enum host far, enum host first)
{
	const char *why;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	miss(w, far, ACK, 50000000);
	pause(w);
	say(w, first, ACK, 100);
	say(w, !first, ACK, 100);
	say(w, first, ACK, 100);
	say(w, !first, ACK, 100);
	say(w, first, ACK, 100);
	say(w, !first, ACK, 100);
	MUST(w->facts & FACT(RESYNC));
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	IN(ESTABLISHED, ESTABLISHED);
	why = healed(w);
	return why ? why : close_from_a(w);
}

/* The FIN was lost before us and before A too: B sends it again. */
static const char *gap_with_lost_fin(struct wire *w)
{
	handshake(w);
	say(w, B, ACK, 100);
	say(w, A, ACK, 0);
	miss(w, A, ACK, 50000000);
	pause(w);
	w->snd[B]++;
	lose(w, B, ACK, 0);
	say(w, A, ACK, 100);
	lose(w, B, ACK, 0);
	MUST(w->facts & FACT(RESYNC));
	IN(ESTABLISHED, ESTABLISHED);
	again(w, B, 1, FIN | ACK, 0);
	MUST(!(w->out.facts & REFUSALS));
	IN(ESTABLISHED, FIN_WAIT1);
	wire_hear(w, A);
	say(w, A, ACK, 0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

static const char *gap_of_a(struct wire *w)
{
	return gap_one(w, A, B);
}

static const char *gap_of_b(struct wire *w)
{
	return gap_one(w, B, B);
}

static const char *gap_of_a_a_first(struct wire *w)
{
	return gap_one(w, A, A);
}

static const char *gap_then_fin(struct wire *w)
{
	handshake(w);
	gap(w, 50000, 70000000);
	pause(w);
	say(w, A, FIN | ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	say(w, B, ACK, 0);
	DID(RESYNC);
	IN(FIN_WAIT2, CLOSE_WAIT);
	say(w, B, ACK, 5000);
	say(w, A, ACK, 0);
	MUST(!(w->out.facts & REFUSALS));
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	HISTORY("ShAFadf");
	return NULL;
}

static const char *gap_then_fins(struct wire *w)
{
	handshake(w);
	gap(w, 50000000, 60000);
	pause(w);
	say(w, B, FIN | ACK, 100);
	say(w, A, FIN | ACK, 0);
	DID(RESYNC);
	IN(LAST_ACK, FIN_WAIT2);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	return NULL;
}

static const char *gap_and_a_window(struct wire *w)
{
	const char *why;

	handshake(w);
	gap(w, 50000000, 0);
	pause(w);
	/* A fills a window before B's acknowledgement of its first half comes. */
	lose(w, A, ACK, 1460);
	wire_hear(w, B);
	lose(w, A, ACK, 1460);
	MUST(!(w->facts & FACT(RESYNC)));
	IN(ESTABLISHED, ESTABLISHED);
	lose(w, B, ACK, 0);
	DID(RESYNC);
	wire_hear(w, A);
	wire_hear(w, B);
	why = healed(w);
	return why ? why : close_from_a(w);
}

static const char *refusals_long_ago(struct wire *w)
{
	int n;

	handshake(w);
	forge(w, A, w->snd[A] + 50000000, w->rcv[A] + 50000000, ACK, 100);
	forge(w, A, w->snd[A] + 50000100, w->rcv[A] + 50000000, ACK, 100);
	for (n = 0; n < 6; n++) {
		say(w, A, ACK, 1);
		ONLY(0);
	}
	forge(w, B, w->snd[B] + 50000000, w->rcv[B] + 50000000, ACK, 0);
	MUST(w->out.facts & REFUSALS);
	MUST(!(w->out.facts & FACT(RESYNC)));
	return close_from_a(w);
}

static const char *one_side_never_suffices(struct wire *w)
{
	struct tcpstate_pair before;
	int n;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	before = w->pair;
	for (n = 0; n < 20; n++) {
		forge(w, A, w->snd[A] + 50000000 + 100 * n, w->rcv[A] + 50000000, ACK, 100);
		ONLY(FACT(OUT_OF_WINDOW));
	}
	MUST(!memcmp(before.nxt, w->pair.nxt, sizeof(before.nxt)));
	MUST(!memcmp(before.una, w->pair.una, sizeof(before.una)));
	say(w, A, ACK, 100);
	ONLY(0);
	return close_from_a(w);
}

static const char *forged_fin(struct wire *w)
{
	int n;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	forge(w, A, w->snd[A], w->rcv[A], FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	for (n = 0; n < 6; n++) {
		say(w, A, ACK, 100);
		say(w, B, ACK, 100);
	}
	IN(ESTABLISHED, ESTABLISHED);
	MUST(w->facts & FACT(RESYNC));
	w->facts = 0;
	say(w, A, ACK, 10);
	say(w, B, ACK, 10);
	say(w, A, ACK, 0);
	MUST(!w->facts);
	return close_from_a(w);
}

static const char *forged_fin_of_b(struct wire *w)
{
	int n;

	handshake(w);
	forge(w, B, w->snd[B], w->rcv[B], FIN | ACK, 300);
	IN(ESTABLISHED, FIN_WAIT1);
	for (n = 0; n < 6; n++) {
		say(w, B, ACK, 1000);
		say(w, A, ACK, 0);
	}
	IN(ESTABLISHED, ESTABLISHED);
	return close_from_a(w);
}

/* What @from sends passes us with its numbers shifted, and its peer's acks do not. */
static void shifted_by(struct wire *w, enum host from, __u8 flags, __u32 len, __u32 shift)
{
	struct tcpstate_segment seg = wire_make(w, from, flags, len);

	w->snd[from] = seg_end(&seg);
	wire_hear(w, !from);
	seg.seq += shift;
	wire_put(w, from, seg);
}

static void shifted(struct wire *w, __u8 flags, __u32 len, __u32 shift)
{
	shifted_by(w, B, flags, len, shift);
}

static const char *disagreement(struct wire *w)
{
	int n;

	handshake(w);
	for (n = 0; n < 12; n++) {
		say(w, A, ACK, 100);
		shifted(w, ACK, 1000, 0x30000000);
	}
	MUST(w->pair.flags & TCPSTATE_LIBERAL);
	MUST(w->facts & FACT(RESYNC));
	IN(ESTABLISHED, ESTABLISHED);
	w->facts = 0;
	for (n = 0; n < 12; n++) {
		say(w, A, ACK, 100);
		shifted(w, ACK, 1000, 0x30000000);
	}
	MUST(!(w->facts & REFUSALS));
	say(w, A, FIN | ACK, 0);
	shifted(w, ACK, 0, 0x30000000);
	IN(FIN_WAIT2, CLOSE_WAIT);
	shifted(w, FIN | ACK, 0, 0x30000000);
	IN(FIN_WAIT2, LAST_ACK);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

/* The same where it is A that is shifted, whichever speaks first. */
static const char *disagreement_of_a(struct wire *w)
{
	enum host first;
	int n;

	handshake(w);
	first = w->iss[A] & 1 ? A : B;
	for (n = 0; n < 12; n++) {
		if (first == B)
			say(w, B, ACK, 100);
		shifted_by(w, A, ACK, 1000, 0x30000000);
		if (first == A)
			say(w, B, ACK, 100);
	}
	MUST(w->pair.flags & TCPSTATE_LIBERAL);
	IN(ESTABLISHED, ESTABLISHED);
	shifted_by(w, A, FIN | ACK, 0, 0x30000000);
	say(w, B, FIN | ACK, 0);
	shifted_by(w, A, ACK, 0, 0x30000000);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

/* B's acks wander, so A's numbers differ from them each time by something else. */
static const char *wandering_is_no_disagreement(struct wire *w)
{
	int n;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	for (n = 1; n <= 20; n++) {
		forge(w, A, w->snd[A] + 0x30000000u, w->rcv[A] + 0x20000000u, ACK, 100);
		forge(w, B, w->snd[B] + 0x20000000u, w->rcv[B] + 0x11000000u * n, ACK, 100);
	}
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	return NULL;
}

/* Where I was never seen, the window for R's early data is a SYN's at the most. */
static const char *only_r_too_early(struct wire *w)
{
	miss(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, B, w->snd[B], w->rcv[B], ACK, 65536);
	ONLY(FACT(OUT_OF_WINDOW));
	forge(w, B, w->snd[B], w->rcv[B], ACK, 65535);
	ONLY(0);
	IN(SYN_SENT, SYN_RECV);
	return NULL;
}

static const char *disagreement_reset(struct wire *w)
{
	int n;

	handshake(w);
	for (n = 0; n < 12; n++) {
		say(w, A, ACK, 100);
		shifted(w, ACK, 1000, 0x30000000);
	}
	MUST(w->pair.flags & TCPSTATE_LIBERAL);
	shifted(w, RST, 0, 0x30000000);
	ENDED(RESET);
	return NULL;
}

static const char *contradiction_is_no_disagreement(struct wire *w)
{
	int n;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	for (n = 1; n <= 20; n++)
		forge(w, n & 1 ? A : B, w->snd[A] + 0x12345678u * n, w->snd[B] + 0x23456789u * n,
		      ACK, 100);
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	MUST(!(w->facts & FACT(RESYNC)));
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

static const struct life lives[] = {
	{ "picked up by an ACK: ESTABLISHED / ESTABLISHED, and closes", picked_up_by_ack },
	{ "picked up by a keep-alive, which its answer outruns by an octet",
	  picked_up_by_keepalive },
	{ "picked up by R's data", picked_up_by_data },
	{ "picked up by a FIN: FIN_WAIT1 / ESTABLISHED", picked_up_by_fin },
	{ "picked up by R's FIN", picked_up_by_fin_of_r },
	{ "picked up by a SYN-ACK: SYN_SENT / SYN_RECV, its sender the responder",
	  picked_up_by_synack },
	{ "picked up, the other's payload counts from where it is first seen",
	  picked_up_amid_a_gap },
	{ "a RST opens nothing", rst_opens_nothing },
	{ "picked up, windows are taken with scale 14", picked_up_windows },
	{ "picked up, then reset", picked_up_then_reset },
	{ "only I seen: one-sided after two data segments that advance", only_i },
	{ "ACKs and a FIN from I alone prove nothing", spoofed_ack_proves_nothing },
	{ "the SYN-ACK unseen, a request: R's data proves both", missed_synack_request },
	{ "the SYN-ACK unseen, a request: data that fits neither number proves nothing",
	  missed_synack_forged },
	{ "only I seen, from the midst: R's numbers follow", only_i_from_the_midst },
	{ "only R seen: what ends half the circle on is refused", only_r_half_the_circle_on },
	{ "only I seen: eight thousand million octets, none refused", only_i_far },
	{ "only I seen, from the midst: likewise", only_i_far_from_the_midst },
	{ "the other's SYN and SYN-ACK unseen, behind I's word alone: gaps heal all the same",
	  unanswered_then_crossed },
	{ "only R seen: an ack beyond ISS+1 proves ESTABLISHED", only_r },
	{ "only R seen: an ack of ISS+1 proves nothing", only_r_no_proof },
	{ "only R seen: an ack beyond ISS+1 out of the window proves nothing", only_r_forged },
	{ "only R seen: early data beyond any SYN's window is out of it", only_r_too_early },
	{ "where I was seen, R's ack is no proof", seen_i_needs_its_own_ack },
	{ "the handshake's end unseen: R's data and I's ACK of it prove it", unseen_proof },
	{ "the handshake's end unseen, I heard first", unseen_proof_i_first },
	{ "the handshake's end unseen, three refused that agree", unseen_proof_in_pieces },
	{ "the handshake's end unseen, and R's FIN is the next", unseen_proof_fin },
	{ "the handshake's end unseen, and the two disagree", unseen_proof_disputed },
	{ "the handshake's end unseen is nothing that a spoofed source can feign",
	  unseen_proof_spoofed },
	{ "a gap both ways is bridged, not by one segment each way", gap_both },
	{ "a gap of 30 exchanges is bridged within 20", gap_of_exchanges },
	{ "a gap on a path of 0.2 ms is bridged within 10 ms and a tick", gap_on_a_lan },
	{ "a gap of 4 MiB each way is bridged within 20 exchanges", gap_of_megabytes },
	{ "a gap of 4 MiB each way, and R alone sends data", gap_then_download },
	{ "gaps before a gap is bridged", gap_in_a_gap },
	{ "a gap is bridged while others forge a segment an exchange", gap_and_noise },
	{ "a gap both ways, and only the close is seen: a short timeout", gap_both_then_close },
	{ "a gap both ways, a FIN and its ACK, and later the other FIN: each shortens the timeout",
	  gap_both_then_close_by_and_by },
	{ "a silence, and only a RST is seen: a timeout that keep-alives outlive",
	  gap_both_then_rst },
	{ "a gap both ways, I's FIN, and data of R: followed", gap_both_half_closed },
	{ "a gap, and TIME_WAIT behind it: an old SYN does not end that", gap_then_wait },
	{ "a gap from I to R and a silence, R speaks first", gap_of_a },
	{ "a gap from I to R and a silence, I speaks first", gap_of_a_a_first },
	{ "a gap from R to I and a silence", gap_of_b },
	{ "a gap and a silence, a number near: a FIN and its ACK", gap_then_fin },
	{ "a gap and a silence, a number near: both FINs", gap_then_fins },
	{ "a gap, and in it a FIN that is sent again", gap_with_lost_fin },
	{ "a gap from I to R and a silence, I sends two segments first", gap_and_a_window },
	{ "refused segments before a believed one do not count", refusals_long_ago },
	{ "refused segments of one side never resynchronise", one_side_never_suffices },
	{ "a forged FIN of I in the window is found out", forged_fin },
	{ "a forged FIN of R in the window is found out", forged_fin_of_b },
	{ "a constant disagreement makes a flow liberal, and it closes", disagreement },
	{ "the same where it is I that is shifted", disagreement_of_a },
	{ "a disagreement that wanders makes no flow liberal", wandering_is_no_disagreement },
	{ "a liberal flow is reset", disagreement_reset },
	{ "contradictions that are not constant make no flow liberal",
	  contradiction_is_no_disagreement },
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
