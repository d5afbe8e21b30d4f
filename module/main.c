// SPDX-License-Identifier: GPL-2.0
/* Order of initialisation, and its mirror image. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>

#include "netns.h"
#include "sweep.h"

/* Far beyond what memory allows; a slip of the hand ends here. */
#define LIMIT_MAX BIT(26)

unsigned int tcpstate_max_flows;
module_param_named(max_flows, tcpstate_max_flows, uint, 0444);
MODULE_PARM_DESC(max_flows, "flows in a network namespace (default: one per 32 KiB of memory)");

unsigned int tcpstate_max_halfopen;
module_param_named(max_halfopen, tcpstate_max_halfopen, uint, 0444);
MODULE_PARM_DESC(max_halfopen,
		 "half-opens in a network namespace (default: one per 64 KiB of memory, at most 65536)");

unsigned int tcpstate_max_listeners;
module_param_named(max_listeners, tcpstate_max_listeners, uint, 0444);
MODULE_PARM_DESC(max_listeners, "listeners in a network namespace (default: 1024)");

/* A limit that was not given, and so is 0, follows from the memory that there is. */
static int __init set_limit(const char *name, unsigned int *limit, u64 fitting,
			    unsigned int least, unsigned int most)
{
	if (!*limit)
		*limit = clamp_t(u64, fitting, least, most);
	if (*limit <= LIMIT_MAX)
		return 0;
	pr_err("%s=%u is out of range, at most %lu\n", name, *limit, LIMIT_MAX);
	return -EINVAL;
}

static int __init set_limits(void)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;

	return set_limit("max_flows", &tcpstate_max_flows, memory >> 15, 16384, 1U << 22) ?:
	       set_limit("max_halfopen", &tcpstate_max_halfopen, memory >> 16, 4096, 65536) ?:
	       set_limit("max_listeners", &tcpstate_max_listeners, 1024, 1024, 1024);
}

static int __init tcpstate_init(void)
{
	int err;

	err = set_limits();
	if (err)
		return err;
	err = tcpstate_record_init();
	if (err)
		return err;
	err = tcpstate_sweep_init();
	if (err)
		goto exit_record;
	err = tcpstate_netns_init();
	if (err)
		goto exit_sweep;
	err = tcpstate_proc_init();
	if (err)
		goto exit_netns;
	pr_info("at most %u flows, %u half-open, %u listeners in a network namespace\n",
		tcpstate_max_flows, tcpstate_max_halfopen, tcpstate_max_listeners);
	return 0;

exit_netns:
	tcpstate_netns_exit();
exit_sweep:
	tcpstate_sweep_exit();
exit_record:
	tcpstate_record_exit();
	return err;
}

static void __exit tcpstate_exit(void)
{
	tcpstate_proc_exit();
	tcpstate_netns_exit();
	tcpstate_sweep_exit();
	tcpstate_record_exit();
}

module_init(tcpstate_init);
module_exit(tcpstate_exit);

MODULE_DESCRIPTION("Which RFC 9293 states the TCP connections through this machine are in");
MODULE_AUTHOR("The tcpstate founders");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
