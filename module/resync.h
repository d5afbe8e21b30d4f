/* SPDX-License-Identifier: GPL-2.0 */
/* Refused segments, and when it is they that are right. */
#ifndef _TCPSTATE_RESYNC_H
#define _TCPSTATE_RESYNC_H

#include "fsm.h"

/*
 * How far apart two refused segments may be and still speak of one stream;
 * also how far beyond a SYN that nobody answered its data may lie.
 */
#define HORIZON (4u << 20)

struct tcpstate_outcome tcpstate_resync_refuse(struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from, __u32 fact);
void tcpstate_resync_forget(struct tcpstate_pair *pair);

/* A segment was believed: what was refused before it counts for less. */
static inline void tcpstate_resync_relent(struct tcpstate_pair *pair)
{
	if (!pair->refused)
		return;
	pair->refused <<= 1;
	if (!pair->refused)
		tcpstate_resync_forget(pair);
}

#endif /* _TCPSTATE_RESYNC_H */
