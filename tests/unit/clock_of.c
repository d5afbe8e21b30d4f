// SPDX-License-Identifier: GPL-2.0
/* Built once for each rate of ticks, with -DHZ=. */
#include "clock_of.h"

#define JOIN(a, b) a##b
#define CLOCK(hz) JOIN(clock_, hz)

static u64 ticks;

#define get_jiffies_64() ticks
#define jiffies ((unsigned long)ticks)

#include "clock.h"

static void set(u64 to)
{
	ticks = to;
}

const struct clock CLOCK(HZ) = {
	.hz = HZ, .set = set, .now64 = tcpstate_now64, .now = tcpstate_now, .due = tcpstate_due,
};
