/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a listener's SYNs come from: how many sources ask, how many of them
 * complete, and which have most handshakes waiting.
 *
 * Pure, as sketch.h.
 */
#ifndef _TCPSTATE_SOURCES_H
#define _TCPSTATE_SOURCES_H

#include "sketch.h"

/* Ticks after which the older of the two buffers is begun anew: a second. */
#define TCPSTATE_SOURCES_TICKS 4

/* Ticks after which the counts of @top are halved. */
#define TCPSTATE_TOP_TICKS 8

#define TCPSTATE_TOP 32

/**
 * struct tcpstate_sources - the sources of a listener's SYNs
 * @asked: those of first SYNs: in the second that runs and in the one before
 * @came: those that completed a handshake, likewise
 * @syn: how many first SYNs the two seconds had; the judge's
 * @top: sources of sampled SYNs whose handshake still waits, or was given up
 * @waiting: how many such SYNs there are, those included whose source has no
 *	place in @top; halved as its counts are
 * @now: which of the two buffers is the running second's; written by the judge
 * @ticks: that the running second has had; likewise
 * @age: ticks since @top was halved; likewise
 *
 * All zero to begin with. @asked and @came need no lock. @top and @waiting are
 * serialised by the owner: only sampled SYNs touch them, at most 2,048 a second
 * and listener, and the judge.
 */
struct tcpstate_sources {
	struct tcpstate_distinct asked[2];
	struct tcpstate_distinct came[2];
	u32 syn[2];
	struct tcpstate_hitter top[TCPSTATE_TOP];
	u32 waiting;
	u8 now;
	u8 ticks;
	u8 age;
};

/**
 * struct tcpstate_share - a source and its part in what waits
 * @host: the source
 * @share: its share of the handshakes that wait, in 1/256
 */
struct tcpstate_share {
	struct tcpstate_host host;
	u32 share;
};

/**
 * tcpstate_sources_asked() - a first SYN came
 * @sources: of the listener
 * @hash: of the source's address, keyed; another than the sample's
 *
 * Context: any, no lock.
 */
static inline void tcpstate_sources_asked(struct tcpstate_sources *sources, u32 hash)
{
	tcpstate_distinct_add(&sources->asked[READ_ONCE(sources->now)], hash);
}

/**
 * tcpstate_sources_came() - a handshake completed
 * @sources: of the listener
 * @hash: as tcpstate_sources_asked()
 *
 * Context: any, no lock.
 */
static inline void tcpstate_sources_came(struct tcpstate_sources *sources, u32 hash)
{
	tcpstate_distinct_add(&sources->came[READ_ONCE(sources->now)], hash);
}

/* All that follow: serialised by the owner. */
void tcpstate_sources_wait(struct tcpstate_sources *sources, const struct tcpstate_host *host);
void tcpstate_sources_settle(struct tcpstate_sources *sources, const struct tcpstate_host *host);
u32 tcpstate_sources_last(const struct tcpstate_sources *sources);
u32 tcpstate_sources_absent(const struct tcpstate_sources *sources);
u32 tcpstate_sources_concentration(const struct tcpstate_sources *sources);
unsigned int tcpstate_sources_top(const struct tcpstate_sources *sources,
				  struct tcpstate_share share[TCPSTATE_TOP]);
void tcpstate_sources_turn(struct tcpstate_sources *sources, u32 syn);

#endif /* _TCPSTATE_SOURCES_H */
