/* SPDX-License-Identifier: GPL-2.0 */
/* The flow table: connections past their handshake, and what was picked up. */
#ifndef _TCPSTATE_FLOW_H
#define _TCPSTATE_FLOW_H

#include "table.h"

bool tcpstate_flow_admit(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			 const struct tcpstate_record *record, u32 now);
bool tcpstate_flow_budget(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket, u32 now);

#endif /* _TCPSTATE_FLOW_H */
