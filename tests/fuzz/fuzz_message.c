// SPDX-License-Identifier: GPL-2.0
/*
 * The tool's reading of what the module sends, given anything in its stead. Whatever
 * could be read is told too: as text, as JSON that can be read again, and as a ladder.
 *
 * An input is what is read, and then either the message as it stands, or recipes of
 * attributes, nested as they say, so that lengths fit.
 */
#include <sys/socket.h>

#include <json-c/json.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "account.h"
#include "figures.h"
#include "fuzz.h"
#include "ladder.h"
#include "message.h"
#include "output.h"
#include "tool.h"

#define ROOM 8192

enum { FLOW, HALFOPEN, EVENT, SEGMENT, STATS, LISTENER, HOST, ALERT };

static const enum view views[] = {
	[FLOW] = VIEW_FLOW, [HALFOPEN] = VIEW_HALFOPEN, [EVENT] = VIEW_EVENT,
	[LISTENER] = VIEW_LISTENER, [HOST] = VIEW_HOST, [ALERT] = VIEW_ALERT,
};

/* Sizes that numbers and addresses have, and others. */
static const uint16_t sizes[16] = { 0, 1, 1, 1, 2, 4, 4, 4, 8, 8, 8, 16, 16, 3, 256, 264 };

/*
 * An attribute of a type, a size and contents; or one that others are nested in, down
 * to the end of the nest.
 */
static void cook(struct nlmsghdr *nlh, struct input *input, unsigned int depth)
{
	uint8_t octets[264];

	while (input->left) {
		uint8_t type = input_u8(input), shape = input_u8(input);
		uint16_t size = sizes[shape & 15];
		struct nlattr *nest;

		if (shape >> 6 == 3 && depth)
			return;
		if (nlh->nlmsg_len + size + 64 > ROOM)
			return;
		if (shape >> 6 == 2 && depth < 4) {
			nest = mnl_attr_nest_start(nlh, type & 63);
			cook(nlh, input, depth + 1);
			mnl_attr_nest_end(nlh, nest);
			continue;
		}
		input_take(input, octets, size);
		/* Mostly a string ends, and is printable. */
		if (shape & 32)
			for (uint16_t i = 0; i < size; i++)
				octets[i] = i + 1 < size ? ' ' + octets[i] % 95 : 0;
		mnl_attr_put(nlh, type & 63, size, octets);
	}
}

/* In memory of its very size. */
static struct nlmsghdr *begin(struct input *input, bool raw)
{
	char buffer[ROOM] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer), *copy;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	if (raw) {
		size_t size = input->left < 4096 ? input->left : 4096;

		input_take(input, buffer + nlh->nlmsg_len, size);
		nlh->nlmsg_len += size;
	} else {
		cook(nlh, input, 0);
	}
	copy = malloc(nlh->nlmsg_len);
	memcpy(copy, nlh, nlh->nlmsg_len);
	return copy;
}

static void tell_as(const struct options *options, const struct description *description,
		    enum view view, const void *record)
{
	struct output *output = output_begin(options, description, view);

	MUST(output);
	output_record(output, record);
	output_record(output, record);
	output_end(output, true);
}

/* Each line, or all of it, is JSON, and nothing in it is left to a terminal. */
static void check_json(char *text, bool lines)
{
	struct json_object *object;

	for (char *line = lines ? strtok(text, "\n") : text; line;
	     line = lines ? strtok(NULL, "\n") : NULL) {
		object = json_tokener_parse(line);
		MUST(object);
		json_object_put(object);
	}
}

static void check_text(const char *text)
{
	for (; *text; text++)
		MUST((*text >= ' ' && *text <= '~') || *text == '\n' || *text == '\t');
}

static void tell(enum view view, const struct description *description, const void *record,
		 unsigned int shape)
{
	struct options options = { .timestamps = shape & 1, .oneline = shape & 2 };
	FILE *terminal = stdout;
	char *text = NULL;
	size_t size;

	stdout = open_memstream(&text, &size);
	tell_as(&options, description, view, record);
	fclose(stdout);
	stdout = terminal;
	check_text(text);
	free(text);

	options.json = true;
	stdout = open_memstream(&text, &size);
	tell_as(&options, description, view, record);
	fclose(stdout);
	stdout = terminal;
	check_text(text);
	check_json(text, view & OUTPUT_AT_ONCE);
	free(text);
}

static void draw(const struct segment *segment, unsigned int shape)
{
	static struct ladder ladder;
	struct segment other = *segment;
	char *text = NULL;
	size_t size;
	FILE *to;

	to = open_memstream(&text, &size);
	ladder_begin(&ladder, to, false, shape & 1);
	ladder_segment(&ladder, segment);
	other.from = !other.from;
	other.number += 1000;
	other.time += 1000000;
	ladder_segment(&ladder, &other);
	ladder_lost(&ladder, segment->seq);
	ladder_segment(&ladder, segment);
	fclose(to);
	check_text(text);
	free(text);
}

static bool is_inside(const char *string, const struct nlmsghdr *nlh)
{
	return !*string || (string > (const char *)nlh &&
			    string + strlen(string) < (const char *)nlh + nlh->nlmsg_len);
}

static void read_flow(const struct nlmsghdr *nlh, enum view view, unsigned int shape)
{
	struct flow flow;

	memset(&flow, 0xee, sizeof(flow));
	if (!message_flow(nlh, &flow))
		return;
	MUST(flow.family == AF_INET || flow.family == AF_INET6);
	for (int end = 0; end < ENDS; end++) {
		MUST(flow.end[end].len == (flow.family == AF_INET ? 4 : 16));
		MUST(flow.end[end].state <= TCPSTATE_STATE_MAX);
	}
	MUST(is_inside(flow.history, nlh) && is_inside(flow.conn_state, nlh));
	/* As cmd_monitor.c has it. */
	if (view == VIEW_EVENT && !flow.event)
		return;
	tell(view, &flow_description, &flow, shape);
}

static void read_segment(const struct nlmsghdr *nlh, unsigned int shape)
{
	struct segment segment;

	memset(&segment, 0xee, sizeof(segment));
	if (!message_segment(nlh, &segment))
		return;
	MUST(segment.from < ENDS && segment.facts < 1u << TCPSTATE_FACT_MAX);
	MUST(segment.reason <= TCPSTATE_REASON_MAX);
	draw(&segment, shape);
}

static void read_account(const struct nlmsghdr *nlh, unsigned int what, unsigned int shape)
{
	struct account account;
	bool read;

	memset(&account, 0xee, sizeof(account));
	read = what == LISTENER ? account_listener(nlh, &account) :
	       what == HOST ? account_host(nlh, &account) : account_alert(nlh, &account);
	if (!read)
		return;
	MUST(account.verdict < __TCPSTATE_VERDICT_MAX);
	MUST(account.heavy.count <= LENGTH(account.heavy.source));
	tell(views[what], &account_description, &account, shape);
}

static void read_stats(const struct nlmsghdr *nlh)
{
	static struct stats stats;
	struct json_object *object;
	FILE *terminal = stdout;
	char *text = NULL;
	size_t size;

	if (!message_stats(nlh, &stats))
		return;
	MUST(is_inside(stats.version, nlh));
	stdout = open_memstream(&text, &size);
	figures_text(&stats);
	fclose(stdout);
	stdout = terminal;
	check_text(text);
	free(text);
	object = json_object_new_object();
	figures_json(object, &stats);
	MUST(json_object_to_json_string(object));
	json_object_put(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned int what = input_u8(&input), shape = input_u8(&input);
	struct nlmsghdr *nlh = begin(&input, shape & 0x80);

	what &= 7;
	switch (what) {
	case FLOW:
	case HALFOPEN:
	case EVENT:
		read_flow(nlh, views[what], shape);
		break;
	case SEGMENT:
		read_segment(nlh, shape);
		break;
	case STATS:
		read_stats(nlh);
		break;
	default:
		read_account(nlh, what, shape);
	}
	free(nlh);
	return 0;
}
