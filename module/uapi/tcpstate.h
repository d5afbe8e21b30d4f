/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What tcpstate and its readers agree upon. The only copy of this header: the
 * module and every program outside it include this very file.
 */
#ifndef _UAPI_TCPSTATE_H
#define _UAPI_TCPSTATE_H

/**
 * enum tcpstate_state - the eleven states of RFC 9293 section 3.3.2
 *
 * Numbered as the kernel numbers them (enum in net/tcp_states.h), so a value
 * can be laid beside one that sock_diag reports. Zero is no state.
 */
enum tcpstate_state {
	TCPSTATE_UNSPEC,
	TCPSTATE_ESTABLISHED,
	TCPSTATE_SYN_SENT,
	TCPSTATE_SYN_RECV,
	TCPSTATE_FIN_WAIT1,
	TCPSTATE_FIN_WAIT2,
	TCPSTATE_TIME_WAIT,
	TCPSTATE_CLOSE,
	TCPSTATE_CLOSE_WAIT,
	TCPSTATE_LAST_ACK,
	TCPSTATE_LISTEN,
	TCPSTATE_CLOSING,
	__TCPSTATE_STATE_MAX,
};

#define TCPSTATE_STATE_MAX (__TCPSTATE_STATE_MAX - 1)

#endif /* _UAPI_TCPSTATE_H */
