/* SPDX-License-Identifier: GPL-2.0 */
/* The module's clock, as it is compiled for some rate of ticks. */
#ifndef _TCPSTATE_CLOCK_OF_H
#define _TCPSTATE_CLOCK_OF_H

#include <linux/types.h>

/**
 * struct clock - a clock of some rate
 * @hz: the rate
 * @set: sets the number of ticks since boot
 * @now64: tcpstate_now64()
 * @now: tcpstate_now()
 * @due: tcpstate_due()
 */
struct clock {
	unsigned int hz;
	void (*set)(u64 ticks);
	u64 (*now64)(void);
	u32 (*now)(void);
	bool (*due)(u32 when, u32 now);
};

extern const struct clock clock_100, clock_250, clock_300, clock_1000, clock_1024;

#endif /* _TCPSTATE_CLOCK_OF_H */
