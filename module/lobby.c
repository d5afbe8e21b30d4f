// SPDX-License-Identifier: GPL-2.0
/*
 * The lobby: those who are asked and have not answered, the heaviest of them.
 * A guest who answers gets a slot and leaves; one who is pushed out is forgotten.
 */
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "listener.h"
#include "record.h"

static struct tcpstate_hitter *set_of(struct tcpstate_detector *detector, u32 hash)
{
	return &detector->lobby[hash % TCPSTATE_LOBBY_SETS * TCPSTATE_LOBBY_WAYS];
}

static struct tcpstate_guest *guest_of(struct tcpstate_detector *detector,
				       const struct tcpstate_hitter *hitter)
{
	return &detector->guest[hitter - detector->lobby];
}

/* How many are half-open is as good as the lobby's memory: never below none. */
static void count_half(struct tcpstate_tally *tally, enum tcpstate_half was, enum tcpstate_half is)
{
	if (was == is)
		return;
	if (was != TCPSTATE_HALF_NONE && tally->half[was])
		tally->half[was]--;
	if (is != TCPSTATE_HALF_NONE)
		tally->half[is]++;
}

/* A SYN finds or makes room for whom it asks; nothing else does. */
static struct tcpstate_guest *enter(struct tcpstate_detector *detector,
				    const struct tcpstate_handshake *shake)
{
	struct tcpstate_hitter *set = set_of(detector, shake->asked), *hitter;
	struct tcpstate_guest *guest;
	bool fresh;

	if (shake->news != TCPSTATE_NEWS_ASKED && shake->news != TCPSTATE_NEWS_ASKED_AGAIN) {
		hitter = tcpstate_hitters_find(set, TCPSTATE_LOBBY_WAYS, &shake->responder);
		return hitter ? guest_of(detector, hitter) : NULL;
	}
	hitter = tcpstate_hitters_add(set, TCPSTATE_LOBBY_WAYS, &shake->responder, &fresh);
	if (!hitter)
		return NULL;
	guest = guest_of(detector, hitter);
	if (fresh) {
		memset(guest, 0, sizeof(*guest));
		tcpstate_docket_begin(&guest->docket, tcpstate_now64());
	}
	return guest;
}

/**
 * tcpstate_lobby_tell() - something has become of a handshake with one without a slot
 * @listeners: the namespace's
 * @was: what it was among the half-opens
 * @is: what it is now
 * @shake: the handshake
 *
 * Context: RCU read side, BH disabled; the lock of @listeners not held.
 */
void tcpstate_lobby_tell(struct tcpstate_listeners *listeners, enum tcpstate_half was,
			 enum tcpstate_half is, const struct tcpstate_handshake *shake)
{
	struct tcpstate_detector *detector = rcu_dereference(listeners->detector);
	struct tcpstate_guest *guest;

	if (!detector || shake->picked_up)
		return;
	spin_lock(&listeners->lock);
	guest = enter(detector, shake);
	if (guest) {
		guest->tally.news[shake->news]++;
		count_half(&guest->tally, was, is);
	}
	spin_unlock(&listeners->lock);
	if (guest)
		tcpstate_docket_tell(listeners, &guest->docket,
				     TCPSTATE_LISTENERS_MAX + (guest - detector->guest), shake);
}

/**
 * tcpstate_lobby_leave() - a guest gets a slot
 * @listeners: the namespace's; caller holds their lock
 * @host: who
 * @hash: of @host
 * @tally: of the slot, what the lobby has counted is added to it
 * @docket: of the slot, where trouble that has begun goes on, to be ended
 *
 * What was begun by half is left behind: half-opens count for a slot from what
 * happens to them next.
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_lobby_leave(struct tcpstate_listeners *listeners, const struct tcpstate_host *host,
			  u32 hash, struct tcpstate_tally *tally,
			  struct tcpstate_docket *docket)
{
	struct tcpstate_detector *detector = rcu_dereference(listeners->detector);
	struct tcpstate_hitter *hitter;
	struct tcpstate_guest *guest;
	unsigned int i;

	lockdep_assert_held(&listeners->lock);
	if (!detector)
		return;
	hitter = tcpstate_hitters_find(set_of(detector, hash), TCPSTATE_LOBBY_WAYS, host);
	if (!hitter)
		return;
	guest = guest_of(detector, hitter);
	for (i = 0; i < TCPSTATE_NEWS_MAX; i++)
		tally->news[i] += guest->tally.news[i];
	docket->account.finding = guest->docket.account.finding;
	memset(hitter, 0, sizeof(*hitter));
}
