/* SPDX-License-Identifier: GPL-2.0 */
/* A small HTTP server, for one page that is made anew for whoever asks. */
#ifndef _TCPSTATE_SERVER_H
#define _TCPSTATE_SERVER_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Makes the page, or says in one line why it cannot. Returns whether it is the page.
 */
typedef bool (*server_page)(FILE *file, void *data);

/*
 * Opens a socket that listens at ADDR:PORT, [ADDR]:PORT or, at any address, :PORT.
 * Returns DONE or the exit status, having complained.
 */
int server_open(const char *where, int *fd);

/* Serves it until a signal comes, and closes the socket. Likewise. */
int server_run(int fd, server_page page, void *data);

#endif /* _TCPSTATE_SERVER_H */
