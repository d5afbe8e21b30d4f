/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel itself counts of handshakes that its sockets were asked for. */
#ifndef _TCPSTATE_KERNEL_H
#define _TCPSTATE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_COUNTERS 6

/* As nstat names them, less "TcpExt". */
extern const char *const kernel_names[KERNEL_COUNTERS];

/**
 * struct kernel - of a network namespace, whatever the listener
 * @counters: by kernel_names
 */
struct kernel {
	uint64_t counters[KERNEL_COUNTERS];
};

/* Of this one. False where it does not tell. */
bool kernel_read(struct kernel *kernel);

/* Likewise, from the text of /proc/net/netstat, which is changed. */
bool kernel_parse(struct kernel *kernel, char *text);

#endif /* _TCPSTATE_KERNEL_H */
