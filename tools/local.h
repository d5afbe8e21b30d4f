/* SPDX-License-Identifier: GPL-2.0 */
/* Which addresses are this network namespace's own. */
#ifndef _TCPSTATE_LOCAL_H
#define _TCPSTATE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

struct ifaddrs;

/**
 * struct locals - as of a moment
 * @list: the C library's, owned
 */
struct locals {
	struct ifaddrs *list;
};

/* 0 or a negative errno. local_end() is due in any case. */
int local_begin(struct locals *locals);
void local_end(struct locals *locals);

/* Is this one of them? @addr is in network order. */
bool local_has(const struct locals *locals, int family, const uint8_t *addr);

#endif /* _TCPSTATE_LOCAL_H */
