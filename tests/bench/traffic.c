// SPDX-License-Identifier: GPL-2.0
/* The segments: of whole lives, and of established connections. */
#include <linux/etherdevice.h>
#include <linux/hash.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/minmax.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "bench.h"

#define ABREAST 1024		/* lives that are led in step */
#define PAYLOAD 1000		/* octets of a data segment */

#define WSCALE 7
#define WINDOW_SYN 64240
#define WINDOW 502		/* scaled, nearly the same */

/**
 * struct step - a segment of a flow, numbers relative to the initial ones
 * @from: 0 for the initiator, 1 for the responder
 * @flags: octet 13 of the header
 * @seq: sequence number
 * @ack: number that it acknowledges
 * @len: octets of payload
 * @stamp: timestamp
 */
struct step {
	u8 from;
	u8 flags;
	u32 seq;
	u32 ack;
	u32 len;
	u32 stamp;
};

#define P PAYLOAD
static const struct step life[BENCH_LIFE] = {
	{ 0, TCPHDR_SYN,		0,	0,	0, 1 },
	{ 1, TCPHDR_SYN | TCPHDR_ACK,	0,	1,	0, 2 },
	{ 0, TCPHDR_ACK,		1,	1,	0, 3 },
	{ 0, TCPHDR_PSH | TCPHDR_ACK,	1,	1,	P, 4 },
	{ 1, TCPHDR_ACK,		1,	P + 1,	0, 5 },
	{ 1, TCPHDR_PSH | TCPHDR_ACK,	1,	P + 1,	P, 6 },
	{ 0, TCPHDR_ACK,		P + 1,	P + 1,	0, 7 },
	{ 0, TCPHDR_FIN | TCPHDR_ACK,	P + 1,	P + 1,	0, 8 },
	{ 1, TCPHDR_FIN | TCPHDR_ACK,	P + 1,	P + 2,	0, 9 },
	{ 0, TCPHDR_ACK,		P + 2,	P + 2,	0, 10 },
};

#undef P

static void build_tcp(struct tcphdr *th, u32 flow, const struct step *step)
{
	bool syn = step->flags & TCPHDR_SYN;
	__be32 *option = (__be32 *)(th + 1);
	__be16 port[2] = { htons(32768 + flow % 16 * 1787), htons(443) };

	*th = (struct tcphdr){
		.source = port[step->from],
		.dest = port[!step->from],
		.seq = htonl(hash_32(flow * 2 + step->from, 32) + step->seq),
		.window = htons(syn ? WINDOW_SYN : WINDOW),
		.doff = (sizeof(*th) + (syn ? 20 : 12)) / 4,
	};
	tcp_flag_byte(th) = step->flags;
	if (step->flags & TCPHDR_ACK)
		th->ack_seq = htonl(hash_32(flow * 2 + !step->from, 32) + step->ack);

	if (syn) {
		*option++ = htonl(TCPOPT_MSS << 24 | TCPOLEN_MSS << 16 | 1460);
		*option++ = htonl(TCPOPT_SACK_PERM << 24 | TCPOLEN_SACK_PERM << 16 |
				  TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
	} else {
		*option++ = htonl(TCPOPT_NOP << 24 | TCPOPT_NOP << 16 |
				  TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
	}
	*option++ = htonl(step->stamp);
	*option++ = htonl(step->stamp - 1);
	if (syn)
		*option = htonl(TCPOPT_NOP << 24 | TCPOPT_WINDOW << 16 |
				TCPOLEN_WINDOW << 8 | WSCALE);
}

static void build_ipv4(struct iphdr *iph, u32 flow, const struct step *step, u32 len)
{
	__be32 addr[2] = { htonl(0x0a000000 + flow / 16), htonl(0xc0000201) };

	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tot_len = htons(sizeof(*iph) + len),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = addr[step->from],
		.daddr = addr[!step->from],
	};
	ip_send_check(iph);
}

static void build_ipv6(struct ipv6hdr *iph, u32 flow, const struct step *step, u32 len)
{
	struct in6_addr addr[2] = {
		{ .s6_addr32 = { htonl(0x20010db8), htonl(flow / 16), 0, htonl(2) } },
		{ .s6_addr32 = { htonl(0x20010db8), htonl(1 << 31), 0, htonl(1) } },
	};

	*iph = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(len),
		.nexthdr = NEXTHDR_TCP,
		.hop_limit = 64,
		.saddr = addr[step->from],
		.daddr = addr[!step->from],
	};
}

/* Headers anew in an skb that is used for ever, as though a NIC had received it. */
static void build(struct sk_buff *skb, u32 flow, const struct step *step)
{
	bool ipv4 = bench.family == NFPROTO_IPV4;
	u32 iplen = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct tcphdr *th = (struct tcphdr *)(skb->data + iplen);
	u32 len;

	build_tcp(th, flow, step);
	len = th->doff * 4 + step->len;
	if (ipv4)
		build_ipv4((struct iphdr *)skb->data, flow, step, len);
	else
		build_ipv6((struct ipv6hdr *)skb->data, flow, step, len);
	__skb_trim(skb, 0);
	__skb_put(skb, iplen + len);
	skb->protocol = ipv4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	/* The NIC has verified the checksum, so nobody asks for it. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
}

/* Of the flows, each CPU has every second one, if there are two. */
static u32 draw(struct bench_worker *worker, enum bench_lane_id lane,
		const struct bench_stream *stream)
{
	u32 random = prandom_u32_state(&worker->random[lane]) % (stream->flows / stream->cpus);

	return random * stream->cpus + (worker->index + stream->shift) % stream->cpus;
}

/**
 * bench_build() - make a segment of a stream
 * @worker: the CPU whose it is
 * @lane: who gets it
 * @stream: the stream
 * @i: which segment of it
 * @skb: gets the segment
 *
 * Every lane gets the same segments, if it gets all of them in order.
 */
void bench_build(struct bench_worker *worker, enum bench_lane_id lane,
		 const struct bench_stream *stream, u32 i, struct sk_buff *skb)
{
	struct step step = { .flags = TCPHDR_PSH | TCPHDR_ACK, .len = PAYLOAD };
	u32 flow, group, size, k;

	if (stream->kind == BENCH_LIVES) {
		group = i / (ABREAST * stream->steps) * ABREAST;
		size = min_t(u32, ABREAST, stream->flows - group);
		i -= group * stream->steps;
		flow = (group + i % size) * stream->cpus + worker->index;
		build(skb, stream->first + flow, &life[i / size]);
		return;
	}
	flow = stream->kind == BENCH_DATA ? i % stream->flows : draw(worker, lane, stream);
	/* The two ends send in turn, and acknowledge all that came. */
	k = bench.sent[lane][flow]++;
	step.from = k % 2;
	step.seq = 1 + PAYLOAD * (k / 2);
	step.ack = step.seq + (step.from ? PAYLOAD : 0);
	step.stamp = BENCH_HANDSHAKE + 1 + k;
	build(skb, flow, &step);
}

/**
 * bench_batch_alloc() - get a CPU its skbs
 * @worker: the CPU's
 *
 * Return: 0 or -ENOMEM; bench_batch_free() is due in any case.
 */
int bench_batch_alloc(struct bench_worker *worker)
{
	struct sk_buff *skb;
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++) {
		skb = netdev_alloc_skb(bench.dev, ETH_HLEN + 2 * sizeof(struct ipv6hdr) +
						  15 * 4 + PAYLOAD);
		if (!skb)
			return -ENOMEM;
		worker->batch[i] = skb;
		skb_reset_mac_header(skb);
		skb_reserve(skb, ETH_HLEN);
		skb_reset_network_header(skb);
		skb->pkt_type = PACKET_HOST;
	}
	return 0;
}

/**
 * bench_batch_free() - give them back
 * @worker: the CPU's
 */
void bench_batch_free(struct bench_worker *worker)
{
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++)
		kfree_skb(worker->batch[i]);
}
