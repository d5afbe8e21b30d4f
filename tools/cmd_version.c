// SPDX-License-Identifier: GPL-2.0
/* tcpstate version: the tool's and the loaded module's. */
#include <errno.h>
#include <stdio.h>

#include <json-c/json.h>

#include "channel.h"
#include "message.h"
#include "output.h"
#include "tool.h"

static void print(const struct options *options, const char *module)
{
	struct json_object *object;

	if (!options->json) {
		printf("tool    %s\n", TCPSTATE_VERSION);
		printf("module  %s\n", module ? module : "not loaded");
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "tool", json_object_new_string(TCPSTATE_VERSION));
	json_object_object_add(object, "module", module ? json_object_new_string(module) : NULL);
	output_json(options, object);
}

static int print_version(const struct nlmsghdr *nlh, void *data)
{
	struct stats stats;

	if (!message_stats(nlh, &stats))
		return -EBADMSG;
	print(data, stats.version);
	return 0;
}

int cmd_version(const struct options *options, char *const *words)
{
	struct channel channel;
	int status = DONE;
	int err;

	(void)words;
	err = channel_open(&channel);
	if (err == -ENOENT) {
		print(options, NULL);
		err = 0;
	} else if (!err) {
		err = channel_do(&channel, TCPSTATE_CMD_STATS_GET, print_version,
				 (void *)options);
	}
	if (err)
		status = channel_complain(&channel, err);
	channel_close(&channel);
	return status;
}
