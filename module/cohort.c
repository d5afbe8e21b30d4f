// SPDX-License-Identifier: GPL-2.0
/*
 * Cohorts, as estimated from their samples.
 */
#include "cohort.h"

/* A stratum that stands for @syn SYNs. One that is mostly one-sided says nothing. */
static struct tcpstate_cohort stratum_of(u64 fates, u32 syn)
{
	u32 born = tcpstate_fates_count(fates, TCPSTATE_FATE_BORN);
	u32 aside = tcpstate_fates_count(fates, TCPSTATE_FATE_ONE_SIDED);
	u32 done = tcpstate_fates_count(fates, TCPSTATE_FATE_COMPLETED);
	u32 refused = tcpstate_fates_count(fates, TCPSTATE_FATE_REFUSED);
	u32 answered = tcpstate_fates_count(fates, TCPSTATE_FATE_ANSWERED);
	u32 retrans = tcpstate_fates_count(fates, TCPSTATE_FATE_RETRANS);
	struct tcpstate_cohort cohort = { 0 };
	u32 seen;

	if (born <= 2 * aside)
		return cohort;
	/* A fate may be credited a moment before its birth is. */
	seen = born - aside;
	done = min_of(done, seen);
	refused = min_of(refused, seen - done);
	answered = min_of(max_of(answered, done), seen - refused);

	syn = syn * seen / born;
	cohort.syn = syn;
	cohort.done = syn * done / seen;
	cohort.refused = syn * refused / seen;
	cohort.hung = syn * (answered - done) / seen;
	cohort.unheard = syn * (seen - refused - answered) / seen;
	cohort.retrans = syn * min_of(retrans, seen) / seen;
	return cohort;
}

/**
 * tcpstate_cohort_of() - estimate a cohort
 * @account: of the listener
 * @tick: in which it was born, of the last TCPSTATE_COHORTS - 2
 *
 * Return: the cohort; all zero where the sample knows nothing of it, or where
 * most of its connections are one-sided.
 */
struct tcpstate_cohort tcpstate_cohort_of(const struct tcpstate_account *account, u32 tick)
{
	unsigned int slot = tick % TCPSTATE_COHORTS;
	u64 first = atomic64_read(&account->cohorts.fates[slot][0]);
	u64 second = atomic64_read(&account->cohorts.fates[slot][1]);
	u32 born = tcpstate_fates_count(first, TCPSTATE_FATE_BORN);
	u32 syn = min_of(max_of(account->syn[slot], born), TCPSTATE_COHORT_MAX), rest = 0;
	struct tcpstate_cohort cohort, other;

	if (tcpstate_fates_count(second, TCPSTATE_FATE_BORN)) {
		rest = syn - min_of(born << account->shift[slot], syn);
		syn -= rest;
	}
	cohort = stratum_of(first, syn);
	other = stratum_of(second, rest);
	tcpstate_cohort_add(&cohort, &other);
	return cohort;
}

/**
 * tcpstate_cohort_add() - take two for one
 * @to: the sum
 * @from: what is added to it
 */
void tcpstate_cohort_add(struct tcpstate_cohort *to, const struct tcpstate_cohort *from)
{
	to->syn += from->syn;
	to->done += from->done;
	to->refused += from->refused;
	to->hung += from->hung;
	to->unheard += from->unheard;
	to->retrans += from->retrans;
}

/**
 * tcpstate_share_of() - a part of a whole
 * @part: of @whole
 * @whole: of at most sixteen cohorts
 *
 * Return: the share, in 1/256; 0 of nothing.
 */
u32 tcpstate_share_of(u32 part, u32 whole)
{
	if (whole >= TCPSTATE_COHORT_MAX) {
		part >>= 4;
		whole >>= 4;
	}
	return whole ? (part << 8) / whole : 0;
}
