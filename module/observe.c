// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks: every TCP segment goes from here through the tables, and on its
 * way as though nothing had been. Whatever happens, the verdict is NF_ACCEPT.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst_metadata.h>
#include <net/ip6_fib.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "flow.h"
#include "halfopen.h"
#include "netns.h"
#include "trace.h"

/*
 * After destination NAT, so that both directions of a translated connection
 * carry the same addresses. IPVS has two hooks in LOCAL_OUT right behind NAT:
 * at + 1 it gives replies their virtual source, at + 2 it takes requests away
 * and sends them through the hook again with their real destination. Behind
 * both, either kind is seen once, whichever module was loaded first.
 */
#define PRIORITY_IPV4 (NF_IP_PRI_NAT_DST + 3)
#define PRIORITY_IPV6 (NF_IP6_PRI_NAT_DST + 3)

static bool is_listener(struct tcpstate_log *log, const struct in6_addr *addr, __be16 port,
			u8 family)
{
	struct tcpstate_host host = { .port = port, .family = family };

	memcpy(host.addr, addr, sizeof(host.addr));
	return tcpstate_listener_known(log, &host);
}

/* What makes a record: who sent this, if nobody can be asked? */
static enum tcpstate_end role_of_sender(struct tcpstate_log *log,
					const struct tcpstate_parsed *parsed)
{
	const struct tcpstate_tuple *tuple = &parsed->tuple;
	bool sender, receiver;

	if (parsed->segment.flags & TCPSTATE_SYN)
		return parsed->segment.flags & TCPSTATE_ACK ? TCPSTATE_RESPONDER :
							      TCPSTATE_INITIATOR;
	sender = is_listener(log, &tuple->src, tuple->sport, tuple->family);
	receiver = is_listener(log, &tuple->dst, tuple->dport, tuple->family);
	if (sender != receiver)
		return sender ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	return ntohs(parsed->tuple.sport) < ntohs(parsed->tuple.dport) ? TCPSTATE_RESPONDER :
									TCPSTATE_INITIATOR;
}

/* Whoever files a record holds the birth lock of its key: see halfopen.h. */
static bool file_flow(struct tcpstate_tables *tables, struct tcpstate_record *record, u32 hash,
		      u32 now)
{
	struct tcpstate_bucket *bucket;
	bool admitted;

	bucket = tcpstate_table_lock_new(tables, tcpstate_flows(tables), hash);
	if (!bucket) {
		tcpstate_count(tables->log->stats, NOMEM);
		return false;
	}
	admitted = tcpstate_flow_admit(tables, bucket, record, hash, now);
	if (admitted)
		tcpstate_table_file(tables, tcpstate_flows(tables), bucket, record, hash);
	tcpstate_bucket_unlock(bucket);
	return admitted;
}

static bool file_halfopen(struct tcpstate_tables *tables, struct tcpstate_bucket *birth,
			  struct tcpstate_record *record, u32 hash, u32 now)
{
	if (!tcpstate_halfopen_admit(tables, birth, hash, now))
		return false;
	tcpstate_table_file(tables, tcpstate_halfopens(tables), birth, record, hash);
	return true;
}

/* File an open record that is in no table, or end it where there is no room. */
static void file(struct tcpstate_tables *tables, struct tcpstate_bucket *birth,
		 struct tcpstate_record *record, u32 hash, u32 now)
{
	lockdep_assert_held(&birth->lock);
	if (tcpstate_record_kind(record) == TCPSTATE_HALFOPEN ?
	    file_halfopen(tables, birth, record, hash, now) :
	    file_flow(tables, record, hash, now))
		return;
	tcpstate_record_end(tables->log, record, TCPSTATE_REASON_EVICTED);
	tcpstate_record_free(record);
}

/* A segment that belongs to no record. */
static void open(struct tcpstate_net *tn, struct tcpstate_bucket *birth,
		 const struct tcpstate_parsed *parsed, u32 hash, u32 now)
{
	const struct tcpstate_segment *segment = &parsed->segment;
	struct tcpstate_tables *tables = &tn->tables;
	struct tcpstate_record *record;

	if (segment->flags & TCPSTATE_RST ||
	    (!READ_ONCE(tn->loose) &&
	     (segment->flags & (TCPSTATE_SYN | TCPSTATE_ACK)) != TCPSTATE_SYN)) {
		tcpstate_count_add(tn->log.stats, STRAY, segment->count);
		return;
	}
	record = tcpstate_record_alloc(parsed->tuple.family);
	if (!record) {
		tcpstate_count(tn->log.stats, NOMEM);
		return;
	}
	tcpstate_record_open(&tn->log, record, parsed, hash,
			     role_of_sender(&tn->log, parsed), false);
	file(tables, birth, record, hash, now);
}

/* A segment of a record in the half-open table. */
static void step_halfopen(struct tcpstate_tables *tables, struct tcpstate_bucket *birth,
			  struct tcpstate_record *record, const struct tcpstate_parsed *parsed,
			  u32 hash, enum tcpstate_end from, u32 now)
{
	struct tcpstate_outcome out;

	out = tcpstate_table_step(tables, tcpstate_halfopens(tables), birth, record,
				  &parsed->segment, from, now);
	switch (out.action) {
	case TCPSTATE_ANEW:
		/* Its successor is half-open too, and stays in its place. */
		tcpstate_record_open(tables->log, record, parsed, hash,
				     role_of_sender(tables->log, parsed), true);
		tcpstate_bucket_due(birth, tcpstate_record_deadline(record, tables->timeout));
		break;
	case TCPSTATE_KEEP:
		if (tcpstate_fsm_ended(&record->pair) ||
		    tcpstate_record_kind(record) == TCPSTATE_HALFOPEN)
			break;
		tcpstate_table_take(tcpstate_halfopens(tables), birth, record);
		file(tables, birth, record, hash, now);
		break;
	default:
		break;
	}
}

/*
 * A segment of a record in the flow table, if there is one. A successor is
 * taken out and returned in @successor: to file it takes the birth lock, so
 * only who holds it may pass a @successor.
 */
static bool step_flow(struct tcpstate_tables *tables, const struct tcpstate_parsed *parsed,
		      u32 hash, struct tcpstate_record **successor, u32 now)
{
	struct tcpstate_table *flows = tcpstate_flows(tables);
	struct tcpstate_bucket *bucket;
	struct tcpstate_record *record;
	struct tcpstate_outcome out;
	enum tcpstate_end from;

	bucket = tcpstate_table_lock(flows, hash);
	if (!bucket)
		return false;
	record = tcpstate_bucket_find(bucket, &parsed->tuple, hash, &from);
	if (likely(record && !tcpstate_traced(tables->log) &&
		   tcpstate_record_predicted(record, &parsed->segment, from, now))) {
		tcpstate_bucket_unlock(bucket);
		return true;
	}
	if (record) {
		out = tcpstate_table_step(tables, flows, bucket, record, &parsed->segment, from,
					  now);
		if (out.action == TCPSTATE_ANEW) {
			tcpstate_table_take(flows, bucket, record);
			*successor = record;
		}
	}
	tcpstate_bucket_unlock(bucket);
	return record;
}

/* What may open or move a record: all that follows is under its birth lock. */
static void observe_birth(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed, u32 hash,
			  u32 now)
{
	struct tcpstate_record *record, *successor = NULL;
	struct tcpstate_tables *tables = &tn->tables;
	struct tcpstate_bucket *birth;
	enum tcpstate_end from;

	tcpstate_table_prefetch(tcpstate_flows(tables), hash);
	birth = tcpstate_table_lock_new(tables, tcpstate_halfopens(tables), hash);
	if (!birth) {
		tcpstate_count(tn->log.stats, NOMEM);
		return;
	}
	record = tcpstate_bucket_find(birth, &parsed->tuple, hash, &from);
	if (record) {
		step_halfopen(tables, birth, record, parsed, hash, from, now);
	} else if (!step_flow(tables, parsed, hash, &successor, now)) {
		open(tn, birth, parsed, hash, now);
	} else if (successor) {
		tcpstate_record_open(&tn->log, successor, parsed, hash,
				     role_of_sender(&tn->log, parsed), true);
		file(tables, birth, successor, hash, now);
	}
	tcpstate_bucket_unlock(birth);
}

/* Most segments belong to a flow, and only a SYN can make one give way. */
static void observe_segment(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed)
{
	const struct tcpstate_segment *segment = &parsed->segment;
	u32 hash = tcpstate_tuple_hash(&parsed->tuple);
	u32 now = tcpstate_now();

	if (segment->flags & TCPSTATE_SYN ||
	    !step_flow(&tn->tables, parsed, hash, NULL, now))
		observe_birth(tn, parsed, hash, now);
}

static void count_flags(struct tcpstate_stats __percpu *stats,
			const struct tcpstate_segment *segment)
{
	u8 flags = segment->flags;

	tcpstate_count_add(stats, SEGMENTS, segment->count);
	if (likely(!(flags & (TCPSTATE_SYN | TCPSTATE_FIN | TCPSTATE_RST))))
		return;
	if (flags & TCPSTATE_SYN) {
		if (flags & TCPSTATE_ACK)
			tcpstate_count(stats, SYNACK);
		else
			tcpstate_count(stats, SYN);
	}
	if (flags & TCPSTATE_FIN)
		tcpstate_count(stats, FIN);
	if (flags & TCPSTATE_RST)
		tcpstate_count(stats, RST);
}

/* As the kernel's own input does, and conntrack; what leaves is not complete yet. */
static bool checksum_is_bad(struct sk_buff *skb, const struct nf_hook_state *state,
			    unsigned int thoff)
{
	return state->hook == NF_INET_PRE_ROUTING && !skb_csum_unnecessary(skb) &&
	       nf_checksum(skb, state->hook, thoff, IPPROTO_TCP, state->pf);
}

static void observe(struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct tcpstate_net *tn = tcpstate_net(state->net);
	struct tcpstate_parsed parsed;
	bool outermost;

	switch (tcpstate_segment_parse(skb, state->pf, &parsed)) {
	case TCPSTATE_PACKET_OTHER:
		return;
	case TCPSTATE_PACKET_FRAGMENT:
		tcpstate_count(tn->log.stats, FRAGMENT);
		return;
	case TCPSTATE_PACKET_MALFORMED:
		tcpstate_count(tn->log.stats, MALFORMED);
		return;
	case TCPSTATE_PACKET_SEGMENT:
		break;
	}
	/* On receive it is disabled, but for what a userspace queue hands back. */
	outermost = !softirq_count();
	if (outermost)
		local_bh_disable();
	count_flags(tn->log.stats, &parsed.segment);
	if (READ_ONCE(tn->checksum) && !parsed.segment.fragment &&
	    checksum_is_bad(skb, state, parsed.thoff))
		tcpstate_count_add(tn->log.stats, BAD_CHECKSUM, parsed.segment.count);
	else if (!tcpstate_fsm_flags_valid(parsed.segment.flags))
		tcpstate_count_add(tn->log.stats, INVALID_FLAGS, parsed.segment.count);
	else
		observe_segment(tn, &parsed);
	if (outermost)
		local_bh_enable();
}

/*
 * br_netfilter has hooks run inside the bridge, and spares a packet that leaves
 * it upwards the second run, but not where the bridge belongs to a VRF.
 */
static bool seen_in_bridge(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	const struct nf_bridge_info *bridge = nf_bridge_info_get(skb);

	return bridge && !bridge->in_prerouting;
#else
	return false;
#endif
}

/*
 * IPv6's authentication header is looked through, so a segment that this host
 * authenticated in transport mode was seen before it lost the header.
 */
static bool seen_with_ah(const struct sk_buff *skb, u8 family)
{
#ifdef CONFIG_XFRM
	const struct sec_path *path = skb_sec_path(skb);
	const struct xfrm_state *last;

	if (likely(!path || !path->len) || family != NFPROTO_IPV6)
		return false;
	last = path->xvec[path->len - 1];
	return last->id.proto == IPPROTO_AH && last->props.mode == XFRM_MODE_TRANSPORT;
#else
	return false;
#endif
}

/*
 * A segment that a VRF device hands on was seen on the device it came in by,
 * and what the loopback device hands on, its route attached, on its way out.
 */
static unsigned int observe_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct net_device *in = state->in;

	if (!netif_is_l3_master(in) && !(in->flags & IFF_LOOPBACK && skb_valid_dst(skb)) &&
	    !seen_in_bridge(skb) && !seen_with_ah(skb, state->pf))
		observe(skb, state);
	return NF_ACCEPT;
}

static bool route_is_local(const struct dst_entry *dst, u8 family)
{
	if (family == NFPROTO_IPV4)
		return container_of(dst, struct rtable, dst)->rt_flags & RTCF_LOCAL;
	return container_of(dst, struct rt6_info, dst)->rt6i_flags & RTF_LOCAL;
}

/* On its way to a VRF device, behind which it passes here again? */
static bool goes_through_vrf(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (likely(!netif_is_l3_master(state->out) && !(dst && netif_is_l3_master(dst->dev))))
		return false;
	return !skb_valid_dst(skb) || !route_is_local(dst, state->pf);
}

/* IPv6 again: a segment to which this host has put a header was seen without. */
static bool seen_without_ah(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 && IP6CB(skb)->flags & IP6SKB_XFRM_TRANSFORMED;
}

/*
 * What a socket in a VRF sends passes here on its way to the VRF device first
 * and then to the one it leaves by; only what stays on this host does not go on.
 */
static unsigned int observe_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (!goes_through_vrf(skb, state) && !seen_without_ah(skb, state->pf))
		observe(skb, state);
	return NF_ACCEPT;
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = observe_in,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = PRIORITY_IPV4,
	}, {
		.hook = observe_out,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = PRIORITY_IPV4,
	}, {
		.hook = observe_in,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = PRIORITY_IPV6,
	}, {
		.hook = observe_out,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = PRIORITY_IPV6,
	},
};

/**
 * tcpstate_observe_register() - begin to see segments
 * @net: the namespace whose segments
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int tcpstate_observe_register(struct net *net)
{
	return nf_register_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}

/**
 * tcpstate_observe_unregister() - see no more segments
 * @net: the namespace
 *
 * Hooks that run already go on until a grace period has passed.
 * Context: process.
 */
void tcpstate_observe_unregister(struct net *net)
{
	nf_unregister_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}
