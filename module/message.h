/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink messages: what they are made of, whoever sends them. */
#ifndef _TCPSTATE_MESSAGE_H
#define _TCPSTATE_MESSAGE_H

#include <net/genetlink.h>

#include "leak.h"
#include "listener.h"
#include "record.h"

/* Its commands are netlink.c's. */
extern struct genl_family tcpstate_family;

int tcpstate_message_flow(struct sk_buff *skb, const struct tcpstate_view *view);
int tcpstate_message_name(struct sk_buff *skb, int type, const struct tcpstate_view *view,
			  enum tcpstate_end which);
int tcpstate_message_sum(struct sk_buff *skb, const struct tcpstate_stats *sum);
int tcpstate_message_memory(struct sk_buff *skb, const struct tcpstate_memory *memory,
			    const struct tcpstate_stats *sum);
int tcpstate_message_resets(struct sk_buff *skb, const struct tcpstate_resets *resets);
int tcpstate_message_leak(struct sk_buff *skb, const struct tcpstate_leak *leak);
int tcpstate_message_subject(struct sk_buff *skb, const struct tcpstate_listener_view *view);

#endif /* _TCPSTATE_MESSAGE_H */
