// SPDX-License-Identifier: GPL-2.0
/*
 * Connections from their first segment to their last as inference.md tells
 * them: opening, data, closing, reset, reuse. What an observer missed is told
 * in test_fsm_gaps.c.
 */
#include "lives.h"

/* Opening */

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
	MUST(w->pair.retrans[I] == 2);
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

/* Data */

static const char *data_both_ways(struct wire *w)
{
	int n;

	handshake(w);
	for (n = 0; n < 30; n++) {
		say(w, A, ACK, 100);
		ONLY(0);
		say(w, B, ACK, 1460);
		ONLY(0);
		NUMBERS(A);
		NUMBERS(B);
	}
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 3000);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 30 * 1460);
	HISTORY("ShADd");
	MUST(!w->pair.retrans[I] && !w->pair.retrans[R]);
	return NULL;
}

static const char *four_gibibytes(struct wire *w)
{
	const __u32 chunk = 1u << 28;
	__u64 n;

	w->wscale[A] = 14;
	w->wscale[B] = 14;
	handshake(w);
	w->window[A] = 65535;
	say(w, A, ACK, 0);
	for (n = 1; n <= 40; n++) {
		say(w, B, ACK, chunk);
		say(w, A, ACK, 0);
		MUST(tcpstate_fsm_bytes(&w->pair, R) == n * chunk);
	}
	NUMBERS(B);
	say(w, B, FIN | ACK, 0);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 40ULL * chunk);
	MUST(!w->pair.retrans[R]);
	return NULL;
}

static const char *retransmission(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 0);
	again(w, A, 100, ACK, 100);
	ONLY(FACT(DATA_RETRANS));
	MUST(w->pair.retrans[I] == 1);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	NUMBERS(A);
	HISTORY("ShADaT");
	return NULL;
}

static const char *retransmission_acks(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 700);
	again(w, A, 100, ACK, 100);
	ONLY(FACT(DATA_RETRANS));
	NUMBERS(B);
	return NULL;
}

static const char *overlap(struct wire *w)
{
	struct tcpstate_segment seg;

	handshake(w);
	say(w, A, ACK, 100);
	seg = wire_make(w, A, ACK, 100);
	seg.seq -= 60;
	w->snd[A] += 40;
	wire_put(w, A, seg);
	DID(DATA_RETRANS);
	MUST(w->pair.nxt[I] == w->snd[A]);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 140);
	return NULL;
}

static const char *reordered(struct wire *w)
{
	struct tcpstate_segment first;

	handshake(w);
	first = wire_make(w, A, ACK, 100);
	miss(w, A, ACK, 100);
	say(w, A, ACK, 100);
	wire_put(w, A, first);
	WENT_ON();
	MUST(!(w->out.facts & REFUSALS));
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 200);
	say(w, B, ACK, 0);
	NUMBERS(A);
	return NULL;
}

static const char *reordered_fin(struct wire *w)
{
	struct tcpstate_segment data;

	handshake(w);
	data = wire_make(w, A, ACK, 100);
	miss(w, A, ACK, 100);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	wire_put(w, A, data);
	MUST(!(w->out.facts & REFUSALS));
	IN(FIN_WAIT1, ESTABLISHED);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	return NULL;
}

static const char *keepalive(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 0);
	again(w, A, 1, ACK, 0);
	ONLY(FACT(KEEPALIVE));
	MUST(w->out.renew);
	say(w, B, ACK, 0);
	again(w, A, 1, ACK, 1);
	ONLY(FACT(KEEPALIVE));
	say(w, B, ACK, 0);
	again(w, B, 1, ACK, 0);
	ONLY(FACT(KEEPALIVE));
	MUST(!w->pair.retrans[I] && !w->pair.retrans[R]);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

/* One octet before the next, as a keep-alive: an ACK that comes after the FIN behind it. */
static const char *overtaken_by_fin(struct wire *w)
{
	struct tcpstate_segment early, last;

	handshake(w);
	say(w, B, ACK, 100);
	early = wire_make(w, A, ACK, 0);
	say(w, B, ACK, 100);
	last = wire_make(w, A, ACK, 0);
	say(w, A, FIN | ACK, 0);
	wire_put(w, A, last);
	ONLY(0);
	say(w, B, ACK, 0);
	wire_put(w, A, early);
	ONLY(0);
	/* Half-closed, it asks whether B is still there. */
	again(w, A, 1, ACK, 0);
	ONLY(FACT(KEEPALIVE));
	IN(FIN_WAIT2, CLOSE_WAIT);
	return NULL;
}

static const char *zero_window(struct wire *w)
{
	w->window[B] = 100;
	handshake(w);
	say(w, A, ACK, 100);
	w->window[B] = 0;
	say(w, B, ACK, 0);
	DID(ZERO_WINDOW);
	HISTORY("ShADaw");
	NUMBERS(A);

	/* B sends on, and A's probe acknowledges it. */
	say(w, B, ACK, 500);
	lose(w, A, ACK, 1);
	ONLY(FACT(OUT_OF_WINDOW));
	NUMBERS(A);
	NUMBERS(B);
	/* B refuses the octet, so A sends it again, and acknowledges from behind it. */
	say(w, B, ACK, 0);
	again(w, A, 1, ACK, 1);
	ONLY(FACT(OUT_OF_WINDOW) | FACT(DATA_RETRANS));
	lose(w, A, ACK, 0);
	ONLY(0);
	w->window[B] = 2000;
	say(w, B, ACK, 0);
	ONLY(0);
	again(w, A, 1, ACK, 1);
	ONLY(FACT(DATA_RETRANS));
	say(w, A, ACK, 1999);
	ONLY(0);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 2100);
	return NULL;
}

/* B's user read meanwhile: B takes the octet, and what it sends acknowledges that. */
static const char *zero_window_probe_taken(struct wire *w)
{
	w->window[B] = 0;
	handshake(w);
	say(w, A, ACK, 1);
	ONLY(FACT(OUT_OF_WINDOW));
	say(w, B, FIN | ACK, 0);
	ONLY(FACT(ZERO_WINDOW));
	IN(ESTABLISHED, FIN_WAIT1);
	NUMBERS(A);
	NUMBERS(B);
	say(w, A, ACK, 0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

/* What went there passed unseen, and B did not take it: one octet, and no more. */
static const char *zero_window_unseen_probe(struct wire *w)
{
	w->window[B] = 0;
	handshake(w);
	forge(w, A, w->snd[A] + 2, w->rcv[A], ACK, 0);
	ONLY(FACT(OUT_OF_WINDOW));
	forge(w, A, w->snd[A] + 1, w->rcv[A], FIN | ACK, 0);
	ONLY(FACT(OUT_OF_WINDOW));
	w->snd[A]++;
	say(w, B, FIN | ACK, 0);
	lose(w, A, ACK, 0);
	ONLY(0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

static const char *zero_window_fin(struct wire *w)
{
	w->window[B] = 0;
	handshake(w);
	lose(w, A, ACK, 1);
	IN(ESTABLISHED, ESTABLISHED);
	/* The octet again, and A's FIN with it. */
	again(w, A, 1, FIN | ACK, 1);
	IN(FIN_WAIT1, ESTABLISHED);
	w->snd[A]++;
	/* Nothing follows it, a probe either. */
	forge(w, A, w->una[A], w->rcv[A], ACK, 5);
	ONLY(FACT(OUT_OF_WINDOW));
	MUST(w->pair.nxt[I] == w->snd[A]);
	/* Its ACK of B's FIN has the number behind all that, beyond the edge. */
	say(w, B, FIN | ACK, 0);
	IN(FIN_WAIT1, FIN_WAIT1);
	say(w, A, ACK, 0);
	ONLY(0);
	IN(CLOSING, FIN_WAIT2);
	return NULL;
}

static const char *zero_window_fin_ack(struct wire *w)
{
	w->window[B] = 0;
	handshake(w);
	say(w, B, FIN | ACK, 0);
	IN(ESTABLISHED, FIN_WAIT1);
	wire_put(w, A, wire_make(w, A, ACK, 1));
	DID(OUT_OF_WINDOW);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

static const char *right_edge(struct wire *w)
{
	w->window[B] = 1000;
	handshake(w);
	forge(w, A, w->snd[A], w->rcv[A], ACK, 1001);
	ONLY(FACT(OUT_OF_WINDOW));
	NUMBERS(A);
	forge(w, A, w->snd[A] + 1000, w->rcv[A], ACK, 1);
	ONLY(FACT(OUT_OF_WINDOW));
	NUMBERS(A);
	MUST(!w->out.renew);
	lose(w, A, ACK, 1000);
	ONLY(0);
	NUMBERS(A);
	return NULL;
}

/* Shifts of @a and @b offered, and @ea and @eb in force. */
static const char *scaled(struct wire *w, __u8 a, __u8 b, __u8 ea, __u8 eb)
{
	w->wscale[A] = a;
	w->wscale[B] = b;
	w->window[B] = 700;
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	/* A SYN's own window is unscaled. */
	MUST(w->pair.edge[I] == w->iss[A] + 1 + 700);
	forge(w, A, w->snd[A], w->rcv[A], ACK, 701);
	DID(OUT_OF_WINDOW);
	IN(SYN_SENT, SYN_RECV);
	w->window[B] = 65535;
	say(w, A, ACK, 0);
	say(w, B, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	NUMBERS(A);
	NUMBERS(B);
	MUST(w->pair.edge[R] == w->iss[B] + 1 + (65535u << ea));
	MUST(w->pair.edge[I] == w->iss[A] + 1 + (65535u << eb));
	forge(w, A, w->snd[A], w->rcv[A], ACK, (65535u << eb) + 1);
	ONLY(FACT(OUT_OF_WINDOW));
	forge(w, B, w->snd[B], w->rcv[B], ACK, (65535u << ea) + 1);
	ONLY(FACT(OUT_OF_WINDOW));
	lose(w, A, ACK, 65535u << eb);
	ONLY(0);
	lose(w, B, ACK, 65535u << ea);
	ONLY(0);
	return NULL;
}

static const char *scaled_both(struct wire *w)
{
	return scaled(w, 7, 3, 7, 3);
}

static const char *scaled_both_most(struct wire *w)
{
	return scaled(w, 14, 0, 14, 0);
}

static const char *scaled_a(struct wire *w)
{
	return scaled(w, 7, TCPSTATE_WSCALE_NONE, 0, 0);
}

static const char *scaled_b(struct wire *w)
{
	return scaled(w, TCPSTATE_WSCALE_NONE, 7, 0, 0);
}

static const char *scaled_neither(struct wire *w)
{
	return scaled(w, TCPSTATE_WSCALE_NONE, TCPSTATE_WSCALE_NONE, 0, 0);
}

static const char *shrunk_window(struct wire *w)
{
	handshake(w);
	w->window[B] = 10;
	say(w, B, ACK, 0);
	lose(w, A, ACK, 65535);
	ONLY(0);
	NUMBERS(A);
	return NULL;
}

static const char *old_ack(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	say(w, A, ACK, 100);
	forge(w, A, w->snd[A], w->iss[B] + 1, ACK, 0);
	MUST(!(w->out.facts & REFUSALS));
	NUMBERS(B);
	return NULL;
}

static const char *super_segment(struct wire *w)
{
	struct tcpstate_segment seg;

	handshake(w);
	seg = wire_make(w, A, ACK, 4000);
	seg.count = 3;
	w->snd[A] += 4000;
	wire_put(w, A, seg);
	ONLY(0);
	MUST(w->pair.retrans[I] == 0);
	wire_put(w, A, seg);
	ONLY(FACT(DATA_RETRANS));
	MUST(w->pair.retrans[I] == 3);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 4000);
	return NULL;
}

static const char *fragment(struct wire *w)
{
	struct tcpstate_segment seg;

	handshake(w);
	/* Of 2000 octets the first fragment carries 1400. */
	seg = wire_make(w, A, ACK, 1400);
	seg.fragment = true;
	wire_put(w, A, seg);
	MUST(!(w->out.facts & REFUSALS));
	w->snd[A] += 2000;
	wire_hear(w, B);
	say(w, B, ACK, 0);
	MUST(!(w->out.facts & REFUSALS));
	MUST(w->pair.una[I] == w->snd[A]);
	say(w, A, ACK, 100);
	MUST(!(w->out.facts & REFUSALS));
	say(w, B, FIN | ACK, 0);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	return NULL;
}

/* Closing */

static const char *four_segments(struct wire *w, enum host e)
{
	handshake(w);
	say(w, A, ACK, 10);
	say(w, B, ACK, 10);
	say(w, e, FIN | ACK, 0);
	if (e == A)
		IN(FIN_WAIT1, ESTABLISHED);
	else
		IN(ESTABLISHED, FIN_WAIT1);
	say(w, !e, ACK, 0);
	if (e == A)
		IN(FIN_WAIT2, CLOSE_WAIT);
	else
		IN(CLOSE_WAIT, FIN_WAIT2);
	say(w, !e, FIN | ACK, 0);
	if (e == A)
		IN(FIN_WAIT2, LAST_ACK);
	else
		IN(LAST_ACK, FIN_WAIT2);
	say(w, e, ACK, 0);
	if (e == A)
		IN(TIME_WAIT, CLOSE);
	else
		IN(CLOSE, TIME_WAIT);
	WENT_ON();
	MUST(!(w->facts & (REFUSALS | FACT(SIMULTANEOUS_CLOSE) | FACT(FIN_RETRANS))));
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 10 && tcpstate_fsm_bytes(&w->pair, R) == 10);
	MUST(tcpstate_fsm_expire(&w->pair) == TCPSTATE_REASON_FIN);
	MUST(tcpstate_fsm_ended(&w->pair));
	return NULL;
}

static const char *four_by_a(struct wire *w)
{
	const char *why = four_segments(w, A);

	if (why)
		return why;
	HISTORY("ShADdFaf");
	return NULL;
}

static const char *four_by_b(struct wire *w)
{
	const char *why = four_segments(w, B);

	if (why)
		return why;
	HISTORY("ShADdfFa");
	return NULL;
}

static const char *three_by_a(struct wire *w)
{
	handshake(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	IN(FIN_WAIT2, LAST_ACK);
	MUST(!(w->facts & FACT(SIMULTANEOUS_CLOSE)));
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	HISTORY("ShAFf");
	return NULL;
}

static const char *three_by_b(struct wire *w)
{
	handshake(w);
	say(w, B, FIN | ACK, 0);
	say(w, A, FIN | ACK, 0);
	IN(LAST_ACK, FIN_WAIT2);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	HISTORY("ShAfFa");
	return NULL;
}

/* R closes in SYN_RECV, where its FIN may go out before it has heard of I's SYN-ACK. */
static const char *crossing_syns_r_closes(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	IN(SYN_SENT, SYN_SENT);
	wire_hear(w, A);
	wire_hear(w, B);
	again(w, B, 1, SYN | ACK, 0);
	lose(w, B, FIN | ACK, 0);
	IN(SYN_SENT, FIN_WAIT1);
	again(w, A, 1, SYN | ACK, 0);
	ONLY(FACT(ESTABLISHED));
	IN(ESTABLISHED, FIN_WAIT1);
	wire_hear(w, A);
	say(w, A, ACK, 0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

/* R refused I before it opened too; its SYN has overtaken the RST, which I ignores. */
static const char *crossing_syns_old_rst(struct wire *w)
{
	lose(w, A, SYN, 0);
	lose(w, B, SYN, 0);
	wire_hear(w, A);
	wire_hear(w, B);
	forge(w, B, 0, w->rcv[B], RST | ACK, 0);
	ENDED(RESET);
	again(w, A, 1, SYN | ACK, 0);
	BEGAN_ANEW(NONE);
	IN(SYN_SENT, SYN_RECV);
	say(w, B, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	IN(CLOSE_WAIT, FIN_WAIT2);
	return NULL;
}

static const char *crossing_fins(struct wire *w)
{
	handshake(w);
	lose(w, A, FIN | ACK, 0);
	lose(w, B, FIN | ACK, 0);
	IN(FIN_WAIT1, FIN_WAIT1);
	wire_hear(w, A);
	wire_hear(w, B);
	say(w, A, ACK, 0);
	IN(CLOSING, FIN_WAIT2);
	say(w, B, ACK, 0);
	IN(TIME_WAIT, TIME_WAIT);
	MUST(w->facts & FACT(SIMULTANEOUS_CLOSE));
	MUST(tcpstate_fsm_expire(&w->pair) == TCPSTATE_REASON_FIN);
	return NULL;
}

static const char *crossing_fins_b(struct wire *w)
{
	int n = 0;

	handshake(w);
	lose(w, B, FIN | ACK, 10);
	n += !!(w->out.facts & FACT(SIMULTANEOUS_CLOSE));
	lose(w, A, FIN | ACK, 10);
	n += !!(w->out.facts & FACT(SIMULTANEOUS_CLOSE));
	IN(FIN_WAIT1, FIN_WAIT1);
	wire_hear(w, A);
	wire_hear(w, B);
	say(w, B, ACK, 0);
	n += !!(w->out.facts & FACT(SIMULTANEOUS_CLOSE));
	IN(FIN_WAIT2, CLOSING);
	say(w, A, ACK, 0);
	n += !!(w->out.facts & FACT(SIMULTANEOUS_CLOSE));
	IN(TIME_WAIT, TIME_WAIT);
	MUST(n == 1);
	return NULL;
}

static const char *half_close(struct wire *w)
{
	int n;

	handshake(w);
	say(w, A, FIN | ACK, 100);
	say(w, B, ACK, 0);
	for (n = 0; n < 200; n++) {
		say(w, B, ACK, 1460);
		say(w, A, ACK, 0);
		IN(FIN_WAIT2, CLOSE_WAIT);
		MUST(w->out.renew);
	}
	say(w, B, FIN | ACK, 1460);
	IN(FIN_WAIT2, LAST_ACK);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 201 * 1460);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 100);
	MUST(!(w->facts & REFUSALS));
	return NULL;
}

static const char *fin_again(struct wire *w)
{
	handshake(w);
	say(w, A, FIN | ACK, 0);
	again(w, A, 1, FIN | ACK, 0);
	ONLY(FACT(FIN_RETRANS));
	IN(FIN_WAIT1, ESTABLISHED);
	MUST(w->pair.retrans[I] == 1);
	say(w, B, ACK, 0);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	again(w, B, 1, FIN | ACK, 0);
	ONLY(FACT(FIN_RETRANS));
	MUST(w->out.renew);	/* TIME_WAIT's timer restarts */
	IN(TIME_WAIT, CLOSE);
	NUMBERS(A);
	NUMBERS(B);
	return NULL;
}

static const char *fin_again_acks(struct wire *w)
{
	handshake(w);
	lose(w, A, FIN | ACK, 0);
	lose(w, B, FIN | ACK, 0);
	wire_hear(w, A);
	again(w, A, 1, FIN | ACK, 0);
	DID(FIN_RETRANS);
	IN(CLOSING, FIN_WAIT2);
	wire_hear(w, B);
	again(w, B, 1, FIN | ACK, 0);
	IN(TIME_WAIT, TIME_WAIT);
	return NULL;
}

static const char *beyond_own_fin(struct wire *w)
{
	handshake(w);
	say(w, A, FIN | ACK, 0);
	forge(w, A, w->snd[A], w->rcv[A], ACK, 10);
	ONLY(FACT(OUT_OF_WINDOW));
	IN(FIN_WAIT1, ESTABLISHED);
	NUMBERS(A);
	forge(w, A, w->snd[A], w->rcv[A], FIN | ACK, 0);
	ONLY(FACT(OUT_OF_WINDOW));
	NUMBERS(A);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	return NULL;
}

static const char *ack_of_all_but_fin(struct wire *w)
{
	handshake(w);
	say(w, A, FIN | ACK, 100);
	w->rcv[B]--;
	say(w, B, ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	say(w, B, FIN | ACK, 0);
	IN(FIN_WAIT1, FIN_WAIT1);
	return NULL;
}

static const char *fin_amid(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 1000);
	say(w, B, ACK, 1000);
	forge(w, A, w->snd[A] - 500, w->rcv[A], FIN | ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	forge(w, B, w->iss[B] - 500, w->rcv[B], FIN | ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	NUMBERS(A);
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 1000);
	say(w, A, ACK, 1000);
	ONLY(0);
	return NULL;
}

static const char *close_in_syn_recv(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	IN(SYN_SENT, FIN_WAIT1);
	say(w, A, FIN | ACK, 0);
	IN(LAST_ACK, FIN_WAIT2);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	return NULL;
}

/* Reset */

static const char *refused(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, B, 0, w->iss[A] + 1, RST | ACK, 0);
	ENDED(REFUSED);
	HISTORY("Sr");
	MUST(tcpstate_fsm_bytes(&w->pair, I) == 0);
	MUST(tcpstate_fsm_bytes(&w->pair, R) == 0);
	return NULL;
}

static const char *refused_wrongly(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, B, 0, w->iss[A], RST | ACK, 0);
	ONLY(FACT(INVALID_RST));
	forge(w, B, 0, w->iss[A] + 2, RST | ACK, 0);
	ONLY(FACT(INVALID_RST));
	forge(w, B, 0, w->iss[A] + 1, RST, 0);
	ONLY(FACT(INVALID_RST));
	IN(SYN_SENT, LISTEN);
	say(w, B, SYN | ACK, 0);
	IN(SYN_SENT, SYN_RECV);
	return NULL;
}

static const char *refused_fast_open(struct wire *w)
{
	say(w, A, SYN, 100);
	forge(w, B, 0, w->iss[A] + 102, RST | ACK, 0);
	IN(SYN_SENT, LISTEN);
	forge(w, B, 0, w->iss[A] + 101, RST | ACK, 0);
	ENDED(REFUSED);
	return NULL;
}

static const char *half_open_scan(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, A, w->iss[A], 0, RST, 0);
	WENT_ON();
	IN(SYN_SENT, SYN_RECV);
	say(w, A, RST, 0);
	ENDED(RESET);
	HISTORY("ShR");
	return NULL;
}

/* To the @n-th stage of a life; false when there are no more. */
static bool stage(struct wire *w, int n)
{
	const struct {
		enum host from;
		__u8 flags;
		__u32 len;
	} script[] = {
		{ A, SYN, 0 }, { B, SYN | ACK, 0 }, { A, ACK, 0 }, { A, ACK, 100 },
		{ B, ACK, 0 }, { B, ACK, 300 }, { A, ACK, 0 }, { A, FIN | ACK, 0 },
		{ B, ACK, 0 }, { B, ACK, 300 }, { A, ACK, 0 }, { B, FIN | ACK, 0 },
		{ A, ACK, 0 },
	};
	int i;

	if (n > (int)ARRAY_SIZE(script))
		return false;
	wire_lay(w, w->iss[A], w->iss[B]);
	for (i = 0; i < n; i++)
		say(w, script[i].from, script[i].flags, script[i].len);
	return true;
}

static const char *reset_by_i(struct wire *w)
{
	int n;

	for (n = 1; stage(w, n); n++) {
		say(w, A, RST, 0);
		MUST(w->out.action == TCPSTATE_END);
		MUST(w->out.reason ==
		     (n >= 12 ? TCPSTATE_REASON_FIN : TCPSTATE_REASON_RESET));
		IN(CLOSE, CLOSE);
	}
	return NULL;
}

static const char *reset_by_r(struct wire *w)
{
	int n;

	for (n = 1; stage(w, n); n++) {
		say(w, B, RST | ACK, 0);
		MUST(w->out.action == TCPSTATE_END);
		MUST(w->out.reason == (n == 1 ? TCPSTATE_REASON_REFUSED :
				       n >= 12 ? TCPSTATE_REASON_FIN : TCPSTATE_REASON_RESET));
		IN(CLOSE, CLOSE);
	}
	return NULL;
}

/* To whom has the FIN of its peer, and has not heard that its own arrived? */
static bool takes_rst_at_fin(const struct wire *w, enum host host)
{
	__u8 state = w->pair.state[wire_role(w, host)];

	return state == TCPSTATE_CLOSE_WAIT || state == TCPSTATE_LAST_ACK ||
	       state == TCPSTATE_CLOSING;
}

static const char *reset_off_by_one(struct wire *w)
{
	static const int off[] = { -1, 1, 2, 100 };
	struct tcpstate_pair before;
	size_t i;
	int n, e;

	for (n = 3; stage(w, n); n++) {
		before = w->pair;
		for (e = A; e <= B; e++) {
			for (i = 0; i < ARRAY_SIZE(off); i++) {
				if (w->snd[e] + off[i] == w->una[e] ||
				    (off[i] == -1 && takes_rst_at_fin(w, !e)))
					continue;
				forge(w, e, w->snd[e] + off[i], w->rcv[e], RST | ACK, 0);
				MUST(w->out.facts == FACT(RST_INEXACT) ||
				     (w->out.facts == FACT(INVALID_RST) && off[i] < 0));
				MUST(!memcmp(&before, &w->pair, sizeof(before)));
			}
		}
	}
	return NULL;
}

/* B's data was under way when A closed; A answers it by B's acknowledgment of before. */
static const char *reset_at_fin(struct wire *w)
{
	handshake(w);
	lose(w, A, FIN | ACK, 0);
	forge(w, A, w->snd[A] - 1, 0, RST, 0);
	ENDED(RESET);			/* una, as yet */
	return NULL;
}

static const char *reset_before_fin(struct wire *w)
{
	handshake(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	forge(w, B, w->snd[B] - 1, w->rcv[B], RST | ACK, 0);
	ONLY(FACT(INVALID_RST));
	forge(w, A, w->snd[A] - 2, w->rcv[A], RST | ACK, 0);
	ONLY(FACT(INVALID_RST));
	forge(w, A, w->snd[A] - 1, 0, RST, 0);
	ENDED(RESET);
	return NULL;
}

static const char *challenge_then_reset(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 500);
	say(w, B, ACK, 0);
	forge(w, B, w->snd[B] + 50, 0, RST, 0);
	ONLY(FACT(RST_INEXACT));
	say(w, A, ACK, 0);	/* the challenge */
	ONLY(0);
	forge(w, B, w->rcv[A], 0, RST, 0);
	ENDED(RESET);
	return NULL;
}

static const char *reset_at_una(struct wire *w)
{
	handshake(w);
	lose(w, A, ACK, 500);
	forge(w, A, w->una[A], 0, RST, 0);
	ENDED(RESET);
	return NULL;
}

static const char *reset_in_flight(struct wire *w)
{
	handshake(w);
	lose(w, A, ACK, 500);
	forge(w, A, w->una[A] + 100, 0, RST, 0);
	ONLY(FACT(RST_INEXACT));
	forge(w, A, w->edge[A] + 1, 0, RST, 0);
	ONLY(FACT(INVALID_RST));
	forge(w, A, w->una[A] - 1, 0, RST, 0);
	ONLY(FACT(INVALID_RST));
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

/* Lingering, superseded, reused */

static const char *lingers(struct wire *w)
{
	static const __u8 flags[] = { ACK, ACK | PSH, FIN | ACK, SYN | ACK, RST, RST | ACK };
	size_t i;
	int e;

	handshake(w);
	say(w, B, RST, 0);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (e = A; e <= B; e++) {
			forge(w, e, w->snd[e], w->rcv[e], flags[i], flags[i] & PSH ? 10 : 0);
			ONLY(FACT(STRAY));
			WENT_ON();
			MUST(!w->out.renew);
			IN(CLOSE, CLOSE);
		}
	}
	forge(w, B, 777, 0, SYN, 0);
	BEGAN_ANEW(NONE);
	IN(SYN_SENT, LISTEN);
	MUST(w->flipped);
	return NULL;
}

static const char *lingers_after_timeout(struct wire *w)
{
	handshake(w);
	MUST(tcpstate_fsm_expire(&w->pair) == TCPSTATE_REASON_TIMEOUT);
	IN(CLOSE, CLOSE);
	say(w, A, ACK, 10);
	ONLY(FACT(STRAY));
	return NULL;
}

static const char *new_attempt(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, A, w->iss[A] + 1000000, 0, SYN, 0);
	BEGAN_ANEW(SUPERSEDED);
	IN(SYN_SENT, LISTEN);
	MUST(w->pair.iss[I] == w->iss[A] + 1000000);
	MUST(w->pair.syn == 1);
	HISTORY("S");
	return NULL;
}

/* An endpoint has lost its memory and opens anew with @iss. */
static const char *supersede(struct wire *w, enum host e, __u32 iss)
{
	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	forge(w, e, iss, 0, SYN, 0);
	ONLY(FACT(OUT_OF_WINDOW));
	IN(ESTABLISHED, ESTABLISHED);
	/* The peer challenges, and one that forgot resets; here it answers at once. */
	forge(w, !e, 4711, iss + 2, SYN | ACK, 0);
	WENT_ON();
	forge(w, !e, 4711, iss, SYN | ACK, 0);
	WENT_ON();
	IN(ESTABLISHED, ESTABLISHED);
	forge(w, !e, 4711, iss + 1, SYN | ACK, 0);
	BEGAN_ANEW(SUPERSEDED);
	IN(SYN_SENT, SYN_RECV);
	MUST(wire_role(w, e) == I);
	forge(w, e, iss + 1, 4712, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	HISTORY("ShA");
	MUST(!(w->pair.flags & TCPSTATE_PICKED_UP));
	return NULL;
}

static const char *superseded_by_i(struct wire *w)
{
	return supersede(w, A, w->iss[A] + 100000000);
}

/* A gives an attempt up and tries again; its RST passes after the second SYN. */
static const char *lingers_but_remembers(struct wire *w)
{
	__u32 iss = w->iss[A] + 100000000;

	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	forge(w, A, iss, 0, SYN, 0);
	ONLY(FACT(OUT_OF_WINDOW));
	say(w, A, RST, 0);
	ENDED(RESET);
	forge(w, B, 4711, iss, SYN | ACK, 0);
	ONLY(FACT(STRAY));
	forge(w, A, iss, 4712, SYN | ACK, 0);
	ONLY(FACT(STRAY));
	forge(w, B, 4711, iss + 1, SYN | ACK, 0);
	BEGAN_ANEW(NONE);
	IN(SYN_SENT, SYN_RECV);
	MUST(!(w->pair.flags & TCPSTATE_PICKED_UP));
	HISTORY("Sh");
	return NULL;
}

static const char *superseded_by_r(struct wire *w)
{
	return supersede(w, B, w->iss[B] - 100000000);
}

static const char *forged_syn(struct wire *w)
{
	int e;

	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 100);
	for (e = A; e <= B; e++) {
		forge(w, e, w->snd[e] + 50, 0, SYN, 0);
		ONLY(FACT(OUT_OF_WINDOW));
		WENT_ON();
		MUST(!w->out.renew);
		NUMBERS(A);
		NUMBERS(B);
		say(w, !e, ACK, 0);	/* the challenge */
		ONLY(0);
	}
	IN(ESTABLISHED, ESTABLISHED);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

static const char *challenged_then_reset(struct wire *w)
{
	handshake(w);
	forge(w, A, w->iss[A] + 1000000, 0, SYN, 0);
	say(w, B, ACK, 0);
	forge(w, A, w->rcv[B], 0, RST, 0);
	ENDED(RESET);
	forge(w, A, w->iss[A] + 1000000, 0, SYN, 0);
	BEGAN_ANEW(NONE);
	IN(SYN_SENT, LISTEN);
	return NULL;
}

static const char *reuse_by_waiter(struct wire *w)
{
	four_segments(w, A);
	wire_lay(w, w->iss[A], w->iss[B]);
	handshake(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	forge(w, A, w->snd[A] - 5000, 0, SYN, 0);
	BEGAN_ANEW(REUSED);
	IN(SYN_SENT, LISTEN);
	return NULL;
}

/* To TIME_WAIT of B, so that A's SYN must prove that it is new. */
static const char *b_waits(struct wire *w)
{
	handshake(w);
	say(w, B, FIN | ACK, 0);
	say(w, A, FIN | ACK, 0);
	say(w, B, ACK, 0);
	IN(CLOSE, TIME_WAIT);
	return NULL;
}

static const char *reuse_after_nxt(struct wire *w)
{
	const char *why = b_waits(w);

	if (why)
		return why;
	forge(w, A, w->snd[A] + 1, 0, SYN, 0);
	BEGAN_ANEW(REUSED);
	IN(SYN_SENT, LISTEN);
	return NULL;
}

static const char *reuse_before_nxt(struct wire *w)
{
	const char *why = b_waits(w);

	if (why)
		return why;
	forge(w, A, w->snd[A] - 5000, 0, SYN, 0);
	ONLY(FACT(OUT_OF_WINDOW));
	WENT_ON();
	IN(CLOSE, TIME_WAIT);
	/* But B, whose table the observer does not see, takes it. */
	forge(w, B, 4711, w->snd[A] - 4999, SYN | ACK, 0);
	BEGAN_ANEW(SUPERSEDED);
	IN(SYN_SENT, SYN_RECV);
	return NULL;
}

static const char *reuse_by_timestamp(struct wire *w)
{
	static const int off[] = { -1, 0, 1 };
	const char *why;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(off); i++) {
		wire_lay(w, w->iss[A], w->iss[B]);
		w->tsval[A] = 0xfffffff0;
		w->tsval[B] = 5;
		handshake(w);
		w->tsval[A] = 0xffffffff;
		why = b_waits(w);
		if (why)
			return why;
		w->tsval[A] += off[i];
		if (!w->tsval[A])
			w->tsval[A] = 1;	/* the wire has none at zero */
		forge(w, A, w->snd[A] - 5000, 0, SYN, 0);
		if (off[i] > 0) {
			BEGAN_ANEW(REUSED);
		} else {
			ONLY(FACT(OUT_OF_WINDOW));
			IN(CLOSE, TIME_WAIT);
		}
	}
	return NULL;
}

static const char *reuse_of_two(struct wire *w)
{
	int e;

	for (e = A; e <= B; e++) {
		wire_lay(w, w->iss[A], w->iss[B]);
		handshake(w);
		lose(w, A, FIN | ACK, 0);
		lose(w, B, FIN | ACK, 0);
		wire_hear(w, A);
		wire_hear(w, B);
		say(w, A, ACK, 0);
		say(w, B, ACK, 0);
		IN(TIME_WAIT, TIME_WAIT);
		forge(w, e, w->iss[e] - 5000, 0, SYN, 0);
		ONLY(FACT(OUT_OF_WINDOW));
		IN(TIME_WAIT, TIME_WAIT);
		forge(w, e, w->snd[e] + 5000, 0, SYN, 0);
		BEGAN_ANEW(REUSED);
		IN(SYN_SENT, LISTEN);
		MUST(wire_role(w, e) == I);
	}
	return NULL;
}

static const struct life lives[] = {
	{ "a three-way handshake: S h A", three_way },
	{ "a SYN-ACK counts with ack = J+1 alone", j_plus_one },
	{ "an ACK completes the handshake with ack = K+1 alone", k_plus_one },
	{ "an ACK from before una of I completes nothing", ack_before_iss },
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
	{ "simultaneous open, R closes before I's SYN-ACK", crossing_syns_r_closes },
	{ "simultaneous open, a RST of before it: I's SYN-ACK wakes the connection",
	  crossing_syns_old_rst },
	{ "TCP Fast Open, data taken", fast_open_taken },
	{ "TCP Fast Open, data not taken and sent again, counted once", fast_open_not_taken },
	{ "TCP Fast Open, data partly taken", fast_open_partly },
	{ "TCP Fast Open, ack beyond the data: invalid_ack", fast_open_bad_ack },
	{ "a challenge ACK to a SYN changes nothing", challenge_of_old },
	{ "data both ways, every number as sent", data_both_ways },
	{ "bytes beyond 4 GiB", four_gibibytes },
	{ "a retransmission is counted and moves nothing", retransmission },
	{ "the acknowledgement of a retransmission counts", retransmission_acks },
	{ "a partial overlap counts what is new", overlap },
	{ "reordered data is no refusal and counted once", reordered },
	{ "data that a FIN overtook is no refusal", reordered_fin },
	{ "keep-alives are told apart from retransmissions", keepalive },
	{ "an ACK that a FIN has overtaken is no keep-alive", overtaken_by_fin },
	{ "at zero window a probe is refused, its acknowledgement counts", zero_window },
	{ "at zero window a probe's octet may be taken", zero_window_probe_taken },
	{ "at zero window an ACK is behind a probe that was not seen", zero_window_unseen_probe },
	{ "at zero window a FIN beside a probe's octet counts", zero_window_fin },
	{ "at zero window the acknowledgement of a FIN counts", zero_window_fin_ack },
	{ "data to the exact right edge is taken, one beyond is not", right_edge },
	{ "window scale from both SYNs, a SYN's own window unscaled", scaled_both },
	{ "the largest scale and zero", scaled_both_most },
	{ "no scale when only I offers it", scaled_a },
	{ "no scale when only R offers it", scaled_b },
	{ "no scale when neither offers it", scaled_neither },
	{ "a window that shrinks leaves the right edge", shrunk_window },
	{ "an old acknowledgement takes nothing back", old_ack },
	{ "a super-segment sent again counts as the segments in it", super_segment },
	{ "after a first fragment the true length may be acknowledged", fragment },
	{ "four-segment close by I", four_by_a },
	{ "four-segment close by R", four_by_b },
	{ "three-segment close by I", three_by_a },
	{ "three-segment close by R", three_by_b },
	{ "simultaneous close through CLOSING of I", crossing_fins },
	{ "simultaneous close through CLOSING of R, counted once", crossing_fins_b },
	{ "a half-closed connection lives as long as data flows", half_close },
	{ "a FIN again is counted, and restarts TIME_WAIT", fin_again },
	{ "the acknowledgement of a FIN again counts", fin_again_acks },
	{ "data and FIN beyond the own FIN: out_of_window", beyond_own_fin },
	{ "an ACK of all but the FIN covers no FIN", ack_of_all_but_fin },
	{ "a FIN before the end of what was sent is none", fin_amid },
	{ "closed in SYN_RECV", close_in_syn_recv },
	{ "refused", refused },
	{ "a RST without ack = J+1 refuses nothing", refused_wrongly },
	{ "refused with data on the SYN", refused_fast_open },
	{ "a half-open scan: reset by I at nxt alone", half_open_scan },
	{ "reset by I at each stage", reset_by_i },
	{ "reset by R at each stage", reset_by_r },
	{ "a RST off by a little changes no octet of the record", reset_off_by_one },
	{ "a RST with the number of its sender's FIN is believed", reset_at_fin },
	{ "the same once the FIN is acknowledged, from nobody else", reset_before_fin },
	{ "RST inexact, challenge ACK, RST exact", challenge_then_reset },
	{ "a RST at una is believed", reset_at_una },
	{ "a RST amid what is in flight is inexact, outside it is invalid", reset_in_flight },
	{ "an ended record absorbs all but a SYN", lingers },
	{ "a record that timed out lingers too", lingers_after_timeout },
	{ "another SYN in SYN_SENT / LISTEN supersedes", new_attempt },
	{ "a SYN remembered from before the end is confirmed after it", lingers_but_remembers },
	{ "superseded: I's SYN, confirmed by exactly its SYN-ACK", superseded_by_i },
	{ "superseded: R's SYN, roles turned", superseded_by_r },
	{ "a forged SYN changes nothing", forged_syn },
	{ "a SYN, its challenge ACK, RST, SYN", challenged_then_reset },
	{ "the endpoint in TIME_WAIT reuses with any ISS", reuse_by_waiter },
	{ "its peer reuses after nxt", reuse_after_nxt },
	{ "its peer does not reuse before nxt, unless a SYN-ACK confirms", reuse_before_nxt },
	{ "its peer reuses before nxt with a newer timestamp alone", reuse_by_timestamp },
	{ "with both in TIME_WAIT only after nxt", reuse_of_two },
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
