// SPDX-License-Identifier: GPL-2.0
/*
 * Segments of an attacker who is off the path: he knows addresses and ports, and no
 * number, but his segments agree with each other. What they end wrongly all the same,
 * the endpoints revive.
 */
#include "lives.h"

static const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = {
	120, 60, 432000, 120, 432000, 30, 60, 10, 300
};

/* Numbers that are far from all that the endpoints know. */
#define FAR_A (w->iss[A] + 0x30000000)
#define FAR_B (w->iss[B] + 0x50000000)

static void talk(struct wire *w)
{
	handshake(w);
	say(w, A, ACK | PSH, 100);
	say(w, B, ACK | PSH, 1000);
	say(w, A, ACK, 0);
}

static const char *goes_on(struct wire *w)
{
	int n;

	w->facts = 0;
	for (n = 0; n < 10; n++) {
		say(w, A, ACK | PSH, 100);
		say(w, B, ACK | PSH, 1000);
	}
	say(w, A, ACK, 0);
	MUST(!w->facts);
	IN(ESTABLISHED, ESTABLISHED);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

static const char *reset(struct wire *w)
{
	talk(w);
	forge(w, A, FAR_A, FAR_B, ACK, 0);
	forge(w, B, FAR_B, FAR_A, ACK, 0);
	forge(w, A, FAR_A, 0, RST, 0);
	MUST(!(w->facts & FACT(RESYNC)));
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	return goes_on(w);
}

static const char *closed(struct wire *w)
{
	talk(w);
	forge(w, A, FAR_A, FAR_B, ACK, 0);
	forge(w, B, FAR_B, FAR_A, FIN | ACK, 0);
	forge(w, A, FAR_A, FAR_B + 1, FIN | ACK, 0);
	forge(w, B, FAR_B + 1, FAR_A + 1, ACK, 0);
	MUST(!(w->facts & FACT(RESYNC)));
	IN(ESTABLISHED, ESTABLISHED);
	return goes_on(w);
}

/* A SYN and the SYN-ACK that seems to answer it, on a connection that is active. */
static const char *opened(struct wire *w)
{
	talk(w);
	forge(w, A, FAR_A, 0, SYN, 0);
	say(w, A, ACK | PSH, 100);
	say(w, B, ACK | PSH, 1000);
	forge(w, B, FAR_B, FAR_A + 1, SYN | ACK, 0);
	MUST(w->out.action == TCPSTATE_KEEP);
	IN(ESTABLISHED, ESTABLISHED);
	return goes_on(w);
}

/* Pure ACKs that differ by a constant: endpoints do not answer each of them. */
static const char *disputed(struct wire *w)
{
	int n;

	talk(w);
	w->now += 3600000;
	for (n = 0; n < 20; n++) {
		forge(w, A, FAR_A, FAR_B, ACK, 0);
		forge(w, B, FAR_B, FAR_A + 100000000, ACK, 0);
	}
	MUST(!(w->facts & FACT(RESYNC)));
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	return goes_on(w);
}

/* A claim of pure ACKs, each of which acknowledges more. */
static const char *acknowledged(struct wire *w)
{
	int n;

	talk(w);
	w->now += 3600000;
	for (n = 0; n < 20; n++) {
		forge(w, A, FAR_A, FAR_B + n, ACK, 0);
		forge(w, B, FAR_B + n, FAR_A, ACK, 0);
	}
	MUST(!(w->facts & FACT(RESYNC)));
	return goes_on(w);
}

/* A forged SYN after every few exchanges does not keep the true numbers out. */
static const char *syns_beside(struct wire *w)
{
	__u32 a = FAR_A, b = FAR_B;
	int n;

	talk(w);
	for (n = 0; n < 40 && !(w->facts & FACT(RESYNC)); n++) {
		if (n % 6 == 5)
			forge(w, A, w->iss[A] + 77777 * n, 0, SYN, 0);
		w->now += 40;
		forge(w, A, a, b, ACK | PSH, 100);
		a += 100;
		forge(w, B, b, a, ACK | PSH, 1000);
		b += 1000;
	}
	MUST(w->facts & FACT(RESYNC));
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

/* Also where all of it comes after a silence. */
static const char *closed_in_silence(struct wire *w)
{
	talk(w);
	w->now += 3600000;
	forge(w, B, FAR_B, FAR_A, FIN | ACK, 0);
	forge(w, A, FAR_A, FAR_B + 1, FIN | ACK, 0);
	forge(w, B, FAR_B + 1, FAR_A + 1, ACK, 0);
	MUST(!(w->facts & FACT(RESYNC)));
	IN(ESTABLISHED, ESTABLISHED);
	say(w, B, ACK, 10);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	return goes_on(w);
}

/* Its record is still there when the endpoints send their keep-alives, every two hours. */
static const char *reset_in_silence(struct wire *w)
{
	int n;

	talk(w);
	for (n = 0; n < 3; n++) {
		w->now += 3600000;
		forge(w, A, FAR_A, 0, RST, 0);
		ONLY(FACT(INVALID_RST));
		MUST(tcpstate_fsm_timeout(&w->pair, seconds) >= 7200 + 9 * 75);
		w->now += 3600000;
		again(w, A, 1, ACK, 0);
		ONLY(FACT(KEEPALIVE));
		MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
		say(w, B, ACK, 0);
	}
	return goes_on(w);
}

/* FINs that reach the endpoints are answered (RFC 9293 3.10.7.4), unlike a RST. */
static const char *closed_in_silence_answered(struct wire *w)
{
	talk(w);
	w->now += 3600000;
	forge(w, B, FAR_B, FAR_A, FIN | ACK, 0);
	forge(w, A, FAR_A, FAR_B + 1, FIN | ACK, 0);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 120);
	say(w, A, ACK, 0);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	return goes_on(w);
}

/* A hundred exchanges, as long as a true segment comes between them. */
static const char *exchanges(struct wire *w)
{
	__u32 a = FAR_A, b = FAR_B;
	int n;

	talk(w);
	for (n = 0; n < 100; n++) {
		forge(w, A, a, b, ACK | PSH, 100);
		a += 100;
		forge(w, B, b, a, ACK | PSH, 100);
		b += 100;
		if (n % 5 == 4)
			say(w, n & 1 ? A : B, ACK, 10);
	}
	MUST(!(w->facts & FACT(RESYNC)));
	return goes_on(w);
}

/* Fourteen turns are not enough, whatever the silence. */
static const char *few_exchanges(struct wire *w)
{
	__u32 a = FAR_A, b = FAR_B;
	int n;

	talk(w);
	w->now += 3600000;
	for (n = 0; n < 7; n++) {
		forge(w, A, a, b, ACK | PSH, 100);
		a += 100;
		forge(w, B, b, a, ACK | PSH, 100);
		b += 100;
	}
	MUST(!(w->facts & FACT(RESYNC)));
	return goes_on(w);
}

/* Faster than the path: no true endpoint could have answered yet. */
static const char *faster_than_a_round_trip(struct wire *w)
{
	__u32 a = FAR_A, b = FAR_B;
	int n;

	w->round_trip = 100;
	talk(w);
	for (n = 0; n < 40; n++) {
		forge(w, A, a, b, ACK | PSH, 100);
		a += 100;
		forge(w, B, b, a, ACK | PSH, 100);
		b += 100;
	}
	MUST(!(w->facts & FACT(RESYNC)));
	/* What B answers to a number that it does not expect. */
	lose(w, B, ACK, 0);
	ONLY(0);
	return goes_on(w);
}

/* All at once, and no round trip is known: live endpoints had no time to answer. */
static const char *faster_than_any_answer(struct wire *w)
{
	__u32 a = FAR_A, b = FAR_B;
	int n;

	talk(w);
	w->pace = 0;
	for (n = 0; n < 40; n++) {
		w->now += n == 20 ? 9 : 0;
		forge(w, A, a, b, ACK | PSH, 100);
		a += 100;
		forge(w, B, b, a, ACK | PSH, 100);
		b += 100;
	}
	MUST(!(w->facts & FACT(RESYNC)));
	lose(w, B, ACK, 0);
	ONLY(0);
	return goes_on(w);
}

static const char *dispute_faster_than_any_answer(struct wire *w)
{
	int n;

	talk(w);
	w->pace = 0;
	for (n = 0; n < 40; n++) {
		w->now += n == 20 ? 9 : 0;
		forge(w, A, FAR_A + 100 * n, FAR_B, ACK, 100);
		forge(w, B, FAR_B + 0x11000000, FAR_A + 100 * (n + 1), ACK, 100);
	}
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	lose(w, B, ACK, 0);
	ONLY(0);
	return goes_on(w);
}

static const char *liberal(struct wire *w)
{
	int n;

	talk(w);
	for (n = 0; n < 4; n++) {
		forge(w, A, FAR_A, FAR_B, ACK, 100);
		forge(w, B, FAR_B + 0x11000000, FAR_A + 100, ACK, 100);
	}
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	return goes_on(w);
}

/* In silence a number near a known one counts, so guesses are few. */
static const char *guesses(struct wire *w)
{
	int n;

	talk(w);
	w->now += 60000;
	for (n = 1; n <= 8; n++)
		forge(w, A, FAR_A + 0x01000000 * n, FAR_B, ACK, 0);
	forge(w, A, w->snd[A] + 1000, FAR_B, ACK, 0);
	forge(w, B, FAR_B, w->snd[A] + 1000, ACK, 0);
	MUST(!(w->facts & FACT(RESYNC)));
	return goes_on(w);
}

/* Who is on the path, or a socket that took no notice (MD5, PAWS). */
static const char *revived_after_reset(struct wire *w)
{
	talk(w);
	forge(w, B, w->snd[B], 0, RST, 0);
	ENDED(RESET);
	say(w, A, ACK | PSH, 10);
	ONLY(FACT(STRAY));
	say(w, B, ACK, 0);
	ONLY(FACT(STRAY));
	say(w, B, ACK | PSH, 5);
	BEGAN_ANEW(NONE);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(!w->flipped);
	say(w, A, ACK | PSH, 10);
	MUST(!(w->out.facts & REFUSALS));
	return goes_on(w);
}

/* A SYN that was refused before is no reason to leave it. */
static const char *revived_after_syn_and_reset(struct wire *w)
{
	talk(w);
	forge(w, A, FAR_A, 0, SYN, 0);
	forge(w, B, w->snd[B], 0, RST, 0);
	ENDED(RESET);
	say(w, A, ACK | PSH, 10);
	ONLY(FACT(STRAY));
	say(w, B, ACK | PSH, 5);
	BEGAN_ANEW(NONE);
	return goes_on(w);
}

/* Both send all the time: what one acknowledges was sent a round trip ago. */
static const char *revived_streams(struct wire *w)
{
	__u32 a, b;
	int n;

	talk(w);
	forge(w, B, w->snd[B], 0, RST, 0);
	ENDED(RESET);
	a = w->snd[A];
	b = w->snd[B];
	for (n = 0; n < 50 && w->out.action != TCPSTATE_ANEW; n++) {
		forge(w, A, a + n * 1000, b + (n > 4 ? n - 4 : 0) * 1000, ACK, 1000);
		if (w->out.action != TCPSTATE_ANEW)
			forge(w, B, b + n * 1000, a + (n > 4 ? n - 4 : 0) * 1000, ACK, 1000);
	}
	BEGAN_ANEW(NONE);
	MUST(n < 10);
	IN(ESTABLISHED, ESTABLISHED);
	return NULL;
}

static const char *revived_after_timeout(struct wire *w)
{
	talk(w);
	miss(w, A, ACK, 50000000);
	miss(w, B, ACK, 70000000);
	wire_hear(w, A);
	tcpstate_fsm_expire(&w->pair);
	say(w, B, ACK | PSH, 5);
	lose(w, B, ACK | PSH, 5);
	say(w, A, ACK | PSH, 5);
	BEGAN_ANEW(NONE);
	wire_hear(w, A);
	return goes_on(w);
}

/* A forged SYN for the record that lingers, of either endpoint, hides the connection no longer. */
static const char *revived_after_syn_of(struct wire *w, enum host forger, enum host first)
{
	int n;

	talk(w);
	forge(w, B, w->snd[B], 0, RST, 0);
	ENDED(RESET);
	forge(w, forger, w->iss[forger] + 0x30000000, 0, SYN, 0);
	BEGAN_ANEW(NONE);
	IN(SYN_SENT, LISTEN);
	/* What B answers to that SYN. */
	lose(w, B, ACK, 0);
	MUST(w->out.action == TCPSTATE_KEEP);
	/* Its own data may be near the SYN's numbers by chance, which makes a claim of it. */
	say(w, first, ACK | PSH, 10);
	MUST(w->out.facts & REFUSALS);
	say(w, !first, ACK | PSH, 20);
	BEGAN_ANEW(SUPERSEDED);
	MUST(w->flipped == (forger == B));
	IN(ESTABLISHED, ESTABLISHED);
	w->facts = 0;
	for (n = 0; n < 10; n++) {
		say(w, A, ACK | PSH, 100);
		say(w, B, ACK | PSH, 1000);
		forge(w, forger, w->iss[forger] + 0x30000000 + n, 0, SYN, 0);
		WENT_ON();
	}
	IN(ESTABLISHED, ESTABLISHED);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	MUST(w->pair.state[wire_role(w, A)] == TCPSTATE_TIME_WAIT);
	return NULL;
}

static const char *revived_after_syn(struct wire *w)
{
	const struct wire fresh = *w;
	const char *why;
	int n;

	for (n = 0; n < 4; n++) {
		*w = fresh;
		why = revived_after_syn_of(w, n & 1, n >> 1);
		if (why)
			return why;
	}
	return NULL;
}

/* Forged SYNs that cross, too. */
static const char *revived_after_syns(struct wire *w)
{
	talk(w);
	forge(w, B, w->snd[B], 0, RST, 0);
	forge(w, A, FAR_A, 0, SYN, 0);
	forge(w, B, FAR_B, 0, SYN, 0);
	IN(SYN_SENT, SYN_SENT);
	say(w, B, ACK | PSH, 10);
	say(w, A, ACK | PSH, 10);
	BEGAN_ANEW(SUPERSEDED);
	return goes_on(w);
}

/* The ports are used again, and data of before is still under way, or forged. */
static const char *syn_stays(struct wire *w)
{
	struct tcpstate_segment late;
	int n;

	talk(w);
	late = wire_make(w, B, ACK | PSH, 1000);
	lose(w, A, RST, 0);
	ENDED(RESET);
	w->snd[A] = w->iss[A] += 0x20000000;
	w->snd[B] = w->iss[B] += 0x60000000;
	say(w, A, SYN, 0);
	BEGAN_ANEW(NONE);
	for (n = 0; n < 3; n++) {
		wire_put(w, B, late);
		ONLY(FACT(INVALID_ACK));
		late.seq += 1000;
	}
	IN(SYN_SENT, LISTEN);
	say(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
	ONLY(FACT(ESTABLISHED));
	return goes_on(w);
}

/* What one endpoint alone says after a SYN, beside forged data, proves no more than it did. */
static const char *one_sided_beside_noise(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, B, FAR_B, FAR_A, ACK, 10);
	ONLY(FACT(INVALID_ACK));
	w->rcv[A] = w->iss[B] + 1;
	say(w, A, ACK, 100);
	ONLY(FACT(INVALID_ACK));
	say(w, A, ACK, 100);
	WENT_ON();
	IN(ESTABLISHED, ESTABLISHED);
	MUST(w->pair.flags & TCPSTATE_ONE_SIDED);
	return NULL;
}

/* A claim from before the SYN-ACK is none against the numbers of the handshake. */
static const char *handshake_beside_noise(struct wire *w)
{
	say(w, A, SYN, 0);
	forge(w, B, FAR_B, FAR_A, ACK, 10);
	say(w, B, SYN | ACK, 0);
	MUST(!w->pair.sides);
	say(w, A, ACK, 0);
	ONLY(FACT(ESTABLISHED));
	return goes_on(w);
}

/* In flight as the RST passed. */
static const char *not_revived(struct wire *w)
{
	int n;

	talk(w);
	lose(w, A, RST, 0);
	ENDED(RESET);
	for (n = 0; n < 10; n++) {
		lose(w, B, ACK | PSH, 1000);
		ONLY(FACT(STRAY));
	}
	/* The same of A, overtaken by its RST. */
	again(w, A, 0, ACK | PSH, 100);
	ONLY(FACT(STRAY));
	again(w, B, 1000, ACK | PSH, 1000);
	ONLY(FACT(STRAY));
	IN(CLOSE, CLOSE);
	return NULL;
}

/* An attacker who knows the numbers closed it for both. */
static const char *revived_from_time_wait(struct wire *w)
{
	int n;

	talk(w);
	forge(w, A, w->snd[A], w->snd[B], FIN | ACK, 0);
	forge(w, B, w->snd[B], w->snd[A] + 1, FIN | ACK, 0);
	forge(w, A, w->snd[A] + 1, w->snd[B] + 1, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	for (n = 0; n < 3; n++) {
		say(w, A, ACK | PSH, 100);
		say(w, B, ACK | PSH, 1000);
	}
	IN(ESTABLISHED, ESTABLISHED);
	return goes_on(w);
}

static const char *time_wait_stays(struct wire *w)
{
	talk(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	forge(w, A, w->snd[A], w->snd[B], ACK, 100);
	forge(w, A, w->snd[A] + 100, w->snd[B], ACK, 100);
	forge(w, B, w->snd[B] + 50, w->snd[A] + 200, ACK, 0);
	MUST(!w->out.renew);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

/* SYNPROXY shakes hands with A, and then for A with B: one SYN, two handshakes. */
static const char *second_handshake(struct wire *w)
{
	struct tcpstate_segment seg;
	__u32 shift = 0x30000000;
	int n;

	handshake(w);
	again(w, A, 1, SYN, 0);
	DID(SYN_RETRANS);
	seg = wire_make(w, B, SYN | ACK, 0);
	seg.seq = w->iss[B] + shift;
	seg.ack = w->iss[A] + 2;
	wire_put(w, B, seg);
	MUST(!(w->pair.flags & TCPSTATE_LIBERAL));
	seg.ack = w->iss[A] + 1;
	wire_put(w, B, seg);
	MUST(w->pair.flags & TCPSTATE_LIBERAL);
	for (n = 0; n < 3; n++) {
		say(w, A, ACK | PSH, 100);
		MUST(!(w->out.facts & REFUSALS));
		seg = wire_make(w, B, ACK | PSH, 1000);
		w->snd[B] += 1000;
		wire_hear(w, A);
		seg.seq += shift;
		wire_put(w, B, seg);
		MUST(!(w->out.facts & REFUSALS));
	}
	say(w, A, FIN | ACK, 0);
	seg = wire_make(w, B, FIN | ACK, 0);
	w->snd[B]++;
	wire_hear(w, A);
	seg.seq += shift;
	wire_put(w, B, seg);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	return NULL;
}

/* What no handshake proved */

static unsigned int standing(const struct wire *w)
{
	return tcpstate_fsm_standing(&w->pair, w->now - w->opened, w->now - w->seen);
}

#define STANDS(how) MUST(standing(w) == TCPSTATE_##how)

static const char *proved_by_handshake(struct wire *w)
{
	handshake(w);
	STANDS(PROVED_BY_HANDSHAKE);
	return NULL;
}

static const char *pair_of_acks(struct wire *w)
{
	int n;

	midst(w);
	say(w, A, ACK, 0);
	STANDS(UNPROVED);
	say(w, B, ACK, 0);
	STANDS(UNPROVED);
	/* As many as there may be, and without data. */
	for (n = 0; n < 100; n++) {
		w->now += 10000;
		say(w, n & 1 ? A : B, ACK, 0);
	}
	STANDS(UNPROVED);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 432000);
	return NULL;
}

/* A SYN-ACK and an ACK are as cheap. */
static const char *half_a_handshake(struct wire *w)
{
	miss(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
	IN(ESTABLISHED, ESTABLISHED);
	STANDS(UNPROVED);
	return NULL;
}

static const char *data_of_one(struct wire *w)
{
	int n;

	midst(w);
	for (n = 0; n < 100; n++) {
		w->now += 10000;
		say(w, A, ACK, 1000);
		say(w, B, ACK, 0);
	}
	STANDS(UNPROVED);
	return NULL;
}

static const char *proved_by_traffic(struct wire *w)
{
	unsigned int better = TCPSTATE_UNPROVED;
	int n;

	midst(w);
	say(w, A, ACK, 0);
	for (n = 0; w->pair.unproved; n++) {
		MUST(w->now - w->opened < 34000);
		w->now += 100;
		say(w, A, ACK, 100);
		say(w, B, ACK, 100);
		MUST(standing(w) <= better);
		better = standing(w);
		/* Flows that are forged anew are as good as that for a second. */
		if (w->now - w->opened > 1200)
			MUST(better <= TCPSTATE_UNPROVED - 2);
	}
	MUST(w->now - w->opened >= 32 * 1024);
	STANDS(PROVED_BY_TRAFFIC);
	w->now += 3600000;
	STANDS(PROVED_BY_TRAFFIC);
	return NULL;
}

static const char *proof_is_not_a_burst(struct wire *w)
{
	int n;

	midst(w);
	say(w, A, ACK, 0);
	say(w, B, ACK, 0);
	w->now += 3600000;
	for (n = 0; n < 1000; n++) {
		say(w, A, ACK, 100);
		say(w, B, ACK, 100);
	}
	MUST(standing(w) == TCPSTATE_UNPROVED - 1);
	w->now += 3 * 32768;
	STANDS(UNPROVED);
	return NULL;
}

/* However long it was silent: a multiple of eight periods, too. */
static const char *proof_does_not_outlast_silence(struct wire *w)
{
	unsigned int n, periods;

	for (periods = 2; periods < 40; periods++) {
		wire_lay(w, w->iss[A], w->iss[B]);
		midst(w);
		say(w, A, ACK, 0);
		w->now += 40000;
		for (n = 0; n < 3; n++) {
			say(w, A, ACK, 100);
			say(w, B, ACK, 100);
		}
		MUST(standing(w) == TCPSTATE_UNPROVED - 1);
		w->now += periods * 32768;
		STANDS(UNPROVED);
		/* An ACK is no proof, and a keep-alive is none. */
		say(w, A, ACK, 0);
		STANDS(UNPROVED);
		again(w, A, 1, ACK, 0);
		STANDS(UNPROVED);
		/* Data of both is. */
		say(w, A, ACK, 100);
		say(w, B, ACK, 100);
		say(w, A, ACK, 0);
		MUST(standing(w) == TCPSTATE_UNPROVED - 2);
	}
	return NULL;
}

static const struct life lives[] = {
	{ "two ACKs that agree and a RST end nothing", reset },
	{ "an ACK, two FINs and an ACK that agree close nothing", closed },
	{ "a SYN and its SYN-ACK replace no active connection", opened },
	{ "pure ACKs that differ by a constant make no flow liberal", disputed },
	{ "pure ACKs that agree and advance move nothing", acknowledged },
	{ "forged SYNs keep no true numbers out", syns_beside },
	{ "FINs that agree close nothing in a silence", closed_in_silence },
	{ "a RST in a silence leaves the record until the next keep-alive", reset_in_silence },
	{ "FINs that agree in a silence leave it until the endpoints answer them",
	  closed_in_silence_answered },
	{ "a hundred forged exchanges are nothing beside one true segment in five", exchanges },
	{ "seven forged exchanges in an hour's silence are too few", few_exchanges },
	{ "forty forged exchanges within a round trip are too fast", faster_than_a_round_trip },
	{ "forty forged exchanges within 10 ms are too fast, if the round trip is not known",
	  faster_than_any_answer },
	{ "forty within 10 ms that differ by a constant make no flow liberal",
	  dispute_faster_than_any_answer },
	{ "four exchanges that disagree make no flow liberal", liberal },
	{ "guesses of a number are few in a silence", guesses },
	{ "data of both endpoints revives a record that was reset", revived_after_reset },
	{ "data of both revives it though a forged SYN was refused before",
	  revived_after_syn_and_reset },
	{ "streams of both endpoints at once revive a record", revived_streams },
	{ "data of both endpoints revives a record that timed out", revived_after_timeout },
	{ "data of both endpoints revives a record that a forged SYN opened anew",
	  revived_after_syn },
	{ "data of both endpoints revives a record that two forged SYNs opened anew",
	  revived_after_syns },
	{ "a SYN for the same ports stands, though data of before is under way", syn_stays },
	{ "forged data beside the word of one endpoint changes nothing", one_sided_beside_noise },
	{ "forged data before a SYN-ACK changes nothing", handshake_beside_noise },
	{ "data in flight revives no record that was reset", not_revived },
	{ "data of both endpoints revives a record in TIME_WAIT", revived_from_time_wait },
	{ "data of one endpoint leaves TIME_WAIT as it is", time_wait_stays },
	{ "a second handshake of one SYN makes the flow liberal, and it closes",
	  second_handshake },
	{ "a handshake proves a flow", proved_by_handshake },
	{ "ACKs of both endpoints prove no flow", pair_of_acks },
	{ "a SYN-ACK and an ACK prove no flow", half_a_handshake },
	{ "data of one endpoint proves no flow", data_of_one },
	{ "data of both, acknowledged in seven periods, proves a flow", proved_by_traffic },
	{ "a burst proves no flow", proof_is_not_a_burst },
	{ "proof does not outlast a silence, and is given anew after it",
	  proof_does_not_outlast_silence },
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
