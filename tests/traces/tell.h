/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is told of a capture, in lines of JSON: the same by whoever judges it, so that
 * two verdicts can be compared. Connections are told by the tool's own code, but for
 * what only a clock knows.
 */
#ifndef _TRACES_TELL_H
#define _TRACES_TELL_H

#include <stdint.h>

struct flow;

/*
 * A connection that has closed, and where @first is not 0 the numbers of its first
 * and its last frame.
 */
void tell_closed(const char *path, const struct flow *flow, unsigned long first,
		 unsigned long last);

/*
 * Counters by enum tcpstate_counter, and how often each enum tcpstate_state was
 * entered; what is 0, gauges and limits are left out.
 */
void tell_counters(const char *path, const uint64_t *counter, const uint64_t *entered);

#endif /* _TRACES_TELL_H */
