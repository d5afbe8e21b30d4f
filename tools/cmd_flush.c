// SPDX-License-Identifier: GPL-2.0
/* tcpstate flush: forget every connection. */
#include "channel.h"
#include "message.h"
#include "tool.h"

int cmd_flush(const struct options *options, char *const *words)
{
	struct channel channel;
	int status = DONE;
	int err;

	(void)options;
	(void)words;
	err = channel_open(&channel);
	if (!err)
		err = channel_do(&channel, TCPSTATE_CMD_FLUSH, NULL, NULL);
	if (err)
		status = channel_complain(&channel, err);
	channel_close(&channel);
	return status;
}
