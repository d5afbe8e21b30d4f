// SPDX-License-Identifier: GPL-2.0
/* Listeners: found, admitted, told of what becomes of their handshakes, and read. */
#include <linux/percpu.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "judge.h"
#include "record.h"

#define SHARED 4		/* full tables that all other namespaces may fill */

/* What all namespaces but the first hold together. */
static atomic_t shared_count;

static struct kmem_cache *cache __read_mostly;

/**
 * tcpstate_listener_init() - prepare memory
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_listener_init(void)
{
	cache = KMEM_CACHE(tcpstate_listener, 0);
	return cache ? 0 : -ENOMEM;
}

/**
 * tcpstate_listener_exit() - give the memory back
 *
 * Context: module exit, after the last slot was freed.
 */
void tcpstate_listener_exit(void)
{
	kmem_cache_destroy(cache);
}

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

/* What a slot is found by: its hash is known already, and good enough for the table. */
struct slot_key {
	const struct tcpstate_host *host;
	u32 hash;
};

static u32 hash_of_key(const void *data, u32 len, u32 seed)
{
	return ((const struct slot_key *)data)->hash;
}

static u32 hash_of_listener(const void *data, u32 len, u32 seed)
{
	return ((const struct tcpstate_listener *)data)->hash;
}

static int differs(struct rhashtable_compare_arg *arg, const void *data)
{
	const struct tcpstate_listener *listener = data;
	const struct slot_key *key = arg->key;

	return !tcpstate_host_equal(&listener->host, key->host);
}

static const struct rhashtable_params table_params = {
	.head_offset = offsetof(struct tcpstate_listener, node),
	.hashfn = hash_of_key,
	.obj_hashfn = hash_of_listener,
	.obj_cmpfn = differs,
	.automatic_shrinking = true,
};

static struct tcpstate_listener *lookup(struct tcpstate_listeners *listeners,
					const struct tcpstate_host *host, u32 hash)
{
	const struct slot_key key = { host, hash };

	return rhashtable_lookup(&listeners->table, &key, table_params);
}

/* The same, but not one that is about to be removed. */
static struct tcpstate_listener *find(struct tcpstate_listeners *listeners,
				      const struct tcpstate_host *host, u32 hash)
{
	struct tcpstate_listener *listener = lookup(listeners, host, hash);

	return listener && !READ_ONCE(listener->leaving) ? listener : NULL;
}

/**
 * tcpstate_listeners_full() - is there no room for another?
 * @listeners: the namespace's
 *
 * Context: any.
 * Return: whether a slot that is wanted now is not had.
 */
bool tcpstate_listeners_full(const struct tcpstate_listeners *listeners)
{
	return (u32)atomic_read(&listeners->count) >= listeners->max ||
	       (listeners->shared &&
		(u32)atomic_read(listeners->shared) >= SHARED * listeners->max);
}

static bool charge(struct tcpstate_listeners *listeners)
{
	if ((u32)atomic_inc_return(&listeners->count) > listeners->max)
		goto full;
	if (listeners->shared &&
	    (u32)atomic_inc_return(listeners->shared) > SHARED * listeners->max) {
		atomic_dec(listeners->shared);
		goto full;
	}
	return true;
full:
	atomic_dec(&listeners->count);
	return false;
}

static void uncharge(struct tcpstate_listeners *listeners)
{
	atomic_dec(&listeners->count);
	if (listeners->shared)
		atomic_dec(listeners->shared);
}

/* NULL without memory, of which nothing is charged to the ceiling. */
static struct tcpstate_listener *alloc_memory(const struct tcpstate_memory *memory)
{
	struct tcpstate_listener *listener;
	struct mem_cgroup *before;
	gfp_t gfp = GFP_ATOMIC;

	before = tcpstate_memory_enter(memory, &gfp);
	listener = kmem_cache_zalloc(cache, gfp);
	if (listener)
		listener->tally = alloc_percpu_gfp(struct tcpstate_tally, gfp);
	tcpstate_memory_leave(memory, before);
	if (listener && !listener->tally) {
		kmem_cache_free(cache, listener);
		return NULL;
	}
	return listener;
}

/* A slot's memory is counted no longer, though it may live for a grace period. */
static void uncharge_memory(struct tcpstate_listeners *listeners)
{
	tcpstate_memory_uncharge(&listeners->log->memory, TCPSTATE_A_MEMORY_LISTENERS,
				 tcpstate_listener_size());
}

static struct tcpstate_listener *alloc_listener(struct tcpstate_memory *memory,
						const struct tcpstate_host *host, u32 hash)
{
	struct tcpstate_listener *listener = NULL;

	if (tcpstate_memory_charge(memory, TCPSTATE_A_MEMORY_LISTENERS,
				   tcpstate_listener_size())) {
		listener = alloc_memory(memory);
		if (!listener)
			tcpstate_memory_uncharge(memory, TCPSTATE_A_MEMORY_LISTENERS,
						 tcpstate_listener_size());
	}
	if (!listener)
		return NULL;
	listener->host = *host;
	listener->hash = hash;
	listener->active = tcpstate_now64();
	tcpstate_docket_begin(&listener->docket, listener->active);
	return listener;
}

static void free_listener(struct tcpstate_listener *listener)
{
	free_percpu(listener->tally);
	kmem_cache_free(cache, listener);
}

static void free_rcu_listener(struct rcu_head *rcu)
{
	free_listener(container_of(rcu, struct tcpstate_listener, rcu));
}

static int reserve_slot(struct tcpstate_listeners *listeners, struct tcpstate_listener *listener)
{
	const struct tcpstate_memory *memory = &listeners->log->memory;
	struct mem_cgroup *before;
	gfp_t gfp = GFP_ATOMIC;
	int err;

	before = tcpstate_memory_enter(memory, &gfp);
	err = xa_alloc(&listeners->slots, &listener->slot, NULL, XA_LIMIT(0, listeners->max - 1),
		       gfp);
	tcpstate_memory_leave(memory, before);
	return err;
}

/*
 * Its number is reserved before anybody can find it, and nobody reads by the
 * number until it is found by its host: what fails was never seen.
 */
static bool publish(struct tcpstate_listeners *listeners, struct tcpstate_listener *listener)
{
	const struct slot_key key = { &listener->host, listener->hash };

	lockdep_assert_held(&listeners->lock);
	if (reserve_slot(listeners, listener))
		return false;
	if (!rhashtable_lookup_insert_key(&listeners->table, &key, &listener->node,
					  table_params)) {
		/* Takes no memory: the number is reserved. */
		xa_store(&listeners->slots, listener->slot, listener, GFP_ATOMIC | __GFP_NOWARN);
		return true;
	}
	xa_erase(&listeners->slots, listener->slot);
	return false;
}

/* Somebody has answered who has no slot: what the lobby knows goes with it. */
static struct tcpstate_listener *admit(struct tcpstate_listeners *listeners,
				       const struct tcpstate_host *host, u32 hash)
{
	struct tcpstate_listener *listener;
	struct tcpstate_tally *tally;

	if (!charge(listeners)) {
		WRITE_ONCE(listeners->crowded, true);
		return NULL;
	}
	listener = alloc_listener(&listeners->log->memory, host, hash);
	if (!listener)
		goto nomem;
	spin_lock(&listeners->lock);
	tally = this_cpu_ptr(listener->tally);
	tcpstate_lobby_leave(listeners, host, hash, tally, &listener->docket);
	/* If the lobby knew nothing: this one was asked, or it would not answer. */
	tally->news[TCPSTATE_NEWS_ASKED] = max(tally->news[TCPSTATE_NEWS_ASKED], 1UL);
	if (publish(listeners, listener)) {
		spin_unlock(&listeners->lock);
		return listener;
	}
	spin_unlock(&listeners->lock);
	free_listener(listener);
	uncharge_memory(listeners);
	uncharge(listeners);
	/* Another CPU was faster, one that leaves is still there, or there is no memory. */
	return find(listeners, host, hash);
nomem:
	tcpstate_count(listeners->log->stats, NOMEM);
	uncharge(listeners);
	return NULL;
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
		   lookup(listeners, &shake.responder, shake.asked) :
		   find(listeners, &shake.responder, shake.asked);
	if (!listener && keep && news == TCPSTATE_NEWS_ANSWERED && !shake.picked_up)
		listener = admit(listeners, &shake.responder, shake.asked);
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
	listener = find(listeners, &shake.responder, shake.asked);
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
	known = find(log->listeners, host, hash_of(log->listeners, host));
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

/**
 * tcpstate_listener_remove() - take out a slot
 * @listeners: the namespace's
 * @listener: one of them, freed after a grace period
 *
 * Context: process, the judge or after it.
 */
void tcpstate_listener_remove(struct tcpstate_listeners *listeners,
			      struct tcpstate_listener *listener)
{
	rhashtable_remove_fast(&listeners->table, &listener->node, table_params);
	xa_erase_bh(&listeners->slots, listener->slot);
	uncharge_memory(listeners);
	uncharge(listeners);
	call_rcu(&listener->rcu, free_rcu_listener);
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
	int err = rhashtable_init(&listeners->table, &table_params);

	if (err)
		return err;
	get_random_bytes(&listeners->key, sizeof(listeners->key));
	xa_init_flags(&listeners->slots, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_BH |
		      (log->memory.memcg ? XA_FLAGS_ACCOUNT : 0));
	spin_lock_init(&listeners->lock);
	listeners->log = log;
	listeners->max = max;
	if (!first)
		listeners->shared = &shared_count;
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
		tcpstate_listener_remove(listeners, listener);
}

/**
 * tcpstate_listeners_exit() - undo tcpstate_listeners_init()
 * @listeners: released, and read by nobody any more
 *
 * Context: process.
 */
void tcpstate_listeners_exit(struct tcpstate_listeners *listeners)
{
	xa_destroy(&listeners->slots);
	rhashtable_destroy(&listeners->table);
}
