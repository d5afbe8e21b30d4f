/* SPDX-License-Identifier: GPL-2.0 */
/* The flow table: connections past their handshake, and what was picked up. */
#ifndef _TCPSTATE_FLOW_H
#define _TCPSTATE_FLOW_H

#include "table.h"

bool tcpstate_flow_admit(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			 const struct tcpstate_record *record, u32 hash, u32 now);
void tcpstate_flow_file(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			struct tcpstate_record *record);
struct tcpstate_outcome tcpstate_flow_step(struct tcpstate_tables *tables,
					   struct tcpstate_bucket *bucket,
					   struct tcpstate_record *record,
					   const struct tcpstate_segment *segment,
					   enum tcpstate_end from, u32 now);
void tcpstate_flow_take(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			struct tcpstate_record *record);

#endif /* _TCPSTATE_FLOW_H */
