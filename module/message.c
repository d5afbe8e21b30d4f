// SPDX-License-Identifier: GPL-2.0
/* Records and figures as attributes; the tree is in uapi/tcpstate.h. */
#include "message.h"

/* Who an endpoint is, and in which state. */
static int put_name(struct sk_buff *skb, const struct tcpstate_view *view, enum tcpstate_end which)
{
	const struct tcpstate_tuple *tuple = &view->tuple;
	const struct in6_addr *addr = which == TCPSTATE_INITIATOR ? &tuple->src : &tuple->dst;
	__be16 port = which == TCPSTATE_INITIATOR ? tuple->sport : tuple->dport;
	size_t len = tuple->family == NFPROTO_IPV4 ? sizeof(struct in_addr) : sizeof(*addr);

	if (nla_put(skb, TCPSTATE_A_END_ADDR, len, addr) ||
	    nla_put_be16(skb, TCPSTATE_A_END_PORT, port) ||
	    nla_put_u8(skb, TCPSTATE_A_END_STATE, view->state[which]))
		return -EMSGSIZE;
	return 0;
}

static int put_end(struct sk_buff *skb, int type, const struct tcpstate_view *view,
		   enum tcpstate_end which)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || put_name(skb, view, which) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_END_BYTES, view->bytes[which],
			      TCPSTATE_A_END_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_END_SEGMENTS, view->segments[which],
			      TCPSTATE_A_END_PAD) ||
	    nla_put_u32(skb, TCPSTATE_A_END_RETRANS, view->retrans[which]))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * tcpstate_message_name() - an endpoint's address, port and state in a nest
 * @skb: message to put it in
 * @type: of the nest
 * @view: the connection
 * @which: which endpoint
 *
 * Context: any.
 * Return: as tcpstate_message_flow().
 */
int tcpstate_message_name(struct sk_buff *skb, int type, const struct tcpstate_view *view,
			  enum tcpstate_end which)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || put_name(skb, view, which))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* A latency that was not measured is left out. */
static int put_latency(struct sk_buff *skb, int type, const struct tcpstate_view *view,
		       enum tcpstate_end end)
{
	return view->latency[end] ? nla_put_u32(skb, type, view->latency[end]) : 0;
}

/**
 * tcpstate_message_flow() - the attributes of a connection
 * @skb: message to put them in
 * @view: the connection
 *
 * Context: any.
 * Return: 0, or -EMSGSIZE where they do not fit; the message is to be
 * cancelled then.
 */
int tcpstate_message_flow(struct sk_buff *skb, const struct tcpstate_view *view)
{
	if (nla_put_u8(skb, TCPSTATE_A_FLOW_FAMILY, view->tuple.family) ||
	    put_end(skb, TCPSTATE_A_FLOW_INITIATOR, view, TCPSTATE_INITIATOR) ||
	    put_end(skb, TCPSTATE_A_FLOW_RESPONDER, view, TCPSTATE_RESPONDER) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_FLOW_AGE, view->age_ms, TCPSTATE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_FLOW_IDLE, view->idle_ms, TCPSTATE_A_FLOW_PAD) ||
	    (view->phase && nla_put_u8(skb, TCPSTATE_A_FLOW_PHASE, view->phase)) ||
	    nla_put_u8(skb, TCPSTATE_A_FLOW_SYN, view->syn) ||
	    nla_put_u8(skb, TCPSTATE_A_FLOW_SYNACK, view->synack) ||
	    nla_put_u8(skb, TCPSTATE_A_FLOW_PICKED_UP, view->picked_up) ||
	    nla_put_u8(skb, TCPSTATE_A_FLOW_ONE_SIDED, view->one_sided) ||
	    nla_put_string(skb, TCPSTATE_A_FLOW_HISTORY, view->history) ||
	    put_latency(skb, TCPSTATE_A_FLOW_RESPONDER_LATENCY, view, TCPSTATE_RESPONDER) ||
	    put_latency(skb, TCPSTATE_A_FLOW_INITIATOR_LATENCY, view, TCPSTATE_INITIATOR))
		return -EMSGSIZE;
	return 0;
}

static int put_state(struct sk_buff *skb, const struct tcpstate_stats *sum, u8 state)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_STATE);

	if (!nest || nla_put_u8(skb, TCPSTATE_A_STATE_STATE, state) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_STATE_INITIATOR,
			      tcpstate_stats_endpoints(sum, TCPSTATE_INITIATOR, state),
			      TCPSTATE_A_STATE_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_STATE_RESPONDER,
			      tcpstate_stats_endpoints(sum, TCPSTATE_RESPONDER, state),
			      TCPSTATE_A_STATE_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_STATE_ENTERED, tcpstate_stats_entered(sum, state),
			      TCPSTATE_A_STATE_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_counters(struct sk_buff *skb, const struct tcpstate_stats *sum)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_COUNTERS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = TCPSTATE_COUNTER_FIRST; i <= TCPSTATE_A_COUNTER_MAX; i++)
		if (nla_put_u64_64bit(skb, i, sum->counter[i], TCPSTATE_A_COUNTER_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* A histogram; of a state where that is not TCPSTATE_UNSPEC. */
static int put_histogram(struct sk_buff *skb, int type, u8 state,
			 const struct tcpstate_histogram *histogram)
{
	struct nlattr *nest = nla_nest_start(skb, type), *buckets;
	unsigned int i;
	u64 value;

	if (!nest || (state && nla_put_u8(skb, TCPSTATE_A_HISTOGRAM_STATE, state)))
		return -EMSGSIZE;
	buckets = nla_reserve(skb, TCPSTATE_A_HISTOGRAM_BUCKETS,
			      TCPSTATE_BUCKETS * sizeof(value));
	if (!buckets)
		return -EMSGSIZE;
	for (i = 0; i < TCPSTATE_BUCKETS; i++) {
		value = histogram->bucket[i];
		memcpy(nla_data(buckets) + i * sizeof(value), &value, sizeof(value));
	}
	if (nla_put_u64_64bit(skb, TCPSTATE_A_HISTOGRAM_SUM, histogram->sum,
			      TCPSTATE_A_HISTOGRAM_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_pair(struct sk_buff *skb, u8 initiator, u8 responder, u64 flows)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_PAIR);

	if (!nest || nla_put_u8(skb, TCPSTATE_A_PAIR_INITIATOR, initiator) ||
	    nla_put_u8(skb, TCPSTATE_A_PAIR_RESPONDER, responder) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_PAIR_FLOWS, flows, TCPSTATE_A_PAIR_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The beginning of a record is from no state. */
static int put_transition(struct sk_buff *skb, u8 from, u8 to, u64 count)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_TRANSITION);

	if (!nest || (from && nla_put_u8(skb, TCPSTATE_A_TRANSITION_FROM, from)) ||
	    nla_put_u8(skb, TCPSTATE_A_TRANSITION_TO, to) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_TRANSITION_COUNT, count,
			      TCPSTATE_A_TRANSITION_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * tcpstate_message_sum() - the attributes of a namespace's figures
 * @skb: message to put them in
 * @sum: the figures
 *
 * Context: any.
 * Return: as tcpstate_message_flow().
 */
int tcpstate_message_sum(struct sk_buff *skb, const struct tcpstate_stats *sum)
{
	unsigned int i, r;

	for (i = 1; i <= TCPSTATE_STATE_MAX; i++)
		if (put_state(skb, sum, i))
			return -EMSGSIZE;
	if (put_counters(skb, sum))
		return -EMSGSIZE;
	for (i = 1; i <= TCPSTATE_STATE_MAX; i++)
		if (put_histogram(skb, TCPSTATE_A_STATS_DWELL, i, &sum->dwell[i]))
			return -EMSGSIZE;
	if (put_histogram(skb, TCPSTATE_A_STATS_RESPONDER_LATENCY, TCPSTATE_UNSPEC,
			  &sum->latency[TCPSTATE_RESPONDER]) ||
	    put_histogram(skb, TCPSTATE_A_STATS_INITIATOR_LATENCY, TCPSTATE_UNSPEC,
			  &sum->latency[TCPSTATE_INITIATOR]))
		return -EMSGSIZE;
	for (i = 1; i <= TCPSTATE_STATE_MAX; i++)
		for (r = 1; r <= TCPSTATE_STATE_MAX; r++)
			if (sum->pairs[i][r] && put_pair(skb, i, r, sum->pairs[i][r]))
				return -EMSGSIZE;
	for (i = 0; i <= TCPSTATE_STATE_MAX; i++)
		for (r = 1; r <= TCPSTATE_STATE_MAX; r++)
			if (sum->transitions[i][r] &&
			    put_transition(skb, i, r, sum->transitions[i][r]))
				return -EMSGSIZE;
	return 0;
}

/* RSTs of one sender in one pair of states. */
static int put_resets(struct sk_buff *skb, enum tcpstate_end sender, u8 initiator, u8 responder,
		      const atomic_long_t count[TCPSTATE_RESET_MAX])
{
	u64 in_window = atomic_long_read(&count[TCPSTATE_RESET_IN_WINDOW]);
	u64 inexact = atomic_long_read(&count[TCPSTATE_RESET_INEXACT]);
	u64 out_of_window = atomic_long_read(&count[TCPSTATE_RESET_OUT_OF_WINDOW]);
	struct nlattr *nest;

	if (!(in_window | inexact | out_of_window))
		return 0;
	nest = nla_nest_start(skb, TCPSTATE_A_STATS_RESETS);
	if (!nest || nla_put_u8(skb, TCPSTATE_A_RESET_SENDER, tcpstate_by(sender)) ||
	    nla_put_u8(skb, TCPSTATE_A_RESET_INITIATOR, initiator) ||
	    nla_put_u8(skb, TCPSTATE_A_RESET_RESPONDER, responder) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_RESET_IN_WINDOW, in_window,
			      TCPSTATE_A_RESET_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_RESET_INEXACT, inexact, TCPSTATE_A_RESET_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_RESET_OUT_OF_WINDOW, out_of_window,
			      TCPSTATE_A_RESET_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * tcpstate_message_resets() - the attributes of a ledger of RSTs
 * @skb: message to put them in
 * @resets: the ledger
 *
 * Context: any.
 * Return: as tcpstate_message_flow().
 */
int tcpstate_message_resets(struct sk_buff *skb, const struct tcpstate_resets *resets)
{
	unsigned int end, i, r;

	for (end = 0; end < 2; end++)
		for (i = 1; i <= TCPSTATE_STATE_MAX; i++)
			for (r = 1; r <= TCPSTATE_STATE_MAX; r++)
				if (put_resets(skb, end, i, r, resets->count[end][i][r]))
					return -EMSGSIZE;
	return 0;
}

/**
 * tcpstate_message_leak() - the attributes of leaks
 * @skb: message to put them in
 * @leak: what the sweep has found
 *
 * Context: any.
 * Return: as tcpstate_message_flow().
 */
int tcpstate_message_leak(struct sk_buff *skb, const struct tcpstate_leak *leak)
{
	struct nlattr *nest;
	unsigned int end;

	for (end = 0; end < 2; end++) {
		if (!READ_ONCE(leak->flows[end]))
			continue;
		nest = nla_nest_start(skb, TCPSTATE_A_STATS_LEAK);
		if (!nest || nla_put_u8(skb, TCPSTATE_A_LEAK_SIDE, tcpstate_by(end)) ||
		    nla_put_u64_64bit(skb, TCPSTATE_A_LEAK_FLOWS, READ_ONCE(leak->flows[end]),
				      TCPSTATE_A_LEAK_PAD) ||
		    nla_put_u64_64bit(skb, TCPSTATE_A_LEAK_OLDEST, READ_ONCE(leak->oldest[end]),
				      TCPSTATE_A_LEAK_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}
