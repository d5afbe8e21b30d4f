/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An skb in two pieces: skb_headlen() octets at data, data_len more at frag.
 * Each piece is an allocation of its own, so that ASan guards both its ends.
 */
#ifndef _SHIM_LINUX_SKBUFF_H
#define _SHIM_LINUX_SKBUFF_H

#include <asm/byteorder.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <string.h>

/* Not libc's, whose headers do not bear the kernel's own beside them. */
#define htons(x) __cpu_to_be16(x)
#define htonl(x) __cpu_to_be32(x)
#define ntohs(x) __be16_to_cpu(x)
#define ntohl(x) __be32_to_cpu(x)

#define DIV_ROUND_UP(n, d) ({ __typeof__(d) d_ = (d); ((n) + d_ - 1) / d_; })

#define SKB_GSO_TCPV4	0x00001
#define SKB_GSO_TCPV6	0x00010
#define SKB_GSO_UDP_L4	0x20000

struct skb_shared_info {
	unsigned short gso_size;
	unsigned short gso_segs;
	unsigned int gso_type;
};

struct sk_buff {
	unsigned int len;
	unsigned int data_len;
	unsigned char *data;
	const unsigned char *frag;
	int network_offset;
	struct skb_shared_info shinfo;
};

#define skb_shinfo(skb) (&(skb)->shinfo)

static inline unsigned int skb_headlen(const struct sk_buff *skb)
{
	return skb->len - skb->data_len;
}

static inline int skb_network_offset(const struct sk_buff *skb)
{
	return skb->network_offset;
}

static inline bool skb_is_gso(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_size;
}

static inline bool skb_is_gso_tcp(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6);
}

/* Like the kernel's: from the head if it is all there, else copied, else NULL. */
static inline void *skb_header_pointer(const struct sk_buff *skb, int offset, int len,
				       void *buffer)
{
	int head = (int)skb_headlen(skb) - offset;

	if (head >= len)
		return skb->data + offset;
	if (offset < 0 || offset > (int)skb->len - len)
		return NULL;
	head = max(head, 0);
	if (head)
		memcpy(buffer, skb->data + offset, head);
	memcpy((char *)buffer + head, skb->frag + (offset + head - skb_headlen(skb)),
	       len - head);
	return buffer;
}

#endif /* _SHIM_LINUX_SKBUFF_H */
