/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What became of the SYNs of a tick, or of several: all but their number is
 * estimated from the sample. Between the rooms of the judge, and pure as they are.
 */
#ifndef _TCPSTATE_COHORT_H
#define _TCPSTATE_COHORT_H

#include "verdict.h"

/* SYNs of a cohort; more are taken for as many, so that 32 bits suffice for all sums. */
#define TCPSTATE_COHORT_MAX 0x400000U

/**
 * struct tcpstate_cohort - what became of some SYNs
 * @syn: how many; those of one-sided connections excepted, as of all below
 * @done: completed
 * @refused: by RST
 * @hung: answered, not completed
 * @unheard: neither answered nor refused
 * @retrans: were sent again
 */
struct tcpstate_cohort {
	u32 syn;
	u32 done;
	u32 refused;
	u32 hung;
	u32 unheard;
	u32 retrans;
};

static inline u32 max_of(u32 a, u32 b)
{
	return a > b ? a : b;
}

static inline u32 min_of(u32 a, u32 b)
{
	return a < b ? a : b;
}

struct tcpstate_cohort tcpstate_cohort_of(const struct tcpstate_account *account, u32 tick);
void tcpstate_cohort_add(struct tcpstate_cohort *to, const struct tcpstate_cohort *from);
u32 tcpstate_share_of(u32 part, u32 whole);

#endif /* _TCPSTATE_COHORT_H */
