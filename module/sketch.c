// SPDX-License-Identifier: GPL-2.0
/*
 * HyperLogLog and Space-Saving, in integers.
 */
#include <linux/string.h>

#include "sketch.h"

#define REGISTERS	TCPSTATE_DISTINCT_REGISTERS
#define REGISTERS_LOG2	8

/* alpha(256) * 256^2, alpha being what makes HyperLogLog's mean unbiased. */
#define ALPHA_M_M 47072U

/* Up to here counting the registers that nothing chose is nearer the truth. */
#define LINEAR_MAX 640

/* The longest run that a register can hold: 24 zeros, plus one. */
#define RUN_MAX 25

#define LN2_Q16 45426U

/* log2 of @x, in 1/4096: squared, a mantissa yields a bit at a time. */
static u32 log2_q12(u32 x)
{
	unsigned int whole = 31 - __builtin_clz(x), bit;
	u32 mantissa = x << (15 - whole), log = whole;

	for (bit = 0; bit < 12; bit++) {
		mantissa = (mantissa * mantissa) >> 15;
		log = log << 1 | mantissa >> 16;
		mantissa >>= mantissa >> 16;
	}
	return log;
}

/* How many things it took to leave @empty of 2^@log2 places without any. */
static u32 linear_count(unsigned int log2, u32 empty)
{
	u32 spread = (log2 << 12) - log2_q12(empty);

	return (spread * LN2_Q16 + (1U << (27 - log2))) >> (28 - log2);
}

/**
 * tcpstate_distinct_clear() - begin anew
 * @distinct: the sketch
 *
 * Context: any; what another CPU adds meanwhile may be lost.
 */
void tcpstate_distinct_clear(struct tcpstate_distinct *distinct)
{
	memset(distinct, 0, sizeof(*distinct));
}

/**
 * tcpstate_distinct_estimate() - how many different things were added?
 * @a: a sketch
 * @b: another, to be taken together with it; may be @a itself
 *
 * Context: any, no lock. Some 256 steps and a division: not for every segment.
 * Return: the number of different hashes added to @a or @b.
 */
u32 tcpstate_distinct_estimate(const struct tcpstate_distinct *a,
			       const struct tcpstate_distinct *b)
{
	unsigned int i, run, empty = 0, bits;
	u64 sum = 0, raw;
	u8 other;

	for (i = 0; i < REGISTERS; i++) {
		run = READ_ONCE(a->reg[i]);
		other = READ_ONCE(b->reg[i]);
		if (run < other)
			run = other;
		empty += !run;
		sum += 1U << (RUN_MAX - run);
	}
	/* The quotient of ALPHA_M_M and the sum of 2^-run, by a division of 32 bits. */
	bits = 64 - __builtin_clzll(sum);
	raw = (ALPHA_M_M << 16) / (u32)(sum << (64 - bits) >> 48);
	raw = raw << RUN_MAX >> bits;
	if (empty && raw < LINEAR_MAX)
		return linear_count(REGISTERS_LOG2, empty);
	return raw > ~0U ? ~0U : raw;
}

/**
 * tcpstate_bitmap_estimate() - how many different things set these bits?
 * @bits: each thing set one of the 64, chosen by its hash
 *
 * Return: their number, 267 where no bit is left to tell.
 */
u32 tcpstate_bitmap_estimate(u64 bits)
{
	u32 empty = 64;

	for (; bits; bits &= bits - 1)
		empty--;
	return linear_count(6, empty ? empty : 1);
}

/**
 * tcpstate_hitters_find() - is this one among those met most often?
 * @set: the set that its hash chooses
 * @ways: places in it
 * @host: who; padding and unused words zero
 *
 * Context: serialised by the table's owner.
 * Return: its place, or NULL.
 */
struct tcpstate_hitter *tcpstate_hitters_find(struct tcpstate_hitter *set, unsigned int ways,
					      const struct tcpstate_host *host)
{
	unsigned int i;

	for (i = 0; i < ways; i++)
		if (tcpstate_host_equal(&set[i].host, host))
			return &set[i];
	return NULL;
}

/**
 * tcpstate_hitters_add() - this one was met once more
 * @set: the set that its hash chooses
 * @ways: places in it
 * @host: who; padding and unused words zero
 * @fresh: set where it took the place of another, or of none, so that whatever
 *	else the owner keeps for the place is not its own
 *
 * Context: serialised by the table's owner.
 * Return: its place, or NULL where every place is pinned by another.
 */
struct tcpstate_hitter *tcpstate_hitters_add(struct tcpstate_hitter *set, unsigned int ways,
					     const struct tcpstate_host *host, bool *fresh)
{
	struct tcpstate_hitter *hitter = tcpstate_hitters_find(set, ways, host);
	unsigned int i;

	*fresh = !hitter;
	if (!hitter) {
		for (i = 0; i < ways; i++)
			if (!set[i].pinned && (!hitter || set[i].count < hitter->count))
				hitter = &set[i];
		if (!hitter)
			return NULL;
		hitter->host = *host;
		hitter->error = hitter->count;
	}
	hitter->count++;
	return hitter;
}

/**
 * tcpstate_hitters_halve() - let the past weigh less
 * @hitters: places, of one set or several
 * @count: how many
 *
 * Context: serialised by the table's owner.
 */
void tcpstate_hitters_halve(struct tcpstate_hitter *hitters, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		hitters[i].count >>= 1;
		hitters[i].error >>= 1;
	}
}

/**
 * tcpstate_hitter_surely() - how often was it met at least?
 * @hitter: a place
 *
 * Return: its count without what may be its predecessor's.
 */
u32 tcpstate_hitter_surely(const struct tcpstate_hitter *hitter)
{
	return hitter->count - hitter->error;
}
