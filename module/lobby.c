// SPDX-License-Identifier: GPL-2.0
/*
 * The lobby: those who are asked and have not answered, the heaviest of them.
 * A guest who answers gets a slot and leaves; one who is pushed out is forgotten.
 */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "listener.h"
#include "record.h"

#define DEFER 256	/* calls that a CPU puts off once it has found the lock taken */

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

/* Return the guest that it is about, or NULL where that is none. */
static struct tcpstate_guest *note(struct tcpstate_detector *detector, enum tcpstate_half was,
				   enum tcpstate_half is, const struct tcpstate_handshake *shake)
{
	struct tcpstate_guest *guest = enter(detector, shake);

	if (guest) {
		guest->tally.news[shake->news]++;
		count_half(&guest->tally, was, is);
	}
	return guest;
}

/**
 * tcpstate_lobby_open() - there is a detector from now on
 * @listeners: the namespace's
 * @detector: the detector, new
 *
 * What was told meanwhile is noted, or who was asked first would be missing. If it
 * was more than could be kept, none of it is: some alone would be wrong for good.
 *
 * Context: process, the judge.
 */
void tcpstate_lobby_open(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector)
{
	unsigned int calls, i;

	spin_lock_bh(&listeners->lock);
	calls = listeners->calls > TCPSTATE_CALLS ? 0 : listeners->calls;
	for (i = 0; i < calls; i++) {
		const struct tcpstate_call *call = &listeners->call[i];

		if (!tcpstate_listener_known(listeners->log, &call->shake.responder))
			note(detector, call->was, call->is, &call->shake);
	}
	WRITE_ONCE(listeners->calls, 0);
	rcu_assign_pointer(listeners->detector, detector);
	spin_unlock_bh(&listeners->lock);
}

/* Caller holds the lock. */
static void keep_call(struct tcpstate_listeners *listeners, enum tcpstate_half was,
		      enum tcpstate_half is, const struct tcpstate_handshake *shake)
{
	lockdep_assert_held(&listeners->lock);
	if (listeners->calls < TCPSTATE_CALLS)
		listeners->call[listeners->calls] = (struct tcpstate_call){ *shake, was, is };
	if (listeners->calls <= TCPSTATE_CALLS)
		WRITE_ONCE(listeners->calls, listeners->calls + 1);
}

/* A namespace without a detector may be left without one: its floods take no lock. */
static bool nobody_there(const struct tcpstate_listeners *listeners)
{
	return !rcu_access_pointer(listeners->detector) &&
	       READ_ONCE(listeners->calls) > TCPSTATE_CALLS;
}

/* All that one call is to the detector. */
static void note_call(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector,
		      const struct tcpstate_call *call)
{
	const struct tcpstate_handshake *shake = &call->shake;
	struct tcpstate_guest *guest = NULL;

	lockdep_assert_held(&listeners->lock);
	if (!shake->picked_up)
		guest = note(detector, call->was, call->is, shake);
	if (guest)
		tcpstate_docket_tell(listeners, &guest->docket,
				     TCPSTATE_LISTENERS_MAX + (guest - detector->guest), shake,
				     true);
	tcpstate_suspects_note(listeners, detector, shake);
}

/* What waits of a CPU. A host that got a slot meanwhile is no guest again. */
static void drain(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector,
		  struct tcpstate_pending *pending)
{
	unsigned int i;

	lockdep_assert_held(&pending->lock);
	for (i = 0; i < pending->calls; i++)
		if (!tcpstate_listener_known(listeners->log, &pending->call[i].shake.responder))
			note_call(listeners, detector, &pending->call[i]);
	pending->calls = 0;
}

/**
 * tcpstate_lobby_drain() - note what any CPU has put off
 * @listeners: the namespace's
 * @detector: theirs
 *
 * Context: RCU read side, or the judge; the lock of @listeners not held.
 */
void tcpstate_lobby_drain(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector)
{
	struct tcpstate_pending *pending;
	int cpu;

	for_each_possible_cpu(cpu) {
		pending = per_cpu_ptr(detector->pending, cpu);
		if (!READ_ONCE(pending->calls))
			continue;
		spin_lock_bh(&pending->lock);
		spin_lock(&listeners->lock);
		drain(listeners, detector, pending);
		spin_unlock(&listeners->lock);
		spin_unlock_bh(&pending->lock);
	}
}

/*
 * CPUs that meet at the lock would spend their time on handing its cache line round. So
 * one that finds it taken puts off what it has to note, and takes the lock for sixteen
 * calls at once, until so many have passed that it is worth a try again.
 */
static void tell_detector(struct tcpstate_listeners *listeners,
			  struct tcpstate_detector *detector, const struct tcpstate_call *call)
{
	struct tcpstate_pending *pending = raw_cpu_ptr(detector->pending);

	spin_lock(&pending->lock);
	if (!pending->defer && spin_trylock(&listeners->lock)) {
		drain(listeners, detector, pending);
		note_call(listeners, detector, call);
		spin_unlock(&listeners->lock);
		goto unlock;
	}
	if (!pending->defer)
		pending->defer = DEFER;
	pending->defer--;
	pending->call[pending->calls] = *call;
	WRITE_ONCE(pending->calls, pending->calls + 1);
	if (pending->calls == TCPSTATE_PENDING) {
		spin_lock(&listeners->lock);
		drain(listeners, detector, pending);
		spin_unlock(&listeners->lock);
	}
unlock:
	spin_unlock(&pending->lock);
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
	const struct tcpstate_call call = { *shake, was, is };
	struct tcpstate_detector *detector;

	if (nobody_there(listeners))
		return;
	detector = rcu_dereference(listeners->detector);
	if (likely(detector)) {
		tell_detector(listeners, detector, &call);
		return;
	}
	spin_lock(&listeners->lock);
	/* Under the lock, for the lobby opens under it. */
	detector = rcu_dereference(listeners->detector);
	if (detector)
		note_call(listeners, detector, &call);
	else if (!shake->picked_up)
		keep_call(listeners, was, is, shake);
	spin_unlock(&listeners->lock);
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
