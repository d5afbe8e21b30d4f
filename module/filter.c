// SPDX-License-Identifier: GPL-2.0
/* A record against a filter, what is in its first cache line before the rest. */
#include <net/ipv6.h>

#include "filter.h"

/**
 * tcpstate_filter_init() - make a filter that everything passes
 * @filter: the filter
 */
void tcpstate_filter_init(struct tcpstate_filter *filter)
{
	unsigned int end;

	*filter = (struct tcpstate_filter){ .states = TCPSTATE_STATES_ALL };
	for (end = 0; end < 2; end++) {
		filter->end[end].port_last = U16_MAX;
		filter->end[end].states = TCPSTATE_STATES_ALL;
	}
}

static bool end_passes(const struct tcpstate_filter_end *want,
		       const struct tcpstate_record *record, enum tcpstate_end end)
{
	u16 port = ntohs(record->port[end]);

	if (!(want->states & BIT(record->pair.state[end])))
		return false;
	if (port < want->port_first || port > want->port_last)
		return false;
	if (tcpstate_record_family(record) == NFPROTO_IPV4)
		return !((record->addr4[end] ^ want->addr.s6_addr32[0]) &
			 want->mask.s6_addr32[0]);
	return !ipv6_masked_addr_cmp(&record->addr6[end], &want->mask, &want->addr);
}

/**
 * tcpstate_filter_passes() - does a reader want this record?
 * @filter: the reader's
 * @record: caller holds its bucket's lock
 *
 * Context: any.
 * Return: whether it does.
 */
bool tcpstate_filter_passes(const struct tcpstate_filter *filter,
			    const struct tcpstate_record *record)
{
	const struct tcpstate_pair *pair = &record->pair;

	if (!(filter->states & (BIT(pair->state[0]) | BIT(pair->state[1]))))
		return false;
	if ((pair->flags ^ filter->flags) & filter->flags_mask)
		return false;
	if (filter->family && filter->family != tcpstate_record_family(record))
		return false;
	return end_passes(&filter->end[0], record, 0) &&
	       end_passes(&filter->end[1], record, 1) &&
	       tcpstate_record_idle(record) >= filter->min_idle &&
	       tcpstate_record_age(record) >= filter->min_age;
}

/**
 * tcpstate_filter_passes_host() - does a reader want this host?
 * @filter: the reader's, whose responder it must satisfy
 * @host: address, and port or 0
 *
 * Context: any.
 * Return: whether it does.
 */
bool tcpstate_filter_passes_host(const struct tcpstate_filter *filter,
				 const struct tcpstate_host *host)
{
	const struct tcpstate_filter_end *want = &filter->end[TCPSTATE_RESPONDER];
	u16 port = ntohs(host->port);
	unsigned int i;

	if (filter->family && filter->family != host->family)
		return false;
	if (port < want->port_first || port > want->port_last)
		return false;
	for (i = 0; i < ARRAY_SIZE(host->addr); i++)
		if ((host->addr[i] ^ want->addr.s6_addr32[i]) & want->mask.s6_addr32[i])
			return false;
	return true;
}
