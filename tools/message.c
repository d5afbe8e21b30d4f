// SPDX-License-Identifier: GPL-2.0
/* What the messages of the module say of connections, and what it counts. */
#include <arpa/inet.h>
#include <string.h>

#include "attributes.h"
#include "message.h"

/* An endpoint. */

static const struct member end_members[] = {
	[TCPSTATE_A_END_ADDR]		= { .offset = 0, .read = attributes_read_address },
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
	if (!attributes_read_nest(attr, &end_layout, end))
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
	[TCPSTATE_A_FLOW_HISTORY]	= OTHER(struct flow, history, attributes_read_string),
	[TCPSTATE_A_FLOW_RESPONDER_LATENCY] = NUMBER(struct flow, latency[RESPONDER]),
	[TCPSTATE_A_FLOW_INITIATOR_LATENCY] = NUMBER(struct flow, latency[INITIATOR]),
	[TCPSTATE_A_FLOW_EVENT]		= NUMBER(struct flow, event),
	[TCPSTATE_A_FLOW_SEQ]		= NUMBER(struct flow, seq),
	[TCPSTATE_A_FLOW_TIME]		= NUMBER(struct flow, time),
	[TCPSTATE_A_FLOW_REASON]	= NUMBER(struct flow, reason),
	[TCPSTATE_A_FLOW_BY]		= NUMBER(struct flow, by),
	[TCPSTATE_A_FLOW_CONN_STATE]	= OTHER(struct flow, conn_state, attributes_read_string),
};

static const struct layout flow_layout = LAYOUT(flow_members);

bool message_flow(const struct nlmsghdr *nlh, struct flow *flow)
{
	*flow = (struct flow){ .history = "", .conn_state = "" };
	return attributes_read(nlh, &flow_layout, flow) && of_family(flow->family, flow->end) &&
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
	if (!attributes_read(nlh, &segment_layout, segment) ||
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

	if (!attributes_read_nest(attr, &census_layout, &census) ||
	    census.state > TCPSTATE_STATE_MAX)
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
	return attributes_read_nest(attr, &layout, member);
}

static const struct member histogram_members[] = {
	[TCPSTATE_A_HISTOGRAM_STATE]	= NUMBER(struct histogram, state),
	[TCPSTATE_A_HISTOGRAM_BUCKETS]	= OTHER(struct histogram, buckets, attributes_read_buckets),
	[TCPSTATE_A_HISTOGRAM_SUM]	= NUMBER(struct histogram, sum),
};

static const struct layout histogram_layout = LAYOUT(histogram_members);

static bool read_dwell(const struct nlattr *attr, void *member)
{
	struct histogram *dwell = member;
	struct histogram histogram = {};

	if (!attributes_read_nest(attr, &histogram_layout, &histogram) ||
	    histogram.state > TCPSTATE_STATE_MAX)
		return false;
	dwell[histogram.state] = histogram;
	return true;
}

static bool read_latency(const struct nlattr *attr, void *member)
{
	struct histogram *latency = member;

	*latency = (struct histogram){};
	return attributes_read_nest(attr, &histogram_layout, latency);
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

	if (!attributes_read_nest(attr, &pair_layout, &pair) ||
	    pair.initiator > TCPSTATE_STATE_MAX || pair.responder > TCPSTATE_STATE_MAX)
		return false;
	pairs[pair.initiator][pair.responder] = pair.flows;
	return true;
}

struct transition {
	uint8_t from;
	uint8_t to;
	uint64_t count;
};

static const struct member transition_members[] = {
	[TCPSTATE_A_TRANSITION_FROM]	= NUMBER(struct transition, from),
	[TCPSTATE_A_TRANSITION_TO]	= NUMBER(struct transition, to),
	[TCPSTATE_A_TRANSITION_COUNT]	= NUMBER(struct transition, count),
};

static const struct layout transition_layout = LAYOUT(transition_members);

static bool read_transition(const struct nlattr *attr, void *member)
{
	uint64_t (*transitions)[__TCPSTATE_STATE_MAX] = member;
	struct transition transition = {};

	if (!attributes_read_nest(attr, &transition_layout, &transition) ||
	    transition.from > TCPSTATE_STATE_MAX || transition.to > TCPSTATE_STATE_MAX)
		return false;
	transitions[transition.from][transition.to] = transition.count;
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

	if (!attributes_read_nest(attr, &reset_layout, &reset) ||
	    !end_of(reset.sender, &reset.sender) ||
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

	if (!attributes_read_nest(attr, &leak_layout, &side) || !end_of(side.end, &side.end))
		return false;
	leaks[side.end] = side.leak;
	return true;
}

static const struct member seq_members[] = {
	[TCPSTATE_A_SEQ_FLOWS]		= NUMBER(struct numbers, flows),
	[TCPSTATE_A_SEQ_CLOSED]		= NUMBER(struct numbers, closed),
	[TCPSTATE_A_SEQ_SEGMENTS]	= NUMBER(struct numbers, segments),
	[TCPSTATE_A_SEQ_ALERTS]		= NUMBER(struct numbers, alerts),
};

static const struct layout seq_layout = LAYOUT(seq_members);

static bool read_seq(const struct nlattr *attr, void *member)
{
	return attributes_read_nest(attr, &seq_layout, member);
}

/* As read_counters(). */
static bool read_memory(const struct nlattr *attr, void *member)
{
	static struct member members[__TCPSTATE_A_MEMORY_MAX];
	static const struct layout layout = LAYOUT(members);

	for (size_t i = TCPSTATE_A_MEMORY_PAD + 1; i < layout.count; i++)
		members[i] = (struct member){ .offset = i * sizeof(uint64_t),
					      .size = sizeof(uint64_t) };
	return attributes_read_nest(attr, &layout, member);
}

static const struct member stats_members[] = {
	[TCPSTATE_A_STATS_VERSION]	= OTHER(struct stats, version, attributes_read_string),
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
	[TCPSTATE_A_STATS_TRANSITION]	= OTHER(struct stats, transitions, read_transition),
	[TCPSTATE_A_STATS_MEMORY]	= OTHER(struct stats, memory, read_memory),
};

static const struct layout stats_layout = LAYOUT(stats_members);

bool message_stats(const struct nlmsghdr *nlh, struct stats *stats)
{
	*stats = (struct stats){};
	return attributes_read(nlh, &stats_layout, stats) && stats->version;
}
