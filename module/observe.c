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

#include "batch.h"
#include "compat.h"

/*
 * After destination NAT, so that both directions of a translated connection
 * carry the same addresses. IPVS has two hooks in LOCAL_OUT right behind NAT:
 * at + 1 it gives replies their virtual source, at + 2 it takes requests away
 * and sends them through the hook again with their real destination. Behind
 * both, either kind is seen once, whichever module was loaded first.
 */
#define PRIORITY_IPV4 (NF_IP_PRI_NAT_DST + 3)
#define PRIORITY_IPV6 (NF_IP6_PRI_NAT_DST + 3)

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

static void observe_segment(struct tcpstate_net *tn, struct sk_buff *skb,
			    const struct nf_hook_state *state,
			    const struct tcpstate_parsed *parsed)
{
	const struct tcpstate_segment *segment = &parsed->segment;

	count_flags(tn->log.stats, segment);
	if (READ_ONCE(tn->checksum) && !segment->fragment &&
	    checksum_is_bad(skb, state, parsed->thoff))
		tcpstate_count_add(tn->log.stats, BAD_CHECKSUM, segment->count);
	else if (!tcpstate_fsm_flags_valid(segment->flags))
		tcpstate_count_add(tn->log.stats, INVALID_FLAGS, segment->count);
	else if (state->hook == NF_INET_PRE_ROUTING)
		tcpstate_batch_add(tn, parsed);
	else
		tcpstate_deliver(tn, parsed, tcpstate_tuple_hash(&tn->log.key, &parsed->tuple));
}

static void observe(struct tcpstate_net *tn, struct sk_buff *skb,
		    const struct nf_hook_state *state)
{
	/* On receive it is disabled, but for what a userspace queue hands back. */
	bool outermost = !softirq_count();
	struct tcpstate_parsed parsed __uninitialized;

	if (outermost)
		local_bh_disable();
	switch (tcpstate_segment_parse(skb, state->pf, &parsed)) {
	case TCPSTATE_PACKET_OTHER:
		break;
	case TCPSTATE_PACKET_FRAGMENT:
		tcpstate_count(tn->log.stats, FRAGMENT);
		break;
	case TCPSTATE_PACKET_MALFORMED:
		tcpstate_count(tn->log.stats, MALFORMED);
		break;
	case TCPSTATE_PACKET_SEGMENT:
		observe_segment(tn, skb, state, &parsed);
		break;
	}
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
		observe(priv, skb, state);
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
 * A copy that TEE or nft's dup sends was seen as the original.
 */
static unsigned int observe_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	tcpstate_batch_deliver();
	if (!goes_through_vrf(skb, state) && !seen_without_ah(skb, state->pf) &&
	    !tcpstate_duplicates())
		observe(priv, skb, state);
	return NF_ACCEPT;
}

/* Whatever came in goes on: first it is known what all of it proves. */
static unsigned int deliver(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	tcpstate_batch_deliver();
	return NF_ACCEPT;
}

/* As each namespace has them, but for whose they are. */
static const struct nf_hook_ops hooks[] = {
	{
		.hook = observe_in,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = PRIORITY_IPV4,
	}, {
		.hook = deliver,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_FIRST,
	}, {
		.hook = deliver,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_FORWARD,
		.priority = NF_IP_PRI_FIRST,
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
		.hook = deliver,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_FIRST,
	}, {
		.hook = deliver,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_FORWARD,
		.priority = NF_IP6_PRI_FIRST,
	}, {
		.hook = observe_out,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = PRIORITY_IPV6,
	},
};

/**
 * tcpstate_observe_register() - begin to see segments
 * @tn: the namespace whose segments
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int tcpstate_observe_register(struct tcpstate_net *tn)
{
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(hooks) != ARRAY_SIZE(tn->hooks));
	memcpy(tn->hooks, hooks, sizeof(hooks));
	for (i = 0; i < ARRAY_SIZE(tn->hooks); i++)
		tn->hooks[i].priv = tn;
	return nf_register_net_hooks(tn->net, tn->hooks, ARRAY_SIZE(tn->hooks));
}

/**
 * tcpstate_observe_unregister() - see no more segments
 * @tn: the namespace
 *
 * Hooks that run already go on until a grace period has passed.
 * Context: process.
 */
void tcpstate_observe_unregister(struct tcpstate_net *tn)
{
	nf_unregister_net_hooks(tn->net, tn->hooks, ARRAY_SIZE(tn->hooks));
}
