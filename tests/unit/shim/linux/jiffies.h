/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's conversions of ticks for a rate HZ: of 64 bits they round down, of an
 * unsigned long up, unless a tick is a whole number of milliseconds.
 */
#ifndef _SHIM_LINUX_JIFFIES_H
#define _SHIM_LINUX_JIFFIES_H

#include <linux/types.h>

#define MSEC_PER_SEC 1000U

static inline u64 jiffies64_to_msecs(u64 ticks)
{
	return ticks * MSEC_PER_SEC / HZ;
}

static inline unsigned int jiffies_to_msecs(unsigned long ticks)
{
	return (ticks * MSEC_PER_SEC + HZ - 1) / HZ;
}

#endif /* _SHIM_LINUX_JIFFIES_H */
