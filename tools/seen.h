/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which records were printed already, for when a dump has to be read anew.
 * Eight octets a record: a fingerprint of its addresses and ports, keyed so
 * that nobody can choose two that are alike.
 */
#ifndef _TCPSTATE_SEEN_H
#define _TCPSTATE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;

/**
 * struct seen - a set
 * @key: of the fingerprints
 * @slots: fingerprints, 0 where there is none; owned
 * @size: how many slots, a power of two or 0
 * @count: how many fingerprints
 */
struct seen {
	uint64_t key;
	uint64_t *slots;
	size_t size;
	size_t count;
};

void seen_begin(struct seen *seen);
void seen_end(struct seen *seen);

/*
 * Of so many endpoints, which tell one from another. Returns 1 where it is new, 0
 * where it is not, or -ENOMEM.
 */
int seen_add(struct seen *seen, const struct endpoint *ends, int count);

#endif /* _TCPSTATE_SEEN_H */
