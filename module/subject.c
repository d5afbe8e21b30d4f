// SPDX-License-Identifier: GPL-2.0
/* The subjects of verdicts as attributes: listeners, and hosts. */
#include "message.h"

/* A verdict's share is in 1/256, a reader's in 1/1000. */
static u32 per_mille(u32 share)
{
	return min(share, 256U) * 1000 / 256;
}

static int put_host(struct sk_buff *skb, const struct tcpstate_host *host)
{
	size_t len = host->family == NFPROTO_IPV4 ? sizeof(struct in_addr) :
						    sizeof(struct in6_addr);

	return nla_put(skb, TCPSTATE_A_END_ADDR, len, host->addr);
}

static int put_name(struct sk_buff *skb, const struct tcpstate_host *host, bool port)
{
	struct nlattr *nest;

	if (nla_put_u8(skb, TCPSTATE_A_LISTENER_FAMILY, host->family))
		return -EMSGSIZE;
	nest = nla_nest_start(skb, TCPSTATE_A_LISTENER_ENDPOINT);
	if (!nest || put_host(skb, host) ||
	    (port && nla_put_be16(skb, TCPSTATE_A_END_PORT, host->port)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_source(struct sk_buff *skb, const struct tcpstate_share *share)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_LISTENER_SOURCE);

	if (!nest || put_host(skb, &share->host) ||
	    nla_put_u32(skb, TCPSTATE_A_END_SHARE, per_mille(share->share)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_number(struct sk_buff *skb, int type, u64 value)
{
	return nla_put_u64_64bit(skb, type, value, TCPSTATE_A_LISTENER_PAD);
}

static int put_latency(struct sk_buff *skb, int type, const unsigned int bucket[TCPSTATE_BUCKETS])
{
	struct nlattr *attr = nla_reserve(skb, type, TCPSTATE_BUCKETS * sizeof(u64));
	unsigned int i;
	u64 value;

	if (!attr)
		return -EMSGSIZE;
	for (i = 0; i < TCPSTATE_BUCKETS; i++) {
		value = bucket[i];
		memcpy(nla_data(attr) + i * sizeof(value), &value, sizeof(value));
	}
	return 0;
}

static int put_finding(struct sk_buff *skb, const struct tcpstate_finding *finding)
{
	if (nla_put_u8(skb, TCPSTATE_A_LISTENER_VERDICT, finding->verdict) ||
	    put_number(skb, TCPSTATE_A_LISTENER_SINCE, tcpstate_now64() - finding->since))
		return -EMSGSIZE;
	return 0;
}

static int put_listener(struct sk_buff *skb, const struct tcpstate_listener_view *view)
{
	static const struct {
		u8 type;
		u8 news;
	} totals[] = {
		{ TCPSTATE_A_LISTENER_SYN, TCPSTATE_NEWS_ASKED },
		{ TCPSTATE_A_LISTENER_SYNACK, TCPSTATE_NEWS_ANSWERED },
		{ TCPSTATE_A_LISTENER_COMPLETED, TCPSTATE_NEWS_COMPLETED },
		{ TCPSTATE_A_LISTENER_REFUSED, TCPSTATE_NEWS_REFUSED },
		{ TCPSTATE_A_LISTENER_TIMED_OUT, TCPSTATE_NEWS_TIMED_OUT },
	};
	const struct tcpstate_finding *finding = &view->finding;
	const struct tcpstate_tally *tally = &view->tally;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(totals); i++)
		if (put_number(skb, totals[i].type, tally->news[totals[i].news]))
			return -EMSGSIZE;
	if (put_number(skb, TCPSTATE_A_LISTENER_SYN_SENT,
		       max(tally->half[TCPSTATE_HALF_ASKED], 0)) ||
	    put_number(skb, TCPSTATE_A_LISTENER_SYN_RECV,
		       max(tally->half[TCPSTATE_HALF_ANSWERED], 0)) ||
	    put_number(skb, TCPSTATE_A_LISTENER_SYN_RATE, finding->syn_rate) ||
	    put_number(skb, TCPSTATE_A_LISTENER_SOURCES, finding->sources) ||
	    put_number(skb, TCPSTATE_A_LISTENER_STALE, finding->lingering) ||
	    put_number(skb, TCPSTATE_A_LISTENER_UNTIMED, tally->untimed) ||
	    put_latency(skb, TCPSTATE_A_LISTENER_RESPONDER_LATENCY,
			tally->latency[TCPSTATE_RESPONDER]) ||
	    put_latency(skb, TCPSTATE_A_LISTENER_INITIATOR_LATENCY,
			tally->latency[TCPSTATE_INITIATOR]) ||
	    (finding->completion != TCPSTATE_UNKNOWN &&
	     nla_put_u32(skb, TCPSTATE_A_LISTENER_COMPLETION, per_mille(finding->completion))) ||
	    (finding->usual != TCPSTATE_UNKNOWN &&
	     nla_put_u32(skb, TCPSTATE_A_LISTENER_USUAL, per_mille(finding->usual))))
		return -EMSGSIZE;
	for (i = 0; i < view->shares; i++)
		if (put_source(skb, &view->share[i]))
			return -EMSGSIZE;
	return 0;
}

/**
 * tcpstate_message_subject() - the attributes of a listener, or of a host
 * @skb: message to put them in
 * @view: the one or the other, as its verdict has it
 *
 * Context: any.
 * Return: as tcpstate_message_flow().
 */
int tcpstate_message_subject(struct sk_buff *skb, const struct tcpstate_listener_view *view)
{
	bool host = view->finding.verdict >= TCPSTATE_VERDICT_SCAN;

	if (put_name(skb, &view->host, !host) || put_finding(skb, &view->finding))
		return -EMSGSIZE;
	if (!host)
		return put_listener(skb, view);
	if (put_number(skb, TCPSTATE_A_LISTENER_TARGETS, view->targets) ||
	    put_number(skb, TCPSTATE_A_LISTENER_SYN, view->tally.news[TCPSTATE_NEWS_ASKED]))
		return -EMSGSIZE;
	return 0;
}
