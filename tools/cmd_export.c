// SPDX-License-Identifier: GPL-2.0
/* tcpstate export: figures for Prometheus, printed here or served by tcpstate-exporter. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "tool.h"

/* Where it may be, from the directory of this program: as built, and as installed. */
static const char *const places[] = { "tcpstate-exporter", "../libexec/tcpstate-exporter" };

/* Becomes tcpstate-exporter, which alone is linked with the HTTP server and its libraries. */
static int become_exporter(const struct options *options)
{
	char path[PATH_MAX], listeners[24], *name;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *user = options->user ? : "nobody";

	path[len > 0 ? len : 0] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	snprintf(listeners, sizeof(listeners), "%lu", options->listeners);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(name, sizeof(path) - (name - path), "%s", places[i]);
		execl(path, "tcpstate-exporter", options->listen, user, listeners, NULL);
		if (errno != ENOENT)
			break;
	}
	return refused("cannot run %s: %s; install tcpstate anew", path, strerror(errno));
}

int cmd_export(const struct options *options, char *const *words)
{
	struct export export;
	int status = DONE;
	int err;

	(void)words;
	if (options->listen)
		return become_exporter(options);
	err = export_begin(&export, options->listeners);
	if (!err)
		err = export_print(&export, stdout);
	if (err)
		status = channel_complain(&export.channel, err);
	export_end(&export);
	return status;
}
