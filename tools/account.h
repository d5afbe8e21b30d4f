/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module tells of a listener, of a host under a verdict and of a table, in a
 * dump or in an alert. One structure has it all, as one space of attributes does.
 */
#ifndef _TCPSTATE_ACCOUNT_H
#define _TCPSTATE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "message.h"

enum subject {
	OF_LISTENER,
	OF_HOST,
	OF_TABLE,
};

/**
 * struct source - that asks much of a listener
 * @end: its address alone
 * @share: of a thousand handshakes asked for
 */
struct source {
	struct endpoint end;
	uint32_t share;
};

/**
 * struct heavy - the heaviest sources, and how many these are
 */
struct heavy {
	struct source source[8];
	unsigned int count;
};

/* In place of a share of a thousand: nothing was judged. */
#define ACCOUNT_UNJUDGED UINT32_MAX

/**
 * struct account - what becomes of handshakes
 * @subject: what it is about
 * @verdict: enum tcpstate_verdict; none of a table
 * @end: address and port, of a host its address; nothing of a table
 * @since: milliseconds
 * @completion: of a thousand, or ACCOUNT_UNJUDGED; like @usual
 * @latency: of microseconds
 * @heavy: those that are told, as far as there is room
 * @targets: of a host
 * @alert: enum tcpstate_alert, or TCPSTATE_ALERT_UNSPEC; the next three are an alert's
 * @before: enum tcpstate_verdict, or TCPSTATE_VERDICT_UNSPEC
 * @seq: of the group
 * @time: nanoseconds since 1970
 * @table: the gauge's enum tcpstate_counter
 * @kernel: what the kernel counts where the listener is, or NULL; not the module's word
 */
struct account {
	enum subject subject;
	uint8_t family;
	uint8_t verdict;
	uint8_t alert;
	uint8_t before;
	uint8_t table;
	struct endpoint end;
	uint64_t syn_sent;
	uint64_t syn_recv;
	uint64_t syn;
	uint64_t synack;
	uint64_t completed;
	uint64_t refused;
	uint64_t timed_out;
	uint64_t syn_rate;
	uint64_t sources;
	uint64_t since;
	uint32_t completion;
	uint32_t usual;
	uint64_t stale;
	uint64_t latency[ENDS][BUCKETS];
	uint64_t untimed;
	struct heavy heavy;
	uint64_t targets;
	uint64_t seq;
	uint64_t time;
	uint64_t fill;
	uint64_t limit;
	const struct kernel *kernel;
};

/*
 * These say whether the message could be read, as those of message.h do: from a dump
 * of listeners, from one of hosts, and an alert.
 */
bool account_listener(const struct nlmsghdr *nlh, struct account *account);
bool account_host(const struct nlmsghdr *nlh, struct account *account);
bool account_alert(const struct nlmsghdr *nlh, struct account *account);

#endif /* _TCPSTATE_ACCOUNT_H */
