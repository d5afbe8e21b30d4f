// SPDX-License-Identifier: GPL-2.0
/*
 * A clock that tests stop and move. It is part of modules that are built with
 * TCPSTATE_TEST_CLOCK=y, as tests/vm/run does, and of no others. A test that moves it
 * depends on no machine's speed. Workers run by the kernel's own clock all the same.
 */
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

#include "clock.h"

u64 tcpstate_clock;

static int set_clock(const char *value, const struct kernel_param *param)
{
	u64 stopped;
	int err = kstrtou64(value, 0, &stopped);

	if (!err)
		WRITE_ONCE(tcpstate_clock, stopped);
	return err;
}

static int get_clock(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%llu\n", tcpstate_now64());
}

static const struct kernel_param_ops clock_ops = {
	.set = set_clock,
	.get = get_clock,
};

module_param_cb(clock, &clock_ops, NULL, 0600);
MODULE_PARM_DESC(clock, "milliseconds since boot at which the clock stands, 0: it runs (for tests)");
