/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TCPSTATE_NETNS_H
#define _TCPSTATE_NETNS_H

/*
 * Enters a network namespace: a name as `ip netns` knows it, or a path where
 * there is a slash in it. Returns DONE, or REFUSED after a complaint.
 */
int netns_enter(const char *name);

#endif /* _TCPSTATE_NETNS_H */
