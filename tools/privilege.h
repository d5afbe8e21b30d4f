/* SPDX-License-Identifier: GPL-2.0 */
/* What a program that speaks with strangers does without. */
#ifndef _TCPSTATE_PRIVILEGE_H
#define _TCPSTATE_PRIVILEGE_H

/*
 * Where this is root: becomes the user, and keeps of its privileges CAP_NET_ADMIN
 * alone, without which the module tells of no listener. Nobody gets more from then on.
 * Returns DONE or the exit status, having complained.
 */
int privilege_drop(const char *user);

#endif /* _TCPSTATE_PRIVILEGE_H */
