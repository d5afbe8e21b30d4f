/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two sketches of a stream, of fixed size: how many different things were in it
 * (HyperLogLog), and which were in it most (Space-Saving).
 *
 * Pure: no clock, no allocation, no lock. Compiles in userspace as it stands,
 * given READ_ONCE() and WRITE_ONCE().
 */
#ifndef _TCPSTATE_SKETCH_H
#define _TCPSTATE_SKETCH_H

#include <linux/atomic.h>
#include <linux/types.h>

#define TCPSTATE_DISTINCT_REGISTERS 256

/**
 * struct tcpstate_distinct - how many different things, to about 6.6 % RMS
 * @reg: HyperLogLog: the longest run of zeros, plus one, among the hashes that
 *	chose the register; 0 where none did
 *
 * Any CPU may add at any time without a lock. Where two write one register at
 * once the lesser may win, and the next one of that hash mends it.
 */
struct tcpstate_distinct {
	u8 reg[TCPSTATE_DISTINCT_REGISTERS];
};

/**
 * tcpstate_distinct_add() - this one is among them
 * @distinct: the sketch
 * @hash: of the thing, keyed, all 32 bits good
 *
 * Context: any; no lock.
 */
static inline void tcpstate_distinct_add(struct tcpstate_distinct *distinct, u32 hash)
{
	u8 *reg = &distinct->reg[hash % TCPSTATE_DISTINCT_REGISTERS];
	u8 run = __builtin_clz(hash | (TCPSTATE_DISTINCT_REGISTERS - 1)) + 1;

	if (READ_ONCE(*reg) < run)
		WRITE_ONCE(*reg, run);
}

void tcpstate_distinct_clear(struct tcpstate_distinct *distinct);
u32 tcpstate_distinct_estimate(const struct tcpstate_distinct *a,
			       const struct tcpstate_distinct *b);

/**
 * struct tcpstate_host - who a hitter is: an address, and a port where it matters
 * @addr: IPv6 address, or IPv4 in the first word and zeros
 * @port: or 0
 * @family: AF_INET or AF_INET6; 0 in a place that is free
 */
struct tcpstate_host {
	__be32 addr[4];
	__be16 port;
	u16 family;
};

static inline bool tcpstate_host_equal(const struct tcpstate_host *a,
				       const struct tcpstate_host *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] &&
	       a->addr[2] == b->addr[2] && a->addr[3] == b->addr[3] &&
	       a->port == b->port && a->family == b->family;
}

/**
 * struct tcpstate_hitter - one of those met most often
 * @host: who
 * @count: how often, at most
 * @error: by how much @count may be too high: what its predecessor in this
 *	place had
 * @pinned: it keeps its place; whoever owns the table sets and clears it
 *
 * A table of hitters is an array of sets of a few ways each, a hash choosing
 * the set; Space-Saving rules within a set. The owner of the table keeps what
 * else he knows of a hitter in an array beside it. The owner serialises. Where
 * that is by a trylock whose failure skips the update, the stream is thinned by
 * chance and no share of it is changed.
 */
struct tcpstate_hitter {
	struct tcpstate_host host;
	u32 count;
	u32 error:31, pinned:1;
};

struct tcpstate_hitter *tcpstate_hitters_find(struct tcpstate_hitter *set, unsigned int ways,
					      const struct tcpstate_host *host);
struct tcpstate_hitter *tcpstate_hitters_add(struct tcpstate_hitter *set, unsigned int ways,
					     const struct tcpstate_host *host, bool *fresh);
void tcpstate_hitters_halve(struct tcpstate_hitter *hitters, unsigned int count);
u32 tcpstate_hitter_surely(const struct tcpstate_hitter *hitter);

u32 tcpstate_bitmap_estimate(u64 bits);

#endif /* _TCPSTATE_SKETCH_H */
