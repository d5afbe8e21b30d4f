/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who leaks connections: a side that stays in CLOSE_WAIT while the other waits
 * in FIN_WAIT2 has not closed what its peer has.
 */
#ifndef _TCPSTATE_LEAK_H
#define _TCPSTATE_LEAK_H

#include <linux/atomic.h>
#include <linux/types.h>

struct tcpstate_buckets;
struct tcpstate_log;

/**
 * struct tcpstate_leak - what the sweep has found
 * @flows: connections in which that endpoint is the one in CLOSE_WAIT, when
 *	all were last visited; read without a lock, like @oldest
 * @oldest: milliseconds that the one which is there longest has been there
 * @next: the bucket to visit next; this and what follows are the sweep's own
 * @order: of the array that is being visited
 * @flows_now: @flows so far in this round
 * @oldest_now: @oldest likewise
 */
struct tcpstate_leak {
	u32 flows[2];
	atomic64_t oldest[2];
	size_t next;
	unsigned int order;
	u32 flows_now[2];
	u64 oldest_now[2];
};

void tcpstate_leak_visit(struct tcpstate_leak *leak, const struct tcpstate_log *log,
			 struct tcpstate_buckets *buckets);

#endif /* _TCPSTATE_LEAK_H */
