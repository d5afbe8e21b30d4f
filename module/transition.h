/* SPDX-License-Identifier: GPL-2.0 */
/* Events, and the states that follow them. */
#ifndef _TCPSTATE_TRANSITION_H
#define _TCPSTATE_TRANSITION_H

#include "fsm.h"

/* What a segment, once believed, says. */
enum tcpstate_event {
	TCPSTATE_EV_SYN,		/* an endpoint opens towards one that does so too */
	TCPSTATE_EV_SYNACK,	/* an endpoint answers its peer's SYN */
	TCPSTATE_EV_PROOF,	/* an endpoint acknowledges its peer's SYN-ACK */
	TCPSTATE_EV_ACK_OF_FIN,	/* an endpoint acknowledges its peer's FIN */
	TCPSTATE_EV_FIN,		/* an endpoint will send no more */
	TCPSTATE_EV_NO_FIN,	/* an endpoint goes on: what we took for its FIN was none */
	TCPSTATE_EV_RST,
	TCPSTATE_EV_MAX,
};

void tcpstate_transition(struct tcpstate_pair *pair, enum tcpstate_event event,
			 enum tcpstate_end from);
void tcpstate_transition_fin(struct tcpstate_pair *pair, enum tcpstate_end end);

#endif /* _TCPSTATE_TRANSITION_H */
