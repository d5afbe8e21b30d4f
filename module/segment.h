/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From an skb at an IP hook to a TCP segment: bounds, options, lengths. It
 * reads and never writes, pulls nothing, and knows no policy.
 */
#ifndef _TCPSTATE_SEGMENT_H
#define _TCPSTATE_SEGMENT_H

#include <linux/in6.h>
#include <linux/skbuff.h>
#include <linux/types.h>

#include "fsm.h"

/*
 * For what is written before it is read: kernels that clear every variable on the
 * stack need not clear it for each segment. Older ones have no name for that.
 */
#if !defined(__uninitialized) && __has_attribute(__uninitialized__)
#define __uninitialized __attribute__((__uninitialized__))
#elif !defined(__uninitialized)
#define __uninitialized
#endif

/**
 * struct tcpstate_tuple - the addresses of a segment
 * @src: source address; an IPv4 address stands in the first word, the others
 *	are zero
 * @dst: destination address, likewise
 * @sport: source port
 * @dport: destination port
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 */
struct tcpstate_tuple {
	struct in6_addr src;
	struct in6_addr dst;
	__be16 sport;
	__be16 dport;
	__u8 family;
};

/* What a packet turned out to be. */
enum tcpstate_packet {
	TCPSTATE_PACKET_OTHER,		/* not TCP: not ours */
	TCPSTATE_PACKET_SEGMENT,	/* tuple and segment are filled in */
	TCPSTATE_PACKET_FRAGMENT,	/* a later fragment of a TCP segment */
	TCPSTATE_PACKET_MALFORMED,	/* a TCP header that does not fit */
};

/**
 * struct tcpstate_parsed - a packet as tcpstate_segment_parse() read it
 * @tuple: addresses and ports
 * @segment: the TCP segment
 * @thoff: offset of the TCP header from skb->data, for the checksum
 */
struct tcpstate_parsed {
	struct tcpstate_tuple tuple;
	struct tcpstate_segment segment;
	unsigned int thoff;
};

enum tcpstate_packet tcpstate_segment_parse(const struct sk_buff *skb, u8 family,
					    struct tcpstate_parsed *parsed);

#endif /* _TCPSTATE_SEGMENT_H */
