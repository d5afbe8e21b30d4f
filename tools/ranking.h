/* SPDX-License-Identifier: GPL-2.0 */
/* The first of many records in some order, in little room. */
#ifndef _TCPSTATE_RANKING_H
#define _TCPSTATE_RANKING_H

#include <stddef.h>

#include "account.h"
#include "message.h"

union record {
	struct flow flow;
	struct account account;
};

/* Less than zero where the first of two records comes first. */
typedef int (*ranking_order)(const void *one, const void *other, void *data);

/**
 * struct ranking - of records
 * @order: theirs
 * @data: for @order
 * @size: how many are kept
 * @list: of twice as many, since they are sorted when it is full; owned
 * @count: how many are in it
 * @seen: how many there were in all
 */
struct ranking {
	ranking_order order;
	void *data;
	size_t size;
	union record *list;
	size_t count;
	size_t seen;
};

/* 0 or -ENOMEM. ranking_end() is due in any case. */
int ranking_begin(struct ranking *ranking, size_t size, ranking_order order, void *data);
void ranking_end(struct ranking *ranking);

/* Takes a copy, which must not point into the message. */
void ranking_add(struct ranking *ranking, const union record *record);

/* Afterwards the list has the first ones, in order. */
void ranking_sort(struct ranking *ranking);

/* None of them any more. */
void ranking_clear(struct ranking *ranking);

#endif /* _TCPSTATE_RANKING_H */
