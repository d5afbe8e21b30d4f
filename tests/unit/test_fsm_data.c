// SPDX-License-Identifier: GPL-2.0
/*
 * What passes while a connection lasts, as inference.md tells it: data,
 * acknowledgments, windows, probes. What an observer missed is told in
 * test_fsm_gaps.c.
 */
#include "lives.h"

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
	MUST(!w->pair.side[I].retrans && !w->pair.side[R].retrans);
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
	MUST(!w->pair.side[R].retrans);
	return NULL;
}

static const char *retransmission(struct wire *w)
{
	handshake(w);
	say(w, A, ACK, 100);
	say(w, B, ACK, 0);
	again(w, A, 100, ACK, 100);
	ONLY(FACT(DATA_RETRANS));
	MUST(w->pair.side[I].retrans == 1);
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
	MUST(!w->pair.side[I].retrans && !w->pair.side[R].retrans);
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
	MUST(w->pair.side[I].retrans == 0);
	wire_put(w, A, seg);
	ONLY(FACT(DATA_RETRANS));
	MUST(w->pair.side[I].retrans == 3);
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

static const struct life lives[] = {
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
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
