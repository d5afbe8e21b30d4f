// SPDX-License-Identifier: GPL-2.0
/* IP packets as the kernel's input looks at them: see ip_rcv() and ip6_rcv_core(). */
#include <string.h>

#include "packet.h"

#define IPV4_HEADER	20
#define IPV6_HEADER	40
#define TCP_HEADER	20
#define TCP_CHECKSUM	16	/* offset in the header */
#define PROTOCOL_TCP	6
#define HOP_BY_HOP	0

static uint16_t be16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint16_t number)
{
	at[0] = number >> 8;
	at[1] = number;
}

/* RFC 1071. */
static uint32_t sum(uint32_t sum, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += be16(data + i);
	if (len & 1)
		sum += data[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool is_ipv4(const uint8_t *packet, size_t len)
{
	return len >= IPV4_HEADER && packet[0] >> 4 == 4;
}

static bool is_ipv6(const uint8_t *packet, size_t len)
{
	return len >= IPV6_HEADER && packet[0] >> 4 == 6;
}

/* Zero where the header does not fit. */
static size_t ipv4_header_len(const uint8_t *packet, size_t len)
{
	size_t header = (packet[0] & 15) * 4;

	return header < IPV4_HEADER || header > len ? 0 : header;
}

static size_t accept_ipv4(const uint8_t *packet, size_t len)
{
	size_t header = ipv4_header_len(packet, len), total = be16(packet + 2);

	if (!header || sum(0, packet, header) != 0xffff)
		return 0;
	return total < header || total > len ? 0 : total;
}

/* RFC 4291 2.5.3 and 2.7: these never come from the wire. */
static bool scope_is_wrong(const uint8_t *source, const uint8_t *destination)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return !memcmp(source, loopback, 16) || !memcmp(destination, loopback, 16) ||
	       source[0] == 0xff || (destination[0] == 0xff && (destination[1] & 15) <= 1);
}

static size_t accept_ipv6(const uint8_t *packet, size_t len)
{
	size_t payload = be16(packet + 4);

	if (scope_is_wrong(packet + 8, packet + 24))
		return 0;
	if (!payload && packet[6] == HOP_BY_HOP)
		return len;
	return payload + IPV6_HEADER > len ? 0 : payload + IPV6_HEADER;
}

size_t packet_accept(const uint8_t *packet, size_t len)
{
	if (is_ipv4(packet, len))
		return accept_ipv4(packet, len);
	return is_ipv6(packet, len) ? accept_ipv6(packet, len) : 0;
}

/* Over the pseudo header of RFC 9293 3.1 and all that is behind @thoff. */
static uint32_t segment_sum(const uint8_t *packet, size_t len, size_t thoff)
{
	size_t addresses = packet[0] >> 4 == 4 ? 8 : 32;
	uint32_t pseudo = PROTOCOL_TCP + len - thoff;

	pseudo = sum(pseudo, packet + (addresses == 8 ? 12 : 8), addresses);
	return sum(pseudo, packet + thoff, len - thoff);
}

bool packet_checksum_bad(const uint8_t *packet, size_t len, size_t thoff)
{
	return segment_sum(packet, len, thoff) != 0xffff;
}

void packet_repair_header(uint8_t *packet, size_t len)
{
	size_t header;

	if (!is_ipv4(packet, len))
		return;
	header = ipv4_header_len(packet, len);
	if (!header)
		return;
	if (!be16(packet + 2))
		put16(packet + 2, len);
	put16(packet + 10, 0);
	put16(packet + 10, ~sum(0, packet, header));
}

/* Where the TCP header begins, if it is easily found; else 0. */
static size_t find_tcp(const uint8_t *packet, size_t len)
{
	if (is_ipv6(packet, len))
		return packet[6] == PROTOCOL_TCP ? IPV6_HEADER : 0;
	if (!is_ipv4(packet, len) || packet[9] != PROTOCOL_TCP || be16(packet + 6) & 0x3fff)
		return 0;
	return ipv4_header_len(packet, len);
}

void packet_repair_segment(uint8_t *packet, size_t len)
{
	size_t thoff = find_tcp(packet, len);

	if (!thoff || len - thoff < TCP_HEADER)
		return;
	put16(packet + thoff + TCP_CHECKSUM, 0);
	put16(packet + thoff + TCP_CHECKSUM, ~segment_sum(packet, len, thoff));
}
