// SPDX-License-Identifier: GPL-2.0
/* Capture files: pcap and pcapng. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "capture.h"
#include "link.h"

#define PCAP_US		0xa1b2c3d4
#define PCAP_NS		0xa1b23c4d
#define PCAPNG_SECTION	0x0a0d0d0a
#define PCAPNG_ORDER	0x1a2b3c4d

/* Blocks of a pcapng file that matter here. */
enum {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
};

#define OPTION_RESOLUTION 9

/* The longest that an IP header can say. */
#define PACKET_MAX (40 + 65535)

/**
 * struct interface - on which frames were captured
 * @link: LINKTYPE_*
 * @snap: octets of a frame that were kept, 0 for all
 * @second: how many units of time make one
 */
struct interface {
	uint16_t link;
	uint32_t snap;
	uint64_t second;
};

/**
 * struct frame - as it stands in the file
 * @kept: octets at @data
 * @len: octets on the wire
 */
struct frame {
	const struct interface *interface;
	uint64_t time;
	const uint8_t *data;
	size_t kept;
	size_t len;
};

/**
 * struct capture - a file under reading
 * @data: all of it, owned
 * @at: offset of what comes next
 * @swapped: its numbers are not of this machine's order
 * @blocks: it is a pcapng file
 * @frames: that were read
 * @interfaces: of the section, owned; a pcap file has one
 * @packet: the latest, padded
 */
struct capture {
	uint8_t *data;
	size_t size;
	size_t at;
	bool swapped;
	bool blocks;
	unsigned long frames;
	struct interface *interfaces;
	size_t count;
	uint8_t packet[PACKET_MAX];
};

static uint32_t get32(const struct capture *capture, const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	return capture->swapped ? __builtin_bswap32(number) : number;
}

static uint16_t get16(const struct capture *capture, const uint8_t *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof(number));
	return capture->swapped ? __builtin_bswap16(number) : number;
}

/* The next @len octets of the file, or NULL where it ends before. */
static const uint8_t *take(struct capture *capture, size_t len)
{
	const uint8_t *taken = capture->data + capture->at;

	if (capture->size - capture->at < len)
		return NULL;
	capture->at += len;
	return taken;
}

static bool add_interface(struct capture *capture, struct interface interface)
{
	struct interface *more = realloc(capture->interfaces,
					 (capture->count + 1) * sizeof(*more));

	if (!more)
		return false;
	capture->interfaces = more;
	more[capture->count++] = interface;
	return true;
}

/* pcap. */

static bool pcap_begin(struct capture *capture)
{
	const uint8_t *header = take(capture, 24);
	uint32_t magic;

	if (!header)
		return false;
	magic = get32(capture, header);
	if (magic != PCAP_US && magic != PCAP_NS) {
		capture->swapped = true;
		magic = get32(capture, header);
	}
	if (magic != PCAP_US && magic != PCAP_NS)
		return false;
	return add_interface(capture, (struct interface){
		.link = get32(capture, header + 20),
		.second = magic == PCAP_NS ? 1000000000 : 1000000,
	});
}

static bool pcap_frame(struct capture *capture, struct frame *frame)
{
	const uint8_t *header = take(capture, 16);

	if (!header)
		return false;
	frame->interface = capture->interfaces;
	frame->time = get32(capture, header) * UINT64_C(1000000000) +
		      get32(capture, header + 4) * (1000000000 / capture->interfaces->second);
	frame->kept = get32(capture, header + 8);
	frame->len = get32(capture, header + 12);
	frame->data = take(capture, frame->kept);
	return frame->data;
}

/* pcapng: blocks of a type, a length, a body and the length again. */

static bool pcapng_section(struct capture *capture, const uint8_t *header)
{
	uint32_t order;

	memcpy(&order, header + 8, sizeof(order));
	capture->swapped = order == __builtin_bswap32(PCAPNG_ORDER);
	capture->count = 0;
	return capture->swapped || order == PCAPNG_ORDER;
}

static uint64_t power(uint64_t base, unsigned int exponent)
{
	uint64_t result = 1;

	while (exponent--)
		result *= base;
	return result;
}

static bool pcapng_interface(struct capture *capture, const uint8_t *body, size_t len)
{
	struct interface interface = { .second = 1000000 };
	size_t at = 8, size;

	if (len < at)
		return false;
	interface.link = get16(capture, body);
	interface.snap = get32(capture, body + 4);
	for (; len - at >= 5; at += 4 + size) {
		size = (get16(capture, body + at + 2) + 3) & ~3;
		if (len - at - 4 < size)
			break;
		if (get16(capture, body + at) == OPTION_RESOLUTION && size)
			interface.second = power(body[at + 4] & 0x80 ? 2 : 10,
						 body[at + 4] & 0x7f);
	}
	return add_interface(capture, interface);
}

static bool pcapng_packet(struct capture *capture, uint32_t type, const uint8_t *body,
			  size_t len, struct frame *frame)
{
	size_t header = type == BLOCK_SIMPLE ? 4 : 20;
	uint32_t which = 0;
	uint64_t time = 0;

	if (len < header)
		return false;
	if (type == BLOCK_ENHANCED)
		which = get32(capture, body);
	else if (type == BLOCK_PACKET)
		which = get16(capture, body);
	if (which >= capture->count)
		return false;
	frame->interface = &capture->interfaces[which];
	frame->data = body + header;
	frame->len = get32(capture, body + header - 4);
	if (type == BLOCK_SIMPLE) {
		frame->kept = frame->len;
		if (frame->interface->snap && frame->kept > frame->interface->snap)
			frame->kept = frame->interface->snap;
	} else {
		frame->kept = get32(capture, body + 12);
		time = (uint64_t)get32(capture, body + 4) << 32 | get32(capture, body + 8);
	}
	if (frame->interface->second)
		frame->time = (__uint128_t)time * 1000000000 / frame->interface->second;
	return frame->kept <= len - header;
}

static bool pcapng_frame(struct capture *capture, struct frame *frame)
{
	const uint8_t *header, *body;
	uint32_t type;
	size_t len;

	for (;;) {
		header = take(capture, 12);
		if (!header)
			return false;
		capture->at -= 12;
		type = get32(capture, header);
		if (type == PCAPNG_SECTION && !pcapng_section(capture, header))
			return false;
		len = get32(capture, header + 4);
		if (len < 12 || !take(capture, len))
			return false;
		body = header + 8;
		len -= 12;
		if (type == BLOCK_INTERFACE && !pcapng_interface(capture, body, len))
			return false;
		if (type == BLOCK_PACKET || type == BLOCK_SIMPLE || type == BLOCK_ENHANCED)
			return pcapng_packet(capture, type, body, len, frame);
	}
}

/* Packets. */

/* Octets that the IP header says there are; 0 where it cannot be believed. */
static size_t stated_len(const uint8_t *packet, size_t len)
{
	if (packet[0] >> 4 == 4)
		return len < 20 ? 0 : packet[2] << 8 | packet[3];
	if (len < 40 || !(packet[4] | packet[5]))
		return 0;
	return 40 + (packet[4] << 8 | packet[5]);
}

static bool open_frame(struct capture *capture, const struct frame *frame,
		       struct capture_packet *packet)
{
	size_t kept = frame->kept, len, stated;
	const uint8_t *data = frame->data;

	if (!link_open(frame->interface->link, &data, &kept))
		return false;
	len = frame->len - frame->kept + kept;
	if (frame->len < frame->kept)
		len = kept;
	stated = stated_len(data, kept);
	if (stated && stated < len)
		len = stated;
	if (kept > len)
		kept = len;
	if (len > PACKET_MAX || (kept < len && !stated))
		return false;
	memcpy(capture->packet, data, kept);
	memset(capture->packet + kept, 0, len - kept);
	*packet = (struct capture_packet){
		.frame = capture->frames,
		.time = frame->time,
		.data = capture->packet,
		.len = len,
		.padded = kept < len,
	};
	return true;
}

bool capture_next(struct capture *capture, struct capture_packet *packet)
{
	struct frame frame = {};

	while ((capture->blocks ? pcapng_frame : pcap_frame)(capture, &frame)) {
		capture->frames++;
		if (open_frame(capture, &frame, packet))
			return true;
	}
	return false;
}

/* Files. */

static bool read_file(struct capture *capture, gzFile file)
{
	size_t room = 0;
	uint8_t *more;
	int len;

	do {
		if (capture->size == room) {
			room = room ? 2 * room : 1 << 16;
			more = realloc(capture->data, room);
			if (!more)
				return false;
			capture->data = more;
		}
		len = gzread(file, capture->data + capture->size, room - capture->size);
		if (len < 0)
			return false;
		capture->size += len;
	} while (len);
	return true;
}

static bool begin(struct capture *capture)
{
	if (capture->size < 12)
		return false;
	capture->blocks = get32(capture, capture->data) == PCAPNG_SECTION;
	return capture->blocks || pcap_begin(capture);
}

struct capture *capture_open(const char *path, const char **why)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	gzFile file = gzopen(path, "rb");

	if (!capture || !file)
		*why = strerror(errno);
	else if (!read_file(capture, file))
		*why = "cannot be read, or decompressed";
	else if (!begin(capture))
		*why = "no capture file";
	else
		*why = NULL;
	if (file)
		gzclose(file);
	if (!*why)
		return capture;
	capture_close(capture);
	return NULL;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	free(capture->interfaces);
	free(capture->data);
	free(capture);
}
