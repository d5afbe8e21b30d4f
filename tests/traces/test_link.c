// SPDX-License-Identifier: GPL-2.0
/* Links: the IP packet behind each kind of header, and none in what is cut short. */
#include <stdlib.h>
#include <string.h>

#include "../unit/ktap.h"
#include "link.h"

#define MACS "\1\2\3\4\5\6\1\2\3\4\5\7"
#define COOKED "\0\0\0\1\0\6\1\2\3\4\5\6\0\0"
#define HEADER(text) text, sizeof(text) - 1

/* The beginning of a packet is all that matters here. */
static const char ipv4[] = "\x45\0\0\x14 an IPv4 packet";
static const char ipv6[] = "\x60\0\0\0\0\0\6\x40 an IPv6 packet";
static const char ipv5[] = "\x50\0\0\0 nothing";

static const struct {
	const char *name;
	unsigned int link;
	const char *header;
	size_t len;
	const char *packet;
} frames[] = {
	{ "Ethernet", 1, HEADER(MACS "\x08\0"), ipv4 },
	{ "Ethernet, IPv6", 1, HEADER(MACS "\x86\xdd"), ipv6 },
	{ "Ethernet with a VLAN tag", 1, HEADER(MACS "\x81\0\0\5\x08\0"), ipv4 },
	{ "Ethernet with two", 1, HEADER(MACS "\x88\xa8\0\5\x81\0\0\6\x86\xdd"), ipv6 },
	{ "Ethernet with an E-TAG", 1, HEADER(MACS "\x89\x3f\x10\0\0\xd3\0\0\x08\0"), ipv4 },
	{ "Ethernet with a VN-TAG", 1, HEADER(MACS "\x89\x26\0\1\0\2\x08\0"), ipv4 },
	{ "Ethernet with LLC", 1, HEADER(MACS "\0\x40\xaa\xaa\3\0\0\0\x08\0"), ipv4 },
	{ "Ethernet with PPPoE", 1, HEADER(MACS "\x88\x64\x11\0\0\1\0\x16\0\x21"), ipv4 },
	{ "Ethernet with MPLS", 1, HEADER(MACS "\x88\x47\0\1\0\x40\0\2\1\x40"), ipv6 },
	{ "Ethernet with its preamble", 274, HEADER("\x55\x55\x55\x55\x55\x55\x55\xd5" MACS
						    "\x08\0"), ipv4 },
	{ "null, little endian", 0, HEADER("\2\0\0\0"), ipv4 },
	{ "null, IPv6 as one system numbers it", 0, HEADER("\x1e\0\0\0"), ipv6 },
	{ "loop", 108, HEADER("\0\0\0\2"), ipv4 },
	{ "PPP", 9, HEADER("\xff\3\0\x21"), ipv4 },
	{ "PPP, compressed", 9, HEADER("\x57"), ipv6 },
	{ "C-HDLC", 104, HEADER("\x0f\0\x08\0"), ipv4 },
	{ "cooked", 113, HEADER(COOKED "\x08\0"), ipv4 },
	{ "cooked, with a VLAN tag", 113, HEADER(COOKED "\x81\0\0\5\x86\xdd"), ipv6 },
	{ "cooked, version 2", 276, HEADER("\x08\0\0\0\0\0\0\1\0\1\0\6\1\2\3\4\5\6\0\0"), ipv4 },
	{ "802.11", 105, HEADER("\x08\1\0\0" MACS "\1\2\3\4\5\6\0\0"
				"\xaa\xaa\3\0\0\0\x08\0"), ipv4 },
	{ "802.11 with radiotap", 127, HEADER("\0\0\x08\0\0\0\0\0\x88\2\0\0" MACS
					      "\1\2\3\4\5\6\0\0\0\0"
					      "\xaa\xaa\3\0\0\0\x08\0"), ipv4 },
	{ "NFLOG", 239, HEADER("\2\0\0\0\5\0\x0a\0x\0\0\0\x17\0\x09\0"), ipv4 },
	{ "raw", 101, HEADER(""), ipv4 },
	{ "raw IPv6", 229, HEADER(""), ipv6 },
};

static const struct {
	const char *name;
	unsigned int link;
	const char *header;
	size_t len;
	const char *packet;
} others[] = {
	{ "ARP", 1, HEADER(MACS "\x08\6"), ipv4 },
	{ "IPv6 that calls itself IPv4", 1, HEADER(MACS "\x08\0"), ipv6 },
	{ "IPv4 that calls itself IPv6", 1, HEADER(MACS "\x86\xdd"), ipv4 },
	{ "neither", 101, HEADER(""), ipv5 },
	{ "802.11 that is encrypted", 105, HEADER("\x08\x41\0\0" MACS "\1\2\3\4\5\6\0\0"
						  "\xaa\xaa\3\0\0\0\x08\0"), ipv4 },
	{ "802.11 that manages", 105, HEADER("\x80\0\0\0" MACS "\1\2\3\4\5\6\0\0"
					     "\xaa\xaa\3\0\0\0\x08\0"), ipv4 },
	{ "a link that nobody knows", 4711, HEADER(""), ipv4 },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* In an allocation of its own, so that ASan guards both its ends. */
static uint8_t *frame(const char *header, size_t len, const char *packet, size_t size)
{
	uint8_t *data = malloc(len + size);

	memcpy(data, header, len);
	memcpy(data + len, packet, size);
	return data;
}

static size_t packet_len(const char *packet)
{
	return packet == ipv4 ? sizeof(ipv4) - 1 : packet == ipv6 ? sizeof(ipv6) - 1 :
								     sizeof(ipv5) - 1;
}

/* Cut anywhere, it yields what is left of the packet, or nothing. */
static bool survives_cuts(size_t which)
{
	size_t size = packet_len(frames[which].packet), header = frames[which].len;
	bool right = true;

	for (size_t cut = 0; cut < header + size; cut++) {
		size_t left = cut > header ? cut - header : 0;
		uint8_t *data = frame(frames[which].header, cut - left, frames[which].packet, left);
		const uint8_t *at = data;
		size_t len = cut;

		if (link_open(frames[which].link, &at, &len) &&
		    (!left || at != data + header || len != left))
			right = false;
		free(data);
	}
	return right;
}

int main(void)
{
	plan(2 * COUNT(frames) + COUNT(others));
	for (size_t i = 0; i < COUNT(frames); i++) {
		size_t size = packet_len(frames[i].packet), len = frames[i].len + size;
		uint8_t *data = frame(frames[i].header, frames[i].len, frames[i].packet, size);
		const uint8_t *at = data;

		ok(link_open(frames[i].link, &at, &len) && len == size &&
		   at == data + frames[i].len, "%s", frames[i].name);
		ok(survives_cuts(i), "%s, cut short", frames[i].name);
		free(data);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		size_t size = packet_len(others[i].packet), len = others[i].len + size;
		uint8_t *data = frame(others[i].header, others[i].len, others[i].packet, size);
		const uint8_t *at = data;

		ok(!link_open(others[i].link, &at, &len), "no packet: %s", others[i].name);
		free(data);
	}
	return done();
}
