// SPDX-License-Identifier: GPL-2.0
/* Records and figures as attributes; the tree is in uapi/tcpstate.h. */
#include "compat.h"
#include "message.h"

/*
 * A flow is told in two dozen attributes, and a dump is mostly that: of these it is
 * asked once whether there is room for all, and then each is put without a call.
 */
static size_t name_room(void)
{
	return nla_total_size(sizeof(struct in6_addr)) + nla_total_size(sizeof(__be16)) +
	       nla_total_size(sizeof(u8));
}

static size_t end_room(void)
{
	return nla_total_size(0) + name_room() + 2 * nla_total_size_64bit(sizeof(u64)) +
	       nla_total_size(sizeof(u32));
}

static size_t flow_room(void)
{
	return 2 * end_room() + 2 * nla_total_size_64bit(sizeof(u64)) +
	       6 * nla_total_size(sizeof(u8)) + nla_total_size(TCPSTATE_HISTORY_MAX + 1) +
	       2 * nla_total_size(sizeof(u32));
}

/* Return where its payload goes; what that leaves of the last word is zero. */
static __always_inline void *add(struct sk_buff *skb, int type, int len)
{
	struct nlattr *nla = __skb_put(skb, nla_total_size(len));
	u32 *word = nla_data(nla);

	nla->nla_type = type;
	nla->nla_len = nla_attr_size(len);
	if (nla_padlen(len))
		word[len / sizeof(*word)] = 0;
	return word;
}

static __always_inline void add_u8(struct sk_buff *skb, int type, u8 value)
{
	*(u8 *)add(skb, type, sizeof(value)) = value;
}

static __always_inline void add_u32(struct sk_buff *skb, int type, u32 value)
{
	*(u32 *)add(skb, type, sizeof(value)) = value;
}

static __always_inline void add_u64(struct sk_buff *skb, int type, u64 value, int pad)
{
	nla_align_64bit(skb, pad);
	*(u64 *)add(skb, type, sizeof(value)) = value;
}

static __always_inline struct nlattr *add_nest(struct sk_buff *skb, int type)
{
	struct nlattr *nest = (struct nlattr *)skb_tail_pointer(skb);

	add(skb, type | NLA_F_NESTED, 0);
	return nest;
}

/* Who an endpoint is, and in which state. */
static void add_name(struct sk_buff *skb, const struct tcpstate_view *view,
		     enum tcpstate_end which)
{
	const struct tcpstate_tuple *tuple = &view->tuple;
	const struct in6_addr *addr = which == TCPSTATE_INITIATOR ? &tuple->src : &tuple->dst;
	__be16 port = which == TCPSTATE_INITIATOR ? tuple->sport : tuple->dport;

	if (tuple->family == NFPROTO_IPV4)
		*(__be32 *)add(skb, TCPSTATE_A_END_ADDR, sizeof(__be32)) = addr->s6_addr32[0];
	else
		*(struct in6_addr *)add(skb, TCPSTATE_A_END_ADDR, sizeof(*addr)) = *addr;
	*(__be16 *)add(skb, TCPSTATE_A_END_PORT, sizeof(port)) = port;
	add_u8(skb, TCPSTATE_A_END_STATE, view->state[which]);
}

static void add_end(struct sk_buff *skb, int type, const struct tcpstate_view *view,
		    enum tcpstate_end which)
{
	struct nlattr *nest = add_nest(skb, type);

	add_name(skb, view, which);
	add_u64(skb, TCPSTATE_A_END_BYTES, view->bytes[which], TCPSTATE_A_END_PAD);
	add_u64(skb, TCPSTATE_A_END_SEGMENTS, view->segments[which], TCPSTATE_A_END_PAD);
	add_u32(skb, TCPSTATE_A_END_RETRANS, view->retrans[which]);
	nla_nest_end(skb, nest);
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
	struct nlattr *nest;

	if (skb_tailroom(skb) < nla_total_size(0) + name_room())
		return -EMSGSIZE;
	nest = add_nest(skb, type);
	add_name(skb, view, which);
	nla_nest_end(skb, nest);
	return 0;
}

/* A latency that was not measured is left out. */
static void add_latency(struct sk_buff *skb, int type, u32 latency)
{
	if (latency)
		add_u32(skb, type, latency);
}

/**
 * tcpstate_message_flow() - the attributes of a connection
 * @skb: message to put them in
 * @view: the connection
 *
 * Context: any.
 * Return: 0, or -EMSGSIZE where there might be no room for them; the message is
 * to be cancelled then.
 */
int tcpstate_message_flow(struct sk_buff *skb, const struct tcpstate_view *view)
{
	size_t history = strlen(view->history) + 1;

	if (skb_tailroom(skb) < flow_room())
		return -EMSGSIZE;
	add_u8(skb, TCPSTATE_A_FLOW_FAMILY, view->tuple.family);
	add_end(skb, TCPSTATE_A_FLOW_INITIATOR, view, TCPSTATE_INITIATOR);
	add_end(skb, TCPSTATE_A_FLOW_RESPONDER, view, TCPSTATE_RESPONDER);
	add_u64(skb, TCPSTATE_A_FLOW_AGE, view->age_ms, TCPSTATE_A_FLOW_PAD);
	add_u64(skb, TCPSTATE_A_FLOW_IDLE, view->idle_ms, TCPSTATE_A_FLOW_PAD);
	if (view->phase)
		add_u8(skb, TCPSTATE_A_FLOW_PHASE, view->phase);
	add_u8(skb, TCPSTATE_A_FLOW_SYN, view->syn);
	add_u8(skb, TCPSTATE_A_FLOW_SYNACK, view->synack);
	add_u8(skb, TCPSTATE_A_FLOW_PICKED_UP, view->picked_up);
	add_u8(skb, TCPSTATE_A_FLOW_ONE_SIDED, view->one_sided);
	memcpy(add(skb, TCPSTATE_A_FLOW_HISTORY, history), view->history, history);
	add_latency(skb, TCPSTATE_A_FLOW_RESPONDER_LATENCY, view->latency[TCPSTATE_RESPONDER]);
	add_latency(skb, TCPSTATE_A_FLOW_INITIATOR_LATENCY, view->latency[TCPSTATE_INITIATOR]);
	DEBUG_NET_WARN_ON_ONCE(skb_tailroom(skb) < 0);
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
 * tcpstate_message_memory() - the attribute of memory
 * @skb: message to put it in
 * @memory: the namespace's
 * @sum: its figures
 *
 * Context: any.
 * Return: as tcpstate_message_flow().
 */
int tcpstate_message_memory(struct sk_buff *skb, const struct tcpstate_memory *memory,
			    const struct tcpstate_stats *sum)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_MEMORY);
	u64 octets[__TCPSTATE_A_MEMORY_MAX];
	unsigned int kind;

	if (!nest)
		return -EMSGSIZE;
	tcpstate_memory_read(memory, sum, octets);
	for (kind = TCPSTATE_MEMORY_FIRST; kind <= TCPSTATE_A_MEMORY_MAX; kind++)
		if (nla_put_u64_64bit(skb, kind, octets[kind], TCPSTATE_A_MEMORY_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
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
		    nla_put_u64_64bit(skb, TCPSTATE_A_LEAK_OLDEST,
				      atomic64_read(&leak->oldest[end]), TCPSTATE_A_LEAK_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}
