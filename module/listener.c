// SPDX-License-Identifier: GPL-2.0
/* Listeners: told of what becomes of their handshakes. */
#include <linux/percpu.h>
#include <linux/siphash.h>

#include "judge.h"
#include "record.h"

/*
 * Keyed, so that no outsider knows which hosts a sketch takes for one. Each namespace has a
 * key of its own, as the order of what it shows follows from the key.
 */
static u32 hash_of(const struct tcpstate_listeners *listeners, const struct tcpstate_host *host)
{
	if (host->family == NFPROTO_IPV4)
		return hsiphash_2u32((__force u32)host->addr[0], (__force u16)host->port,
				     &listeners->key);
	return hsiphash(host, sizeof(*host), &listeners->key);
}

/* How many are half-open is exact: whatever is added for a record is taken off again. */
static void count_half(struct tcpstate_listener *listener, struct tcpstate_record *record,
		       enum tcpstate_half was, enum tcpstate_half is)
{
	if (record->marks & TCPSTATE_LISTED) {
		if (was == is)
			return;
		tcpstate_percpu_dec(listener->tally->half[was]);
	}
	if (is == TCPSTATE_HALF_NONE) {
		record->marks &= ~TCPSTATE_LISTED;
	} else {
		tcpstate_percpu_inc(listener->tally->half[is]);
		record->marks |= TCPSTATE_LISTED;
	}
}

static void count_latency(struct tcpstate_listener *listener, const struct tcpstate_record *record,
			  enum tcpstate_end end)
{
	unsigned int bucket = tcpstate_bucket(record->latency[end]);

	if (record->marks & TCPSTATE_TIMED << end)
		tcpstate_percpu_inc(listener->tally->latency[end][bucket]);
	else
		tcpstate_percpu_inc(listener->tally->untimed);
}

static void count(struct tcpstate_listener *listener, const struct tcpstate_record *record,
		  enum tcpstate_news news)
{
	tcpstate_percpu_inc(listener->tally->news[news]);
	if (news == TCPSTATE_NEWS_ANSWERED)
		count_latency(listener, record, TCPSTATE_RESPONDER);
	else if (news == TCPSTATE_NEWS_COMPLETED)
		count_latency(listener, record, TCPSTATE_INITIATOR);
	else if (news == TCPSTATE_NEWS_EVICTED)
		atomic_inc(&listener->owed);
	if (!READ_ONCE(listener->stirred))
		WRITE_ONCE(listener->stirred, true);
}

static void tell_listener(struct tcpstate_listeners *listeners, struct tcpstate_listener *listener,
			  struct tcpstate_record *record, enum tcpstate_half was,
			  enum tcpstate_half is, const struct tcpstate_handshake *shake)
{
	count_half(listener, record, was, is);
	count(listener, record, shake->news);
	tcpstate_docket_tell(listeners, &listener->docket, listener->slot, shake, false);
}

/* Then the SYNs say nothing of those who seem to send them. */
static bool is_spoofed(const struct tcpstate_listener *listener)
{
	return READ_ONCE(listener->docket.account.finding.verdict) ==
	       TCPSTATE_VERDICT_FLOOD_SPOOFED;
}

/* Writes all of it. */
static void describe(const struct tcpstate_listeners *listeners, struct tcpstate_handshake *shake,
		     const struct tcpstate_record *record, enum tcpstate_news news)
{
	tcpstate_record_host(record, TCPSTATE_INITIATOR, &shake->initiator);
	tcpstate_record_host(record, TCPSTATE_RESPONDER, &shake->responder);
	shake->initiator.port = 0;
	shake->hash = tcpstate_record_hash(&listeners->log->key, record);
	shake->asker = hash_of(listeners, &shake->initiator);
	shake->asked = hash_of(listeners, &shake->responder);
	shake->news = news;
	shake->picked_up = record->pair.flags & TCPSTATE_PICKED_UP;
}

/**
 * tcpstate_listener_tell() - something has become of a handshake
 * @log: the namespace's books
 * @record: the handshake; caller holds its bucket's lock
 * @was: what it was among its listener's half-opens
 * @is: what it is now
 * @news: what has happened
 *
 * Context: BH disabled.
 */
void tcpstate_listener_tell(struct tcpstate_log *log, struct tcpstate_record *record,
			    enum tcpstate_half was, enum tcpstate_half is,
			    enum tcpstate_news news)
{
	struct tcpstate_listeners *listeners = log->listeners;
	struct tcpstate_handshake shake __uninitialized;
	struct tcpstate_listener *listener;
	bool keep = READ_ONCE(listeners->keep);

	if (news == TCPSTATE_NEWS_NONE && was == is &&
	    (is == TCPSTATE_HALF_NONE || record->marks & TCPSTATE_LISTED))
		return;
	if (!keep && !atomic_read(&listeners->count))
		return;
	describe(listeners, &shake, record, news);
	rcu_read_lock();
	/* Where it is counted among the half-opens, its slot stays until it is no longer. */
	listener = record->marks & TCPSTATE_LISTED ?
		   tcpstate_slot_lookup(listeners, &shake.responder, shake.asked) :
		   tcpstate_slot_find(listeners, &shake.responder, shake.asked);
	if (!listener && keep && news == TCPSTATE_NEWS_ANSWERED && !shake.picked_up)
		listener = tcpstate_slot_admit(listeners, &shake.responder, shake.asked);
	if (listener) {
		tell_listener(listeners, listener, record, was, is, &shake);
		if (keep && !is_spoofed(listener))
			tcpstate_suspects_tell(listeners, &shake);
	} else if (keep) {
		tcpstate_lobby_tell(listeners, was, is, &shake);
	}
	rcu_read_unlock();
	tcpstate_judge_wake(listeners);
}

/**
 * tcpstate_listener_late() - a flow begins whose half-open may have been evicted
 * @log: the namespace's books
 * @record: the flow, picked up; caller holds its birth lock
 *
 * It is a completion for its listener, as far as that one is owed any.
 *
 * Context: BH disabled.
 */
void tcpstate_listener_late(struct tcpstate_log *log, const struct tcpstate_record *record)
{
	struct tcpstate_listeners *listeners = log->listeners;
	struct tcpstate_handshake shake __uninitialized;
	struct tcpstate_listener *listener;

	if (!atomic_read(&listeners->count))
		return;
	describe(listeners, &shake, record, TCPSTATE_NEWS_COMPLETED);
	rcu_read_lock();
	listener = tcpstate_slot_find(listeners, &shake.responder, shake.asked);
	if (listener && atomic_dec_if_positive(&listener->owed) >= 0) {
		tcpstate_percpu_inc(listener->tally->news[TCPSTATE_NEWS_COMPLETED]);
		tcpstate_docket_tell(listeners, &listener->docket, listener->slot, &shake, false);
	}
	rcu_read_unlock();
}

/**
 * tcpstate_listener_known() - has somebody answered SYNs from here?
 * @log: the namespace's books
 * @host: address and port
 *
 * Context: BH disabled.
 * Return: whether it has a slot.
 */
bool tcpstate_listener_known(struct tcpstate_log *log, const struct tcpstate_host *host)
{
	bool known;

	if (!atomic_read(&log->listeners->count))
		return false;
	rcu_read_lock();
	known = tcpstate_slot_find(log->listeners, host, hash_of(log->listeners, host));
	rcu_read_unlock();
	return known;
}

/**
 * tcpstate_listener_sum() - a listener's figures
 * @listener: the listener
 * @sum: filled in
 *
 * Context: any.
 */
void tcpstate_listener_sum(const struct tcpstate_listener *listener, struct tcpstate_tally *sum)
{
	const struct tcpstate_tally *share;
	unsigned int i, end;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		share = per_cpu_ptr(listener->tally, cpu);
		for (i = 0; i < TCPSTATE_NEWS_MAX; i++)
			sum->news[i] += READ_ONCE(share->news[i]);
		for (i = 0; i < TCPSTATE_HALF_NONE; i++)
			sum->half[i] += READ_ONCE(share->half[i]);
		for (end = 0; end < 2; end++)
			for (i = 0; i < TCPSTATE_BUCKETS; i++)
				sum->latency[end][i] += READ_ONCE(share->latency[end][i]);
		sum->untimed += READ_ONCE(share->untimed);
	}
}

/**
 * tcpstate_listeners_init() - no listeners yet
 * @listeners: zeroed
 * @log: the namespace's books
 * @max: how many there may be
 * @first: this is the initial namespace; all others share what fills four
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tcpstate_listeners_init(struct tcpstate_listeners *listeners, struct tcpstate_log *log,
			    unsigned int max, bool first)
{
	int err;

	listeners->log = log;
	err = tcpstate_slots_net_init(listeners, max, first);
	if (err)
		return err;
	get_random_bytes(&listeners->key, sizeof(listeners->key));
	spin_lock_init(&listeners->lock);
	listeners->thresholds = TCPSTATE_THRESHOLDS;
	tcpstate_judge_init(listeners);
	log->listeners = listeners;
	return 0;
}

/**
 * tcpstate_listeners_flush() - forget every listener that nothing holds
 * @listeners: the namespace's, whose records were flushed
 *
 * A slot stays while a half-open is counted in it, or trouble is not over.
 *
 * Context: process.
 */
void tcpstate_listeners_flush(struct tcpstate_listeners *listeners)
{
	WRITE_ONCE(listeners->forget, true);
	tcpstate_judge_now(listeners);
}

/**
 * tcpstate_listeners_release() - forget every listener and free all memory
 * @listeners: the namespace's; nobody tells them anything any more. They may be
 *	used again.
 *
 * Context: process.
 */
void tcpstate_listeners_release(struct tcpstate_listeners *listeners)
{
	struct tcpstate_listener *listener;
	unsigned long slot;

	tcpstate_judge_stop(listeners);
	xa_for_each(&listeners->slots, slot, listener)
		tcpstate_slot_remove(listeners, listener);
}

/**
 * tcpstate_listeners_exit() - undo tcpstate_listeners_init()
 * @listeners: released, and without a reader
 *
 * Context: process.
 */
void tcpstate_listeners_exit(struct tcpstate_listeners *listeners)
{
	tcpstate_slots_net_exit(listeners);
}
