// SPDX-License-Identifier: GPL-2.0
/* Listeners, and hosts under a verdict, one after the other for readers. */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "listener.h"

static bool read_listener(struct tcpstate_listeners *listeners, unsigned long *place,
			  struct tcpstate_listener_view *view)
{
	struct tcpstate_listener *listener;

	rcu_read_lock();
	listener = xa_find(&listeners->slots, place, TCPSTATE_LISTENERS_MAX - 1, XA_PRESENT);
	if (listener) {
		view->host = listener->host;
		tcpstate_listener_sum(listener, &view->tally);
		spin_lock_bh(&listeners->lock);
		tcpstate_docket_read(&listener->docket, view);
		spin_unlock_bh(&listeners->lock);
	}
	rcu_read_unlock();
	return listener;
}

static bool read_guest(struct tcpstate_listeners *listeners, unsigned long *place,
		       struct tcpstate_listener_view *view)
{
	struct tcpstate_detector *detector;
	bool found = false;
	unsigned int i;

	rcu_read_lock();
	detector = rcu_dereference(listeners->detector);
	if (detector && *place == TCPSTATE_LISTENERS_MAX)
		tcpstate_lobby_drain(listeners, detector);
	for (i = *place - TCPSTATE_LISTENERS_MAX; detector && i < TCPSTATE_LOBBY && !found; i++) {
		spin_lock_bh(&listeners->lock);
		if (detector->lobby[i].host.family) {
			view->host = detector->lobby[i].host;
			view->tally = detector->guest[i].tally;
			tcpstate_docket_read(&detector->guest[i].docket, view);
			*place = TCPSTATE_LISTENERS_MAX + i;
			found = true;
		}
		spin_unlock_bh(&listeners->lock);
	}
	rcu_read_unlock();
	return found;
}

/**
 * tcpstate_listener_read() - the next listener for a reader
 * @listeners: the namespace's
 * @place: where to look first, to begin with 0; set to where it was found, to
 *	be added one to for the next
 * @view: filled in
 *
 * A listener keeps its place for as long as it has a slot.
 *
 * Context: process.
 * Return: false where there is none any more.
 */
bool tcpstate_listener_read(struct tcpstate_listeners *listeners, unsigned long *place,
			    struct tcpstate_listener_view *view)
{
	memset(view, 0, sizeof(*view));
	if (*place < TCPSTATE_LISTENERS_MAX) {
		if (read_listener(listeners, place, view))
			return true;
		*place = TCPSTATE_LISTENERS_MAX;
	}
	return read_guest(listeners, place, view);
}

/**
 * tcpstate_host_read() - the next host under a verdict
 * @listeners: the namespace's
 * @place: as tcpstate_listener_read() has it
 * @view: filled in
 *
 * Context: process.
 * Return: likewise.
 */
bool tcpstate_host_read(struct tcpstate_listeners *listeners, unsigned long *place,
			struct tcpstate_listener_view *view)
{
	struct tcpstate_detector *detector;
	struct tcpstate_suspects *suspects;
	bool found = false;

	rcu_read_lock();
	detector = rcu_dereference(listeners->detector);
	for (; detector && *place < 2 * TCPSTATE_SUSPECTS; ++*place) {
		suspects = *place < TCPSTATE_SUSPECTS ? &detector->scanners : &detector->victims;
		spin_lock_bh(&listeners->lock);
		found = suspects->about[*place % TCPSTATE_SUSPECTS].guilty;
		if (found)
			tcpstate_suspect_read(suspects, *place % TCPSTATE_SUSPECTS, view);
		spin_unlock_bh(&listeners->lock);
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}
