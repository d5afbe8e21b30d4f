// SPDX-License-Identifier: GPL-2.0
/*
 * For LD_PRELOAD: makes netlink dumps look as if they had been interrupted, as a
 * kernel might do at any time and would not on demand.
 *
 *	DUMP_SHIM_COUNT		so many dumps, from the first on, have NLM_F_DUMP_INTR
 *	DUMP_SHIM_LOSE		if set, every second record of these is missing
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	static ssize_t (*real)(int, struct msghdr *, int);
	static int done, messages;
	const char *count = getenv("DUMP_SHIM_COUNT");
	struct nlmsghdr *nlh = msg->msg_iov->iov_base;
	ssize_t received;
	unsigned int left;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
	received = real(fd, msg, flags);
	if (received <= 0 || !count)
		return received;
	left = received;
	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
		if (!(nlh->nlmsg_flags & NLM_F_MULTI) || done >= atoi(count))
			continue;
		nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
		if (nlh->nlmsg_type == NLMSG_DONE)
			done++;
		else if (getenv("DUMP_SHIM_LOSE") && messages++ % 2)
			nlh->nlmsg_type = NLMSG_NOOP;
	}
	return received;
}
