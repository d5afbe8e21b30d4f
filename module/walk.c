// SPDX-License-Identifier: GPL-2.0
/* Walks: through both tables, a few records at a time. */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "walk.h"

#define PLACE_END BIT_ULL(32)

/**
 * struct span - the records whose hashes lie in a range, locked
 * @key: of the hashes
 * @first: first hash of the range
 * @end: first one behind it; narrower than a bucket where another is
 * @bucket: where they are, by enum tcpstate_kind; NULL where there are none
 */
struct span {
	const hsiphash_key_t *key;
	u64 first;
	u64 end;
	struct tcpstate_bucket *bucket[TCPSTATE_KIND_MAX];
};

/*
 * Add to a span what a table has there. An empty bucket need not be locked if
 * nothing can move into it that was elsewhere before: @peek. While the table is
 * resized, the span ends where the bucket of either array does: beyond that,
 * records of a wider one may not have moved yet.
 */
static void span_add(struct span *span, struct tcpstate_table *table, bool peek)
{
	struct tcpstate_buckets *buckets = rcu_dereference(table->buckets);
	struct tcpstate_bucket *bucket;
	unsigned int shift;
	u64 end;

	for (; buckets; buckets = rcu_dereference(buckets->next)) {
		bucket = tcpstate_bucket_of(buckets, span->first);
		shift = 32 - buckets->order;
		end = ((span->first >> shift) + 1) << shift;
		span->end = min(span->end, end);
		if (peek && tcpstate_bucket_empty(bucket))
			return;
		tcpstate_bucket_lock(bucket);
		if (!bucket->moved) {
			span->bucket[table->kind] = bucket;
			return;
		}
		tcpstate_bucket_unlock(bucket);
	}
}

/*
 * Lock the records from @place on, as far as one bucket of each table goes. The
 * half-open one first: that is the order of locks, and while it is held none of
 * its records can become a flow, nor a flow of its hashes begin.
 */
static void span_lock(struct span *span, struct tcpstate_tables *tables, unsigned int kinds,
		      u64 place)
{
	*span = (struct span){ .key = &tables->log->key, .first = place, .end = PLACE_END };
	if (kinds & BIT(TCPSTATE_HALFOPEN))
		span_add(span, tcpstate_halfopens(tables), false);
	if (kinds & BIT(TCPSTATE_FLOW))
		span_add(span, tcpstate_flows(tables), true);
}

static void span_unlock(struct span *span)
{
	if (span->bucket[TCPSTATE_FLOW])
		tcpstate_bucket_unlock(span->bucket[TCPSTATE_FLOW]);
	if (span->bucket[TCPSTATE_HALFOPEN])
		tcpstate_bucket_unlock(span->bucket[TCPSTATE_HALFOPEN]);
}

static bool span_has(const struct span *span, const struct tcpstate_record *record)
{
	u32 hash = tcpstate_record_hash(span->key, record);

	return hash >= span->first && hash < span->end;
}

/* Return false where there is no room for all that is wanted of the span. */
static bool copy(struct tcpstate_walk *walk, const struct span *span)
{
	const struct tcpstate_record *record;
	unsigned int kind, way;

	walk->n = 0;
	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		if (!span->bucket[kind])
			continue;
		for (record = tcpstate_bucket_first(span->bucket[kind], &way); record;
		     record = tcpstate_bucket_next(span->bucket[kind], record, &way)) {
			if (tcpstate_fsm_ended(&record->pair) ||
			    !tcpstate_filter_passes(&walk->filter, record) ||
			    !span_has(span, record))
				continue;
			if (walk->n == TCPSTATE_WALK_AT_ONCE)
				return false;
			tcpstate_record_view(record, record->pair.state, &walk->views[walk->n++]);
		}
	}
	return true;
}

/* Read the next span, or as much of it as there is room for. */
static noinline void read_span(struct tcpstate_walk *walk)
{
	struct span span;

	local_bh_disable();
	span_lock(&span, walk->tables, walk->kinds, walk->place);
	while (!copy(walk, &span)) {
		if (span.end - span.first == 1) {
			walk->interrupted = true;
			break;
		}
		span.end -= (span.end - span.first) / 2;
	}
	walk->place = span.end;
	span_unlock(&span);
	local_bh_enable();
	/* While what was read is being told. */
	if (walk->place < PLACE_END)
		tcpstate_table_prefetch_all(tcpstate_flows(walk->tables), walk->place);
}

/**
 * tcpstate_walk_start() - begin a walk
 * @walk: the walk
 * @tables: what to walk, there as long as the walk is used
 * @kinds: TCPSTATE_WALK_HALFOPEN or TCPSTATE_WALK_ALL
 *
 * Context: process.
 */
void tcpstate_walk_start(struct tcpstate_walk *walk, struct tcpstate_tables *tables,
			 unsigned int kinds)
{
	walk->tables = tables;
	tcpstate_filter_init(&walk->filter);
	walk->place = 0;
	walk->kinds = kinds;
	walk->interrupted = false;
	walk->next = 0;
	walk->n = 0;
}

/**
 * tcpstate_walk_current() - the record that the walk has come to
 * @walk: the walk
 *
 * Reads on in the tables where need be, with BH disabled for one bucket at a
 * time. A record that has not ended while the walk lasts is met once, unless
 * &tcpstate_walk.interrupted says otherwise; one that began or ended meanwhile
 * may or may not be.
 *
 * Context: process.
 * Return: the same until tcpstate_walk_next(), or NULL at the end.
 */
struct tcpstate_view *tcpstate_walk_current(struct tcpstate_walk *walk)
{
	unsigned int steps;

	while (walk->next == walk->n) {
		if (walk->place == PLACE_END)
			return NULL;
		walk->next = 0;
		walk->n = 0;
		rcu_read_lock();
		for (steps = 0; steps < TCPSTATE_STRETCH && !walk->n; steps++)
			if (walk->place < PLACE_END)
				read_span(walk);
		rcu_read_unlock();
		cond_resched();
	}
	return &walk->views[walk->next];
}

/**
 * tcpstate_walk_next() - go one record further
 * @walk: the walk, not at its end
 *
 * Context: process.
 * Return: as tcpstate_walk_current().
 */
struct tcpstate_view *tcpstate_walk_next(struct tcpstate_walk *walk)
{
	walk->next++;
	return tcpstate_walk_current(walk);
}

static void flush_span(struct tcpstate_tables *tables, const struct span *span)
{
	struct tcpstate_record *record, *next;
	struct tcpstate_bucket *bucket;
	unsigned int kind, way;

	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		bucket = span->bucket[kind];
		if (!bucket)
			continue;
		for (record = tcpstate_bucket_first(bucket, &way); record; record = next) {
			next = tcpstate_bucket_next(bucket, record, &way);
			if (span_has(span, record))
				tcpstate_table_discard(tables, &tables->table[kind], bucket,
						       record, TCPSTATE_REASON_FLUSHED);
		}
	}
}

/**
 * tcpstate_walk_flush() - end every record, and forget those that have ended
 * @tables: the tables
 *
 * Records that begin meanwhile may stay.
 * Context: process.
 */
void tcpstate_walk_flush(struct tcpstate_tables *tables)
{
	struct span span = {};
	unsigned int steps;

	while (span.end < PLACE_END) {
		rcu_read_lock();
		for (steps = 0; span.end < PLACE_END && steps < TCPSTATE_STRETCH; steps++) {
			local_bh_disable();
			span_lock(&span, tables, TCPSTATE_WALK_ALL, span.end);
			flush_span(tables, &span);
			span_unlock(&span);
			local_bh_enable();
		}
		rcu_read_unlock();
		cond_resched();
	}
}
