// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family: what is asked, and how it is answered. */
#include <linux/nsproxy.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "compat.h"
#include "message.h"
#include "netns.h"
#include "request.h"
#include "trace.h"
#include "walk.h"

/*
 * Room for all figures: every state and counter, the histograms, the pairs of
 * states, transitions and RSTs in each of them (121, 132 and 242 at most, of 36, 36 and
 * 76 octets).
 */
#define STATS_SIZE 40960

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
	int err = tcpstate_request_filter(&dump->walk.filter, tcpstate_genl_dump_attrs(cb),
					  cb->extack);

	dump->filtered = !err;
	return err;
}

static int dump_start(struct netlink_callback *cb, unsigned int kinds)
{
	struct tcpstate_net *tn = tcpstate_net(sock_net(cb->skb->sk));
	struct dump *dump;
	int err = 0;

	dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);
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

/**
 * struct subject_dump - a dump of listeners or hosts under way
 * @read: gets the next one
 * @place: where to read on
 * @filter: which are wanted, its responder's end and family
 * @verdicts: with which verdicts
 * @view: what was read, and not told of yet
 * @held: there is one
 * @filtered: the filter was parsed
 */
struct subject_dump {
	bool (*read)(struct tcpstate_listeners *listeners, unsigned long *place,
		     struct tcpstate_listener_view *view);
	unsigned long place;
	struct tcpstate_filter filter;
	u32 verdicts;
	struct tcpstate_listener_view view;
	bool held;
	bool filtered;
};

static int subject_filter(struct subject_dump *dump, struct netlink_callback *cb)
{
	int err = tcpstate_request_subjects(&dump->filter, &dump->verdicts,
					    tcpstate_genl_dump_attrs(cb), cb->extack);

	dump->filtered = !err;
	return err;
}

static int subject_start(struct netlink_callback *cb, typeof(tcpstate_listener_read) *read)
{
	struct subject_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!dump)
		return -ENOMEM;
	dump->read = read;
	/* As dump_start() has it. */
	if (cb->extack)
		err = subject_filter(dump, cb);
	if (err)
		kfree(dump);
	else
		cb->args[0] = (long)dump;
	return err;
}

static int listener_start(struct netlink_callback *cb)
{
	return subject_start(cb, tcpstate_listener_read);
}

static int host_start(struct netlink_callback *cb)
{
	return subject_start(cb, tcpstate_host_read);
}

/* The next one that is wanted, held until it is told of. */
static bool subject_next(struct subject_dump *dump, struct tcpstate_listeners *listeners)
{
	while (!dump->held && dump->read(listeners, &dump->place, &dump->view)) {
		dump->place++;
		dump->held = dump->verdicts & BIT(dump->view.finding.verdict) &&
			     tcpstate_filter_passes_host(&dump->filter, &dump->view.host);
	}
	return dump->held;
}

static int put_subject(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct tcpstate_listener_view *view)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &tcpstate_family, NLM_F_MULTI,
				   ((struct genlmsghdr *)nlmsg_data(cb->nlh))->cmd);

	if (!header)
		return -EMSGSIZE;
	if (tcpstate_message_subject(skb, view)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

static int subject_go_on(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tcpstate_net *tn = tcpstate_net(sock_net(cb->skb->sk));
	struct subject_dump *dump = (struct subject_dump *)cb->args[0];
	int err;

	if (!dump->filtered) {
		err = subject_filter(dump, cb);
		if (err)
			return err;
	}
	while (subject_next(dump, &tn->listeners)) {
		if (put_subject(skb, cb, &dump->view))
			break;
		dump->held = false;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return skb->len;
}

/* A socket that was opened without this capability is in no group. */
static bool may_listen(struct sk_buff *request, const struct net *net)
{
	return file_ns_capable(NETLINK_CB(request).sk->sk_socket->file, net->user_ns,
			       CAP_NET_ADMIN);
}

static int put_seq(struct sk_buff *skb, struct tcpstate_log *log, bool reader)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_SEQ);
	u64 seq[TCPSTATE_GROUP_MAX];

	tcpstate_log_seq(log, reader, seq);
	if (!nest ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_FLOWS, seq[TCPSTATE_GROUP_FLOWS],
			      TCPSTATE_A_SEQ_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_CLOSED, seq[TCPSTATE_GROUP_CLOSED],
			      TCPSTATE_A_SEQ_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_SEGMENTS, seq[TCPSTATE_GROUP_SEGMENTS],
			      TCPSTATE_A_SEQ_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEQ_ALERTS, seq[TCPSTATE_GROUP_ALERTS],
			      TCPSTATE_A_SEQ_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_stats(struct sk_buff *skb, struct tcpstate_net *tn,
		     const struct tcpstate_stats *sum, bool reader)
{
	if (nla_put_string(skb, TCPSTATE_A_STATS_VERSION, TCPSTATE_VERSION) ||
	    nla_put_u8(skb, TCPSTATE_A_STATS_ENABLED, tcpstate_net_enabled(tn)) ||
	    tcpstate_message_sum(skb, sum) ||
	    tcpstate_message_memory(skb, &tn->log.memory, sum) ||
	    tcpstate_message_resets(skb, &tn->log.resets) ||
	    tcpstate_message_leak(skb, &tn->tables.leak))
		return -EMSGSIZE;
	return put_seq(skb, &tn->log, reader);
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
	err = put_stats(reply, tn, sum, may_listen(skb, tn->net));
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

	for (i = 1; i <= TCPSTATE_REQUEST_FILTER_MAX && !info->attrs[i]; i++)
		;
	if (i > TCPSTATE_REQUEST_FILTER_MAX) {
		GENL_SET_ERR_MSG(info, "a trace needs a filter: which connections?");
		return -EINVAL;
	}
	tcpstate_filter_init(&filter);
	err = tcpstate_request_filter(&filter, info->attrs, info->extack);
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
	int err = tcpstate_net_flush(tcpstate_net(genl_info_net(info)));

	if (err)
		GENL_SET_ERR_MSG(info, "another operation changes this namespace: try again");
	return err;
}

/* Refuses every attribute. 5.10 accepts them all if a command has no policy. */
static const struct nla_policy no_attributes[] = {
	[0 ... 1] = { .type = NLA_REJECT },
};

/* What shows addresses, or forgets them, is for whoever rules the namespace. */
static const struct genl_ops ops[] = {
	{
		.cmd = TCPSTATE_CMD_STATS_GET,
		.policy = no_attributes,
		.maxattr = ARRAY_SIZE(no_attributes) - 1,
		.doit = stats_get,
	}, {
		.cmd = TCPSTATE_CMD_FLOW_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = tcpstate_request_filter_policy,
		.maxattr = TCPSTATE_REQUEST_FILTER_MAX,
		.start = flow_start,
		.dumpit = flow_dump,
		.done = dump_done,
	}, {
		.cmd = TCPSTATE_CMD_HALFOPEN_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = tcpstate_request_filter_policy,
		.maxattr = TCPSTATE_REQUEST_FILTER_MAX,
		.start = halfopen_start,
		.dumpit = halfopen_dump,
		.done = dump_done,
	}, {
		.cmd = TCPSTATE_CMD_FLUSH,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = no_attributes,
		.maxattr = ARRAY_SIZE(no_attributes) - 1,
		.doit = flush,
	}, {
		.cmd = TCPSTATE_CMD_TRACE_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = tcpstate_request_filter_policy,
		.maxattr = TCPSTATE_REQUEST_FILTER_MAX,
		.doit = trace_set,
	}, {
		.cmd = TCPSTATE_CMD_LISTENER_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = tcpstate_request_subject_policy,
		.maxattr = TCPSTATE_REQUEST_SUBJECT_MAX,
		.start = listener_start,
		.dumpit = subject_go_on,
		.done = dump_done,
	}, {
		.cmd = TCPSTATE_CMD_HOST_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = tcpstate_request_subject_policy,
		.maxattr = TCPSTATE_REQUEST_SUBJECT_MAX,
		.start = host_start,
		.dumpit = subject_go_on,
		.done = dump_done,
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
	[TCPSTATE_GROUP_ALERTS] = {
		.name = TCPSTATE_GENL_GROUP_ALERTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/*
 * A socket is about to join a group. Its namespace is not given, so that of the process
 * is assumed: to start all namespaces would let any user burden them. Some kernels call
 * this for a socket that is refused the group, too.
 */
static int __maybe_unused on_join(int group)
{
	struct net *net = current->nsproxy->net_ns;

	if (ns_capable(net->user_ns, CAP_NET_ADMIN))
		tcpstate_event_joined(&tcpstate_net(net)->log, group);
	return 0;
}

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
#if TCPSTATE_GENL_HAS_BIND
	.bind = on_join,
#endif
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
