/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink requests: what they may ask for. */
#ifndef _TCPSTATE_REQUEST_H
#define _TCPSTATE_REQUEST_H

#include <net/netlink.h>

#include "filter.h"

/* The last attribute of a request; those beyond it are in replies alone. */
#define TCPSTATE_REQUEST_FILTER_MAX	TCPSTATE_A_FLOW_MIN_IDLE
#define TCPSTATE_REQUEST_SUBJECT_MAX	TCPSTATE_A_LISTENER_VERDICTS

extern const struct nla_policy tcpstate_request_filter_policy[];
extern const struct nla_policy tcpstate_request_subject_policy[];

int tcpstate_request_filter(struct tcpstate_filter *filter, struct nlattr **tb,
			    struct netlink_ext_ack *extack);
int tcpstate_request_subjects(struct tcpstate_filter *filter, u32 *verdicts, struct nlattr **tb,
			      struct netlink_ext_ack *extack);

#endif /* _TCPSTATE_REQUEST_H */
