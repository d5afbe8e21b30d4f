// SPDX-License-Identifier: GPL-2.0
/* A filter where the module has not applied it: to what it tells of by itself. */
#include "account.h"
#include "filter.h"
#include "message.h"
#include "sieve.h"

static bool has(uint32_t set, uint8_t state)
{
	return set & 1u << state;
}

static bool end_passes(const struct filter_end *want, const struct endpoint *end)
{
	return has(want->states, end->state) &&
	       filter_is_there(want, end->addr, end->len, end->port);
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

/* At the place that a filter asks for; one that asks for the other end's is not of this. */
static bool is_there(const struct filter *filter, enum end of, const struct endpoint *end)
{
	return !filter_has_place(filter, of == INITIATOR ? RESPONDER : INITIATOR) &&
	       filter_is_there(&filter->end[of], end->addr, end->len, end->port);
}

bool sieve_passes_alert(const struct filter *filter, const struct account *account)
{
	/* Of a table nothing can be asked but that it be told. */
	if (account->subject == OF_TABLE)
		return !filter->family && filter->verdicts == FILTER_ANY_VERDICT &&
		       !filter_has_place(filter, INITIATOR) && !filter_has_place(filter, RESPONDER);
	return (!filter->family || filter->family == account->family) &&
	       (has(filter->verdicts, account->verdict) ||
		(account->before && has(filter->verdicts, account->before))) &&
	       is_there(filter, account->subject == OF_HOST ? INITIATOR : RESPONDER,
			&account->end);
}
