// SPDX-License-Identifier: GPL-2.0
/*
 * The segment parser, given any packet, in two pieces that are split anywhere. It
 * reads the same however they are split, and what a reader says who reads it once
 * more, from one piece, in the plainest way.
 *
 * An input is where to split, how the packet is offloaded, how many octets stand
 * before its IP header, and then the packet.
 */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "fuzz.h"
#include "segment.h"

/**
 * struct packet - from the IP header on
 * @big: an IP length of zero means all of it
 */
struct packet {
	const uint8_t *octets;
	unsigned int len;
	bool big;
};

/* What the packet is, once more. */
struct reading {
	enum tcpstate_packet kind;
	unsigned int thoff;
	unsigned int end;
	bool fragment;
};

static unsigned int be16(const uint8_t *octets)
{
	return octets[0] << 8 | octets[1];
}

static uint32_t be32(const uint8_t *octets)
{
	return (uint32_t)be16(octets) << 16 | be16(octets + 2);
}

static struct reading read_ipv4(const struct packet *p)
{
	struct reading reading = { .kind = TCPSTATE_PACKET_OTHER };

	if (p->len < 20 || p->octets[0] >> 4 != 4 || p->octets[9] != 6)
		return reading;
	reading.thoff = (p->octets[0] & 15) * 4;
	reading.end = be16(p->octets + 2);
	if (!reading.end && p->big)
		reading.end = p->len;
	reading.fragment = be16(p->octets + 6) & 0x2000;
	if (reading.thoff < 20 || reading.end < reading.thoff || reading.end > p->len)
		reading.kind = TCPSTATE_PACKET_MALFORMED;
	else if (be16(p->octets + 6) & 0x1fff)
		reading.kind = TCPSTATE_PACKET_FRAGMENT;
	else
		reading.kind = TCPSTATE_PACKET_SEGMENT;
	return reading;
}

static struct reading read_ipv6(const struct packet *p)
{
	struct reading reading = { .kind = TCPSTATE_PACKET_OTHER, .thoff = 40 };
	unsigned int next, chain = 0, room;
	const uint8_t *at;

	if (p->len < 40 || p->octets[0] >> 4 != 6)
		return reading;
	next = p->octets[6];
	reading.end = 40 + be16(p->octets + 4);
	if (reading.end == 40 && (!next || p->big))
		reading.end = p->len;
	for (; next != 6; chain++) {
		if (next != 0 && next != 43 && next != 44 && next != 51 && next != 60)
			return reading;
		if (chain == 16) {
			reading.kind = TCPSTATE_PACKET_MALFORMED;
			return reading;
		}
		room = reading.end < p->len ? reading.end : p->len;
		if (reading.thoff + 2 > room)
			return reading;
		at = p->octets + reading.thoff;
		if (next == 44 && reading.thoff + 4 <= room) {
			if (be16(at + 2) & 0xfff8) {
				if (at[0] == 6)
					reading.kind = TCPSTATE_PACKET_FRAGMENT;
				return reading;
			}
			reading.fragment |= at[3] & 1;
		}
		reading.thoff += next == 44 ? 8 : next == 51 ? (at[1] + 2) * 4 : (at[1] + 1) * 8;
		next = at[0];
	}
	reading.kind = reading.end > p->len ? TCPSTATE_PACKET_MALFORMED : TCPSTATE_PACKET_SEGMENT;
	return reading;
}

/* The last of each that is well formed, up to the first that is not. */
static void check_options(const uint8_t *at, const uint8_t *end,
			  const struct tcpstate_segment *seg)
{
	unsigned int wscale = TCPSTATE_WSCALE_NONE;
	const uint8_t *stamp = NULL;

	while (at < end && *at != 0) {
		if (*at == 1) {
			at++;
			continue;
		}
		if (at + 1 == end || at[1] < 2 || at[1] > end - at)
			break;
		if (*at == 8 && at[1] == 10)
			stamp = at + 2;
		if (*at == 3 && at[1] == 3 && seg->flags & TCPSTATE_SYN)
			wscale = at[2] > 14 ? 14 : at[2];
		at += at[1];
	}
	MUST(seg->wscale == wscale);
	MUST(seg->has_ts == !!stamp);
	MUST(seg->tsval == (stamp ? be32(stamp) : 0));
	MUST(seg->tsecr == (stamp ? be32(stamp + 4) : 0));
}

static void check(const struct packet *p, const struct reading *reading, unsigned int start,
		  const struct tcpstate_parsed *parsed, unsigned int segments)
{
	const uint8_t *th = p->octets + reading->thoff;
	unsigned int hdrlen = (th[12] >> 4) * 4;
	bool ipv4 = p->octets[0] >> 4 == 4;
	unsigned int addr = ipv4 ? 12 : 8, len = ipv4 ? 4 : 16;
	uint8_t zeros[16] = { 0 };

	MUST(parsed->thoff == start + reading->thoff);
	MUST(!memcmp(&parsed->tuple.src, p->octets + addr, len));
	MUST(!memcmp(&parsed->tuple.dst, p->octets + addr + len, len));
	MUST(!memcmp((uint8_t *)&parsed->tuple.src + len, zeros, 16 - len));
	MUST(!memcmp((uint8_t *)&parsed->tuple.dst + len, zeros, 16 - len));
	MUST(!memcmp(&parsed->tuple.sport, th, 2) && !memcmp(&parsed->tuple.dport, th + 2, 2));
	MUST(parsed->tuple.family == (ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6));
	MUST(parsed->segment.seq == be32(th + 4) && parsed->segment.ack == be32(th + 8));
	MUST(parsed->segment.flags == (th[13] & 0x3f));
	MUST(parsed->segment.window == be16(th + 14));
	MUST(parsed->segment.len == reading->end - reading->thoff - hdrlen);
	MUST(parsed->segment.count == (parsed->segment.len ? segments : 1));
	MUST(parsed->segment.fragment == reading->fragment);
	check_options(th + 20, th + hdrlen, &parsed->segment);
}

/* A header that does not fit, unless it was malformed before. */
static enum tcpstate_packet tcp_fits(const struct packet *p, const struct reading *reading)
{
	unsigned int hdrlen, room;

	if (reading->thoff > reading->end || reading->end - reading->thoff < 20)
		return TCPSTATE_PACKET_MALFORMED;
	room = reading->end - reading->thoff;
	hdrlen = (p->octets[reading->thoff + 12] >> 4) * 4;
	return hdrlen < 20 || hdrlen > room ? TCPSTATE_PACKET_MALFORMED : TCPSTATE_PACKET_SEGMENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned int split = input_u16(&input), shape = input_u8(&input);
	unsigned int start = input_u8(&input) & 3;
	struct packet p = { .octets = input.at, .len = input.left };
	struct tcpstate_parsed parsed;
	struct reading reading;
	uint8_t *head, *frag;
	unsigned int segments, pad;
	struct sk_buff skb;
	uint8_t family;

	if (!p.len || p.len > 65535)
		return 0;
	family = p.octets[0] >> 4 == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	split = split % (start + p.len + 1);
	/* The pieces end where their memory does, and IP headers are aligned. */
	pad = -start & 3;
	head = (uint8_t *)malloc(pad + split) + pad;
	frag = malloc(start + p.len - split);
	for (unsigned int i = 0; i < start + p.len; i++)
		*(i < split ? head + i : frag + i - split) = i < start ? 0xff : p.octets[i - start];

	skb = (struct sk_buff){
		.len = start + p.len, .data_len = start + p.len - split,
		.data = head, .frag = frag, .network_offset = start,
		.shinfo = {
			.gso_size = shape & 1 ? 1 + (shape >> 3) * 50 : 0,
			.gso_segs = shape & 2 ? shape >> 3 : 0,
			.gso_type = shape & 4 ? SKB_GSO_TCPV4 : 0,
		},
	};
	p.big = shape & 1 && shape & 4;
	reading = family == NFPROTO_IPV4 ? read_ipv4(&p) : read_ipv6(&p);
	if (reading.kind == TCPSTATE_PACKET_SEGMENT)
		reading.kind = tcp_fits(&p, &reading);

	memset(&parsed, 0xee, sizeof(parsed));
	MUST(tcpstate_segment_parse(&skb, family, &parsed) == reading.kind);
	if (reading.kind == TCPSTATE_PACKET_SEGMENT) {
		segments = skb.shinfo.gso_segs;
		if (!skb.shinfo.gso_size)
			segments = 1;
		else if (!segments)
			segments = (parsed.segment.len + skb.shinfo.gso_size - 1) /
				   skb.shinfo.gso_size;
		check(&p, &reading, start, &parsed, segments);
	}
	MUST(tcpstate_segment_parse(&skb, NFPROTO_ARP, &parsed) == TCPSTATE_PACKET_OTHER);
	free(head - pad);
	free(frag);
	return 0;
}
