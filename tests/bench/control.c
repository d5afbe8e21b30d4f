// SPDX-License-Identifier: GPL-2.0
/*
 * The commands. tests/bench/figures gives them and makes figures of what comes.
 *
 * A command, a verb and a number, is written to /sys/kernel/debug/tcpstate_bench,
 * and the write returns when the work is done:
 *
 *	lanes N		whom the next commands are about, bits: 1 nobody, 2 tcpstate,
 *			4 conntrack, 8 the wire
 *	track N		1 to have conntrack's hooks registered, 0 no longer
 *	ipv4 N		begin anew with N established flows; conntrack is emptied
 *	ipv6 N		first, tcpstate the caller must have emptied
 *	data N		N data segments, flow by flow
 *	random N	N data segments, each of a flow at random
 *	list N		the same, received in lists of eight
 *	both N		the same on two CPUs, N each
 *	syn N		N SYNs, each of a new connection
 *	flood N		the same on two CPUs, N each
 *	open N		N new connections, established
 *	fin N		N new connections up to the initiator's FIN
 *	life N		N new connections from SYN to TIME_WAIT, ten segments each
 *
 * Then a line a lane reads back: its name, segments, nanoseconds of all CPUs,
 * refusals, and how many of the segments are not in the nanoseconds, for the
 * machine did something else in their midst.
 */
#include <linux/debugfs.h>
#include <linux/etherdevice.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/seq_file.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "bench.h"

#define FLOWS_MAX 4000000
#define SEGMENTS_MAX 64000000

struct bench bench = {
	.family = NFPROTO_IPV4,
	.lanes = BENCH_HOOKED,
};

/* Protects all of the bench: commands and readers. */
static DEFINE_MUTEX(lock);

static struct dentry *file;
static bool tracking;

static const char *const names[BENCH_LANES] = {
	[BENCH_NOBODY]		= "nobody",
	[BENCH_TCPSTATE]	= "tcpstate",
	[BENCH_CONNTRACK]	= "conntrack",
	[BENCH_WIRE]		= "wire",
};

static int forget_entry(struct nf_conn *ct, void *data)
{
	return 1;
}

static void forget(void)
{
	unsigned int l;
#ifdef HAVE_NF_CT_ITER_DATA
	const struct nf_ct_iter_data all = { .net = bench.net };

	nf_ct_iterate_cleanup_net(forget_entry, &all);
#else
	nf_ct_iterate_cleanup_net(bench.net, forget_entry, NULL, 0, 0);
#endif
	for (l = 0; l < BENCH_LANES; l++) {
		kvfree(bench.sent[l]);
		bench.sent[l] = NULL;
	}
	bench.established = 0;
	bench.fresh = 0;
}

static int run(const struct bench_stream *stream)
{
	bool wire = bench.lanes & BIT(BENCH_WIRE);
	int err, end;

	if (wire) {
		err = bench_wire_begin();
		if (err)
			return err;
	}
	err = bench_run(stream);
	if (wire) {
		end = bench_wire_end();
		err = err ?: end;
	}
	return err;
}

/* @flows of each CPU. */
static int lives(u32 flows, u32 steps, u32 cpus)
{
	struct bench_stream stream = {
		.kind = BENCH_LIVES,
		.first = bench.fresh,
		.flows = flows,
		.steps = steps,
		.segments = flows * steps,
		.group = 1,
		.cpus = cpus,
	};

	if (num_online_cpus() < cpus)
		return -EINVAL;
	/* A flow has an address and port of its own: there are not for more. */
	if (flows > FLOWS_MAX || bench.fresh > SEGMENTS_MAX)
		return -ERANGE;
	bench.fresh += flows * cpus;
	return run(&stream);
}

static int begin(u8 family, u32 flows)
{
	unsigned int l, w;
	int err;

	if (flows > FLOWS_MAX)
		return -ERANGE;
	forget();
	bench.family = family;
	for (l = 0; l < BENCH_LANES; l++) {
		for (w = 0; w < BENCH_CPUS; w++)
			prandom_seed_state(&bench.worker[w].random[l], flows + w);
		bench.sent[l] = kvcalloc(max(flows, 1U), sizeof(u32), GFP_KERNEL);
		if (!bench.sent[l])
			return -ENOMEM;
	}
	err = lives(flows, BENCH_HANDSHAKE, 1);
	if (!err)
		bench.established = flows;
	return err;
}

static int data(u32 segments, int kind, u32 group, u32 cpus)
{
	struct bench_stream stream = {
		.kind = kind,
		.flows = bench.established,
		.segments = segments,
		.group = group,
		.cpus = cpus,
		.shift = bench.turn,
	};

	if (bench.established < cpus || num_online_cpus() < cpus)
		return -EINVAL;
	return segments > SEGMENTS_MAX ? -ERANGE : run(&stream);
}

static int do_lanes(u32 lanes)
{
	bench.lanes = lanes;
	return lanes && lanes < BIT(BENCH_LANES) ? 0 : -EINVAL;
}

/* Makes conntrack's hooks come. */
static int do_track(u32 on)
{
	int err = 0;

	if (on && !tracking)
		err = nf_ct_netns_get(bench.net, NFPROTO_INET);
	else if (!on && tracking)
		nf_ct_netns_put(bench.net, NFPROTO_INET);
	if (!err)
		tracking = on;
	return err;
}

static int do_ipv4(u32 flows)
{
	return begin(NFPROTO_IPV4, flows);
}

static int do_ipv6(u32 flows)
{
	return begin(NFPROTO_IPV6, flows);
}

static int do_data(u32 segments)
{
	return data(segments, BENCH_DATA, 1, 1);
}

static int do_random(u32 segments)
{
	return data(segments, BENCH_RANDOM, 1, 1);
}

static int do_list(u32 segments)
{
	return data(segments, BENCH_RANDOM, BENCH_LIST, 1);
}

static int do_both(u32 segments)
{
	return data(segments, BENCH_RANDOM, 1, BENCH_CPUS);
}

static int do_syn(u32 flows)
{
	return lives(flows, 1, 1);
}

static int do_flood(u32 flows)
{
	return lives(flows, 1, BENCH_CPUS);
}

static int do_open(u32 flows)
{
	return lives(flows, BENCH_HANDSHAKE, 1);
}

static int do_fin(u32 flows)
{
	return lives(flows, BENCH_FIN, 1);
}

static int do_life(u32 flows)
{
	return lives(flows, BENCH_LIFE, 1);
}

static const struct {
	const char *verb;
	int (*act)(u32 number);
} commands[] = {
	{ "lanes", do_lanes },
	{ "track", do_track },
	{ "ipv4", do_ipv4 },
	{ "ipv6", do_ipv6 },
	{ "data", do_data },
	{ "random", do_random },
	{ "list", do_list },
	{ "both", do_both },
	{ "syn", do_syn },
	{ "flood", do_flood },
	{ "open", do_open },
	{ "fin", do_fin },
	{ "life", do_life },
};

static int command(const char *verb, u32 number)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].verb, verb))
			continue;
		bench_forget_figures();
		err = commands[i].act(number);
		/* The lanes may have parted: only a new beginning helps. */
		if (err)
			bench.established = 0;
		return err;
	}
	return -EINVAL;
}

static ssize_t bench_write(struct file *f, const char __user *from, size_t length, loff_t *pos)
{
	char line[32] = "", verb[8];
	u32 number;
	int err;

	if (length >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, length))
		return -EFAULT;
	if (sscanf(line, "%7s %u", verb, &number) != 2)
		return -EINVAL;
	mutex_lock(&lock);
	err = command(verb, number);
	mutex_unlock(&lock);
	return err ?: length;
}

static void show_lane(struct seq_file *m, enum bench_lane_id lane)
{
	struct bench_figures sum = {};
	const struct bench_figures *figures;
	unsigned int w;

	for (w = 0; w < BENCH_CPUS; w++) {
		figures = &bench.worker[w].figures[lane];
		sum.segments += figures->segments;
		sum.ns += figures->ns;
		sum.refused += figures->refused;
		sum.interrupted += figures->interrupted;
	}
	seq_printf(m, "%s %u %llu %u %u\n", names[lane], sum.segments, sum.ns, sum.refused,
		   sum.interrupted);
}

static int bench_show(struct seq_file *m, void *v)
{
	unsigned int lane;

	mutex_lock(&lock);
	for (lane = 0; lane < BENCH_LANES; lane++)
		if (bench.lanes & BIT(lane))
			show_lane(m, lane);
	mutex_unlock(&lock);
	return 0;
}

static int bench_open(struct inode *inode, struct file *f)
{
	return single_open(f, bench_show, NULL);
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.read = seq_read,
	.write = bench_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void free_batches(void)
{
	unsigned int w;

	for (w = 0; w < BENCH_CPUS; w++)
		bench_batch_free(&bench.worker[w]);
}

static int __init alloc_batches(void)
{
	unsigned int w;
	int err = 0;

	for (w = 0; w < BENCH_CPUS && !err; w++) {
		bench.worker[w].index = w;
		err = bench_batch_alloc(&bench.worker[w]);
	}
	return err;
}

static int __init bench_init(void)
{
	int err;

	bench.net = get_net(current->nsproxy->net_ns);
	err = do_track(1);
	if (err)
		goto put_net;
	err = -ENOMEM;
	bench.dev = alloc_etherdev(0);
	if (!bench.dev)
		goto put_conntrack;
	dev_net_set(bench.dev, bench.net);
	err = alloc_batches();
	if (err)
		goto free_batches;
	file = debugfs_create_file("tcpstate_bench", 0600, NULL, NULL, &bench_fops);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto free_batches;
	return 0;

free_batches:
	free_batches();
	free_netdev(bench.dev);
put_conntrack:
	do_track(0);
put_net:
	put_net(bench.net);
	return err;
}

static void __exit bench_exit(void)
{
	debugfs_remove(file);
	forget();
	free_batches();
	free_netdev(bench.dev);
	do_track(0);
	put_net(bench.net);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("What a segment costs tcpstate, and nf_conntrack");
MODULE_AUTHOR("The tcpstate founders");
MODULE_LICENSE("GPL");
