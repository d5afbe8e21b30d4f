// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table's rules: who is let in, who goes when it is full, and the
 * budget of flows that one side alone vouches for.
 */
#include "flow.h"

/* An eighth of the table: spoofed ACKs can fill that and no more. */
#define UNREPLIED_SHARE 8

static unsigned int rank_unreplied(const struct tcpstate_tables *tables,
				   const struct tcpstate_record *record, u32 now)
{
	return !tcpstate_fsm_ended(&record->pair) && tcpstate_fsm_unreplied(&record->pair);
}

/* What has ended goes first, then what one side vouches for; the rest stays. */
static unsigned int rank(const struct tcpstate_tables *tables,
			 const struct tcpstate_record *record, u32 now)
{
	if (tcpstate_fsm_ended(&record->pair))
		return 2;
	return tcpstate_fsm_unreplied(&record->pair);
}

/**
 * tcpstate_flow_admit() - make room for a record in the flow table
 * @tables: the tables
 * @bucket: of @hash in the flow table, locked by the caller
 * @record: what is to be filed, opened already
 * @hash: its hash
 * @now: tcpstate_now()
 *
 * Context: RCU read side, BH disabled.
 * Return: true when the record is charged to the table, so that
 * tcpstate_flow_file() may follow; false, and flow_table_full counted, when
 * there is no room for it.
 */
bool tcpstate_flow_admit(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			 const struct tcpstate_record *record, u32 hash, u32 now)
{
	struct tcpstate_table *table = tcpstate_flows(tables);

	if (tcpstate_fsm_unreplied(&record->pair) &&
	    atomic_read(&table->unreplied) >= max(table->max / UNREPLIED_SHARE, 1U) &&
	    !tcpstate_table_evict(tables, table, hash, bucket, rank_unreplied, now))
		goto full;
	if (!tcpstate_table_charge(tables, table) &&
	    (!tcpstate_table_evict(tables, table, hash, bucket, rank, now) ||
	     !tcpstate_table_charge(tables, table)))
		goto full;
	return true;
full:
	tcpstate_count(tables->stats, FLOW_TABLE_FULL);
	return false;
}

/**
 * tcpstate_flow_file() - put an admitted record into the flow table
 * @tables: the tables
 * @bucket: of the record's hash, locked by the caller
 * @record: the record
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_flow_file(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			struct tcpstate_record *record)
{
	tcpstate_table_unreplied(tcpstate_flows(tables), false,
				 tcpstate_fsm_unreplied(&record->pair));
	tcpstate_bucket_link(bucket, record, tcpstate_record_deadline(record, tables->timeout));
}

/**
 * tcpstate_flow_take() - take a record out of the flow table without ending it
 * @tables: the tables
 * @bucket: that it is in, locked by the caller
 * @record: the record, ended; afterwards the caller's own
 *
 * Context: RCU read side, BH disabled.
 */
void tcpstate_flow_take(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			struct tcpstate_record *record)
{
	tcpstate_bucket_unlink(bucket, record);
	tcpstate_table_uncharge(tcpstate_flows(tables));
}

/**
 * tcpstate_flow_step() - a segment of a flow
 * @tables: the tables
 * @bucket: that @record is in, locked by the caller
 * @record: the flow
 * @segment: the segment
 * @from: its sender
 * @now: tcpstate_now()
 *
 * Context: RCU read side, BH disabled.
 * Return: as tcpstate_fsm_step(). With TCPSTATE_ANEW the record has ended
 * already, for the reason that is stated.
 */
struct tcpstate_outcome tcpstate_flow_step(struct tcpstate_tables *tables,
					   struct tcpstate_bucket *bucket,
					   struct tcpstate_record *record,
					   const struct tcpstate_segment *segment,
					   enum tcpstate_end from, u32 now)
{
	struct tcpstate_pair *pair = &record->pair;
	const u8 before[2] = { pair->state[0], pair->state[1] };
	bool was = tcpstate_table_budgets(tcpstate_flows(tables), record);
	struct tcpstate_outcome out;

	lockdep_assert_held(&bucket->lock);
	out = tcpstate_record_step(tables->stats, record, segment, from, now);
	if (out.action == TCPSTATE_ANEW)
		tcpstate_record_end(tables->stats, record, out.reason);
	tcpstate_table_unreplied(tcpstate_flows(tables), was,
				 tcpstate_table_budgets(tcpstate_flows(tables), record));
	/* In the same states a timer is only ever renewed, so the bucket knows enough. */
	if (unlikely(before[0] != pair->state[0] || before[1] != pair->state[1]))
		tcpstate_bucket_due(bucket, tcpstate_record_deadline(record, tables->timeout));
	return out;
}
