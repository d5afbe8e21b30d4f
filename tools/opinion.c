// SPDX-License-Identifier: GPL-2.0
/* What the module and the kernel's socket say of one endpoint. */
#include "opinion.h"
#include "tcpstate.h"

enum opinion opinion_compare(uint8_t tcpstate, uint8_t socket, bool cookies)
{
	if (tcpstate == socket)
		return AGREE;
	if (socket != TCPSTATE_UNSPEC)
		return DIFFER;
	switch (tcpstate) {
	case TCPSTATE_CLOSE:
	case TCPSTATE_LISTEN:
		/* No socket of this connection yet, or no more. */
		return AGREE;
	case TCPSTATE_SYN_RECV:
		return cookies ? UNDECIDED : DIFFER;
	case TCPSTATE_TIME_WAIT:
		/* Kept as long as there is room, by a clock of its own. */
		return UNDECIDED;
	default:
		return DIFFER;
	}
}
