// SPDX-License-Identifier: GPL-2.0
/*
 * For LD_PRELOAD: a process that is stopped the moment it has joined its second
 * multicast group, as a busy machine might let it rest there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <signal.h>
#include <sys/socket.h>

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	static int (*real)(int, int, int, const void *, socklen_t);
	static int joined;
	int err;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
	err = real(fd, level, name, value, size);
	if (level == SOL_NETLINK && name == NETLINK_ADD_MEMBERSHIP && ++joined == 2)
		raise(SIGSTOP);
	return err;
}
