// SPDX-License-Identifier: GPL-2.0
/* What the messages of the module say. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "filter.h"
#include "message.h"

/**
 * struct member - where an attribute goes
 * @offset: of the member in the structure
 * @size: a number's, which the attribute must have too
 * @read: for what is not a number
 */
struct member {
	size_t offset;
	size_t size;
	bool (*read)(const struct nlattr *attr, void *member);
};

/**
 * struct layout - attributes by their type
 */
struct layout {
	const struct member *members;
	size_t count;
};

#define NUMBER(type, name) \
	{ .offset = offsetof(type, name), .size = sizeof(((type *)NULL)->name) }
#define OTHER(type, name, reader) { .offset = offsetof(type, name), .read = reader }
#define LAYOUT(table) { table, sizeof(table) / sizeof(*(table)) }

static bool read_number(const struct nlattr *attr, const struct member *member, void *to)
{
	if (mnl_attr_get_payload_len(attr) != member->size)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), member->size);
	return true;
}

static bool read_attributes(const void *from, size_t len, const struct layout *layout,
			    void *structure)
{
	const struct member *member;
	const struct nlattr *attr;

	mnl_attr_for_each_payload(from, len) {
		if (mnl_attr_get_type(attr) >= layout->count)
			continue;
		member = &layout->members[mnl_attr_get_type(attr)];
		if (member->read && !member->read(attr, (char *)structure + member->offset))
			return false;
		if (member->size &&
		    !read_number(attr, member, (char *)structure + member->offset))
			return false;
	}
	/* Less than an attribute is left only when one was cut short. */
	return (const char *)attr >= (const char *)from + len;
}

static bool read_nest(const struct nlattr *attr, const struct layout *layout, void *structure)
{
	return read_attributes(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
			       layout, structure);
}

static bool read_message(const struct nlmsghdr *nlh, const struct layout *layout, void *structure)
{
	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(struct genlmsghdr)))
		return false;
	return read_attributes(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr)),
			       mnl_nlmsg_get_payload_len(nlh) - sizeof(struct genlmsghdr),
			       layout, structure);
}

static bool read_string(const struct nlattr *attr, void *member)
{
	const char *string = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (!len || string[len - 1] || strlen(string) != len - 1)
		return false;
	for (const char *c = string; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	*(const char **)member = string;
	return true;
}

/* An endpoint. */

static bool read_address(const struct nlattr *attr, void *member)
{
	struct endpoint *end = member;

	end->len = mnl_attr_get_payload_len(attr);
	if (mnl_attr_get_payload_len(attr) != 4 && mnl_attr_get_payload_len(attr) != 16)
		return false;
	memcpy(end->addr, mnl_attr_get_payload(attr), end->len);
	return true;
}

static const struct member end_members[] = {
	[TCPSTATE_A_END_ADDR]		= { .offset = 0, .read = read_address },
	[TCPSTATE_A_END_PORT]		= NUMBER(struct endpoint, port),
	[TCPSTATE_A_END_STATE]		= NUMBER(struct endpoint, state),
	[TCPSTATE_A_END_BYTES]		= NUMBER(struct endpoint, bytes),
	[TCPSTATE_A_END_SEGMENTS]	= NUMBER(struct endpoint, segments),
	[TCPSTATE_A_END_RETRANS]	= NUMBER(struct endpoint, retrans),
};

static const struct layout end_layout = LAYOUT(end_members);

static bool read_end(const struct nlattr *attr, void *member)
{
	struct endpoint *end = member;

	memset(end, 0, sizeof(*end));
	if (!read_nest(attr, &end_layout, end))
		return false;
	end->port = ntohs(end->port);
	return end->state && end->state <= TCPSTATE_STATE_MAX;
}

/* Both are there, and their addresses are of this family. */
static bool of_family(uint8_t family, const struct endpoint end[ENDS])
{
	size_t len = family == AF_INET ? 4 : 16;

	return (family == AF_INET || family == AF_INET6) &&
	       end[INITIATOR].len == len && end[RESPONDER].len == len;
}

/* A connection. */

static const struct member flow_members[] = {
	[TCPSTATE_A_FLOW_FAMILY]	= NUMBER(struct flow, family),
	[TCPSTATE_A_FLOW_INITIATOR]	= OTHER(struct flow, end[INITIATOR], read_end),
	[TCPSTATE_A_FLOW_RESPONDER]	= OTHER(struct flow, end[RESPONDER], read_end),
	[TCPSTATE_A_FLOW_AGE]		= NUMBER(struct flow, age),
	[TCPSTATE_A_FLOW_IDLE]		= NUMBER(struct flow, idle),
	[TCPSTATE_A_FLOW_PHASE]		= NUMBER(struct flow, phase),
	[TCPSTATE_A_FLOW_SYN]		= NUMBER(struct flow, syn),
	[TCPSTATE_A_FLOW_SYNACK]	= NUMBER(struct flow, synack),
	[TCPSTATE_A_FLOW_PICKED_UP]	= NUMBER(struct flow, picked_up),
	[TCPSTATE_A_FLOW_ONE_SIDED]	= NUMBER(struct flow, one_sided),
	[TCPSTATE_A_FLOW_HISTORY]	= OTHER(struct flow, history, read_string),
	[TCPSTATE_A_FLOW_RESPONDER_LATENCY] = NUMBER(struct flow, latency[RESPONDER]),
	[TCPSTATE_A_FLOW_INITIATOR_LATENCY] = NUMBER(struct flow, latency[INITIATOR]),
	[TCPSTATE_A_FLOW_EVENT]		= NUMBER(struct flow, event),
	[TCPSTATE_A_FLOW_SEQ]		= NUMBER(struct flow, seq),
	[TCPSTATE_A_FLOW_TIME]		= NUMBER(struct flow, time),
	[TCPSTATE_A_FLOW_REASON]	= NUMBER(struct flow, reason),
	[TCPSTATE_A_FLOW_BY]		= NUMBER(struct flow, by),
	[TCPSTATE_A_FLOW_CONN_STATE]	= OTHER(struct flow, conn_state, read_string),
};

static const struct layout flow_layout = LAYOUT(flow_members);

bool message_flow(const struct nlmsghdr *nlh, struct flow *flow)
{
	*flow = (struct flow){ .history = "", .conn_state = "" };
	return read_message(nlh, &flow_layout, flow) && of_family(flow->family, flow->end) &&
	       flow->phase <= TCPSTATE_STATE_MAX && flow->event <= TCPSTATE_EVENT_CLOSED &&
	       flow->reason <= TCPSTATE_REASON_MAX && flow->by <= TCPSTATE_BY_RESPONDER;
}

/* A segment. */

/* Which end an enum tcpstate_by is: false where it is neither. */
static bool end_of(uint8_t by, uint8_t *end)
{
	*end = by == TCPSTATE_BY_RESPONDER ? RESPONDER : INITIATOR;
	return by == TCPSTATE_BY_INITIATOR || by == TCPSTATE_BY_RESPONDER;
}

static const struct member segment_members[] = {
	[TCPSTATE_A_SEGMENT_SEQ]	= NUMBER(struct segment, seq),
	[TCPSTATE_A_SEGMENT_TIME]	= NUMBER(struct segment, time),
	[TCPSTATE_A_SEGMENT_FAMILY]	= NUMBER(struct segment, family),
	[TCPSTATE_A_SEGMENT_INITIATOR]	= OTHER(struct segment, end[INITIATOR], read_end),
	[TCPSTATE_A_SEGMENT_RESPONDER]	= OTHER(struct segment, end[RESPONDER], read_end),
	[TCPSTATE_A_SEGMENT_FROM]	= NUMBER(struct segment, from),
	[TCPSTATE_A_SEGMENT_FLAGS]	= NUMBER(struct segment, flags),
	[TCPSTATE_A_SEGMENT_NUMBER]	= NUMBER(struct segment, number),
	[TCPSTATE_A_SEGMENT_ACK]	= NUMBER(struct segment, ack),
	[TCPSTATE_A_SEGMENT_RELATIVE_NUMBER] = NUMBER(struct segment, relative_number),
	[TCPSTATE_A_SEGMENT_RELATIVE_ACK] = NUMBER(struct segment, relative_ack),
	[TCPSTATE_A_SEGMENT_LENGTH]	= NUMBER(struct segment, length),
	[TCPSTATE_A_SEGMENT_WINDOW]	= NUMBER(struct segment, window),
	[TCPSTATE_A_SEGMENT_COUNT]	= NUMBER(struct segment, count),
	[TCPSTATE_A_SEGMENT_FACTS]	= NUMBER(struct segment, facts),
	[TCPSTATE_A_SEGMENT_REASON]	= NUMBER(struct segment, reason),
};

static const struct layout segment_layout = LAYOUT(segment_members);

bool message_segment(const struct nlmsghdr *nlh, struct segment *segment)
{
	*segment = (struct segment){};
	if (!read_message(nlh, &segment_layout, segment) ||
	    !of_family(segment->family, segment->end))
		return false;
	segment->facts &= (1u << TCPSTATE_FACT_MAX) - 1;
	return end_of(segment->from, &segment->from) && segment->reason <= TCPSTATE_REASON_MAX;
}

/* What a namespace counts. */

static const struct member census_members[] = {
	[TCPSTATE_A_STATE_STATE]	= NUMBER(struct census, state),
	[TCPSTATE_A_STATE_INITIATOR]	= NUMBER(struct census, now[INITIATOR]),
	[TCPSTATE_A_STATE_RESPONDER]	= NUMBER(struct census, now[RESPONDER]),
	[TCPSTATE_A_STATE_ENTERED]	= NUMBER(struct census, entered),
};

static const struct layout census_layout = LAYOUT(census_members);

static bool read_census(const struct nlattr *attr, void *member)
{
	struct census census = {};

	if (!read_nest(attr, &census_layout, &census) || census.state > TCPSTATE_STATE_MAX)
		return false;
	((struct census *)member)[census.state] = census;
	return true;
}

/* All are numbers of one size, so their layout needs no table. */
static bool read_counters(const struct nlattr *attr, void *member)
{
	static struct member members[__TCPSTATE_A_COUNTER_MAX];
	static const struct layout layout = LAYOUT(members);

	for (size_t i = TCPSTATE_A_COUNTER_PAD + 1; i < layout.count; i++)
		members[i] = (struct member){ .offset = i * sizeof(uint64_t),
					      .size = sizeof(uint64_t) };
	return read_nest(attr, &layout, member);
}

/* Of buckets, those that there are; what is in any beyond goes into the last. */
static bool read_buckets(const struct nlattr *attr, void *member)
{
	size_t count = mnl_attr_get_payload_len(attr) / sizeof(uint64_t);
	uint64_t *buckets = member, bucket;

	if (mnl_attr_get_payload_len(attr) % sizeof(uint64_t))
		return false;
	for (size_t i = 0; i < count; i++) {
		memcpy(&bucket, (const char *)mnl_attr_get_payload(attr) + i * sizeof(bucket),
		       sizeof(bucket));
		buckets[i < BUCKETS ? i : BUCKETS - 1] += bucket;
	}
	return true;
}

struct histogram {
	uint8_t state;
	uint64_t buckets[BUCKETS];
};

static const struct member histogram_members[] = {
	[TCPSTATE_A_HISTOGRAM_STATE]	= NUMBER(struct histogram, state),
	[TCPSTATE_A_HISTOGRAM_BUCKETS]	= OTHER(struct histogram, buckets, read_buckets),
};

static const struct layout histogram_layout = LAYOUT(histogram_members);

static bool read_dwell(const struct nlattr *attr, void *member)
{
	uint64_t (*dwell)[BUCKETS] = member;
	struct histogram histogram = {};

	if (!read_nest(attr, &histogram_layout, &histogram) ||
	    histogram.state > TCPSTATE_STATE_MAX)
		return false;
	memcpy(dwell[histogram.state], histogram.buckets, sizeof(histogram.buckets));
	return true;
}

static bool read_latency(const struct nlattr *attr, void *member)
{
	struct histogram histogram = {};

	if (!read_nest(attr, &histogram_layout, &histogram))
		return false;
	memcpy(member, histogram.buckets, sizeof(histogram.buckets));
	return true;
}

struct pair {
	uint8_t initiator;
	uint8_t responder;
	uint64_t flows;
};

static const struct member pair_members[] = {
	[TCPSTATE_A_PAIR_INITIATOR]	= NUMBER(struct pair, initiator),
	[TCPSTATE_A_PAIR_RESPONDER]	= NUMBER(struct pair, responder),
	[TCPSTATE_A_PAIR_FLOWS]		= NUMBER(struct pair, flows),
};

static const struct layout pair_layout = LAYOUT(pair_members);

static bool read_pair(const struct nlattr *attr, void *member)
{
	uint64_t (*pairs)[__TCPSTATE_STATE_MAX] = member;
	struct pair pair = {};

	if (!read_nest(attr, &pair_layout, &pair) || pair.initiator > TCPSTATE_STATE_MAX ||
	    pair.responder > TCPSTATE_STATE_MAX)
		return false;
	pairs[pair.initiator][pair.responder] = pair.flows;
	return true;
}

struct reset {
	uint8_t sender;
	uint8_t initiator;
	uint8_t responder;
	struct resets resets;
};

static const struct member reset_members[] = {
	[TCPSTATE_A_RESET_SENDER]	= NUMBER(struct reset, sender),
	[TCPSTATE_A_RESET_INITIATOR]	= NUMBER(struct reset, initiator),
	[TCPSTATE_A_RESET_RESPONDER]	= NUMBER(struct reset, responder),
	[TCPSTATE_A_RESET_IN_WINDOW]	= NUMBER(struct reset, resets.in_window),
	[TCPSTATE_A_RESET_INEXACT]	= NUMBER(struct reset, resets.inexact),
	[TCPSTATE_A_RESET_OUT_OF_WINDOW] = NUMBER(struct reset, resets.out_of_window),
};

static const struct layout reset_layout = LAYOUT(reset_members);

static bool read_reset(const struct nlattr *attr, void *member)
{
	struct resets (*resets)[__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX] = member;
	struct reset reset = {};

	if (!read_nest(attr, &reset_layout, &reset) || !end_of(reset.sender, &reset.sender) ||
	    reset.initiator > TCPSTATE_STATE_MAX || reset.responder > TCPSTATE_STATE_MAX)
		return false;
	resets[reset.sender][reset.initiator][reset.responder] = reset.resets;
	return true;
}

struct side {
	uint8_t end;
	struct leak leak;
};

static const struct member leak_members[] = {
	[TCPSTATE_A_LEAK_SIDE]		= NUMBER(struct side, end),
	[TCPSTATE_A_LEAK_FLOWS]		= NUMBER(struct side, leak.flows),
	[TCPSTATE_A_LEAK_OLDEST]	= NUMBER(struct side, leak.oldest),
};

static const struct layout leak_layout = LAYOUT(leak_members);

static bool read_leak(const struct nlattr *attr, void *member)
{
	struct leak *leaks = member;
	struct side side = {};

	if (!read_nest(attr, &leak_layout, &side) || !end_of(side.end, &side.end))
		return false;
	leaks[side.end] = side.leak;
	return true;
}

static const struct member seq_members[] = {
	[TCPSTATE_A_SEQ_FLOWS]		= NUMBER(struct numbers, flows),
	[TCPSTATE_A_SEQ_CLOSED]		= NUMBER(struct numbers, closed),
	[TCPSTATE_A_SEQ_SEGMENTS]	= NUMBER(struct numbers, segments),
};

static const struct layout seq_layout = LAYOUT(seq_members);

static bool read_seq(const struct nlattr *attr, void *member)
{
	return read_nest(attr, &seq_layout, member);
}

static const struct member stats_members[] = {
	[TCPSTATE_A_STATS_VERSION]	= OTHER(struct stats, version, read_string),
	[TCPSTATE_A_STATS_ENABLED]	= NUMBER(struct stats, enabled),
	[TCPSTATE_A_STATS_STATE]	= OTHER(struct stats, states, read_census),
	[TCPSTATE_A_STATS_COUNTERS]	= OTHER(struct stats, counters, read_counters),
	[TCPSTATE_A_STATS_DWELL]	= OTHER(struct stats, dwell, read_dwell),
	[TCPSTATE_A_STATS_RESPONDER_LATENCY] = OTHER(struct stats, latency[RESPONDER],
						       read_latency),
	[TCPSTATE_A_STATS_INITIATOR_LATENCY] = OTHER(struct stats, latency[INITIATOR],
						       read_latency),
	[TCPSTATE_A_STATS_PAIR]		= OTHER(struct stats, pairs, read_pair),
	[TCPSTATE_A_STATS_RESETS]	= OTHER(struct stats, resets, read_reset),
	[TCPSTATE_A_STATS_LEAK]		= OTHER(struct stats, leaks, read_leak),
	[TCPSTATE_A_STATS_SEQ]		= OTHER(struct stats, seq, read_seq),
};

static const struct layout stats_layout = LAYOUT(stats_members);

bool message_stats(const struct nlmsghdr *nlh, struct stats *stats)
{
	*stats = (struct stats){};
	return read_message(nlh, &stats_layout, stats) && stats->version;
}

/* A filter. */

static bool put_end(struct nlmsghdr *nlh, size_t size, uint16_t type,
		    const struct filter_end *end)
{
	struct nlattr *nest;
	bool fits = true;

	if (!end->len && end->first == 0 && end->last == UINT16_MAX &&
	    end->states == FILTER_ANY_STATE)
		return true;
	nest = mnl_attr_nest_start_check(nlh, size, type);
	if (!nest)
		return false;
	if (end->len)
		fits = mnl_attr_put_check(nlh, size, TCPSTATE_A_END_ADDR, end->len, end->addr) &&
		       mnl_attr_put_u8_check(nlh, size, TCPSTATE_A_END_PREFIX, end->prefix);
	if (end->first != 0 || end->last != UINT16_MAX)
		fits = fits &&
		       mnl_attr_put_u16_check(nlh, size, TCPSTATE_A_END_PORT, htons(end->first)) &&
		       mnl_attr_put_u16_check(nlh, size, TCPSTATE_A_END_PORT_LAST,
					      htons(end->last));
	if (end->states != FILTER_ANY_STATE)
		fits = fits && mnl_attr_put_u32_check(nlh, size, TCPSTATE_A_END_STATES,
						      end->states);
	mnl_attr_nest_end(nlh, nest);
	return fits;
}

static bool put_flag(struct nlmsghdr *nlh, size_t size, uint16_t type, enum filter_flag flag)
{
	return flag == FILTER_EITHER ||
	       mnl_attr_put_u8_check(nlh, size, type, flag == FILTER_YES);
}

static bool put_age(struct nlmsghdr *nlh, size_t size, uint16_t type, uint64_t age)
{
	return !age || mnl_attr_put_u64_check(nlh, size, type, age);
}

bool message_filter(struct nlmsghdr *nlh, size_t size, const struct filter *filter)
{
	if (filter->family &&
	    !mnl_attr_put_u8_check(nlh, size, TCPSTATE_A_FLOW_FAMILY, filter->family))
		return false;
	if (filter->states != FILTER_ANY_STATE &&
	    !mnl_attr_put_u32_check(nlh, size, TCPSTATE_A_FLOW_STATES, filter->states))
		return false;
	return put_end(nlh, size, TCPSTATE_A_FLOW_INITIATOR, &filter->end[INITIATOR]) &&
	       put_end(nlh, size, TCPSTATE_A_FLOW_RESPONDER, &filter->end[RESPONDER]) &&
	       put_age(nlh, size, TCPSTATE_A_FLOW_MIN_AGE, filter->min_age) &&
	       put_age(nlh, size, TCPSTATE_A_FLOW_MIN_IDLE, filter->min_idle) &&
	       put_flag(nlh, size, TCPSTATE_A_FLOW_PICKED_UP, filter->picked_up) &&
	       put_flag(nlh, size, TCPSTATE_A_FLOW_ONE_SIDED, filter->one_sided);
}
