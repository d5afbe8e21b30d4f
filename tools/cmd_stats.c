// SPDX-License-Identifier: GPL-2.0
/* tcpstate stats: what a namespace counts. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "channel.h"
#include "figures.h"
#include "message.h"
#include "output.h"
#include "tool.h"

static struct json_object *states_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		const struct census *census = &stats->states[i];
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "initiator",
				       json_object_new_uint64(census->now[INITIATOR]));
		json_object_object_add(row, "responder",
				       json_object_new_uint64(census->now[RESPONDER]));
		json_object_object_add(row, "entered", json_object_new_uint64(census->entered));
		json_object_object_add(object, states[i].name, row);
	}
	return object;
}

static struct json_object *counters_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i <= TCPSTATE_A_COUNTER_MAX; i++)
		if (counters[i].name)
			json_object_object_add(object, counters[i].name,
					       json_object_new_uint64(stats->counters[i]));
	return object;
}

static struct json_object *stats_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "version", json_object_new_string(stats->version));
	json_object_object_add(object, "enabled", json_object_new_boolean(stats->enabled));
	json_object_object_add(object, "states", states_json(stats));
	json_object_object_add(object, "counters", counters_json(stats));
	figures_json(object, stats);
	return object;
}

static void states_text(const struct stats *stats)
{
	printf("%-11s%11s%11s%11s\n", "STATE", "INITIATOR", "RESPONDER", "ENTERED");
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		const struct census *census = &stats->states[i];
		uintmax_t initiators = census->now[INITIATOR];
		uintmax_t responders = census->now[RESPONDER];
		uintmax_t entered = census->entered;

		printf("%-11s%11ju%11ju%11ju\n", states[i].name, initiators, responders,
		       entered);
	}
}

/* A title for each group, and its counters below, two in a line. */
static void counters_text(const struct stats *stats)
{
	int column = 0;

	for (int i = 0; i <= TCPSTATE_A_COUNTER_MAX; i++) {
		uintmax_t value = stats->counters[i];

		if (!counters[i].name)
			continue;
		if (counters[i].group) {
			printf("%s\n%s\n", column ? "\n" : "", counters[i].group);
			column = 0;
		}
		printf("%s  %-20s%12ju", column == 2 ? "\n" : "", counters[i].name, value);
		column = column == 2 ? 1 : column + 1;
	}
	putchar('\n');
}

static int print_stats(const struct nlmsghdr *nlh, void *data)
{
	const struct options *options = data;
	struct stats stats;

	if (!message_stats(nlh, &stats))
		return -EBADMSG;
	if (options->json) {
		output_json(options, stats_json(&stats));
		return 0;
	}
	if (!stats.enabled)
		puts("Not watched here; to watch: sysctl -w net.tcpstate.enabled=1\n");
	states_text(&stats);
	counters_text(&stats);
	figures_text(&stats);
	return 0;
}

int cmd_stats(const struct options *options, char *const *words)
{
	struct channel channel;
	int status = DONE;
	int err;

	(void)words;
	err = channel_open(&channel);
	if (!err)
		err = channel_do(&channel, TCPSTATE_CMD_STATS_GET, print_stats, (void *)options);
	if (err)
		status = channel_complain(&channel, err);
	channel_close(&channel);
	return status;
}
