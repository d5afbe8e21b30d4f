/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands for the rest of the module and of the kernel, in a program that has the tables
 * alone: nothing is counted of listeners, and nothing is sent. One file of it includes this.
 */
#ifndef _TCPSTATE_FUZZ_ALONE_H
#define _TCPSTATE_FUZZ_ALONE_H

#include "netns.h"

u64 fuzz_now;
unsigned int fuzz_short, fuzz_held, fuzz_busy, fuzz_busiest;
size_t fuzz_largest;
void (*fuzz_others)(void);

void tcpstate_listener_tell(struct tcpstate_log *log, struct tcpstate_record *record,
			    enum tcpstate_half was, enum tcpstate_half is,
			    enum tcpstate_news news)
{
	(void)log, (void)record, (void)was, (void)is, (void)news;
}

void tcpstate_listener_late(struct tcpstate_log *log, const struct tcpstate_record *record)
{
	(void)log, (void)record;
}

bool tcpstate_listener_known(struct tcpstate_log *log, const struct tcpstate_host *host)
{
	(void)log, (void)host;
	return false;
}

void tcpstate_event(struct tcpstate_log *log, enum tcpstate_event_type type,
		    const struct tcpstate_record *record, const u8 state[2],
		    enum tcpstate_reason reason)
{
	(void)log, (void)type, (void)record, (void)state, (void)reason;
}

/* What is freed must be of the size that was allocated, and in the end nothing is left. */
void *tcpstate_memory_alloc(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			    size_t size, gfp_t gfp)
{
	void *object = kvzalloc(size, gfp);

	if (object)
		memory->used[kind].counter += size;
	return object;
}

void tcpstate_memory_free(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			  const void *object, size_t size)
{
	memory->used[kind].counter -= size;
	kvfree(object);
}

void tcpstate_memory_uncharge(struct tcpstate_memory *memory, enum tcpstate_memory_kind kind,
			      size_t size)
{
	memory->used[kind].counter -= size;
}

struct mem_cgroup *tcpstate_memory_enter(const struct tcpstate_memory *memory, gfp_t *gfp)
{
	(void)memory, (void)gfp;
	return NULL;
}

void tcpstate_memory_leave(const struct tcpstate_memory *memory, struct mem_cgroup *before)
{
	(void)memory, (void)before;
}

void __tcpstate_trace(struct tcpstate_log *log, const struct tcpstate_record *record,
		      const struct tcpstate_segment *segment, enum tcpstate_end from,
		      const struct tcpstate_outcome *out)
{
	(void)log, (void)record, (void)segment, (void)from, (void)out;
}

void tcpstate_alert_table(struct tcpstate_log *log, bool full, unsigned int gauge, u64 fill,
			  u64 limit)
{
	(void)log, (void)full, (void)gauge, (void)fill, (void)limit;
}

#endif /* _TCPSTATE_FUZZ_ALONE_H */
