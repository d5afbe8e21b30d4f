/* SPDX-License-Identifier: GPL-2.0 */
/* Frames of a link, and the IP packet in each. */
#ifndef _TRACES_LINK_H
#define _TRACES_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * link_open() - what is behind the link's headers
 * @link: LINKTYPE_*, as capture files have it
 * @data: the frame; afterwards the IP packet, whose first octet bears the version
 *	that the link announced
 * @len: octets of it
 *
 * Return: whether there is one.
 */
bool link_open(uint16_t link, const uint8_t **data, size_t *len);

#endif /* _TRACES_LINK_H */
