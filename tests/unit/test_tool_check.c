// SPDX-License-Identifier: GPL-2.0
/*
 * tcpstate check: when the module and the kernel's socket agree on an endpoint,
 * and when one that differs is accused.
 */
#include <string.h>
#include <sys/socket.h>

#include "ktap.h"
#include "opinion.h"
#include "suspects.h"
#include "tcpstate.h"

/* What it means that an endpoint has no socket, where a listener may send cookies. */
static const enum opinion no_socket[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED]	= DIFFER,
	[TCPSTATE_SYN_SENT]	= DIFFER,
	[TCPSTATE_SYN_RECV]	= UNDECIDED,
	[TCPSTATE_FIN_WAIT1]	= DIFFER,
	[TCPSTATE_FIN_WAIT2]	= DIFFER,
	[TCPSTATE_TIME_WAIT]	= UNDECIDED,
	[TCPSTATE_CLOSE]	= AGREE,
	[TCPSTATE_CLOSE_WAIT]	= DIFFER,
	[TCPSTATE_LAST_ACK]	= DIFFER,
	[TCPSTATE_LISTEN]	= AGREE,
	[TCPSTATE_CLOSING]	= DIFFER,
};

static void opinions(void)
{
	int same = 0, other = 0, none = 0;

	for (int ours = 1; ours <= TCPSTATE_STATE_MAX; ours++) {
		for (int theirs = 1; theirs <= TCPSTATE_STATE_MAX; theirs++)
			for (int cookies = 0; cookies < 2; cookies++)
				*(ours == theirs ? &same : &other) +=
					opinion_compare(ours, theirs, cookies) ==
					(ours == theirs ? AGREE : DIFFER);
		if (ours != TCPSTATE_SYN_RECV)
			none += opinion_compare(ours, 0, false) == no_socket[ours];
		none += opinion_compare(ours, 0, true) == no_socket[ours];
	}
	ok(same == 2 * 11, "the same state is agreement");
	ok(other == 2 * 11 * 10, "any other state of a socket is a difference, with cookies too");
	ok(none == 11 + 10, "no socket is what closed and listening endpoints have");
	ok(opinion_compare(TCPSTATE_SYN_RECV, 0, false) == DIFFER,
	   "no request socket is a difference where there are no cookies");
}

/* A connection of port @port whose initiator is ESTABLISHED, but CLOSE_WAIT says the kernel. */
static struct suspect suspect(uint16_t port, uint64_t age, uint64_t idle)
{
	struct suspect made = {
		.flow = { .family = AF_INET, .age = age, .idle = idle, .history = "ShA" },
		.end = INITIATOR,
		.socket = TCPSTATE_CLOSE_WAIT,
	};

	made.flow.end[INITIATOR].port = port;
	made.flow.end[INITIATOR].state = TCPSTATE_ESTABLISHED;
	return made;
}

/* A round of a story, from when to when, and who differs in it. */
struct round {
	uint64_t began, judged;
	struct suspect suspect;
};

static void add(struct suspects *to, struct suspect made, const struct round *round)
{
	made.began = round->began;
	made.judged = round->judged;
	suspects_add(to, &made);
}

/* What the last round has of the suspect whose port is 1: never alone, in no order. */
static struct suspect last(const struct round *rounds, int count)
{
	struct suspects before = {}, now = {};
	struct suspect found = {};

	for (const struct round *round = rounds; round < rounds + count; round++) {
		if (round->suspect.flow.family)
			add(&now, round->suspect, round);
		for (uint16_t port = 100; port > 10; port--)
			add(&now, suspect(port, 1000 + round->began, 0), round);
		suspects_carry(&now, &before);
		suspects_end(&before);
		before = now;
		now = (struct suspects){};
	}
	for (size_t i = 0; i < before.count; i++)
		if (before.list[i].flow.end[INITIATOR].port == 1)
			found = before.list[i];
	suspects_end(&before);
	return found;
}

#define STORY(name, accused, quiet, ...) do { \
	const struct round rounds[] = { __VA_ARGS__ }; \
	struct suspect found = last(rounds, sizeof(rounds) / sizeof(*rounds)); \
	if (!ok(suspect_guilty(&found) == (accused) && suspect_settled(&found) == (quiet), \
		"%s", name)) \
		diag("%u rounds, since %ju", found.rounds, (uintmax_t)found.since); \
} while (0)

int main(void)
{
	struct suspect changed = suspect(1, 1200, 1200), end = suspect(1, 1200, 1200);

	opinions();
	STORY("one reading accuses nobody", false, false, { 0, 9, suspect(1, 1000, 1000) });
	STORY("nor does one that takes long", false, false, { 0, 999, suspect(1, 1999, 1999) });
	STORY("nor do three in no time", false, false, { 0, 9, suspect(1, 1000, 1000) },
	      { 150, 159, suspect(1, 1150, 1150) }, { 300, 309, suspect(1, 1300, 1300) });
	STORY("nor do two in a long time", false, false, { 0, 9, suspect(1, 1000, 1000) },
	      { 900, 909, suspect(1, 1900, 1900) });
	STORY("three that stood are enough", true, true, { 0, 9, suspect(1, 1000, 1000) },
	      { 200, 209, suspect(1, 1200, 1200) }, { 609, 619, suspect(1, 1610, 1610) });
	STORY("how long a reading takes is not how long it stood", false, false,
	      { 0, 100, suspect(1, 1000, 1000) }, { 200, 300, suspect(1, 1200, 1200) },
	      { 699, 799, suspect(1, 1700, 1700) });
	STORY("what had a segment meanwhile is asked about again", true, false,
	      { 0, 9, suspect(1, 1000, 1000) }, { 200, 209, suspect(1, 1200, 1200) },
	      { 609, 659, suspect(1, 1650, 649) });
	STORY("what agreed for a round begins anew", false, false,
	      { 0, 9, suspect(1, 1000, 1000) }, { 200, 209, {} },
	      { 400, 409, suspect(1, 1400, 1400) }, { 800, 809, suspect(1, 1800, 1800) },
	      { 1000, 1009, suspect(1, 2000, 2000) });
	STORY("so does a younger connection of the same name", false, false,
	      { 0, 9, suspect(1, 1000, 1000) }, { 500, 509, suspect(1, 100, 100) },
	      { 1000, 1009, suspect(1, 600, 600) });
	changed.socket = TCPSTATE_FIN_WAIT1;
	STORY("so does another state of the socket", false, false,
	      { 0, 9, suspect(1, 1000, 1000) }, { 500, 509, changed },
	      { 1000, 1009, suspect(1, 2000, 2000) });
	changed = suspect(1, 1200, 1200);
	changed.flow.end[INITIATOR].state = TCPSTATE_FIN_WAIT2;
	STORY("so does another state of the record", false, false,
	      { 0, 9, suspect(1, 1000, 1000) }, { 500, 509, changed },
	      { 1000, 1009, suspect(1, 2000, 2000) });
	end.end = RESPONDER;
	STORY("so does the other end", false, false,
	      { 0, 9, suspect(1, 1000, 1000) }, { 500, 509, end },
	      { 1000, 1009, suspect(1, 2000, 2000) });
	return done();
}
