/* SPDX-License-Identifier: GPL-2.0 */
/* Refused segments, and when it is they that are right. */
#ifndef _TCPSTATE_RESYNC_H
#define _TCPSTATE_RESYNC_H

#include "fsm.h"

/*
 * How far apart two refused segments may be and still speak of one stream;
 * also how far beyond a SYN that was not answered its data may lie.
 */
#define HORIZON (4u << 20)

struct tcpstate_outcome tcpstate_resync_refuse(struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from,
					       const struct tcpstate_elapsed *elapsed, __u32 fact);
bool tcpstate_resync_revives(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			     enum tcpstate_end from);
void tcpstate_resync_drop(struct tcpstate_pair *pair);
bool tcpstate_resync_idle(const struct tcpstate_elapsed *elapsed);

/* Have refused segments that agree closed the connection, by FINs of both endpoints? */
static inline bool tcpstate_resync_closed(const struct tcpstate_pair *pair)
{
	const __u8 fins = TCPSTATE_GAP_FIN | TCPSTATE_GAP_FIN << 1;

	return pair->doubt && (pair->flags & fins) == fins;
}

/* A segment was believed: refused ones before it are no evidence any more. */
static inline void tcpstate_resync_relent(struct tcpstate_pair *pair)
{
	if (pair->sides || pair->turns || pair->doubt)
		tcpstate_resync_drop(pair);
}

#endif /* _TCPSTATE_RESYNC_H */
