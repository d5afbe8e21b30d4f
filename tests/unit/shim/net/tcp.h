/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_NET_TCP_H
#define _SHIM_NET_TCP_H

#define TCPOPT_EOL		0
#define TCPOPT_NOP		1
#define TCPOPT_MSS		2
#define TCPOPT_WINDOW		3
#define TCPOPT_SACK_PERM	4
#define TCPOPT_SACK		5
#define TCPOPT_TIMESTAMP	8

#define TCPOLEN_WINDOW		3
#define TCPOLEN_TIMESTAMP	10

#define TCPOLEN_TSTAMP_ALIGNED	12

#endif /* _SHIM_NET_TCP_H */
