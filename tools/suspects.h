/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Endpoints of which the module and the kernel say different things. A flow may
 * change while the two are asked one after the other, so nobody is accused on
 * one reading: what differs is asked about in several rounds.
 */
#ifndef _TCPSTATE_SUSPECTS_H
#define _TCPSTATE_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

/* So often a difference must be seen, and so many milliseconds lie between first and last. */
#define SUSPECT_ROUNDS	3
/* TCP may keep back for 200 ms the ACK that tells the wire what a socket knows. */
#define SUSPECT_STANDING 600

/**
 * struct suspect - an endpoint
 * @flow: as it was read last, but for its history
 * @end: which endpoint of it
 * @socket: enum tcpstate_state as the kernel has it, TCPSTATE_UNSPEC for no socket
 * @translated: that socket knows its peer by another address
 * @since: milliseconds, when both opinions had been read that first differed so
 * @began: likewise, when the round began that saw it last
 * @judged: likewise, when both had been read in that
 * @rounds: in how many rounds it was seen, without one between
 */
struct suspect {
	struct flow flow;
	enum end end;
	uint8_t socket;
	bool translated;
	uint64_t since;
	uint64_t began;
	uint64_t judged;
	unsigned int rounds;
};

/**
 * struct suspects - of a round
 * @list: owned
 */
struct suspects {
	struct suspect *list;
	size_t count;
	size_t room;
};

void suspects_end(struct suspects *suspects);

/* Takes a copy, in which since and rounds become those of a first round. Or -ENOMEM. */
int suspects_add(struct suspects *suspects, const struct suspect *suspect);

/* Those that stood already in the round before keep what they have stood. */
void suspects_carry(struct suspects *suspects, const struct suspects *before);

/* Has it been seen often and long enough to be accused? */
bool suspect_guilty(const struct suspect *suspect);

/* And is there nothing to be learnt of another round, for no segment came meanwhile? */
bool suspect_settled(const struct suspect *suspect);

#endif /* _TCPSTATE_SUSPECTS_H */
