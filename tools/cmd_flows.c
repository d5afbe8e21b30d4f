// SPDX-License-Identifier: GPL-2.0
/* tcpstate flows, tcpstate halfopen: connections one by one. */
#include "listing.h"
#include "tool.h"

static bool read_flow(const struct nlmsghdr *nlh, union record *record)
{
	return message_flow(nlh, &record->flow);
}

static int list(const struct options *options, char *const *words, uint8_t command,
		enum view view)
{
	const struct listing listing = {
		.command = command,
		.kind = FILTER_FLOWS,
		.description = &flow_description,
		.view = view,
		.names = "connections",
		.read = read_flow,
		.ends = offsetof(struct flow, end),
		.count = ENDS,
	};

	return listing_print(&listing, options, words);
}

int cmd_flows(const struct options *options, char *const *words)
{
	return list(options, words, TCPSTATE_CMD_FLOW_GET, VIEW_FLOW);
}

int cmd_halfopen(const struct options *options, char *const *words)
{
	return list(options, words, TCPSTATE_CMD_HALFOPEN_GET, VIEW_HALFOPEN);
}
