// SPDX-License-Identifier: GPL-2.0
/* The kernel's own TCP sockets that have a peer. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "filter.h"
#include "interrupt.h"
#include "message.h"
#include "sockets.h"

/* The kernel fills at most 32 KiB at a time; the rest is to spare. */
#define BUFFER (128 << 10)

static_assert(sizeof(struct socket_name) == 1 + 2 * (16 + 2), "octets compare it");

/* Names. */

struct socket_name socket_name(int family, const struct endpoint *local,
			       const struct endpoint *peer)
{
	struct socket_name name = { .family = family };
	const struct endpoint *from[] = { local, peer };
	struct socket_end *to[] = { &name.local, &name.peer };

	for (int i = 0; i < 2; i++) {
		memcpy(to[i]->addr, from[i]->addr, from[i]->len);
		to[i]->port[0] = from[i]->port >> 8;
		to[i]->port[1] = from[i]->port & 0xff;
	}
	return name;
}

static void read_end(struct socket_end *end, const void *addr, uint16_t port, size_t len)
{
	memcpy(end->addr, addr, len);
	memcpy(end->port, &port, sizeof(port));
}

static bool read_name(struct socket_name *name, const struct inet_diag_msg *diag)
{
	const struct in6_addr *local = (const void *)diag->id.idiag_src;
	const struct in6_addr *peer = (const void *)diag->id.idiag_dst;
	bool mapped = diag->idiag_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(peer);
	size_t skipped = mapped ? 12 : 0;
	size_t len;

	*name = (struct socket_name){ .family = mapped ? AF_INET : diag->idiag_family };
	if (name->family != AF_INET && name->family != AF_INET6)
		return false;
	len = name->family == AF_INET ? 4 : 16;
	read_end(&name->local, local->s6_addr + skipped, diag->id.idiag_sport, len);
	read_end(&name->peer, peer->s6_addr + skipped, diag->id.idiag_dport, len);
	return true;
}

static int by_name(const void *one, const void *other)
{
	return memcmp(&((const struct socket_view *)one)->name,
		      &((const struct socket_view *)other)->name, sizeof(struct socket_name));
}

/* Those whose names begin with so many of these octets. */
static struct socket_view *range(const struct sockets *sockets, const struct socket_name *name,
				 size_t octets, size_t *count)
{
	size_t low = 0, high = sockets->count, first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&sockets->list[middle].name, name, octets) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	first = low;
	while (low < sockets->count && !memcmp(&sockets->list[low].name, name, octets))
		low++;
	*count = low - first;
	return sockets->list + first;
}

struct socket_view *sockets_named(const struct sockets *sockets, const struct socket_name *name,
				  size_t *count)
{
	return range(sockets, name, sizeof(*name), count);
}

struct socket_view *sockets_at(const struct sockets *sockets, const struct socket_name *name,
			       size_t *count)
{
	return range(sockets, name, offsetof(struct socket_name, peer), count);
}

/* Reading. */

static int add(struct sockets *sockets, const struct inet_diag_msg *diag)
{
	struct socket_view socket = { .state = diag->idiag_state };
	struct socket_view *list;

	if (!socket.state || socket.state > TCPSTATE_STATE_MAX ||
	    !read_name(&socket.name, diag))
		return -EBADMSG;
	if (sockets->count == sockets->room) {
		sockets->room = sockets->room ? sockets->room * 2 : 256;
		list = realloc(sockets->list, sockets->room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		sockets->list = list;
	}
	sockets->list[sockets->count++] = socket;
	return 0;
}

static int read_socket(const struct nlmsghdr *nlh, void *data)
{
	int err;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct inet_diag_msg))
		err = -EBADMSG;
	else
		err = add(data, mnl_nlmsg_get_payload(nlh));
	errno = -err;
	return err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, int family, unsigned int seq)
{
	char buffer[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct inet_diag_req_v2))] = {};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(nlh, sizeof(*request));

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	/* A listener has no peer, and is of no connection. */
	request->idiag_states = FILTER_ANY_STATE & ~(1u << TCPSTATE_LISTEN);
	return mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static int dump(struct sockets *sockets, struct mnl_socket *socket, char *buffer, int family)
{
	int err = ask(socket, family, family);
	ssize_t len;

	while (!err) {
		err = interrupt_wait(mnl_socket_get_fd(socket));
		if (err)
			break;
		len = mnl_socket_recvfrom(socket, buffer, BUFFER);
		if (len < 0)
			return errno == ENOSPC ? -EMSGSIZE : -errno;
		switch (mnl_cb_run(buffer, len, family, mnl_socket_get_portid(socket),
				   read_socket, sockets)) {
		case MNL_CB_STOP:
			return 0;
		case MNL_CB_ERROR:
			return -errno;
		}
	}
	return err;
}

int sockets_begin(struct sockets *sockets)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	char *buffer = malloc(BUFFER);
	int err = 0;

	*sockets = (struct sockets){};
	if (!buffer || !socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (!err)
		err = dump(sockets, socket, buffer, AF_INET);
	if (!err)
		err = dump(sockets, socket, buffer, AF_INET6);
	if (!err && sockets->count)
		qsort(sockets->list, sockets->count, sizeof(*sockets->list), by_name);
	if (socket)
		mnl_socket_close(socket);
	free(buffer);
	return err;
}

void sockets_end(struct sockets *sockets)
{
	free(sockets->list);
	*sockets = (struct sockets){};
}
