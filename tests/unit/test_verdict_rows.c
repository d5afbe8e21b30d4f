// SPDX-License-Identifier: GPL-2.0
/*
 * Every row of flood.md's table, thirty times at its full rate, and the
 * confusion matrix of it. Built without sanitizers, for it is 10^9 SYNs;
 * test_verdict.c plays the slower rows under them.
 *
 *	SEED=1 SEEDS=30 build/test_verdict_rows
 */
#include "rows.h"

int main(void)
{
	unsigned int seed = setting("SEED", 1), seeds = setting("SEEDS", 30), i;
	unsigned long long syns = 0;

	plan(ROWS + 3);
	print_head();
	for (i = 0; i < ROWS; i++)
		play_row(&rows[i], seeds, seed, &syns);
	play_thousand(200, seeds / 3 + 1, seed, &syns);
	play_thousand(2000, seeds / 3 + 1, seed, &syns);
	play_thousand(100000, seeds / 10 + 1, seed, &syns);
	diag("%llu SYNs", syns);
	return done();
}
