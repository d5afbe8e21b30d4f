// SPDX-License-Identifier: GPL-2.0
/* Leaks: all flows in rounds, a slice at each sweep. */
#include <linux/sched.h>

#include "table.h"

/* Buckets visited by a sweep; what is smaller is visited whole. */
#define SLICE 65536

static void begin_round(struct tcpstate_leak *leak, unsigned int order)
{
	memset(leak->flows_now, 0, sizeof(leak->flows_now));
	memset(leak->oldest_now, 0, sizeof(leak->oldest_now));
	leak->order = order;
	leak->next = 0;
}

static void end_round(struct tcpstate_leak *leak)
{
	unsigned int end;

	for (end = 0; end < 2; end++) {
		WRITE_ONCE(leak->flows[end], leak->flows_now[end]);
		atomic64_set(&leak->oldest[end], leak->oldest_now[end]);
	}
	begin_round(leak, leak->order);
}

static void visit(struct tcpstate_leak *leak, const struct tcpstate_bucket *bucket)
{
	const struct tcpstate_record *record;
	u32 now = tcpstate_now();	/* under the lock: no stamp is younger */
	unsigned int way, end;
	const u8 *state;

	lockdep_assert_held(&bucket->lock);
	for (record = tcpstate_bucket_first(bucket, &way); record;
	     record = tcpstate_bucket_next(bucket, record, &way)) {
		state = record->pair.state;
		for (end = 0; end < 2; end++) {
			if (state[end] != TCPSTATE_CLOSE_WAIT || state[!end] != TCPSTATE_FIN_WAIT2)
				continue;
			leak->flows_now[end]++;
			leak->oldest_now[end] = max(leak->oldest_now[end],
						    tcpstate_record_stay(record, end, now));
		}
	}
}

/**
 * tcpstate_leak_visit() - go on looking for connections that one side leaves half closed
 * @leak: what was found so far
 * @log: tells whether there are any
 * @buckets: of the flow table; not being moved to a larger array
 *
 * Context: process, the sweep.
 */
void tcpstate_leak_visit(struct tcpstate_leak *leak, const struct tcpstate_log *log,
			 struct tcpstate_buckets *buckets)
{
	size_t size = 1UL << buckets->order, last;
	struct tcpstate_bucket *bucket;

	if (leak->order != buckets->order)
		begin_round(leak, buckets->order);
	if (!tcpstate_stats_pair(log->stats, TCPSTATE_CLOSE_WAIT, TCPSTATE_FIN_WAIT2) &&
	    !tcpstate_stats_pair(log->stats, TCPSTATE_FIN_WAIT2, TCPSTATE_CLOSE_WAIT)) {
		begin_round(leak, buckets->order);
		end_round(leak);
		return;
	}
	for (last = min_t(size_t, leak->next + SLICE, size); leak->next < last; leak->next++) {
		bucket = &buckets->bucket[leak->next];
		if (!tcpstate_bucket_empty(bucket)) {
			spin_lock_bh(&bucket->lock);
			visit(leak, bucket);
			spin_unlock_bh(&bucket->lock);
		}
		if (leak->next % TCPSTATE_STRETCH == TCPSTATE_STRETCH - 1)
			cond_resched();
	}
	if (leak->next == size)
		end_round(leak);
}
