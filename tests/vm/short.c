// SPDX-License-Identifier: GPL-2.0
/*
 * Many short connections over the loopback device of this network namespace, one
 * after the other: each sends, is answered, and closes its end first.
 *
 *	short COUNT SENT ANSWERED
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char octets[1024];

static void pass(int from, int to, size_t size)
{
	if (send(from, octets, size, 0) != (ssize_t)size ||
	    recv(to, octets, size, MSG_WAITALL) != (ssize_t)size)
		err(1, "data");
}

int main(int argc, char **argv)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof(name);
	int listener, ours, theirs;

	if (argc != 4)
		errx(2, "usage: short COUNT SENT ANSWERED");
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (void *)&name, sizeof(name)) || listen(listener, 1) ||
	    getsockname(listener, (void *)&name, &size))
		err(1, "listener");
	for (long count = atol(argv[1]); count; count--) {
		ours = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(ours, (void *)&name, sizeof(name)))
			err(1, "connect");
		theirs = accept(listener, NULL, NULL);
		if (theirs < 0)
			err(1, "accept");
		pass(ours, theirs, atoi(argv[2]));
		pass(theirs, ours, atoi(argv[3]));
		close(ours);
		/* Its end is read first, so ours is the FIN that came first. */
		if (recv(theirs, octets, 1, 0))
			err(1, "end");
		close(theirs);
	}
	return 0;
}
