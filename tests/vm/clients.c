// SPDX-License-Identifier: GPL-2.0
/*
 * Clients of a real listener: they connect, so many a second, and close as soon as
 * they are there, until it is terminated.
 *
 *	clients ADDRESS PORT RATE LIMIT [LISTENER]
 *
 * Who is not connected after LIMIT ms gives up. LISTENER is a file descriptor that
 * is accepted from, and whose connections are closed in their turn.
 *
 * It ends, with everything begun over, with a line of its own: how many began, were
 * connected, were refused, and gave up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FILES 4096
#define SLICE 10			/* ms between looks at what is due */
#define LATE 4				/* of a second's: what is due beyond is not made up for */

static union {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
} address;

static unsigned long begun_at[FILES];	/* ms; of clients that are not connected yet */
static unsigned long begun, connected, refused, gave_up;
static int poller, listener = -1, highest;
static volatile sig_atomic_t over;

static unsigned long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void watch(int file, unsigned int events)
{
	struct epoll_event event = { .events = events, .data.fd = file };

	if (epoll_ctl(poller, EPOLL_CTL_ADD, file, &event))
		err(1, "epoll_ctl");
}

static void begin(void)
{
	socklen_t size = address.any.sa_family == AF_INET ? sizeof(address.four) :
							    sizeof(address.six);
	int file = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (file < 0 || file >= FILES)
		err(1, "socket");
	if (connect(file, &address.any, size) && errno != EINPROGRESS)
		err(1, "connect");
	begun++;
	begun_at[file] = now();
	if (file > highest)
		highest = file;
	watch(file, EPOLLOUT);
}

static void accept_all(void)
{
	int file;

	while ((file = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(file, EPOLLIN);
}

/* A client is connected or refused; or the other end has its FIN. */
static void happened(int file)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (begun_at[file]) {
		getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size);
		connected += !error;
		refused += error == ECONNREFUSED;
		gave_up += error && error != ECONNREFUSED;
		begun_at[file] = 0;
	}
	close(file);
}

static unsigned int give_up(unsigned long limit)
{
	unsigned long time = now();
	unsigned int left = 0;
	int file;

	for (file = 0; file <= highest; file++) {
		if (!begun_at[file])
			continue;
		if (time - begun_at[file] < limit) {
			left++;
			continue;
		}
		gave_up++;
		begun_at[file] = 0;
		close(file);
	}
	return left;
}

static void parse(char **argv)
{
	address.any.sa_family = strchr(argv[1], ':') ? AF_INET6 : AF_INET;
	if (address.any.sa_family == AF_INET) {
		address.four.sin_port = htons(atoi(argv[2]));
		if (inet_pton(AF_INET, argv[1], &address.four.sin_addr) != 1)
			errx(2, "%s is no address", argv[1]);
	} else {
		address.six.sin6_port = htons(atoi(argv[2]));
		if (inet_pton(AF_INET6, argv[1], &address.six.sin6_addr) != 1)
			errx(2, "%s is no address", argv[1]);
	}
}

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

int main(int argc, char **argv)
{
	struct rlimit files = { FILES, FILES };
	unsigned long rate, limit, start, due, done = 0;
	struct epoll_event events[64];
	int i, ready;

	if (argc < 5 || argc > 6)
		errx(2, "usage: clients ADDRESS PORT RATE LIMIT [LISTENER]");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, stop);
	setrlimit(RLIMIT_NOFILE, &files);
	parse(argv);
	rate = atol(argv[3]);
	limit = atol(argv[4]);
	poller = epoll_create1(0);
	if (argc == 6) {
		listener = atoi(argv[5]);
		watch(listener, EPOLLIN);
	}
	for (start = now(); give_up(limit) || !over;) {
		due = over ? done : (now() - start) * rate / 1000;
		if (due > done + rate / LATE + 1)
			done = due - rate / LATE - 1;
		for (; done < due; done++)
			begin();
		ready = epoll_wait(poller, events, 64, SLICE);
		for (i = 0; i < ready; i++) {
			if (events[i].data.fd == listener)
				accept_all();
			else
				happened(events[i].data.fd);
		}
	}
	printf("%lu %lu %lu %lu\n", begun, connected, refused, gave_up);
	return 0;
}
