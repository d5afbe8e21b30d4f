// SPDX-License-Identifier: GPL-2.0
/*
 * Sketches, a listener's sources, and the handshake sample.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "sample.h"
#include "sources.h"

static uint64_t random_state = 1;

/* splitmix64 */
static u32 any(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x >> 32;
}

/* RMS error over 300 seeds, in 1/1000, at @counts, the largest last. */
static void test_distinct(void)
{
	static const u32 counts[] = { 1, 2, 5, 10, 30, 100, 200, 400, 600, 700, 1000, 2000, 5000,
				      10000, 30000, 100000, 300000, 1000000 };
	enum { COUNTS = sizeof(counts) / sizeof(counts[0]), SEEDS = 300 };
	struct tcpstate_distinct distinct;
	double error, square[COUNTS] = { 0 }, worst = 0;
	unsigned int seed, at;
	u32 n;

	for (seed = 1; seed <= SEEDS; seed++) {
		random_state = (uint64_t)seed << 32;
		tcpstate_distinct_clear(&distinct);
		for (n = 0, at = 0; at < COUNTS; at++) {
			for (; n < counts[at]; n++)
				tcpstate_distinct_add(&distinct, any());
			error = (double)tcpstate_distinct_estimate(&distinct, &distinct) / n - 1;
			square[at] += error * error;
		}
	}
	for (at = 0; at < COUNTS; at++) {
		error = sqrt(square[at] / SEEDS);
		diag("%7u distinct: RMS error %.2f %%", counts[at], 100 * error);
		worst = fmax(worst, error);
	}
	ok(worst < 0.08, "1 to 10^6 distinct, 300 seeds each: RMS error under 8 %%");
}

static void test_union(void)
{
	struct tcpstate_distinct a = { 0 }, b = { 0 };
	u32 hash, one, both;
	unsigned int i;

	ok(!tcpstate_distinct_estimate(&a, &b), "of nothing there is nothing");
	for (i = 0; i < 3000; i++) {
		hash = any();
		if (i < 2000)
			tcpstate_distinct_add(&a, hash);
		if (i >= 1000)
			tcpstate_distinct_add(&b, hash);
		tcpstate_distinct_add(&a, i < 2000 ? hash : 0);
	}
	one = tcpstate_distinct_estimate(&a, &a);
	both = tcpstate_distinct_estimate(&a, &b);
	ok(one > 1600 && one < 2400 && both > 2400 && both < 3600,
	   "two sketches are taken together as one (%u, %u)", one, both);
	memset(&a, 25, sizeof(a));
	ok(tcpstate_distinct_estimate(&a, &a) > 1000000000, "full registers are a large number");
}

static void test_bitmap(void)
{
	unsigned int n, seed, i;
	double sum, worst = 0;
	u64 bits;

	for (n = 1; n <= 150; n++) {
		sum = 0;
		for (seed = 0; seed < 300; seed++) {
			for (bits = 0, i = 0; i < n; i++)
				bits |= 1ULL << (any() >> 26);
			sum += tcpstate_bitmap_estimate(bits);
		}
		worst = fmax(worst, fabs(sum / 300 / n - 1));
	}
	ok(worst < 0.1 && !tcpstate_bitmap_estimate(0),
	   "64 bits tell up to 150 apart (%.1f %% off in the mean)", 100 * worst);
}

static struct tcpstate_host host_of(u32 number)
{
	return (struct tcpstate_host){ .addr[0] = number, .family = 2 };
}

/* Space-Saving's promises, on a skewed stream. */
static void test_hitters(void)
{
	enum { WAYS = 16, HOSTS = 5000, LENGTH = 100000 };
	static u32 truth[HOSTS];
	struct tcpstate_hitter set[WAYS] = { 0 }, *hitter;
	unsigned int i, wrong = 0, missing = 0;
	struct tcpstate_host host;
	bool fresh;
	u32 who;

	for (i = 0; i < LENGTH; i++) {
		who = any() % HOSTS;
		if (i % 3)
			who %= 8;
		host = host_of(who + 1);
		truth[who]++;
		tcpstate_hitters_add(set, WAYS, &host, &fresh);
	}
	for (who = 0; who < HOSTS; who++) {
		host = host_of(who + 1);
		hitter = tcpstate_hitters_find(set, WAYS, &host);
		missing += truth[who] > LENGTH / WAYS && !hitter;
		wrong += hitter && (hitter->count < truth[who] ||
				    tcpstate_hitter_surely(hitter) > truth[who]);
	}
	ok(!missing, "whoever has a sixteenth of all is among sixteen");
	ok(!wrong, "no count is too low, and none too high by more than its error");

	host = host_of(1);
	tcpstate_hitters_find(set, WAYS, &host)->pinned = true;
	for (i = 0; i < LENGTH; i++) {
		host = host_of(HOSTS + any());
		tcpstate_hitters_add(set, WAYS, &host, &fresh);
	}
	host = host_of(1);
	ok(tcpstate_hitters_find(set, WAYS, &host), "who is pinned keeps its place");
	for (i = 0; i < WAYS; i++)
		set[i].pinned = true;
	host = host_of(7);
	ok(!tcpstate_hitters_add(set, WAYS, &host, &fresh), "where all are, nobody finds one");
}

static void test_sources(void)
{
	struct tcpstate_sources sources = { 0 };
	struct tcpstate_share share[TCPSTATE_TOP];
	struct tcpstate_host host;
	unsigned int i, n;
	u32 source;

	for (i = 0; i < 4000; i++) {
		/* A quarter each from three, of whom the third completes, as does the rest. */
		source = i % 4 < 3 ? 1 + i % 4 : 1000 + i;
		host = host_of(source);
		tcpstate_sources_wait(&sources, &host);
		if (source >= 3)
			tcpstate_sources_settle(&sources, &host);
	}
	n = tcpstate_sources_top(&sources, share);
	ok(n == 2 && share[0].host.addr[0] + share[1].host.addr[0] == 3 && share[1].share > 115 &&
	   share[0].share + share[1].share <= 256 &&
	   tcpstate_sources_concentration(&sources) > 230,
	   "two whose handshakes wait are named, each with its half (%u, %u)", share[0].share,
	   share[1].share);

	for (i = 0; i < 8 * 20; i++) {
		host = host_of(5000 + i);
		tcpstate_sources_wait(&sources, &host);
		tcpstate_sources_turn(&sources, 100);
	}
	ok(tcpstate_sources_top(&sources, share) == 0, "and forgotten when they are gone");

	memset(&sources, 0, sizeof(sources));
	for (i = 0; i < 500; i++)
		tcpstate_sources_asked(&sources, any());
	for (i = 0; i < TCPSTATE_SOURCES_TICKS; i++)
		tcpstate_sources_turn(&sources, 125);
	n = tcpstate_sources_last(&sources);
	ok(n > 400 && n < 600, "the sources of the last full second (%u)", n);
	for (i = 0; i < 2 * TCPSTATE_SOURCES_TICKS; i++)
		tcpstate_sources_turn(&sources, 0);
	ok(!tcpstate_sources_last(&sources) && !tcpstate_sources_absent(&sources),
	   "are none when that was long ago");
}

static struct tcpstate_sample *sample;
static struct tcpstate_cohorts cohorts;

static void fresh_sample(void)
{
	if (!sample)
		sample = aligned_alloc(64, sizeof(*sample));
	memset(sample, 0, sizeof(*sample));
	memset(&cohorts, 0, sizeof(cohorts));
	tcpstate_sample_init(sample);
}

static unsigned int fate(u32 tick, enum tcpstate_fate which)
{
	unsigned int stratum, sum = 0;

	for (stratum = 0; stratum < TCPSTATE_STRATA; stratum++)
		sum += tcpstate_fates_count(atomic64_read(&cohorts.fates[tick % TCPSTATE_COHORTS]
									[stratum]), which);
	return sum;
}

static void test_fates(void)
{
	struct tcpstate_cohorts other = { 0 };
	unsigned int i, late = 0;

	fresh_sample();
	ok(tcpstate_sample_syn(sample, &cohorts, 3, 77) == TCPSTATE_SAMPLED &&
	   fate(0, TCPSTATE_FATE_BORN) == 1, "a SYN is sampled");
	ok(tcpstate_sample_syn(sample, &cohorts, 3, 77) == TCPSTATE_SAMPLED_BEFORE &&
	   fate(0, TCPSTATE_FATE_BORN) == 1 && fate(0, TCPSTATE_FATE_RETRANS) == 1,
	   "the same once more is known for a retransmission");
	ok(!tcpstate_sample_mark(sample, &other, 4, 77, TCPSTATE_FATE_ANSWERED),
	   "not for another listener");
	tcpstate_sample_turn(sample);
	tcpstate_sample_turn(sample);
	ok(tcpstate_sample_mark(sample, &cohorts, 3, 77, TCPSTATE_FATE_ANSWERED) &&
	   !tcpstate_sample_mark(sample, &cohorts, 3, 77, TCPSTATE_FATE_ANSWERED) &&
	   tcpstate_sample_mark(sample, &cohorts, 3, 77, TCPSTATE_FATE_COMPLETED) &&
	   !tcpstate_sample_mark(sample, &cohorts, 3, 77, TCPSTATE_FATE_COMPLETED),
	   "each fate is news once");
	ok(fate(0, TCPSTATE_FATE_ANSWERED) == 1 && fate(0, TCPSTATE_FATE_COMPLETED) == 1 &&
	   !fate(2, TCPSTATE_FATE_ANSWERED) && !fate(2, TCPSTATE_FATE_COMPLETED),
	   "and of the cohort that the SYN was born in");
	for (i = 0; i < TCPSTATE_SAMPLE_TICKS + 2; i++) {
		fresh_sample();
		sample->tick = 4090;	/* what an entry keeps of it wraps */
		tcpstate_sample_syn(sample, &cohorts, 3, 99);
		for (unsigned int turns = 0; turns < i; turns++)
			tcpstate_sample_turn(sample);
		late += tcpstate_sample_mark(sample, &cohorts, 3, 99, TCPSTATE_FATE_COMPLETED);
	}
	ok(late == TCPSTATE_SAMPLE_TICKS, "for %u ticks it waits (%u)", TCPSTATE_SAMPLE_TICKS, late);
}

/* @count SYNs in this tick, of which @done of 8 complete. */
static void some_syns(unsigned int count, unsigned int done)
{
	u32 hash;

	while (count--) {
		hash = any();
		if (tcpstate_sample_syn(sample, &cohorts, 0, hash) == TCPSTATE_SAMPLED &&
		    count % 8 < done)
			tcpstate_sample_mark(sample, &cohorts, 0, hash, TCPSTATE_FATE_COMPLETED);
	}
}

static void test_choice(void)
{
	u64 second;

	fresh_sample();
	cohorts.shift = 4;
	some_syns(2000, 0);
	ok(fate(0, TCPSTATE_FATE_BORN) > 80 && fate(0, TCPSTATE_FATE_BORN) < 175,
	   "a sixteenth is sampled (%u of 2000)", fate(0, TCPSTATE_FATE_BORN));

	fresh_sample();
	some_syns(200, 8);
	some_syns(100000, 0);
	second = atomic64_read(&cohorts.fates[0][1]);
	ok(fate(0, TCPSTATE_FATE_BORN) == 2 * TCPSTATE_QUOTA_MAX &&
	   tcpstate_fates_count(second, TCPSTATE_FATE_BORN) == TCPSTATE_QUOTA_MAX,
	   "however many come, only so many are");
	ok(fate(0, TCPSTATE_FATE_COMPLETED) == 200 &&
	   !tcpstate_fates_count(second, TCPSTATE_FATE_COMPLETED),
	   "and the second stratum is of those that came last");
	cohorts.floor = 4;
	ok(tcpstate_sample_may_know(&cohorts, 0x30) && !tcpstate_sample_may_know(&cohorts, 0x38),
	   "what was not sampled is not looked for");
}

/* Of listeners @from to @until - 1, in the first stratum. */
static unsigned int fates_of(const struct tcpstate_cohorts *many, unsigned int from,
			     unsigned int until, u32 tick, enum tcpstate_fate which)
{
	unsigned int sum = 0;

	for (; from < until; from++)
		sum += tcpstate_fates_count(atomic64_read(&many[from].fates[tick % TCPSTATE_COHORTS]
									   [0]), which);
	return sum;
}

/*
 * A table too small for all listeners, three quarters of them flooded; of the others
 * seven eighths complete, a tick later: nobody's share of completions is changed.
 */
static void test_crowded(void)
{
	enum { LISTENERS = 400, FLOODED = 300, SYNS = 50 * LISTENERS, TICKS = 200 };
	static struct tcpstate_cohorts many[LISTENERS];
	static struct { u32 hash; unsigned int listener; } due[SYNS];
	unsigned int i, j, born = 0, done = 0, floods = 0, full = 0, waiting = 0;
	u32 hash, tick;

	fresh_sample();
	memset(many, 0, sizeof(many));
	for (tick = 0; tick < TICKS; tick++) {
		while (waiting--)
			tcpstate_sample_mark(sample, &many[due[waiting].listener],
					     due[waiting].listener, due[waiting].hash,
					     TCPSTATE_FATE_COMPLETED);
		for (waiting = 0, i = 0; i < SYNS; i++) {
			hash = any();
			j = any() % LISTENERS;
			if (tcpstate_sample_syn(sample, &many[j], j, hash) != TCPSTATE_SAMPLED ||
			    j < FLOODED || any() % 8 == 0)
				continue;
			due[waiting].hash = hash;
			due[waiting++].listener = j;
		}
		if (tick >= TICKS / 2) {
			born += fates_of(many, FLOODED, LISTENERS, tick - 2, TCPSTATE_FATE_BORN);
			done += fates_of(many, FLOODED, LISTENERS, tick - 2,
					 TCPSTATE_FATE_COMPLETED);
			floods += fates_of(many, 0, FLOODED, tick - 2, TCPSTATE_FATE_BORN);
			full = sample->live > full ? sample->live : full;
		}
		for (j = 0; j < LISTENERS; j++)
			memset(many[j].fates[(tick + 1) % TCPSTATE_COHORTS], 0,
			       sizeof(many[j].fates[0]));
		tcpstate_sample_turn(sample);
	}
	ok(sample->quota == TCPSTATE_QUOTA_MIN && full > TCPSTATE_SAMPLE_SIZE / 2,
	   "of a crowded table each has less (quota %u, %u entries)", sample->quota, full);
	ok(born > 5000 && floods > 15000 && done * 8 > born * 6.8 && done * 8 < born * 7.2,
	   "and a true sample still: %.3f of %u complete", (double)done / born, born);
	for (tick = 0; tick < 30; tick++)
		tcpstate_sample_turn(sample);
	ok(!sample->live && sample->quota == TCPSTATE_QUOTA_MAX, "later it is empty again");
}

enum { THREADS = 4, ROUNDS = 2000, HANDSHAKES = 64 };

static pthread_barrier_t barrier;

/* All complete the same handshakes at once, and open some of their own. */
static void *race(void *arg)
{
	unsigned long *credited = arg;
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (i = 1; i <= HANDSHAKES; i++)
			*credited += tcpstate_sample_mark(sample, &cohorts, 0, i << 20 | round,
							  TCPSTATE_FATE_COMPLETED);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void test_race(void)
{
	unsigned long credited[THREADS] = { 0 }, sum = 0, born = 0, counted = 0;
	pthread_t thread[THREADS];
	unsigned int i, round;

	fresh_sample();
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, race, &credited[i]);
	for (round = 0; round < ROUNDS; round++) {
		memset(&cohorts, 0, sizeof(cohorts));
		for (i = 1; i <= HANDSHAKES; i++)
			born += tcpstate_sample_syn(sample, &cohorts, 0, i << 20 | round) ==
				TCPSTATE_SAMPLED;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		counted += fate(0, TCPSTATE_FATE_COMPLETED);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		sum += credited[i];
	}
	ok(born == (unsigned long)ROUNDS * HANDSHAKES && sum == born && counted == born,
	   "four CPUs credit each of %lu fates once (%lu, %lu)", born, sum, counted);
}

int main(void)
{
	test_distinct();
	test_union();
	test_bitmap();
	test_hitters();
	test_sources();
	test_fates();
	test_choice();
	test_crowded();
	test_race();
	free(sample);
	return done();
}
