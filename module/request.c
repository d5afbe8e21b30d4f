// SPDX-License-Identifier: GPL-2.0
/* Netlink requests: what may be in them, and which records or subjects they ask for. */
#include <net/netlink.h>

#include "compat.h"
#include "request.h"

static const struct nla_policy end_policy[TCPSTATE_A_END_STATES + 1] = {
	[TCPSTATE_A_END_ADDR] = NLA_POLICY_RANGE(NLA_BINARY, sizeof(struct in_addr),
						 sizeof(struct in6_addr)),
	[TCPSTATE_A_END_PREFIX] = { .type = NLA_U8 },
	[TCPSTATE_A_END_PORT] = { .type = NLA_BE16 },
	[TCPSTATE_A_END_PORT_LAST] = { .type = NLA_BE16 },
	[TCPSTATE_A_END_STATES] = NLA_POLICY_MASK(NLA_U32, TCPSTATE_STATES_ALL),
};

const struct nla_policy tcpstate_request_filter_policy[TCPSTATE_REQUEST_FILTER_MAX + 1] = {
	[TCPSTATE_A_FLOW_FAMILY] = { .type = NLA_U8 },
	[TCPSTATE_A_FLOW_INITIATOR] = NLA_POLICY_NESTED(end_policy),
	[TCPSTATE_A_FLOW_RESPONDER] = NLA_POLICY_NESTED(end_policy),
	[TCPSTATE_A_FLOW_STATES] = NLA_POLICY_MASK(NLA_U32, TCPSTATE_STATES_ALL),
	[TCPSTATE_A_FLOW_MIN_AGE] = { .type = NLA_U64 },
	[TCPSTATE_A_FLOW_MIN_IDLE] = { .type = NLA_U64 },
	[TCPSTATE_A_FLOW_PICKED_UP] = NLA_POLICY_MAX(NLA_U8, 1),
	[TCPSTATE_A_FLOW_ONE_SIDED] = NLA_POLICY_MAX(NLA_U8, 1),
};

static const struct nla_policy name_policy[TCPSTATE_A_END_PORT_LAST + 1] = {
	[TCPSTATE_A_END_ADDR] = NLA_POLICY_RANGE(NLA_BINARY, sizeof(struct in_addr),
						 sizeof(struct in6_addr)),
	[TCPSTATE_A_END_PREFIX] = { .type = NLA_U8 },
	[TCPSTATE_A_END_PORT] = { .type = NLA_BE16 },
	[TCPSTATE_A_END_PORT_LAST] = { .type = NLA_BE16 },
};

const struct nla_policy tcpstate_request_subject_policy[TCPSTATE_REQUEST_SUBJECT_MAX + 1] = {
	[TCPSTATE_A_LISTENER_FAMILY] = { .type = NLA_U8 },
	[TCPSTATE_A_LISTENER_ENDPOINT] = NLA_POLICY_NESTED(name_policy),
	[TCPSTATE_A_LISTENER_VERDICTS] = NLA_POLICY_MASK(NLA_U32, TCPSTATE_VERDICTS_ALL),
};

/* Our protocol families have the numbers of the address families that uapi names. */
static_assert(NFPROTO_IPV4 == AF_INET && NFPROTO_IPV6 == AF_INET6);

static int parse_family(struct tcpstate_filter *filter, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	filter->family = nla_get_u8(attr);
	if (filter->family == NFPROTO_IPV4 || filter->family == NFPROTO_IPV6)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "family is neither IPv4 nor IPv6");
	return -EINVAL;
}

static int parse_states(u32 *states, const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	*states = nla_get_u32(attr);
	if (*states)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "no connection is in a state of an empty set");
	return -EINVAL;
}

/* An address says of which family it is, and so must the rest of the filter. */
static int parse_prefix(struct tcpstate_filter *filter, struct tcpstate_filter_end *end,
			struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const struct nlattr *addr = tb[TCPSTATE_A_END_ADDR], *prefix = tb[TCPSTATE_A_END_PREFIX];
	unsigned int bits, i;
	u8 family;

	if (!addr) {
		if (!prefix)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, prefix, "prefix length without an address");
		return -EINVAL;
	}
	if (nla_len(addr) == sizeof(struct in_addr)) {
		family = NFPROTO_IPV4;
	} else if (nla_len(addr) == sizeof(struct in6_addr)) {
		family = NFPROTO_IPV6;
	} else {
		NL_SET_ERR_MSG_ATTR(extack, addr, "address has neither 4 nor 16 octets");
		return -EINVAL;
	}
	if (filter->family && filter->family != family) {
		NL_SET_ERR_MSG_ATTR(extack, addr, "address is not of the family of the rest");
		return -EINVAL;
	}
	bits = prefix ? nla_get_u8(prefix) : 8 * nla_len(addr);
	if (bits > 8 * nla_len(addr)) {
		NL_SET_ERR_MSG_ATTR(extack, prefix, "prefix is longer than its address");
		return -EINVAL;
	}
	filter->family = family;
	memcpy(&end->addr, nla_data(addr), nla_len(addr));
	for (i = 0; i < bits; i += 8)
		end->mask.s6_addr[i / 8] = bits - i >= 8 ? 0xff : 0xff00 >> (bits - i);
	return 0;
}

static int parse_ports(struct tcpstate_filter_end *end, struct nlattr **tb,
		       struct netlink_ext_ack *extack)
{
	const struct nlattr *first = tb[TCPSTATE_A_END_PORT], *last = tb[TCPSTATE_A_END_PORT_LAST];

	if (first) {
		end->port_first = ntohs(nla_get_be16(first));
		end->port_last = end->port_first;
	}
	if (!last)
		return 0;
	end->port_last = ntohs(nla_get_be16(last));
	if (first && end->port_last >= end->port_first)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, last, "last port of a range that does not begin before it");
	return -EINVAL;
}

static int parse_end(struct tcpstate_filter *filter, enum tcpstate_end which,
		     const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct tcpstate_filter_end *end = &filter->end[which];
	struct nlattr *tb[ARRAY_SIZE(end_policy)];

	return nla_parse_nested(tb, ARRAY_SIZE(end_policy) - 1, attr, end_policy, extack) ?:
	       parse_prefix(filter, end, tb, extack) ?:
	       parse_ports(end, tb, extack) ?:
	       (tb[TCPSTATE_A_END_STATES] ?
		parse_states(&end->states, tb[TCPSTATE_A_END_STATES], extack) : 0);
}

static void parse_flag(struct tcpstate_filter *filter, u8 flag, const struct nlattr *attr)
{
	if (!attr)
		return;
	filter->flags_mask |= flag;
	if (nla_get_u8(attr))
		filter->flags |= flag;
}

/**
 * tcpstate_request_filter() - which connections are asked for
 * @filter: as tcpstate_filter_init() made it; filled in
 * @tb: attributes, by tcpstate_request_filter_policy
 * @extack: told what is wrong
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
int tcpstate_request_filter(struct tcpstate_filter *filter, struct nlattr **tb,
			    struct netlink_ext_ack *extack)
{
	static const u8 end_attr[2] = {
		[TCPSTATE_INITIATOR] = TCPSTATE_A_FLOW_INITIATOR,
		[TCPSTATE_RESPONDER] = TCPSTATE_A_FLOW_RESPONDER,
	};
	unsigned int end;
	int err = 0;

	if (tb[TCPSTATE_A_FLOW_FAMILY])
		err = parse_family(filter, tb[TCPSTATE_A_FLOW_FAMILY], extack);
	for (end = 0; end < 2 && !err; end++)
		if (tb[end_attr[end]])
			err = parse_end(filter, end, tb[end_attr[end]], extack);
	if (!err && tb[TCPSTATE_A_FLOW_STATES])
		err = parse_states(&filter->states, tb[TCPSTATE_A_FLOW_STATES], extack);
	if (tb[TCPSTATE_A_FLOW_MIN_AGE])
		filter->min_age = nla_get_u64(tb[TCPSTATE_A_FLOW_MIN_AGE]);
	if (tb[TCPSTATE_A_FLOW_MIN_IDLE])
		filter->min_idle = nla_get_u64(tb[TCPSTATE_A_FLOW_MIN_IDLE]);
	parse_flag(filter, TCPSTATE_PICKED_UP, tb[TCPSTATE_A_FLOW_PICKED_UP]);
	parse_flag(filter, TCPSTATE_ONE_SIDED, tb[TCPSTATE_A_FLOW_ONE_SIDED]);
	return err;
}

static int parse_name(struct tcpstate_filter *filter, const struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	struct tcpstate_filter_end *end = &filter->end[TCPSTATE_RESPONDER];
	struct nlattr *tb[ARRAY_SIZE(name_policy)];

	return nla_parse_nested(tb, ARRAY_SIZE(name_policy) - 1, attr, name_policy, extack) ?:
	       parse_prefix(filter, end, tb, extack) ?: parse_ports(end, tb, extack);
}

/**
 * tcpstate_request_subjects() - which listeners or hosts are asked for
 * @filter: filled in; its responder's end is what they must satisfy
 * @verdicts: the set of verdicts that is asked for
 * @tb: attributes, by tcpstate_request_subject_policy
 * @extack: told what is wrong
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
int tcpstate_request_subjects(struct tcpstate_filter *filter, u32 *verdicts, struct nlattr **tb,
			      struct netlink_ext_ack *extack)
{
	int err = 0;

	tcpstate_filter_init(filter);
	*verdicts = TCPSTATE_VERDICTS_ALL;
	if (tb[TCPSTATE_A_LISTENER_FAMILY])
		err = parse_family(filter, tb[TCPSTATE_A_LISTENER_FAMILY], extack);
	if (!err && tb[TCPSTATE_A_LISTENER_ENDPOINT])
		err = parse_name(filter, tb[TCPSTATE_A_LISTENER_ENDPOINT], extack);
	if (err || !tb[TCPSTATE_A_LISTENER_VERDICTS])
		return err;
	*verdicts = nla_get_u32(tb[TCPSTATE_A_LISTENER_VERDICTS]);
	if (*verdicts)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, tb[TCPSTATE_A_LISTENER_VERDICTS],
			    "nothing has a verdict of an empty set");
	return -EINVAL;
}
