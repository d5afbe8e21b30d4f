/* SPDX-License-Identifier: GPL-2.0 */
/* Delivery: a segment's way through the tables to the record that it belongs to. */
#ifndef _TCPSTATE_DELIVERY_H
#define _TCPSTATE_DELIVERY_H

#include "netns.h"

void tcpstate_deliver(struct tcpstate_net *tn, const struct tcpstate_parsed *parsed, u32 hash);

#endif /* _TCPSTATE_DELIVERY_H */
