/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's monotonic clock. */
#ifndef _SHIM_LINUX_KTIME_H
#define _SHIM_LINUX_KTIME_H

#include <time.h>

#include <linux/types.h>

#define NSEC_PER_USEC 1000L
#define USEC_PER_MSEC 1000L

static inline u64 ktime_get_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

#endif /* _SHIM_LINUX_KTIME_H */
