/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock: milliseconds since boot, as fine as the tick. Deadlines and stamps are the
 * low 32 bits of it, which wrap after 49 days; so both are compared modulo 2^32.
 */
#ifndef _TCPSTATE_CLOCK_H
#define _TCPSTATE_CLOCK_H

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#ifdef TCPSTATE_TEST_CLOCK
extern u64 tcpstate_clock;
#endif

/* Returns the milliseconds at which a test has stopped the clock, 0 while it runs. */
static inline u64 tcpstate_clock_stopped(void)
{
#ifdef TCPSTATE_TEST_CLOCK
	return READ_ONCE(tcpstate_clock);
#else
	return 0;
#endif
}

/* Returns the milliseconds since boot, rounded down. */
static inline u64 tcpstate_now64(void)
{
	return tcpstate_clock_stopped() ?: jiffies64_to_msecs(get_jiffies_64());
}

/* Returns tcpstate_now64() modulo 2^32. */
static inline u32 tcpstate_now(void)
{
	/*
	 * The same without a call for every segment. jiffies_to_msecs() would round up
	 * where HZ does not divide 1000, and on 32 bits wrap before 2^32 milliseconds.
	 */
	if (!(MSEC_PER_SEC % HZ) && !tcpstate_clock_stopped())
		return (u32)jiffies * (MSEC_PER_SEC / HZ);
	return tcpstate_now64();
}

/* Returns microseconds modulo 2^32, to tell how long a handshake took: under an hour. */
static inline u32 tcpstate_stopwatch(void)
{
	if (tcpstate_clock_stopped())
		return tcpstate_clock_stopped() * USEC_PER_MSEC;
	return div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

/* Has the moment @when come at @now? They are less than 2^31 milliseconds apart. */
static inline bool tcpstate_due(u32 when, u32 now)
{
	return (s32)(now - when) >= 0;
}

#endif /* _TCPSTATE_CLOCK_H */
