/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The handshake sample: what becomes of a few hundred SYNs of every quarter
 * second of every listener, chosen by hash, whatever the half-open table had to
 * throw away.
 *
 * Time goes in ticks of 250 ms, which tcpstate_sample_turn() makes. The SYNs of
 * one tick to one listener are a cohort. An entry remembers its cohort, so that
 * a slow completion is credited to the SYNs among which it was born, and a long
 * round trip does not look like a flood.
 *
 * Any CPU may call what is for segments at any time; there is no lock. An entry
 * is a single word and changes by compare-and-exchange alone, so that a fate is
 * credited once; the counters of a cohort are a single word too. Segments of
 * one connection come one after another, as a bucket's lock of the half-open
 * table sees to. What races remain are benign: two first SYNs of one hash on
 * two CPUs may each take a place, and one then never completes; a cohort may
 * pass its limit by as many entries as there are CPUs.
 */
#ifndef _TCPSTATE_SAMPLE_H
#define _TCPSTATE_SAMPLE_H

#include <linux/atomic.h>
#include <linux/types.h>

#define TCPSTATE_TICK_MS 250

/* Ring of cohorts, by tick. The judge looks at twelve, and one is being cleared. */
#define TCPSTATE_COHORTS 16

/* Ticks for which an entry waits for its fate, the tick of its birth included. */
#define TCPSTATE_SAMPLE_TICKS 10

/* Entries: 2,048 buckets, each one cache line. A power of two. */
#define TCPSTATE_SAMPLE_BUCKET	8
#define TCPSTATE_SAMPLE_SHIFT	21	/* leaves the number of a bucket of a hash of 32 bits */
#define TCPSTATE_SAMPLE_BUCKETS	2048
#define TCPSTATE_SAMPLE_SIZE	(TCPSTATE_SAMPLE_BUCKET * TCPSTATE_SAMPLE_BUCKETS)

/* Bounds of how many of a listener's SYNs a stratum takes. */
#define TCPSTATE_QUOTA_MAX 256
#define TCPSTATE_QUOTA_MIN 8

/* Slots that the sample can tell apart; slot numbers are below it. */
#define TCPSTATE_SLOTS 65536

/*
 * What becomes of a SYN. From REFUSED on it is the last that can: the sample
 * forgets the SYN.
 */
enum tcpstate_fate {
	TCPSTATE_FATE_BORN,		/* it is in the sample at all; not to be marked */
	TCPSTATE_FATE_RETRANS,		/* it was sent again */
	TCPSTATE_FATE_ANSWERED,		/* by a SYN-ACK */
	TCPSTATE_FATE_REFUSED,		/* by a RST of the responder in LISTEN */
	TCPSTATE_FATE_COMPLETED,	/* by the ACK that establishes */
	TCPSTATE_FATE_ONE_SIDED,	/* its sender went on (an ACK, data) while the
					 * responder was never heard: proves nothing either way
					 */
	TCPSTATE_FATE_MAX,
};

#define TCPSTATE_FATE_BITS 10
#define TCPSTATE_FATE_MASK ((1U << TCPSTATE_FATE_BITS) - 1)

/*
 * A cohort has two strata. The first is of a known part of its SYNs, up to the
 * quota. When more come than were expected the second takes as many again, and
 * stands for all the rest: where a flood breaks out amid a tick, the one is of
 * what was before and the other of the flood.
 */
#define TCPSTATE_STRATA 2

/**
 * struct tcpstate_cohorts - what became of the sampled SYNs of a listener
 * @fates: per cohort, by tick % TCPSTATE_COHORTS, and stratum: a count per enum
 *	tcpstate_fate, TCPSTATE_FATE_BITS each, BORN lowest
 * @shift: a SYN is sampled where as many low bits of its hash are zero; written
 *	by the judge
 * @floor: the least @shift by which an entry that still waits was sampled; likewise
 *
 * All zero to begin with. Written by segments, except as said.
 */
struct tcpstate_cohorts {
	atomic64_t fates[TCPSTATE_COHORTS][TCPSTATE_STRATA];
	u8 shift;
	u8 floor;
};

/**
 * struct tcpstate_sample - the sample of a network namespace
 * @tick: the tick that runs; written by tcpstate_sample_turn()
 * @quota: how many SYNs a stratum takes, so that many listeners find room;
 *	likewise
 * @live: entries that waited when last counted; likewise
 * @entry: see sample.c
 *
 * All zero to begin with but for tcpstate_sample_init().
 */
struct tcpstate_sample {
	u32 tick;
	u32 quota;
	u32 live;
	atomic64_t entry[TCPSTATE_SAMPLE_SIZE] __aligned(64);
};

/* The entries among which a SYN's is, if it has one: a cache line. */
static inline atomic64_t *tcpstate_sample_bucket(struct tcpstate_sample *sample, u32 hash)
{
	return &sample->entry[(hash >> TCPSTATE_SAMPLE_SHIFT) * TCPSTATE_SAMPLE_BUCKET];
}

/* What tcpstate_sample_syn() made of a SYN. */
enum tcpstate_sampling {
	TCPSTATE_NOT_SAMPLED,
	TCPSTATE_SAMPLED,	/* it is in the sample now */
	TCPSTATE_SAMPLED_BEFORE,/* no first SYN: the half-open was evicted; marked RETRANS */
};

/**
 * tcpstate_sample_may_know() - can a handshake be in the sample at all?
 * @cohorts: of its listener
 * @hash: of its tuple
 *
 * Spares nearly every segment of a flood the look into the table.
 *
 * Return: false where it cannot.
 */
static inline bool tcpstate_sample_may_know(const struct tcpstate_cohorts *cohorts, u32 hash)
{
	return !(hash & ((1U << READ_ONCE(cohorts->floor)) - 1));
}

static inline unsigned int tcpstate_fates_count(u64 fates, enum tcpstate_fate fate)
{
	return fates >> (TCPSTATE_FATE_BITS * fate) & TCPSTATE_FATE_MASK;
}

void tcpstate_sample_init(struct tcpstate_sample *sample);

/* Segments: any context, no lock. */
enum tcpstate_sampling tcpstate_sample_syn(struct tcpstate_sample *sample,
					   struct tcpstate_cohorts *cohorts,
					   unsigned int slot, u32 hash);
bool tcpstate_sample_mark(struct tcpstate_sample *sample, struct tcpstate_cohorts *cohorts,
			  unsigned int slot, u32 hash, enum tcpstate_fate fate);

/* The judge: one at a time. */
void tcpstate_sample_turn(struct tcpstate_sample *sample);

#endif /* _TCPSTATE_SAMPLE_H */
