// SPDX-License-Identifier: GPL-2.0
/* Order of initialisation, and its mirror image. */
#include <linux/module.h>

#include "batch.h"
#include "judge.h"
#include "netns.h"
#include "sweep.h"

static int __init tcpstate_init(void)
{
	int err;

	err = tcpstate_record_init();
	if (err)
		return err;
	err = tcpstate_batch_init();
	if (err)
		goto exit_record;
	err = tcpstate_event_init();
	if (err)
		goto exit_batch;
	err = tcpstate_sweep_init();
	if (err)
		goto exit_event;
	err = tcpstate_slots_init();
	if (err)
		goto exit_sweep;
	err = tcpstate_judges_init();
	if (err)
		goto exit_slots;
	err = tcpstate_netns_init();
	if (err)
		goto exit_judges;
	err = tcpstate_proc_init();
	if (err)
		goto exit_netns;
	err = tcpstate_netlink_init();
	if (err)
		goto exit_proc;
	return 0;

exit_proc:
	tcpstate_proc_exit();
exit_netns:
	tcpstate_netns_exit();
exit_judges:
	tcpstate_judges_exit();
exit_slots:
	tcpstate_slots_exit();
exit_sweep:
	tcpstate_sweep_exit();
exit_event:
	tcpstate_event_exit();
exit_batch:
	tcpstate_batch_exit();
exit_record:
	tcpstate_record_exit();
	return err;
}

static void __exit tcpstate_exit(void)
{
	tcpstate_netns_stop();
	tcpstate_netlink_exit();
	tcpstate_proc_exit();
	tcpstate_netns_exit();
	tcpstate_judges_exit();
	tcpstate_slots_exit();
	tcpstate_sweep_exit();
	tcpstate_event_exit();
	tcpstate_batch_exit();
	tcpstate_record_exit();
}

module_init(tcpstate_init);
module_exit(tcpstate_exit);

MODULE_DESCRIPTION("Which RFC 9293 states the TCP connections through this machine are in");
MODULE_AUTHOR("The tcpstate founders");
MODULE_LICENSE("GPL");
MODULE_VERSION(TCPSTATE_VERSION);
