/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reader's walk through the records of a namespace, in the order of their
 * hashes through both tables at once. Its place is a hash, so neither resizing
 * nor what comes and goes meanwhile moves a record past it, and a record that
 * changes tables is read in one of them: who moves it holds the lock of its
 * half-open bucket, and so does who reads its hash.
 */
#ifndef _TCPSTATE_WALK_H
#define _TCPSTATE_WALK_H

#include "filter.h"
#include "table.h"

#define TCPSTATE_WALK_AT_ONCE	16

/* Which tables to walk: sets of enum tcpstate_kind. */
#define TCPSTATE_WALK_HALFOPEN	BIT(TCPSTATE_HALFOPEN)
#define TCPSTATE_WALK_ALL	(BIT(TCPSTATE_HALFOPEN) | BIT(TCPSTATE_FLOW))

/**
 * struct tcpstate_walk - how far a reader has come
 * @tables: what is walked
 * @filter: which records are wanted; set it before the first
 *	tcpstate_walk_current()
 * @place: the next hash to read; beyond the last when all were read
 * @kinds: which tables
 * @interrupted: more records shared a hash than could be read at once, so that
 *	some were not
 * @next: which of @views is current
 * @n: how many of @views are filled in
 * @views: what was read last
 */
struct tcpstate_walk {
	struct tcpstate_tables *tables;
	struct tcpstate_filter filter;
	u64 place;
	unsigned int kinds;
	bool interrupted;
	unsigned int next;
	unsigned int n;
	struct tcpstate_view views[TCPSTATE_WALK_AT_ONCE];
};

void tcpstate_walk_start(struct tcpstate_walk *walk, struct tcpstate_tables *tables,
			 unsigned int kinds);
struct tcpstate_view *tcpstate_walk_current(struct tcpstate_walk *walk);
struct tcpstate_view *tcpstate_walk_next(struct tcpstate_walk *walk);

void tcpstate_walk_flush(struct tcpstate_tables *tables);

#endif /* _TCPSTATE_WALK_H */
