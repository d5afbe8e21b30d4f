// SPDX-License-Identifier: GPL-2.0
/* How long a pair may be silent, and what it is called when it has been for longer. */
#include "lives.h"

static const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = {
	[TCPSTATE_TIMEOUT_SYN_SENT] = 120,
	[TCPSTATE_TIMEOUT_SYN_RECV] = 60,
	[TCPSTATE_TIMEOUT_ESTABLISHED] = 432000,
	[TCPSTATE_TIMEOUT_FIN_WAIT] = 121,
	[TCPSTATE_TIMEOUT_CLOSE_WAIT] = 432001,
	[TCPSTATE_TIMEOUT_LAST_ACK] = 30,
	[TCPSTATE_TIMEOUT_TIME_WAIT] = 61,
	[TCPSTATE_TIMEOUT_CLOSE] = 10,
	[TCPSTATE_TIMEOUT_UNREPLIED] = 300,
};

/* The same upside down, so that the larger of two is another. */
static const unsigned int reversed[TCPSTATE_TIMEOUT_MAX] = {
	[TCPSTATE_TIMEOUT_SYN_SENT] = 4,
	[TCPSTATE_TIMEOUT_SYN_RECV] = 7,
	[TCPSTATE_TIMEOUT_ESTABLISHED] = 3,
	[TCPSTATE_TIMEOUT_FIN_WAIT] = 5,
	[TCPSTATE_TIMEOUT_CLOSE_WAIT] = 2,
	[TCPSTATE_TIMEOUT_LAST_ACK] = 8,
	[TCPSTATE_TIMEOUT_TIME_WAIT] = 6,
	[TCPSTATE_TIMEOUT_CLOSE] = 9,
	[TCPSTATE_TIMEOUT_UNREPLIED] = 1,
};

#define RULED(usual, other) \
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == (usual) && \
	     tcpstate_fsm_timeout(&w->pair, reversed) == (other))

static const char *timeouts_of_a_life(struct wire *w)
{
	say(w, A, SYN, 0);
	RULED(120, 4);
	say(w, B, SYN | ACK, 0);
	RULED(60, 7);
	say(w, A, ACK, 0);
	RULED(432000, 3);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	RULED(432000, 5);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	RULED(432001, 5);
	say(w, B, FIN | ACK, 0);
	IN(FIN_WAIT2, LAST_ACK);
	RULED(121, 8);
	say(w, A, ACK, 0);
	IN(TIME_WAIT, CLOSE);
	RULED(61, 9);
	tcpstate_fsm_close(&w->pair);
	IN(CLOSE, CLOSE);
	RULED(10, 9);
	return NULL;
}

static const char *timeouts_of_a_crossing_close(struct wire *w)
{
	handshake(w);
	lose(w, A, FIN | ACK, 0);
	lose(w, B, FIN | ACK, 0);
	IN(FIN_WAIT1, FIN_WAIT1);
	RULED(121, 5);
	wire_hear(w, A);
	wire_hear(w, B);
	say(w, A, ACK, 0);
	IN(CLOSING, FIN_WAIT2);
	RULED(121, 8);
	say(w, B, ACK, 0);
	IN(TIME_WAIT, TIME_WAIT);
	RULED(61, 6);
	return NULL;
}

static const char *timeout_unreplied(struct wire *w)
{
	midst(w);
	say(w, A, ACK, 10);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 300);
	MUST(tcpstate_fsm_timeout(&w->pair, reversed) == 1);
	say(w, A, FIN | ACK, 0);
	IN(FIN_WAIT1, ESTABLISHED);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 300);
	say(w, B, ACK, 0);
	IN(FIN_WAIT2, CLOSE_WAIT);
	RULED(432001, 5);
	return NULL;
}

static const char *timeout_one_sided(struct wire *w)
{
	say(w, A, SYN, 0);
	miss(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
	say(w, A, ACK, 10);
	RULED(120, 4);
	say(w, A, ACK, 10);
	IN(ESTABLISHED, ESTABLISHED);
	MUST(tcpstate_fsm_timeout(&w->pair, seconds) == 300);
	say(w, B, ACK, 10);
	MUST(!(w->out.facts & REFUSALS));
	MUST(!tcpstate_fsm_unreplied(&w->pair));
	RULED(432000, 3);
	return NULL;
}

static const char *timeout_names(struct wire *w)
{
	say(w, A, SYN, 0);
	MUST(tcpstate_fsm_expire(&w->pair) == TCPSTATE_REASON_TIMEOUT);
	IN(CLOSE, CLOSE);
	wire_lay(w, w->iss[A], w->iss[B]);
	handshake(w);
	say(w, A, FIN | ACK, 0);
	say(w, B, FIN | ACK, 0);
	IN(FIN_WAIT2, LAST_ACK);
	MUST(tcpstate_fsm_expire(&w->pair) == TCPSTATE_REASON_TIMEOUT);
	IN(CLOSE, CLOSE);
	return NULL;
}

static const struct life lives[] = {
	{ "timeouts from SYN to TIME_WAIT", timeouts_of_a_life },
	{ "timeouts of a simultaneous close", timeouts_of_a_crossing_close },
	{ "a picked-up flow is ruled by unreplied until both spoke", timeout_unreplied },
	{ "a one-sided flow is ruled by unreplied until R speaks", timeout_one_sided },
	{ "without TIME_WAIT the timer's end is a timeout", timeout_names },
};

int main(void)
{
	plan(ARRAY_SIZE(lives));
	live_all(lives, ARRAY_SIZE(lives));
	return done();
}
