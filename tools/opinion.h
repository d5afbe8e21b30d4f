/* SPDX-License-Identifier: GPL-2.0 */
/* What the module and the kernel's socket say of one endpoint, laid side by side. */
#ifndef _TCPSTATE_OPINION_H
#define _TCPSTATE_OPINION_H

#include <stdbool.h>
#include <stdint.h>

enum opinion {
	AGREE,
	DIFFER,
	UNDECIDED,	/* nothing here can tell who is right */
};

/**
 * opinion_compare() - of an endpoint
 * @tcpstate: enum tcpstate_state, as the module has it
 * @socket: that of the socket, TCPSTATE_UNSPEC where there is none
 * @cookies: a listener may answer without keeping a socket
 */
enum opinion opinion_compare(uint8_t tcpstate, uint8_t socket, bool cookies);

#endif /* _TCPSTATE_OPINION_H */
