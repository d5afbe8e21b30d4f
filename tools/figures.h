/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace counts beside states and counters: what lasted, who ended what. */
#ifndef _TCPSTATE_FIGURES_H
#define _TCPSTATE_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct stats;

/* Adds all of it to an object. */
void figures_json(struct json_object *object, const struct stats *stats);

/* What is not zero, on standard output. */
void figures_text(const struct stats *stats);

/* A histogram, which has BUCKETS: in JSON, and how many are in it. */
struct json_object *figures_buckets(const uint64_t *buckets);
uint64_t figures_count(const uint64_t *buckets);

/*
 * Below which bound so many in a hundred are, or false: from which on the last of them
 * are. The histogram is not empty and of a unit of so many microseconds.
 */
bool figures_bound(const uint64_t *buckets, int percent, uint64_t unit, char *text, size_t size);

#endif /* _TCPSTATE_FIGURES_H */
