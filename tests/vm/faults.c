// SPDX-License-Identifier: GPL-2.0
/*
 * Something is done again and again, and each time one more thing that it asks the kernel
 * for is there before the next one fails, until nothing has failed:
 *
 *	faults load MODULE	load it, and unload it where that worked
 *	faults netns		a network namespace of one's own
 *	faults read FILE	to the end
 *	faults write FILE TEXT
 *	faults ask FAMILY COMMAND	by netlink; dump FAMILY COMMAND likewise
 *	faults join GROUP	a multicast group
 *
 * `faults often OPERATION...` says that it has begun and lets chance decide instead, until
 * it is terminated; what is to fail, and how often, is set in debugfs. Each ends with a line
 * of its own: how often that was done, how often it failed, and each error that it met.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tcpstate.h"

#define LAST 20000			/* more faults than anything has room for */

static volatile sig_atomic_t over;
static char **words;
static int file = -1, sock = -1;

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

/* A file of /proc, by which this very task's faults are set; to set it may fail too. */
static void set(int fd, unsigned int number)
{
	char text[16];
	int size = sprintf(text, "%u", number);

	while (pwrite(fd, text, size, 0) != size)
		if (errno != EFAULT && errno != ENOMEM)
			err(1, "setting faults");
}

static int open_control(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/*
 * The module's file, read where no fault is: what file systems do when they have no memory
 * is not asked here (9p of 6.12 gives back a request that it has given back already).
 */
static struct {
	char *octets;
	size_t size;
} image;

static void read_image(const char *path)
{
	FILE *from = fopen(path, "r");

	if (!from || fseek(from, 0, SEEK_END))
		err(1, "%s", path);
	image.size = ftell(from);
	rewind(from);
	image.octets = malloc(image.size);
	if (!image.octets || fread(image.octets, image.size, 1, from) != 1)
		err(1, "%s", path);
	fclose(from);
}

/* Each of these returns 0, or -1 and errno. `undo_` is what follows where no fault is. */

static int load(void)
{
	return syscall(SYS_init_module, image.octets, image.size, "");
}

static void undo_load(bool done)
{
	int left = 1000;

	/* Somebody may look at it just now. */
	while (done && syscall(SYS_delete_module, "tcpstate", O_NONBLOCK)) {
		if (errno != EAGAIN || !left--)
			err(1, "cannot unload");
		usleep(10000);
	}
	if (!access("/proc/sys/net/tcpstate", F_OK) || !access("/proc/net/tcpstate", F_OK) ||
	    !access("/sys/module/tcpstate", F_OK))
		errx(1, "something is left of it");
}

static int netns(void)
{
	return unshare(CLONE_NEWNET);
}

/* What came up must be whole. */
static void undo_netns(bool done)
{
	if (done && (access("/proc/thread-self/net/tcpstate_listeners", R_OK) ||
		     access("/proc/sys/net/tcpstate/flood_reflection", R_OK)))
		errx(1, "a namespace without tcpstate");
}

static int read_file(void)
{
	static char buffer[3000];
	ssize_t size;

	file = open(words[1], O_RDONLY);
	if (file < 0)
		return -1;
	while ((size = read(file, buffer, sizeof(buffer))) > 0)
		;
	return size;
}

static int write_file(void)
{
	file = open(words[1], O_WRONLY);
	return file < 0 || write(file, words[2], strlen(words[2])) < 0 ? -1 : 0;
}

static void undo_file(bool done)
{
	(void)done;
	if (file >= 0)
		close(file);
	file = -1;
}

static int open_netlink(void)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };

	sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	return sock < 0 ? -1 : bind(sock, (void *)&any, sizeof(any));
}

/* Ask, and hear all that there is to be heard: the answer may be what is lacking. */
static int request(int flags)
{
	static char buffer[65536];
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
	} message = {
		.nlh = { sizeof(message), atoi(words[1]), NLM_F_REQUEST | flags, 1, 0 },
		.genl = { .cmd = atoi(words[2]), .version = TCPSTATE_GENL_VERSION },
	};
	struct nlmsghdr *nlh = (void *)buffer;
	struct timeval patience = { .tv_sec = 2 };
	int size, error;

	if (open_netlink() ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    send(sock, &message, sizeof(message), 0) < 0)
		return -1;
	for (;;) {
		size = recv(sock, buffer, sizeof(buffer), 0);
		if (size < 0)
			return -1;
		for (; NLMSG_OK(nlh, size); nlh = NLMSG_NEXT(nlh, size)) {
			if (nlh->nlmsg_type != NLMSG_ERROR && nlh->nlmsg_type != NLMSG_DONE)
				continue;
			memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
			errno = -error;
			return error ? -1 : 0;
		}
		nlh = (void *)buffer;
	}
}

static int ask(void)
{
	return request(NLM_F_ACK);
}

static int dump(void)
{
	return request(NLM_F_DUMP);
}

static int join(void)
{
	int group = atoi(words[1]);

	return open_netlink() ? -1 :
	       setsockopt(sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
}

static void undo_socket(bool done)
{
	(void)done;
	if (sock >= 0)
		close(sock);
	sock = -1;
}

static const struct operation {
	const char *name;
	int n_words;
	int (*run)(void);
	void (*undo)(bool done);
} operations[] = {
	{ "load", 1, load, undo_load },		{ "netns", 0, netns, undo_netns },
	{ "read", 1, read_file, undo_file },	{ "write", 2, write_file, undo_file },
	{ "ask", 2, ask, undo_socket },		{ "dump", 2, dump, undo_socket },
	{ "join", 1, join, undo_socket },
};

/* What was done, and what became of it. */
static struct {
	unsigned long done, failed, errors[128];
} tally;

static int attempt(const struct operation *operation)
{
	errno = 0;
	tally.done++;
	if (!operation->run())
		return 0;
	tally.failed++;
	tally.errors[errno & 127]++;
	return -1;
}

static void one_by_one(const struct operation *operation)
{
	int control = open_control("/proc/thread-self/fail-nth");
	unsigned int nth, left = 0;
	char text[16];
	int status;

	for (nth = 1; !left; nth++) {
		if (nth == LAST)
			errx(1, "no end of faults");
		set(control, nth);
		status = attempt(operation);
		/* Even this can be what fails: then there was one left. */
		if (pread(control, text, sizeof(text), 0) < 0)
			left = 1;
		else
			left = atoi(text);
		set(control, 0);
		operation->undo(!status);
	}
	if (status)
		errx(1, "%s fails by itself", operation->name);
}

static void often(const struct operation *operation)
{
	int control = open_control("/proc/thread-self/make-it-fail");
	int status;

	puts("begun");
	fflush(stdout);
	while (!over) {
		set(control, 1);
		status = attempt(operation);
		set(control, 0);
		operation->undo(!status);
	}
}

int main(int argc, char **argv)
{
	bool by_chance = argc > 1 && !strcmp(argv[1], "often");
	const struct operation *operation = operations;
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, stop);
	words = argv + 1 + by_chance;
	for (i = 0; *words && i < sizeof(operations) / sizeof(operations[0]); i++, operation++)
		if (!strcmp(*words, operation->name) && argc - 2 - by_chance == operation->n_words)
			break;
	if (!*words || i == sizeof(operations) / sizeof(operations[0]))
		errx(2, "usage: see the beginning of faults.c");
	if (operation->run == load)
		read_image(words[1]);
	/* Or pages of our own would be what is not to be had. */
	if (mlockall(MCL_CURRENT))
		err(1, "mlockall");
	(by_chance ? often : one_by_one)(operation);
	printf("%lu %lu", tally.done, tally.failed);
	for (i = 0; i < 128; i++)
		if (tally.errors[i])
			printf(" %s", strerrorname_np(i) ?: "none");
	putchar('\n');
	return 0;
}
