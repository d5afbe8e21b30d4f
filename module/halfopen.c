// SPDX-License-Identifier: GPL-2.0
/* The half-open table's rules: whom a new half-open replaces when it is full. */
#include "halfopen.h"

/* Younger ones may still be completed: a round trip is seldom longer. */
#define YOUNG_MS 1000

/*
 * Who is past hope goes first, then who is older than most round trips, then
 * anyone, each at random: a flood at a given rate leaves every legitimate
 * half-open the same chance to live until its ACK, where oldest-first would
 * leave all of them the same short time.
 */
static unsigned int rank(const struct tcpstate_tables *tables,
			 const struct tcpstate_record *record, u32 now)
{
	if (tcpstate_fsm_ended(&record->pair) ||
	    tcpstate_due(tcpstate_record_deadline(record, tables->timeout), now))
		return 3;
	return now - record->created > YOUNG_MS ? 2 : 1;
}

/**
 * tcpstate_halfopen_admit() - make room for a half-open
 * @tables: the tables
 * @bucket: of the record to come in the half-open table, locked by the caller
 * @now: tcpstate_now()
 *
 * Context: RCU read side, BH disabled.
 * Return: true when a record is charged to the table; false when there is no
 * room. Either way halfopen_table_full is counted if the table or @bucket was full.
 */
bool tcpstate_halfopen_admit(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			     u32 now)
{
	struct tcpstate_table *table = tcpstate_halfopens(tables);

	bool room = !tcpstate_bucket_full(bucket, READ_ONCE(table->denied));

	if (likely(room && tcpstate_table_charge(tables, table)))
		return true;
	tcpstate_count(tables->log->stats, HALFOPEN_TABLE_FULL);
	if (!room)
		return tcpstate_table_evict_from(tables, table, bucket, rank, now) &&
		       tcpstate_table_charge(tables, table);
	WRITE_ONCE(table->crowded, true);
	return tcpstate_table_evict(tables, table, bucket, rank, now) &&
	       tcpstate_table_charge(tables, table);
}
