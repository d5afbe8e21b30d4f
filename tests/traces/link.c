// SPDX-License-Identifier: GPL-2.0
/* Links: each says of a frame what its payload is, until that is IP. */
#include "link.h"

/* LINKTYPE_*; see the registry at tcpdump.org. */
enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_PPP_HDLC = 50,
	LINK_RAW = 101,
	LINK_HDLC = 104,
	LINK_802_11 = 105,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_802_11_RADIOTAP = 127,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_NFLOG = 239,
	LINK_MPACKET = 274,
	LINK_SLL2 = 276,
};

/* Protocols as Ethernet numbers them, and what of PPP and the rest comes to. */
enum {
	NONE = 0,
	LENGTH_MAX = 1500,	/* no type, but a length: LLC follows */
	IPV4 = 0x0800,
	IPV6 = 0x86dd,
	VLAN = 0x8100,
	QINQ_OLD = 0x9100,
	QINQ = 0x88a8,
	MPLS = 0x8847,
	MPLS_MULTICAST = 0x8848,
	PPPOE = 0x8864,
	VNTAG = 0x8926,
	ETAG = 0x893f,
	IP = 0x10000,		/* of either version */
	LLC,
	PPP,
};

/**
 * struct cursor - in a frame
 * @data: what is left
 * @len: octets of it
 */
struct cursor {
	const uint8_t *data;
	size_t len;
};

static bool skip(struct cursor *at, size_t len)
{
	if (at->len < len)
		return false;
	at->data += len;
	at->len -= len;
	return true;
}

static unsigned int be16(const uint8_t *data)
{
	return data[0] << 8 | data[1];
}

/* A header of @len octets with a protocol at @where in it. */
static unsigned int header(struct cursor *at, size_t len, size_t where)
{
	const uint8_t *data = at->data;

	return skip(at, len) ? be16(data + where) : NONE;
}

static unsigned int ethernet(struct cursor *at)
{
	return header(at, 14, 12);
}

/* 802.2, with SNAP where the two service access points say so. */
static unsigned int llc(struct cursor *at)
{
	if (at->len < 8 || at->data[0] != 0xaa || at->data[1] != 0xaa)
		return NONE;
	return header(at, 8, 6);
}

/* Address and control may be left out, and so may the first octet where it is zero. */
static unsigned int ppp(struct cursor *at)
{
	unsigned int type;

	if (at->len >= 2 && at->data[0] == 0xff && at->data[1] == 0x03)
		skip(at, 2);
	if (!at->len)
		return NONE;
	type = at->data[0];
	if (type & 1)
		skip(at, 1);
	else
		type = header(at, 2, 0);
	return type == 0x21 ? IPV4 : type == 0x57 ? IPV6 : NONE;
}

static unsigned int mpls(struct cursor *at)
{
	const uint8_t *label;

	do {
		label = at->data;
		if (!skip(at, 4))
			return NONE;
	} while (!(label[2] & 1));
	return IP;
}

/* A data frame; its payload in the clear. */
static unsigned int wireless(struct cursor *at)
{
	const uint8_t *data = at->data;
	size_t len = 24;

	if (at->len < len || (data[0] & 0x4c) != 0x08 || data[1] & 0x40)
		return NONE;
	if ((data[1] & 3) == 3)
		len += 6;
	if (data[0] & 0x80)
		len += 2 + (data[1] & 0x80 ? 4 : 0);
	return skip(at, len) ? LLC : NONE;
}

static unsigned int radiotap(struct cursor *at)
{
	if (at->len < 4 || !skip(at, at->data[2] | at->data[3] << 8))
		return NONE;
	return wireless(at);
}

/* Attributes, in the order of the machine that wrote them; which one holds a packet? */
static unsigned int nflog(struct cursor *at)
{
	size_t len;

	if (!skip(at, 4))
		return NONE;
	while (at->len >= 4) {
		len = at->data[0] | at->data[1] << 8;
		if (len < 4 || len > at->len)
			return NONE;
		if (at->data[2] == 9 && !at->data[3]) {
			at->len = len;
			skip(at, 4);
			return IP;
		}
		if (!skip(at, (len + 3) & ~3))
			return NONE;
	}
	return NONE;
}

static unsigned int first(uint16_t link, struct cursor *at)
{
	switch (link) {
	case LINK_NULL:
	case LINK_LOOP:
		/* The number of IPv6 is another on each system. */
		return skip(at, 4) ? IP : NONE;
	case LINK_MPACKET:
		/* The preamble, of which the last octet matters. */
		return skip(at, 8) ? ethernet(at) : NONE;
	case LINK_ETHERNET:
		return ethernet(at);
	case LINK_PPP:
	case LINK_PPP_HDLC:
		return PPP;
	case LINK_HDLC:
		return header(at, 4, 2);
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6:
		return IP;
	case LINK_SLL:
		return header(at, 16, 14);
	case LINK_SLL2:
		return header(at, 20, 0);
	case LINK_802_11:
		return wireless(at);
	case LINK_802_11_RADIOTAP:
		return radiotap(at);
	case LINK_NFLOG:
		return nflog(at);
	default:
		return NONE;
	}
}

static unsigned int next(unsigned int type, struct cursor *at)
{
	switch (type) {
	case VLAN:
	case QINQ:
	case QINQ_OLD:
		return header(at, 4, 2);
	case MPLS:
	case MPLS_MULTICAST:
		return mpls(at);
	case PPPOE:
		return skip(at, 6) ? PPP : NONE;
	case VNTAG:
		return header(at, 6, 4);
	case ETAG:
		return header(at, 8, 6);
	case PPP:
		return ppp(at);
	case LLC:
		return llc(at);
	default:
		return type <= LENGTH_MAX && type ? LLC : NONE;
	}
}

bool link_open(uint16_t link, const uint8_t **data, size_t *len)
{
	struct cursor at = { *data, *len };
	unsigned int type = first(link, &at), version;

	while (type != IP && type != IPV4 && type != IPV6) {
		if (type == NONE)
			return false;
		type = next(type, &at);
	}
	version = at.len ? at.data[0] >> 4 : 0;
	if ((version != 4 || type == IPV6) && (version != 6 || type == IPV4))
		return false;
	*data = at.data;
	*len = at.len;
	return true;
}
