/* SPDX-License-Identifier: GPL-2.0 */
/* Which connections a reader wants. */
#ifndef _TCPSTATE_FILTER_H
#define _TCPSTATE_FILTER_H

#include "record.h"

/* A set of states: bit 1 << enum tcpstate_state. */
#define TCPSTATE_STATES_ALL GENMASK(TCPSTATE_STATE_MAX, TCPSTATE_ESTABLISHED)

/* Likewise of verdicts. */
#define TCPSTATE_VERDICTS_ALL GENMASK(TCPSTATE_VERDICT_MAX, TCPSTATE_VERDICT_OK)

/**
 * struct tcpstate_filter_end - which endpoints pass
 * @addr: address, of the filter's family
 * @mask: which of its bits count
 * @port_first: first port of a range
 * @port_last: last of it
 * @states: set of states
 */
struct tcpstate_filter_end {
	struct in6_addr addr;
	struct in6_addr mask;
	u16 port_first;
	u16 port_last;
	u32 states;
};

/**
 * struct tcpstate_filter - which connections pass: those that satisfy all of it
 * @min_age: milliseconds
 * @min_idle: milliseconds
 * @end: what each endpoint must satisfy
 * @states: what one endpoint at least must be in
 * @flags: TCPSTATE_PICKED_UP and TCPSTATE_ONE_SIDED as they must be
 * @flags_mask: which of @flags count
 * @family: NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_UNSPEC for both; one of the
 *	two where an address counts
 */
struct tcpstate_filter {
	u64 min_age;
	u64 min_idle;
	struct tcpstate_filter_end end[2];
	u32 states;
	u8 flags;
	u8 flags_mask;
	u8 family;
};

void tcpstate_filter_init(struct tcpstate_filter *filter);
bool tcpstate_filter_passes(const struct tcpstate_filter *filter,
			    const struct tcpstate_record *record);
bool tcpstate_filter_passes_host(const struct tcpstate_filter *filter,
				 const struct tcpstate_host *host);

#endif /* _TCPSTATE_FILTER_H */
