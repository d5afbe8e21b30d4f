// SPDX-License-Identifier: GPL-2.0
/* Which records were printed already. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "message.h"
#include "seen.h"

void seen_begin(struct seen *seen)
{
	*seen = (struct seen){};
	if (getrandom(&seen->key, sizeof(seen->key), GRND_NONBLOCK) != sizeof(seen->key))
		seen->key = time(NULL);
}

void seen_end(struct seen *seen)
{
	free(seen->slots);
	*seen = (struct seen){};
}

/* Each step is a permutation of the 64 bits so far: the finaliser of splitmix64. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) + 0x9e3779b97f4a7c15;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111eb;
	return hash ^ hash >> 31;
}

static uint64_t fingerprint(const struct seen *seen, const struct endpoint *ends, int count)
{
	uint64_t hash = mix(seen->key, ends->len);
	uint64_t words[2];

	for (const struct endpoint *end = ends; end < ends + count; end++) {
		memcpy(words, end->addr, sizeof(words));
		hash = mix(mix(mix(hash, words[0]), words[1]), end->port);
	}
	return hash ? hash : 1;
}

static uint64_t *slot(const struct seen *seen, uint64_t print)
{
	size_t i = print & (seen->size - 1);

	while (seen->slots[i] && seen->slots[i] != print)
		i = (i + 1) & (seen->size - 1);
	return &seen->slots[i];
}

/* Keeps a quarter of the slots free, so that slot() ends. */
static int grow(struct seen *seen)
{
	struct seen larger = { .key = seen->key, .count = seen->count };

	if (seen->count < seen->size / 4 * 3)
		return 0;
	larger.size = seen->size ? seen->size * 2 : 1024;
	larger.slots = calloc(larger.size, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < seen->size; i++)
		if (seen->slots[i])
			*slot(&larger, seen->slots[i]) = seen->slots[i];
	free(seen->slots);
	*seen = larger;
	return 0;
}

int seen_add(struct seen *seen, const struct endpoint *ends, int count)
{
	uint64_t print = fingerprint(seen, ends, count);
	uint64_t *at;

	if (grow(seen))
		return -ENOMEM;
	at = slot(seen, print);
	if (*at)
		return 0;
	*at = print;
	seen->count++;
	return 1;
}
