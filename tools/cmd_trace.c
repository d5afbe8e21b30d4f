// SPDX-License-Identifier: GPL-2.0
/* tcpstate trace: every segment of some connections, as a ladder diagram or as JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "feed.h"
#include "filter.h"
#include "ladder.h"
#include "message.h"
#include "output.h"
#include "sieve.h"
#include "tool.h"

/**
 * struct trace - under way
 * @feed: what is read; the trace is that of its socket
 * @filter: what is told; others may trace other connections, and all hear of all
 * @ladder: where it is drawn, unless it is JSON
 * @printed: segments
 */
struct trace {
	struct feed feed;
	struct filter filter;
	struct ladder ladder;
	uint64_t printed;
};

static const char *const ends[ENDS] = { "initiator", "responder" };

/* By bit. */
static const char *const flags[8] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
#define ACK 0x10

static void add_string(struct json_object *object, const char *key, const char *string)
{
	json_object_object_add(object, key, json_object_new_string(string));
}

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static void add_end(struct json_object *object, const struct segment *segment, enum end which)
{
	const struct endpoint *end = &segment->end[which];
	char text[INET6_ADDRSTRLEN], key[32];

	add_string(object, ends[which],
		   inet_ntop(segment->family, end->addr, text, sizeof(text)));
	snprintf(key, sizeof(key), "%s_port", ends[which]);
	add_number(object, key, end->port);
	snprintf(key, sizeof(key), "%s_state", ends[which]);
	add_string(object, key, states[end->state].name);
}

static void print_json(const struct options *options, const struct segment *segment)
{
	struct json_object *object = json_object_new_object();
	struct json_object *set = json_object_new_array();
	struct json_object *told = json_object_new_array();
	char text[OUTPUT_TIME];

	for (int i = 0; i < 8; i++)
		if (segment->flags >> i & 1)
			json_object_array_add(set, json_object_new_string(flags[i]));
	for (int i = 0; i < TCPSTATE_FACT_MAX; i++)
		if (segment->facts >> i & 1)
			json_object_array_add(told, json_object_new_string(facts[i].name));
	add_number(object, "seq", segment->seq);
	add_string(object, "time", output_time(segment->time, text, sizeof(text)));
	add_string(object, "family", segment->family == AF_INET ? "ipv4" : "ipv6");
	add_end(object, segment, INITIATOR);
	add_end(object, segment, RESPONDER);
	add_string(object, "from", ends[segment->from]);
	json_object_object_add(object, "flags", set);
	add_number(object, "seq_number", segment->number);
	add_number(object, "relative_seq", segment->relative_number);
	if (segment->flags & ACK) {
		add_number(object, "ack_number", segment->ack);
		add_number(object, "relative_ack", segment->relative_ack);
	}
	add_number(object, "length", segment->length);
	add_number(object, "window", segment->window);
	add_number(object, "count", segment->count);
	json_object_object_add(object, "facts", told);
	if (segment->reason)
		add_string(object, "reason", reasons[segment->reason]);
	output_json(options, object);
}

static void tell_missed(struct feed *feed, uint64_t count)
{
	struct trace *trace = (struct trace *)feed;

	if (feed->options->json)
		printf("{\"event\":\"lost\",\"count\":%ju}\n", (uintmax_t)count);
	else
		ladder_lost(&trace->ladder, count);
}

/* Of the filter, what a segment says something about. */
static bool is_wanted(const struct filter *filter, const struct segment *segment)
{
	struct flow flow = { .family = segment->family };
	struct filter known = *filter;

	flow.end[INITIATOR] = segment->end[INITIATOR];
	flow.end[RESPONDER] = segment->end[RESPONDER];
	known.min_age = 0;
	known.min_idle = 0;
	known.picked_up = FILTER_EITHER;
	known.one_sided = FILTER_EITHER;
	return sieve_passes(&known, &flow);
}

static int read_segment(struct feed *feed, const struct nlmsghdr *nlh)
{
	struct trace *trace = (struct trace *)feed;
	struct segment segment;

	if (!message_segment(nlh, &segment))
		return -EBADMSG;
	feed_number(feed, segment.seq);
	if (!is_wanted(&trace->filter, &segment))
		return 0;
	if (feed->options->json)
		print_json(feed->options, &segment);
	else
		ladder_segment(&trace->ladder, &segment);
	return ++trace->printed == feed->options->count ? FEED_ENOUGH : 0;
}

static int set_trace(struct feed *feed)
{
	return channel_set(&feed->channel, TCPSTATE_CMD_TRACE_SET,
			   &((struct trace *)feed)->filter);
}

int cmd_trace(const struct options *options, char *const *words)
{
	struct trace trace = {
		.feed = {
			.options = options,
			.group = TCPSTATE_GENL_GROUP_SEGMENTS,
			.last = offsetof(struct numbers, segments),
			.joined = set_trace,
			.read = read_segment,
			.missed = tell_missed,
		},
	};
	char why[256];

	if (!*words && !options->family)
		return misused("trace needs a filter: which connections? see tcpstate --help");
	if (!filter_parse(&trace.filter, FILTER_FLOWS, options->family, words, why, sizeof(why)))
		return misused("%s", why);
	ladder_begin(&trace.ladder, stdout, output_colourful(), options->timestamps);
	return feed_run(&trace.feed);
}
