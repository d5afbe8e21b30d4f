// SPDX-License-Identifier: GPL-2.0
/* Notifications: queued where a record changes, sent by a work, counted where lost. */
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "event.h"
#include "message.h"

/* Buffers of each group that are sent before the work is queued anew. */
#define ROUNDS 64

/* After so many jiffies a group without a listener is tried again. */
#define RETRY (HZ / 10)
#define PROBES 8			/* deliveries without a listener in that time */

/* The order of sending: an alert waits for one buffer of each other group at most. */
static const u8 order[TCPSTATE_GROUP_MAX] = {
	TCPSTATE_GROUP_ALERTS,
	TCPSTATE_GROUP_CLOSED,
	TCPSTATE_GROUP_SEGMENTS,
	TCPSTATE_GROUP_FLOWS,
};

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

/**
 * struct content - what a queued buffer has in its control block
 * @last: number of its last notification
 * @count: its notifications; numbers between them were lost
 */
struct content {
	u64 last;
	unsigned int count;
};

static struct content *content(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct content) > sizeof(skb->cb));
	return (struct content *)skb->cb;
}

/* All memory of a queue is allocated here. It is freed by deliver() or tcpstate_log_exit(). */
static struct sk_buff *new_buffer(struct tcpstate_memory *memory, struct tcpstate_queue *queue)
{
	struct mem_cgroup *before;
	gfp_t gfp = GFP_ATOMIC;
	struct sk_buff *skb;

	if (skb_queue_len(&queue->buffers) >= TCPSTATE_BUFFERS_MAX)
		return NULL;
	before = tcpstate_memory_enter(memory, &gfp);
	skb = nlmsg_new(NLMSG_GOODSIZE, gfp);
	tcpstate_memory_leave(memory, before);
	/* Only the buffer knows its size. */
	if (!skb || tcpstate_memory_charge(memory, TCPSTATE_A_MEMORY_EVENTS, skb->truesize))
		return skb;
	kfree_skb(skb);
	return NULL;
}

/**
 * tcpstate_event_heard() - may a notification reach a listener?
 * @log: the namespace's
 * @group: to this group
 *
 * Context: any.
 * Return: false if no listener receives from this namespace, as far as is known.
 */
bool tcpstate_event_heard(const struct tcpstate_log *log, enum tcpstate_group group)
{
	const struct tcpstate_queue *queue = &log->queue[group];

	if (!READ_ONCE(started) || !genl_has_listeners(&tcpstate_family, log->net, group))
		return false;
	return !READ_ONCE(queue->unheard) || jiffies - READ_ONCE(queue->checked) >= RETRY;
}

/**
 * tcpstate_event_joined() - a listener may have joined a group
 * @log: the namespace's
 * @group: the group
 *
 * Context: any.
 */
void tcpstate_event_joined(struct tcpstate_log *log, enum tcpstate_group group)
{
	WRITE_ONCE(log->queue[group].unheard, false);
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
 * Context: RCU read side, since tcpstate_event_heard() returned true.
 */
void tcpstate_event_post(struct tcpstate_log *log, enum tcpstate_group group, u8 cmd,
			 tcpstate_put_fn put_attributes, const void *what)
{
	struct tcpstate_queue *queue = &log->queue[group];
	struct sk_buff *skb, *new = NULL;
	u64 seq;

	spin_lock_bh(&queue->buffers.lock);
	WRITE_ONCE(queue->unheard, false);
	seq = ++queue->seq;
	skb = skb_peek_tail(&queue->buffers);
	if (!skb || put(skb, cmd, put_attributes, what, seq)) {
		new = new_buffer(&log->memory, queue);
		skb = new;
		if (new && put(new, cmd, put_attributes, what, seq)) {
			tcpstate_memory_uncharge(&log->memory, TCPSTATE_A_MEMORY_EVENTS,
						 new->truesize);
			kfree_skb(new);
			skb = NULL;
		}
	}
	if (skb) {
		content(skb)->last = seq;
		content(skb)->count++;
		if (skb == new)
			__skb_queue_tail(&queue->buffers, new);
	}
	spin_unlock_bh(&queue->buffers.lock);
	queue_work(workqueue, &log->send);
}

/**
 * tcpstate_event_lost() - a notification is not told, but counted and numbered
 * @log: the namespace's
 * @group: its group
 *
 * Context: as tcpstate_event_post().
 */
void tcpstate_event_lost(struct tcpstate_log *log, enum tcpstate_group group)
{
	struct tcpstate_queue *queue = &log->queue[group];

	spin_lock_bh(&queue->buffers.lock);
	WRITE_ONCE(queue->unheard, false);
	queue->seq++;
	spin_unlock_bh(&queue->buffers.lock);
	queue_work(workqueue, &log->send);
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

/*
 * Netlink takes a second reference to a buffer, and then orphans it, for the first
 * socket that is in the group and receives from the namespace: even if the socket
 * has no room. Without such a socket netlink only frees the buffer.
 */
static void note_listener(struct sk_buff *skb)
{
	bool *listener = skb_shinfo(skb)->destructor_arg;

	*listener = refcount_read(&skb->users) > 1;
}

/* Sends a buffer; returns how many of its notifications were sent, or -ESRCH. */
static int deliver(struct tcpstate_log *log, enum tcpstate_group group, struct sk_buff *skb)
{
	unsigned int count = content(skb)->count;
	bool listener = true;
	int err;

	memset(skb->cb, 0, sizeof(skb->cb));
	skb_shinfo(skb)->destructor_arg = &listener;
	skb->destructor = note_listener;
	err = genlmsg_multicast_netns(&tcpstate_family, log->net, skb, 0, group, GFP_KERNEL);
	if (!listener)
		return -ESRCH;
	/* A full receive buffer, if its owner wants us to know: it sees the gap. */
	return err == -ENOBUFS ? 0 : count;
}

/* Without a listener no number is used up, unless more is queued: that is tried first. */
static void settle_unheard(struct tcpstate_queue *queue)
{
	spin_lock_bh(&queue->buffers.lock);
	if (queue->seq == queue->settled) {
		queue->seq = queue->committed;
		queue->settled = queue->committed;
		if (jiffies - queue->checked >= RETRY) {
			WRITE_ONCE(queue->checked, jiffies);
			queue->probes = 0;
		}
		/* In a namespace with few events each is tried: one that joins misses none. */
		WRITE_ONCE(queue->unheard, ++queue->probes >= PROBES);
	}
	spin_unlock_bh(&queue->buffers.lock);
}

/* Sends the first buffer of a queue; returns false if there was nothing to do. */
static bool send_buffer(struct tcpstate_log *log, enum tcpstate_group group)
{
	struct tcpstate_queue *queue = &log->queue[group];
	struct sk_buff *skb;
	int sent = 0;
	u64 last;

	lockdep_assert_held(&log->sending);
	spin_lock_bh(&queue->buffers.lock);
	skb = __skb_dequeue(&queue->buffers);
	/* Numbers after the last buffer are of lost notifications. */
	last = skb_queue_empty(&queue->buffers) ? queue->seq : content(skb)->last;
	spin_unlock_bh(&queue->buffers.lock);
	if (last == queue->settled)
		return false;

	if (skb) {
		tcpstate_memory_uncharge(&log->memory, TCPSTATE_A_MEMORY_EVENTS, skb->truesize);
		sent = deliver(log, group, skb);
	}
	if (sent >= 0) {
		if (last > queue->settled + sent)
			tcpstate_count_add_bh(log->stats, EVENTS_LOST,
					      last - queue->settled - sent);
		queue->committed = last;
	}
	queue->settled = last;
	if (sent < 0)
		settle_unheard(queue);
	return true;
}

static bool send_round(struct tcpstate_log *log)
{
	bool more = false;
	unsigned int i;

	mutex_lock(&log->sending);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		more |= send_buffer(log, order[i]);
	mutex_unlock(&log->sending);
	cond_resched();
	return more;
}

/*
 * One work, so what is queued in order is sent in order. Other namespaces have works
 * in the same workqueue, so a run is bounded.
 */
static void send(struct work_struct *work)
{
	struct tcpstate_log *log = container_of(work, struct tcpstate_log, send);
	unsigned int round;

	for (round = 0; round < ROUNDS; round++)
		if (!send_round(log))
			return;
	queue_work(workqueue, &log->send);
}

/**
 * tcpstate_log_seq() - the last number that was sent or lost in each group
 * @log: the namespace's
 * @reader: who asks may listen: no later notification is left out
 * @seq: filled in
 *
 * Does not wait until queues are empty, but for at most a buffer of each group.
 * Context: process.
 */
void tcpstate_log_seq(struct tcpstate_log *log, bool reader, u64 seq[TCPSTATE_GROUP_MAX])
{
	unsigned int group;

	mutex_lock(&log->sending);
	for (group = 0; group < TCPSTATE_GROUP_MAX; group++) {
		seq[group] = log->queue[group].settled;
		if (!reader)
			continue;
		log->queue[group].committed = seq[group];
		tcpstate_event_joined(log, group);
	}
	mutex_unlock(&log->sending);
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
	struct mem_cgroup *before;
	gfp_t gfp = GFP_KERNEL;
	unsigned int group;

	before = tcpstate_memory_enter(&log->memory, &gfp);
	log->stats = alloc_percpu_gfp(struct tcpstate_stats, gfp);
	tcpstate_memory_leave(&log->memory, before);
	if (!log->stats)
		return -ENOMEM;
	tcpstate_memory_fixed(&log->memory, tcpstate_memory_percpu(sizeof(struct tcpstate_stats)));
	log->net = net;
	get_random_bytes(&log->key, sizeof(log->key));
	mutex_init(&log->sending);
	mutex_init(&log->traces_lock);
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
	/* A work may queue itself anew. */
	drain_workqueue(workqueue);
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
