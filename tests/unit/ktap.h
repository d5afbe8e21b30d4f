/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KTAP for the unit tests: one line a claim.
 *
 *	int main(void)
 *	{
 *		plan(2);
 *		ok(1 + 1 == 2, "one and one are two");
 *		if (!ok(seg.len == 7, "a segment of %d", 7))
 *			diag("len is %u", seg.len);
 *		return done();
 *	}
 *
 * plan() comes first, or not at all: then done() writes it, last.
 */
#ifndef _TCPSTATE_KTAP_H
#define _TCPSTATE_KTAP_H

#include <stdbool.h>
#include <stdio.h>

static int ktap_planned = -1;
static int ktap_run;
static int ktap_failed;
static bool ktap_held;

static inline void ktap_header(void)
{
	static bool printed;

	if (!printed) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		printf("KTAP version 1\n");
	}
	printed = true;
}

/* How many claims are to come. */
static inline void plan(int count)
{
	ktap_header();
	printf("1..%d\n", count);
	ktap_planned = count;
}

static inline void ktap_begin(bool holds)
{
	ktap_header();
	printf("%sok %d - ", holds ? "" : "not ", ++ktap_run);
	ktap_failed += !holds;
	ktap_held = holds;
}

static inline bool ktap_end(void)
{
	putchar('\n');
	return ktap_held;
}

/* One claim, whether it holds, and its name as for printf(). Says if it does. */
#define ok(holds, ...) (ktap_begin(holds), printf(__VA_ARGS__), ktap_end())

/* A remark for whoever reads the failure. */
#define diag(...) (ktap_header(), printf("# "), printf(__VA_ARGS__), (void)putchar('\n'))

/* What main() returns: 0 when every claim that was planned ran and holds. */
static inline int done(void)
{
	if (ktap_planned < 0)
		plan(ktap_run);
	if (ktap_planned != ktap_run)
		diag("planned %d, ran %d", ktap_planned, ktap_run);
	if (ktap_failed)
		diag("%d of %d failed", ktap_failed, ktap_run);
	return ktap_failed || ktap_planned != ktap_run;
}

#endif /* _TCPSTATE_KTAP_H */
