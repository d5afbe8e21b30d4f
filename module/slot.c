// SPDX-License-Identifier: GPL-2.0
/* Slots of listeners: found by a host, given to one that answers, and removed. */
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "clock.h"
#include "listener.h"
#include "event.h"

#define SHARED 4		/* full tables that all other namespaces may fill */

/* What all namespaces but the first hold together. */
static atomic_t shared_count;

static struct kmem_cache *cache __read_mostly;

/**
 * tcpstate_slots_init() - prepare memory
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_slots_init(void)
{
	cache = KMEM_CACHE(tcpstate_listener, 0);
	return cache ? 0 : -ENOMEM;
}

/**
 * tcpstate_slots_exit() - give the memory back
 *
 * Context: module exit, after the last slot was freed.
 */
void tcpstate_slots_exit(void)
{
	kmem_cache_destroy(cache);
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

/**
 * tcpstate_slot_lookup() - the slot of a host, even if it is about to be removed
 * @listeners: the namespace's
 * @host: address and port
 * @hash: of @host
 *
 * Context: RCU read side.
 * Return: the slot or NULL.
 */
struct tcpstate_listener *tcpstate_slot_lookup(struct tcpstate_listeners *listeners,
					       const struct tcpstate_host *host, u32 hash)
{
	const struct slot_key key = { host, hash };

	return rhashtable_lookup(&listeners->table, &key, table_params);
}

/**
 * tcpstate_slot_find() - the slot of a host, unless it is about to be removed
 * @listeners: the namespace's
 * @host: address and port
 * @hash: of @host
 *
 * Context: RCU read side.
 * Return: the slot or NULL.
 */
struct tcpstate_listener *tcpstate_slot_find(struct tcpstate_listeners *listeners,
					     const struct tcpstate_host *host, u32 hash)
{
	struct tcpstate_listener *listener = tcpstate_slot_lookup(listeners, host, hash);

	return listener && !READ_ONCE(listener->leaving) ? listener : NULL;
}

/**
 * tcpstate_slots_full() - is there no room for another?
 * @listeners: the namespace's
 *
 * Context: any.
 * Return: whether a slot that is wanted now is not had.
 */
bool tcpstate_slots_full(const struct tcpstate_listeners *listeners)
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
 * Its number is reserved before a segment can find it, and no reader goes by the
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

/**
 * tcpstate_slot_admit() - give a slot to a host that has answered
 * @listeners: the namespace's
 * @host: address and port
 * @hash: of @host
 *
 * What the lobby knows of it goes with it.
 *
 * Context: RCU read side, BH disabled; the lock of @listeners not held.
 * Return: the slot, or NULL if there is no room or no memory.
 */
struct tcpstate_listener *tcpstate_slot_admit(struct tcpstate_listeners *listeners,
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
	return tcpstate_slot_find(listeners, host, hash);
nomem:
	tcpstate_count(listeners->log->stats, NOMEM);
	uncharge(listeners);
	return NULL;
}

/**
 * tcpstate_slot_remove() - take out a slot
 * @listeners: the namespace's
 * @listener: one of them, freed after a grace period
 *
 * Context: process, the judge or after it.
 */
void tcpstate_slot_remove(struct tcpstate_listeners *listeners,
			  struct tcpstate_listener *listener)
{
	rhashtable_remove_fast(&listeners->table, &listener->node, table_params);
	xa_erase_bh(&listeners->slots, listener->slot);
	uncharge_memory(listeners);
	uncharge(listeners);
	call_rcu(&listener->rcu, free_rcu_listener);
}

/**
 * tcpstate_slots_net_init() - no slots yet
 * @listeners: the namespace's, with its books
 * @max: how many there may be
 * @first: this is the initial namespace; all others share what fills four
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tcpstate_slots_net_init(struct tcpstate_listeners *listeners, unsigned int max, bool first)
{
	int err = rhashtable_init(&listeners->table, &table_params);

	if (err)
		return err;
	xa_init_flags(&listeners->slots, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_BH |
		      (listeners->log->memory.memcg ? XA_FLAGS_ACCOUNT : 0));
	listeners->max = max;
	if (!first)
		listeners->shared = &shared_count;
	return 0;
}

/**
 * tcpstate_slots_net_exit() - undo tcpstate_slots_net_init()
 * @listeners: the namespace's, without a slot, and without a reader
 *
 * Context: process.
 */
void tcpstate_slots_net_exit(struct tcpstate_listeners *listeners)
{
	xa_destroy(&listeners->slots);
	rhashtable_destroy(&listeners->table);
}
