// SPDX-License-Identifier: GPL-2.0
/* Alerts: what the judge has to say, as a notification, and of floods in the log. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/inet.h>
#include <linux/ktime.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>

#include "alert.h"
#include "message.h"

/**
 * struct alert - what a notification tells
 * @view: of a listener or host; else NULL
 * @time: nanoseconds since 1970
 * @fill: of a table
 * @limit: likewise
 * @kind: enum tcpstate_alert
 * @before: enum tcpstate_verdict, of a listener or host
 * @gauge: enum tcpstate_counter, of a table
 */
struct alert {
	const struct tcpstate_listener_view *view;
	u64 time;
	u64 fill;
	u64 limit;
	u8 kind;
	u8 before;
	u8 gauge;
};

static int put_alert(struct sk_buff *skb, const void *what, u64 seq)
{
	const struct alert *alert = what;

	if (nla_put_u8(skb, TCPSTATE_A_LISTENER_ALERT, alert->kind) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_LISTENER_SEQ, seq, TCPSTATE_A_LISTENER_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_LISTENER_TIME, alert->time,
			      TCPSTATE_A_LISTENER_PAD))
		return -EMSGSIZE;
	if (alert->view)
		return nla_put_u8(skb, TCPSTATE_A_LISTENER_BEFORE, alert->before) ?:
		       tcpstate_message_subject(skb, alert->view);
	if (nla_put_u8(skb, TCPSTATE_A_LISTENER_TABLE, alert->gauge) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_LISTENER_FILL, alert->fill,
			      TCPSTATE_A_LISTENER_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_LISTENER_LIMIT, alert->limit,
			      TCPSTATE_A_LISTENER_PAD))
		return -EMSGSIZE;
	return 0;
}

/*
 * Logs where a flood begins and ends. Only the initial namespace may write to the
 * kernel's log: a user can make a namespace, and any address in it.
 */
static void log_flood(const struct tcpstate_log *log, unsigned int before,
		      const struct tcpstate_listener_view *view)
{
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, 10);
	const struct tcpstate_finding *finding = &view->finding;
	bool begins = tcpstate_verdict_flood(finding->verdict);
	const char *what = tcpstate_verdict_name(begins ? finding->verdict : before);
	char end[INET6_ADDRSTRLEN + sizeof("[]:65535")];

	if (!net_eq(log->net, &init_net) || (!begins && !tcpstate_verdict_flood(before)))
		return;
	if (!__ratelimit(&limit))
		return;
	snprintf(end, sizeof(end), view->host.family == NFPROTO_IPV4 ? "%pI4:%u" : "[%pI6c]:%u",
		 view->host.addr, ntohs(view->host.port));
	if (begins)
		pr_notice("%s of %s begins, %u SYN/s\n", what, end, finding->syn_rate);
	else
		pr_notice("%s of %s ends\n", what, end);
}

static void post(struct tcpstate_log *log, struct alert *alert)
{
	rcu_read_lock();
	if (tcpstate_event_heard(log, TCPSTATE_GROUP_ALERTS)) {
		alert->time = ktime_get_real_ns();
		tcpstate_event_post(log, TCPSTATE_GROUP_ALERTS, TCPSTATE_CMD_ALERT_NTF, put_alert,
				    alert);
	}
	rcu_read_unlock();
}

/**
 * tcpstate_alert() - trouble at a listener or a host takes a turn
 * @log: the namespace's books
 * @turn: begins, changes or ends
 * @before: enum tcpstate_verdict until now
 * @view: the subject, with the verdict from now on; at the end of a host's, the one that ends
 *
 * Context: process.
 */
void tcpstate_alert(struct tcpstate_log *log, enum tcpstate_turn turn, unsigned int before,
		    const struct tcpstate_listener_view *view)
{
	static const u8 kinds[] = {
		[TCPSTATE_TURN_BEGAN] = TCPSTATE_ALERT_BEGIN,
		[TCPSTATE_TURN_CHANGED] = TCPSTATE_ALERT_CHANGE,
		[TCPSTATE_TURN_ENDED] = TCPSTATE_ALERT_END,
	};
	struct alert alert = { .view = view, .kind = kinds[turn], .before = before };

	log_flood(log, before, view);
	post(log, &alert);
}

/**
 * tcpstate_alert_table() - a table is full, or no longer
 * @log: the namespace's books
 * @full: which of the two
 * @gauge: enum tcpstate_counter that says how many are in it
 * @fill: how many are
 * @limit: and may be
 *
 * Context: process.
 */
void tcpstate_alert_table(struct tcpstate_log *log, bool full, unsigned int gauge, u64 fill,
			  u64 limit)
{
	struct alert alert = {
		.kind = full ? TCPSTATE_ALERT_BEGIN : TCPSTATE_ALERT_END,
		.gauge = gauge,
		.fill = fill,
		.limit = limit,
	};

	post(log, &alert);
}
