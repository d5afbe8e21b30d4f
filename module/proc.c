// SPDX-License-Identifier: GPL-2.0
/* Views in /proc. None holds a lock from one read to the next. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "netns.h"
#include "walk.h"

/* The kernel's order, as every view lists the states. */
static void show_states(struct seq_file *seq, const struct tcpstate_stats *sum)
{
	unsigned int state;

	seq_puts(seq, "state        initiator  responder    entered\n");
	for (state = 1; state <= TCPSTATE_STATE_MAX; state++)
		seq_printf(seq, "%-11s %10lu %10lu %10lu\n", tcpstate_state_name(state),
			   tcpstate_stats_endpoints(sum, TCPSTATE_INITIATOR, state),
			   tcpstate_stats_endpoints(sum, TCPSTATE_RESPONDER, state),
			   tcpstate_stats_entered(sum, state));
}

static void show_value(struct seq_file *seq, const char *name, unsigned long value)
{
	seq_printf(seq, "%-20s %14lu\n", name, value);
}

/* Its own prefix: kinds of memory and counters have names in common. */
static void show_memory(struct seq_file *seq, const struct tcpstate_memory *memory,
			const struct tcpstate_stats *sum)
{
	u64 octets[__TCPSTATE_A_MEMORY_MAX];
	unsigned int kind;

	tcpstate_memory_read(memory, sum, octets);
	seq_printf(seq, "\n%-20s %14s\n", "memory", "octets");
	for (kind = TCPSTATE_MEMORY_FIRST; kind <= TCPSTATE_A_MEMORY_MAX; kind++)
		seq_printf(seq, "memory_%-13s %14llu\n", tcpstate_memory_name[kind],
			   octets[kind]);
}

static int summary_show(struct seq_file *seq, void *v)
{
	struct tcpstate_net *tn = tcpstate_net(seq_file_single_net(seq));
	struct tcpstate_stats *sum;
	unsigned int i;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	if (!sum)
		return -ENOMEM;
	tcpstate_net_stats(tn, sum);

	seq_puts(seq, "tcpstate 1\n\n");
	show_states(seq, sum);
	seq_printf(seq, "\n%-20s %14s\n", "counter", "value");
	for (i = TCPSTATE_COUNTER_FIRST; i <= TCPSTATE_A_COUNTER_MAX; i++)
		show_value(seq, tcpstate_counter_name[i], sum->counter[i]);
	show_memory(seq, &tn->log.memory, sum);
	kfree(sum);
	return 0;
}

/**
 * struct reader - a reader's progress through the half-open connections
 * @p: the namespace; seq_file's own
 * @walk: where to read on
 * @pos: how many records came before the walk's current one
 */
struct reader {
	struct seq_net_private p;
	struct tcpstate_walk walk;
	loff_t pos;
};

/* Reads go on where the last one ended; only a seek backwards begins anew. */
static void *halfopen_start(struct seq_file *seq, loff_t *pos)
{
	struct tcpstate_net *tn = tcpstate_net(seq_file_net(seq));
	struct reader *reader = seq->private;
	struct tcpstate_view *view;

	if (!*pos) {
		tcpstate_walk_start(&reader->walk, &tn->tables, TCPSTATE_WALK_HALFOPEN);
		reader->pos = 0;
	}
	if (*pos < reader->pos)
		return NULL;
	view = tcpstate_walk_current(&reader->walk);
	for (; view && reader->pos < *pos; reader->pos++)
		view = tcpstate_walk_next(&reader->walk);
	return view;
}

static void *halfopen_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct reader *reader = seq->private;

	++*pos;
	reader->pos++;
	return tcpstate_walk_next(&reader->walk);
}

static void halfopen_stop(struct seq_file *seq, void *v)
{
}

static void show_address(struct seq_file *seq, u8 family, const struct in6_addr *addr, __be16 port)
{
	if (family == NFPROTO_IPV4)
		seq_printf(seq, " %pI4:%u", &addr->s6_addr32[0], ntohs(port));
	else
		seq_printf(seq, " [%pI6c]:%u", addr, ntohs(port));
}

static int halfopen_show(struct seq_file *seq, void *v)
{
	const struct tcpstate_view *view = v;
	const struct tcpstate_tuple *tuple = &view->tuple;

	seq_puts(seq, tuple->family == NFPROTO_IPV4 ? "ipv4" : "ipv6");
	show_address(seq, tuple->family, &tuple->src, tuple->sport);
	show_address(seq, tuple->family, &tuple->dst, tuple->dport);
	seq_printf(seq, " %s %llu %u %u\n",
		   tcpstate_state_name(view->phase), view->age_ms, view->syn, view->synack);
	return 0;
}

static const struct seq_operations halfopen_ops = {
	.start = halfopen_start,
	.next = halfopen_next,
	.stop = halfopen_stop,
	.show = halfopen_show,
};

/**
 * struct listing - a reader's progress through the listeners
 * @p: the namespace; seq_file's own
 * @place: where to read on
 * @view: the current one
 */
struct listing {
	struct seq_net_private p;
	unsigned long place;
	struct tcpstate_listener_view view;
};

/* The position is the place of the current one. */
static void *listener_from(struct seq_file *seq, loff_t *pos)
{
	struct tcpstate_net *tn = tcpstate_net(seq_file_net(seq));
	struct listing *listing = seq->private;

	listing->place = *pos;
	if (!tcpstate_listener_read(&tn->listeners, &listing->place, &listing->view))
		return NULL;
	*pos = listing->place;
	return &listing->view;
}

static void *listener_start(struct seq_file *seq, loff_t *pos)
{
	return listener_from(seq, pos);
}

static void *listener_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return listener_from(seq, pos);
}

static void listener_stop(struct seq_file *seq, void *v)
{
}

static int listener_show(struct seq_file *seq, void *v)
{
	const struct tcpstate_listener_view *view = v;
	const struct tcpstate_finding *finding = &view->finding;
	const struct tcpstate_tally *tally = &view->tally;
	struct in6_addr addr;

	memcpy(&addr, view->host.addr, sizeof(addr));
	seq_puts(seq, view->host.family == NFPROTO_IPV4 ? "ipv4" : "ipv6");
	show_address(seq, view->host.family, &addr, view->host.port);
	seq_printf(seq, " %d %d %lu %lu %lu %lu %lu %u %u %s %llu\n",
		   max(tally->half[TCPSTATE_HALF_ASKED], 0),
		   max(tally->half[TCPSTATE_HALF_ANSWERED], 0),
		   tally->news[TCPSTATE_NEWS_ASKED], tally->news[TCPSTATE_NEWS_ANSWERED],
		   tally->news[TCPSTATE_NEWS_COMPLETED], tally->news[TCPSTATE_NEWS_REFUSED],
		   tally->news[TCPSTATE_NEWS_TIMED_OUT], finding->syn_rate, finding->sources,
		   tcpstate_verdict_name(finding->verdict), tcpstate_now64() - finding->since);
	return 0;
}

static const struct seq_operations listener_ops = {
	.start = listener_start,
	.next = listener_next,
	.stop = listener_stop,
	.show = listener_show,
};

/* lnstat prints no more than 32 columns, so of the counters those that matter most. */
static const u8 lnstat_counters[] = {
	TCPSTATE_A_COUNTER_SEGMENTS, TCPSTATE_A_COUNTER_SYN, TCPSTATE_A_COUNTER_SYNACK,
	TCPSTATE_A_COUNTER_FIN, TCPSTATE_A_COUNTER_RST, TCPSTATE_A_COUNTER_OPENED,
	TCPSTATE_A_COUNTER_PICKED_UP, TCPSTATE_A_COUNTER_ESTABLISHED, TCPSTATE_A_COUNTER_CLOSED_FIN,
	TCPSTATE_A_COUNTER_CLOSED_RESET, TCPSTATE_A_COUNTER_REFUSED, TCPSTATE_A_COUNTER_TIMED_OUT,
	TCPSTATE_A_COUNTER_SUPERSEDED, TCPSTATE_A_COUNTER_REUSED, TCPSTATE_A_COUNTER_EVICTED,
	TCPSTATE_A_COUNTER_SYN_RETRANS, TCPSTATE_A_COUNTER_SYNACK_RETRANS,
	TCPSTATE_A_COUNTER_FIN_RETRANS, TCPSTATE_A_COUNTER_DATA_RETRANS,
	TCPSTATE_A_COUNTER_MALFORMED, TCPSTATE_A_COUNTER_INVALID_FLAGS,
	TCPSTATE_A_COUNTER_BAD_CHECKSUM, TCPSTATE_A_COUNTER_OUT_OF_WINDOW,
	TCPSTATE_A_COUNTER_INVALID_ACK, TCPSTATE_A_COUNTER_INVALID_RST, TCPSTATE_A_COUNTER_STRAY,
	TCPSTATE_A_COUNTER_FRAGMENT, TCPSTATE_A_COUNTER_RESYNC, TCPSTATE_A_COUNTER_FLOW_TABLE_FULL,
	TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL, TCPSTATE_A_COUNTER_NOMEM,
};

/* The share of the first possible CPU from @cpu on; position 0 is the heading. */
static void *share_from(struct seq_file *seq, int cpu, loff_t *pos)
{
	struct tcpstate_net *tn = tcpstate_net(seq_file_net(seq));

	cpu = cpumask_next(cpu - 1, cpu_possible_mask);
	*pos = cpu + 1;
	return cpu < nr_cpu_ids ? per_cpu_ptr(tn->log.stats, cpu) : NULL;
}

static void *stat_start(struct seq_file *seq, loff_t *pos)
{
	return *pos ? share_from(seq, *pos - 1, pos) : SEQ_START_TOKEN;
}

static void *stat_next(struct seq_file *seq, void *v, loff_t *pos)
{
	return share_from(seq, *pos, pos);
}

static void stat_stop(struct seq_file *seq, void *v)
{
}

static int stat_show(struct seq_file *seq, void *v)
{
	struct tcpstate_net *tn = tcpstate_net(seq_file_net(seq));
	const struct tcpstate_stats *share = v;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(lnstat_counters) > 31);

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "flows");
		for (i = 0; i < ARRAY_SIZE(lnstat_counters); i++)
			seq_printf(seq, " %s", tcpstate_counter_name[lnstat_counters[i]]);
		seq_putc(seq, '\n');
		return 0;
	}
	seq_printf(seq, "%08lx", tcpstate_stats_records(tn->log.stats, TCPSTATE_FLOW));
	for (i = 0; i < ARRAY_SIZE(lnstat_counters); i++)
		seq_printf(seq, " %08lx", READ_ONCE(share->counter[lnstat_counters[i]]));
	seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations stat_ops = {
	.start = stat_start,
	.next = stat_next,
	.stop = stat_stop,
	.show = stat_show,
};

/*
 * Addresses are for the namespace's own root, who may not be the host's. Made
 * together with a user namespace, it comes before anyone is mapped to root:
 * that will be who made them, and may do anything there anyway.
 */
static void give_to_root(struct proc_dir_entry *entry, struct net *net)
{
	kuid_t uid = make_kuid(net->user_ns, 0);
	kgid_t gid = make_kgid(net->user_ns, 0);

	proc_set_user(entry, uid_valid(uid) ? uid : net->user_ns->owner,
		      gid_valid(gid) ? gid : net->user_ns->group);
}

/**
 * tcpstate_proc_net_init() - create a namespace's files
 * @tn: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tcpstate_proc_net_init(struct tcpstate_net *tn)
{
	struct net *net = tn->net;
	struct proc_dir_entry *entry;

	if (!proc_create_net_single("tcpstate", 0444, net->proc_net, summary_show, NULL))
		return -ENOMEM;
	entry = proc_create_net("tcpstate_halfopen", 0440, net->proc_net, &halfopen_ops,
				sizeof(struct reader));
	if (!entry)
		goto remove_summary;
	give_to_root(entry, net);
	entry = proc_create_net("tcpstate_listeners", 0440, net->proc_net, &listener_ops,
				sizeof(struct listing));
	if (!entry)
		goto remove_halfopen;
	give_to_root(entry, net);
	if (!proc_create_net("tcpstate", 0444, net->proc_net_stat, &stat_ops,
			     sizeof(struct seq_net_private)))
		goto remove_listeners;
	return 0;

remove_listeners:
	remove_proc_entry("tcpstate_listeners", net->proc_net);
remove_halfopen:
	remove_proc_entry("tcpstate_halfopen", net->proc_net);
remove_summary:
	remove_proc_entry("tcpstate", net->proc_net);
	return -ENOMEM;
}

/**
 * tcpstate_proc_net_exit() - remove a namespace's files
 * @tn: the namespace
 *
 * Waits for readers that are inside a read.
 * Context: process.
 */
void tcpstate_proc_net_exit(struct tcpstate_net *tn)
{
	struct net *net = tn->net;

	remove_proc_entry("tcpstate", net->proc_net_stat);
	remove_proc_entry("tcpstate_listeners", net->proc_net);
	remove_proc_entry("tcpstate_halfopen", net->proc_net);
	remove_proc_entry("tcpstate", net->proc_net);
}

/**
 * tcpstate_proc_init() - create /proc/tcpstate, where every namespace sees its own
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_proc_init(void)
{
	return proc_symlink("tcpstate", NULL, "net/tcpstate") ? 0 : -ENOMEM;
}

/**
 * tcpstate_proc_exit() - remove /proc/tcpstate
 *
 * Context: module exit.
 */
void tcpstate_proc_exit(void)
{
	remove_proc_entry("tcpstate", NULL);
}
