// SPDX-License-Identifier: GPL-2.0
/* The tool's reading of messages, kind and hostile, and its writing of filters. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "filter.h"
#include "ktap.h"
#include "message.h"

#define ROOM 4096

static char buffer[ROOM] __attribute__((aligned(8)));

static struct nlmsghdr *begin(void)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

/* Reads from memory that holds the message and not an octet more. */
static bool reads(const struct nlmsghdr *nlh, size_t len, bool stats)
{
	struct nlmsghdr *copy = malloc(len);
	struct stats *counted = malloc(sizeof(*counted));
	struct flow flow;
	bool read;

	memcpy(copy, nlh, len);
	read = stats ? message_stats(copy, counted) : message_flow(copy, &flow);
	/* What it points to is in the message. */
	if (read && !stats && *flow.history)
		read = flow.history >= (char *)copy && flow.history < (char *)copy + len;
	free(counted);
	free(copy);
	return read;
}

/* What a message is made of, and can be left out or made otherwise. */
enum { FAMILY = 1, INITIATOR_END = 2, RESPONDER_END = 4, REST = 8, ALL = 15 };

struct recipe {
	unsigned int parts;
	uint8_t state;
	size_t addr_len;
	uint16_t odd_type;	/* of flow, an attribute of odd_len octets */
	uint16_t odd_end;	/* likewise, of an endpoint */
	size_t odd_len;
	const char *history;
	size_t history_len;
};

static const uint8_t octets[512] = { 10, 9, 0, 1 };

static void put_end(struct nlmsghdr *nlh, uint16_t type, uint16_t port,
		    const struct recipe *recipe)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, TCPSTATE_A_END_ADDR, recipe->addr_len, octets);
	mnl_attr_put_u16(nlh, TCPSTATE_A_END_PORT, htons(port));
	mnl_attr_put_u8(nlh, TCPSTATE_A_END_STATE, recipe->state);
	mnl_attr_put_u64(nlh, TCPSTATE_A_END_BYTES, 1ull << 40 | port);
	mnl_attr_put_u64(nlh, TCPSTATE_A_END_SEGMENTS, 1ull << 41 | port);
	mnl_attr_put_u32(nlh, TCPSTATE_A_END_RETRANS, 1u << 31 | port);
	if (recipe->odd_end)
		mnl_attr_put(nlh, recipe->odd_end, recipe->odd_len, octets);
	mnl_attr_nest_end(nlh, nest);
}

static struct nlmsghdr *cook(const struct recipe *recipe)
{
	struct nlmsghdr *nlh = begin();

	if (recipe->parts & FAMILY)
		mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_FAMILY, AF_INET);
	if (recipe->parts & INITIATOR_END)
		put_end(nlh, TCPSTATE_A_FLOW_INITIATOR, 40000, recipe);
	if (recipe->parts & RESPONDER_END)
		put_end(nlh, TCPSTATE_A_FLOW_RESPONDER, 80, recipe);
	if (recipe->parts & REST) {
		mnl_attr_put_u64(nlh, TCPSTATE_A_FLOW_AGE, 1ull << 42);
		mnl_attr_put_u64(nlh, TCPSTATE_A_FLOW_IDLE, 1ull << 43);
		mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_PHASE, TCPSTATE_SYN_RECV);
		mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_SYN, 3);
		mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_SYNACK, 255);
		mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_PICKED_UP, 1);
		mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_ONE_SIDED, 1);
		mnl_attr_put(nlh, TCPSTATE_A_FLOW_HISTORY, recipe->history_len, recipe->history);
	}
	if (recipe->odd_type)
		mnl_attr_put(nlh, recipe->odd_type, recipe->odd_len, octets);
	return nlh;
}

static const struct recipe ordinary = {
	.parts = ALL, .state = TCPSTATE_ESTABLISHED, .addr_len = 4, .history = "ShA",
	.history_len = 4,
};

static bool cooked(struct recipe recipe)
{
	const struct nlmsghdr *nlh = cook(&recipe);

	return reads(nlh, nlh->nlmsg_len, false);
}

static void test_flow(void)
{
	const struct endpoint *a, *b;
	struct recipe recipe = ordinary;
	struct flow flow;

	ok(message_flow(cook(&recipe), &flow), "a flow is read");
	a = &flow.end[INITIATOR];
	b = &flow.end[RESPONDER];
	ok(flow.family == AF_INET && a->len == 4 && !memcmp(a->addr, octets, 4) &&
	   a->port == 40000 && b->port == 80 && a->state == TCPSTATE_ESTABLISHED,
	   "its addresses, ports and states");
	ok(a->bytes == (1ull << 40 | 40000) && b->bytes == (1ull << 40 | 80) &&
	   a->segments == (1ull << 41 | 40000) && b->segments == (1ull << 41 | 80) &&
	   a->retrans == (1u << 31 | 40000) && b->retrans == (1u << 31 | 80),
	   "its endpoints' figures");
	ok(flow.age == 1ull << 42 && flow.idle == 1ull << 43 &&
	   flow.phase == TCPSTATE_SYN_RECV && flow.syn == 3 && flow.synack == 255 &&
	   flow.picked_up && flow.one_sided && !strcmp(flow.history, "ShA"), "and the rest");

	recipe = ordinary;
	recipe.parts &= ~REST;
	ok(cooked(recipe), "what is not vital may be missing");
	for (unsigned int part = FAMILY; part <= RESPONDER_END; part <<= 1) {
		recipe = ordinary;
		recipe.parts &= ~part;
		ok(!cooked(recipe), "what is vital may not (part %u)", part);
	}
}

static void test_odd(void)
{
	struct recipe recipe = ordinary;

	recipe.odd_type = TCPSTATE_A_FLOW_MAX + 1;
	recipe.odd_len = 5;
	ok(cooked(recipe), "an attribute that nobody knows is passed over");
	recipe.odd_type = 0x3fff;
	ok(cooked(recipe), "and so is the last there can be");
	for (uint16_t type = TCPSTATE_A_FLOW_FAMILY; type <= TCPSTATE_A_FLOW_HISTORY; type++) {
		recipe = ordinary;
		recipe.odd_type = type;
		recipe.odd_len = 3;
		if (!ok(!cooked(recipe), "flow's attribute %u of a wrong size", type))
			continue;
		recipe.odd_len = 0;
		/* An empty nest is a nest of nothing, and what is vital is missing then. */
		ok(!cooked(recipe), "flow's attribute %u of no size", type);
	}
	recipe = ordinary;
	recipe.odd_end = TCPSTATE_A_END_MAX + 1;
	ok(cooked(recipe), "an endpoint's attribute that nobody knows is passed over");
	for (uint16_t type = TCPSTATE_A_END_STATE; type <= TCPSTATE_A_END_RETRANS; type++) {
		recipe.odd_end = type;
		recipe.odd_len = 3;
		ok(!cooked(recipe), "endpoint's attribute %u of a wrong size", type);
	}
	recipe.odd_end = 0;
	for (recipe.addr_len = 0; recipe.addr_len <= 300; recipe.addr_len++)
		if (cooked(recipe) != (recipe.addr_len == 4))
			break;
	ok(recipe.addr_len == 301, "an IPv4 address has four octets and no other number (%zu)",
	   recipe.addr_len);
	recipe = ordinary;
	for (recipe.state = 0; recipe.state <= 254; recipe.state++)
		if (cooked(recipe) != (recipe.state >= 1 && recipe.state <= 11))
			break;
	ok(recipe.state == 255, "there are eleven states and no other (%u)", recipe.state);
}

static void test_strings(void)
{
	static const struct {
		const char *octets;
		size_t len;
		bool good;
	} strings[] = {
		{ "", 1, true }, { "ShADadFfA", 10, true }, { "S h~", 5, true },
		{ "", 0, false }, { "ShA", 3, false }, { "S\0A", 4, false }, { "S\n", 3, false },
		{ "\033[2J", 5, false }, { "\x7f", 2, false }, { "\xc3\xa4", 3, false },
	};
	struct recipe recipe = ordinary;

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		recipe.history = strings[i].octets;
		recipe.history_len = strings[i].len;
		ok(cooked(recipe) == strings[i].good, "string %zu is %s", i,
		   strings[i].good ? "read" : "refused");
	}
}

static struct nlmsghdr *cook_stats(void)
{
	struct nlmsghdr *nlh = begin();
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, TCPSTATE_A_STATS_VERSION, "1.2");
	mnl_attr_put_u8(nlh, TCPSTATE_A_STATS_ENABLED, 1);
	for (int i = TCPSTATE_STATE_MAX; i > 0; i--) {
		nest = mnl_attr_nest_start(nlh, TCPSTATE_A_STATS_STATE);
		mnl_attr_put_u8(nlh, TCPSTATE_A_STATE_STATE, i);
		mnl_attr_put_u64(nlh, TCPSTATE_A_STATE_INITIATOR, 100 + i);
		mnl_attr_put_u64(nlh, TCPSTATE_A_STATE_RESPONDER, 200 + i);
		mnl_attr_put_u64(nlh, TCPSTATE_A_STATE_ENTERED, 300 + i);
		mnl_attr_nest_end(nlh, nest);
	}
	nest = mnl_attr_nest_start(nlh, TCPSTATE_A_STATS_COUNTERS);
	for (int i = TCPSTATE_A_COUNTER_FLOWS; i <= TCPSTATE_A_COUNTER_MAX + 3; i++)
		mnl_attr_put_u64(nlh, i, 1000 + i);
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

static void test_stats(void)
{
	struct stats stats;
	struct nlattr *nest;
	struct nlmsghdr *nlh;
	bool all = true;

	ok(message_stats(cook_stats(), &stats) && !strcmp(stats.version, "1.2") && stats.enabled,
	   "stats are read");
	for (unsigned int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		all &= stats.states[i].now[INITIATOR] == 100 + i &&
		       stats.states[i].now[RESPONDER] == 200 + i &&
		       stats.states[i].entered == 300 + i;
	ok(all, "each state's figures are its own");
	for (unsigned int i = TCPSTATE_A_COUNTER_FLOWS; i <= TCPSTATE_A_COUNTER_MAX; i++)
		all &= stats.counters[i] == 1000 + i && counters[i].name;
	ok(all, "each counter is where its number says, and has a name");

	nlh = begin();
	ok(!reads(nlh, nlh->nlmsg_len, true), "stats without a version are refused");
	nlh = cook_stats();
	nest = mnl_attr_nest_start(nlh, TCPSTATE_A_STATS_COUNTERS);
	mnl_attr_put_u32(nlh, TCPSTATE_A_COUNTER_MAX, 1);
	mnl_attr_nest_end(nlh, nest);
	ok(!reads(nlh, nlh->nlmsg_len, true), "a counter of 32 bits is refused");
	nlh = cook_stats();
	nest = mnl_attr_nest_start(nlh, TCPSTATE_A_STATS_STATE);
	mnl_attr_put_u8(nlh, TCPSTATE_A_STATE_STATE, TCPSTATE_STATE_MAX + 1);
	mnl_attr_nest_end(nlh, nest);
	ok(!reads(nlh, nlh->nlmsg_len, true), "a twelfth state is refused");
}

static struct nlmsghdr *cook_event(uint8_t event, uint8_t reason, uint8_t by)
{
	struct nlmsghdr *nlh = cook(&ordinary);

	mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_EVENT, event);
	mnl_attr_put_u64(nlh, TCPSTATE_A_FLOW_SEQ, 1ull << 44);
	mnl_attr_put_u64(nlh, TCPSTATE_A_FLOW_TIME, 1ull << 45);
	mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_REASON, reason);
	mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_BY, by);
	mnl_attr_put_strz(nlh, TCPSTATE_A_FLOW_CONN_STATE, "RSTO");
	mnl_attr_put_u32(nlh, TCPSTATE_A_FLOW_RESPONDER_LATENCY, 7);
	mnl_attr_put_u32(nlh, TCPSTATE_A_FLOW_INITIATOR_LATENCY, 8);
	return nlh;
}

static void test_event(void)
{
	struct recipe recipe = ordinary;
	struct flow flow;

	ok(message_flow(cook(&recipe), &flow) && !flow.event && !*flow.conn_state &&
	   !flow.latency[INITIATOR] && !flow.latency[RESPONDER], "a flow is no event");
	ok(message_flow(cook_event(TCPSTATE_EVENT_CLOSED, TCPSTATE_REASON_RESET,
				   TCPSTATE_BY_INITIATOR), &flow) &&
	   flow.event == TCPSTATE_EVENT_CLOSED && flow.reason == TCPSTATE_REASON_RESET &&
	   flow.by == TCPSTATE_BY_INITIATOR && flow.seq == 1ull << 44 &&
	   flow.time == 1ull << 45 && !strcmp(flow.conn_state, "RSTO") &&
	   flow.latency[RESPONDER] == 7 && flow.latency[INITIATOR] == 8, "an event is read");
	ok(message_flow(cook_event(3, TCPSTATE_REASON_MAX, 2), &flow) &&
	   events[flow.event] && reasons[flow.reason] && sides[flow.by], "the last ones have names");
	ok(!message_flow(cook_event(4, 0, 0), &flow), "there is no fourth event");
	ok(!message_flow(cook_event(3, TCPSTATE_REASON_MAX + 1, 0), &flow), "nor another reason");
	ok(!message_flow(cook_event(3, 0, 3), &flow), "nor a third side");
	for (uint16_t type = TCPSTATE_A_FLOW_RESPONDER_LATENCY; type <= TCPSTATE_A_FLOW_MAX;
	     type++) {
		recipe.odd_type = type;
		recipe.odd_len = 3;
		ok(!cooked(recipe), "event's attribute %u of a wrong size", type);
	}
}

struct figures {
	uint16_t type;
	size_t buckets;		/* of the histogram, octets; 0 for none */
	uint8_t side;
	uint8_t initiator;
	uint8_t responder;
};

/* Stats with one nest of a kind, whose figures differ. */
static struct nlmsghdr *cook_figures(const struct figures *figures)
{
	uint64_t buckets[BUCKETS + 1];
	struct nlmsghdr *nlh = begin();
	struct nlattr *nest;

	for (int i = 0; i <= BUCKETS; i++)
		buckets[i] = 1ull << 40 | i;
	mnl_attr_put_strz(nlh, TCPSTATE_A_STATS_VERSION, "1.2");
	nest = mnl_attr_nest_start(nlh, figures->type);
	switch (figures->type) {
	case TCPSTATE_A_STATS_DWELL:
		mnl_attr_put_u8(nlh, TCPSTATE_A_HISTOGRAM_STATE, figures->initiator);
		/* fall through */
	case TCPSTATE_A_STATS_RESPONDER_LATENCY:
	case TCPSTATE_A_STATS_INITIATOR_LATENCY:
		mnl_attr_put(nlh, TCPSTATE_A_HISTOGRAM_BUCKETS, figures->buckets, buckets);
		mnl_attr_put_u64(nlh, TCPSTATE_A_HISTOGRAM_SUM, 51);
		break;
	case TCPSTATE_A_STATS_PAIR:
		mnl_attr_put_u8(nlh, TCPSTATE_A_PAIR_INITIATOR, figures->initiator);
		mnl_attr_put_u8(nlh, TCPSTATE_A_PAIR_RESPONDER, figures->responder);
		mnl_attr_put_u64(nlh, TCPSTATE_A_PAIR_FLOWS, 71);
		break;
	case TCPSTATE_A_STATS_TRANSITION:
		if (figures->initiator)
			mnl_attr_put_u8(nlh, TCPSTATE_A_TRANSITION_FROM, figures->initiator);
		mnl_attr_put_u8(nlh, TCPSTATE_A_TRANSITION_TO, figures->responder);
		mnl_attr_put_u64(nlh, TCPSTATE_A_TRANSITION_COUNT, 41);
		break;
	case TCPSTATE_A_STATS_RESETS:
		mnl_attr_put_u8(nlh, TCPSTATE_A_RESET_SENDER, figures->side);
		mnl_attr_put_u8(nlh, TCPSTATE_A_RESET_INITIATOR, figures->initiator);
		mnl_attr_put_u8(nlh, TCPSTATE_A_RESET_RESPONDER, figures->responder);
		mnl_attr_put_u64(nlh, TCPSTATE_A_RESET_IN_WINDOW, 81);
		mnl_attr_put_u64(nlh, TCPSTATE_A_RESET_INEXACT, 82);
		mnl_attr_put_u64(nlh, TCPSTATE_A_RESET_OUT_OF_WINDOW, 83);
		break;
	case TCPSTATE_A_STATS_LEAK:
		mnl_attr_put_u8(nlh, TCPSTATE_A_LEAK_SIDE, figures->side);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LEAK_FLOWS, 91);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LEAK_OLDEST, 92);
		break;
	case TCPSTATE_A_STATS_MEMORY:
		mnl_attr_put_u64(nlh, TCPSTATE_A_MEMORY_FLOWS, 21);
		mnl_attr_put_u64(nlh, TCPSTATE_A_MEMORY_LIMIT, 1ull << 40);
		break;
	case TCPSTATE_A_STATS_SEQ:
		mnl_attr_put_u64(nlh, TCPSTATE_A_SEQ_FLOWS, 61);
		mnl_attr_put_u64(nlh, TCPSTATE_A_SEQ_CLOSED, 62);
		mnl_attr_put_u64(nlh, TCPSTATE_A_SEQ_SEGMENTS, 63);
		mnl_attr_put_u64(nlh, TCPSTATE_A_SEQ_ALERTS, 64);
		break;
	}
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

static bool figured(struct figures figures, struct stats *stats)
{
	return message_stats(cook_figures(&figures), stats);
}

static void test_figures(void)
{
	static const size_t size = BUCKETS * sizeof(uint64_t);
	static struct stats stats;

	ok(figured((struct figures){ TCPSTATE_A_STATS_DWELL, size, 0, 11 }, &stats) &&
	   stats.dwell[11].buckets[0] == 1ull << 40 &&
	   stats.dwell[11].buckets[31] == (1ull << 40 | 31) && stats.dwell[11].sum == 51,
	   "stays in the eleventh state");
	ok(!figured((struct figures){ TCPSTATE_A_STATS_DWELL, size, 0, 12 }, &stats),
	   "there is no twelfth");
	ok(figured((struct figures){ TCPSTATE_A_STATS_RESPONDER_LATENCY, size }, &stats) &&
	   stats.latency[RESPONDER].buckets[31] && stats.latency[RESPONDER].sum == 51 &&
	   !stats.latency[INITIATOR].buckets[31], "responders' latency");
	ok(figured((struct figures){ TCPSTATE_A_STATS_INITIATOR_LATENCY, size }, &stats) &&
	   stats.latency[INITIATOR].buckets[31] && stats.latency[INITIATOR].sum == 51 &&
	   !stats.latency[RESPONDER].buckets[31], "initiators' latency");
	ok(!figured((struct figures){ TCPSTATE_A_STATS_INITIATOR_LATENCY, size - 4 }, &stats) &&
	   !figured((struct figures){ TCPSTATE_A_STATS_DWELL, size + 1, 0, 1 }, &stats),
	   "part of a bucket is none");
	ok(figured((struct figures){ TCPSTATE_A_STATS_DWELL, size + 8, 0, 1 }, &stats) &&
	   stats.dwell[1].buckets[30] == (1ull << 40 | 30) &&
	   stats.dwell[1].buckets[31] == (2ull << 40 | 63) &&
	   !stats.dwell[2].buckets[0], "buckets beyond the last count there");
	ok(figured((struct figures){ TCPSTATE_A_STATS_PAIR, 0, 0, 11, 1 }, &stats) &&
	   stats.pairs[11][1] == 71, "a pair of states");
	ok(!figured((struct figures){ TCPSTATE_A_STATS_PAIR, 0, 0, 12, 1 }, &stats) &&
	   !figured((struct figures){ TCPSTATE_A_STATS_PAIR, 0, 0, 1, 12 }, &stats),
	   "of eleven each");
	ok(figured((struct figures){ TCPSTATE_A_STATS_TRANSITION, 0, 0, 11, 1 }, &stats) &&
	   stats.transitions[11][1] == 41 && !stats.transitions[1][11], "a transition");
	ok(figured((struct figures){ TCPSTATE_A_STATS_TRANSITION, 0, 0, 0, 2 }, &stats) &&
	   stats.transitions[TCPSTATE_UNSPEC][2] == 41, "a beginning");
	ok(!figured((struct figures){ TCPSTATE_A_STATS_TRANSITION, 0, 0, 12, 1 }, &stats) &&
	   !figured((struct figures){ TCPSTATE_A_STATS_TRANSITION, 0, 0, 1, 12 }, &stats),
	   "between eleven states");
	for (uint8_t by = TCPSTATE_BY_INITIATOR; by <= TCPSTATE_BY_RESPONDER; by++) {
		enum end end = by == TCPSTATE_BY_INITIATOR ? INITIATOR : RESPONDER;

		ok(figured((struct figures){ TCPSTATE_A_STATS_RESETS, 0, by, 11, 1 }, &stats) &&
		   stats.resets[end][11][1].in_window == 81 &&
		   stats.resets[end][11][1].inexact == 82 &&
		   stats.resets[end][11][1].out_of_window == 83, "RSTs of side %u", by);
		ok(figured((struct figures){ TCPSTATE_A_STATS_LEAK, 0, by }, &stats) &&
		   stats.leaks[end].flows == 91 && stats.leaks[end].oldest == 92,
		   "leaks of side %u", by);
	}
	for (int by = 0; by <= 3; by += 3)
		ok(!figured((struct figures){ TCPSTATE_A_STATS_RESETS, 0, by, 1, 1 }, &stats) &&
		   !figured((struct figures){ TCPSTATE_A_STATS_LEAK, 0, by }, &stats),
		   "there is no side %d", by);
	ok(figured((struct figures){ TCPSTATE_A_STATS_MEMORY }, &stats) &&
	   stats.memory[TCPSTATE_A_MEMORY_FLOWS] == 21 &&
	   !stats.memory[TCPSTATE_A_MEMORY_TABLES] &&
	   stats.memory[TCPSTATE_A_MEMORY_LIMIT] == 1ull << 40, "memory, by kind");
	ok(!figured((struct figures){ TCPSTATE_A_STATS_RESETS, 0, 1, 12, 1 }, &stats) &&
	   !figured((struct figures){ TCPSTATE_A_STATS_RESETS, 0, 1, 1, 12 }, &stats),
	   "RSTs met states that there are");
	ok(figured((struct figures){ TCPSTATE_A_STATS_SEQ }, &stats) && stats.seq.flows == 61 &&
	   stats.seq.closed == 62 && stats.seq.segments == 63 && stats.seq.alerts == 64,
	   "last numbers");
}

/* Any cut, any octet changed, anything at all: read or refused, never overrun. */
static void test_hostile(void)
{
	unsigned long changed = 0, read = 0;
	struct nlmsghdr *nlh;
	uint32_t len;

	for (int stats = 0; stats < 2; stats++) {
		bool refused = true;

		nlh = stats ? cook_stats() : cook(&ordinary);
		len = nlh->nlmsg_len;
		/* The last attribute has eight octets and no padding. */
		for (nlh->nlmsg_len = NLMSG_HDRLEN; nlh->nlmsg_len < len; nlh->nlmsg_len++)
			if (reads(nlh, nlh->nlmsg_len, stats) && nlh->nlmsg_len > len - 8)
				refused = false;
		ok(refused, "%s whose last attribute is cut short is refused",
		   stats ? "stats" : "a flow");
	}
	srandom(9293);
	for (int round = 0; round < 200000; round++) {
		bool stats = round % 8 == 0;

		nlh = stats ? cook_stats() : cook(&ordinary);
		len = nlh->nlmsg_len;
		for (int n = random() % 4; n >= 0; n--) {
			size_t at = NLMSG_HDRLEN + random() % (len - NLMSG_HDRLEN);

			buffer[at] = random() % 3 ? random() : random() % 24;
		}
		nlh->nlmsg_len = random() % 4 ? len : NLMSG_HDRLEN + random() %
							(len - NLMSG_HDRLEN);
		changed++;
		read += reads(nlh, nlh->nlmsg_len, stats);
	}
	ok(read && read < changed, "of %lu changed messages some are read (%lu), some refused",
	   changed, read);
}

static const struct nlattr *find(const void *payload, size_t len, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_payload(payload, len)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static bool is(const struct nlattr *nest, uint16_t type, const void *want, size_t len)
{
	const struct nlattr *attr = find(mnl_attr_get_payload(nest),
					 mnl_attr_get_payload_len(nest), type);

	return attr && mnl_attr_get_payload_len(attr) == len &&
	       !memcmp(mnl_attr_get_payload(attr), want, len);
}

#define IS(nest, attr, type, ...) is(nest, attr, &(type){ __VA_ARGS__ }, sizeof(type))

static void test_filter(void)
{
	static char *none[] = { NULL };
	static char *much[] = {
		"state established,closing sstate big src fd00::/64 sport 1024-2047",
		"dst fd00::5 dport 443 older 2s idle 250ms not picked-up one-sided", NULL };
	struct filter filter;
	struct nlmsghdr *nlh;
	struct nlattr *all, *end;
	char why[256];
	size_t empty, size;

	nlh = begin();
	empty = nlh->nlmsg_len;
	ok(filter_parse(&filter, FILTER_FLOWS, 0, none, why, sizeof(why)) &&
	   message_filter(nlh, ROOM, &filter) && nlh->nlmsg_len == empty,
	   "no filter is no attribute");
	ok(filter_parse(&filter, FILTER_FLOWS, 0, much, why, sizeof(why)) && message_filter(nlh, ROOM, &filter),
	   "a filter with all in it");
	/* The request's tail as if it were a nest. */
	all = (struct nlattr *)(buffer + empty - sizeof(*all));
	all->nla_len = nlh->nlmsg_len - empty + sizeof(*all);
	ok(IS(all, TCPSTATE_A_FLOW_FAMILY, uint8_t, AF_INET6), "its family");
	ok(IS(all, TCPSTATE_A_FLOW_STATES, uint32_t,
	      1 << TCPSTATE_ESTABLISHED | 1 << TCPSTATE_CLOSING), "its states");
	ok(IS(all, TCPSTATE_A_FLOW_MIN_AGE, uint64_t, 2000) &&
	   IS(all, TCPSTATE_A_FLOW_MIN_IDLE, uint64_t, 250), "its times");
	ok(IS(all, TCPSTATE_A_FLOW_PICKED_UP, uint8_t, 0) &&
	   IS(all, TCPSTATE_A_FLOW_ONE_SIDED, uint8_t, 1), "its flags");
	end = (struct nlattr *)find(mnl_attr_get_payload(all), mnl_attr_get_payload_len(all),
				    TCPSTATE_A_FLOW_INITIATOR);
	ok(end && end->nla_type & NLA_F_NESTED &&
	   is(end, TCPSTATE_A_END_ADDR, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) &&
	   IS(end, TCPSTATE_A_END_PREFIX, uint8_t, 64) &&
	   IS(end, TCPSTATE_A_END_PORT, uint16_t, htons(1024)) &&
	   IS(end, TCPSTATE_A_END_PORT_LAST, uint16_t, htons(2047)) &&
	   IS(end, TCPSTATE_A_END_STATES, uint32_t, 0xfb6), "its initiator");
	end = (struct nlattr *)find(mnl_attr_get_payload(all), mnl_attr_get_payload_len(all),
				    TCPSTATE_A_FLOW_RESPONDER);
	ok(end && is(end, TCPSTATE_A_END_ADDR, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 16) &&
	   IS(end, TCPSTATE_A_END_PREFIX, uint8_t, 128) &&
	   IS(end, TCPSTATE_A_END_PORT, uint16_t, htons(443)), "its responder");
	size = nlh->nlmsg_len;
	for (empty = NLMSG_HDRLEN + GENL_HDRLEN; empty < size; empty++) {
		nlh = begin();
		if (message_filter(nlh, empty, &filter) || nlh->nlmsg_len > empty)
			break;
	}
	ok(empty == size, "where there is no room, it says so (%zu of %zu)", empty, size);
}

int main(void)
{
	test_flow();
	test_odd();
	test_strings();
	test_stats();
	test_event();
	test_figures();
	test_hostile();
	test_filter();
	return done();
}
