// SPDX-License-Identifier: GPL-2.0
/* SIGINT and SIGTERM, put off until what is being said is complete. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>

#include "interrupt.h"

static volatile sig_atomic_t came;

static void note(int number)
{
	came = number;
}

void interrupt_defer(void)
{
	/* Output goes on where it was; only interrupt_wait() is cut short. */
	struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART | SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int interrupted(void)
{
	return came;
}

int interrupt_poll(int fd, int ms)
{
	struct timespec limit = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	sigset_t both, before;
	int ready = 0;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	if (!came)
		ready = ppoll(&poll, 1, ms < 0 ? NULL : &limit, &before);
	if (ready < 0)
		ready = errno == EINTR ? 0 : -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return came ? -EINTR : ready;
}

int interrupt_wait(int fd)
{
	int ready;

	do {
		ready = interrupt_poll(fd, -1);
	} while (!ready);
	return ready < 0 ? ready : 0;
}

void interrupt_forget(void)
{
	came = 0;
}

void interrupt_obey(void)
{
	signal(came, SIG_DFL);
	raise(came);
}
