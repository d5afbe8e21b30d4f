/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segments that wait for memory, together. A table that no cache holds costs a
 * segment the time in which its bucket and then its record come from memory. What
 * is received in one list passes PRE_ROUTING before the first of it goes on, so
 * there each segment only has its bucket fetched and waits in its CPU's batch; the
 * batch is delivered, in order, before any of it is heard or passed on by this host:
 * in LOCAL_IN, FORWARD and, since something else may have made this host answer,
 * LOCAL_OUT. Of a batch whose segments were all dropped on their way there, a
 * tasklet takes care.
 *
 * So nothing that a segment gives rise to is ever seen before the segment is. A
 * small table is spared all this, and so is PREEMPT_RT.
 */
#ifndef _TCPSTATE_BATCH_H
#define _TCPSTATE_BATCH_H

#include <linux/interrupt.h>
#include <linux/percpu.h>

#include "delivery.h"

#define TCPSTATE_BATCH 16

/**
 * struct tcpstate_waiting - a segment that waits
 * @tn: its namespace
 * @hash: of its tuple
 * @parsed: the segment, its flags valid
 */
struct tcpstate_waiting {
	struct tcpstate_net *tn;
	u32 hash;
	struct tcpstate_parsed parsed;
};

/**
 * struct tcpstate_batch - the segments that wait on a CPU
 * @count: how many there are; written by the CPU alone, with BH disabled
 * @tasklet: delivers what nothing else has
 * @waiting: the segments, first come first
 */
struct tcpstate_batch {
	unsigned int count;
	struct tasklet_struct tasklet;
	struct tcpstate_waiting waiting[TCPSTATE_BATCH];
};

DECLARE_PER_CPU(struct tcpstate_batch, tcpstate_batch);

int tcpstate_batch_init(void);
void tcpstate_batch_exit(void);
void tcpstate_batch_add(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed);
void tcpstate_batch_flush(void);
void __tcpstate_batch_deliver(void);

/**
 * tcpstate_batch_deliver() - whatever waits on this CPU waits no longer
 *
 * Context: RCU read side. Where BH is not disabled nothing waits, for the tasklet
 * has run: it makes no difference then which CPU is asked.
 */
static inline void tcpstate_batch_deliver(void)
{
	if (unlikely(raw_cpu_read(tcpstate_batch.count)))
		__tcpstate_batch_deliver();
}

#endif /* _TCPSTATE_BATCH_H */
