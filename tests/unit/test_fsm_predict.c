// SPDX-License-Identifier: GPL-2.0
/*
 * Header prediction against the machine that it is a short cut of. URG means
 * nothing to the machine and is never predicted, so the same segment with and
 * without it takes either way, and must come to the same.
 */
#include <string.h>

#include "ktap.h"
#include "pair.h"
#include "predict.h"

#define ROUNDS 400000

static __u32 seed = 1;

static __u32 draw(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8 ^ seed << 16;
}

/* Mostly a number that matters, or one beside it. */
static __u32 near(__u32 number)
{
	static const __s32 off[] = { 0, 0, 0, 0, 1, -1, 2, 100, -100, 70000 };

	return draw() % 16 ? number + off[draw() % 10] : draw();
}

static struct tcpstate_pair draw_pair(void)
{
	static const __u8 states[] = {
		TCPSTATE_ESTABLISHED, TCPSTATE_ESTABLISHED, TCPSTATE_ESTABLISHED,
		TCPSTATE_ESTABLISHED, TCPSTATE_ESTABLISHED, TCPSTATE_ESTABLISHED,
		TCPSTATE_CLOSE_WAIT, TCPSTATE_FIN_WAIT1, TCPSTATE_FIN_WAIT2,
		TCPSTATE_TIME_WAIT, TCPSTATE_SYN_RECV,
	};
	struct tcpstate_pair pair = {
		.letters = draw() % 4 ? (1 << 21) - 1 : draw() & ((1 << 21) - 1),
		.sides = draw() % 8 ? 0 : draw() & 3,
		.turns = draw() % 8 ? 0 : draw() & 15,
		.doubt = !(draw() % 16),
		.wscale = draw() % 2 ? 0 : 0x72,
		.flags = draw() % 4 ? 0 : draw() & 15,
	};
	unsigned int end;

	for (end = 0; end < 2; end++) {
		/* Around the wrap as often as not. */
		pair.iss[end] = draw() % 2 ? draw() : 0u - draw() % 3000;
		pair.una[end] = pair.iss[end] + 1 + draw() % 2000;
		pair.nxt[end] = pair.una[end] + draw() % 3 * (draw() % 2000);
		pair.edge[end] = pair.una[end] + draw() % 70000;
		pair.state[end] = states[draw() % 11];
		pair.wraps[end] = pair.nxt[end] < pair.iss[end];
	}
	return pair;
}

static struct tcpstate_segment draw_segment(const struct tcpstate_pair *pair,
					    enum tcpstate_end from)
{
	return (struct tcpstate_segment){
		.seq = near(pair->nxt[from]),
		.ack = near(draw() % 2 ? pair->nxt[!from] : pair->una[!from]),
		.len = draw() % 2 ? 0 : draw() % 1460,
		.window = draw() % 8 ? draw() : 0,
		.flags = TCPSTATE_ACK | (draw() % 2 ? TCPSTATE_PSH : 0) |
			 (draw() % 16 ? 0 : TCPSTATE_FIN),
		.count = 1,
		.wscale = TCPSTATE_WSCALE_NONE,
		.fragment = !(draw() % 32),
	};
}

static bool same(const struct tcpstate_outcome *a, const struct tcpstate_outcome *b)
{
	return a->facts == b->facts && a->action == b->action && a->reason == b->reason &&
	       a->renew == b->renew;
}

int main(void)
{
	unsigned int i, predicted = 0, idle = 0, differ = 0, touched = 0;
	struct tcpstate_pair before, fast, slow;
	struct tcpstate_outcome short_way, long_way;
	const struct tcpstate_elapsed elapsed = { 0 };
	struct tcpstate_segment seg;
	enum tcpstate_end from;

	for (i = 0; i < ROUNDS; i++) {
		before = draw_pair();
		from = draw() % 2;
		seg = draw_segment(&before, from);
		fast = before;
		slow = before;
		if (tcpstate_fsm_predicted(&fast, &seg, from))
			predicted++;
		else if (memcmp(&fast, &before, sizeof(fast)))
			touched++;
		else
			idle++;
		fast = before;
		short_way = tcpstate_fsm_step(&fast, &seg, from, &elapsed);
		seg.flags |= TCPSTATE_URG;
		long_way = tcpstate_fsm_step(&slow, &seg, from, &elapsed);
		if (memcmp(&fast, &slow, sizeof(fast)) || !same(&short_way, &long_way))
			differ++;
	}
	plan(3);
	diag("%u segments, %u of them predicted", ROUNDS, predicted);
	ok(predicted > ROUNDS / 50 && idle > ROUNDS / 50, "some are predicted and some are not");
	ok(!touched, "what is not predicted changes nothing: %u did", touched);
	ok(!differ, "a prediction comes true to the bit: %u differ", differ);
	return done();
}
