// SPDX-License-Identifier: GPL-2.0
/* A filter where the module has not applied it: to what it tells of by itself. */
#include "filter.h"
#include "message.h"
#include "sieve.h"

static bool has(uint32_t set, uint8_t state)
{
	return set & 1u << state;
}

static bool end_passes(const struct filter_end *want, const struct endpoint *end)
{
	return has(want->states, end->state) && end->port >= want->first &&
	       end->port <= want->last &&
	       (!want->len || (want->len == end->len &&
			       filter_same_prefix(want->addr, end->addr, want->prefix)));
}

static bool flag_passes(enum filter_flag want, bool flag)
{
	return want == FILTER_EITHER || flag == (want == FILTER_YES);
}

bool sieve_passes(const struct filter *filter, const struct flow *flow)
{
	const struct endpoint *initiator = &flow->end[INITIATOR];
	const struct endpoint *responder = &flow->end[RESPONDER];

	return (!filter->family || filter->family == flow->family) &&
	       (has(filter->states, initiator->state) || has(filter->states, responder->state)) &&
	       end_passes(&filter->end[INITIATOR], initiator) &&
	       end_passes(&filter->end[RESPONDER], responder) &&
	       flow->age >= filter->min_age && flow->idle >= filter->min_idle &&
	       flag_passes(filter->picked_up, flow->picked_up) &&
	       flag_passes(filter->one_sided, flow->one_sided);
}
