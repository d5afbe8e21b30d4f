// SPDX-License-Identifier: GPL-2.0
/* Batches: filled by what comes in, emptied before it goes on. */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include "batch.h"

static unsigned int batch_from = 65536;
module_param_named(batch_from, batch_from, uint, 0444);
MODULE_PARM_DESC(batch_from,
		 "room for so many flows makes received segments be looked up in batches (default: 65536)");

DEFINE_PER_CPU(struct tcpstate_batch, tcpstate_batch);

/* Before the first wait for memory is over, the others have begun. */
static void deliver(struct tcpstate_batch *batch)
{
	const struct tcpstate_waiting *waiting = batch->waiting, *end = waiting + batch->count;

	for (; waiting < end; waiting++)
		tcpstate_table_prefetch_record(tcpstate_flows(&waiting->tn->tables),
					       &waiting->parsed.tuple, waiting->hash);
	for (waiting = batch->waiting; waiting < end; waiting++)
		tcpstate_deliver(waiting->tn, &waiting->parsed, waiting->hash);
	/* Whoever reads that none is left finds all that they did done. */
	smp_store_release(&batch->count, 0);
}

/* Runs on another CPU if the batch's own went offline. */
static void deliver_late(struct tasklet_struct *tasklet)
{
	rcu_read_lock();
	deliver(container_of(tasklet, struct tcpstate_batch, tasklet));
	rcu_read_unlock();
}

/**
 * __tcpstate_batch_deliver() - see tcpstate_batch_deliver()
 *
 * Context: RCU read side.
 */
void __tcpstate_batch_deliver(void)
{
	local_bh_disable();
	deliver(this_cpu_ptr(&tcpstate_batch));
	local_bh_enable();
}

/*
 * Returns whether the table is worth a batch. On PREEMPT_RT none is: a task may be
 * preempted amid a batch, and from 6.18 on another one may add to it meanwhile.
 */
static bool is_large(const struct tcpstate_table *table)
{
	const struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);

	return !IS_ENABLED(CONFIG_PREEMPT_RT) && buckets &&
	       TCPSTATE_LOAD << buckets->order >= batch_from;
}

/**
 * tcpstate_batch_add() - a segment came in
 * @tn: its namespace
 * @parsed: the segment, its flags valid
 *
 * It is delivered at once, or waits until tcpstate_batch_deliver(). If its table
 * has become small, what waited from before is delivered first.
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_batch_add(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed)
{
	struct tcpstate_table *flows = tcpstate_flows(&tn->tables);
	u32 hash = tcpstate_tuple_hash(&tn->log.key, &parsed->tuple);
	struct tcpstate_waiting *waiting;
	struct tcpstate_batch *batch;

	if (likely(!is_large(flows))) {
		tcpstate_batch_deliver();
		tcpstate_deliver(tn, parsed, hash);
		return;
	}
	tcpstate_table_prefetch(flows, hash);
	if (parsed->segment.flags & TCPSTATE_SYN)
		tcpstate_table_prefetch(tcpstate_halfopens(&tn->tables), hash);
	batch = this_cpu_ptr(&tcpstate_batch);
	if (batch->count == TCPSTATE_BATCH)
		deliver(batch);
	if (!batch->count)
		tasklet_schedule(&batch->tasklet);
	waiting = &batch->waiting[batch->count];
	waiting->tn = tn;
	waiting->hash = hash;
	waiting->parsed = *parsed;
	WRITE_ONCE(batch->count, batch->count + 1);
}

static long flush(void *unused)
{
	rcu_read_lock();
	__tcpstate_batch_deliver();
	rcu_read_unlock();
	return 0;
}

/*
 * Awaits the tasklet of a CPU that is offline, whose batch nothing else delivers.
 * Another CPU took it over, and adds nothing.
 */
static int settle(unsigned int cpu)
{
	tasklet_kill(&per_cpu(tcpstate_batch, cpu).tasklet);
	return 0;
}

/**
 * tcpstate_batch_flush() - nothing waits any more that came before
 *
 * After a grace period since the hooks of a namespace were unregistered, none
 * of its segments waits and none will.
 *
 * Context: process.
 */
void tcpstate_batch_flush(void)
{
	int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu) {
		if (!cpu_online(cpu))
			settle(cpu);
		/* Pairs with the release in deliver(). */
		else if (smp_load_acquire(&per_cpu(tcpstate_batch, cpu).count))
			work_on_cpu(cpu, flush, NULL);
	}
	cpus_read_unlock();
}

/* The state of CPU hotplug in which settle() runs. */
static int hotplug;

/**
 * tcpstate_batch_init() - prepare every CPU's batch
 *
 * A CPU adds to its batch again only after the tasklet of its last time has run.
 *
 * Context: module initialisation.
 * Return: 0 or a negative errno.
 */
int __init tcpstate_batch_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_setup(&per_cpu(tcpstate_batch, cpu).tasklet, deliver_late);
	hotplug = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "net/tcpstate:prepare", settle,
					    NULL);
	return min(hotplug, 0);
}

/**
 * tcpstate_batch_exit() - undo tcpstate_batch_init()
 *
 * Context: module exit, after the last hook was unregistered and a flush.
 */
void tcpstate_batch_exit(void)
{
	int cpu;

	cpuhp_remove_state_nocalls(hotplug);
	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu(tcpstate_batch, cpu).tasklet);
}
