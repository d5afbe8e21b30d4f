// SPDX-License-Identifier: GPL-2.0
/* Tunables: net.tcpstate.*, per namespace. */
#include <linux/slab.h>

#include "compat.h"
#include "netns.h"
#include "sweep.h"

/* Netfilter's where it has one, and what Linux's own stack does where not. */
static const struct {
	const char *name;
	unsigned int seconds;
} timeouts[TCPSTATE_TIMEOUT_MAX] = {
	[TCPSTATE_TIMEOUT_SYN_SENT]	= { "timeout_syn_sent", 120 },
	[TCPSTATE_TIMEOUT_SYN_RECV]	= { "timeout_syn_recv", 60 },
	[TCPSTATE_TIMEOUT_ESTABLISHED]	= { "timeout_established", 432000 },
	[TCPSTATE_TIMEOUT_FIN_WAIT]	= { "timeout_fin_wait", 120 },
	[TCPSTATE_TIMEOUT_CLOSE_WAIT]	= { "timeout_close_wait", 432000 },
	[TCPSTATE_TIMEOUT_LAST_ACK]	= { "timeout_last_ack", 30 },
	[TCPSTATE_TIMEOUT_TIME_WAIT]	= { "timeout_time_wait", 60 },
	[TCPSTATE_TIMEOUT_CLOSE]	= { "timeout_close", 10 },
	[TCPSTATE_TIMEOUT_UNREPLIED]	= { "timeout_unreplied", 300 },
};

/**
 * tcpstate_sysctl_defaults() - set what can be tuned to its default
 * @tn: a namespace that is coming up
 */
void tcpstate_sysctl_defaults(struct tcpstate_net *tn)
{
	unsigned int i;

	tn->loose = true;
	tn->checksum = true;
	tn->listeners.keep = true;
	for (i = 0; i < TCPSTATE_TIMEOUT_MAX; i++)
		tn->tables.timeout[i] = timeouts[i].seconds;
}

#ifdef CONFIG_SYSCTL

/* Deadlines are compared in milliseconds modulo 2^32, so half of that is the end. */
#define TIMEOUT_MAX (S32_MAX / MSEC_PER_SEC)

static unsigned int timeout_min = 1;
static unsigned int timeout_max = TIMEOUT_MAX;

/* What verdicts go by; see struct tcpstate_thresholds for what each trades. */
static const struct {
	const char *name;
	size_t offset;
} thresholds[] = {
#define THRESHOLD(name) { "flood_" #name, offsetof(struct tcpstate_thresholds, name) }
	THRESHOLD(backlog),
	THRESHOLD(floor),
	THRESHOLD(allowance),
	THRESHOLD(alarm),
	THRESHOLD(certain),
	THRESHOLD(surge),
	THRESHOLD(surge_syn),
	THRESHOLD(few),
	THRESHOLD(calm),
	THRESHOLD(scan),
	THRESHOLD(reflection),
#undef THRESHOLD
};

static unsigned int threshold_min = 1;
static unsigned int threshold_max = 1U << 20;

/* Switches come first in the table, then the timeouts, then the thresholds. */
enum {
	SWITCH_ENABLED,
	SWITCH_LOOSE,
	SWITCH_CHECKSUM,
	SWITCH_LISTENERS,
	SWITCHES,
};

#define FLOODS (SWITCHES + TCPSTATE_TIMEOUT_MAX)
#define ENTRIES (FLOODS + ARRAY_SIZE(thresholds))

/* What is written takes effect before the write returns, or the write fails. */
static int enabled_handler(TCPSTATE_CTL_CONST struct ctl_table *table, int write, void *buffer,
			   size_t *length, loff_t *pos)
{
	struct tcpstate_net *tn = table->extra1;
	u8 value = tcpstate_net_enabled(tn);
	struct ctl_table local = {
		.data = &value,
		.maxlen = sizeof(value),
		.mode = table->mode,
		.extra1 = SYSCTL_ZERO,
		.extra2 = SYSCTL_ONE,
	};
	int err = proc_dou8vec_minmax(&local, write, buffer, length, pos);

	if (err || !write)
		return err;
	return tcpstate_net_enable(tn, value);
}

static int timeout_handler(TCPSTATE_CTL_CONST struct ctl_table *table, int write, void *buffer,
			   size_t *length, loff_t *pos)
{
	struct tcpstate_net *tn = table->extra1;
	struct ctl_table local = {
		.data = table->data,
		.maxlen = table->maxlen,
		.mode = table->mode,
		.extra1 = &timeout_min,
		.extra2 = &timeout_max,
	};
	int err = proc_douintvec_minmax(&local, write, buffer, length, pos);

	if (!err && write)
		tcpstate_sweep_rescan(&tn->tables);
	return err;
}

static void fill_switch(struct ctl_table *entry, const char *name, u8 *value)
{
	entry->procname = name;
	entry->data = value;
	entry->maxlen = sizeof(*value);
	entry->mode = 0644;
	entry->proc_handler = proc_dou8vec_minmax;
	entry->extra1 = SYSCTL_ZERO;
	entry->extra2 = SYSCTL_ONE;
}

static void fill_timeout(struct ctl_table *entry, struct tcpstate_net *tn, unsigned int i)
{
	entry->procname = timeouts[i].name;
	entry->data = &tn->tables.timeout[i];
	entry->maxlen = sizeof(tn->tables.timeout[i]);
	entry->mode = 0644;
	entry->proc_handler = timeout_handler;
	entry->extra1 = tn;
}

static void fill_threshold(struct ctl_table *entry, struct tcpstate_net *tn, unsigned int i)
{
	entry->procname = thresholds[i].name;
	entry->data = (void *)&tn->listeners.thresholds + thresholds[i].offset;
	entry->maxlen = sizeof(unsigned int);
	entry->mode = 0644;
	entry->proc_handler = proc_douintvec_minmax;
	entry->extra1 = &threshold_min;
	entry->extra2 = &threshold_max;
}

/**
 * tcpstate_sysctl_net_init() - create a namespace's tunables
 * @tn: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tcpstate_sysctl_net_init(struct tcpstate_net *tn)
{
	struct tcpstate_memory *memory = &tn->log.memory;
	struct mem_cgroup *before;
	gfp_t gfp = GFP_KERNEL;
	struct ctl_table *table;
	unsigned int i;

	before = tcpstate_memory_enter(memory, &gfp);
	table = kcalloc(ENTRIES + TCPSTATE_SYSCTL_END, sizeof(*table), gfp);
	tcpstate_memory_leave(memory, before);
	if (!table)
		return -ENOMEM;
	tcpstate_memory_fixed(memory, (ENTRIES + TCPSTATE_SYSCTL_END) * sizeof(*table));
	fill_switch(&table[SWITCH_ENABLED], "enabled", &tn->life);
	table[SWITCH_ENABLED].proc_handler = enabled_handler;
	table[SWITCH_ENABLED].extra1 = tn;
	fill_switch(&table[SWITCH_LOOSE], "loose", &tn->loose);
	fill_switch(&table[SWITCH_CHECKSUM], "checksum", &tn->checksum);
	fill_switch(&table[SWITCH_LISTENERS], "listeners", &tn->listeners.keep);
	for (i = 0; i < TCPSTATE_TIMEOUT_MAX; i++)
		fill_timeout(&table[SWITCHES + i], tn, i);
	for (i = 0; i < ARRAY_SIZE(thresholds); i++)
		fill_threshold(&table[FLOODS + i], tn, i);

	tn->sysctl = tcpstate_register_sysctl(tn->net, "net/tcpstate", table, ENTRIES);
	if (!tn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	tn->sysctl_table = table;
	return 0;
}

/**
 * tcpstate_sysctl_net_exit() - remove a namespace's tunables
 * @tn: the namespace
 *
 * Waits for writers that are inside a write.
 * Context: process.
 */
void tcpstate_sysctl_net_exit(struct tcpstate_net *tn)
{
	unregister_net_sysctl_table(tn->sysctl);
	kfree(tn->sysctl_table);
}

#endif /* CONFIG_SYSCTL */
