// SPDX-License-Identifier: GPL-2.0
#include "plans.h"

/* The ISSs of a host's lives, rising as RFC 9293 3.4.1 has them; and falling. */
#define ISS(n) { (n), (n) + 100u, (n) + 200u }
#define ISS_FALLING(n) { (n), (n) - 100u, (n) - 200u }

/* Text or FIN wraps. */
#define WRAP 0xfffffffeu
#define HALF 0x7ffffffeu

#define STACK(n, ...) { .iss = ISS(n), __VA_ARGS__ }
#define BOTH(...) { STACK(WRAP, __VA_ARGS__), STACK(HALF, __VA_ARGS__) }
#define FALLING(...) { { .iss = ISS_FALLING(WRAP), __VA_ARGS__ }, \
		       { .iss = ISS_FALLING(HALF), __VA_ARGS__ } }

#define ON_BOTH (ON_BEFORE | ON_BEHIND)

/* A user who sends so often, so many octets at most, closes, and what else is said. */
#define CALLS(sends, most, ...) { .send = sends, .octets = most, .close = 1, __VA_ARGS__ }
const struct plan quick_plans[] = {
	/* In order, nothing lost: every property holds in full. */
	{
		.name = "in order",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(2, 2, .open = 1), CALLS(2, 2) },
		.listens = 1 << B,
	}, {
		.name = "in order, roles exchanged",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 2), CALLS(1, 2, .open = 1) },
		.listens = 1 << A,
	}, {
		.name = "in order, delayed ACKs",
		.stack = BOTH(.buffer = 2, .delayed_ack = true),
		.calls = { CALLS(2, 2, .open = 1), CALLS(2, 2) },
		.listens = 1 << B,
	}, {
		.name = "in order, aborts",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .abort = 1) },
		.listens = 1 << B,
	}, {
		.name = "in order, windows of one octet",
		.stack = BOTH(.buffer = 1, .slow_reader = true),
		.calls = { CALLS(2, 1, .open = 1), CALLS(1, 1) },
		.listens = 1 << B,
	}, {
		.name = "in order, keep-alives",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .keepalive = 1), CALLS(1, 1, .keepalive = 1) },
		.listens = 1 << B,
	}, {
		.name = "in order, closed for good",
		.stack = BOTH(.buffer = 2, .for_good = true),
		.calls = { CALLS(2, 1, .open = 1), CALLS(1, 2) },
		.listens = 1 << B,
	}, {
		.name = "simultaneous open",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .open = 1, .abort = 1) },
	}, {
		.name = "simultaneous open, figure 7",
		.stack = BOTH(.buffer = 2, .figure7 = true),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1, .open = 1) },
	}, {
		.name = "opens whenever it likes",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(0, 0, .open = 1, .listen = 1),
			   CALLS(0, 0, .open = 1, .listen = 1) },
	},
	/* Numbers are compared modulo 2^32, so the ISSs must not matter. */
	{
		.name = "everywhere",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 2, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
		.everywhere = true,
	},
	/* Lost, twice, out of turn: before the observer and behind it. */
	{
		.name = "one lost",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .abort = 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one lost, whole retransmissions, delayed ACKs",
		.stack = BOTH(.buffer = 2, .delayed_ack = true, .whole = true),
		.calls = { CALLS(1, 2, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one lost, windows of one octet",
		.stack = BOTH(.buffer = 1, .slow_reader = true),
		.calls = { CALLS(2, 1, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one lost, closed for good",
		.stack = BOTH(.buffer = 2, .for_good = true),
		.calls = { CALLS(1, 1, .open = 1), CALLS(2, 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one lost, simultaneous open",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(0, 0, .open = 1), CALLS(1, 1, .open = 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
	}, {
		.name = "one lost, simultaneous open, figure 7",
		.stack = BOTH(.buffer = 2, .figure7 = true),
		.calls = { CALLS(0, 0, .open = 1), CALLS(1, 1, .open = 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
	}, {
		.name = "one lost, RFC 793",
		.stack = BOTH(.buffer = 2, .classic = true),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .abort = 1) },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "two lost",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 2, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one twice",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .abort = 1) },
		.faults = { .dup = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one out of turn",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .abort = 1) },
		.faults = { .overtake = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one lost, one twice, one out of turn",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(0, 0) },
		.faults = { .lose = 1, .dup = 1, .overtake = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one sent again too early",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1) },
		.faults = { .spurious = 1, .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	},
	/* One connection after another. */
	{
		.name = "reuse",
		.stack = BOTH(.buffer = 2),
		.calls = { { .open = 2, .close = 2 }, { .close = 2, .listen = 1 } },
		.faults = { .expire = 1 },
		.listens = 1 << B,
	}, {
		.name = "reuse by ISSs that fall",
		.stack = FALLING(.buffer = 2),
		.calls = { { .open = 2, .close = 2 }, { .close = 2, .listen = 1 } },
		.faults = { .expire = 1 },
		.listens = 1 << B,
	}, {
		.name = "reuse, roles exchanged",
		.stack = BOTH(.buffer = 2),
		.calls = { { .open = 1, .close = 2, .listen = 1 },
			   { .open = 1, .close = 2, .listen = 1 } },
		.faults = { .expire = 1 },
		.listens = 1 << B,
	}, {
		.name = "reuse, one lost",
		.stack = BOTH(.buffer = 2),
		.calls = { { .open = 2, .close = 2 }, { .close = 2, .listen = 1 } },
		.faults = { .lose = 1, .expire = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "reuse, one twice",
		.stack = BOTH(.buffer = 2),
		.calls = { { .open = 2, .close = 2 }, { .close = 2, .listen = 1 } },
		.faults = { .dup = 1, .expire = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one gives up and comes again",
		.stack = BOTH(.buffer = 2),
		.calls = { { .open = 2, .send = 1, .octets = 1, .give_up = 1 },
			   { .send = 1, .octets = 1, .close = 1, .listen = 1 } },
		.faults = { .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "timers of the observer that run out early",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 1, .expire = 2, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "one unseen, one lost",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1) },
		.faults = { .skip = 1, .lose = 1, .where = ON_BOTH },
		.listens = 1 << B,
	},
};

const unsigned int quick_count = sizeof(quick_plans) / sizeof(quick_plans[0]);

const struct plan deep_plans[] = {
	{
		.name = "any order, one lost, one twice",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(0, 0) },
		.faults = { .lose = 1, .dup = 1, .overtake = ANY, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "three lost",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 3, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "two lost, aborts",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1, .abort = 1), CALLS(1, 1, .abort = 1) },
		.faults = { .lose = 2, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "two lost, windows of one octet, whole retransmissions",
		.stack = BOTH(.buffer = 1, .slow_reader = true, .whole = true),
		.calls = { CALLS(2, 1, .open = 1), CALLS(2, 1) },
		.faults = { .lose = 2, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "two lost, simultaneous open",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1, .open = 1) },
		.faults = { .lose = 2, .where = ON_BOTH },
	}, {
		.name = "one lost, one twice, one out of turn, both send",
		.stack = BOTH(.buffer = 2),
		.calls = { CALLS(1, 1, .open = 1), CALLS(1, 1) },
		.faults = { .lose = 1, .dup = 1, .overtake = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "reuse, two lost",
		.stack = BOTH(.buffer = 2),
		.calls = { { .open = 2, .close = 2 }, { .close = 2, .listen = 1 } },
		.faults = { .lose = 2, .expire = 1, .where = ON_BOTH },
		.listens = 1 << B,
	}, {
		.name = "reuse by ISSs that fall, one lost, one out of turn",
		.stack = FALLING(.buffer = 2),
		.calls = { { .open = 2, .close = 2 }, { .close = 2, .listen = 1 } },
		.faults = { .lose = 1, .overtake = 1, .expire = 1, .where = ON_BOTH },
		.listens = 1 << B,
	},
};

const unsigned int deep_count = sizeof(deep_plans) / sizeof(deep_plans[0]);
