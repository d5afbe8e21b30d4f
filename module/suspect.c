// SPDX-License-Identifier: GPL-2.0
/*
 * Hosts that deserve a second look.
 */
#include <linux/string.h>

#include "suspect.h"

/* Of the running five seconds, and of those before. */
enum { NOW, BEFORE };

static struct tcpstate_hitter *set_of(struct tcpstate_suspects *suspects, u32 hash)
{
	return &suspects->hitter[hash % TCPSTATE_SUSPECT_SETS * TCPSTATE_SUSPECT_WAYS];
}

static struct tcpstate_case *case_of(struct tcpstate_suspects *suspects,
				     const struct tcpstate_hitter *hitter)
{
	return &suspects->about[hitter - suspects->hitter];
}

/**
 * tcpstate_suspects_charge() - a SYN of this source; or a SYN-ACK to this host
 *	that no SYN of its asked for
 * @suspects: of scanners, or of victims
 * @host: the source, or the host; without its port
 * @hash: of @host, keyed
 * @other: hash, keyed, of what it asked, port included; or of who answered it
 *
 * A SYN to a listener that is under TCPSTATE_VERDICT_FLOOD_SPOOFED says nothing
 * of its source and should not be charged.
 *
 * Context: serialised by the owner; not waited for by a segment.
 */
void tcpstate_suspects_charge(struct tcpstate_suspects *suspects, const struct tcpstate_host *host,
			      u32 hash, u32 other)
{
	struct tcpstate_hitter *hitter;
	struct tcpstate_case *about;
	bool fresh;

	hitter = tcpstate_hitters_add(set_of(suspects, hash), TCPSTATE_SUSPECT_WAYS, host, &fresh);
	if (!hitter)
		return;
	about = case_of(suspects, hitter);
	if (fresh)
		*about = (struct tcpstate_case){ 0 };
	about->others[NOW] |= 1ULL << (other >> 26);
	about->recent++;
}

/**
 * tcpstate_suspects_pardon() - its handshake completed, or it went on though the
 *	responder was never heard; or the SYN-ACK was followed by more of the connection
 * @suspects: as tcpstate_suspects_charge()
 * @host: likewise
 * @hash: likewise
 *
 * What follows an unasked SYN-ACK from the responder (an ACK, data) proves that
 * the host's own segments merely go another way.
 *
 * Context: serialised by the owner; not waited for by a segment.
 */
void tcpstate_suspects_pardon(struct tcpstate_suspects *suspects, const struct tcpstate_host *host,
			      u32 hash)
{
	struct tcpstate_hitter *hitter = tcpstate_hitters_find(set_of(suspects, hash),
							       TCPSTATE_SUSPECT_WAYS, host);

	if (hitter)
		case_of(suspects, hitter)->pardon++;
}

static bool looks_guilty(const struct tcpstate_suspects *suspects,
			 const struct tcpstate_hitter *hitter, const struct tcpstate_case *about,
			 const struct tcpstate_thresholds *thresholds)
{
	u32 surely = tcpstate_hitter_surely(hitter);

	if (about->pardon >= surely / 4)
		return false;
	if (suspects->verdict == TCPSTATE_VERDICT_SCAN)
		return about->parties >= thresholds->scan;
	/* Not by a single burst. */
	return about->rate >= thresholds->reflection && surely >= 2 * thresholds->reflection;
}

/**
 * tcpstate_suspects_judge() - judge one suspect at the end of a tick
 * @suspects: as tcpstate_suspects_charge()
 * @i: which, below TCPSTATE_SUSPECTS
 * @thresholds: what to go by
 * @now: in ms, monotonic
 *
 * One that is found guilty keeps its place until it is found so no longer.
 *
 * Context: serialised by the owner.
 * Return: what there is to alert of suspects->hitter[i]. None ever changes.
 */
enum tcpstate_turn tcpstate_suspects_judge(struct tcpstate_suspects *suspects, unsigned int i,
					   const struct tcpstate_thresholds *thresholds, u64 now)
{
	struct tcpstate_hitter *hitter = &suspects->hitter[i];
	struct tcpstate_case *about = &suspects->about[i];
	bool guilty;

	if (!hitter->host.family)
		return TCPSTATE_TURN_NONE;
	if (!((suspects->ticks + 1) % TCPSTATE_SOURCES_TICKS)) {
		about->rate = about->recent;
		about->recent = 0;
	}
	about->parties = tcpstate_bitmap_estimate(about->others[NOW] | about->others[BEFORE]);
	guilty = looks_guilty(suspects, hitter, about, thresholds);
	if (!about->guilty) {
		if (!guilty)
			return TCPSTATE_TURN_NONE;
		about->guilty = true;
		hitter->pinned = true;
		about->calm = 0;
		about->since = now;
		return TCPSTATE_TURN_BEGAN;
	}
	about->calm = guilty ? 0 : about->calm + 1;
	if (about->calm < thresholds->calm)
		return TCPSTATE_TURN_NONE;
	about->guilty = false;
	hitter->pinned = false;
	return TCPSTATE_TURN_ENDED;
}

/**
 * tcpstate_suspects_turn() - a tick is over, and every suspect is judged
 * @suspects: as tcpstate_suspects_charge()
 *
 * Context: serialised by the owner.
 */
void tcpstate_suspects_turn(struct tcpstate_suspects *suspects)
{
	struct tcpstate_case *about;

	if (++suspects->ticks < TCPSTATE_SUSPECT_TICKS)
		return;
	suspects->ticks = 0;
	tcpstate_hitters_halve(suspects->hitter, TCPSTATE_SUSPECTS);
	for (about = suspects->about; about < suspects->about + TCPSTATE_SUSPECTS; about++) {
		about->pardon /= 2;
		about->others[BEFORE] = about->others[NOW];
		about->others[NOW] = 0;
	}
}
