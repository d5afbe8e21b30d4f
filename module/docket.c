// SPDX-License-Identifier: GPL-2.0
/* What a handshake's news are to the sample and the sketches that verdicts are founded on. */
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "listener.h"

/* Some handshake of this source waits for its end, or no longer does; under the lock. */
static void note_source(struct tcpstate_docket *docket, const struct tcpstate_handshake *shake,
			bool waits)
{
	if (waits)
		tcpstate_sources_wait(&docket->sources, &shake->initiator);
	else
		tcpstate_sources_settle(&docket->sources, &shake->initiator);
}

/* The same; where the caller does not hold the lock, only if it is free. */
static void try_source(struct tcpstate_listeners *listeners, struct tcpstate_docket *docket,
		       const struct tcpstate_handshake *shake, bool waits, bool locked)
{
	if (locked) {
		note_source(docket, shake, waits);
	} else if (spin_trylock(&listeners->lock)) {
		note_source(docket, shake, waits);
		spin_unlock(&listeners->lock);
	}
}

/**
 * tcpstate_docket_begin() - nothing is known yet, and so all is well
 * @docket: zeroed
 * @now: tcpstate_now64()
 */
void tcpstate_docket_begin(struct tcpstate_docket *docket, u64 now)
{
	docket->account.finding.verdict = TCPSTATE_VERDICT_OK;
	docket->account.finding.since = now;
	docket->account.finding.completion = TCPSTATE_UNKNOWN;
	docket->account.finding.usual = TCPSTATE_UNKNOWN;
}

/**
 * tcpstate_docket_tell() - a handshake's news for its listener's verdict
 * @listeners: the namespace's
 * @docket: the listener's
 * @slot: the listener's number in the sample
 * @shake: the handshake
 * @locked: the caller holds the lock of @listeners; else it is only tried for
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_docket_tell(struct tcpstate_listeners *listeners, struct tcpstate_docket *docket,
			  u32 slot, const struct tcpstate_handshake *shake, bool locked)
{
	static const u8 fates[TCPSTATE_NEWS_MAX] = {
		[TCPSTATE_NEWS_ASKED_AGAIN]	= TCPSTATE_FATE_RETRANS,
		[TCPSTATE_NEWS_ANSWERED]	= TCPSTATE_FATE_ANSWERED,
		[TCPSTATE_NEWS_COMPLETED]	= TCPSTATE_FATE_COMPLETED,
		[TCPSTATE_NEWS_ASIDE]		= TCPSTATE_FATE_ONE_SIDED,
		[TCPSTATE_NEWS_REFUSED]		= TCPSTATE_FATE_REFUSED,
	};
	struct tcpstate_detector *detector = rcu_dereference(listeners->detector);
	struct tcpstate_cohorts *cohorts = &docket->account.cohorts;
	enum tcpstate_fate fate = fates[shake->news];

	if (!detector)
		return;
	if (shake->news == TCPSTATE_NEWS_ASKED) {
		tcpstate_sources_asked(&docket->sources, shake->asker);
		if (tcpstate_sample_syn(&detector->sample, cohorts, slot, shake->hash) ==
		    TCPSTATE_SAMPLED)
			try_source(listeners, docket, shake, true, locked);
		return;
	}
	if (shake->news == TCPSTATE_NEWS_COMPLETED)
		tcpstate_sources_came(&docket->sources, shake->asker);
	if (!fate || !tcpstate_sample_may_know(cohorts, shake->hash))
		return;
	if (tcpstate_sample_mark(&detector->sample, cohorts, slot, shake->hash, fate) &&
	    fate >= TCPSTATE_FATE_REFUSED)
		try_source(listeners, docket, shake, false, locked);
}

/**
 * tcpstate_suspects_note() - a handshake's news for the verdicts on its hosts
 * @listeners: the namespace's; the caller holds their lock
 * @detector: theirs
 * @shake: the handshake
 *
 * Context: BH disabled.
 */
void tcpstate_suspects_note(struct tcpstate_listeners *listeners,
			    struct tcpstate_detector *detector,
			    const struct tcpstate_handshake *shake)
{
	lockdep_assert_held(&listeners->lock);
	switch (shake->news) {
	case TCPSTATE_NEWS_ASKED:
		tcpstate_suspects_charge(&detector->scanners, &shake->initiator, shake->asker,
					 shake->asked);
		break;
	case TCPSTATE_NEWS_UNASKED:
		tcpstate_suspects_charge(&detector->victims, &shake->initiator, shake->asker,
					 shake->asked);
		break;
	case TCPSTATE_NEWS_COMPLETED:
	case TCPSTATE_NEWS_ASIDE:
		tcpstate_suspects_pardon(shake->picked_up ? &detector->victims :
							    &detector->scanners,
					 &shake->initiator, shake->asker);
		break;
	default:
		break;
	}
}

/**
 * tcpstate_suspects_tell() - the same, unless the lock is taken
 * @listeners: the namespace's
 * @shake: the handshake
 *
 * Context: RCU read side, BH disabled; the lock of @listeners not held.
 */
void tcpstate_suspects_tell(struct tcpstate_listeners *listeners,
			    const struct tcpstate_handshake *shake)
{
	struct tcpstate_detector *detector = rcu_dereference(listeners->detector);

	if (!detector || (shake->news != TCPSTATE_NEWS_ASKED &&
			  shake->news != TCPSTATE_NEWS_UNASKED &&
			  shake->news != TCPSTATE_NEWS_COMPLETED &&
			  shake->news != TCPSTATE_NEWS_ASIDE))
		return;
	if (!spin_trylock(&listeners->lock))
		return;
	tcpstate_suspects_note(listeners, detector, shake);
	spin_unlock(&listeners->lock);
}

/**
 * tcpstate_docket_read() - the verdict, and whose share of what waits is great
 * @docket: caller holds the lock of its listeners
 * @view: filled in as far as that
 */
void tcpstate_docket_read(const struct tcpstate_docket *docket,
			  struct tcpstate_listener_view *view)
{
	view->finding = docket->account.finding;
	view->shares = tcpstate_sources_top(&docket->sources, view->share);
}

/**
 * tcpstate_suspect_read() - a host, and what is held against it
 * @suspects: caller holds the lock of their listeners
 * @i: which
 * @view: filled in
 */
void tcpstate_suspect_read(const struct tcpstate_suspects *suspects, unsigned int i,
			   struct tcpstate_listener_view *view)
{
	memset(view, 0, sizeof(*view));
	view->host = suspects->hitter[i].host;
	view->tally.news[TCPSTATE_NEWS_ASKED] = tcpstate_hitter_surely(&suspects->hitter[i]);
	view->finding.verdict = suspects->verdict;
	view->finding.since = suspects->about[i].since;
	view->targets = suspects->about[i].parties;
}
