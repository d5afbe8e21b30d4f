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

int interrupt_wait(int fd)
{
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	sigset_t both, before;
	int err = 0;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	while (!came && ppoll(&poll, 1, NULL, &before) < 0) {
		if (errno != EINTR) {
			err = -errno;
			break;
		}
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return came ? -EINTR : err;
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
