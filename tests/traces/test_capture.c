// SPDX-License-Identifier: GPL-2.0
/* Capture files of every kind, in either order of octets; padding, cuts, checksums. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "../unit/ktap.h"
#include "capture.h"
#include "packet.h"

#define RAW	101
#define ETHER	1

/* A SYN, its checksums right: 40 octets. */
static const uint8_t syn[] = {
	0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0x66, 0xbb, 10, 9, 0, 1, 10, 9, 0, 2,
	0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0xff, 0x3c, 0, 0,
};

/**
 * struct file - one to be written
 * @foreign: in the other order of octets
 */
struct file {
	char path[64];
	uint8_t data[4096];
	size_t len;
	bool foreign;
};

static void put(struct file *file, const void *data, size_t len)
{
	memcpy(file->data + file->len, data, len);
	file->len += len;
}

static void put32(struct file *file, uint32_t number)
{
	number = file->foreign ? __builtin_bswap32(number) : number;
	put(file, &number, sizeof(number));
}

static void put16(struct file *file, uint16_t number)
{
	number = file->foreign ? __builtin_bswap16(number) : number;
	put(file, &number, sizeof(number));
}

static void pcap_header(struct file *file, uint32_t magic, uint32_t link)
{
	put32(file, magic);
	put16(file, 2);
	put16(file, 4);
	put32(file, 0);
	put32(file, 0);
	put32(file, 65535);
	put32(file, link);
}

static void pcap_record(struct file *file, uint32_t fraction, const void *data, size_t kept,
			size_t len)
{
	put32(file, 7);
	put32(file, fraction);
	put32(file, kept);
	put32(file, len);
	put(file, data, kept);
}

static void block(struct file *file, uint32_t type, const struct file *body)
{
	put32(file, type);
	put32(file, body->len + 12);
	put(file, body->data, body->len);
	put32(file, body->len + 12);
}

static void section(struct file *file)
{
	struct file body = { .foreign = file->foreign };

	put32(&body, 0x1a2b3c4d);
	put32(&body, 1);
	put32(&body, -1);
	put32(&body, -1);
	block(file, 0x0a0d0d0a, &body);
}

/* @resolution: decimal places of a second, 0 where the file does not say. */
static void interface(struct file *file, unsigned int link, uint8_t resolution)
{
	const uint8_t value[4] = { resolution };
	struct file body = { .foreign = file->foreign };

	put16(&body, link);
	put16(&body, 0);
	put32(&body, 0);
	if (resolution) {
		put16(&body, 9);
		put16(&body, 1);
		put(&body, value, sizeof(value));
		put32(&body, 0);
	}
	block(file, 1, &body);
}

static void enhanced(struct file *file, uint32_t which, uint64_t time, const void *data,
		     size_t kept, size_t len)
{
	struct file body = { .foreign = file->foreign };

	put32(&body, which);
	put32(&body, time >> 32);
	put32(&body, time);
	put32(&body, kept);
	put32(&body, len);
	put(&body, data, kept);
	put(&body, "\0\0\0", -kept & 3);
	block(file, 6, &body);
}

static struct capture *reopen(struct file *file, const char *how)
{
	const char *why = NULL;
	struct capture *capture;
	gzFile to;

	snprintf(file->path, sizeof(file->path), "/tmp/test_capture.XXXXXX");
	close(mkstemp(file->path));
	to = gzopen(file->path, how);
	gzwrite(to, file->data, file->len);
	gzclose(to);
	capture = capture_open(file->path, &why);
	unlink(file->path);
	if (!capture)
		diag("%s", why);
	return capture;
}

static bool is_syn(const struct capture_packet *packet, unsigned long number, uint64_t time)
{
	if (packet->frame == number && packet->time == time && packet->len == sizeof(syn) &&
	    !packet->padded && !memcmp(packet->data, syn, sizeof(syn)))
		return true;
	diag("frame %lu, time %lu, %zu octets", packet->frame, packet->time, packet->len);
	return false;
}

static void pcap(bool foreign, bool nano, const char *how, const char *name)
{
	struct file file = { .foreign = foreign };
	struct capture_packet packet;
	struct capture *capture;

	pcap_header(&file, nano ? 0xa1b23c4d : 0xa1b2c3d4, RAW);
	pcap_record(&file, 5, syn, sizeof(syn), sizeof(syn));
	pcap_record(&file, 6, "\x10nothing", 8, 8);
	pcap_record(&file, 7, syn, sizeof(syn), sizeof(syn));
	file.len -= 1;
	capture = reopen(&file, how);
	ok(capture && capture_next(capture, &packet) &&
	   is_syn(&packet, 1, 7000000000 + (nano ? 5 : 5000)), "%s", name);
	ok(capture && !capture_next(capture, &packet), "%s: its last frame is cut short", name);
	capture_close(capture);
}

static void pcapng(bool foreign, const char *name)
{
	uint8_t frame[14 + sizeof(syn) + 6] = { [12] = 8 };
	struct file file = { .foreign = foreign };
	struct capture_packet packet;
	struct capture *capture;

	memcpy(frame + 14, syn, sizeof(syn));
	section(&file);
	interface(&file, RAW, 0);
	interface(&file, ETHER, 9);
	enhanced(&file, 0, 7000005, syn, sizeof(syn), sizeof(syn));
	enhanced(&file, 1, 7000000009, frame, sizeof(frame), sizeof(frame));
	section(&file);
	interface(&file, ETHER, 3);
	enhanced(&file, 0, 7001, frame, sizeof(frame), sizeof(frame));
	capture = reopen(&file, "wbT");
	ok(capture && capture_next(capture, &packet) && is_syn(&packet, 1, 7000005000),
	   "%s", name);
	ok(capture && capture_next(capture, &packet) && is_syn(&packet, 2, 7000000009),
	   "%s: an interface of another link, its padding cut", name);
	ok(capture && capture_next(capture, &packet) && is_syn(&packet, 3, 7001000000),
	   "%s: interfaces are numbered anew in each section", name);
	ok(capture && !capture_next(capture, &packet), "%s ends", name);
	capture_close(capture);
}

/* The snap length took what is behind octet 30. */
static void cut_short(void)
{
	struct capture_packet packet = {};
	struct file file = {};
	struct capture *capture;

	pcap_header(&file, 0xa1b2c3d4, RAW);
	pcap_record(&file, 0, syn, 30, sizeof(syn));
	pcap_record(&file, 0, syn, 30, 30);
	capture = reopen(&file, "wbT");
	ok(capture && capture_next(capture, &packet) && packet.padded &&
	   packet.len == sizeof(syn) && !memcmp(packet.data, syn, 30) && !packet.data[33],
	   "what was not kept is zero");
	packet_repair_segment(packet.data, packet.len);
	ok(!packet_checksum_bad(packet.data, packet.len, 20), "and its checksum can be repaired");
	ok(capture && capture_next(capture, &packet) && !packet.padded && packet.len == 30 &&
	   !packet_accept(packet.data, packet.len), "what was never sent is not made up");
	capture_close(capture);
}

static void headers(void)
{
	uint8_t packet[sizeof(syn) + 2] = {};

	memcpy(packet, syn, sizeof(syn));
	ok(packet_accept(packet, sizeof(packet)) == sizeof(syn), "what is behind is cut");
	ok(!packet_accept(packet, sizeof(syn) - 1), "what is too short is discarded");
	ok(!packet_checksum_bad(packet, sizeof(syn), 20), "a right TCP checksum");
	packet[39] ^= 1;
	ok(packet_checksum_bad(packet, sizeof(syn), 20), "a wrong one");
	packet[8]--;
	ok(!packet_accept(packet, sizeof(packet)), "a wrong header checksum is discarded");
	packet_repair_header(packet, sizeof(packet));
	ok(packet_accept(packet, sizeof(packet)) == sizeof(syn), "unless it is repaired");
	packet[2] = 0;
	packet[3] = 0;
	packet_repair_header(packet, sizeof(syn));
	ok(packet_accept(packet, sizeof(syn)) == sizeof(syn), "as is a length left to hardware");
}

int main(void)
{
	struct file file = {};

	plan(2 * 5 + 2 * 4 + 1 + 3 + 7);
	pcap(false, false, "wbT", "pcap");
	pcap(true, false, "wbT", "pcap, foreign");
	pcap(false, true, "wbT", "pcap with nanoseconds");
	pcap(true, true, "wbT", "pcap with nanoseconds, foreign");
	pcap(false, false, "wb9", "pcap, compressed");
	pcapng(false, "pcapng");
	pcapng(true, "pcapng, foreign");
	put(&file, "this is no capture file, is it?", 31);
	ok(!reopen(&file, "wbT"), "what is no capture is said to be none");
	cut_short();
	headers();
	return done();
}
