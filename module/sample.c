// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake sample.
 *
 * An entry is one word, zero where there is none: the hash of the tuple in the
 * upper half, then the listener's slot, the low bits of the tick of its birth,
 * and what has become of it so far. A SYN for which its bucket has no room is
 * not sampled: to let go of another in its stead would be to lose, of all that
 * wait, those that wait longest, and a flood with them.
 */
#include "sample.h"

#define SLOT_SHIFT	16
#define BORN_SHIFT	4
#define BORN_MASK	0xfffU
#define WAITING		0x1U	/* << fate: RETRANS and ANSWERED leave their mark */
#define SECOND		0x8U	/* of the second stratum */

static u64 entry_of(u32 hash, unsigned int slot, u32 tick, unsigned int stratum)
{
	return (u64)hash << 32 | (u64)slot << SLOT_SHIFT |
	       (tick & BORN_MASK) << BORN_SHIFT | (stratum ? SECOND : 0) | WAITING;
}

static bool is_of(u64 entry, u32 hash, unsigned int slot)
{
	return entry & WAITING && entry >> SLOT_SHIFT == ((u64)hash << 16 | slot);
}

static unsigned int age(u64 entry, u32 tick)
{
	return (tick - (u32)(entry >> BORN_SHIFT)) & BORN_MASK;
}

static void credit(struct tcpstate_cohorts *cohorts, u32 born, unsigned int stratum,
		   enum tcpstate_fate fate)
{
	atomic64_add(1ULL << (TCPSTATE_FATE_BITS * fate),
		     &cohorts->fates[born % TCPSTATE_COHORTS][stratum]);
}

static bool has_room(const struct tcpstate_cohorts *cohorts, u32 tick, unsigned int stratum,
		     u32 quota)
{
	u64 fates = atomic64_read(&cohorts->fates[tick % TCPSTATE_COHORTS][stratum]);

	return tcpstate_fates_count(fates, TCPSTATE_FATE_BORN) < quota;
}

static atomic64_t *find(atomic64_t *bucket, unsigned int slot, u32 hash)
{
	unsigned int i;

	for (i = 0; i < TCPSTATE_SAMPLE_BUCKET; i++)
		if (is_of(atomic64_read(&bucket[i]), hash, slot))
			return &bucket[i];
	return NULL;
}

/* A place whose SYN has waited in vain is as good as one that is free. */
static bool claim(atomic64_t *bucket, u64 entry, u32 tick)
{
	unsigned int i;
	s64 old;

	for (i = 0; i < TCPSTATE_SAMPLE_BUCKET; i++) {
		old = atomic64_read(&bucket[i]);
		if (!old || age(old, tick) >= TCPSTATE_SAMPLE_TICKS)
			return atomic64_try_cmpxchg(&bucket[i], &old, entry);
	}
	return false;
}

/**
 * tcpstate_sample_init() - make a sample that is all zero ready
 * @sample: the sample
 */
void tcpstate_sample_init(struct tcpstate_sample *sample)
{
	sample->quota = TCPSTATE_QUOTA_MAX;
}

/**
 * tcpstate_sample_mark() - something became of a SYN
 * @sample: the sample
 * @cohorts: of its listener
 * @slot: of its listener
 * @hash: keyed, of its tuple
 * @fate: what; from TCPSTATE_FATE_REFUSED on the sample forgets the SYN
 *
 * Context: any, no lock.
 * Return: true where the SYN was in the sample and this is news. If it is
 * forgotten too, its source no longer waits: tcpstate_sources_settle().
 */
bool tcpstate_sample_mark(struct tcpstate_sample *sample, struct tcpstate_cohorts *cohorts,
			  unsigned int slot, u32 hash, enum tcpstate_fate fate)
{
	u32 tick = READ_ONCE(sample->tick), old_age;
	u64 bit = WAITING << fate;
	atomic64_t *place;
	s64 old;

	if (!tcpstate_sample_may_know(cohorts, hash))
		return false;
	place = find(tcpstate_sample_bucket(sample, hash), slot, hash);
	if (!place)
		return false;
	old = atomic64_read(place);
	do {
		old_age = age(old, tick);
		if (!is_of(old, hash, slot) || old_age >= TCPSTATE_SAMPLE_TICKS)
			return false;
		if (fate < TCPSTATE_FATE_REFUSED && old & bit)
			return false;
	} while (!atomic64_try_cmpxchg(place, &old, fate < TCPSTATE_FATE_REFUSED ? old | bit : 0));
	credit(cohorts, tick - old_age, !!(old & SECOND), fate);
	return true;
}

/**
 * tcpstate_sample_syn() - a SYN came that none is known to have come before
 * @sample: the sample
 * @cohorts: of its listener
 * @slot: of its listener
 * @hash: keyed, of its tuple: the low bits choose, the high ones file
 *
 * Context: any, no lock. Most SYNs of a flood take a comparison; others one
 * cache line of the table.
 * Return: enum tcpstate_sampling. Where it is TCPSTATE_SAMPLED the source waits:
 * tcpstate_sources_wait(). Where TCPSTATE_SAMPLED_BEFORE it is no first SYN.
 */
enum tcpstate_sampling tcpstate_sample_syn(struct tcpstate_sample *sample,
					   struct tcpstate_cohorts *cohorts,
					   unsigned int slot, u32 hash)
{
	u32 tick = READ_ONCE(sample->tick), quota = READ_ONCE(sample->quota);
	unsigned int stratum;
	atomic64_t *bucket;

	if (!tcpstate_sample_may_know(cohorts, hash))
		return TCPSTATE_NOT_SAMPLED;
	bucket = tcpstate_sample_bucket(sample, hash);
	if (find(bucket, slot, hash)) {
		tcpstate_sample_mark(sample, cohorts, slot, hash, TCPSTATE_FATE_RETRANS);
		return TCPSTATE_SAMPLED_BEFORE;
	}
	if (hash & ((1U << READ_ONCE(cohorts->shift)) - 1))
		return TCPSTATE_NOT_SAMPLED;
	for (stratum = 0; !has_room(cohorts, tick, stratum, quota); )
		if (++stratum == TCPSTATE_STRATA)
			return TCPSTATE_NOT_SAMPLED;
	if (!claim(bucket, entry_of(hash, slot, tick, stratum), tick))
		return TCPSTATE_NOT_SAMPLED;
	credit(cohorts, tick, stratum, TCPSTATE_FATE_BORN);
	return TCPSTATE_SAMPLED;
}

/**
 * tcpstate_sample_turn() - a tick is over, and every account is judged
 * @sample: the sample
 *
 * Forgets what has waited in vain, and shares the room out anew.
 *
 * Context: one at a time; segments may come meanwhile.
 */
void tcpstate_sample_turn(struct tcpstate_sample *sample)
{
	u32 live = 0, quota = sample->quota, tick = sample->tick + 1;
	unsigned int i;
	s64 old;

	for (i = 0; i < TCPSTATE_SAMPLE_SIZE; i++) {
		old = atomic64_read(&sample->entry[i]);
		if (!old)
			continue;
		if (age(old, tick) < TCPSTATE_SAMPLE_TICKS)
			live++;
		else
			atomic64_try_cmpxchg(&sample->entry[i], &old, 0);
	}
	if (live > TCPSTATE_SAMPLE_SIZE / 2 && quota > TCPSTATE_QUOTA_MIN)
		quota /= 2;
	else if (live < TCPSTATE_SAMPLE_SIZE / 4 && quota < TCPSTATE_QUOTA_MAX)
		quota *= 2;
	sample->live = live;
	WRITE_ONCE(sample->quota, quota);
	WRITE_ONCE(sample->tick, tick);
}
