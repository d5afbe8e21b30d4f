// SPDX-License-Identifier: GPL-2.0
/* Network namespaces by name. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "tool.h"

int netns_enter(const char *name)
{
	char path[PATH_MAX];
	int status = DONE;
	int fd;

	if (snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/",
		     name) >= (int)sizeof(path))
		return refused("no network namespace of so long a name");
	/* It might be a pipe, which is not worth waiting for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return refused("no network namespace '%s': see ip netns list", name);
	if (fd < 0)
		return refused("network namespace '%s': %s", name, strerror(errno));
	if (setns(fd, CLONE_NEWNET)) {
		if (errno == EINVAL)
			status = refused("'%s' is not a network namespace: see ip netns list",
					 name);
		else if (errno == EPERM)
			status = refused("network namespace '%s' needs CAP_SYS_ADMIN: run as root",
					 name);
		else
			status = refused("network namespace '%s': %s", name,
					 strerror(errno));
	}
	close(fd);
	return status;
}
