/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traces: those who asked to be told of every segment of some connections. Each
 * namespace has a few, found under RCU, replaced as a whole under its mutex.
 */
#ifndef _TCPSTATE_TRACE_H
#define _TCPSTATE_TRACE_H

#include "event.h"
#include "filter.h"

/* Process context. */
int tcpstate_trace_set(struct tcpstate_log *log, u32 portid, const struct tcpstate_filter *filter);
void tcpstate_trace_clear(struct tcpstate_log *log, u32 portid);
void tcpstate_trace_exit(struct tcpstate_log *log);

void __tcpstate_trace(struct tcpstate_log *log, const struct tcpstate_record *record,
		      const struct tcpstate_segment *segment, enum tcpstate_end from,
		      const struct tcpstate_outcome *out);

/* Does anybody want to know of segments? */
static inline bool tcpstate_traced(const struct tcpstate_log *log)
{
	return unlikely(rcu_access_pointer(log->traces));
}

/**
 * tcpstate_trace() - tell of a segment, should anybody want to know
 * @log: the namespace's
 * @record: its connection, after it; caller holds its bucket's lock
 * @segment: the segment
 * @from: its sender
 * @out: what became of the connection by it
 *
 * Context: RCU read side, BH disabled. Nothing but a look at a pointer where
 * nobody traces.
 */
static inline void tcpstate_trace(struct tcpstate_log *log, const struct tcpstate_record *record,
				  const struct tcpstate_segment *segment, enum tcpstate_end from,
				  const struct tcpstate_outcome *out)
{
	if (tcpstate_traced(log))
		__tcpstate_trace(log, record, segment, from, out);
}

#endif /* _TCPSTATE_TRACE_H */
