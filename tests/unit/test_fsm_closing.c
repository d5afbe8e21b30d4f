// SPDX-License-Identifier: GPL-2.0
/*
 * How connections end, as inference.md tells it: by FINs of one end or of both, by
 * a RST. What an observer missed is told in
 * test_fsm_gaps.c.
 */
#include "lives.h"

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
	MUST(w->pair.side[I].retrans == 1);
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

static const struct life lives[] = {
	{ "simultaneous open, R closes before I's SYN-ACK", crossing_syns_r_closes },
	{ "simultaneous open, a RST of before it: I's SYN-ACK wakes the connection",
	  crossing_syns_old_rst },
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
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
