// SPDX-License-Identifier: GPL-2.0
/*
 * The judge of a listener, under sanitizers: the rows of its table that are not
 * too fast for it, and what else it promises.
 */
#include "cohort.h"
#include "rows.h"

/* The rates of a row, all its time taken together, in SYNs. */
static unsigned long long size_of(const struct row *row)
{
	unsigned long long sum = 0;
	unsigned int i;

	for (i = 0; i < STREAM_LOADS; i++)
		sum += (unsigned long long)row->setup.load[i].rate * row->setup.ms / 1000;
	return sum;
}

static void test_rows(unsigned int seed)
{
	unsigned long long syns = 0;
	unsigned int i;

	print_head();
	for (i = 0; i < ROWS; i++)
		if (size_of(&rows[i]) < 400000)
			play_row(&rows[i], 3, seed, &syns);
	play_thousand(200, 1, seed, &syns);
	diag("%llu SYNs", syns);
}

/* What a listener goes through, by ticks, without a stream. */
struct script {
	struct tcpstate_account account;
	struct tcpstate_sources sources;
	struct tcpstate_sample *sample;
	struct tcpstate_reading reading;
	struct tcpstate_thresholds thresholds;
	u32 now, random, begins, ends;
};

static void script_begin(struct script *script)
{
	memset(script, 0, sizeof(*script));
	script->sample = aligned_alloc(64, sizeof(*script->sample));
	memset(script->sample, 0, sizeof(*script->sample));
	tcpstate_sample_init(script->sample);
	script->thresholds = TCPSTATE_THRESHOLDS;
	script->random = 1;
}

/* A tick of @ms with @syn SYNs, of which @done of 1000 complete at once. */
static enum tcpstate_turn script_tick(struct script *script, unsigned int ms, unsigned int syn,
				      unsigned int done)
{
	struct tcpstate_cohorts *cohorts = &script->account.cohorts;
	enum tcpstate_turn turn;
	unsigned int i;
	u32 hash;

	for (i = 0; i < syn; i++) {
		hash = stream_hash(script->random++);
		tcpstate_sources_asked(&script->sources, stream_hash(~hash));
		script->reading.syn++;
		if (tcpstate_sample_syn(script->sample, cohorts, 0, hash) != TCPSTATE_SAMPLED)
			continue;
		tcpstate_sample_mark(script->sample, cohorts, 0, hash, TCPSTATE_FATE_ANSWERED);
		if (i * 1000 < syn * done)
			tcpstate_sample_mark(script->sample, cohorts, 0, hash,
					     TCPSTATE_FATE_COMPLETED);
	}
	script->now += ms;
	turn = tcpstate_verdict_judge(&script->account, &script->sources, &script->reading,
				      &script->thresholds, script->sample->tick,
				      script->sample->quota, script->now);
	tcpstate_sample_turn(script->sample);
	script->begins += turn == TCPSTATE_TURN_BEGAN;
	script->ends += turn == TCPSTATE_TURN_ENDED;
	return turn;
}

static void script_ticks(struct script *script, unsigned int ticks, unsigned int syn,
			 unsigned int done)
{
	while (ticks--)
		script_tick(script, TCPSTATE_TICK_MS, syn, done);
}

static void test_figures(void)
{
	struct script script;
	const struct tcpstate_finding *finding = &script.account.finding;

	script_begin(&script);
	script_ticks(&script, 80, 25, 1000);
	ok(finding->verdict == TCPSTATE_VERDICT_OK && finding->syn_rate == 100,
	   "25 SYNs a tick are 100 a second (%u)", finding->syn_rate);
	ok(finding->completion == 256 && finding->usual > 240,
	   "all complete, and that is usual (%u, %u)", finding->completion, finding->usual);
	ok(finding->sources > 80 && finding->sources < 120, "a hundred sources a second (%u)",
	   finding->sources);
	script_tick(&script, 4 * TCPSTATE_TICK_MS, 100, 1000);
	ok(finding->verdict == TCPSTATE_VERDICT_OK && finding->syn_rate == 100,
	   "a tick that comes late is a longer one (%u)", finding->syn_rate);
	script_ticks(&script, 8, 275, 91);
	ok(finding->verdict == TCPSTATE_VERDICT_FLOOD_SPOOFED && finding->completion < 128,
	   "a flood, and the share of handshakes that justifies it (%u)", finding->completion);
	free(script.sample);

	script_begin(&script);
	script_ticks(&script, 80, 25, 1000);
	script_ticks(&script, 1, 100000, 0);
	ok(!script.account.cohorts.shift, "after a pulse as many are sampled as before it");
	script_ticks(&script, 2, 100000, 0);
	ok(script.account.cohorts.shift == 9, "of a flood as few as suffice (1 of 2^%u)",
	   script.account.cohorts.shift);
	free(script.sample);
}

static void test_end(void)
{
	struct script script;
	const struct tcpstate_finding *finding = &script.account.finding;
	u32 began;

	script_begin(&script);
	script_ticks(&script, 80, 25, 1000);
	script_ticks(&script, 40, 275, 91);
	began = finding->since;
	ok(began > 20000 && began <= 21250, "it is known since when");
	script_ticks(&script, script.thresholds.calm, 25, 1000);
	ok(!script.ends && finding->since == began, "it does not end at once");
	script_ticks(&script, 4, 25, 1000);
	ok(script.begins == 1 && script.ends == 1 && finding->verdict == TCPSTATE_VERDICT_OK,
	   "but when it has been calm for long");
	script_ticks(&script, 40, 275, 91);
	ok(script.begins == 2, "the next one is another");
	free(script.sample);
}

static void test_change(void)
{
	struct script script;
	const struct tcpstate_finding *finding = &script.account.finding;
	struct tcpstate_host host = stream_host(7);
	unsigned int i, changes = 0, soonest = ~0U;

	script_begin(&script);
	script_ticks(&script, 80, 25, 1000);
	script_ticks(&script, 8, 275, 91);
	ok(finding->verdict == TCPSTATE_VERDICT_FLOOD_SPOOFED, "a flood from everywhere");
	for (i = 0; i < 30 * 200; i++) {
		tcpstate_sources_wait(&script.sources, &host);
		if (i % 200 == 199 && script_tick(&script, TCPSTATE_TICK_MS, 275, 91) ==
				      TCPSTATE_TURN_CHANGED && !changes++)
			soonest = i / 200;
	}
	ok(soonest >= 4, "what may be chance changes nothing yet (%u ticks)", soonest);
	ok(changes == 1 && script.begins == 1 && !script.ends &&
	   finding->verdict == TCPSTATE_VERDICT_FLOOD_FEW,
	   "that comes to be of few sources has changed, and has neither begun nor ended");
	free(script.sample);
}

/* Every ACK comes, and @strain of 25 SYN-ACKs are sent again all the same. */
static bool is_overloaded(unsigned int strain)
{
	struct script script;
	unsigned int i;

	script_begin(&script);
	script_ticks(&script, 80, 25, 1000);
	for (i = 0; i < 40; i++) {
		script.reading.strain += strain;
		script_tick(&script, TCPSTATE_TICK_MS, 25, 1000);
	}
	free(script.sample);
	return script.account.finding.verdict == TCPSTATE_VERDICT_OVERLOAD;
}

static void test_overload(void)
{
	ok(is_overloaded(15), "an accept queue that is full, though every handshake completes");
	ok(!is_overloaded(1), "one SYN-ACK in 25 sent again is but loss");
}

/* Half-opens always linger where there are many clients. */
static void test_dip(void)
{
	struct script script;

	script_begin(&script);
	script.reading.lingering = 12000;
	script_ticks(&script, 80, 2500, 1000);
	script_ticks(&script, 6, 2500, 500);
	script_ticks(&script, 20, 2500, 1000);
	ok(!script.begins, "a dip of two seconds is no flood, however many linger");
	free(script.sample);
}

static void test_small(void)
{
	struct script script;

	script_begin(&script);
	script_ticks(&script, 80, 2500, 1000);
	script_ticks(&script, 40, 100, 0);
	ok(!script.begins, "what is little beside the usual is no flood");
	free(script.sample);

	script_begin(&script);
	script_ticks(&script, 80, 1, 1000);
	script_ticks(&script, 40, 2, 0);
	ok(!script.begins, "nor is what is little at all");
	free(script.sample);
}

static void test_surge(void)
{
	struct script script;
	const struct tcpstate_finding *finding = &script.account.finding;
	unsigned int i, surges = 0;

	script_begin(&script);
	for (i = 0; i < 80; i++) {
		script_tick(&script, TCPSTATE_TICK_MS, 1000, 1000);
		surges += finding->verdict != TCPSTATE_VERDICT_OK;
	}
	ok(!surges, "a busy listener that is new to us is no surge");
	script_ticks(&script, 8, 10000, 850);
	ok(finding->verdict == TCPSTATE_VERDICT_SURGE, "ten times the usual is");
	script_ticks(&script, 40, 1000, 1000);
	ok(finding->verdict == TCPSTATE_VERDICT_OK && !script.begins,
	   "until it is over, and nobody is alarmed");
	free(script.sample);
}

static void test_idle(void)
{
	struct script script;
	unsigned int ticks;

	script_begin(&script);
	script_ticks(&script, 80, 1000, 1000);
	ok(!tcpstate_verdict_idle(&script.account), "a busy listener is not idle");
	for (ticks = 0; ticks < 4000 && !tcpstate_verdict_idle(&script.account); ticks++)
		script_tick(&script, TCPSTATE_TICK_MS, 0, 0);
	ok(ticks > TCPSTATE_COHORTS && ticks < 4000, "one that was is, after %u ticks", ticks);
	script.now += 3600 * 1000;
	script_tick(&script, TCPSTATE_TICK_MS, 25, 1000);
	ok(script.account.finding.syn_rate == 25,
	   "and is judged as before when ticks have ceased for an hour (%u)",
	   script.account.finding.syn_rate);
	script_ticks(&script, 12, 275, 0);
	ok(script.account.finding.verdict == TCPSTATE_VERDICT_FLOOD_SPOOFED, "flooded then too");
	free(script.sample);
}

/* Most SYNs that a tick can be thought to have, and counters about to wrap. */
static void test_extremes(void)
{
	struct script script;
	unsigned int i;

	script_begin(&script);
	script.reading.syn = ~0U - 100;
	script.account.syn_seen = script.reading.syn;
	script_ticks(&script, 80, 25, 1000);
	ok(script.account.finding.verdict == TCPSTATE_VERDICT_OK &&
	   script.account.finding.syn_rate == 100, "a total that wraps is no flood");
	for (i = 0; i < 40; i++) {
		script.reading.syn += 0x7fffffff;
		script.reading.strain += 0x7fffffff;
		script.reading.syn_recv = ~0U;
		script.reading.lingering = ~0U;
		script_tick(&script, 1, 3000, 10);
	}
	ok(tcpstate_verdict_trouble(script.account.finding.verdict),
	   "no number is too large to be judged");
	free(script.sample);
}

static s64 fates(unsigned int born, unsigned int answered, unsigned int completed,
		 unsigned int one_sided)
{
	return (s64)born | (s64)answered << (TCPSTATE_FATE_BITS * TCPSTATE_FATE_ANSWERED) |
	       (s64)completed << (TCPSTATE_FATE_BITS * TCPSTATE_FATE_COMPLETED) |
	       (s64)one_sided << (TCPSTATE_FATE_BITS * TCPSTATE_FATE_ONE_SIDED);
}

static void test_cohort(void)
{
	static struct tcpstate_account account;
	struct tcpstate_cohort cohort;

	account.syn[3] = 800;
	atomic64_set(&account.cohorts.fates[3][0], fates(8, 5, 4, 3));
	cohort = tcpstate_cohort_of(&account, 3);
	ok(cohort.syn == 500 && cohort.done == 400 && cohort.hung == 100 && !cohort.unheard,
	   "one-sided connections are left out (%u, %u, %u)", cohort.syn, cohort.done,
	   cohort.hung);
	atomic64_set(&account.cohorts.fates[3][0], fates(8, 3, 3, 5));
	ok(!tcpstate_cohort_of(&account, 3).syn, "where most are, nothing is known");

	account.syn[4] = 10400;
	account.shift[4] = 2;
	atomic64_set(&account.cohorts.fates[4][0], fates(100, 100, 100, 0));
	cohort = tcpstate_cohort_of(&account, 4);
	ok(cohort.syn == 10400 && cohort.done == 10400, "one stratum stands for all");
	atomic64_set(&account.cohorts.fates[4][1], fates(50, 50, 0, 0));
	cohort = tcpstate_cohort_of(&account, 4);
	ok(cohort.syn == 10400 && cohort.done == 400 && cohort.hung == 10000,
	   "the second for what the first does not (%u, %u)", cohort.done, cohort.hung);
	atomic64_set(&account.cohorts.fates[4][0], fates(0, 2, 3, 0));
	atomic64_set(&account.cohorts.fates[4][1], 0);
	ok(!tcpstate_cohort_of(&account, 4).syn, "a fate that is ahead of its birth does no harm");
}

static void test_names(void)
{
	unsigned int i, j, same = 0;

	for (i = 0; i < __TCPSTATE_VERDICT_MAX; i++)
		for (j = 0; j < i; j++)
			same += !strcmp(tcpstate_verdict_name(i), tcpstate_verdict_name(j));
	ok(!same && !strcmp(tcpstate_verdict_name(TCPSTATE_VERDICT_OK), "ok") &&
	   !strcmp(tcpstate_verdict_name(__TCPSTATE_VERDICT_MAX), "unknown"),
	   "every verdict has a name of its own");
}

int main(void)
{
	test_figures();
	test_end();
	test_change();
	test_overload();
	test_dip();
	test_small();
	test_surge();
	test_idle();
	test_extremes();
	test_cohort();
	test_names();
	test_rows(setting("SEED", 1));
	diag("octets: account %zu, sources %zu, sample %zu", sizeof(struct tcpstate_account),
	     sizeof(struct tcpstate_sources), sizeof(struct tcpstate_sample));
	ok(sizeof(struct tcpstate_account) + sizeof(struct tcpstate_sources) <= 2560 &&
	   sizeof(struct tcpstate_sample) <= 132 * 1024,
	   "a listener takes at most 2.5 KiB, the sample of a namespace 132 KiB");
	return done();
}
