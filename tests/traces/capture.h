/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IP packets of a capture file, in the order of the file: pcap or pcapng, of
 * any interface whose frames link.c can open, compressed by gzip or not. (libpcap
 * reads no pcapng whose interfaces differ, and there are such.)
 */
#ifndef _TRACES_CAPTURE_H
#define _TRACES_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

/**
 * struct capture_packet - an IP packet of a capture
 * @frame: number of its frame in the file, counted from 1 as tshark counts
 * @time: nanoseconds since 1970, or 0 where the file does not tell
 * @data: from the IP header on; the capture's own until the next packet
 * @len: octets, without what the link added behind
 * @padded: the capture has the beginning of it alone. The rest is zero, as much
 *	as the IP header says there was, so a checksum over it means nothing.
 */
struct capture_packet {
	unsigned long frame;
	uint64_t time;
	uint8_t *data;
	size_t len;
	bool padded;
};

/* NULL where the file cannot be read or is no capture; then @why says so. */
struct capture *capture_open(const char *path, const char **why);

/* False at the end of the file. Frames that carry no IP are passed over. */
bool capture_next(struct capture *capture, struct capture_packet *packet);

void capture_close(struct capture *capture);

#endif /* _TRACES_CAPTURE_H */
