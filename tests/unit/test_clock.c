// SPDX-License-Identifier: GPL-2.0
/*
 * The module's clock at the tick rates that kernels are built with, and at one that does
 * not divide a second either. Each rate is a file of its own: see clock_of.h.
 */
#include "ktap.h"
#include "clock_of.h"

/* Around each of these the ticks are tried one by one. */
static const u64 near[] = {
	0,
	0xffffffffULL - 300 * 100,	/* INITIAL_JIFFIES and the like: five minutes to go */
	1ULL << 32,			/* jiffies of 32 bits wrap */
	(1ULL << 32) / 1000 * 100,	/* 2^32 milliseconds, by the rate */
	(1ULL << 32) / 1000 * 250,
	(1ULL << 32) / 1000 * 300,
	(1ULL << 32) / 1000 * 1024,
	5ULL << 32,
};

#define SPAN 5000

/* Calls @holds at every tick to be tried; returns the first at which it does not, or -1. */
static s64 first_not(const struct clock *clock, bool (*holds)(const struct clock *clock, u64 tick))
{
	unsigned int i;
	u64 tick;

	for (i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		for (tick = near[i] < SPAN ? 0 : near[i] - SPAN; tick < near[i] + SPAN; tick++)
			if (!holds(clock, tick))
				return tick;
	return -1;
}

static bool halves_agree(const struct clock *clock, u64 tick)
{
	clock->set(tick);
	return clock->now() == (u32)clock->now64();
}

static bool is_exact(const struct clock *clock, u64 tick)
{
	clock->set(tick);
	return clock->now64() == tick * 1000 / clock->hz;
}

/* A stamp of the 32 bits, and one of the 64, are of the same age a moment later. */
static bool ages(const struct clock *clock, u64 tick)
{
	u32 stamp, stamp64;

	clock->set(tick);
	stamp = clock->now();
	stamp64 = clock->now64();
	clock->set(tick + clock->hz / 4);
	return clock->now() - stamp64 - 250 + 10 <= 20 && (u32)clock->now64() - stamp - 250 + 10 <= 20;
}

static bool falls_due(const struct clock *clock, u64 tick)
{
	u32 deadline;

	clock->set(tick);
	deadline = clock->now() + 5000;
	if (clock->due(deadline, clock->now()))
		return false;
	clock->set(tick + 5 * clock->hz + 1);
	return clock->due(deadline, clock->now());
}

static void claim(const struct clock *clock, const char *what,
		  bool (*holds)(const struct clock *clock, u64 tick))
{
	s64 tick = first_not(clock, holds);

	if (ok(tick < 0, "HZ=%u: %s", clock->hz, what))
		return;
	clock->set(tick);
	diag("at tick %#llx now() is %u, now64() %llu", (unsigned long long)tick, clock->now(),
	     (unsigned long long)clock->now64());
}

int main(void)
{
	const struct clock *const clocks[] = {
		&clock_100, &clock_250, &clock_300, &clock_1000, &clock_1024,
	};
	unsigned int i;

	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		claim(clocks[i], "the low half of the time is the time of 32 bits", halves_agree);
		claim(clocks[i], "milliseconds are the ticks' rounded down", is_exact);
		claim(clocks[i], "a stamp of either width is as old as it is", ages);
		claim(clocks[i], "a deadline comes after five seconds and not before", falls_due);
	}
	return done();
}
