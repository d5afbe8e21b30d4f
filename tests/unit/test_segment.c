// SPDX-License-Identifier: GPL-2.0
/*
 * The parser of module/segment.c. Every packet is given to it linear and split
 * at each octet, in allocations of exactly its size, so that ASan sees any
 * octet read outside of it; and whatever the split, it must say the same.
 */
#include <linux/in.h>
#include <linux/netfilter.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "segment.h"

#define TCP_LEN		20
#define OPTIONS_MAX	40
#define SPORT		40000
#define DPORT		443
#define SEQ		0xfedcba98
#define ACK		0x89abcdef
#define WINDOW		0xfe01
#define TSVAL		0x81020304
#define TSECR		0xf5060708

#define SEGMENT		TCPSTATE_PACKET_SEGMENT
#define FRAGMENT	TCPSTATE_PACKET_FRAGMENT
#define MALFORMED	TCPSTATE_PACKET_MALFORMED
#define OTHER		TCPSTATE_PACKET_OTHER
#define INCONSISTENT	0xbad	/* two splits of one packet, two answers */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What may stand before a TCP header. */
static const struct carrier {
	const char *name;
	u8 family;
	unsigned int start;	/* network offset */
	unsigned int options;	/* octets of IPv4 options */
	unsigned int types[5];	/* IPv6 extension headers, zero ends (HOP + 256) */
} carriers[] = {
	{ .name = "IPv4", .family = NFPROTO_IPV4 },
	{ .name = "IPv4 at offset 16", .family = NFPROTO_IPV4, .start = 16 },
	{ .name = "IPv4 with 4 octets of options", .family = NFPROTO_IPV4, .options = 4 },
	{ .name = "IPv4 with 40 octets of options", .family = NFPROTO_IPV4, .options = 40 },
	{ .name = "IPv6", .family = NFPROTO_IPV6 },
	{ .name = "IPv6 at offset 16", .family = NFPROTO_IPV6, .start = 16 },
	{ .name = "IPv6, hop-by-hop", .family = NFPROTO_IPV6, .types = { 256 } },
	{ .name = "IPv6, routing", .family = NFPROTO_IPV6, .types = { NEXTHDR_ROUTING } },
	{ .name = "IPv6, destination options", .family = NFPROTO_IPV6, .types = { NEXTHDR_DEST } },
	{ .name = "IPv6, authentication", .family = NFPROTO_IPV6, .types = { NEXTHDR_AUTH } },
	{ .name = "IPv6, atomic fragment", .family = NFPROTO_IPV6, .types = { NEXTHDR_FRAGMENT } },
	{ .name = "IPv6, all five kinds at offset 16", .family = NFPROTO_IPV6, .start = 16,
	  .types = { 256, NEXTHDR_ROUTING, NEXTHDR_FRAGMENT, NEXTHDR_AUTH, NEXTHDR_DEST } },
	{ .name = NULL },
};

#define V4 (&carriers[0])
#define V6 (&carriers[4])
#define V6_HOP (&carriers[6])
#define V6_ALL (&carriers[11])

/* The packet being written. */
static struct {
	u8 octets[200000];
	unsigned int len;
	unsigned int start;
	unsigned int thoff;	/* as the builder means it */
	unsigned int next;	/* where the next header's type is to be put */
	unsigned int named;	/* octets that one must have to know it is TCP */
	u8 family;
	struct skb_shared_info shinfo;
} packet;

static struct tcpstate_parsed parsed;
static const struct tcpstate_segment *seg = &parsed.segment;

static void put16(unsigned int off, unsigned int value)
{
	packet.octets[off] = value >> 8;
	packet.octets[off + 1] = value;
}

static void put32(unsigned int off, u32 value)
{
	put16(off, value >> 16);
	put16(off + 2, value & 0xffff);
}

/* Append @len octets of a pattern. Returns where they begin. */
static unsigned int append(unsigned int len)
{
	unsigned int off = packet.len, i;

	for (i = 0; i < len; i++)
		packet.octets[off + i] = 0xa0 + i % 31;
	packet.len += len;
	return off;
}

static void put_ip(const struct carrier *c)
{
	unsigned int off, i;

	packet.len = 0;
	packet.start = append(c->start) + c->start;
	packet.family = c->family;
	memset(&packet.shinfo, 0, sizeof(packet.shinfo));
	if (c->family == NFPROTO_IPV4) {
		off = append(20 + c->options);
		packet.octets[off] = 0x40 | (20 + c->options) / 4;
		put16(off + 6, 0x4000);	/* DF */
		packet.next = off + 9;
		packet.named = off + 20;
		for (i = 0; i < 8; i++)
			packet.octets[off + 12 + i] = 0xc0 + i;
	} else {
		off = append(40);
		packet.octets[off] = 0x60;
		packet.next = off + 6;
		packet.named = off + 40;
		for (i = 0; i < 32; i++)
			packet.octets[off + 8 + i] = 0xc0 + i;
	}
	packet.octets[packet.next] = IPPROTO_TCP;
	packet.thoff = packet.len;
}

/* An extension header of @units: 8 octets more each, 4 for authentication. */
static unsigned int put_extension(u8 type, u8 units)
{
	unsigned int len = type == NEXTHDR_AUTH ? (units + 2) * 4 :
			   type == NEXTHDR_FRAGMENT ? 8 : (units + 1) * 8;
	unsigned int off = append(len);

	packet.octets[packet.next] = type;
	packet.octets[off] = IPPROTO_TCP;
	packet.octets[off + 1] = units;
	if (type == NEXTHDR_FRAGMENT)
		put16(off + 2, 0);
	packet.next = off;
	packet.named = off + 2;
	packet.thoff = packet.len;
	return off;
}

static void put_carrier(const struct carrier *c)
{
	unsigned int i;

	put_ip(c);
	for (i = 0; i < COUNT(c->types) && c->types[i]; i++)
		put_extension(c->types[i], i);
}

static void put_tcp(unsigned int doff, u8 flags)
{
	unsigned int off = append(TCP_LEN);

	packet.thoff = off;
	put16(off, SPORT);
	put16(off + 2, DPORT);
	put32(off + 4, SEQ);
	put32(off + 8, ACK);
	packet.octets[off + 12] = doff << 4;
	packet.octets[off + 13] = flags;
	put16(off + 14, WINDOW);
}

/* State in the IP header that the packet has @len octets from there on. */
static void put_length(unsigned int len)
{
	if (packet.family == NFPROTO_IPV4)
		put16(packet.start + 2, len);
	else
		put16(packet.start + 4, len - 40);
}

static void finish(void)
{
	put_length(packet.len - packet.start);
}

/* A whole segment with @len octets of payload. */
static void put_segment(const struct carrier *c, u8 flags, unsigned int len)
{
	put_carrier(c);
	put_tcp(5, flags);
	append(len);
	finish();
}

/* Parse the packet with its octets from @split on outside of the linear part. */
static unsigned int parse_split(unsigned int split, struct tcpstate_parsed *result)
{
	u8 *frag = malloc(packet.len - split);
	struct sk_buff *skb = malloc(sizeof(*skb));
	unsigned int kind;

	*skb = (struct sk_buff){
		.len = packet.len,
		.data_len = packet.len - split,
		.data = malloc(split),
		.frag = frag,
		.network_offset = packet.start,
		.shinfo = packet.shinfo,
	};
	memcpy(skb->data, packet.octets, split);
	memcpy(frag, packet.octets + split, packet.len - split);
	kind = tcpstate_segment_parse(skb, packet.family, result);
	if (memcmp(skb->data, packet.octets, split) ||
	    memcmp(frag, packet.octets + split, packet.len - split))
		kind = INCONSISTENT;
	free(frag);
	free(skb->data);
	free(skb);
	return kind;
}

static bool same(const struct tcpstate_parsed *a, const struct tcpstate_parsed *b)
{
	return !memcmp(&a->tuple.src, &b->tuple.src, sizeof(a->tuple.src)) &&
	       !memcmp(&a->tuple.dst, &b->tuple.dst, sizeof(a->tuple.dst)) &&
	       a->tuple.sport == b->tuple.sport && a->tuple.dport == b->tuple.dport &&
	       a->tuple.family == b->tuple.family && a->thoff == b->thoff &&
	       a->segment.seq == b->segment.seq && a->segment.ack == b->segment.ack &&
	       a->segment.len == b->segment.len && a->segment.count == b->segment.count &&
	       a->segment.tsval == b->segment.tsval && a->segment.tsecr == b->segment.tsecr &&
	       a->segment.window == b->segment.window && a->segment.flags == b->segment.flags &&
	       a->segment.wscale == b->segment.wscale && a->segment.has_ts == b->segment.has_ts &&
	       a->segment.fragment == b->segment.fragment;
}

/* As parse_split(), checked against what the linear packet gave. */
static unsigned int parse_again(unsigned int split, unsigned int kind)
{
	struct tcpstate_parsed other;

	/* Not as the first was filled: a member left unwritten shows. */
	memset(&other, 0x01, sizeof(other));
	if (parse_split(split, &other) != kind ||
	    (kind == SEGMENT && !same(&parsed, &other))) {
		diag("split at %u of %u octets: not as in one piece", split, packet.len);
		return INCONSISTENT;
	}
	return kind;
}

/* Parse the packet in every way into @parsed. Returns what it is. */
static unsigned int parse(void)
{
	unsigned int kind, again, split;

	memset(&parsed, 0x00, sizeof(parsed));
	kind = parse_split(packet.len, &parsed);
	for (split = 0; split < packet.len; split++) {
		/* Of a long packet, within the headers only. */
		if (packet.len > 400 && split > 100 &&
		    (split < packet.thoff || split > packet.thoff + 60))
			continue;
		again = parse_again(split, kind);
		if (again != kind)
			return again;
	}
	return kind;
}

/* Is the packet of this kind? */
static bool is(unsigned int kind)
{
	unsigned int found = parse();

	if (found != kind)
		diag("kind %u, not %u, of %u octets", found, kind, packet.len);
	return found == kind;
}

static bool is_segment_of(u32 len)
{
	if (!is(SEGMENT))
		return false;
	if (seg->len != len)
		diag("len %u, not %u", seg->len, len);
	return seg->len == len;
}

static void test_fields(void)
{
	const struct tcpstate_tuple *tuple = &parsed.tuple;
	const struct carrier *c;

	for (c = carriers; c->name; c++) {
		unsigned int size = c->family == NFPROTO_IPV4 ? 4 : 16;
		unsigned int addr = c->start + (c->family == NFPROTO_IPV4 ? 12 : 8);
		static const u8 zero[16];

		put_segment(c, TCPSTATE_ACK | TCPSTATE_PSH, 9);
		ok(is(SEGMENT), "%s: a segment is found", c->name);
		ok(!memcmp(&tuple->src, packet.octets + addr, size) &&
		   !memcmp(&tuple->dst, packet.octets + addr + size, size) &&
		   !memcmp((u8 *)&tuple->src + size, zero, 16 - size) &&
		   !memcmp((u8 *)&tuple->dst + size, zero, 16 - size),
		   "%s: its addresses, and zeros beyond", c->name);
		ok(tuple->family == c->family && tuple->sport == htons(SPORT) &&
		   tuple->dport == htons(DPORT), "%s: its family and ports", c->name);
		ok(seg->seq == SEQ && seg->ack == ACK && seg->window == WINDOW,
		   "%s: its numbers and window", c->name);
		ok(seg->len == 9 && seg->count == 1, "%s: its length, and that it is one",
		   c->name);
		ok(parsed.thoff == packet.thoff, "%s: where its header is", c->name);
		ok(seg->wscale == TCPSTATE_WSCALE_NONE && !seg->has_ts && !seg->fragment,
		   "%s: no option, no fragment", c->name);
	}
}

static void test_truncation(void)
{
	const struct carrier *c;
	unsigned int full, n;
	bool good;

	for (c = carriers; c->name; c++) {
		put_segment(c, TCPSTATE_ACK, 5);
		full = packet.len;
		for (good = true, n = c->start; n < packet.named; n++) {
			packet.len = n;
			good &= is(OTHER);
		}
		ok(good, "%s: cut before TCP is named, not ours", c->name);
		for (good = true; n < full; n++) {
			packet.len = n;
			good &= is(MALFORMED);
		}
		ok(good, "%s: cut anywhere after, malformed", c->name);

		for (good = true, n = packet.named; n <= full; n++) {
			packet.len = n;
			finish();
			if (n < packet.thoff + TCP_LEN)
				good &= is(MALFORMED);
			else
				good &= is_segment_of(n - packet.thoff - TCP_LEN);
		}
		ok(good, "%s: a segment from the length on at which its header fits", c->name);

		/* One octet beyond an IPv6 header: none would be a jumbogram. */
		packet.len = full;
		n = c->family == NFPROTO_IPV4 ? packet.named : c->start + 41;
		for (good = true; n <= full; n++) {
			put_length(n - c->start);
			if (n < packet.named)
				good &= is(OTHER);
			else if (n < packet.thoff + TCP_LEN)
				good &= is(MALFORMED);
			else
				good &= is_segment_of(n - packet.thoff - TCP_LEN);
		}
		ok(good, "%s: the same where the rest is there, but as padding", c->name);
	}
}

static void test_offset(void)
{
	const struct carrier *c;
	unsigned int doff, len;

	for (c = carriers; c->name; c++) {
		bool shorter = true, beyond = true, fits = true;

		for (doff = 0; doff < 16; doff++) {
			for (len = 0; len <= 80; len++) {
				put_carrier(c);
				put_tcp(doff, TCPSTATE_ACK);
				append(80);
				packet.len = packet.thoff + len;
				finish();
				if (len < TCP_LEN || doff * 4 > len)
					beyond &= is(MALFORMED);
				else if (doff < 5)
					shorter &= is(MALFORMED);
				else
					fits &= is_segment_of(len - doff * 4);
			}
		}
		ok(shorter, "%s: a data offset under 5 is malformed at any length", c->name);
		ok(beyond, "%s: a data offset past the end is malformed", c->name);
		ok(fits, "%s: any other leaves the rest as payload", c->name);
	}
}

static void test_flags(void)
{
	bool six = true, high = true, reserved = true;
	unsigned int flags;

	for (flags = 0; flags < 256; flags++) {
		put_segment(V4, flags, 0);
		if (flags < 64)
			six &= is(SEGMENT) && seg->flags == flags;
		else
			high &= is(SEGMENT) && seg->flags == flags % 64;
		packet.octets[packet.thoff + 12] |= 0x0f;
		reserved &= is(SEGMENT) && seg->flags == flags % 64 && !seg->len;
	}
	ok(six, "all 64 combinations of flags pass unchanged");
	ok(high, "ECE and CWR are dropped, and change nothing");
	ok(reserved, "the reserved bits change nothing");
}

/* Parse a segment with these options, which are padded with @pad to a word. */
static bool parse_options(u8 flags, const u8 *options, unsigned int len, u8 pad)
{
	unsigned int size = (len + 3) / 4 * 4;

	put_ip(V4);
	put_tcp((TCP_LEN + size) / 4, flags);
	memset(packet.octets + append(size), pad, size);
	memcpy(packet.octets + packet.thoff + TCP_LEN, options, len);
	finish();
	return is_segment_of(0);
}

/* Likewise for a string literal, padded with NOPs. */
#define OPTIONS(flags, text) ({						\
	static const u8 octets_[] = text;				\
	parse_options(flags, octets_, sizeof(octets_) - 1, 1); })

#define NOPS "\x01\x01"
#define SACK "\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x02"
#define STAMPS "\x81\x02\x03\x04\xf5\x06\x07\x08"
#define TIMESTAMP "\x08\x0a" STAMPS
#define OLDSTAMP "\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02"

static bool stamped(void)
{
	return seg->has_ts && seg->tsval == TSVAL && seg->tsecr == TSECR;
}

static bool bare(void)
{
	return !seg->has_ts && !seg->tsval && !seg->tsecr &&
	       seg->wscale == TCPSTATE_WSCALE_NONE;
}

static void test_window_scale(void)
{
	const u8 syn = TCPSTATE_SYN, synack = TCPSTATE_SYN | TCPSTATE_ACK;
	bool upto14 = true, above = true, size = true, others = true;
	unsigned int i;

	for (i = 0; i < 256; i++) {
		bool read = parse_options(syn, (const u8[]){ 3, 3, i }, 3, 1);

		if (i <= 14)
			upto14 &= read && seg->wscale == i;
		else
			above &= read && seg->wscale == 14;
	}
	ok(upto14, "window scale 0 to 14 is taken as it is");
	ok(above, "window scale 15 to 255 is taken for 14");
	ok(OPTIONS(synack, "\x03\x03\x07") && seg->wscale == 7, "window scale in a SYN-ACK");
	for (i = 0; i < 64; i++)
		if (!(i & TCPSTATE_SYN))
			others &= OPTIONS(i, "\x03\x03\x07") && bare();
	ok(others, "window scale without SYN means nothing");
	ok(OPTIONS(syn, "\x02\x04\x05\xb4") && bare(), "a SYN without window scale has none");
	for (i = 2; i <= 40; i++) {
		u8 options[40] = { 3, i, 7, };

		options[i - 1] = 7;
		size &= i == 3 || (parse_options(syn, options, i, 0) && bare());
	}
	ok(size, "window scale of any length but 3 is passed over");
	ok(OPTIONS(syn, "\x03\x02\x03\x03\x09") && seg->wscale == 9,
	   "and the one behind it is read");
	ok(OPTIONS(syn, "\x03\x03\x09\x03\x03\x04") && seg->wscale == 4,
	   "of two window scales the last");
	ok(OPTIONS(syn, "\x02\x04\x05\xb4\x04\x02" TIMESTAMP "\x01\x03\x03\x07") &&
	   seg->wscale == 7 && stamped(), "all options of a Linux SYN");
}

static void test_timestamp(void)
{
	u8 options[OPTIONS_MAX];
	bool any = true, size = true;
	unsigned int i;

	ok(OPTIONS(TCPSTATE_ACK, NOPS TIMESTAMP) && stamped(), "timestamp, aligned");
	ok(OPTIONS(TCPSTATE_SYN, NOPS TIMESTAMP) && stamped(), "timestamp, aligned, in a SYN");
	ok(OPTIONS(TCPSTATE_ACK, TIMESTAMP) && stamped(), "timestamp, padded behind");
	ok(OPTIONS(TCPSTATE_ACK, NOPS TIMESTAMP NOPS SACK) &&
	   stamped(), "timestamp, SACK behind it");
	ok(OPTIONS(TCPSTATE_ACK, NOPS SACK NOPS TIMESTAMP) && stamped(),
	   "timestamp, SACK before it");
	ok(OPTIONS(TCPSTATE_ACK, OLDSTAMP TIMESTAMP) && stamped(),
	   "of two timestamps the last");
	for (i = 0; i <= OPTIONS_MAX - 10; i++) {
		memset(options, 1, sizeof(options));
		memcpy(options + i, TIMESTAMP, 10);
		any &= parse_options(TCPSTATE_ACK, options, sizeof(options), 1) && stamped();
	}
	ok(any, "timestamp at any place in 40 octets");
	for (i = 2; i <= OPTIONS_MAX; i++) {
		memset(options, 1, sizeof(options));
		memcpy(options, TIMESTAMP, 10);
		options[1] = i;
		size &= parse_options(TCPSTATE_ACK, options, sizeof(options), 1) &&
			(i == 10 ? stamped() : bare());
	}
	ok(size, "timestamp of any length but 10 is passed over");
	ok(OPTIONS(TCPSTATE_ACK, NOPS OLDSTAMP TIMESTAMP) && stamped(),
	   "of an aligned timestamp and another the last");
	ok(OPTIONS(TCPSTATE_ACK, "\x01\x01\x08\x09" STAMPS) && bare() &&
	   OPTIONS(TCPSTATE_ACK, "\x01\x01\x08\x0a") && bare() &&
	   OPTIONS(TCPSTATE_ACK, "\x01\x01\x08\x0a\x81\x02\x03\x04") && bare(),
	   "what only begins like the aligned timestamp is none");
}

/* The same options by another way: each octet claims how far it reaches. */
static void expect_options(const u8 *at, unsigned int left, bool syn,
			   struct tcpstate_segment *want)
{
	if (!left || !at[0])
		return;
	if (at[0] == 1) {
		expect_options(at + 1, left - 1, syn, want);
		return;
	}
	if (left == 1 || at[1] < 2 || at[1] > left)
		return;
	if (at[0] == 3 && at[1] == 3 && syn)
		want->wscale = at[2] > 14 ? 14 : at[2];
	if (at[0] == 8 && at[1] == 10) {
		want->has_ts = true;
		want->tsval = (u32)at[2] << 24 | at[3] << 16 | at[4] << 8 | at[5];
		want->tsecr = (u32)at[6] << 24 | at[7] << 16 | at[8] << 8 | at[9];
	}
	expect_options(at + at[1], left - at[1], syn, want);
}

static bool as_expected(u8 flags, const u8 *options, unsigned int len)
{
	struct tcpstate_segment want = { .wscale = TCPSTATE_WSCALE_NONE };

	expect_options(options, len, flags & TCPSTATE_SYN, &want);
	return parse_options(flags, options, len, 0) && seg->wscale == want.wscale &&
	       seg->has_ts == want.has_ts && seg->tsval == want.tsval &&
	       seg->tsecr == want.tsecr;
}

static u64 random_state = 0x7463707374617465;

/* xorshift64*: the same numbers on every machine. */
static u32 random_below(u32 limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return ((random_state * 0x2545f4914f6cdd1d) >> 32) % limit;
}

static void test_hostile_options(void)
{
	static const u8 likely[] = { 0, 1, 1, 2, 3, 3, 3, 8, 8, 10, 10, 4, 5, 14, 40, 255 };
	const u8 syn = TCPSTATE_SYN;
	bool sizes = true, kinds = true, random = true, last = true;
	u8 options[OPTIONS_MAX];
	unsigned int i, n;

	ok(OPTIONS(syn, "\x03\x03\x07\x05\x00\x01" TIMESTAMP) && seg->wscale == 7 && !seg->has_ts,
	   "a length of 0 ends the list, and what came before counts");
	ok(OPTIONS(syn, "\x03\x03\x07\x05\x01\x01" TIMESTAMP) && seg->wscale == 7 && !seg->has_ts,
	   "a length of 1 likewise");
	ok(OPTIONS(syn, TIMESTAMP "\x01\x02\x04\x05\xb4\x03\x04\x07") && stamped() &&
	   seg->wscale == TCPSTATE_WSCALE_NONE,
	   "an option that overruns the header is not read");
	ok(OPTIONS(syn, "\x03\x03\x07\x00" TIMESTAMP) && seg->wscale == 7 && !seg->has_ts,
	   "nothing is read behind the end of the list");
	ok(OPTIONS(syn, "\x00\x03\x03\x07") && bare(), "nor where it ends at once");
	ok(OPTIONS(syn, "\x05\x02\x06\x02\x4d\x04\x00\x00\x03\x03\x05") && seg->wscale == 5,
	   "unknown options are passed over");
	for (i = 1; i <= OPTIONS_MAX; i++) {
		memset(options, 1, sizeof(options));
		options[OPTIONS_MAX - 1] = 8;
		last &= as_expected(syn, options + OPTIONS_MAX - i, i) && bare();
		options[OPTIONS_MAX - 1] = 3;
		last &= as_expected(syn, options + OPTIONS_MAX - i, i) && bare();
	}
	ok(last, "a kind in the last octet, its length past the end");
	for (n = 0; n < 256; n++) {
		memset(options, 3, sizeof(options));
		options[0] = 254;
		options[1] = n;
		sizes &= as_expected(syn, options, sizeof(options));
		options[0] = n;
		options[1] = 7;
		kinds &= as_expected(syn, options, sizeof(options));
	}
	ok(sizes, "every option length from 0 to 255");
	ok(kinds, "every option kind from 0 to 255");
	for (n = 0; n < 20000; n++) {
		unsigned int len = 4 * random_below(11);

		for (i = 0; i < len; i++)
			options[i] = likely[random_below(COUNT(likely))];
		random &= as_expected(random_below(2) ? syn : TCPSTATE_ACK, options, len);
	}
	ok(random, "20000 lists of random options, as another walk reads them");
}

static void test_fragments_ipv4(void)
{
	bool later = true, other = true, fits = true, short_ = true;
	unsigned int i;

	put_segment(V4, TCPSTATE_ACK, 24);
	put16(packet.start + 6, 0x2000);
	ok(is_segment_of(24) && seg->fragment && seg->count == 1,
	   "IPv4: a first fragment is a segment, and says so");
	put16(packet.start + 6, 0xc000);
	ok(is_segment_of(24) && !seg->fragment, "IPv4: DF and the reserved bit are no fragment");
	for (i = 1; i <= 0x1fff; i += i < 64 ? 1 : 61) {
		put16(packet.start + 6, i);
		later &= is(FRAGMENT);
		put16(packet.start + 6, 0x2000 | i);
		later &= is(FRAGMENT);
	}
	put16(packet.start + 6, 0x1fff);
	later &= is(FRAGMENT);
	ok(later, "IPv4: a later fragment is one, the last as well");
	packet.octets[packet.start + 9] = IPPROTO_UDP;
	ok(is(OTHER), "IPv4: a later fragment of UDP is not ours");
	for (i = 0; i < 40; i++) {
		put_ip(V4);
		append(i);
		put16(packet.start + 6, 0x0001);
		finish();
		other &= is(FRAGMENT);
	}
	ok(other, "IPv4: a later fragment of any length");
	for (i = 0; i < 40; i++) {
		put_ip(V4);
		put_tcp(7, TCPSTATE_ACK);
		append(20);
		packet.len = packet.thoff + i;
		put16(packet.start + 6, 0x2000);
		finish();
		if (i < 28)
			short_ &= is(MALFORMED);
		else
			fits &= is_segment_of(i - 28) && seg->fragment;
	}
	ok(short_, "IPv4: a header that does not fit the first fragment is malformed");
	ok(fits, "IPv4: one that does has what the fragment carries");
	put_segment(V4, TCPSTATE_ACK, 24);
	put16(packet.start + 6, 0x0001);
	put_length(19);
	ok(is(MALFORMED), "IPv4: a later fragment shorter than its header is malformed");
}

/* TCP behind a fragment header with @frag_off, which names @type. */
static void put_fragment_ipv6(unsigned int frag_off, u8 type)
{
	unsigned int off;

	put_ip(V6);
	off = put_extension(NEXTHDR_FRAGMENT, 0);
	put16(off + 2, frag_off);
	packet.octets[off] = type;
	put_tcp(5, TCPSTATE_ACK);
	append(24);
	finish();
}

static void test_fragments_ipv6(void)
{
	bool later = true, short_ = true, fits = true;
	unsigned int i, off;

	put_fragment_ipv6(0x0001, IPPROTO_TCP);
	ok(is_segment_of(24) && seg->fragment && seg->count == 1,
	   "IPv6: a first fragment is a segment, and says so");
	put_fragment_ipv6(0x0006, IPPROTO_TCP);
	ok(is_segment_of(24) && !seg->fragment, "IPv6: the reserved bits are no fragment");
	for (i = 8; i <= 0xfff8; i += i < 512 ? 8 : 488) {
		put_fragment_ipv6(i, IPPROTO_TCP);
		later &= is(FRAGMENT);
		put_fragment_ipv6(i | 1, IPPROTO_TCP);
		later &= is(FRAGMENT);
	}
	put_fragment_ipv6(0xfff8, IPPROTO_TCP);
	later &= is(FRAGMENT);
	ok(later, "IPv6: a later fragment is one, the last as well");
	put_fragment_ipv6(8, IPPROTO_UDP);
	ok(is(OTHER), "IPv6: a later fragment of UDP is not ours");
	put_fragment_ipv6(8, NEXTHDR_DEST);
	ok(is(OTHER), "IPv6: nor one that begins inside of another header");
	put_fragment_ipv6(0x0001, IPPROTO_UDP);
	ok(is(OTHER), "IPv6: nor a first fragment of UDP");
	put_fragment_ipv6(8, IPPROTO_TCP);
	put_length(40 + 2);
	short_ &= is(MALFORMED);
	put_length(40 + 3);
	short_ &= is(MALFORMED);
	ok(short_, "IPv6: an offset behind the payload length is none");

	put_ip(V6);
	put_extension(0, 1);
	off = put_extension(NEXTHDR_FRAGMENT, 0);
	put16(off + 2, 0x0001);
	put_extension(NEXTHDR_DEST, 2);
	put_tcp(5, TCPSTATE_SYN);
	finish();
	ok(is_segment_of(0) && seg->fragment, "IPv6: a first fragment amid other headers");
	put16(off + 2, 0x0008);
	packet.octets[off] = IPPROTO_TCP;
	ok(is(FRAGMENT), "IPv6: a later fragment behind other headers");

	put_ip(V6);
	put16(put_extension(NEXTHDR_FRAGMENT, 0) + 2, 0x0001);
	put_extension(NEXTHDR_FRAGMENT, 0);
	put_tcp(5, TCPSTATE_ACK);
	finish();
	ok(is_segment_of(0) && seg->fragment,
	   "IPv6: a fragment stays one behind an atomic fragment header");

	for (i = 0; i < 40; i++) {
		put_ip(V6);
		put16(put_extension(NEXTHDR_FRAGMENT, 0) + 2, 0x0001);
		put_tcp(7, TCPSTATE_ACK);
		append(20);
		packet.len = packet.thoff + i;
		finish();
		if (i < 28)
			short_ &= is(MALFORMED);
		else
			fits &= is_segment_of(i - 28) && seg->fragment;
	}
	ok(short_, "IPv6: a header that does not fit the first fragment is malformed");
	ok(fits, "IPv6: one that does has what the fragment carries");
}

static void test_chains(void)
{
	static const struct {
		const char *name;
		u8 type;
	} kinds[] = {
		{ "hop-by-hop", 0 },
		{ "routing", NEXTHDR_ROUTING },
		{ "destination options", NEXTHDR_DEST },
		{ "authentication", NEXTHDR_AUTH },
		{ "fragment", NEXTHDR_FRAGMENT },
	};
	bool unknown = true, good, tcp;
	unsigned int i, k, n;

	for (k = 0; k < COUNT(kinds); k++) {
		for (good = true, i = 0; i < 256; i++) {
			put_ip(V6);
			put_extension(kinds[k].type, i);
			put_tcp(5, TCPSTATE_ACK);
			append(3);
			finish();
			good &= is_segment_of(3) && parsed.thoff == packet.thoff;
		}
		ok(good, "a %s header of every length is passed", kinds[k].name);

		for (good = tcp = true, i = 0; i < 256; i++) {
			put_ip(V6);
			put_extension(kinds[k].type, i);
			if (packet.len - packet.start == 48)
				continue;
			packet.len = packet.start + 48;
			finish();
			tcp &= is(MALFORMED);
			packet.octets[packet.next] = NEXTHDR_DEST;
			good &= is(OTHER);
		}
		ok(tcp, "a %s header past the end that names TCP is malformed", kinds[k].name);
		ok(good, "a %s header past the end that does not is not ours", kinds[k].name);

		put_ip(V6);
		for (n = 0; n < 16; n++)
			put_extension(kinds[k].type, 0);
		put_tcp(5, TCPSTATE_ACK);
		finish();
		ok(is_segment_of(0), "16 %s headers are followed", kinds[k].name);

		put_ip(V6);
		for (n = 0; n < 17; n++)
			put_extension(kinds[k].type, 0);
		put_tcp(5, TCPSTATE_ACK);
		finish();
		ok(is(MALFORMED), "17 %s headers are malformed", kinds[k].name);
	}

	put_ip(V6);
	for (n = 0; n < 1000; n++)
		put_extension(NEXTHDR_DEST, 0);
	put_tcp(5, TCPSTATE_ACK);
	finish();
	ok(is(MALFORMED), "1000 headers are malformed");

	for (i = 0; i < 256; i++) {
		switch (i) {
		case 0:
		case IPPROTO_TCP:
		case NEXTHDR_ROUTING:
		case NEXTHDR_DEST:
		case NEXTHDR_AUTH:
		case NEXTHDR_FRAGMENT:
			continue;
		}
		put_segment(V6, TCPSTATE_ACK, 0);
		packet.octets[packet.start + 6] = i;
		unknown &= is(OTHER);
		put_carrier(V6_ALL);
		put_extension(i, 0);
		put_tcp(5, TCPSTATE_ACK);
		finish();
		unknown &= is(OTHER);
	}
	ok(unknown, "any other next header is not ours: ESP, none, mobility, HIP, shim6 ...");

	put_segment(V6_HOP, TCPSTATE_ACK, 0);
	put_length(48);
	ok(is(MALFORMED), "what lies behind the payload length is no header");
}

static void test_lengths_ipv4(void)
{
	bool padding = true, longer = true, good;
	unsigned int i;

	for (i = 0; i <= 40; i++) {
		put_segment(V4, TCPSTATE_ACK, 7);
		append(i);
		padding &= is_segment_of(7);
		finish();
		put_length(packet.len - packet.start + 1 + i * i);
		longer &= is(MALFORMED);
	}
	put_length(0xffff);
	longer &= is(MALFORMED);
	ok(padding, "IPv4: padding is no payload");
	ok(longer, "IPv4: a length beyond the packet is malformed");

	for (good = true, i = 0; i < 40; i++) {
		put_segment(V4, TCPSTATE_ACK, 7);
		put_length(i);
		good &= is(MALFORMED);
	}
	ok(good, "IPv4: a length too short for the headers is malformed, zero too");

	for (good = true, i = 0; i < 16; i++) {
		put_segment(V4, TCPSTATE_ACK, 80);
		packet.octets[packet.start] = 0x40 | i;
		packet.octets[packet.start + i * 4 + 12] = 0x50;
		good &= i < 5 ? is(MALFORMED) : is_segment_of(100 - i * 4);
	}
	ok(good, "IPv4: every header length; under 5 words is malformed");
	put_ip(V4);
	packet.octets[packet.start] = 0x46;
	finish();
	ok(is(MALFORMED), "IPv4: a header past the end is malformed");

	for (good = true, i = 0; i < 16; i++) {
		put_segment(V4, TCPSTATE_ACK, 0);
		packet.octets[packet.start] = i << 4 | 5;
		good &= is(i == 4 ? SEGMENT : OTHER);
	}
	ok(good, "IPv4: any other version is not ours");
	for (good = true, i = 0; i < 256; i++) {
		put_segment(V4, TCPSTATE_ACK, 0);
		packet.octets[packet.start + 9] = i;
		good &= is(i == IPPROTO_TCP ? SEGMENT : OTHER);
	}
	ok(good, "IPv4: any other protocol is not ours");
}

static void test_lengths_ipv6(void)
{
	bool padding = true, longer = true, good;
	const struct carrier *c;
	unsigned int i;

	for (c = carriers; c->name; c++) {
		if (c->family != NFPROTO_IPV6)
			continue;
		for (i = 0; i <= 40; i++) {
			put_segment(c, TCPSTATE_ACK, 7);
			append(i);
			padding &= is_segment_of(7);
			finish();
			put_length(packet.len - packet.start + 1 + i * i);
			longer &= is(MALFORMED);
		}
		put_length(40 + 0xffff);
		longer &= is(MALFORMED);
	}
	ok(padding, "IPv6: padding is no payload");
	ok(longer, "IPv6: a length beyond the packet is malformed");

	for (good = true, i = 0; i < 20; i++) {
		put_segment(V6, TCPSTATE_ACK, 7);
		put_length(40 + i);
		good &= is(MALFORMED);
	}
	ok(good, "IPv6: a length too short for the header is malformed, zero too");
	for (good = true, i = 0; i < 16; i++) {
		put_segment(V6, TCPSTATE_ACK, 0);
		packet.octets[packet.start] = i << 4;
		good &= is(i == 6 ? SEGMENT : OTHER);
	}
	ok(good, "IPv6: any other version is not ours");
	put_segment(V6, TCPSTATE_ACK, 0);
	packet.octets[packet.start] = 0x6f;
	memset(packet.octets + packet.start + 1, 0xff, 3);
	ok(is_segment_of(0), "IPv6: traffic class and flow label change nothing");
}

static void set_gso(unsigned int size, unsigned int segs, unsigned int type)
{
	packet.shinfo = (struct skb_shared_info){
		.gso_size = size, .gso_segs = segs, .gso_type = type,
	};
}

/* A segment of 100000 octets, its length field zero. */
static void put_big(const struct carrier *c, unsigned int type)
{
	put_segment(c, TCPSTATE_ACK, 100000);
	put_length(c->family == NFPROTO_IPV4 ? 0 : 40);
	set_gso(1000, 0, type);
}

static void test_big(void)
{
	put_big(V4, SKB_GSO_TCPV4);
	ok(is_segment_of(100000) && seg->count == 100, "IPv4 BIG TCP: the skb tells the length");
	put_big(V4, SKB_GSO_UDP_L4);
	ok(is(MALFORMED), "IPv4: length zero where segmentation is not TCP's is malformed");
	put_big(V4, SKB_GSO_TCPV4);
	set_gso(0, 0, SKB_GSO_TCPV4);
	ok(is(MALFORMED), "IPv4: length zero in a long packet of no segments is malformed");

	put_big(V6, SKB_GSO_TCPV6);
	ok(is_segment_of(100000) && seg->count == 100, "IPv6 BIG TCP: the skb tells the length");
	put_big(V6, SKB_GSO_UDP_L4);
	ok(is(MALFORMED), "IPv6: length zero where segmentation is not TCP's is malformed");
	put_big(V6, SKB_GSO_TCPV6);
	set_gso(0, 0, SKB_GSO_TCPV6);
	ok(is(MALFORMED), "IPv6: length zero in a long packet of no segments is malformed");

	put_big(V6_HOP, SKB_GSO_TCPV6);
	ok(is_segment_of(100000) && seg->count == 100,
	   "IPv6 BIG TCP behind a jumbo option: the skb tells the length");
	set_gso(0, 0, 0);
	ok(is_segment_of(100000) && seg->count == 1, "IPv6 jumbogram: the skb tells the length");

	put_segment(V4, TCPSTATE_ACK, 3000);
	set_gso(1000, 0, SKB_GSO_TCPV4);
	put_length(2040);
	ok(is_segment_of(2000) && seg->count == 2, "IPv4 GSO: a length that is stated rules");
	put_segment(V6, TCPSTATE_ACK, 3000);
	set_gso(1000, 0, SKB_GSO_TCPV6);
	put_length(2060);
	ok(is_segment_of(2000) && seg->count == 2, "IPv6 GSO: a length that is stated rules");
}

static void test_count(void)
{
	bool computed = true;
	unsigned int i;

	put_segment(V4, TCPSTATE_ACK, 3000);
	set_gso(0, 7, 0);
	ok(is(SEGMENT) && seg->count == 1, "an skb that is not GSO is one segment");
	set_gso(1448, 3, SKB_GSO_TCPV4);
	ok(is(SEGMENT) && seg->count == 3, "gso_segs tells the segments");
	for (i = 1; i < 100; i++) {
		put_segment(V4, TCPSTATE_ACK, i);
		set_gso(10, 0, SKB_GSO_TCPV4);
		computed &= is_segment_of(i) && seg->count == (i - 1) / 10 + 1;
	}
	ok(computed, "where gso_segs is 0 they are computed, rounded up");
	put_segment(V4, TCPSTATE_ACK, 60000);
	set_gso(1, 0, SKB_GSO_TCPV4);
	ok(is(SEGMENT) && seg->count == 60000, "60000 segments of one octet");
	put_segment(V4, TCPSTATE_ACK, 0);
	set_gso(1448, 0, SKB_GSO_TCPV4);
	ok(is(SEGMENT) && seg->count == 1, "at least one, without payload too");
	put_segment(V4, TCPSTATE_ACK, 1);
	set_gso(0xffff, 0, SKB_GSO_TCPV4);
	ok(is(SEGMENT) && seg->count == 1, "at least one, with a gso_size of 65535");
}

static void test_family(void)
{
	put_segment(V4, TCPSTATE_ACK, 0);
	packet.family = NFPROTO_BRIDGE;
	ok(is(OTHER), "any other family is not ours");
	packet.family = NFPROTO_IPV6;
	ok(is(OTHER), "IPv4 at the IPv6 hook is not ours");
	put_segment(V6, TCPSTATE_ACK, 0);
	packet.family = NFPROTO_IPV4;
	ok(is(OTHER), "IPv6 at the IPv4 hook is not ours");
}

/* What must hold of any segment that was found in the packet. */
static bool plausible(void)
{
	unsigned int th = parsed.thoff;

	return th >= packet.start + 20 && th + TCP_LEN <= packet.len &&
	       seg->len <= packet.len - th - TCP_LEN && seg->count >= 1 &&
	       seg->count <= max(packet.shinfo.gso_size ? seg->len : 1,
				 max((u32)packet.shinfo.gso_segs, 1u)) &&
	       seg->flags == packet.octets[th + 13] % 64 &&
	       (seg->wscale <= TCPSTATE_WSCALE_MAX || seg->wscale == TCPSTATE_WSCALE_NONE) &&
	       (seg->flags & TCPSTATE_SYN || seg->wscale == TCPSTATE_WSCALE_NONE) &&
	       (seg->has_ts || (!seg->tsval && !seg->tsecr)) &&
	       !memcmp(&parsed.tuple.sport, packet.octets + th, 2) &&
	       !memcmp(&parsed.tuple.dport, packet.octets + th + 2, 2);
}

/* Some packet, most of it sound. */
static void put_random(void)
{
	static const u8 values[] = { 0, 1, 3, 6, 8, 10, 43, 44, 51, 60, 0x45, 0x50, 0x60, 0xff };
	unsigned int i, n, off, changes;

	put_carrier(&carriers[random_below(COUNT(carriers) - 1)]);
	n = random_below(11);
	put_tcp(5 + n, random_below(256));
	off = append(n * 4 + random_below(40));
	for (i = 0; i < n * 4; i++)
		packet.octets[off + i] = values[random_below(COUNT(values))];
	finish();
	if (!random_below(4)) {
		/* One by one: the order of arguments is the compiler's. */
		n = random_below(100);
		i = random_below(4);
		set_gso(n, i, random_below(2) ? SKB_GSO_TCPV4 | SKB_GSO_TCPV6 : 0);
	}

	/* Mostly in the headers, and often in the first few octets of one. */
	for (changes = random_below(5); changes; changes--) {
		off = packet.start + random_below(packet.len - packet.start);
		packet.octets[off] = random_below(2) ? random_below(256) :
				     values[random_below(COUNT(values))];
	}
	if (!random_below(3))
		packet.len = packet.start + random_below(packet.len - packet.start + 1);
	if (!random_below(8))
		put_length(random_below(200));
}

static void test_fuzz(void)
{
	unsigned int kinds[4] = {}, kind, n, i;
	bool agree = true, hold = true;

	diag("seed 0x%llx", (unsigned long long)random_state);
	for (n = 0; n < 200000 && agree && hold; n++) {
		put_random();
		memset(&parsed, 0x00, sizeof(parsed));
		kind = parse_split(packet.len, &parsed);
		for (i = 0; i < 3; i++)
			agree &= parse_again(random_below(packet.len + 1), kind) == kind;
		if (kind < COUNT(kinds))
			kinds[kind]++;
		else
			agree = false;
		hold &= kind != SEGMENT || plausible();
	}
	if (!agree || !hold)
		diag("packet %u, kind %u", n - 1, kind);
	diag("%u not ours, %u segments, %u fragments, %u malformed",
	     kinds[OTHER], kinds[SEGMENT], kinds[FRAGMENT], kinds[MALFORMED]);
	ok(agree, "200000 mutated packets read the same however they are split");
	ok(hold, "each segment found among them lies within its packet");
	ok(kinds[OTHER] > 1000 && kinds[SEGMENT] > 1000 && kinds[FRAGMENT] > 1000 &&
	   kinds[MALFORMED] > 1000, "every kind is among them, over a thousand times");
}

int main(void)
{
	test_fields();
	test_truncation();
	test_offset();
	test_flags();
	test_window_scale();
	test_timestamp();
	test_hostile_options();
	test_fragments_ipv4();
	test_fragments_ipv6();
	test_chains();
	test_lengths_ipv4();
	test_lengths_ipv6();
	test_big();
	test_count();
	test_family();
	test_fuzz();
	return done();
}
