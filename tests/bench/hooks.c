// SPDX-License-Identifier: GPL-2.0
/*
 * Whom to time: the hooks as they are registered in the namespace, tcpstate's
 * known by the module they are in, however many there are and wherever, and
 * nf_conntrack's by their priorities, for it may be part of the kernel.
 *
 * The way is that of a forwarded segment. What a lane does on the way of one
 * that is received here, it does in LOCAL_IN likewise.
 */
#include <linux/kallsyms.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "bench.h"

#define OURS " [tcpstate]"	/* what follows the name of our functions */

static const u8 places[] = { NF_INET_PRE_ROUTING, NF_INET_FORWARD, NF_INET_POST_ROUTING };

/* Functions that were found to be ours. */
static nf_hookfn *known[ARRAY_SIZE(places) * BENCH_HOOKS];
static unsigned int knowns;

static const struct nf_hook_entries *entries_of(unsigned int place)
{
	if (bench.family == NFPROTO_IPV4)
		return rcu_dereference(bench.net->nf.hooks_ipv4[place]);
	return rcu_dereference(bench.net->nf.hooks_ipv6[place]);
}

static bool is_in_tcpstate(nf_hookfn *hook)
{
	char name[KSYM_SYMBOL_LEN];
	size_t length = snprintf(name, sizeof(name), "%ps", hook);

	return length >= strlen(OURS) && length < sizeof(name) &&
	       !strcmp(name + length - strlen(OURS), OURS);
}

/**
 * bench_hooks_learn() - find out which functions are tcpstate's
 *
 * Once a command: names are looked up, which takes its time.
 */
void bench_hooks_learn(void)
{
	const struct nf_hook_entries *entries;
	unsigned int place, i;

	knowns = 0;
	rcu_read_lock();
	for (place = 0; place < ARRAY_SIZE(places); place++) {
		entries = entries_of(places[place]);
		for (i = 0; entries && i < entries->num_hook_entries; i++)
			if (is_in_tcpstate(entries->hooks[i].hook) && knowns < ARRAY_SIZE(known))
				known[knowns++] = entries->hooks[i].hook;
	}
	rcu_read_unlock();
}

static bool is_known(nf_hookfn *hook)
{
	unsigned int i;

	for (i = 0; i < knowns; i++)
		if (known[i] == hook)
			return true;
	return false;
}

static bool is_of(enum bench_lane_id lane, unsigned int place, const struct nf_hook_ops *ops)
{
	switch (lane) {
	case BENCH_TCPSTATE:
		return is_known(ops->hook);
	case BENCH_CONNTRACK:
		return ops->priority == (place == NF_INET_PRE_ROUTING ?
					 NF_IP_PRI_CONNTRACK : NF_IP_PRI_CONNTRACK_CONFIRM);
	default:
		return false;
	}
}

static void add(struct bench_path *path, unsigned int place, const struct nf_hook_entry *entry)
{
	bool early = place == NF_INET_PRE_ROUTING;
	struct bench_hook hook = { .entry = *entry, .state = &path->state[place] };

	if (early && path->earlies < ARRAY_SIZE(path->early))
		path->early[path->earlies++] = hook;
	else if (!early && path->lates < ARRAY_SIZE(path->late))
		path->late[path->lates++] = hook;
}

static void add_all(struct bench_path *path, enum bench_lane_id lane, unsigned int place)
{
	const struct nf_hook_entries *entries = entries_of(place);
	struct nf_hook_ops **ops;
	unsigned int i;

	nf_hook_state_init(&path->state[place], place, bench.family,
			   place == NF_INET_POST_ROUTING ? NULL : bench.dev,
			   place == NF_INET_PRE_ROUTING ? NULL : bench.dev,
			   NULL, bench.net, NULL);
	if (!entries)
		return;
	ops = nf_hook_entries_get_hook_ops(entries);
	for (i = 0; i < entries->num_hook_entries; i++)
		if (is_of(lane, place, ops[i]))
			add(path, place, &entries->hooks[i]);
}

/**
 * bench_hooks_find() - find a lane's hooks, as they are registered now
 * @lane: whose
 * @path: filled in; good until the end of the RCU read side
 *
 * Return: 0, or -ENOENT when it has none: who is not there cannot be measured.
 */
int bench_hooks_find(enum bench_lane_id lane, struct bench_path *path)
{
	unsigned int place;

	path->earlies = 0;
	path->lates = 0;
	path->tracked = lane == BENCH_CONNTRACK;
	for (place = 0; place < ARRAY_SIZE(places); place++)
		add_all(path, lane, places[place]);
	if (lane == BENCH_NOBODY)
		return 0;
	return path->earlies && (!path->tracked || path->lates) ? 0 : -ENOENT;
}
