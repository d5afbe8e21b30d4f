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

	if (unlikely(tcpstate_bucket_full(bucket)) &&
	    !tcpstate_table_evict_from(tables, table, bucket, rank, now))
		goto refused;
	if (tcpstate_fsm_unreplied(&record->pair) &&
	    atomic_read(&table->unreplied) >= max(table->max / UNREPLIED_SHARE, 1U) &&
	    !tcpstate_table_evict(tables, table, bucket, rank_unreplied, now))
		goto full;
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
