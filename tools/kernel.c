// SPDX-License-Identifier: GPL-2.0
/* What the kernel itself counts of handshakes that its sockets were asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

/* All of /proc/net/netstat takes 5 KiB in 6.12. */
#define ROOM (64 << 10)

const char *const kernel_names[KERNEL_COUNTERS] = {
	"SyncookiesSent", "SyncookiesRecv", "ListenOverflows", "ListenDrops", "TCPReqQFullDrop",
	"TCPReqQFullDoCookies",
};

/* A line of names and one of values, each after the same first word. */
static bool read_pair(struct kernel *kernel, char *names, char *values)
{
	unsigned int found = 0;
	char *name, *value;

	for (;;) {
		name = strsep(&names, " ");
		value = strsep(&values, " ");
		if (!name || !value)
			return found == KERNEL_COUNTERS;
		for (int i = 0; i < KERNEL_COUNTERS; i++) {
			if (strcmp(name, kernel_names[i]))
				continue;
			kernel->counters[i] = strtoull(value, NULL, 10);
			found++;
		}
	}
}

bool kernel_parse(struct kernel *kernel, char *text)
{
	static const char title[] = "TcpExt: ";
	char *names, *values;

	for (;;) {
		names = strsep(&text, "\n");
		values = strsep(&text, "\n");
		if (!names || !values)
			return false;
		if (!strncmp(names, title, sizeof(title) - 1))
			return !strncmp(values, title, sizeof(title) - 1) &&
			       read_pair(kernel, names, values);
	}
}

bool kernel_read(struct kernel *kernel)
{
	FILE *file = fopen("/proc/self/net/netstat", "re");
	char *text = malloc(ROOM);
	bool known = false;

	if (file && text) {
		text[fread(text, 1, ROOM - 1, file)] = '\0';
		known = kernel_parse(kernel, text);
	}
	free(text);
	if (file)
		fclose(file);
	return known;
}
