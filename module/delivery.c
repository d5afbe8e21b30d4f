// SPDX-License-Identifier: GPL-2.0
/* Delivery: a segment's way through the tables to the record that it belongs to. */
#include "delivery.h"
#include "flow.h"
#include "halfopen.h"
#include "trace.h"

static bool is_listener(struct tcpstate_log *log, const struct in6_addr *addr, __be16 port,
			u8 family)
{
	struct tcpstate_host host = { .port = port, .family = family };

	memcpy(host.addr, addr, sizeof(host.addr));
	return tcpstate_listener_known(log, &host);
}

/* What makes a record: who sent this, if nobody can be asked? */
static enum tcpstate_end role_of_sender(struct tcpstate_log *log,
					const struct tcpstate_parsed *parsed)
{
	const struct tcpstate_tuple *tuple = &parsed->tuple;
	bool sender, receiver;

	if (parsed->segment.flags & TCPSTATE_SYN)
		return parsed->segment.flags & TCPSTATE_ACK ? TCPSTATE_RESPONDER :
							      TCPSTATE_INITIATOR;
	sender = is_listener(log, &tuple->src, tuple->sport, tuple->family);
	receiver = is_listener(log, &tuple->dst, tuple->dport, tuple->family);
	if (sender != receiver)
		return sender ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	return ntohs(parsed->tuple.sport) < ntohs(parsed->tuple.dport) ? TCPSTATE_RESPONDER :
									TCPSTATE_INITIATOR;
}

/* Whoever files a record holds the birth lock of its key: see halfopen.h. */
static bool file_flow(struct tcpstate_tables *tables, struct tcpstate_record *record, u32 hash,
		      u32 now)
{
	struct tcpstate_bucket *bucket;
	bool admitted;

	bucket = tcpstate_table_lock_new(tables, tcpstate_flows(tables), hash);
	if (!bucket) {
		tcpstate_count(tables->log->stats, NOMEM);
		return false;
	}
	admitted = tcpstate_flow_admit(tables, bucket, record, now);
	if (admitted)
		tcpstate_table_file(tables, tcpstate_flows(tables), bucket, record, hash);
	tcpstate_bucket_unlock(bucket);
	return admitted;
}

static bool file_halfopen(struct tcpstate_tables *tables, struct tcpstate_bucket *birth,
			  struct tcpstate_record *record, u32 hash, u32 now)
{
	if (!tcpstate_halfopen_admit(tables, birth, now))
		return false;
	tcpstate_table_file(tables, tcpstate_halfopens(tables), birth, record, hash);
	return true;
}

/* File an open record that is in no table, or end it where there is no room. */
static void file(struct tcpstate_tables *tables, struct tcpstate_bucket *birth,
		 struct tcpstate_record *record, u32 hash, u32 now)
{
	lockdep_assert_held(&birth->lock);
	if (tcpstate_record_kind(record) == TCPSTATE_HALFOPEN ?
	    file_halfopen(tables, birth, record, hash, now) :
	    file_flow(tables, record, hash, now))
		return;
	tcpstate_record_end(tables->log, record, TCPSTATE_REASON_EVICTED);
	tcpstate_record_free(record);
}

/* A segment that belongs to no record. */
static void open(struct tcpstate_net *tn, struct tcpstate_bucket *birth,
		 const struct tcpstate_parsed *parsed, u32 hash, u32 now)
{
	const struct tcpstate_segment *segment = &parsed->segment;
	struct tcpstate_tables *tables = &tn->tables;
	struct tcpstate_record *record;

	if (segment->flags & TCPSTATE_RST ||
	    (!READ_ONCE(tn->loose) &&
	     (segment->flags & (TCPSTATE_SYN | TCPSTATE_ACK)) != TCPSTATE_SYN)) {
		tcpstate_count_add(tn->log.stats, STRAY, segment->count);
		return;
	}
	record = tcpstate_record_alloc(&tn->log, parsed->tuple.family);
	if (!record) {
		tcpstate_count(tn->log.stats, NOMEM);
		return;
	}
	tcpstate_record_open(&tn->log, record, parsed, hash,
			     role_of_sender(&tn->log, parsed), false);
	file(tables, birth, record, hash, now);
}

/* A segment of a record in the half-open table. */
static void step_halfopen(struct tcpstate_tables *tables, struct tcpstate_bucket *birth,
			  struct tcpstate_record *record, const struct tcpstate_parsed *parsed,
			  u32 hash, enum tcpstate_end from, u32 now)
{
	struct tcpstate_outcome out;

	out = tcpstate_table_step(tables, tcpstate_halfopens(tables), birth, record,
				  &parsed->segment, hash, from, now);
	switch (out.action) {
	case TCPSTATE_ANEW:
		/* A half-open successor stays in its place. */
		tcpstate_record_open(tables->log, record, parsed, hash,
				     parsed->segment.flags & TCPSTATE_SYN ?
				     role_of_sender(tables->log, parsed) : from, true);
		tcpstate_bucket_due(birth, tcpstate_record_deadline(record, tables->timeout));
		fallthrough;
	case TCPSTATE_KEEP:
		if (tcpstate_fsm_ended(&record->pair) ||
		    tcpstate_record_kind(record) == TCPSTATE_HALFOPEN)
			break;
		tcpstate_table_take(tables, tcpstate_halfopens(tables), birth, record);
		file(tables, birth, record, hash, now);
		break;
	default:
		break;
	}
}

/*
 * The connection of a record that ended goes on: pick it up, where its record is. If there
 * is no room for another flow that no handshake proved, the record remains as it is.
 */
static void revive(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
		   struct tcpstate_record *record, const struct tcpstate_parsed *parsed, u32 hash,
		   enum tcpstate_end from, u32 now)
{
	struct tcpstate_table *flows = tcpstate_flows(tables);

	if (!tcpstate_flow_budget(tables, bucket, now))
		return;
	tcpstate_record_open(tables->log, record, parsed, hash, from, true);
	tcpstate_table_unreplied(flows, false, tcpstate_table_budgets(flows, record));
	tcpstate_bucket_due(bucket, tcpstate_record_deadline(record, tables->timeout));
}

/*
 * A segment of a record in the flow table, if there is one. A successor is
 * taken out and returned in @successor: to file it takes the birth lock, so
 * only who holds it may pass a @successor.
 */
static bool step_flow(struct tcpstate_tables *tables, const struct tcpstate_parsed *parsed,
		      u32 hash, struct tcpstate_record **successor, u32 now)
{
	struct tcpstate_table *flows = tcpstate_flows(tables);
	struct tcpstate_bucket *bucket;
	struct tcpstate_record *record;
	struct tcpstate_outcome out;
	enum tcpstate_end from;

	bucket = tcpstate_table_lock(flows, hash);
	if (!bucket)
		return false;
	record = tcpstate_bucket_find(bucket, &parsed->tuple, hash, &from);
	if (likely(record && !tcpstate_traced(tables->log) &&
		   tcpstate_record_predicted(record, &parsed->segment, from, now))) {
		tcpstate_bucket_unlock(bucket);
		return true;
	}
	if (record) {
		out = tcpstate_table_step(tables, flows, bucket, record, &parsed->segment, hash,
					  from, now);
		if (out.action == TCPSTATE_ANEW && !(parsed->segment.flags & TCPSTATE_SYN)) {
			revive(tables, bucket, record, parsed, hash, from, now);
		} else if (out.action == TCPSTATE_ANEW) {
			tcpstate_table_take(tables, flows, bucket, record);
			*successor = record;
		}
	}
	tcpstate_bucket_unlock(bucket);
	return record;
}

/* What may open or move a record: all that follows is under its birth lock. */
static void deliver_birth(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed, u32 hash,
			  u32 now)
{
	struct tcpstate_record *record, *successor = NULL;
	struct tcpstate_tables *tables = &tn->tables;
	struct tcpstate_bucket *birth;
	enum tcpstate_end from;

	tcpstate_table_prefetch(tcpstate_flows(tables), hash);
	tcpstate_listener_prefetch(&tn->listeners, hash);
	birth = tcpstate_table_lock_new(tables, tcpstate_halfopens(tables), hash);
	if (!birth) {
		tcpstate_count(tn->log.stats, NOMEM);
		return;
	}
	record = tcpstate_bucket_find(birth, &parsed->tuple, hash, &from);
	if (record) {
		step_halfopen(tables, birth, record, parsed, hash, from, now);
	} else if (!step_flow(tables, parsed, hash, &successor, now)) {
		open(tn, birth, parsed, hash, now);
	} else if (successor) {
		tcpstate_record_open(&tn->log, successor, parsed, hash,
				     role_of_sender(&tn->log, parsed), true);
		file(tables, birth, successor, hash, now);
	}
	tcpstate_bucket_unlock(birth);
}

/**
 * tcpstate_deliver() - have a segment tell its record what it proves
 * @tn: the namespace
 * @parsed: the segment, its flags valid
 * @hash: of its tuple
 *
 * Most segments belong to a flow, and only a SYN can make one give way.
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_deliver(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed, u32 hash)
{
	u32 now = tcpstate_now();

	if (parsed->segment.flags & TCPSTATE_SYN ||
	    !step_flow(&tn->tables, parsed, hash, NULL, now))
		deliver_birth(tn, parsed, hash, now);
}
