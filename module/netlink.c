// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family: what is asked, and how it is answered. */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "compat.h"
#include "message.h"
#include "netns.h"
#include "trace.h"
#include "walk.h"

static const struct nla_policy end_policy[TCPSTATE_A_END_STATES + 1] = {
	[TCPSTATE_A_END_ADDR] = NLA_POLICY_RANGE(NLA_BINARY, sizeof(struct in_addr),
						 sizeof(struct in6_addr)),
	[TCPSTATE_A_END_PREFIX] = { .type = NLA_U8 },
	[TCPSTATE_A_END_PORT] = { .type = NLA_BE16 },
	[TCPSTATE_A_END_PORT_LAST] = { .type = NLA_BE16 },
	[TCPSTATE_A_END_STATES] = NLA_POLICY_MASK(NLA_U32, TCPSTATE_STATES_ALL),
};

static const struct nla_policy filter_policy[TCPSTATE_A_FLOW_MIN_IDLE + 1] = {
	[TCPSTATE_A_FLOW_FAMILY] = { .type = NLA_U8 },
	[TCPSTATE_A_FLOW_INITIATOR] = NLA_POLICY_NESTED(end_policy),
	[TCPSTATE_A_FLOW_RESPONDER] = NLA_POLICY_NESTED(end_policy),
	[TCPSTATE_A_FLOW_STATES] = NLA_POLICY_MASK(NLA_U32, TCPSTATE_STATES_ALL),
	[TCPSTATE_A_FLOW_MIN_AGE] = { .type = NLA_U64 },
	[TCPSTATE_A_FLOW_MIN_IDLE] = { .type = NLA_U64 },
	[TCPSTATE_A_FLOW_PICKED_UP] = NLA_POLICY_MAX(NLA_U8, 1),
	[TCPSTATE_A_FLOW_ONE_SIDED] = NLA_POLICY_MAX(NLA_U8, 1),
};

/*
 * Room for all figures: every state and counter, the histograms, the pairs of
 * states and RSTs in each of them (144 and 288 at most, so 60 and 80 octets).
 */
#define STATS_SIZE 32768

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

static int parse_filter(struct tcpstate_filter *filter, struct nlattr **tb,
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

/* One record of a dump is one message; what does not fit leaves no trace. */
static int put_message(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		       const struct tcpstate_view *view)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &tcpstate_family, NLM_F_MULTI, cmd);

	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	if (tcpstate_message_flow(skb, view)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/**
 * struct dump - a dump under way, from dump_start() to dump_done()
 * @walk: how far it has come
 * @filtered: the walk has its filter
 */
struct dump {
	struct tcpstate_walk walk;
	bool filtered;
};

static int dump_filter(struct dump *dump, struct netlink_callback *cb)
{
	int err = parse_filter(&dump->walk.filter, tcpstate_genl_dump_attrs(cb), cb->extack);

	dump->filtered = !err;
	return err;
}

static int dump_start(struct netlink_callback *cb, unsigned int kinds)
{
	struct tcpstate_net *tn = tcpstate_net(sock_net(cb->skb->sk));
	struct dump *dump;
	int err = 0;

	dump = kzalloc(sizeof(*dump), GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	tcpstate_walk_start(&dump->walk, &tn->tables, kinds);
	/* Older kernels would not pass on from here what is wrong with it. */
	if (cb->extack)
		err = dump_filter(dump, cb);
	if (err)
		kfree(dump);
	else
		cb->args[0] = (long)dump;
	return err;
}

static int flow_start(struct netlink_callback *cb)
{
	return dump_start(cb, TCPSTATE_WALK_ALL);
}

static int halfopen_start(struct netlink_callback *cb)
{
	return dump_start(cb, TCPSTATE_WALK_HALFOPEN);
}

static int dump_go_on(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	struct dump *dump = (struct dump *)cb->args[0];
	struct tcpstate_walk *walk = &dump->walk;
	const struct tcpstate_view *view;
	int err;

	if (!dump->filtered) {
		err = dump_filter(dump, cb);
		if (err)
			return err;
	}
	for (view = tcpstate_walk_current(walk); view; view = tcpstate_walk_next(walk)) {
		/* A number that differs from the last message's sets NLM_F_DUMP_INTR. */
		cb->seq = 1 + walk->interrupted;
		if (put_message(skb, cb, cmd, view))
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return skb->len;
}

static int flow_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_go_on(skb, cb, TCPSTATE_CMD_FLOW_GET);
}

static int halfopen_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_go_on(skb, cb, TCPSTATE_CMD_HALFOPEN_GET);
}

static int dump_done(struct netlink_callback *cb)
{
	kfree((struct dump *)cb->args[0]);
	return 0;
}

static int put_seq(struct sk_buff *skb, struct tcpstate_log *log)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_SEQ);
	u64 seq[TCPSTATE_GROUP_MAX];

	tcpstate_log_seq(log, seq);
	if (!nest ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_FLOWS, seq[TCPSTATE_GROUP_FLOWS],
			      TCPSTATE_A_SEQ_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_CLOSED, seq[TCPSTATE_GROUP_CLOSED],
			      TCPSTATE_A_SEQ_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_SEGMENTS, seq[TCPSTATE_GROUP_SEGMENTS],
			      TCPSTATE_A_SEQ_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_stats(struct sk_buff *skb, struct tcpstate_net *tn,
		     const struct tcpstate_stats *sum)
{
	if (nla_put_string(skb, TCPSTATE_A_STATS_VERSION, TCPSTATE_VERSION) ||
	    nla_put_u8(skb, TCPSTATE_A_STATS_ENABLED, READ_ONCE(tn->enabled)) ||
	    tcpstate_message_sum(skb, sum) ||
	    tcpstate_message_resets(skb, &tn->log.resets) ||
	    tcpstate_message_leak(skb, &tn->tables.leak))
		return -EMSGSIZE;
	return put_seq(skb, &tn->log);
}

static int stats_get(struct sk_buff *skb, struct genl_info *info)
{
	struct tcpstate_net *tn = tcpstate_net(genl_info_net(info));
	struct tcpstate_stats *sum;
	struct sk_buff *reply = NULL;
	void *header;
	int err = -ENOMEM;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	if (!sum)
		return err;
	tcpstate_net_stats(tn, sum);
	reply = genlmsg_new(STATS_SIZE, GFP_KERNEL);
	if (!reply)
		goto free;
	err = -EMSGSIZE;
	header = genlmsg_put_reply(reply, info, &tcpstate_family, 0, TCPSTATE_CMD_STATS_GET);
	if (!header)
		goto free;
	err = put_stats(reply, tn, sum);
	if (err)
		goto free;
	kfree(sum);
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
free:
	nlmsg_free(reply);
	kfree(sum);
	return err;
}

static int trace_set(struct sk_buff *skb, struct genl_info *info)
{
	struct tcpstate_net *tn = tcpstate_net(genl_info_net(info));
	struct tcpstate_filter filter;
	unsigned int i;
	int err;

	for (i = 1; i < ARRAY_SIZE(filter_policy) && !info->attrs[i]; i++)
		;
	if (i == ARRAY_SIZE(filter_policy)) {
		GENL_SET_ERR_MSG(info, "a trace needs a filter: which connections?");
		return -EINVAL;
	}
	tcpstate_filter_init(&filter);
	err = parse_filter(&filter, info->attrs, info->extack);
	if (err)
		return err;
	err = tcpstate_trace_set(&tn->log, info->snd_portid, &filter);
	if (err == -EBUSY)
		GENL_SET_ERR_MSG(info, "this namespace has as many traces as it may");
	return err;
}

/* A socket that asked for a trace may be gone. */
static int on_release(struct notifier_block *block, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC)
		tcpstate_trace_clear(&tcpstate_net(notify->net)->log, notify->portid);
	return NOTIFY_DONE;
}

static struct notifier_block release_block = {
	.notifier_call = on_release,
};

static int flush(struct sk_buff *skb, struct genl_info *info)
{
	tcpstate_walk_flush(&tcpstate_net(genl_info_net(info))->tables);
	return 0;
}

/* What shows addresses, or forgets them, is for whoever rules the namespace. */
static const struct genl_ops ops[] = {
	{
		.cmd = TCPSTATE_CMD_STATS_GET,
		.doit = stats_get,
	}, {
		.cmd = TCPSTATE_CMD_FLOW_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = filter_policy,
		.maxattr = ARRAY_SIZE(filter_policy) - 1,
		.start = flow_start,
		.dumpit = flow_dump,
		.done = dump_done,
	}, {
		.cmd = TCPSTATE_CMD_HALFOPEN_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = filter_policy,
		.maxattr = ARRAY_SIZE(filter_policy) - 1,
		.start = halfopen_start,
		.dumpit = halfopen_dump,
		.done = dump_done,
	}, {
		.cmd = TCPSTATE_CMD_FLUSH,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = flush,
	}, {
		.cmd = TCPSTATE_CMD_TRACE_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = filter_policy,
		.maxattr = ARRAY_SIZE(filter_policy) - 1,
		.doit = trace_set,
	},
};

static const struct genl_multicast_group groups[TCPSTATE_GROUP_MAX] = {
	[TCPSTATE_GROUP_FLOWS] = {
		.name = TCPSTATE_GENL_GROUP_FLOWS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[TCPSTATE_GROUP_CLOSED] = {
		.name = TCPSTATE_GENL_GROUP_CLOSED,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[TCPSTATE_GROUP_SEGMENTS] = {
		.name = TCPSTATE_GENL_GROUP_SEGMENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

struct genl_family tcpstate_family = {
	.name = TCPSTATE_GENL_NAME,
	.version = TCPSTATE_GENL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

/**
 * tcpstate_netlink_init() - begin to answer
 *
 * Context: module initialisation.
 * Return: 0 or a negative errno.
 */
int __init tcpstate_netlink_init(void)
{
	int err;

	err = netlink_register_notifier(&release_block);
	if (err)
		return err;
	err = genl_register_family(&tcpstate_family);
	if (err) {
		netlink_unregister_notifier(&release_block);
		return err;
	}
	tcpstate_event_start();
	return 0;
}

/**
 * tcpstate_netlink_exit() - answer no more
 *
 * No dump is under way: each holds a reference to the module.
 * Context: module exit.
 */
void tcpstate_netlink_exit(void)
{
	tcpstate_event_stop();
	genl_unregister_family(&tcpstate_family);
	netlink_unregister_notifier(&release_block);
}
