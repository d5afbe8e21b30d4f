// SPDX-License-Identifier: GPL-2.0
/* Messages to the family, of every command: right, wrong and mangled. See wild.c. */
#define _GNU_SOURCE
#include <err.h>
#include <linux/genetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcpstate.h"
#include "wild.h"

#define SOCKETS 4
#define NEST	255

/* How long a request's attributes are, and which bits a sensible value may have. */
struct kind {
	uint8_t size;
	uint64_t bits;
};

static const struct kind of_flow[] = {
	[TCPSTATE_A_FLOW_FAMILY] = { 1, 2 | 8 },
	[TCPSTATE_A_FLOW_INITIATOR] = { NEST, 0 },
	[TCPSTATE_A_FLOW_RESPONDER] = { NEST, 0 },
	[TCPSTATE_A_FLOW_STATES] = { 4, 0xffe },
	[TCPSTATE_A_FLOW_MIN_AGE] = { 8, 0xfff },
	[TCPSTATE_A_FLOW_MIN_IDLE] = { 8, 0xfff },
	[TCPSTATE_A_FLOW_PICKED_UP] = { 1, 1 },
	[TCPSTATE_A_FLOW_ONE_SIDED] = { 1, 1 },
};
static const struct kind of_listener[] = {
	[TCPSTATE_A_LISTENER_FAMILY] = { 1, 2 | 8 },
	[TCPSTATE_A_LISTENER_ENDPOINT] = { NEST, 0 },
	[TCPSTATE_A_LISTENER_VERDICTS] = { 4, 0x3fe },
};
static const struct kind of_end[] = {
	[TCPSTATE_A_END_ADDR] = { 4, UINT64_MAX },
	[TCPSTATE_A_END_PREFIX] = { 1, 31 },
	[TCPSTATE_A_END_PORT] = { 2, 0x1f },
	[TCPSTATE_A_END_PORT_LAST] = { 2, 0xffe0 },
	[TCPSTATE_A_END_STATES] = { 4, 0xffe },
};

static size_t put_attributes(uint8_t *to, const struct kind *kinds, size_t n);

static size_t put_attribute(uint8_t *to, const struct kind *kinds, size_t n)
{
	static const uint8_t lengths[] = { 0, 1, 2, 3, 4, 8, 16, 17 };
	struct nlattr attr = { .nla_type = once_in(16) ? below(64) : below(n) };
	struct kind kind = attr.nla_type < n ? kinds[attr.nla_type] : (struct kind){ 4, 0 };
	uint64_t value = once_in(8) ? number() : random64() & kind.bits;
	size_t size = kind.size;

	if (!size && !once_in(4))
		return 0;
	if (size == NEST) {
		size = put_attributes(to + sizeof(attr), of_end, LENGTH(of_end));
		attr.nla_type |= NLA_F_NESTED;
	} else {
		if (once_in(16))
			size = lengths[below(LENGTH(lengths))];
		if (kinds == of_end && attr.nla_type == TCPSTATE_A_END_ADDR && once_in(2))
			size = 16;
		memset(to + sizeof(attr), 0, size);
		memcpy(to + sizeof(attr), &value, size < sizeof(value) ? size : sizeof(value));
	}
	if (once_in(64))
		attr.nla_type ^= once_in(2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
	attr.nla_len = once_in(64) ? number() : sizeof(attr) + size;
	memcpy(to, &attr, sizeof(attr));
	return NLA_ALIGN(sizeof(attr) + size);
}

static size_t put_attributes(uint8_t *to, const struct kind *kinds, size_t n)
{
	unsigned int times = below(4);
	size_t size = 0;

	while (times--)
		size += put_attribute(to + size, kinds, n);
	return size;
}

static size_t put_message(uint8_t *to, uint16_t family)
{
	static const uint16_t kinds[] = { NLM_F_DUMP, NLM_F_DUMP, NLM_F_ACK, NLM_F_ACK, 0 };
	struct genlmsghdr genl = { .cmd = below(TCPSTATE_CMD_MAX + 2), .version = 1 };
	struct nlmsghdr nlh = {
		.nlmsg_type = once_in(64) ? below(64) : family,
		.nlmsg_flags = NLM_F_REQUEST | kinds[below(LENGTH(kinds))], .nlmsg_seq = random64(),
	};
	bool subject = genl.cmd == TCPSTATE_CMD_LISTENER_GET || genl.cmd == TCPSTATE_CMD_HOST_GET;
	size_t size = NLMSG_HDRLEN + GENL_HDRLEN;

	if (genl.cmd == TCPSTATE_CMD_FLUSH && !once_in(16))
		genl.cmd = TCPSTATE_CMD_TRACE_SET;
	size += subject ? put_attributes(to + size, of_listener, LENGTH(of_listener)) :
			  put_attributes(to + size, of_flow, LENGTH(of_flow));
	if (once_in(64))
		nlh.nlmsg_flags = random64();
	if (once_in(64))
		genl.version = number();
	nlh.nlmsg_len = once_in(64) ? number() : size;
	memcpy(to, &nlh, sizeof(nlh));
	memcpy(to + NLMSG_HDRLEN, &genl, sizeof(genl));
	if (once_in(16))
		mangle(to, size);
	return NLMSG_ALIGN(size);
}

/* What can be heard at once; all but refusals counts. */
static void hear(int sock)
{
	static uint8_t buffer[65536];
	struct nlmsghdr *nlh = (void *)buffer;
	ssize_t size;
	int rest;

	while ((size = recv(sock, buffer, 1 + below(sizeof(buffer)), MSG_DONTWAIT)) > 0 && !over)
		for (rest = size; NLMSG_OK(nlh, rest); nlh = NLMSG_NEXT(nlh, rest))
			if (nlh->nlmsg_type != NLMSG_ERROR || !((struct nlmsgerr *)NLMSG_DATA(nlh))->error)
				count_more(0, 1);
}

static int family_of(int sock)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		char rest[4096];
	} message = {
		.nlh = { NLMSG_HDRLEN + GENL_HDRLEN + 16, GENL_ID_CTRL, NLM_F_REQUEST, 0, 0 },
		.genl = { .cmd = CTRL_CMD_GETFAMILY }, .attr = { 13, CTRL_ATTR_FAMILY_NAME },
		.rest = TCPSTATE_GENL_NAME,
	};
	struct nlattr *attr;

	if (send(sock, &message, message.nlh.nlmsg_len, 0) < 0 ||
	    recv(sock, &message, sizeof(message), 0) < 0 ||
	    message.nlh.nlmsg_type != GENL_ID_CTRL)
		errx(1, "no family " TCPSTATE_GENL_NAME);
	for (attr = &message.attr; (attr->nla_type & NLA_TYPE_MASK) != CTRL_ATTR_FAMILY_ID;
	     attr = (void *)attr + NLA_ALIGN(attr->nla_len))
		;
	return *(uint16_t *)(attr + 1);
}

static int open_netlink(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);

	if (sock < 0 || bind(sock, (void *)&any, sizeof(any)))
		err(1, "netlink");
	return sock;
}

void wild_netlink(void)
{
	int sock[SOCKETS], group, at, family, i;
	uint8_t message[8192];
	size_t size;

	for (at = 0; at < SOCKETS; at++)
		sock[at] = open_netlink();
	family = family_of(sock[0]);
	while (!over) {
		at = below(SOCKETS);
		if (once_in(64)) {
			close(sock[at]);
			sock[at] = open_netlink();
		}
		if (once_in(64)) {
			group = 1 + below(32);
			setsockopt(sock[at], SOL_NETLINK,
				   once_in(4) ? NETLINK_DROP_MEMBERSHIP : NETLINK_ADD_MEMBERSHIP,
				   &group, sizeof(group));
		}
		for (size = 0, i = once_in(8) ? 4 : 1; i; i--)
			size += put_message(message + size, family);
		count_more(1, 0);
		send(sock[at], message, size, MSG_DONTWAIT);
		if (!once_in(4))
			hear(sock[at]);
	}
}
