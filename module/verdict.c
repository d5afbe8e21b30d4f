// SPDX-License-Identifier: GPL-2.0
/*
 * The judge of a listener.
 *
 * Handshakes that are missing beyond the usual are weighed against those that
 * complete, cohort by cohort, and summed up (a CUSUM). The sum is taken anew each
 * tick over the last cohorts, as much of each having completed as has by now: a
 * client with a long round trip first makes its cohort look bad, and then good.
 */
#include "cohort.h"

/* Ages of cohorts, in ticks: zero is the one that has just ended. */
#define AGE_YOUNG	2	/* half a second: most that complete have */
#define AGE_CONFIRMED	5	/* nearly all that complete have; it may be judged on its own */
#define AGE_RETRANS	6	/* a SYN that nobody answered was sent again */
#define AGE_OLD		11	/* the oldest that is judged anew */

/* What the late cohorts, AGE_CONFIRMED to AGE_OLD, have to do in the 64 s of a half-open. */
#define LATE_SPANS	36

#define SUM_MAX		(64U << 8)
#define USUAL_START	(9U << 12)	/* 9/16, until it is learned */
#define LEARN_TICKS	16
#define STRAIN_MIN	(8U << 8)
#define CHANGE_TICKS	8

/* What the walk over the cohorts found. */
struct trail {
	struct tcpstate_cohort all;	/* AGE_YOUNG and older */
	struct tcpstate_cohort late;	/* AGE_CONFIRMED and older */
	struct tcpstate_cohort aged;	/* AGE_RETRANS and older */
	struct tcpstate_cohort missing;	/* those in which too much is missing */
	struct tcpstate_cohort waited;	/* of these, AGE_RETRANS and older */
	u32 sum;
	unsigned int bad;
	unsigned int surging;
	bool sure;		/* one bad one is so bad, and old enough, that it suffices */
	bool lacking;		/* too much is missing in the youngest */
};

/* Handshakes missing beyond the usual, for 256 that complete. */
static u32 excess(const struct tcpstate_account *account, const struct tcpstate_cohort *cohort,
		  const struct tcpstate_thresholds *thresholds)
{
	u32 expected = cohort->syn * ((account->usual >> 8) * 7 / 8) >> 8;
	u32 against = max_of(max_of(account->usual_done >> 8, cohort->done), thresholds->floor);

	if (expected <= cohort->done)
		return 0;
	return min_of(((expected - cohort->done) << 8) / against, SUM_MAX);
}

static u32 sum_up(u32 sum, u32 excess, u32 allowance)
{
	sum += excess;
	return sum < allowance ? 0 : min_of(sum - allowance, SUM_MAX);
}

static void walk_one(struct trail *trail, const struct tcpstate_account *account,
		     const struct tcpstate_cohort *cohort, unsigned int age,
		     const struct tcpstate_thresholds *thresholds)
{
	u32 over = excess(account, cohort, thresholds);
	bool lacks = over > thresholds->allowance;

	trail->sum = sum_up(trail->sum, over, thresholds->allowance);
	trail->lacking = lacks;
	if (lacks) {
		tcpstate_cohort_add(&trail->missing, cohort);
		if (age >= AGE_RETRANS)
			tcpstate_cohort_add(&trail->waited, cohort);
		if (trail->sum > thresholds->alarm)
			trail->bad++;
		if (trail->sum > thresholds->certain && age >= AGE_CONFIRMED)
			trail->sure = true;
	} else if (cohort->syn >= thresholds->surge_syn &&
		   cohort->syn > thresholds->surge * (account->usual_syn >> 8)) {
		trail->surging++;
	}
}

static struct trail walk(const struct tcpstate_account *account, u32 tick,
			 const struct tcpstate_thresholds *thresholds)
{
	struct trail trail = { .sum = account->sum };
	struct tcpstate_cohort cohort;
	unsigned int age;

	for (age = AGE_OLD; age >= AGE_YOUNG; age--) {
		cohort = tcpstate_cohort_of(account, tick - age);
		tcpstate_cohort_add(&trail.all, &cohort);
		if (age >= AGE_CONFIRMED)
			tcpstate_cohort_add(&trail.late, &cohort);
		if (age >= AGE_RETRANS)
			tcpstate_cohort_add(&trail.aged, &cohort);
		walk_one(&trail, account, &cohort, age, thresholds);
	}
	return trail;
}

/* Of so few sources that each can be named, or at least be limited? */
static enum tcpstate_verdict which_flood(const struct tcpstate_account *account,
					 const struct tcpstate_sources *sources,
					 const struct tcpstate_cohort *cohort,
					 const struct tcpstate_thresholds *thresholds)
{
	u32 syn = min_of(sources->syn[0] + sources->syn[1], 4 * TCPSTATE_COHORT_MAX);
	u32 share = tcpstate_share_of(cohort->hung + cohort->unheard, cohort->syn);
	u32 missing = syn / 256 * share + (syn % 256 * share) / 256;

	if (account->finding.concentration >= 128 ||
	    tcpstate_sources_absent(sources) < missing / thresholds->few)
		return TCPSTATE_VERDICT_FLOOD_FEW;
	return TCPSTATE_VERDICT_FLOOD_SPOOFED;
}

/*
 * Nobody answers, and who asked asks again: none where that is not so. A listener that
 * a flood has filled looks so too, but for the half-opens that fill it and the many
 * that do not ask again.
 */
static enum tcpstate_verdict why_silent(const struct tcpstate_cohort *cohort,
					const struct tcpstate_account *account,
					const struct tcpstate_reading *reading)
{
	u32 few = max_of(account->finding.syn_rate / 4, 64);

	if (cohort->retrans * 4 < cohort->unheard)
		return TCPSTATE_VERDICT_UNSPEC;
	if (account->strain >= STRAIN_MIN / 2)
		return TCPSTATE_VERDICT_OVERLOAD;
	if (reading->syn_recv >= few && cohort->retrans < cohort->unheard / 8 * 5)
		return TCPSTATE_VERDICT_UNSPEC;
	return TCPSTATE_VERDICT_DEAD_BACKEND;
}

static bool is_strained(const struct tcpstate_account *account, const struct trail *trail)
{
	/* @strain is of three times as long as @trail. */
	return account->strain >= STRAIN_MIN &&
	       (account->strain >> 8) * 8 >= trail->all.done * 3;
}

/* What too many missing handshakes come from; none while that cannot be told yet. */
static enum tcpstate_verdict why_missing(const struct tcpstate_account *account,
					 const struct tcpstate_sources *sources,
					 const struct tcpstate_reading *reading,
					 const struct tcpstate_thresholds *thresholds,
					 const struct trail *trail)
{
	const struct tcpstate_cohort *missing = &trail->missing, *waited = &trail->waited;
	enum tcpstate_verdict silent = TCPSTATE_VERDICT_UNSPEC;

	if (missing->refused > (missing->hung + missing->unheard) * 3)
		return TCPSTATE_VERDICT_REFUSED;
	if (missing->unheard > missing->hung) {
		if (!waited->unheard)
			return TCPSTATE_VERDICT_UNSPEC;
		if (waited->unheard > waited->hung)
			silent = why_silent(waited, account, reading);
		if (silent)
			return silent;
	}
	if (!sources)
		return TCPSTATE_VERDICT_UNSPEC;
	return which_flood(account, sources, missing, thresholds);
}

/* Too few SYNs to miss many, yet what becomes of all of them is plain. */
static enum tcpstate_verdict plain(const struct tcpstate_account *account,
				   const struct tcpstate_reading *reading,
				   const struct tcpstate_thresholds *thresholds,
				   const struct trail *trail)
{
	const struct tcpstate_cohort *all = &trail->all, *aged = &trail->aged;

	if (all->syn >= thresholds->floor / 2 && all->refused > all->syn / 4 * 3)
		return TCPSTATE_VERDICT_REFUSED;
	if (aged->syn >= thresholds->floor / 2 && aged->unheard > aged->syn / 8 * 7 &&
	    aged->retrans > aged->syn / 2)
		return why_silent(aged, account, reading);
	return TCPSTATE_VERDICT_UNSPEC;
}

/*
 * The half-opens fill the backlog, have for seconds, and at the pace of the late cohorts
 * will go on to; and far fewer of the answered complete than usual. Of a crowd those
 * that never complete linger too: it is not for them.
 */
static bool is_filling(const struct tcpstate_account *account, const struct trail *trail,
		       const struct tcpstate_reading *reading, u32 backlog)
{
	const struct tcpstate_cohort *late = &trail->late;
	u32 answered = late->done + late->hung;

	return reading->lingering > backlog && reading->lingering > late->hung * 4 &&
	       late->hung * LATE_SPANS > backlog / 2 &&
	       tcpstate_share_of(late->done, answered) * 8 < (account->usual >> 8) * 5;
}

/* What trouble this tick gives proof of, or none. */
static enum tcpstate_verdict proof(const struct tcpstate_account *account,
				   const struct tcpstate_sources *sources,
				   const struct tcpstate_reading *reading,
				   const struct tcpstate_thresholds *thresholds,
				   const struct trail *trail)
{
	bool trouble = tcpstate_verdict_trouble(account->finding.verdict);
	enum tcpstate_verdict kind = plain(account, reading, thresholds, trail);

	if (!kind && (trouble ? trail->lacking : trail->bad >= 2 || trail->sure))
		kind = why_missing(account, sources, reading, thresholds, trail);
	if (!kind && sources &&
	    is_filling(account, trail, reading, thresholds->backlog / (trouble ? 2 : 1)))
		/* The sources of what lingers are forgotten by and by: it stays what it was. */
		kind = tcpstate_verdict_flood(account->finding.verdict) ?
		       account->finding.verdict :
		       which_flood(account, sources, &trail->late, thresholds);
	if (!kind && is_strained(account, trail))
		kind = TCPSTATE_VERDICT_OVERLOAD;
	return kind;
}

static void find(struct tcpstate_account *account, enum tcpstate_verdict verdict, u64 now)
{
	account->finding.verdict = verdict;
	account->finding.since = now;
	account->calm = 0;
	account->ebb = 0;
	account->other = 0;
}

/* Under a verdict: does it last, and is it still the same? */
static enum tcpstate_turn go_on(struct tcpstate_account *account, enum tcpstate_verdict kind,
				bool lacking, const struct tcpstate_thresholds *thresholds,
				u64 now)
{
	unsigned int verdict = account->finding.verdict;

	account->calm = kind || lacking ? 0 : account->calm + 1;
	if (account->calm >= thresholds->calm) {
		find(account, TCPSTATE_VERDICT_OK, now);
		account->sum = 0;
		return TCPSTATE_TURN_ENDED;
	}
	if (!kind)
		return TCPSTATE_TURN_NONE;
	/* A listener that is overloaded for long answers nobody. */
	if (kind == verdict ||
	    (verdict == TCPSTATE_VERDICT_OVERLOAD && kind == TCPSTATE_VERDICT_DEAD_BACKEND)) {
		account->other = 0;
		return TCPSTATE_TURN_NONE;
	}
	if (kind != account->kind)
		account->other = 0;
	account->kind = kind;
	if (++account->other < CHANGE_TICKS)
		return TCPSTATE_TURN_NONE;
	find(account, kind, now);
	return TCPSTATE_TURN_CHANGED;
}

/* Without trouble: is there some now, or a crowd? */
static enum tcpstate_turn begin(struct tcpstate_account *account, enum tcpstate_verdict kind,
				const struct trail *trail,
				const struct tcpstate_thresholds *thresholds, u64 now)
{
	bool surge = account->finding.verdict == TCPSTATE_VERDICT_SURGE;

	if (kind) {
		find(account, kind, now);
		return TCPSTATE_TURN_BEGAN;
	}
	if (trail->surging >= 2 && account->learned == LEARN_TICKS) {
		if (!surge)
			find(account, TCPSTATE_VERDICT_SURGE, now);
		account->ebb = 0;
	} else if (surge && ++account->ebb >= thresholds->calm) {
		find(account, TCPSTATE_VERDICT_OK, now);
	}
	return TCPSTATE_TURN_NONE;
}

/* @to a 2^@slow th of the way to @value. */
static void approach(u32 *to, u32 value, unsigned int slow)
{
	*to += ((s32)(value - *to) + (value > *to ? (1 << slow) - 1 : 0)) >> slow;
}

/*
 * What is usual is learned at once to begin with, then in half a minute when it
 * becomes better, and in many when it becomes worse: a slow flood must not pass for
 * usual.
 */
static void learn(struct tcpstate_account *account, bool learning)
{
	u32 ratio = tcpstate_share_of(account->lately_done, account->lately_syn) << 8;
	s32 weight = min_of(account->lately_syn, learning ? 32 : 256);
	s32 step = (s32)(ratio - account->usual) * weight;

	if (account->lately_syn)
		account->usual += learning ? step >> 7 : step >> (step < 0 ? 14 : 10);
	account->lately = 0;
	account->lately_syn = 0;
	account->lately_done = 0;
}

/*
 * The oldest cohort leaves: its part of the sum is final, and what it was like is
 * usual, unless there is trouble or too much of it was missing.
 */
static void retire(struct tcpstate_account *account, u32 tick,
		   const struct tcpstate_thresholds *thresholds)
{
	struct tcpstate_cohort cohort = tcpstate_cohort_of(account, tick - AGE_OLD - 1);
	bool surge = account->finding.verdict == TCPSTATE_VERDICT_SURGE;
	u32 over = excess(account, &cohort, thresholds);
	bool learning = account->learned < LEARN_TICKS;
	unsigned int slow = learning ? 2 : surge ? 9 : 6;

	account->sum = sum_up(account->sum, over, thresholds->allowance);
	if (over > thresholds->allowance || tcpstate_verdict_trouble(account->finding.verdict))
		return;
	approach(&account->usual_syn, cohort.syn << 8, slow);
	approach(&account->usual_done, cohort.done << 8, slow);
	account->lately_syn += cohort.syn;
	account->lately_done += cohort.done;
	account->learned += learning && cohort.syn;
	if (++account->lately >= (learning ? 1 : LEARN_TICKS))
		learn(account, learning);
}

/* First SYNs a second, of the last four ticks. */
static u32 syn_rate(struct tcpstate_account *account, u32 tick, u64 now)
{
	unsigned int i, slot = tick % TCPSTATE_SOURCES_TICKS;
	u32 ms = (u32)now - account->ended[slot], syn = 0;

	/* It is new, or ticks have ceased meanwhile. */
	if (!account->learned || account->empty >= TCPSTATE_SOURCES_TICKS) {
		for (i = 0; i < TCPSTATE_SOURCES_TICKS; i++)
			account->ended[(slot - i) % TCPSTATE_SOURCES_TICKS] =
				(u32)now - i * TCPSTATE_TICK_MS;
		ms = TCPSTATE_SOURCES_TICKS * TCPSTATE_TICK_MS;
	}
	account->ended[slot] = now;
	for (i = 0; i < TCPSTATE_SOURCES_TICKS; i++)
		syn += min_of(account->syn[(tick - i) % TCPSTATE_COHORTS], TCPSTATE_COHORT_MAX);
	return syn * 125 / max_of(ms / 8, 1);
}

/* Take in what the owner has counted since the last tick. */
static void take(struct tcpstate_account *account, const struct tcpstate_reading *reading,
		 u32 tick, u64 now)
{
	u32 syn = reading->syn - account->syn_seen, strain = reading->strain - account->strain_seen;

	account->syn_seen = reading->syn;
	account->strain_seen = reading->strain;
	account->strain -= account->strain >> 5;
	account->strain += min_of(strain, TCPSTATE_COHORT_MAX / 64) << 8;
	account->syn[tick % TCPSTATE_COHORTS] = syn;
	account->finding.syn_rate = syn_rate(account, tick, now);
	account->finding.lingering = reading->lingering;
	if (syn)
		account->empty = 0;
	else if (account->empty < 255)
		account->empty++;
	if (!account->usual)
		account->usual = USUAL_START;
}

static void take_sources(struct tcpstate_account *account, struct tcpstate_sources *sources,
			 u32 tick)
{
	tcpstate_sources_turn(sources, account->syn[tick % TCPSTATE_COHORTS]);
	account->finding.concentration = tcpstate_sources_concentration(sources);
	if (!sources->ticks)
		account->finding.sources = tcpstate_sources_last(sources);
}

/*
 * The share that is sampled of the next tick's SYNs is chosen by the last two; of a flood
 * that comes in pulses, by what is between them.
 */
static void prepare_next(struct tcpstate_account *account, u32 tick, u32 quota)
{
	unsigned int age, shift = 0, floor, next = (tick + 1) % TCPSTATE_COHORTS, stratum;
	u32 syn = min_of(account->syn[tick % TCPSTATE_COHORTS],
			 account->syn[(tick - 1) % TCPSTATE_COHORTS]);

	while (min_of(syn, TCPSTATE_COHORT_MAX) >> shift > quota)
		shift++;
	account->shift[next] = shift;
	floor = shift;
	for (age = 0; age < TCPSTATE_SAMPLE_TICKS; age++)
		floor = min_of(floor, account->shift[(tick - age) % TCPSTATE_COHORTS]);
	for (stratum = 0; stratum < TCPSTATE_STRATA; stratum++)
		atomic64_set(&account->cohorts.fates[next][stratum], 0);
	WRITE_ONCE(account->cohorts.floor, floor);
	WRITE_ONCE(account->cohorts.shift, shift);
}

/**
 * tcpstate_verdict_judge() - judge a listener at the end of a tick
 * @account: of the listener
 * @sources: of the listener; NULL for one that never sent a SYN-ACK, of which
 *	never is said that it is flooded
 * @reading: what was counted of it
 * @thresholds: what to go by
 * @tick: tcpstate_sample::tick: the one that ends
 * @quota: tcpstate_sample::quota
 * @now: in ms, monotonic
 *
 * Context: serialised by the owner, as to @sources too; segments may come
 * meanwhile. Some hundred divisions: never for a segment.
 * Return: what there is to alert of; account->finding says the rest.
 */
enum tcpstate_turn tcpstate_verdict_judge(struct tcpstate_account *account,
					  struct tcpstate_sources *sources,
					  const struct tcpstate_reading *reading,
					  const struct tcpstate_thresholds *thresholds,
					  u32 tick, u32 quota, u64 now)
{
	enum tcpstate_verdict kind;
	enum tcpstate_turn turn;
	struct trail trail;

	if (!account->finding.verdict)
		account->finding.verdict = TCPSTATE_VERDICT_OK;
	take(account, reading, tick, now);
	if (sources)
		take_sources(account, sources, tick);
	retire(account, tick, thresholds);
	trail = walk(account, tick, thresholds);
	kind = proof(account, sources, reading, thresholds, &trail);
	if (tcpstate_verdict_trouble(account->finding.verdict))
		turn = go_on(account, kind, trail.lacking, thresholds, now);
	else
		turn = begin(account, kind, &trail, thresholds, now);
	account->finding.completion = !trail.all.syn ? TCPSTATE_UNKNOWN :
				      tcpstate_share_of(trail.all.done, trail.all.syn);
	account->finding.usual = account->usual >> 8;
	prepare_next(account, tick, quota);
	return turn;
}

/**
 * tcpstate_verdict_idle() - is there nothing to judge until the next SYN?
 * @account: of a listener
 *
 * Return: true when ticks may cease as far as this one is concerned.
 */
bool tcpstate_verdict_idle(const struct tcpstate_account *account)
{
	return account->finding.verdict == TCPSTATE_VERDICT_OK &&
	       account->empty >= TCPSTATE_COHORTS && account->usual_syn < 256;
}

/**
 * tcpstate_verdict_name() - how a verdict is called everywhere
 * @verdict: enum tcpstate_verdict
 *
 * Return: its name, or "unknown".
 */
const char *tcpstate_verdict_name(unsigned int verdict)
{
	static const char *const names[__TCPSTATE_VERDICT_MAX] = {
		[TCPSTATE_VERDICT_OK] = "ok",
		[TCPSTATE_VERDICT_SURGE] = "surge",
		[TCPSTATE_VERDICT_FLOOD_SPOOFED] = "flood_spoofed",
		[TCPSTATE_VERDICT_FLOOD_FEW] = "flood_few",
		[TCPSTATE_VERDICT_DEAD_BACKEND] = "dead_backend",
		[TCPSTATE_VERDICT_REFUSED] = "refused",
		[TCPSTATE_VERDICT_OVERLOAD] = "overload",
		[TCPSTATE_VERDICT_SCAN] = "scan",
		[TCPSTATE_VERDICT_REFLECTION_VICTIM] = "reflection_victim",
	};

	return verdict < __TCPSTATE_VERDICT_MAX && names[verdict] ? names[verdict] : "unknown";
}
