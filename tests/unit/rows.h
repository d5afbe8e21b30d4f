/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the table at the end of flood.md, and some more, as streams; what
 * must be said of each, and how soon. Played by the tests that include this.
 */
#ifndef _TCPSTATE_ROWS_H
#define _TCPSTATE_ROWS_H

#include "ktap.h"
#include "stream.h"

#define ONSET 20000	/* ms; before it all is as usual */

#define SAYS(verdict)	(1U << TCPSTATE_VERDICT_##verdict)
#define FLOOD		SAYS(FLOOD_SPOOFED)
#define NOTHING		0

/* A listener's own clients. */
#define OWN(times) { .rate = (times), .rtt = 60, .sigma = 0.6, .lost = 10, .never = 20 }
#define CROWD(times, at) { .rate = (times), .from = (at), .rtt = 300, .sigma = 0.8, .lost = 20, \
			   .never = 150 }
#define SPOOFED(times, at) { .rate = (times), .from = (at), .who = STREAM_SPOOFED }

/**
 * struct row - a scenario
 * @name: of it
 * @want: the troubles that may be named, of which one must be; NOTHING if none may
 * @within: ms from @onset
 * @onset: from which the time is taken
 * @setup: the stream
 */
struct row {
	const char *name;
	unsigned int want, within, onset;
	struct stream_setup setup;
};

static const struct row rows[] = {
	{ "own clients, 2/s", NOTHING, 0, 0, { .load = { OWN(2) }, .ms = 60000 } },
	{ "own clients, 100/s", NOTHING, 0, 0, { .load = { OWN(100) }, .ms = 60000 } },
	{ "own clients, 10,000/s", NOTHING, 0, 0, { .load = { OWN(10000) }, .ms = 40000 } },
	{ "clients 700 ms away, 100/s", NOTHING, 0, 0,
	  { .load = { { .rate = 100, .rtt = 700, .sigma = 0.3, .lost = 20, .never = 20 } },
	    .ms = 60000 } },
	{ "a third never complete, always", NOTHING, 0, 0,
	  { .load = { { .rate = 100, .rtt = 60, .sigma = 0.6, .lost = 20, .never = 333 } },
	    .ms = 60000 } },
	{ "30 % loss for 5 s", NOTHING, 0, 0,
	  { .load = { { .rate = 500, .until = ONSET, .rtt = 60, .sigma = 0.6, .lost = 10 },
		      { .rate = 500, .from = ONSET, .until = ONSET + 5000, .rtt = 60, .sigma = 0.6,
			.lost = 300 },
		      { .rate = 500, .from = ONSET + 5000, .rtt = 60, .sigma = 0.6, .lost = 10 } },
	    .ms = 40000 } },

	{ "flash crowd, 10x 100/s", NOTHING, 0, 0,
	  { .load = { OWN(100), CROWD(1000, ONSET) }, .ms = ONSET + 30000 } },
	{ "flash crowd, 100x 100/s", NOTHING, 0, 0,
	  { .load = { OWN(100), CROWD(10000, ONSET) }, .ms = ONSET + 30000 } },
	{ "flash crowd, 10x 100,000/s", NOTHING, 0, 0,
	  { .load = { OWN(100000), CROWD(1000000, ONSET) }, .ms = ONSET + 8000 } },
	{ "flash crowd, 1,000/s on an idle listener", NOTHING, 0, 0,
	  { .load = { CROWD(1000, ONSET) }, .ms = ONSET + 60000 } },

	{ "flash crowd, 1,000/s, all a second away", NOTHING, 0, 0,
	  { .load = { OWN(100), { .rate = 1000, .from = ONSET, .rtt = 1000, .sigma = 0.3,
				  .lost = 20, .never = 150 } },
	    .ms = ONSET + 30000 } },
	{ "flash crowd, 10,000/s, backlog of 4096, no cookies", SAYS(DEAD_BACKEND), 10000, ONSET,
	  { .load = { OWN(100), CROWD(10000, ONSET) }, .backlog = 4096, .ms = ONSET + 30000 } },
	{ "flash crowd, 1,000/s, 200/s accepted", SAYS(OVERLOAD), 10000, ONSET,
	  { .load = { OWN(100), CROWD(1000, ONSET) }, .server = STREAM_SLOW, .accepts = 200,
	    .queue = 128, .ms = ONSET + 30000 } },

	{ "flood 10x 100/s", FLOOD, 1250, ONSET,
	  { .load = { OWN(100), SPOOFED(1000, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 10x 10,000/s", FLOOD, 1250, ONSET,
	  { .load = { OWN(10000), SPOOFED(100000, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 10x 100,000/s", FLOOD, 1250, ONSET,
	  { .load = { OWN(100000), SPOOFED(1000000, ONSET) }, .ms = ONSET + 5000 } },
	{ "flood 2x 100/s", FLOOD, 2500, ONSET,
	  { .load = { OWN(100), SPOOFED(200, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 2x 10,000/s", FLOOD, 2500, ONSET,
	  { .load = { OWN(10000), SPOOFED(20000, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 1x 100/s", FLOOD, 5000, ONSET,
	  { .load = { OWN(100), SPOOFED(100, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 1x 10,000/s", FLOOD, 5000, ONSET,
	  { .load = { OWN(10000), SPOOFED(10000, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 10x, backlog of 256, no cookies", FLOOD, 2500, ONSET,
	  { .load = { OWN(100), SPOOFED(1000, ONSET) }, .backlog = 256, .ms = ONSET + 20000 } },
	{ "flood 1x, backlog of 256, no cookies", FLOOD, 5000, ONSET,
	  { .load = { OWN(100), SPOOFED(100, ONSET) }, .backlog = 256, .ms = ONSET + 20000 } },
	{ "flood 1,000/s on an idle listener", FLOOD, 1250, ONSET,
	  { .load = { SPOOFED(1000, ONSET) }, .ms = ONSET + 8000 } },
	{ "flood 1,000,000/s on an idle listener", FLOOD, 1250, ONSET,
	  { .load = { SPOOFED(1000000, ONSET) }, .ms = ONSET + 5000 } },
	{ "flood 1,000/s inside a flash crowd 1,000/s", FLOOD, 5000, ONSET + 10000,
	  { .load = { OWN(100), CROWD(1000, ONSET), SPOOFED(1000, ONSET + 10000) },
	    .ms = ONSET + 20000 } },
	{ "flood 100,000/s inside a flash crowd 100,000/s", FLOOD, 5000, ONSET + 10000,
	  { .load = { OWN(10000), CROWD(100000, ONSET), SPOOFED(100000, ONSET + 10000) },
	    .ms = ONSET + 18000 } },
	{ "flood 10x 100/s for 10 s", FLOOD, 1250, ONSET,
	  { .load = { OWN(100), { .rate = 1000, .from = ONSET, .until = ONSET + 10000,
				  .who = STREAM_SPOOFED } },
	    .ms = ONSET + 80000 } },
	{ "pulsed flood, 20x 100/s, 100 ms every 2 s", FLOOD, 5000, ONSET,
	  { .load = { OWN(100), { .rate = 2000, .from = ONSET, .on = 100, .period = 2000,
				  .who = STREAM_SPOOFED } },
	    .ms = ONSET + 30000 } },
	{ "pulsed flood, 1,000,000/s, 100 ms every 2 s", FLOOD, 2000, ONSET,
	  { .load = { OWN(1000), { .rate = 1000000, .from = ONSET, .on = 100, .period = 2000,
				   .who = STREAM_SPOOFED } },
	    .ms = ONSET + 20000 } },
	{ "40 SYN/s on an idle listener", FLOOD, 60000, ONSET,
	  { .load = { SPOOFED(40, ONSET) }, .ms = ONSET + 62000 } },
	{ "40 SYN/s beside 40/s of its own", FLOOD, 60000, ONSET,
	  { .load = { OWN(40), SPOOFED(40, ONSET) }, .ms = ONSET + 62000 } },

	{ "16 sources, 10x 100/s", SAYS(FLOOD_FEW), 3500, ONSET,
	  { .load = { OWN(100), { .rate = 1000, .from = ONSET, .who = STREAM_FEW,
				  .sources = 16 } },
	    .ms = ONSET + 10000 } },
	{ "16 sources, 100x 1,000/s", SAYS(FLOOD_FEW), 3500, ONSET,
	  { .load = { OWN(1000), { .rate = 100000, .from = ONSET, .who = STREAM_FEW,
				   .sources = 16 } },
	    .ms = ONSET + 10000 } },
	{ "16 sources, 2x 100/s", SAYS(FLOOD_FEW), 3500, ONSET,
	  { .load = { OWN(100), { .rate = 200, .from = ONSET, .who = STREAM_FEW,
				  .sources = 16 } },
	    .ms = ONSET + 10000 } },
	{ "300 sources, 100x 100/s", SAYS(FLOOD_FEW), 3500, ONSET,
	  { .load = { OWN(100), { .rate = 10000, .from = ONSET, .who = STREAM_FEW,
				  .sources = 300 } },
	    .ms = ONSET + 10000 } },
	{ "dead backend, 100/s", SAYS(DEAD_BACKEND), 3500, ONSET,
	  { .load = { OWN(100) }, .server = STREAM_DEAD, .changes = ONSET, .ms = ONSET + 10000 } },
	{ "dead backend, 10,000/s", SAYS(DEAD_BACKEND), 3500, ONSET,
	  { .load = { OWN(10000) }, .server = STREAM_DEAD, .changes = ONSET,
	    .ms = ONSET + 10000 } },
	{ "dead backend, 10,000/s, after a minute", SAYS(DEAD_BACKEND), 3500, ONSET + 50000,
	  { .load = { OWN(10000) }, .server = STREAM_DEAD, .changes = ONSET + 50000,
	    .ms = ONSET + 60000 } },
	{ "dead backend, 10/s", SAYS(DEAD_BACKEND), 6000, ONSET,
	  { .load = { OWN(10) }, .server = STREAM_DEAD, .changes = ONSET, .ms = ONSET + 10000 } },
	{ "dead backend of an idle listener, 1,000/s", SAYS(DEAD_BACKEND), 3500, ONSET,
	  { .load = { { .rate = 1000, .from = ONSET, .rtt = 60, .sigma = 0.6 } },
	    .server = STREAM_DEAD, .ms = ONSET + 10000 } },
	{ "silent target, 100/s", SAYS(DEAD_BACKEND), 3500, ONSET,
	  { .load = { { .rate = 100, .from = ONSET, .rtt = 60, .sigma = 0.6 } }, .silent = true,
	    .server = STREAM_DEAD, .ms = ONSET + 10000 } },
	{ "closed port, 100/s", SAYS(REFUSED), 3500, ONSET,
	  { .load = { OWN(100) }, .server = STREAM_CLOSED, .changes = ONSET,
	    .ms = ONSET + 10000 } },
	{ "closed port, 100,000/s", SAYS(REFUSED), 3500, ONSET,
	  { .load = { OWN(100000) }, .server = STREAM_CLOSED, .changes = ONSET,
	    .ms = ONSET + 5000 } },
	{ "refusing target, 1,000,000/s", SAYS(REFUSED), 3500, ONSET,
	  { .load = { SPOOFED(1000000, ONSET) }, .silent = true, .server = STREAM_CLOSED,
	    .ms = ONSET + 5000 } },
	{ "accept queue full, 200/s, 50/s accepted", SAYS(OVERLOAD), 10000, ONSET,
	  { .load = { OWN(200) }, .server = STREAM_SLOW, .changes = ONSET, .accepts = 50,
	    .queue = 128, .ms = ONSET + 30000 } },
	{ "accept queue full, 200/s, none accepted", SAYS(OVERLOAD), 10000, ONSET,
	  { .load = { OWN(200) }, .server = STREAM_SLOW, .changes = ONSET, .queue = 128,
	    .ms = ONSET + 30000 } },

	{ "all one-sided, 100/s", NOTHING, 0, 0,
	  { .load = { { .rate = 100, .rtt = 60, .sigma = 0.6, .lost = 10, .never = 20,
			.one_sided = 1000 } },
	    .ms = 60000 } },
	{ "all one-sided, a flash crowd", NOTHING, 0, 0,
	  { .load = { { .rate = 100, .rtt = 60, .sigma = 0.6, .never = 20, .one_sided = 1000 },
		      { .rate = 10000, .from = ONSET, .rtt = 300, .sigma = 0.8, .never = 150,
			.one_sided = 1000 } },
	    .ms = ONSET + 20000 } },
	{ "half one-sided, 100/s", NOTHING, 0, 0,
	  { .load = { { .rate = 100, .rtt = 60, .sigma = 0.6, .lost = 10, .never = 20,
			.one_sided = 500 } },
	    .ms = 60000 } },
	{ "half becomes one-sided, 100/s", NOTHING, 0, 0,
	  { .load = { { .rate = 50, .rtt = 60, .sigma = 0.6, .lost = 10 },
		      { .rate = 50, .until = ONSET, .rtt = 60, .sigma = 0.6, .lost = 10 },
		      { .rate = 50, .from = ONSET, .rtt = 60, .sigma = 0.6, .lost = 10,
			.never = 20, .one_sided = 1000 } },
	    .ms = 60000 } },
	{ "becomes one-sided, 100/s", NOTHING, 0, 0,
	  { .load = { { .rate = 100, .until = ONSET, .rtt = 60, .sigma = 0.6, .lost = 10 },
		      { .rate = 100, .from = ONSET, .rtt = 60, .sigma = 0.6, .lost = 10,
			.never = 20, .one_sided = 1000 } },
	    .ms = 60000 } },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What was said in a run. */
struct saying {
	unsigned int onset;
	unsigned int first;		/* the first trouble named */
	unsigned int late;		/* ms from @onset until then */
	unsigned int all;		/* every verdict that there was, a bit each */
	unsigned int begins, changes, ends;
};

static inline void take_down(struct stream *stream, unsigned int which, enum tcpstate_turn turn,
			     void *arg)
{
	unsigned int verdict = stream->listener[which].account.finding.verdict;
	struct saying *saying = arg;

	saying->all |= 1U << verdict;
	saying->changes += turn == TCPSTATE_TURN_CHANGED;
	saying->ends += turn == TCPSTATE_TURN_ENDED;
	if (turn != TCPSTATE_TURN_BEGAN)
		return;
	if (!saying->begins++) {
		saying->first = verdict;
		saying->late = stream->now - saying->onset;
	}
}

/* All moments but the first are later by @phase, so that ticks fall anywhere. */
static inline struct saying play(const struct row *row, unsigned int phase, uint64_t seed,
				 unsigned long long *syns)
{
	struct stream_setup setup = row->setup;
	struct saying saying = { .onset = row->onset + phase };
	struct stream *stream;
	unsigned int i;

	setup.changes += setup.changes ? phase : 0;
	for (i = 0; i < STREAM_LOADS; i++) {
		setup.load[i].from += setup.load[i].from ? phase : 0;
		setup.load[i].until += setup.load[i].until ? phase : 0;
	}
	stream = stream_new(&setup, seed);
	while (stream_step(stream, take_down, &saying))
		;
	*syns += stream->syns;
	stream_free(stream);
	return saying;
}

static inline int by_size(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The head of the confusion matrix: what was named first, in how many runs, and when. */
static inline void print_head(void)
{
	diag("%-48s %5s %5s %7s %5s %5s %7s %8s  %s", "runs in which was said", "ok", "surge",
	     "spoofed", "few", "dead", "refused", "overload", "ms: median, p90, max");
}

static inline void print_row(const char *name, const unsigned int said[], const int late[],
			     unsigned int n)
{
	printf("# %-48s %5u %5u %7u %5u %5u %7u %8u", name, said[TCPSTATE_VERDICT_OK],
	       said[TCPSTATE_VERDICT_SURGE], said[TCPSTATE_VERDICT_FLOOD_SPOOFED],
	       said[TCPSTATE_VERDICT_FLOOD_FEW], said[TCPSTATE_VERDICT_DEAD_BACKEND],
	       said[TCPSTATE_VERDICT_REFUSED], said[TCPSTATE_VERDICT_OVERLOAD]);
	if (n)
		printf("  %d %d %d", late[n / 2], late[n * 9 / 10], late[n - 1]);
	putchar('\n');
}

/* Does a run say what it must, in time, and nothing else, and once? */
static inline bool says_right(const struct row *row, const struct saying *saying)
{
	if (saying->all & ~(row->want | SAYS(OK) | SAYS(SURGE)) || saying->begins > 1)
		return false;
	return !row->want || (saying->begins && saying->late <= row->within);
}

/* Play a row @seeds times, from @seed on; claim what must hold and say what was. */
static inline void play_row(const struct row *row, unsigned int seeds, unsigned int seed,
			    unsigned long long *syns)
{
	unsigned int said[__TCPSTATE_VERDICT_MAX] = { 0 }, i, wrong = 0, n = 0;
	struct saying saying;
	int late[seeds];

	for (i = 0; i < seeds; i++) {
		saying = play(row, (i * 250 + 125) / seeds, seed + i, syns);
		if (saying.begins)
			late[n++] = saying.late;
		else
			saying.first = saying.all & SAYS(SURGE) ? TCPSTATE_VERDICT_SURGE :
								  TCPSTATE_VERDICT_OK;
		said[saying.first]++;
		if (says_right(row, &saying))
			continue;
		wrong++;
		diag("seed %u: %u begins, first %s at %u ms, %u changes, all %#x", seed + i,
		     saying.begins, tcpstate_verdict_name(saying.first), saying.late,
		     saying.changes, saying.all);
	}
	qsort(late, n, sizeof(late[0]), by_size);
	if (row->want)
		ok(!wrong, "%s: named within %u ms, once", row->name, row->within);
	else
		ok(!wrong, "%s: no trouble", row->name);
	print_row(row->name, said, late, n);
}

struct sayings {
	unsigned int onset;
	int late[STREAM_LISTENERS];	/* ms from @onset; -1 where nothing was said */
	unsigned int begins;
};

static inline void take_down_all(struct stream *stream, unsigned int which,
				 enum tcpstate_turn turn, void *arg)
{
	struct sayings *sayings = arg;

	if (turn != TCPSTATE_TURN_BEGAN)
		return;
	sayings->begins++;
	if (tcpstate_verdict_flood(stream->listener[which].account.finding.verdict))
		sayings->late[which] = stream->now - sayings->onset;
}

#define FLOODED_FIRST	300
#define FLOODED		10

/*
 * A thousand listeners share the sample, ten are flooded with @rate SYNs a second each:
 * those are named, and no other.
 */
static inline void play_thousand(unsigned int rate, unsigned int seeds, unsigned int seed,
				 unsigned long long *syns)
{
	struct stream_setup setup = {
		.load = { OWN(20), SPOOFED(rate, ONSET) },
		.listeners = STREAM_LISTENERS,
		.ms = ONSET + 10000,
	};
	unsigned int i, j, n = 0, wrong = 0;
	int late[seeds * FLOODED];
	struct sayings sayings;
	struct stream *stream;

	setup.load[0].listeners = STREAM_LISTENERS;
	setup.load[1].first = FLOODED_FIRST;
	setup.load[1].listeners = FLOODED;
	for (i = 0; i < seeds; i++) {
		sayings.begins = 0;
		sayings.onset = ONSET + (i * 250 + 125) / seeds;
		memset(sayings.late, -1, sizeof(sayings.late));
		setup.load[1].from = sayings.onset;
		stream = stream_new(&setup, seed + i);
		while (stream_step(stream, take_down_all, &sayings))
			;
		*syns += stream->syns;
		stream_free(stream);
		wrong += sayings.begins != FLOODED;
		for (j = 0; j < FLOODED; j++)
			if (sayings.late[FLOODED_FIRST + j] >= 0)
				late[n++] = sayings.late[FLOODED_FIRST + j];
	}
	qsort(late, n, sizeof(late[0]), by_size);
	ok(!wrong && n == seeds * FLOODED && late[n - 1] <= 2500,
	   "1,000 listeners, ten of them flooded with %u/s each: those ten, no other", rate);
	if (n)
		diag("%u named of %u, %u runs wrong; ms: median %d, p90 %d, max %d", n,
		     seeds * FLOODED, wrong, late[n / 2], late[n * 9 / 10], late[n - 1]);
}

/* A number from the environment, so that a run can be repeated, or made longer. */
static inline unsigned int setting(const char *name, unsigned int usual)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : usual;
}

#endif /* _TCPSTATE_ROWS_H */
