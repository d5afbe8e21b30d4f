/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hosts that deserve a second look: sources that ask many targets and complete
 * little (a scan), and hosts that are sent SYN-ACKs they did not ask for (the
 * victims of a reflection).
 *
 * Both are the same thing: a host, charges against it, each naming another
 * party, and what speaks for it. Two tables, one for each; bounded, and those
 * with most charges stay. Pure, as sketch.h.
 */
#ifndef _TCPSTATE_SUSPECT_H
#define _TCPSTATE_SUSPECT_H

#include "verdict.h"

#define TCPSTATE_SUSPECT_WAYS	8
#define TCPSTATE_SUSPECT_SETS	16
#define TCPSTATE_SUSPECTS	(TCPSTATE_SUSPECT_WAYS * TCPSTATE_SUSPECT_SETS)

/* Ticks after which charges are halved, and the older of two sets of others begun anew. */
#define TCPSTATE_SUSPECT_TICKS 20

/**
 * struct tcpstate_case - what else is known of a suspect
 * @others: bitmaps of the other parties' hashes, in the running five seconds and before
 * @pardon: what speaks for it, as many as charges; halved as they are
 * @rate: charges of the last second
 * @recent: charges of the running second
 * @parties: how many others, about; as of the last tick
 * @calm: ticks for which a guilty one has looked innocent
 * @guilty: a verdict is out
 * @since: when it was found, ms
 */
struct tcpstate_case {
	u64 others[2];
	u64 since;
	u32 pardon;
	u32 rate;
	u32 recent;
	u32 parties;
	u8 calm;
	bool guilty;
};

/**
 * struct tcpstate_suspects - one table of suspects
 * @hitter: who, and its charges
 * @about: the case of each
 * @verdict: TCPSTATE_VERDICT_SCAN or TCPSTATE_VERDICT_REFLECTION_VICTIM
 * @ticks: since charges were halved
 *
 * Zero to begin with, but for @verdict. The owner serialises. For a segment's
 * sake a trylock will do.
 */
struct tcpstate_suspects {
	struct tcpstate_hitter hitter[TCPSTATE_SUSPECTS];
	struct tcpstate_case about[TCPSTATE_SUSPECTS];
	u8 verdict;
	u8 ticks;
};

void tcpstate_suspects_charge(struct tcpstate_suspects *suspects, const struct tcpstate_host *host,
			      u32 hash, u32 other);
void tcpstate_suspects_pardon(struct tcpstate_suspects *suspects, const struct tcpstate_host *host,
			      u32 hash);
enum tcpstate_turn tcpstate_suspects_judge(struct tcpstate_suspects *suspects, unsigned int i,
					   const struct tcpstate_thresholds *thresholds, u64 now);
void tcpstate_suspects_turn(struct tcpstate_suspects *suspects);

#endif /* _TCPSTATE_SUSPECT_H */
