// SPDX-License-Identifier: GPL-2.0
/* tcpstate flows, tcpstate halfopen: connections one by one. */
#include <errno.h>
#include <stdio.h>

#include "channel.h"
#include "filter.h"
#include "interrupt.h"
#include "message.h"
#include "output.h"
#include "seen.h"
#include "tool.h"

/* How often a dump is read that the kernel will not vouch for. */
#define ATTEMPTS 8

/**
 * struct listing - under way
 * @output: where it goes
 * @seen: what went there
 * @again: a dump is read anew, so what was seen is no news
 */
struct listing {
	struct output *output;
	struct seen seen;
	bool again;
};

static int list_flow(const struct nlmsghdr *nlh, void *data)
{
	struct listing *listing = data;
	struct flow flow;
	int new;

	if (interrupted())
		return -EINTR;
	if (!message_flow(nlh, &flow))
		return -EBADMSG;
	new = seen_add(&listing->seen, &flow);
	if (new < 0)
		return new;
	/* Twice in one dump is the kernel's word, and none of ours to doubt. */
	if (new || !listing->again)
		output_flow(listing->output, &flow);
	/* What is wrong with it is main()'s to say. */
	return ferror(stdout) ? 1 : 0;
}

static int list(const struct options *options, char *const *words, uint8_t command,
		enum view view)
{
	struct listing listing = {};
	struct channel channel;
	struct filter filter;
	bool whole = false;
	int status = DONE;
	char why[256];
	int err;

	if (!filter_parse(&filter, options->family, words, why, sizeof(why)))
		return misused("%s", why);
	err = channel_open(&channel);
	if (err) {
		status = channel_complain(&channel, err);
		goto close;
	}
	listing.output = output_begin(options, view);
	if (!listing.output) {
		status = channel_complain(&channel, -ENOMEM);
		goto close;
	}
	seen_begin(&listing.seen);
	for (int i = 0; i < ATTEMPTS && !err && !whole; i++) {
		listing.again = i;
		err = channel_dump(&channel, command, &filter, list_flow, &listing, &whole);
	}
	output_end(listing.output, !err || err == -EINTR);
	seen_end(&listing.seen);
	if (err < 0)
		status = channel_complain(&channel, err);
	else if (!err && !whole)
		status = refused("connections may be missing, in all of %d dumps: try again",
				 ATTEMPTS);
close:
	channel_close(&channel);
	return status;
}

int cmd_flows(const struct options *options, char *const *words)
{
	return list(options, words, TCPSTATE_CMD_FLOW_GET, VIEW_FLOW);
}

int cmd_halfopen(const struct options *options, char *const *words)
{
	return list(options, words, TCPSTATE_CMD_HALFOPEN_GET, VIEW_HALFOPEN);
}
