// SPDX-License-Identifier: GPL-2.0
/* tcpstate monitor: what becomes of connections, as it happens. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "feed.h"
#include "filter.h"
#include "message.h"
#include "output.h"
#include "sieve.h"
#include "tool.h"

/**
 * struct group - that can be listened to
 * @name: on the command line, and the module's
 * @seq: its last number, in struct numbers
 */
static const struct group {
	const char *name;
	size_t seq;
} groups[] = {
	{ TCPSTATE_GENL_GROUP_FLOWS, offsetof(struct numbers, flows) },
	{ TCPSTATE_GENL_GROUP_CLOSED, offsetof(struct numbers, closed) },
	{ "alerts" },
};

/**
 * struct monitor - under way
 * @feed: what is read
 * @filter: what of it is printed
 * @output: where
 * @printed: events
 */
struct monitor {
	struct feed feed;
	struct filter filter;
	struct output *output;
	uint64_t printed;
};

static void tell_missed(struct feed *feed, uint64_t count)
{
	printf(feed->options->json ? "{\"event\":\"lost\",\"count\":%" PRIu64 "}\n" :
				     "lost %" PRIu64 "\n", count);
}

static int read_event(struct feed *feed, const struct nlmsghdr *nlh)
{
	struct monitor *monitor = (struct monitor *)feed;
	struct flow flow;

	if (!message_flow(nlh, &flow) || !flow.event)
		return -EBADMSG;
	feed_number(feed, flow.seq);
	if (!sieve_passes(&monitor->filter, &flow))
		return 0;
	output_flow(monitor->output, &flow);
	return ++monitor->printed == feed->options->count ? FEED_ENOUGH : 0;
}

int cmd_monitor(const struct options *options, char *const *words)
{
	struct monitor monitor = {
		.feed = { .options = options, .read = read_event, .missed = tell_missed },
	};
	const struct group *group = &groups[0];
	struct feed *feed = &monitor.feed;
	char why[256];
	int status;

	for (size_t i = 0; *words && i < sizeof(groups) / sizeof(*groups); i++) {
		if (!strcmp(*words, groups[i].name)) {
			group = &groups[i];
			words++;
			break;
		}
	}
	feed->group = group->name;
	feed->last = group->seq;
	if (!filter_parse(&monitor.filter, options->family, words, why, sizeof(why)))
		return misused("%s", why);
	monitor.output = output_begin(options, VIEW_EVENT);
	if (!monitor.output)
		return channel_complain(&feed->channel, -ENOMEM);
	status = feed_run(feed);
	if (feed->received + feed->lost && (!options->json || feed->lost))
		fprintf(stderr, "tcpstate: %" PRIu64 " events received, %" PRIu64 " lost\n",
			feed->received, feed->lost);
	output_end(monitor.output, true);
	return status;
}
