/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the messages of the module say: attributes to structures and back. A
 * message is never believed to be well formed.
 */
#ifndef _TCPSTATE_MESSAGE_H
#define _TCPSTATE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "names.h"

struct filter;

/**
 * struct endpoint - one end of a connection
 * @addr: in network order, as many octets as the family has
 * @len: how many these are
 * @port: in host order
 */
struct endpoint {
	uint8_t addr[16];
	uint8_t len;
	uint8_t state;
	uint16_t port;
	uint32_t retrans;
	uint64_t bytes;
	uint64_t segments;
};

/**
 * struct flow - a connection, and what became of it
 * @family: AF_INET or AF_INET6
 * @phase: enum tcpstate_state, or TCPSTATE_UNSPEC where it is not half-open
 * @age: milliseconds, like @idle
 * @history: printable; lives in the message
 * @latency: microseconds in the handshake, 0 where it was not measured
 * @event: enum tcpstate_event_type, or TCPSTATE_EVENT_UNSPEC; the rest is an event's
 * @reason: enum tcpstate_reason; this and the next two of a closed one
 * @by: enum tcpstate_by
 * @conn_state: as @history
 * @seq: of the group
 * @time: nanoseconds since 1970
 */
struct flow {
	uint8_t family;
	uint8_t phase;
	uint8_t syn;
	uint8_t synack;
	uint8_t picked_up;
	uint8_t one_sided;
	struct endpoint end[ENDS];
	uint64_t age;
	uint64_t idle;
	const char *history;
	uint32_t latency[ENDS];
	uint8_t event;
	uint8_t reason;
	uint8_t by;
	const char *conn_state;
	uint64_t seq;
	uint64_t time;
};

/**
 * struct segment - of a connection that is traced
 * @seq: of the notification
 * @time: nanoseconds since 1970
 * @from: enum end
 * @flags: octet 13 of the header
 * @reason: enum tcpstate_reason, why the connection ended with it
 * @end: as they are after it; address, port and state alone
 * @number: sequence number
 * @relative_number: likewise, less its sender's initial one
 * @relative_ack: likewise, less its receiver's
 * @count: segments on the wire that it stands for
 * @facts: set, bit 1 << enum tcpstate_fact; those that are not known are left out
 */
struct segment {
	uint64_t seq;
	uint64_t time;
	uint8_t family;
	uint8_t from;
	uint8_t flags;
	uint8_t reason;
	struct endpoint end[ENDS];
	uint32_t number;
	uint32_t ack;
	uint32_t relative_number;
	uint32_t relative_ack;
	uint32_t length;
	uint32_t window;
	uint32_t count;
	uint32_t facts;
};

/**
 * struct census - of the endpoints in one state
 * @state: enum tcpstate_state
 * @now: how many of either end are in it
 * @entered: how often an endpoint has entered it
 */
struct census {
	uint8_t state;
	uint64_t now[ENDS];
	uint64_t entered;
};

/* A bucket for each power of two: less than 1, 2, 4 ...; the last takes the rest. */
#define BUCKETS 32

/**
 * struct histogram - of a time
 * @state: enum tcpstate_state, or TCPSTATE_UNSPEC where it is of none
 * @sum: of all that was counted
 */
struct histogram {
	uint8_t state;
	uint64_t buckets[BUCKETS];
	uint64_t sum;
};

/**
 * struct resets - RSTs of one sender that met one pair of states
 * @in_window: believed
 * @inexact: in the window, not enough
 * @out_of_window: refused
 */
struct resets {
	uint64_t in_window;
	uint64_t inexact;
	uint64_t out_of_window;
};

/**
 * struct leak - connections that one side does not close
 * @oldest: milliseconds
 */
struct leak {
	uint64_t flows;
	uint64_t oldest;
};

/**
 * struct numbers - the last sequence number of each group
 */
struct numbers {
	uint64_t flows;
	uint64_t closed;
	uint64_t segments;
	uint64_t alerts;
};

/**
 * struct stats - of a namespace
 * @version: the module's, printable; lives in the message
 * @transitions: of endpoints, by the enum tcpstate_state that they left and that they
 *	entered; they left TCPSTATE_UNSPEC where their connection began
 * @dwell: by enum tcpstate_state, of milliseconds
 * @latency: of microseconds
 * @pairs: connections by the initiator's and the responder's enum tcpstate_state
 * @resets: by the sender, and as @pairs
 * @leaks: by the side that does not close
 * @memory: octets by enum tcpstate_memory_kind, and the ceiling
 */
struct stats {
	const char *version;
	uint8_t enabled;
	struct census states[__TCPSTATE_STATE_MAX];
	uint64_t counters[__TCPSTATE_A_COUNTER_MAX];
	uint64_t transitions[__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX];
	struct histogram dwell[__TCPSTATE_STATE_MAX];
	struct histogram latency[ENDS];
	uint64_t pairs[__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX];
	struct resets resets[ENDS][__TCPSTATE_STATE_MAX][__TCPSTATE_STATE_MAX];
	struct leak leaks[ENDS];
	struct numbers seq;
	uint64_t memory[__TCPSTATE_A_MEMORY_MAX];
};

/*
 * These say whether the message could be read. Attributes that are not known
 * are passed over; those of a wrong size, and states that there are not, make
 * it unreadable, as does the lack of what a structure cannot do without.
 */
bool message_flow(const struct nlmsghdr *nlh, struct flow *flow);
bool message_segment(const struct nlmsghdr *nlh, struct segment *segment);
bool message_stats(const struct nlmsghdr *nlh, struct stats *stats);

/*
 * Appends a filter's attributes to a request whose buffer has @size octets in
 * all. Returns false where there is no room.
 */
bool message_filter(struct nlmsghdr *nlh, size_t size, const struct filter *filter);

#endif /* _TCPSTATE_MESSAGE_H */
