// SPDX-License-Identifier: GPL-2.0
/* tcpstate monitor: what becomes of connections or of verdicts, as it happens. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "feed.h"
#include "filter.h"
#include "message.h"
#include "output.h"
#include "sieve.h"
#include "tool.h"

struct monitor;

static int tell_flow(struct monitor *monitor, const struct nlmsghdr *nlh);
static int tell_alert(struct monitor *monitor, const struct nlmsghdr *nlh);

/**
 * struct group - that can be listened to
 * @name: on the command line, and the module's
 * @seq: its last number, in struct numbers
 * @kind: of a filter for it
 * @description: of what it tells of
 * @view: of that
 * @tell: tells of one. Returns 1 where it passes the filter, 0 where it does not, or
 *	a negative errno
 */
static const struct group {
	const char *name;
	size_t seq;
	enum filter_kind kind;
	const struct description *description;
	enum view view;
	int (*tell)(struct monitor *monitor, const struct nlmsghdr *nlh);
} groups[] = {
	{ TCPSTATE_GENL_GROUP_FLOWS, offsetof(struct numbers, flows), FILTER_FLOWS,
	  &flow_description, VIEW_EVENT, tell_flow },
	{ TCPSTATE_GENL_GROUP_CLOSED, offsetof(struct numbers, closed), FILTER_FLOWS,
	  &flow_description, VIEW_EVENT, tell_flow },
	{ TCPSTATE_GENL_GROUP_ALERTS, offsetof(struct numbers, alerts), FILTER_ALERTS,
	  &account_description, VIEW_ALERT, tell_alert },
};

/**
 * struct monitor - under way
 * @feed: what is read
 * @group: of what
 * @filter: what of it is printed
 * @output: where
 * @printed: events
 */
struct monitor {
	struct feed feed;
	const struct group *group;
	struct filter filter;
	struct output *output;
	uint64_t printed;
};

static void tell_missed(struct feed *feed, uint64_t count)
{
	printf(feed->options->json ? "{\"event\":\"lost\",\"count\":%" PRIu64 "}\n" :
				     "lost %" PRIu64 "\n", count);
}

static int tell_flow(struct monitor *monitor, const struct nlmsghdr *nlh)
{
	struct flow flow;

	if (!message_flow(nlh, &flow) || !flow.event)
		return -EBADMSG;
	feed_number(&monitor->feed, flow.seq);
	if (!sieve_passes(&monitor->filter, &flow))
		return 0;
	output_record(monitor->output, &flow);
	return 1;
}

static int tell_alert(struct monitor *monitor, const struct nlmsghdr *nlh)
{
	struct account account;

	if (!account_alert(nlh, &account))
		return -EBADMSG;
	feed_number(&monitor->feed, account.seq);
	if (!sieve_passes_alert(&monitor->filter, &account))
		return 0;
	output_record(monitor->output, &account);
	return 1;
}

static int read_event(struct feed *feed, const struct nlmsghdr *nlh)
{
	struct monitor *monitor = (struct monitor *)feed;
	int told = monitor->group->tell(monitor, nlh);

	if (told <= 0)
		return told;
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
	monitor.group = group;
	feed->group = group->name;
	feed->last = group->seq;
	if (!filter_parse(&monitor.filter, group->kind, options->family, words, why,
			  sizeof(why)))
		return misused("%s", why);
	monitor.output = output_begin(options, group->description, group->view);
	if (!monitor.output)
		return channel_complain(&feed->channel, -ENOMEM);
	status = feed_run(feed);
	if (feed->received + feed->lost && (!options->json || feed->lost))
		fprintf(stderr, "tcpstate: %" PRIu64 " events received, %" PRIu64 " lost\n",
			feed->received, feed->lost);
	output_end(monitor.output, true);
	return status;
}
