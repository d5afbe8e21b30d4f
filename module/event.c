// SPDX-License-Identifier: GPL-2.0
/* Notifications: queued where a record changes, sent by a work, counted where lost. */
#include <linux/ktime.h>

#include "event.h"
#include "message.h"

/* Buffers that may wait in a group; some ten notifications fit into each. */
#define BUFFERS_MAX 256

static struct workqueue_struct *workqueue;

/* The family is there, and with it the groups. */
static bool started __read_mostly;

/**
 * struct event - what a notification tells
 * @view: the connection
 * @time: nanoseconds since 1970
 * @type: what happened
 * @reason: of a closed one
 * @by: likewise
 * @conn_state: likewise
 */
struct event {
	struct tcpstate_view view;
	u64 time;
	enum tcpstate_event_type type;
	enum tcpstate_reason reason;
	enum tcpstate_by by;
	const char *conn_state;
};

static int put_event(struct sk_buff *skb, const void *what, u64 seq)
{
	const struct event *event = what;

	if (nla_put_u8(skb, TCPSTATE_A_FLOW_EVENT, event->type) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_FLOW_SEQ, seq, TCPSTATE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_FLOW_TIME, event->time, TCPSTATE_A_FLOW_PAD) ||
	    tcpstate_message_flow(skb, &event->view))
		return -EMSGSIZE;
	if (event->type != TCPSTATE_EVENT_CLOSED)
		return 0;
	if (nla_put_u8(skb, TCPSTATE_A_FLOW_REASON, event->reason) ||
	    nla_put_u8(skb, TCPSTATE_A_FLOW_BY, event->by) ||
	    nla_put_string(skb, TCPSTATE_A_FLOW_CONN_STATE, event->conn_state))
		return -EMSGSIZE;
	return 0;
}

static int put(struct sk_buff *skb, u8 cmd, tcpstate_put_fn put_attributes, const void *what,
	       u64 seq)
{
	void *header = genlmsg_put(skb, 0, 0, &tcpstate_family, 0, cmd);

	if (!header)
		return -EMSGSIZE;
	if (put_attributes(skb, what, seq)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* A buffer at the end of the queue, with room for a notification. */
static struct sk_buff *add_buffer(struct tcpstate_queue *queue)
{
	struct sk_buff *skb;

	if (skb_queue_len(&queue->buffers) >= BUFFERS_MAX)
		return NULL;
	skb = nlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC | __GFP_NOWARN);
	if (skb)
		__skb_queue_tail(&queue->buffers, skb);
	return skb;
}

/**
 * tcpstate_event_heard() - does anybody listen?
 * @log: the namespace's
 * @group: to this group
 *
 * Netlink knows of listeners in all namespaces together. That nobody took a
 * buffer does not tell more: its listeners may be there and have no room.
 *
 * Context: any.
 * Return: whether a notification may reach anyone.
 */
bool tcpstate_event_heard(const struct tcpstate_log *log, enum tcpstate_group group)
{
	return READ_ONCE(started) && genl_has_listeners(&tcpstate_family, log->net, group);
}

/**
 * tcpstate_event_post() - put a notification at the end of a group's queue
 * @log: the namespace's
 * @group: the group
 * @cmd: its command
 * @put_attributes: puts its attributes, for one or two buffers
 * @what: for @put_attributes
 *
 * What cannot be queued has its number all the same: readers see the gap.
 * Context: any.
 */
void tcpstate_event_post(struct tcpstate_log *log, enum tcpstate_group group, u8 cmd,
			 tcpstate_put_fn put_attributes, const void *what)
{
	struct tcpstate_queue *queue = &log->queue[group];
	struct sk_buff *skb;
	u64 seq;

	spin_lock_bh(&queue->buffers.lock);
	seq = ++queue->seq;
	skb = skb_peek_tail(&queue->buffers);
	if (!skb || put(skb, cmd, put_attributes, what, seq)) {
		skb = add_buffer(queue);
		if (!skb || put(skb, cmd, put_attributes, what, seq))
			tcpstate_count(log->stats, EVENTS_LOST);
	}
	spin_unlock_bh(&queue->buffers.lock);
	queue_work(workqueue, &log->send);
}

/**
 * tcpstate_event_lost() - a notification is not told, but counted and numbered
 * @log: the namespace's
 * @group: its group
 *
 * Context: any.
 */
void tcpstate_event_lost(struct tcpstate_log *log, enum tcpstate_group group)
{
	spin_lock_bh(&log->queue[group].buffers.lock);
	log->queue[group].seq++;
	tcpstate_count(log->stats, EVENTS_LOST);
	spin_unlock_bh(&log->queue[group].buffers.lock);
}

/**
 * tcpstate_event() - tell those who listen what became of a record
 * @log: the namespace's
 * @type: what
 * @record: the record, all that it has to tell still in it; caller holds its
 *	bucket's lock
 * @state: its endpoints' states; of a closed one, just before the end
 * @reason: why it ended, or TCPSTATE_REASON_NONE
 *
 * Context: any. Nothing is built where nobody listens.
 */
void tcpstate_event(struct tcpstate_log *log, enum tcpstate_event_type type,
		    const struct tcpstate_record *record, const u8 state[2],
		    enum tcpstate_reason reason)
{
	struct event event __uninitialized;
	bool flows, closed;

	flows = tcpstate_event_heard(log, TCPSTATE_GROUP_FLOWS);
	closed = type == TCPSTATE_EVENT_CLOSED &&
		 tcpstate_event_heard(log, TCPSTATE_GROUP_CLOSED);
	if (likely(!flows && !closed))
		return;

	tcpstate_record_view(record, state, &event.view);
	event.time = ktime_get_real_ns();
	event.type = type;
	event.reason = reason;
	event.by = TCPSTATE_BY_NONE;
	if (reason && reason <= TCPSTATE_REASON_REFUSED)
		event.by = tcpstate_fsm_closed_by(&record->pair);
	event.conn_state = tcpstate_fsm_conn_state(&record->pair, state);
	if (flows)
		tcpstate_event_post(log, TCPSTATE_GROUP_FLOWS, TCPSTATE_CMD_FLOW_NTF, put_event,
				    &event);
	if (closed)
		tcpstate_event_post(log, TCPSTATE_GROUP_CLOSED, TCPSTATE_CMD_FLOW_NTF, put_event,
				    &event);
}

static unsigned int count_messages(struct sk_buff *skb)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(skb);
	int rest = skb->len;
	unsigned int n = 0;

	for (; nlmsg_ok(nlh, rest); nlh = nlmsg_next(nlh, &rest))
		n++;
	return n;
}

static void send_group(struct tcpstate_log *log, enum tcpstate_group group)
{
	struct tcpstate_queue *queue = &log->queue[group];
	struct sk_buff *skb;
	unsigned int n;

	for (;;) {
		spin_lock_bh(&queue->buffers.lock);
		skb = __skb_dequeue(&queue->buffers);
		spin_unlock_bh(&queue->buffers.lock);
		if (!skb)
			break;
		n = count_messages(skb);
		/* A full receive buffer, if its owner wants us to know: it sees the gap. */
		if (genlmsg_multicast_netns(&tcpstate_family, log->net, skb, 0, group,
					    GFP_KERNEL) == -ENOBUFS) {
			local_bh_disable();
			tcpstate_count_add(log->stats, EVENTS_LOST, n);
			local_bh_enable();
		}
		cond_resched();
	}
}

/* One work, so what is queued in order is sent in order. */
static void send(struct work_struct *work)
{
	struct tcpstate_log *log = container_of(work, struct tcpstate_log, send);
	unsigned int group;

	for (group = 0; group < TCPSTATE_GROUP_MAX; group++)
		send_group(log, group);
}

/**
 * tcpstate_log_seq() - the last number given in each group
 * @log: the namespace's
 * @seq: filled in
 *
 * All up to these have been sent, or are lost, when this returns.
 * Context: process.
 */
void tcpstate_log_seq(struct tcpstate_log *log, u64 seq[TCPSTATE_GROUP_MAX])
{
	unsigned int group;

	for (group = 0; group < TCPSTATE_GROUP_MAX; group++) {
		spin_lock_bh(&log->queue[group].buffers.lock);
		seq[group] = log->queue[group].seq;
		spin_unlock_bh(&log->queue[group].buffers.lock);
	}
	flush_work(&log->send);
}

/**
 * tcpstate_log_init() - open a namespace's books
 * @log: zeroed
 * @net: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tcpstate_log_init(struct tcpstate_log *log, struct net *net)
{
	unsigned int group;

	log->stats = alloc_percpu(struct tcpstate_stats);
	if (!log->stats)
		return -ENOMEM;
	log->net = net;
	get_random_bytes(&log->key, sizeof(log->key));
	for (group = 0; group < TCPSTATE_GROUP_MAX; group++)
		skb_queue_head_init(&log->queue[group].buffers);
	INIT_WORK(&log->send, send);
	return 0;
}

/**
 * tcpstate_log_exit() - close a namespace's books
 * @log: no record writes to it any more
 *
 * Context: process.
 */
void tcpstate_log_exit(struct tcpstate_log *log)
{
	unsigned int group;

	cancel_work_sync(&log->send);
	for (group = 0; group < TCPSTATE_GROUP_MAX; group++)
		skb_queue_purge(&log->queue[group].buffers);
	free_percpu(log->stats);
}

/**
 * tcpstate_event_start() - the family is registered: tell those who listen
 */
void tcpstate_event_start(void)
{
	WRITE_ONCE(started, true);
}

/**
 * tcpstate_event_stop() - the family is about to go; nobody watches any more
 *
 * Context: process.
 */
void tcpstate_event_stop(void)
{
	WRITE_ONCE(started, false);
	synchronize_rcu();
	flush_workqueue(workqueue);
}

/**
 * tcpstate_event_init() - prepare what all namespaces share
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_event_init(void)
{
	workqueue = alloc_workqueue("tcpstate_event", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

/**
 * tcpstate_event_exit() - undo tcpstate_event_init()
 *
 * Context: module exit, after every namespace's books were closed.
 */
void tcpstate_event_exit(void)
{
	destroy_workqueue(workqueue);
}
