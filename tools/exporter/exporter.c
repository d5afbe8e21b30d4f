// SPDX-License-Identifier: GPL-2.0
/*
 * tcpstate-exporter: serves figures for Prometheus. `tcpstate export --listen` becomes this
 * program, in the network namespace that it was told.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../export.h"
#include "../interrupt.h"
#include "../privilege.h"
#include "../tool.h"
#include "server.h"

/* The module may have been gone, and be another one now: then the second attempt finds it. */
static bool serve(FILE *file, void *data)
{
	struct export *export = data;
	char text[512];
	int err;

	err = export_print(export, file);
	if (err)
		err = export_print(export, file);
	if (!err)
		return true;
	channel_explain(&export->channel, err, text, sizeof(text));
	fprintf(file, "%s\n", text);
	return false;
}

/* Becomes the user once the port is open. */
static int listen_and_serve(const char *where, const char *user, unsigned long listeners)
{
	struct export export;
	int status, err, fd;

	status = server_open(where, &fd);
	if (status)
		return status;
	status = privilege_drop(user);
	if (status)
		return status;
	err = export_begin(&export, listeners);
	status = err ? channel_complain(&export.channel, err) : server_run(fd, serve, &export);
	export_end(&export);
	return status;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return misused("tcpstate-exporter is run by 'tcpstate export --listen ADDR:PORT'");
	interrupt_defer();
	return listen_and_serve(argv[1], argv[2], strtoul(argv[3], NULL, 10));
}
