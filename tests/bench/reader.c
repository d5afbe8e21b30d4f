// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to ask: tcpstate's netlink family and conntrack's in turn, in
 * one process, from the request to the last message taken apart. See usage().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "tcpstate.h"

#define ROOM 65536		/* for what one recv() brings; the kernel fills half */
#define STATES 16

/**
 * struct flow - one record, taken apart
 * @addr: of either end, as it came
 * @port: likewise
 * @state: of either end, or of conntrack's
 * @bytes: by either end
 * @segments: likewise
 * @since: when or how long ago it began
 */
struct flow {
	uint8_t addr[2][16];
	uint16_t port[2];
	uint8_t state[2];
	uint64_t bytes[2];
	uint64_t segments[2];
	uint64_t since;
};

/**
 * struct tally - what came
 * @flows: how many
 * @state: of the initiators, or conntrack's
 * @sum: of all that was taken apart
 */
struct tally {
	uint64_t flows;
	uint64_t state[STATES];
	uint64_t sum;
};

static char buffer[ROOM];
static uint32_t seq;

static void die(const char *what)
{
	fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int note(const struct nlattr *attr, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < 64)
		table[type] = attr;
	return MNL_CB_OK;
}

static uint64_t get_be64(const struct nlattr *attr)
{
	return attr ? be64toh(mnl_attr_get_u64(attr)) : 0;
}

static void get_addr(uint8_t *addr, const struct nlattr *attr)
{
	if (attr)
		memcpy(addr, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr) & 31);
}

static void add(struct tally *tally, const struct flow *flow)
{
	const uint8_t *octet = (const uint8_t *)flow;
	uint64_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= sizeof(*flow); i += sizeof(word)) {
		memcpy(&word, octet + i, sizeof(word));
		tally->sum += word;
	}
	tally->flows++;
	tally->state[flow->state[0] % STATES]++;
}

static void take_end(struct flow *flow, int end, const struct nlattr *nest)
{
	const struct nlattr *attr[64] = {};

	if (!nest)
		return;
	mnl_attr_parse_nested(nest, note, attr);
	get_addr(flow->addr[end], attr[TCPSTATE_A_END_ADDR]);
	if (attr[TCPSTATE_A_END_PORT])
		flow->port[end] = mnl_attr_get_u16(attr[TCPSTATE_A_END_PORT]);
	if (attr[TCPSTATE_A_END_STATE])
		flow->state[end] = mnl_attr_get_u8(attr[TCPSTATE_A_END_STATE]);
	if (attr[TCPSTATE_A_END_BYTES])
		flow->bytes[end] = mnl_attr_get_u64(attr[TCPSTATE_A_END_BYTES]);
	if (attr[TCPSTATE_A_END_SEGMENTS])
		flow->segments[end] = mnl_attr_get_u64(attr[TCPSTATE_A_END_SEGMENTS]);
}

static int take_ours(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr[64] = {};
	struct flow flow = {};

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), note, attr);
	take_end(&flow, 0, attr[TCPSTATE_A_FLOW_INITIATOR]);
	take_end(&flow, 1, attr[TCPSTATE_A_FLOW_RESPONDER]);
	if (attr[TCPSTATE_A_FLOW_AGE])
		flow.since = mnl_attr_get_u64(attr[TCPSTATE_A_FLOW_AGE]);
	add(data, &flow);
	return MNL_CB_OK;
}

static int take_stats(const struct nlmsghdr *nlh, void *data)
{
	struct tally *tally = data;
	const struct nlattr *attr, *state[64];
	uint64_t now;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != TCPSTATE_A_STATS_STATE)
			continue;
		memset(state, 0, sizeof(state));
		mnl_attr_parse_nested(attr, note, state);
		now = mnl_attr_get_u64(state[TCPSTATE_A_STATE_INITIATOR]);
		tally->flows += now;
		tally->state[mnl_attr_get_u8(state[TCPSTATE_A_STATE_STATE]) % STATES] += now;
	}
	return MNL_CB_OK;
}

static void take_tuple(struct flow *flow, const struct nlattr *nest)
{
	const struct nlattr *attr[64] = {}, *ip[64] = {}, *proto[64] = {};

	if (!nest)
		return;
	mnl_attr_parse_nested(nest, note, attr);
	if (attr[CTA_TUPLE_IP])
		mnl_attr_parse_nested(attr[CTA_TUPLE_IP], note, ip);
	if (attr[CTA_TUPLE_PROTO])
		mnl_attr_parse_nested(attr[CTA_TUPLE_PROTO], note, proto);
	get_addr(flow->addr[0], ip[CTA_IP_V4_SRC] ?: ip[CTA_IP_V6_SRC]);
	get_addr(flow->addr[1], ip[CTA_IP_V4_DST] ?: ip[CTA_IP_V6_DST]);
	if (proto[CTA_PROTO_SRC_PORT])
		flow->port[0] = mnl_attr_get_u16(proto[CTA_PROTO_SRC_PORT]);
	if (proto[CTA_PROTO_DST_PORT])
		flow->port[1] = mnl_attr_get_u16(proto[CTA_PROTO_DST_PORT]);
}

static void take_counters(struct flow *flow, int end, const struct nlattr *nest)
{
	const struct nlattr *attr[64] = {};

	if (!nest)
		return;
	mnl_attr_parse_nested(nest, note, attr);
	flow->segments[end] = get_be64(attr[CTA_COUNTERS_PACKETS]);
	flow->bytes[end] = get_be64(attr[CTA_COUNTERS_BYTES]);
}

static void take_state(struct flow *flow, const struct nlattr *nest)
{
	const struct nlattr *info[64] = {}, *tcp[64] = {};

	if (!nest)
		return;
	mnl_attr_parse_nested(nest, note, info);
	if (info[CTA_PROTOINFO_TCP])
		mnl_attr_parse_nested(info[CTA_PROTOINFO_TCP], note, tcp);
	if (tcp[CTA_PROTOINFO_TCP_STATE])
		flow->state[0] = mnl_attr_get_u8(tcp[CTA_PROTOINFO_TCP_STATE]);
}

static int take_theirs(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr[64] = {}, *stamp[64] = {};
	struct flow flow = {};

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), note, attr);
	take_tuple(&flow, attr[CTA_TUPLE_ORIG]);
	take_counters(&flow, 0, attr[CTA_COUNTERS_ORIG]);
	take_counters(&flow, 1, attr[CTA_COUNTERS_REPLY]);
	take_state(&flow, attr[CTA_PROTOINFO]);
	if (attr[CTA_TIMESTAMP]) {
		mnl_attr_parse_nested(attr[CTA_TIMESTAMP], note, stamp);
		flow.since = get_be64(stamp[CTA_TIMESTAMP_START]);
	}
	add(data, &flow);
	return MNL_CB_OK;
}

/* Who counts states needs no more than those. */
static int take_their_state(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr[64] = {};
	struct tally *tally = data;
	struct flow flow = {};

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), note, attr);
	take_state(&flow, attr[CTA_PROTOINFO]);
	tally->flows++;
	tally->state[flow.state[0] % STATES]++;
	return MNL_CB_OK;
}

/* Who looks for one state looks at that first. */
static int take_their_fin_wait(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr[64] = {};
	struct tally *tally = data;
	struct flow flow = {};

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), note, attr);
	take_state(&flow, attr[CTA_PROTOINFO]);
	if (flow.state[0] == TCP_CONNTRACK_FIN_WAIT)
		return take_theirs(nlh, data);
	tally->flows++;
	return MNL_CB_OK;
}

static struct mnl_socket *open_socket(int protocol)
{
	struct mnl_socket *socket = mnl_socket_open(protocol);

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("socket");
	return socket;
}

/* A request, and all that comes of it. Returns nanoseconds. */
static uint64_t ask(struct mnl_socket *socket, struct nlmsghdr *nlh, mnl_cb_t take, void *data)
{
	unsigned int portid = mnl_socket_get_portid(socket);
	struct timespec start, end;
	int n, more = MNL_CB_OK;

	nlh->nlmsg_seq = ++seq;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		die("request");
	while (more > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			die("reply");
		more = mnl_cb_run(buffer, n, seq, portid, take, data);
		if (more < 0)
			die("reply");
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - start.tv_sec) * 1000000000ull + end.tv_nsec - start.tv_nsec;
}

static struct nlmsghdr *request(char *room, uint16_t type, uint16_t flags, const void *header,
				size_t length)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(mnl_nlmsg_put_extra_header(nlh, length), header, length);
	return nlh;
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr[64] = {};

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), note, attr);
	*(uint16_t *)data = mnl_attr_get_u16(attr[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

static uint16_t find_family(struct mnl_socket *socket)
{
	struct genlmsghdr header = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	char room[256];
	struct nlmsghdr *nlh = request(room, GENL_ID_CTRL, NLM_F_ACK, &header, sizeof(header));
	uint16_t family = 0;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, TCPSTATE_GENL_NAME);
	ask(socket, nlh, take_family, &family);
	return family;
}

static void usage(void)
{
	fputs("reader summary|dump|filtered ROUNDS\n"
	      "\n"
	      "Prints a line a round: nanoseconds that tcpstate took and conntrack, flows\n"
	      "that each told of, and how many of those were in the state that is asked for\n"
	      "(summary: established; filtered: the initiator has sent its FIN).\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct nfgenmsg their_header = { .nfgen_family = AF_INET, .version = NFNETLINK_V0 };
	struct genlmsghdr our_header = { .version = TCPSTATE_GENL_VERSION };
	uint32_t state = TCPSTATE_ESTABLISHED, their_state = TCP_CONNTRACK_ESTABLISHED;
	mnl_cb_t our_take = take_ours, their_take = take_theirs;
	struct nlmsghdr *ours, *theirs;
	struct mnl_socket *we, *they;
	char our_room[256], their_room[256];
	struct nlattr *nest;
	bool summary, filtered;

	if (argc != 3)
		usage();
	summary = !strcmp(argv[1], "summary");
	filtered = !strcmp(argv[1], "filtered");
	if (!summary && !filtered && strcmp(argv[1], "dump"))
		usage();

	we = open_socket(NETLINK_GENERIC);
	they = open_socket(NETLINK_NETFILTER);
	our_header.cmd = summary ? TCPSTATE_CMD_STATS_GET : TCPSTATE_CMD_FLOW_GET;
	ours = request(our_room, find_family(we), summary ? NLM_F_ACK : NLM_F_DUMP, &our_header,
		       sizeof(our_header));
	theirs = request(their_room, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP,
			 &their_header, sizeof(their_header));
	if (summary) {
		our_take = take_stats;
		their_take = take_their_state;
	}
	if (filtered) {
		their_take = take_their_fin_wait;
		state = TCPSTATE_FIN_WAIT1;
		their_state = TCP_CONNTRACK_FIN_WAIT;
		nest = mnl_attr_nest_start(ours, TCPSTATE_A_FLOW_INITIATOR);
		mnl_attr_put_u32(ours, TCPSTATE_A_END_STATES, 1u << state);
		mnl_attr_nest_end(ours, nest);
	}
	for (int i = 0; i < atoi(argv[2]); i++) {
		struct tally our = {}, their = {};
		uint64_t our_ns = ask(we, ours, our_take, &our);
		uint64_t their_ns = ask(they, theirs, their_take, &their);

		printf("%llu %llu %llu %llu %llu %llu\n", (unsigned long long)our_ns,
		       (unsigned long long)their_ns, (unsigned long long)our.flows,
		       (unsigned long long)their.flows, (unsigned long long)our.state[state],
		       (unsigned long long)their.state[their_state]);
		fflush(stdout);
	}
	mnl_socket_close(we);
	mnl_socket_close(they);
	return 0;
}
