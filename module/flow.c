// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table's rules: which flow is admitted, which is evicted when it is
 * full, and the budget of flows that no handshake proved.
 */
#include "flow.h"

/* An eighth of the table: spoofed segments can fill that and no more. */
#define UNPROVED_SHARE 8

static unsigned int standing(const struct tcpstate_record *record, u32 now)
{
	return tcpstate_fsm_standing(&record->pair, now - record->created,
				     max_t(s32, now - record->seen, 0));
}

/* Within the budget: the worse a flow is proved, the sooner it goes. */
static unsigned int rank_budget(const struct tcpstate_tables *tables,
				const struct tcpstate_record *record, u32 now)
{
	if (tcpstate_fsm_ended(&record->pair) || !record->pair.unproved)
		return 0;
	return standing(record, now);
}

/* For a flow that no handshake proved: what has ended goes, then flows of the budget. */
static unsigned int rank_unproved(const struct tcpstate_tables *tables,
				  const struct tcpstate_record *record, u32 now)
{
	if (tcpstate_fsm_ended(&record->pair))
		return TCPSTATE_UNPROVED + 1;
	return rank_budget(tables, record, now);
}

/* For a flow that a handshake proved: then flows, too, that their traffic alone proved. */
static unsigned int rank_proved(const struct tcpstate_tables *tables,
				const struct tcpstate_record *record, u32 now)
{
	if (tcpstate_fsm_ended(&record->pair))
		return TCPSTATE_UNPROVED + 1;
	return standing(record, now);
}

/**
 * tcpstate_flow_budget() - make room in the budget of flows that no handshake proved
 * @tables: the tables
 * @bucket: a bucket of the flow table, locked by the caller
 * @now: tcpstate_now()
 *
 * Context: RCU read side, BH disabled.
 * Return: false, and flow_table_full counted, if the budget is full and no flow of it was
 * found that could be evicted.
 */
bool tcpstate_flow_budget(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket, u32 now)
{
	struct tcpstate_table *table = tcpstate_flows(tables);

	if (atomic_read(&table->unreplied) < max(table->max / UNPROVED_SHARE, 1U) ||
	    tcpstate_table_evict(tables, table, bucket, rank_budget, now))
		return true;
	WRITE_ONCE(table->crowded, true);
	tcpstate_count(tables->log->stats, FLOW_TABLE_FULL);
	return false;
}

/**
 * tcpstate_flow_admit() - make room for a record in the flow table
 * @tables: the tables
 * @bucket: of the record in the flow table, locked by the caller
 * @record: what is to be filed, opened already
 * @now: tcpstate_now()
 *
 * Context: RCU read side, BH disabled.
 * Return: true when the record is charged to the table, so that
 * tcpstate_table_file() may follow; false, and flow_table_full counted, when
 * there is no room for it in the table or in @bucket.
 */
bool tcpstate_flow_admit(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			 const struct tcpstate_record *record, u32 now)
{
	struct tcpstate_table *table = tcpstate_flows(tables);
	tcpstate_rank_fn rank = record->pair.unproved ? rank_unproved : rank_proved;

	if (unlikely(tcpstate_bucket_full(bucket, READ_ONCE(table->denied))) &&
	    !tcpstate_table_evict_from(tables, table, bucket, rank, now))
		goto refused;
	if (record->pair.unproved && !tcpstate_flow_budget(tables, bucket, now))
		return false;
	if (!tcpstate_table_charge(tables, table) &&
	    (!tcpstate_table_evict(tables, table, bucket, rank, now) ||
	     !tcpstate_table_charge(tables, table)))
		goto full;
	return true;
full:
	WRITE_ONCE(table->crowded, true);
refused:
	tcpstate_count(tables->log->stats, FLOW_TABLE_FULL);
	return false;
}
