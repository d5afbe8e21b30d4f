// SPDX-License-Identifier: GPL-2.0
/* Endpoints of which the module and the kernel say different things. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suspects.h"

void suspects_end(struct suspects *suspects)
{
	free(suspects->list);
	*suspects = (struct suspects){};
}

int suspects_add(struct suspects *suspects, const struct suspect *suspect)
{
	struct suspect *list;

	if (suspects->count == suspects->room) {
		suspects->room = suspects->room ? suspects->room * 2 : 64;
		list = realloc(suspects->list, suspects->room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		suspects->list = list;
	}
	list = &suspects->list[suspects->count++];
	*list = *suspect;
	/* It lives in the message. */
	list->flow.history = "";
	list->since = list->judged;
	list->rounds = 1;
	return 0;
}

static int order(const void *one, const void *other)
{
	const struct suspect *a = one, *b = other;
	int differs = a->flow.family - b->flow.family;

	for (int end = 0; end < ENDS && !differs; end++) {
		differs = memcmp(a->flow.end[end].addr, b->flow.end[end].addr,
				 sizeof(a->flow.end[end].addr));
		if (!differs)
			differs = a->flow.end[end].port - b->flow.end[end].port;
	}
	return differs ? differs : (int)a->end - (int)b->end;
}

/* Is it the very same difference, of a connection that was there before? */
static bool stands(const struct suspect *suspect, const struct suspect *before)
{
	return suspect->socket == before->socket &&
	       suspect->flow.end[suspect->end].state == before->flow.end[before->end].state &&
	       suspect->flow.age >= before->flow.age;
}

void suspects_carry(struct suspects *suspects, const struct suspects *before)
{
	if (suspects->count)
		qsort(suspects->list, suspects->count, sizeof(*suspects->list), order);
	for (size_t i = 0; i < suspects->count && before->count; i++) {
		struct suspect *suspect = &suspects->list[i];
		const struct suspect *found = bsearch(suspect, before->list, before->count,
						      sizeof(*before->list), order);

		if (!found || !stands(suspect, found))
			continue;
		suspect->since = found->since;
		suspect->rounds = found->rounds + 1;
	}
}

bool suspect_guilty(const struct suspect *suspect)
{
	return suspect->rounds >= SUSPECT_ROUNDS &&
	       suspect->began >= suspect->since + SUSPECT_STANDING;
}

bool suspect_settled(const struct suspect *suspect)
{
	return suspect_guilty(suspect) && suspect->flow.idle >= suspect->judged - suspect->since;
}
