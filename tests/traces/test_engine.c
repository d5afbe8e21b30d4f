// SPDX-License-Identifier: GPL-2.0
/* The engine in userspace: the times that it gives to the machines. */
#include <string.h>

#include "../unit/ktap.h"
#include "engine.h"

#define FACT(name) (1u << TCPSTATE_FACT_##name)

enum { CLIENT, SERVER };

struct talk {
	struct engine *engine;
	uint32_t now;
	uint32_t next[2];
	uint32_t facts;
};

/* @from sends a segment @ms after the last one. */
static void say(struct talk *talk, int from, uint8_t flags, uint32_t len, uint32_t ms)
{
	struct engine_key key = {
		.family = 2, .addr = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } }, .port = { 40000, 80 },
	};
	struct tcpstate_segment segment = {
		.seq = talk->next[from], .ack = talk->next[!from], .len = len, .count = 1,
		.window = 1000, .flags = flags, .wscale = TCPSTATE_WSCALE_NONE,
	};
	struct engine_seen seen;

	if (from == SERVER) {
		key.addr[0][3] = 2;
		key.addr[1][3] = 1;
		key.port[0] = 80;
		key.port[1] = 40000;
	}
	talk->now += ms;
	talk->next[from] += len + !!(flags & TCPSTATE_SYN);
	engine_clock(talk->engine, talk->now);
	engine_segment(talk->engine, &key, &segment, &seen);
	talk->facts |= seen.outcome.facts;
}

/* Far numbers that agree: sixteen segments, the last one @silent ms after the last known one. */
static bool moves(uint32_t synack, uint32_t ack, uint32_t silent, unsigned int syns)
{
	struct talk talk = { .engine = engine_new(&(struct engine_setup){ .loose = true }),
			     .now = 0xffffff00, .next = { 1000, 5000 } };
	unsigned int n;

	for (n = 0; n < syns; n++) {
		talk.next[CLIENT] = 1000;
		say(&talk, CLIENT, TCPSTATE_SYN, 0, 0);
	}
	say(&talk, SERVER, TCPSTATE_SYN | TCPSTATE_ACK, 0, synack);
	say(&talk, CLIENT, TCPSTATE_ACK, 0, ack);
	talk.next[CLIENT] += 50000000;
	talk.next[SERVER] += 70000000;
	talk.facts = 0;
	for (n = 0; n < 16; n++)
		say(&talk, n & 1, TCPSTATE_ACK, 100, n == 15 ? silent : 0);
	engine_free(talk.engine);
	return talk.facts & FACT(RESYNC);
}

int main(void)
{
	plan(4);
	ok(!moves(40, 60, 99, 1), "a handshake of 100 ms: its numbers stand for as long");
	ok(moves(40, 60, 400, 1), "and give way later");
	ok(moves(0, 0, 99, 1), "a handshake of 0 ms: they give way sooner");
	ok(moves(40, 60, 99, 2), "a SYN that was sent twice measures nothing");
	return done();
}
