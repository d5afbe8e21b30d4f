// SPDX-License-Identifier: GPL-2.0
/* The first of many records in some order, in little room. */
#include <errno.h>
#include <stdlib.h>

#include "ranking.h"

int ranking_begin(struct ranking *ranking, size_t size, ranking_order order, void *data)
{
	*ranking = (struct ranking){ .order = order, .data = data, .size = size };
	ranking->list = calloc(2 * size, sizeof(*ranking->list));
	return ranking->list ? 0 : -ENOMEM;
}

void ranking_end(struct ranking *ranking)
{
	free(ranking->list);
	*ranking = (struct ranking){};
}

void ranking_sort(struct ranking *ranking)
{
	if (ranking->count)
		qsort_r(ranking->list, ranking->count, sizeof(*ranking->list), ranking->order,
			ranking->data);
	if (ranking->count > ranking->size)
		ranking->count = ranking->size;
}

void ranking_add(struct ranking *ranking, const union record *record)
{
	ranking->seen++;
	ranking->list[ranking->count++] = *record;
	if (ranking->count == 2 * ranking->size)
		ranking_sort(ranking);
}

void ranking_clear(struct ranking *ranking)
{
	ranking->count = 0;
	ranking->seen = 0;
}
