// SPDX-License-Identifier: GPL-2.0
/* Traces: set, matched, told, at a bounded rate. */
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "message.h"
#include "trace.h"

#define TRACES_MAX 16		/* in a namespace */
#define RATE_MAX 10000		/* segments told of in a second, of all traces */

struct trace {
	u32 portid;
	struct tcpstate_filter filter;
};

/**
 * struct tcpstate_traces - all traces of a namespace
 * @rcu: to free it by
 * @second: in which @told began; like it, kept without a lock: a race costs no
 *	more than a few notifications
 * @told: segments since
 * @size: octets that it takes
 * @n: how many traces
 * @trace: never changed once published
 */
struct tcpstate_traces {
	struct rcu_head rcu;
	u32 second;
	u32 told;
	size_t size;
	unsigned int n;
	struct trace trace[];
};

/* What a notification tells. */
struct told {
	struct tcpstate_view view;
	const struct tcpstate_segment *segment;
	enum tcpstate_end from;
	u32 relative_number;
	u32 relative_ack;
	u32 facts;
	enum tcpstate_reason reason;
};

static int put_numbers(struct sk_buff *skb, const struct told *told)
{
	const struct tcpstate_segment *segment = told->segment;

	if (nla_put_u32(skb, TCPSTATE_A_SEGMENT_NUMBER, segment->seq) ||
	    nla_put_u32(skb, TCPSTATE_A_SEGMENT_RELATIVE_NUMBER, told->relative_number))
		return -EMSGSIZE;
	if (!(segment->flags & TCPSTATE_ACK))
		return 0;
	if (nla_put_u32(skb, TCPSTATE_A_SEGMENT_ACK, segment->ack) ||
	    nla_put_u32(skb, TCPSTATE_A_SEGMENT_RELATIVE_ACK, told->relative_ack))
		return -EMSGSIZE;
	return 0;
}

static int put_segment(struct sk_buff *skb, const void *what, u64 seq)
{
	const struct told *told = what;
	const struct tcpstate_segment *segment = told->segment;

	if (nla_put_u64_64bit(skb, TCPSTATE_A_SEGMENT_SEQ, seq, TCPSTATE_A_SEGMENT_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_SEGMENT_TIME, ktime_get_real_ns(),
			      TCPSTATE_A_SEGMENT_PAD) ||
	    nla_put_u8(skb, TCPSTATE_A_SEGMENT_FAMILY, told->view.tuple.family) ||
	    tcpstate_message_name(skb, TCPSTATE_A_SEGMENT_INITIATOR, &told->view,
				  TCPSTATE_INITIATOR) ||
	    tcpstate_message_name(skb, TCPSTATE_A_SEGMENT_RESPONDER, &told->view,
				  TCPSTATE_RESPONDER) ||
	    nla_put_u8(skb, TCPSTATE_A_SEGMENT_FROM, tcpstate_by(told->from)) ||
	    nla_put_u8(skb, TCPSTATE_A_SEGMENT_FLAGS, segment->flags) ||
	    put_numbers(skb, told) ||
	    nla_put_u32(skb, TCPSTATE_A_SEGMENT_LENGTH, segment->len) ||
	    nla_put_u32(skb, TCPSTATE_A_SEGMENT_WINDOW, segment->window) ||
	    nla_put_u32(skb, TCPSTATE_A_SEGMENT_COUNT, segment->count) ||
	    nla_put_u32(skb, TCPSTATE_A_SEGMENT_FACTS, told->facts) ||
	    (told->reason && nla_put_u8(skb, TCPSTATE_A_SEGMENT_REASON, told->reason)))
		return -EMSGSIZE;
	return 0;
}

static bool wanted(const struct tcpstate_traces *traces, const struct tcpstate_record *record)
{
	unsigned int i;

	for (i = 0; i < traces->n; i++)
		if (tcpstate_filter_passes(&traces->trace[i].filter, record))
			return true;
	return false;
}

/* May one more be told of in this second? */
static bool within_rate(struct tcpstate_traces *traces)
{
	u32 second = jiffies / HZ;

	if (READ_ONCE(traces->second) != second) {
		WRITE_ONCE(traces->second, second);
		WRITE_ONCE(traces->told, 0);
	}
	if (READ_ONCE(traces->told) >= RATE_MAX)
		return false;
	WRITE_ONCE(traces->told, traces->told + 1);
	return true;
}

/* As tcpstate_trace(), where there are traces. */
void __tcpstate_trace(struct tcpstate_log *log, const struct tcpstate_record *record,
		      const struct tcpstate_segment *segment, enum tcpstate_end from,
		      const struct tcpstate_outcome *out)
{
	struct tcpstate_traces *traces = rcu_dereference(log->traces);
	const struct tcpstate_pair *pair = &record->pair;
	struct told told = {
		.segment = segment,
		.from = from,
		.relative_number = segment->seq - pair->iss[from],
		.relative_ack = segment->ack - pair->iss[tcpstate_peer(from)],
		.facts = out->facts,
		.reason = out->action == TCPSTATE_END ? out->reason : TCPSTATE_REASON_NONE,
	};

	if (!traces || !wanted(traces, record) ||
	    !tcpstate_event_heard(log, TCPSTATE_GROUP_SEGMENTS))
		return;
	if (!within_rate(traces)) {
		tcpstate_event_lost(log, TCPSTATE_GROUP_SEGMENTS);
		return;
	}
	tcpstate_record_view(record, pair->state, &told.view);
	tcpstate_event_post(log, TCPSTATE_GROUP_SEGMENTS, TCPSTATE_CMD_SEGMENT_NTF, put_segment,
			    &told);
}

/* NULL is no traces. Their memory is counted no longer, though it lives for a grace period. */
static void free_traces(struct tcpstate_log *log, struct tcpstate_traces *traces)
{
	if (!traces)
		return;
	tcpstate_memory_uncharge(&log->memory, TCPSTATE_A_MEMORY_TRACES, traces->size);
	kvfree_rcu(traces, rcu);
}

static struct tcpstate_traces *alloc_traces(struct tcpstate_log *log, unsigned int room)
{
	size_t size = sizeof(struct tcpstate_traces) + room * sizeof(struct trace);
	struct tcpstate_traces *traces;

	traces = tcpstate_memory_alloc(&log->memory, TCPSTATE_A_MEMORY_TRACES, size,
				       GFP_KERNEL_ACCOUNT);
	if (traces)
		traces->size = size;
	return traces;
}

/* Replace a socket's trace by another, or by none. */
static int replace(struct tcpstate_log *log, u32 portid, const struct tcpstate_filter *filter)
{
	struct tcpstate_traces *old, *new = NULL;
	unsigned int i, room;

	lockdep_assert_held(&log->traces_lock);
	old = rcu_dereference_protected(log->traces, lockdep_is_held(&log->traces_lock));
	room = (old ? old->n : 0) + !!filter;
	if (room) {
		new = alloc_traces(log, room);
		if (!new)
			return -ENOMEM;
		for (i = 0; old && i < old->n; i++)
			if (old->trace[i].portid != portid)
				new->trace[new->n++] = old->trace[i];
		if (filter)
			new->trace[new->n++] = (struct trace){ portid, *filter };
		if (new->n > TRACES_MAX) {
			free_traces(log, new);
			return -EBUSY;
		}
		if (!new->n) {
			free_traces(log, new);
			new = NULL;
		}
	}
	rcu_assign_pointer(log->traces, new);
	free_traces(log, old);
	return 0;
}

/**
 * tcpstate_trace_set() - tell of every segment of some connections
 * @log: the namespace's
 * @portid: the socket that asks; what it asked before is forgotten
 * @filter: of which connections
 *
 * Context: process.
 * Return: 0, -EBUSY where there are too many already, or -ENOMEM.
 */
int tcpstate_trace_set(struct tcpstate_log *log, u32 portid, const struct tcpstate_filter *filter)
{
	int err;

	mutex_lock(&log->traces_lock);
	err = replace(log, portid, filter);
	mutex_unlock(&log->traces_lock);
	return err;
}

/**
 * tcpstate_trace_clear() - a socket is no more
 * @log: the namespace's
 * @portid: the socket
 *
 * Without memory its trace stays, and tells nobody once nobody listens.
 * Context: process.
 */
void tcpstate_trace_clear(struct tcpstate_log *log, u32 portid)
{
	if (!rcu_access_pointer(log->traces))
		return;
	mutex_lock(&log->traces_lock);
	replace(log, portid, NULL);
	mutex_unlock(&log->traces_lock);
}

/**
 * tcpstate_trace_exit() - forget all traces
 * @log: the namespace's; no segment arrives any more
 *
 * Context: process.
 */
void tcpstate_trace_exit(struct tcpstate_log *log)
{
	free_traces(log, rcu_replace_pointer(log->traces, NULL, true));
}
