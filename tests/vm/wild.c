// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever anyone may do to tcpstate, at random:
 *
 *	wild netlink SEED SECONDS	messages of every command: right, wrong and mangled
 *	wild files SEED SECONDS FILE...	reads of any size at any place, two threads at once
 *	wild sysctls SEED SECONDS	values of net.tcpstate.*, sensible and not
 *	wild packets SEED SECONDS	segments of some connections from a TUN device of its
 *					own, and what is none
 *
 * A seed does the same again as far as the kernel does. It ends with a line of its own:
 * how often it tried, and how often the kernel let it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "wild.h"

volatile sig_atomic_t over;
__thread uint64_t seed;
static unsigned long tried, taken;

void count_more(unsigned long tries, unsigned long lets)
{
	__atomic_add_fetch(&tried, tries, __ATOMIC_RELAXED);
	__atomic_add_fetch(&taken, lets, __ATOMIC_RELAXED);
}

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

/* files */

#define OPEN	8
#define THREADS 2

static char **files;
static unsigned int n_files;
static int opened[OPEN];

static void *read_files(void *own_seed)
{
	static const size_t sizes[] = { 0, 1, 2, 7, 35, 100, 511, 4095, 4096, 4097, 65536 };
	static __thread char buffer[65536];
	unsigned int slot;
	size_t size;
	int fd;

	seed = (uintptr_t)own_seed;
	while (!over) {
		slot = below(OPEN);
		fd = __atomic_load_n(&opened[slot], __ATOMIC_RELAXED);
		size = sizes[below(LENGTH(sizes))];
		switch (below(16)) {
		case 0:
			fd = open(files[below(n_files)], O_RDONLY | O_CLOEXEC);
			close(__atomic_exchange_n(&opened[slot], fd, __ATOMIC_RELAXED));
			count(fd >= 0);
			break;
		case 1:
			count(lseek(fd, once_in(2) ? 0 : (off_t)number(), below(3)) >= 0);
			break;
		case 2:
		case 3:
		case 4:
			count(pread(fd, buffer, size, once_in(2) ? below(8192) : (off_t)number()) >= 0);
			break;
		default:
			count(read(fd, buffer, size) >= 0);
		}
	}
	return NULL;
}

static void wild_files(void)
{
	pthread_t thread[THREADS];
	unsigned int i;

	for (i = 0; i < OPEN; i++)
		opened[i] = -1;
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, read_files, (void *)(uintptr_t)random64()))
			errx(1, "no thread");
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

/* sysctls */

static size_t put_value(char *to, size_t room)
{
	switch (below(16)) {
	case 0:
		random_octets(to, 16);
		return below(17);
	case 1:
		memset(to, '0' + below(10), room);
		return 1 + below(room);
	case 2:
		return sprintf(to, "-%u\n", below(1000));
	case 3:
		return sprintf(to, "%#lx", (unsigned long)number());
	case 4:
		return sprintf(to, "%u %u\n", below(10), below(10));
	default:
		return sprintf(to, "%lu\n", (unsigned long)number());
	}
}

/* For as long as it is off there is nothing to be seen, so this is not left to chance. */
static void enable(const char *dir)
{
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/enabled", dir);
	fd = open(path, O_WRONLY);
	count(write(fd, "1", 1) > 0);
	close(fd);
}

static void wild_sysctls(void)
{
	const char *dir = "/proc/sys/net/tcpstate";
	unsigned int until_enabled = 0;
	char value[5000], path[400];
	struct dirent **names;
	int n, at, fd;
	size_t size;

	n = scandir(dir, &names, NULL, NULL);
	if (n < 3)
		err(1, "%s", dir);
	while (!over) {
		if (until_enabled && !--until_enabled)
			enable(dir);
		at = below(n);
		if (!strcmp(names[at]->d_name, "enabled"))
			until_enabled = 1 + below(16);
		snprintf(path, sizeof(path), "%s/%s", dir, names[at]->d_name);
		fd = open(path, O_RDWR);
		size = put_value(value, sizeof(value));
		count(pwrite(fd, value, size, once_in(16) ? below(8) : 0) > 0);
		if (once_in(4) && pread(fd, value, below(sizeof(value)), below(4)) < 0)
			count(false);
		close(fd);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "netlink", wild_netlink },	{ "files", wild_files },
	{ "sysctls", wild_sysctls },	{ "packets", wild_packets },
};

int main(int argc, char **argv)
{
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 4)
		errx(2, "usage: see the beginning of wild.c");
	seed = strtoull(argv[2], NULL, 0) | 1;
	files = argv + 4;
	n_files = argc - 4;
	signal(SIGALRM, stop);
	signal(SIGPIPE, SIG_IGN);
	alarm(strtoul(argv[3], NULL, 0));
	for (i = 0; i < LENGTH(modes); i++) {
		if (strcmp(argv[1], modes[i].name))
			continue;
		modes[i].run();
		printf("%lu %lu\n", tried, taken);
		return 0;
	}
	errx(2, "no mode '%s'", argv[1]);
}
