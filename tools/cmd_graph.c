// SPDX-License-Identifier: GPL-2.0
/* tcpstate graph: the state diagram, and which ways were taken in it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "graph.h"
#include "message.h"
#include "tool.h"

static int print_graph(const struct nlmsghdr *nlh, void *data)
{
	struct stats stats;

	if (!message_stats(nlh, &stats))
		return -EBADMSG;
	graph_print(data, &stats);
	return 0;
}

/* Becomes Graphviz, which reads what it draws from this file descriptor. */
static void draw(int fd)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (dup2(fd, STDIN_FILENO) >= 0)
		execlp("dot", "dot", "-Tsvg", NULL);
	_exit(errno == ENOENT ? 127 : 126);
}

/* What the graph says is complete before it is drawn, so nothing of it is half a picture. */
static int print_svg(FILE *graph)
{
	int status;
	pid_t pid;

	rewind(graph);
	pid = fork();
	if (!pid)
		draw(fileno(graph));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return refused("cannot start dot: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return refused("no dot to draw it: apt-get install graphviz");
	if (status)
		return refused("dot cannot draw it");
	return DONE;
}

int cmd_graph(const struct options *options, char *const *words)
{
	FILE *file = options->svg ? tmpfile() : stdout;
	struct channel channel;
	int status = DONE;
	int err;

	(void)words;
	if (!file)
		return refused("no file for what is to be drawn: %s", strerror(errno));
	err = channel_open(&channel);
	if (!err)
		err = channel_do(&channel, TCPSTATE_CMD_STATS_GET, print_graph, file);
	if (err)
		status = channel_complain(&channel, err);
	else if (options->svg)
		status = fflush(file) ? refused("cannot write: %s", strerror(errno)) :
					print_svg(file);
	if (options->svg)
		fclose(file);
	channel_close(&channel);
	return status;
}
