// SPDX-License-Identifier: GPL-2.0
/*
 * How connections open, as inference.md tells it: by three segments, by crossing
 * SYNs, with early data. What an observer missed is told in
 * test_fsm_gaps.c.
 */
#include "lives.h"

static const char *three_way(struct wire *w)
{
	say(w, A, SYN, 0);
	IN(SYN_SENT, LISTEN);
	MUST(tcpstate_fsm_halfopen(&w->pair));
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	MUST(tcpstate_fsm_halfopen(&w->pair));
	ONLY(0);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	ONLY(FACT(ESTABLISHED));
	MUST(!tcpstate_fsm_halfopen(&w->pair));
	MUST(w->out.renew);
	HISTORY("ShA");
	NUMBERS(A);
	NUMBERS(B);
	say(w, A, ACK, 10);
	ONLY(0);
	return NULL;
}

static const char *j_plus_one(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, B, w->iss[B], w->iss[A], SYN | ACK, 0);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	forge(w, B, w->iss[B], w->iss[A] + 2, SYN | ACK, 0);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	forge(w, B, w->iss[B], w->iss[A] + 0x80000001, SYN | ACK, 0);
	DID(INVALID_ACK);
	IN(SYN_SENT, LISTEN);
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	return NULL;
}

static const char *k_plus_one(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, A, w->snd[A], w->iss[B], ACK, 0);
	DID(INVALID_ACK);
	IN(SYN_SENT, SYN_RECV);
	forge(w, A, w->snd[A], w->iss[B] + 2, ACK, 0);
	DID(INVALID_ACK);
	IN(SYN_SENT, SYN_RECV);
	forge(w, A, w->snd[A], w->iss[B], FIN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

static const char *ack_before_iss(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, A, w->iss[A], w->iss[B] + 1, ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	MUST(w->out.facts & REFUSALS);
	return NULL;
}

/* It begins beyond the window, and ends so far on that its end is behind it again. */
static const char *half_the_circle_beyond(struct wire *w)
{
	w->window[B] = 1000;
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, A, w->iss[A] + 0x7fffff00, w->iss[B] + 1, ACK, 65535);
	ONLY(FACT(OUT_OF_WINDOW));
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	forge(w, A, w->iss[A] + 0x7fff0000, w->iss[B] + 1, ACK, 300000);
	ONLY(FACT(OUT_OF_WINDOW));
	NUMBERS(A);
	NUMBERS(B);
	return NULL;
}

static const char *synack_is_no_proof(struct wire *w)
{
	int n;

	say(w, A, SYN, 0);
	for (n = 0; n < 300; n++) {
		say(w, B, SYN | ACK, 0);
		IN(SYN_SENT, SYN_RECV);
		MUST(n == 0 || w->out.facts == FACT(SYNACK_RETRANS));
		MUST(w->out.renew);	/* renewed by a retransmitted SYN-ACK */
		w->snd[B] = w->iss[B];
		again(w, A, 1, SYN, 0);
		IN(SYN_SENT, SYN_RECV);
		DID(SYN_RETRANS);
	}
	MUST(!(w->facts & FACT(ESTABLISHED)));
	MUST(w->pair.syn == 255);
	MUST(w->pair.synack == 255);
	return NULL;
}

static const char *syn_again(struct wire *w)
{
	say(w, A, SYN, 0);
	again(w, A, 1, SYN, 0);
	ONLY(FACT(SYN_RETRANS));
	MUST(!w->out.renew);		/* not renewed by a retransmitted SYN */
	again(w, A, 1, SYN, 0);
	IN(SYN_SENT, LISTEN);
	MUST(w->pair.syn == 3);
	MUST(w->pair.side[I].retrans == 2);
	HISTORY("S");
	return NULL;
}

static const char *synack_after_established(struct wire *w)
{
	handshake(w);
	again(w, B, 1, SYN | ACK, 0);
	ONLY(FACT(SYNACK_RETRANS));
	IN(ESTABLISHED, ESTABLISHED);
	MUST(w->pair.synack == 2);
	NUMBERS(A);
	NUMBERS(B);
	return NULL;
}

static const char *data_completes(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, A, ACK | PSH, 100);
	IN(ESTABLISHED, ESTABLISHED);
	DID(ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	HISTORY("ShD");
	return NULL;
}

static const char *fin_completes(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	DID(ESTABLISHED);
	HISTORY("ShF");
	return NULL;
}

static const char *early_data(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, B, ACK, 300);
	IN(SYN_SENT, SYN_RECV);
	NUMBERS(B);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 300);
	return NULL;
}

static const char *early_fin(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, B, FIN | ACK, 300);
	IN(SYN_SENT, FIN_WAIT1);
	MUST(tcpstate_fsm_halfopen(&w->pair));
	say(w, A, ACK, 0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

static const char *early_data_beyond(struct wire *w)
{
	w->window[A] = 1000;
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	lose(w, B, ACK, 1000);
	ONLY(0);
	forge(w, B, w->snd[B], w->rcv[B], ACK, 1);
	ONLY(FACT(OUT_OF_WINDOW));
	return NULL;
}

static const char *crossing_syns(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	IN(SYN_SENT, SYN_SENT);
	ONLY(FACT(SIMULTANEOUS_OPEN));
	MUST(tcpstate_fsm_halfopen(&w->pair));
	wire_hear(w, A);
	wire_hear(w, B);
	again(w, A, 1, SYN | ACK, 0);
	IN(SYN_RECV, SYN_SENT);
	MUST(tcpstate_fsm_halfopen(&w->pair));
	again(w, B, 1, SYN | ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	ONLY(FACT(ESTABLISHED));
	HISTORY("SsHh");
	NUMBERS(A);
	NUMBERS(B);
	say(w, A, ACK, 10);
	say(w, B, ACK, 20);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 10 && tcpstate_fsm_bytes(&w->pair, R) == 20);
	return NULL;
}

static const char *crossing_syns_scaled(struct wire *w)
{
	w->wscale[A] = 7;
	w->wscale[B] = 7;
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	again(w, A, 1, SYN | ACK, 0);
	again(w, B, 1, SYN | ACK, 0);
	NUMBERS(A);	/* unscaled still */
	NUMBERS(B);
	say(w, A, ACK, 10);
	say(w, B, ACK, 10);
	NUMBERS(A);
	NUMBERS(B);
	return NULL;
}

static const char *crossing_syns_r_first(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	again(w, B, 1, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	again(w, A, 1, SYN | ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

static const char *crossing_syns_ack(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	again(w, A, 1, SYN | ACK, 0);
	say(w, B, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	DID(ESTABLISHED);
	return NULL;
}

/* Of two SYNs that crossed we miss a SYN-ACK: what follows it proves it. */
static const char *crossing_syns_missed_synack(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	lose(w, B, ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	ONLY(0);
	say(w, A, ACK, 100);
	ONLY(FACT(ESTABLISHED));
	IN(ESTABLISHED, ESTABLISHED);
	NUMBERS(A);
	NUMBERS(B);
	return NULL;
}

static const char *crossing_syns_missed_synack_fin(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	lose(w, B, FIN | ACK, 10);
	IN(SYN_SENT, FIN_WAIT1);
	ONLY(0);
	again(w, A, 1, SYN | ACK, 0);
	IN(ESTABLISHED, FIN_WAIT1);
	wire_hear(w, A);
	say(w, A, ACK, 0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 10);
	return NULL;
}

static const char *crossing_syns_missed_synack_forged(struct wire *w)
{
	enum host e;

	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	for (e = A; e <= B; e++) {
		forge(w, e, w->snd[e], w->rcv[e] + 1, FIN | ACK, 0);
		ONLY(FACT(INVALID_ACK));
		forge(w, e, w->snd[e], w->rcv[e] - 1, ACK, 10);
		ONLY(FACT(INVALID_ACK));
		forge(w, e, w->iss[e], w->rcv[e], FIN | ACK, 0);
		ONLY(FACT(OUT_OF_WINDOW));
		forge(w, e, w->snd[e] + 65536, w->rcv[e], ACK, 0);
		ONLY(FACT(OUT_OF_WINDOW));
	}
	IN(SYN_SENT, SYN_SENT);
	return NULL;
}

static const char *data_overtakes_synack(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN | ACK, 0);
	say(w, B, ACK, 100);
	IN(SYN_SENT, SYN_RECV);
	again(w, B, 101, SYN | ACK, 0);
	ONLY(0);
	HISTORY("Sdh");
	again(w, B, 101, SYN | ACK, 0);
	ONLY(FACT(SYNACK_RETRANS));
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	ONLY(FACT(ESTABLISHED));
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 100);
	return NULL;
}

static const char *crossing_syns_bad_ack(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	forge(w, A, w->iss[A], w->iss[B], SYN | ACK, 0);
	IN(SYN_SENT, SYN_SENT);
	forge(w, A, w->iss[A], w->iss[B] + 2, SYN | ACK, 0);
	IN(SYN_SENT, SYN_SENT);
	forge(w, B, w->iss[B], w->iss[A], SYN | ACK, 0);
	IN(SYN_SENT, SYN_SENT);
	forge(w, B, w->iss[B], w->iss[A] + 2, SYN | ACK, 0);
	IN(SYN_SENT, SYN_SENT);
	wire_hear(w, A);
	again(w, A, 1, SYN | ACK, 0);
	forge(w, B, w->snd[B], w->iss[A], ACK, 0);
	IN(SYN_RECV, SYN_SENT);
	forge(w, B, w->snd[B], w->iss[A] + 2, ACK, 0);
	IN(SYN_RECV, SYN_SENT);
	return NULL;
}

static const char *missed_syn_of_r(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN, 0);
	again(w, A, 1, SYN | ACK, 0);
	IN(SYN_RECV, SYN_SENT);
	DID(SIMULTANEOUS_OPEN);
	again(w, B, 1, SYN | ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	say(w, B, ACK, 100);
	say(w, A, ACK, 0);
	NUMBERS(A);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 100);
	return NULL;
}

static const char *overtaken_syn_of_r(struct wire *w)
{
	lose(w, A, SYN, 0);
	miss(w, B, SYN, 0);
	wire_hear(w, B);
	again(w, B, 1, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	forge(w, B, w->iss[B], 0, SYN, 0);
	IN(SYN_SENT, SYN_RECV);
	again(w, A, 1, SYN | ACK, 0);
	WENT_ON();
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

static const char *crossing_syns_then_fin(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	again(w, A, 1, SYN | ACK, 0);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, SYN_SENT);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	return NULL;
}

static const char *fast_open_taken(struct wire *w)
{
	say(w, A, SYN, 500);
	IN(SYN_SENT, LISTEN);
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 500);
	NUMBERS(A);
	NUMBERS(B);
	HISTORY("SDhA");
	return NULL;
}

static const char *fast_open_not_taken(struct wire *w)
{
	say(w, A, SYN, 500);
	w->rcv[B] = w->iss[A] + 1;
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	again(w, A, 500, ACK, 500);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 500);
	return NULL;
}

static const char *fast_open_partly(struct wire *w)
{
	say(w, A, SYN, 500);
	w->rcv[B] = w->iss[A] + 1 + 200;
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	again(w, A, 300, ACK, 300);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 500);
	return NULL;
}

static const char *fast_open_bad_ack(struct wire *w)
{
	say(w, A, SYN, 500);
	forge(w, B, w->iss[B], w->iss[A] + 502, SYN | ACK, 0);
	ONLY(FACT(INVALID_ACK));
	forge(w, B, w->iss[B], w->iss[A], SYN | ACK, 0);
	ONLY(FACT(INVALID_ACK));
	IN(SYN_SENT, LISTEN);
	return NULL;
}

static const char *challenge_of_old(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, B, w->iss[B] + 12345, w->iss[A] - 1000, ACK, 0);
	ONLY(0);
	IN(SYN_SENT, LISTEN);
	forge(w, B, w->iss[B] + 12345, w->iss[A] + 1, ACK, 0);
	ONLY(0);
	IN(SYN_SENT, LISTEN);
	MUST(!w->out.renew);
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

static const struct life lives[] = {
	{ "a three-way handshake: S h A", three_way },
	{ "a SYN-ACK counts with ack = J+1 alone", j_plus_one },
	{ "an ACK completes the handshake with ack = K+1 alone", k_plus_one },
	{ "an ACK from before una of I completes nothing", ack_before_iss },
	{ "what begins beyond the window and ends half the circle on is refused",
	  half_the_circle_beyond },
	{ "SYN, SYN-ACK, SYN, SYN-ACK ... never reaches ESTABLISHED", synack_is_no_proof },
	{ "a SYN again is counted and renews nothing", syn_again },
	{ "a SYN-ACK again after ESTABLISHED is counted", synack_after_established },
	{ "data completes the handshake", data_completes },
	{ "a FIN completes the handshake", fin_completes },
	{ "R may send early data", early_data },
	{ "R may send an early FIN", early_fin },
	{ "R's early data is bounded by the window of I's SYN", early_data_beyond },
	{ "simultaneous open, I's SYN-ACK first", crossing_syns },
	{ "simultaneous open, window scale from both SYNs", crossing_syns_scaled },
	{ "simultaneous open, R's SYN-ACK first", crossing_syns_r_first },
	{ "simultaneous open, completed by a pure ACK", crossing_syns_ack },
	{ "simultaneous open, acknowledgements out of range do nothing",
	  crossing_syns_bad_ack },
	{ "simultaneous open where we missed R's SYN", missed_syn_of_r },
	{ "simultaneous open where R's SYN-ACK overtook its SYN", overtaken_syn_of_r },
	{ "simultaneous open, I closes in SYN_RECV", crossing_syns_then_fin },
	{ "simultaneous open, a SYN-ACK unseen, then an ACK", crossing_syns_missed_synack },
	{ "simultaneous open, a SYN-ACK unseen, then a FIN", crossing_syns_missed_synack_fin },
	{ "simultaneous open, a SYN-ACK unseen is not proved by other numbers",
	  crossing_syns_missed_synack_forged },
	{ "data overtakes its SYN-ACK", data_overtakes_synack },
	{ "TCP Fast Open, data taken", fast_open_taken },
	{ "TCP Fast Open, data not taken and sent again, counted once", fast_open_not_taken },
	{ "TCP Fast Open, data partly taken", fast_open_partly },
	{ "TCP Fast Open, ack beyond the data: invalid_ack", fast_open_bad_ack },
	{ "a challenge ACK to a SYN changes nothing", challenge_of_old },
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
