// SPDX-License-Identifier: GPL-2.0
/*
 * For LD_PRELOAD: a module that has come to wrong conclusions. Of the records that
 * tcpstate tells, those with one port at one end have another state there.
 *
 *	CHECK_SHIM_END		1 the initiator, 2 the responder: enum tcpstate_by
 *	CHECK_SHIM_PORT		its port
 *	CHECK_SHIM_STATE	enum tcpstate_state
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../module/uapi/tcpstate.h"

static int number(const char *name)
{
	return atoi(getenv(name));
}

/* The attribute of a type among so many octets of them, or NULL. */
static struct nlattr *find(void *from, int len, int type)
{
	struct nlattr *attr = from;

	for (; len >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN;
	     len -= NLA_ALIGN(attr->nla_len), attr = (void *)attr + NLA_ALIGN(attr->nla_len))
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

static struct nlattr *in(struct nlattr *nest, int type)
{
	return find((void *)nest + NLA_HDRLEN, nest->nla_len - NLA_HDRLEN, type);
}

static void corrupt(struct nlmsghdr *nlh)
{
	int type = number("CHECK_SHIM_END") == TCPSTATE_BY_INITIATOR ?
		TCPSTATE_A_FLOW_INITIATOR : TCPSTATE_A_FLOW_RESPONDER;
	struct nlattr *end = find((void *)nlh + NLMSG_HDRLEN + GENL_HDRLEN,
				  nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, type);
	struct nlattr *port = end ? in(end, TCPSTATE_A_END_PORT) : NULL;
	struct nlattr *state = end ? in(end, TCPSTATE_A_END_STATE) : NULL;

	if (port && state &&
	    ntohs(*(__u16 *)((void *)port + NLA_HDRLEN)) == number("CHECK_SHIM_PORT"))
		*(__u8 *)((void *)state + NLA_HDRLEN) = number("CHECK_SHIM_STATE");
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	static ssize_t (*real)(int, struct msghdr *, int);
	struct nlmsghdr *nlh = msg->msg_iov->iov_base;
	int protocol = -1;
	socklen_t size = sizeof(protocol);
	ssize_t received;
	unsigned int left;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
	received = real(fd, msg, flags);
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
	if (received <= 0 || protocol != NETLINK_GENERIC)
		return received;
	left = received;
	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
		if (nlh->nlmsg_type > GENL_ID_CTRL)
			corrupt(nlh);
	return received;
}
