// SPDX-License-Identifier: GPL-2.0
/*
 * The sources of a listener's SYNs.
 */
#include "sources.h"

/* A source with fewer handshakes that wait is any client with bad luck. */
#define WAITING_MIN 3

/**
 * tcpstate_sources_wait() - a SYN of this source was sampled
 * @sources: of the listener
 * @host: the source, without its port
 *
 * Context: serialised by the owner.
 */
void tcpstate_sources_wait(struct tcpstate_sources *sources, const struct tcpstate_host *host)
{
	bool fresh;

	tcpstate_hitters_add(sources->top, TCPSTATE_TOP, host, &fresh);
	sources->waiting++;
}

/**
 * tcpstate_sources_settle() - the sample forgot a SYN of this source
 * @sources: of the listener
 * @host: as tcpstate_sources_wait()
 *
 * Context: serialised by the owner.
 */
void tcpstate_sources_settle(struct tcpstate_sources *sources, const struct tcpstate_host *host)
{
	struct tcpstate_hitter *hitter = tcpstate_hitters_find(sources->top, TCPSTATE_TOP, host);

	if (hitter && tcpstate_hitter_surely(hitter))
		hitter->count--;
	if (sources->waiting)
		sources->waiting--;
}

/**
 * tcpstate_sources_last() - how many sources in the last full second?
 * @sources: of the listener
 *
 * Return: about so many.
 */
u32 tcpstate_sources_last(const struct tcpstate_sources *sources)
{
	const struct tcpstate_distinct *last = &sources->asked[!sources->now];

	return tcpstate_distinct_estimate(last, last);
}

/**
 * tcpstate_sources_absent() - how many sources asked and did not complete?
 * @sources: of the listener
 *
 * Of the second that runs and the one before. The difference of two estimates
 * is as uncertain as the larger of them is: one standard deviation and more is
 * added, so that it is hardly ever too low.
 *
 * Return: at most about so many.
 */
u32 tcpstate_sources_absent(const struct tcpstate_sources *sources)
{
	u32 asked = tcpstate_distinct_estimate(&sources->asked[0], &sources->asked[1]);
	u32 came = tcpstate_distinct_estimate(&sources->came[0], &sources->came[1]);

	return (asked > came ? asked - came : 0) + asked / 8;
}

/* The handshakes that surely wait for this one, where it has enough of them. */
static u32 waits(const struct tcpstate_hitter *hitter)
{
	u32 surely = tcpstate_hitter_surely(hitter);

	return surely < WAITING_MIN ? 0 : surely;
}

/* @part of all that wait, in 1/256. Both are of the sample, so small. */
static u32 share_of(const struct tcpstate_sources *sources, u32 part)
{
	return part >= sources->waiting ? 256 * !!part : part * 256 / sources->waiting;
}

/**
 * tcpstate_sources_concentration() - what part of all that waits has few sources?
 * @sources: of the listener
 *
 * Context: serialised by the owner.
 * Return: the share, in 1/256, of those of tcpstate_sources_top() together.
 */
u32 tcpstate_sources_concentration(const struct tcpstate_sources *sources)
{
	unsigned int i;
	u32 sum = 0;

	for (i = 0; i < TCPSTATE_TOP; i++)
		sum += waits(&sources->top[i]);
	return share_of(sources, sum);
}

/**
 * tcpstate_sources_top() - who has most handshakes that wait?
 * @sources: of the listener
 * @share: room for the answer, most first
 *
 * Context: serialised by the owner.
 * Return: how many there are.
 */
unsigned int tcpstate_sources_top(const struct tcpstate_sources *sources,
				  struct tcpstate_share share[TCPSTATE_TOP])
{
	unsigned int i, at, count = 0;
	u32 part;

	for (i = 0; i < TCPSTATE_TOP; i++) {
		part = share_of(sources, waits(&sources->top[i]));
		if (!part)
			continue;
		for (at = count++; at && share[at - 1].share < part; at--)
			share[at] = share[at - 1];
		share[at] = (struct tcpstate_share){ sources->top[i].host, part };
	}
	return count;
}

/**
 * tcpstate_sources_turn() - a tick is over
 * @sources: of the listener
 * @syn: first SYNs that it had
 *
 * Context: serialised by the owner; SYNs may come meanwhile.
 */
void tcpstate_sources_turn(struct tcpstate_sources *sources, u32 syn)
{
	u8 next = !sources->now;

	sources->syn[sources->now] += syn;
	if (++sources->ticks == TCPSTATE_SOURCES_TICKS) {
		sources->ticks = 0;
		sources->syn[next] = 0;
		tcpstate_distinct_clear(&sources->asked[next]);
		tcpstate_distinct_clear(&sources->came[next]);
		WRITE_ONCE(sources->now, next);
	}
	if (++sources->age == TCPSTATE_TOP_TICKS) {
		sources->age = 0;
		tcpstate_hitters_halve(sources->top, TCPSTATE_TOP);
		sources->waiting /= 2;
	}
}
