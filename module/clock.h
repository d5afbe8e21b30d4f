/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock: milliseconds since boot, as fine as the tick. Deadlines and stamps are the
 * low 32 bits of it, which wrap after 49 days; so both are compared modulo 2^32.
 */
#ifndef _TCPSTATE_CLOCK_H
#define _TCPSTATE_CLOCK_H

#include <linux/jiffies.h>

/* Returns the milliseconds since boot, rounded down. */
static inline u64 tcpstate_now64(void)
{
	return jiffies64_to_msecs(get_jiffies_64());
}

/* Returns tcpstate_now64() modulo 2^32. */
static inline u32 tcpstate_now(void)
{
	/*
	 * The same without a call for every segment. jiffies_to_msecs() would round up
	 * where HZ does not divide 1000, and on 32 bits wrap before 2^32 milliseconds.
	 */
	if (!(MSEC_PER_SEC % HZ))
		return (u32)jiffies * (MSEC_PER_SEC / HZ);
	return tcpstate_now64();
}

/* Has the moment @when come at @now? They are less than 2^31 milliseconds apart. */
static inline bool tcpstate_due(u32 when, u32 now)
{
	return (s32)(now - when) >= 0;
}

#endif /* _TCPSTATE_CLOCK_H */
