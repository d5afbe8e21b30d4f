/* SPDX-License-Identifier: GPL-2.0 */
/* IP packets, and what the kernel's IP input has to say of them. */
#ifndef _TRACES_PACKET_H
#define _TRACES_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many octets of a packet the hooks would see: 0 where the kernel discards
 * it before. Options of a hop-by-hop header are not looked at.
 */
size_t packet_accept(const uint8_t *packet, size_t len);

/* Whether the TCP checksum over what is behind @thoff is wrong, as nf_checksum() has it. */
bool packet_checksum_bad(const uint8_t *packet, size_t len, size_t thoff);

/* Sets an IPv4 header's checksum right, and a length that was left to offloading. */
void packet_repair_header(uint8_t *packet, size_t len);

/*
 * Sets a TCP checksum right, where no fragment and no extension header is in the
 * way: for a packet that was cut short and filled up, of which it says nothing.
 */
void packet_repair_segment(uint8_t *packet, size_t len);

#endif /* _TRACES_PACKET_H */
