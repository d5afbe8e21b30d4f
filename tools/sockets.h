/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's own TCP sockets that have a peer, orphans, request sockets and
 * those in TIME_WAIT too: what sock_diag tells. The only file that speaks it.
 */
#ifndef _TCPSTATE_SOCKETS_H
#define _TCPSTATE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;

/**
 * struct socket_end - a socket's own name, or its peer's
 * @addr: in network order, zero after the four octets of IPv4
 * @port: in network order
 */
struct socket_end {
	uint8_t addr[16];
	uint8_t port[2];
};

/**
 * struct socket_name - which socket; has no padding, so octets compare it
 * @family: of what is on the wire: a mapped address is IPv4
 */
struct socket_name {
	uint8_t family;
	struct socket_end local;
	struct socket_end peer;
};

/**
 * struct socket_view - a socket
 * @state: enum tcpstate_state
 * @claimed: a flow has been found that is this socket's
 */
struct socket_view {
	struct socket_name name;
	uint8_t state;
	bool claimed;
};

/**
 * struct sockets - all of a namespace
 * @list: in the order of their names; owned
 */
struct sockets {
	struct socket_view *list;
	size_t count;
	size_t room;
};

/* 0 or a negative errno. sockets_end() is due in any case. */
int sockets_begin(struct sockets *sockets);
void sockets_end(struct sockets *sockets);

struct socket_name socket_name(int family, const struct endpoint *local,
			       const struct endpoint *peer);

/*
 * Those of this very name, or of these family and local end whatever the peer.
 * One name may be there twice: a socket changes its kind while it is listed.
 * Returns the first of them, and how many in @count.
 */
struct socket_view *sockets_named(const struct sockets *sockets, const struct socket_name *name,
				  size_t *count);
struct socket_view *sockets_at(const struct sockets *sockets, const struct socket_name *name,
			       size_t *count);

#endif /* _TCPSTATE_SOCKETS_H */
