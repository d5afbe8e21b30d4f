// SPDX-License-Identifier: GPL-2.0
/*
 * What comes after the end, as inference.md tells it: stragglers, and new
 * connections of the same addresses and ports. What an observer missed is told in
 * test_fsm_gaps.c.
 */
#include "lives.h"

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
	w->now += 2000;
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
	w->now += 2000;
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
