// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "search.h"

/* A state that was met. */
struct node {
	__u64 hash;
	__u32 parent;
	struct move move;
};

/* States in full, one behind the other: of a level, to be followed in their order. */
struct level {
	unsigned char *octets;
	size_t used;
};

struct entry {
	__u32 node;
	__u32 size;
};

/*
 * Room is reserved once and taken as it fills. The shares: of what may be used, half
 * for nodes and their table, a quarter for each of the two levels.
 *
 * The table holds numbers of nodes, one more than they are, and zero where nothing
 * is. It has twice as many slots as there are nodes, or more.
 */
static struct node *nodes;
static __u32 node_max, node_count;
static __u32 *table;
static __u64 slots;
static struct level levels[2];
static size_t level_max;

#define SLOTS_MIN (1u << 12)

static void *reserve(size_t size)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return room;
}

static void prepare(size_t memory)
{
	if (!nodes) {
		node_max = SLOTS_MIN / 2;
		while (node_max * 2 * (sizeof(*nodes) + 2 * sizeof(*table)) <= memory / 2)
			node_max *= 2;
		level_max = memory / 4;
		nodes = reserve(node_max * sizeof(*nodes));
		table = reserve(node_max * 2 * sizeof(*table));
		levels[0].octets = reserve(level_max);
		levels[1].octets = reserve(level_max);
	}
	node_count = 0;
	slots = SLOTS_MIN;
	memset(table, 0, slots * sizeof(*table));
	levels[0].used = 0;
	levels[1].used = 0;
}

static __u64 mix(__u64 a, __u64 b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15) *
				    (b ^ 0xd1b54a32d192ed03);

	return (__u64)product ^ (__u64)(product >> 64);
}

static __u64 hash_of(const struct world *w)
{
	const unsigned char *octet = (const void *)w;
	size_t size = world_size(w), i;
	__u64 hash = size, word;

	for (i = 0; i + 8 <= size; i += 8) {
		memcpy(&word, octet + i, 8);
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, octet + i, size - i);
	return mix(hash, word);
}

/* The slot of a hash, or the one where it would go. */
static __u32 *slot_of(__u64 hash)
{
	__u64 slot = hash & (slots - 1);

	while (table[slot] && nodes[table[slot] - 1].hash != hash)
		slot = (slot + 1) & (slots - 1);
	return &table[slot];
}

static void grow(void)
{
	__u32 i;

	slots *= 2;
	memset(table, 0, slots * sizeof(*table));
	for (i = 0; i < node_count; i++)
		*slot_of(nodes[i].hash) = i + 1;
}

/* Find a state or remember it. False where it was met before, or there is no room. */
static bool meet(const struct world *w, __u32 parent, struct move move, struct search *found)
{
	__u64 hash = hash_of(w);
	__u32 *slot = slot_of(hash);

	if (*slot)
		return false;
	if (node_count == node_max) {
		found->exhausted = false;
		return false;
	}
	nodes[node_count] = (struct node) { .hash = hash, .parent = parent, .move = move };
	*slot = ++node_count;
	if (node_count * 2ull > slots && slots < node_max * 2ull)
		grow();
	return true;
}

/* Keep it in full, to be followed when its level's turn comes. */
static void keep(struct level *level, const struct world *w, struct search *found)
{
	const struct entry entry = { .node = node_count - 1, .size = world_size(w) };

	if (level->used + sizeof(entry) + entry.size > level_max) {
		found->exhausted = false;
		return;
	}
	memcpy(level->octets + level->used, &entry, sizeof(entry));
	memcpy(level->octets + level->used + sizeof(entry), w, entry.size);
	level->used += sizeof(entry) + entry.size;
}

static void judge_all(const struct world *w, const struct plan *plan,
		      const struct passing *passing, __u32 state, struct move move,
		      struct search *found)
{
	enum property property;
	const char *why;

	for (property = 0; property < PROPERTIES; property++) {
		if (found->violation[property].why)
			continue;
		why = judge(w, plan, passing, property);
		if (why)
			found->violation[property] = (struct violation) {
				.why = why, .state = state, .move = move,
			};
	}
}

static void follow(const struct world *from, __u32 state, const struct plan *plan,
		   struct level *next, struct search *found)
{
	struct move moves[MOVES_MAX];
	unsigned int count = world_moves(from, moves), i;
	struct passing passing;
	struct world w;

	for (i = 0; i < count; i++) {
		w = *from;
		found->transitions++;
		if (!world_move(&w, plan, moves[i], &passing)) {
			found->crowded++;
			continue;
		}
		judge_all(&w, plan, &passing, state, moves[i], found);
		if (!meet(&w, state, moves[i], found))
			continue;
		if (w.known)
			found->pairs[w.pair.state[0]] |= 1u << w.pair.state[1];
		keep(next, &w, found);
	}
}

/**
 * search_run() - visit all states
 * @plan: that it leads to
 * @memory: how much to use, in octets
 * @found: filled in
 */
void search_run(const struct plan *plan, size_t memory, struct search *found)
{
	struct level *now = &levels[0], *next = &levels[1], *swap;
	struct world w;
	size_t at;

	prepare(memory);
	memset(found, 0, sizeof(*found));
	found->exhausted = true;
	world_begin(&w, plan);
	meet(&w, 0, (struct move) { .kind = KINDS }, found);
	keep(now, &w, found);
	while (now->used) {
		for (at = 0; at < now->used;) {
			struct entry entry;

			memcpy(&entry, now->octets + at, sizeof(entry));
			memset(&w, 0, sizeof(w));
			memcpy(&w, now->octets + at + sizeof(entry), entry.size);
			at += sizeof(entry) + entry.size;
			follow(&w, entry.node, plan, next, found);
		}
		found->depth += next->used > 0;
		swap = now;
		now = next;
		next = swap;
		next->used = 0;
	}
	found->states = node_count;
}

/**
 * search_trace() - the moves that lead to a violation
 * @violation: of the search that ran last
 * @trace: filled in
 *
 * Return: how many they are.
 */
unsigned int search_trace(const struct violation *violation, struct move trace[TRACE_MAX])
{
	unsigned int count = 1, i;
	__u32 state;

	for (state = violation->state; state; state = nodes[state].parent)
		count++;
	if (count > TRACE_MAX)
		return 0;
	i = count;
	trace[--i] = violation->move;
	for (state = violation->state; state; state = nodes[state].parent)
		trace[--i] = nodes[state].move;
	return count;
}
