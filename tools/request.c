// SPDX-License-Identifier: GPL-2.0
/* What a request says: a filter. */
#include <arpa/inet.h>

#include <libmnl/libmnl.h>

#include "filter.h"
#include "message.h"

static bool put_end(struct nlmsghdr *nlh, size_t size, uint16_t type,
		    const struct filter_end *end)
{
	struct nlattr *nest;
	bool fits = true;

	if (!end->len && end->first == 0 && end->last == UINT16_MAX &&
	    end->states == FILTER_ANY_STATE)
		return true;
	nest = mnl_attr_nest_start_check(nlh, size, type);
	if (!nest)
		return false;
	if (end->len)
		fits = mnl_attr_put_check(nlh, size, TCPSTATE_A_END_ADDR, end->len, end->addr) &&
		       mnl_attr_put_u8_check(nlh, size, TCPSTATE_A_END_PREFIX, end->prefix);
	if (end->first != 0 || end->last != UINT16_MAX)
		fits = fits &&
		       mnl_attr_put_u16_check(nlh, size, TCPSTATE_A_END_PORT, htons(end->first)) &&
		       mnl_attr_put_u16_check(nlh, size, TCPSTATE_A_END_PORT_LAST,
					      htons(end->last));
	if (end->states != FILTER_ANY_STATE)
		fits = fits && mnl_attr_put_u32_check(nlh, size, TCPSTATE_A_END_STATES,
						      end->states);
	mnl_attr_nest_end(nlh, nest);
	return fits;
}

static bool put_flag(struct nlmsghdr *nlh, size_t size, uint16_t type, enum filter_flag flag)
{
	return flag == FILTER_EITHER ||
	       mnl_attr_put_u8_check(nlh, size, type, flag == FILTER_YES);
}

static bool put_age(struct nlmsghdr *nlh, size_t size, uint16_t type, uint64_t age)
{
	return !age || mnl_attr_put_u64_check(nlh, size, type, age);
}

static bool put_flows(struct nlmsghdr *nlh, size_t size, const struct filter *filter)
{
	if (filter->family &&
	    !mnl_attr_put_u8_check(nlh, size, TCPSTATE_A_FLOW_FAMILY, filter->family))
		return false;
	if (filter->states != FILTER_ANY_STATE &&
	    !mnl_attr_put_u32_check(nlh, size, TCPSTATE_A_FLOW_STATES, filter->states))
		return false;
	return put_end(nlh, size, TCPSTATE_A_FLOW_INITIATOR, &filter->end[INITIATOR]) &&
	       put_end(nlh, size, TCPSTATE_A_FLOW_RESPONDER, &filter->end[RESPONDER]) &&
	       put_age(nlh, size, TCPSTATE_A_FLOW_MIN_AGE, filter->min_age) &&
	       put_age(nlh, size, TCPSTATE_A_FLOW_MIN_IDLE, filter->min_idle) &&
	       put_flag(nlh, size, TCPSTATE_A_FLOW_PICKED_UP, filter->picked_up) &&
	       put_flag(nlh, size, TCPSTATE_A_FLOW_ONE_SIDED, filter->one_sided);
}

static bool put_listeners(struct nlmsghdr *nlh, size_t size, const struct filter *filter,
			  const struct filter_end *end, uint32_t any)
{
	if (filter->family &&
	    !mnl_attr_put_u8_check(nlh, size, TCPSTATE_A_LISTENER_FAMILY, filter->family))
		return false;
	if (filter->verdicts != any &&
	    !mnl_attr_put_u32_check(nlh, size, TCPSTATE_A_LISTENER_VERDICTS, filter->verdicts))
		return false;
	return put_end(nlh, size, TCPSTATE_A_LISTENER_ENDPOINT, end);
}

bool message_filter(struct nlmsghdr *nlh, size_t size, const struct filter *filter)
{
	switch (filter->kind) {
	case FILTER_LISTENERS:
		return put_listeners(nlh, size, filter, &filter->end[RESPONDER],
				     FILTER_ANY_VERDICT & ~FILTER_HOST_VERDICTS);
	case FILTER_HOSTS:
		return put_listeners(nlh, size, filter, &filter->end[INITIATOR],
				     FILTER_HOST_VERDICTS);
	default:
		return put_flows(nlh, size, filter);
	}
}
