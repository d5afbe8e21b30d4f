// SPDX-License-Identifier: GPL-2.0
/*
 * From an skb at an IP hook to a TCP segment.
 *
 * Every octet is read through skb_header_pointer(), and only after a check
 * that it lies within the length which the IP header states: what follows is
 * padding, and no part of the segment.
 */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "segment.h"

/* More extension headers than any sender has a use for. */
#define EXTENSIONS_MAX 16

#define OPTIONS_MAX (15 * 4 - sizeof(struct tcphdr))

#define FLAGS_MASK (TCPSTATE_FIN | TCPSTATE_SYN | TCPSTATE_RST | \
		    TCPSTATE_PSH | TCPSTATE_ACK | TCPSTATE_URG)

/* How most segments with a timestamp begin, and end, their options. */
#define TIMESTAMP_ALIGNED ((TCPOPT_NOP << 24) | (TCPOPT_NOP << 16) | \
			   (TCPOPT_TIMESTAMP << 8) | TCPOLEN_TIMESTAMP)

/*
 * @len octets at @off, or NULL where they are not all before @end and in the
 * skb. Inline, for @len is a constant nearly everywhere.
 */
static inline const void *fetch(const struct sk_buff *skb, unsigned int off, unsigned int end,
				unsigned int len, void *buffer)
{
	if (off > end || end - off < len)
		return NULL;
	return skb_header_pointer(skb, off, len, buffer);
}

static inline u32 be32_at(const u8 *octets)
{
	__be32 word;

	memcpy(&word, octets, sizeof(word));
	return ntohl(word);
}

/* BIG TCP: longer than an IP length field can say, so the field is zero. */
static bool is_big(const struct sk_buff *skb)
{
	return skb_is_gso(skb) && skb_is_gso_tcp(skb);
}

/*
 * Find the TCP header and the end of the IP payload. From the moment that a
 * header names TCP as the next, whatever does not fit is a malformed segment;
 * before that it is somebody else's packet.
 */
static enum tcpstate_packet locate_ipv4(const struct sk_buff *skb,
					struct tcpstate_parsed *parsed, unsigned int *end)
{
	struct tcpstate_tuple *tuple = &parsed->tuple;
	unsigned int start = skb_network_offset(skb);
	unsigned int len, hdrlen;
	const struct iphdr *iph;
	struct iphdr buffer __uninitialized;

	iph = fetch(skb, start, skb->len, sizeof(buffer), &buffer);
	if (!iph || iph->version != 4 || iph->protocol != IPPROTO_TCP)
		return TCPSTATE_PACKET_OTHER;

	hdrlen = iph->ihl * 4;
	len = ntohs(iph->tot_len);
	if (!len && is_big(skb))
		len = skb->len - start;
	if (hdrlen < sizeof(*iph) || len < hdrlen || len > skb->len - start)
		return TCPSTATE_PACKET_MALFORMED;
	if (iph->frag_off & htons(IP_OFFSET))
		return TCPSTATE_PACKET_FRAGMENT;

	tuple->src = (struct in6_addr){ .s6_addr32 = { iph->saddr } };
	tuple->dst = (struct in6_addr){ .s6_addr32 = { iph->daddr } };
	parsed->segment.fragment = iph->frag_off & htons(IP_MF);
	parsed->thoff = start + hdrlen;
	*end = start + len;
	return TCPSTATE_PACKET_SEGMENT;
}

/* Octets of an extension header; zero for a header of any other kind. */
static unsigned int extension_len(u8 type, u8 hdrlen)
{
	switch (type) {
	case NEXTHDR_HOP:
	case NEXTHDR_ROUTING:
	case NEXTHDR_DEST:
		return (hdrlen + 1) * 8;
	case NEXTHDR_FRAGMENT:
		return sizeof(struct frag_hdr);
	case NEXTHDR_AUTH:
		return (hdrlen + 2) * 4;	/* RFC 4302 2.2 */
	default:
		return 0;
	}
}

/*
 * Likewise. A chain that breaks off before TCP is named is not ours, for
 * nothing says that a segment was to follow. One that goes on too long is: no
 * host sends such, and a segment must not pass uncounted behind it.
 */
static enum tcpstate_packet locate_ipv6(const struct sk_buff *skb,
					struct tcpstate_parsed *parsed, unsigned int *end)
{
	unsigned int off = skb_network_offset(skb);
	unsigned int len, room, extensions = 0;
	const struct ipv6_opt_hdr *ext;
	const struct ipv6hdr *ip6h;
	const __be16 *frag_off;
	bool fragment = false;
	union {
		struct ipv6hdr ip6h;
		struct ipv6_opt_hdr ext;
	} buffer __uninitialized;
	__be16 word;
	u8 type;

	ip6h = fetch(skb, off, skb->len, sizeof(buffer.ip6h), &buffer.ip6h);
	if (!ip6h || ip6h->version != 6)
		return TCPSTATE_PACKET_OTHER;
	parsed->tuple.src = ip6h->saddr;
	parsed->tuple.dst = ip6h->daddr;
	type = ip6h->nexthdr;

	/*
	 * Zero stands for a jumbogram too, which the stack has checked against
	 * its option and trimmed before PRE_ROUTING, as it has every other.
	 */
	off += sizeof(*ip6h);
	room = skb->len - off;
	len = ntohs(ip6h->payload_len);
	if (!len && (type == NEXTHDR_HOP || is_big(skb)))
		len = room;
	*end = off + len;

	while (type != IPPROTO_TCP) {
		if (!extension_len(type, 0))
			return TCPSTATE_PACKET_OTHER;
		if (extensions++ == EXTENSIONS_MAX)
			return TCPSTATE_PACKET_MALFORMED;
		ext = fetch(skb, off, *end, sizeof(*ext), &buffer.ext);
		if (!ext)
			return TCPSTATE_PACKET_OTHER;

		if (type == NEXTHDR_FRAGMENT) {
			/* Where this is cut off, so is all that follows. */
			frag_off = fetch(skb, off + offsetof(struct frag_hdr, frag_off),
					 *end, sizeof(word), &word);
			if (frag_off && *frag_off & htons(IP6_OFFSET))
				return ext->nexthdr == IPPROTO_TCP ?
				       TCPSTATE_PACKET_FRAGMENT : TCPSTATE_PACKET_OTHER;
			if (frag_off && *frag_off & htons(IP6_MF))
				fragment = true;
		}
		off += extension_len(type, ext->hdrlen);
		type = ext->nexthdr;
	}
	if (len > room)
		return TCPSTATE_PACKET_MALFORMED;

	parsed->segment.fragment = fragment;
	parsed->thoff = off;
	return TCPSTATE_PACKET_SEGMENT;
}

/* An option whose length makes no sense ends the list; those before it count. */
static void read_options(const u8 *options, unsigned int len, struct tcpstate_segment *seg)
{
	unsigned int i = 0, size;

	while (i < len && options[i] != TCPOPT_EOL) {
		if (options[i] == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2)
			return;
		size = options[i + 1];
		if (size < 2 || size > len - i)
			return;

		if (options[i] == TCPOPT_TIMESTAMP && size == TCPOLEN_TIMESTAMP) {
			seg->tsval = be32_at(&options[i + 2]);
			seg->tsecr = be32_at(&options[i + 6]);
			seg->has_ts = true;
		} else if (options[i] == TCPOPT_WINDOW && size == TCPOLEN_WINDOW &&
			   seg->flags & TCPSTATE_SYN) {
			seg->wscale = min_t(u8, options[i + 2], TCPSTATE_WSCALE_MAX);
		}
		i += size;
	}
}

/* GSO and GRO carry many segments in one skb. gso_segs may be left to us. */
static u32 count_segments(const struct sk_buff *skb, u32 len)
{
	if (!len || !skb_is_gso(skb))
		return 1;
	return skb_shinfo(skb)->gso_segs ?: DIV_ROUND_UP(len, skb_shinfo(skb)->gso_size);
}

static enum tcpstate_packet read_tcp(const struct sk_buff *skb, unsigned int end,
				     struct tcpstate_parsed *parsed)
{
	struct tcpstate_segment *seg = &parsed->segment;
	unsigned int hdrlen, optlen;
	const struct tcphdr *th;
	u8 buffer[OPTIONS_MAX] __uninitialized;
	struct tcphdr fixed __uninitialized;
	const u8 *options;

	th = fetch(skb, parsed->thoff, end, sizeof(fixed), &fixed);
	if (!th)
		return TCPSTATE_PACKET_MALFORMED;
	hdrlen = th->doff * 4;
	if (hdrlen < sizeof(*th) || hdrlen > end - parsed->thoff)
		return TCPSTATE_PACKET_MALFORMED;

	parsed->tuple.sport = th->source;
	parsed->tuple.dport = th->dest;
	seg->seq = ntohl(th->seq);
	seg->ack = ntohl(th->ack_seq);
	seg->len = end - parsed->thoff - hdrlen;
	seg->count = count_segments(skb, seg->len);
	seg->window = ntohs(th->window);
	seg->flags = ((const u8 *)th)[13] & FLAGS_MASK;
	seg->wscale = TCPSTATE_WSCALE_NONE;
	seg->has_ts = false;
	seg->tsval = 0;
	seg->tsecr = 0;

	optlen = hdrlen - sizeof(*th);
	if (!optlen)
		return TCPSTATE_PACKET_SEGMENT;
	options = fetch(skb, parsed->thoff + sizeof(*th), end, optlen, buffer);
	if (!options)
		return TCPSTATE_PACKET_MALFORMED;
	if (optlen == TCPOLEN_TSTAMP_ALIGNED && be32_at(options) == TIMESTAMP_ALIGNED) {
		seg->tsval = be32_at(options + 4);
		seg->tsecr = be32_at(options + 8);
		seg->has_ts = true;
	} else {
		read_options(options, optlen, seg);
	}
	return TCPSTATE_PACKET_SEGMENT;
}

/**
 * tcpstate_segment_parse() - read the TCP segment in a packet
 * @skb: a packet at PRE_ROUTING or LOCAL_OUT, its IP header at
 *	skb_network_offset(), linear or not; neither pulled nor written
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @parsed: where to put it. Wholly written for TCPSTATE_PACKET_SEGMENT; for
 *	anything else its contents mean nothing.
 *
 * Of a segment nothing is verified but that its header fits (RFC 9293 3.1):
 * neither checksums nor the combination of flags. Options that make no sense
 * are passed over, as a receiver would.
 *
 * Context: Any.
 * Return: what the packet is.
 */
enum tcpstate_packet tcpstate_segment_parse(const struct sk_buff *skb, u8 family,
					    struct tcpstate_parsed *parsed)
{
	enum tcpstate_packet packet;
	unsigned int end;

	switch (family) {
	case NFPROTO_IPV4:
		packet = locate_ipv4(skb, parsed, &end);
		break;
	case NFPROTO_IPV6:
		packet = locate_ipv6(skb, parsed, &end);
		break;
	default:
		return TCPSTATE_PACKET_OTHER;
	}
	if (packet != TCPSTATE_PACKET_SEGMENT)
		return packet;
	parsed->tuple.family = family;
	return read_tcp(skb, end, parsed);
}
