/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A feed: a multicast group of the module that is read as it comes. Whatever the
 * module sends there has a number, so what did not arrive is counted.
 */
#ifndef _TCPSTATE_FEED_H
#define _TCPSTATE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

struct options;

/* Ends the reading: as many were printed as were asked for. */
#define FEED_ENOUGH 1

/**
 * struct feed - under way; the first member of its owner's struct
 * @options: those of the command line
 * @group: the module's name of it
 * @last: where struct numbers has the group's last number
 * @joined: called once the group was joined, and again after the module came
 *	back; may be NULL. Returns 0 or a negative errno.
 * @read: takes a message, says its number to feed_number() and tells it.
 *	Returns 0, FEED_ENOUGH or a negative errno.
 * @missed: tells that so many did not arrive
 * @channel: to the module
 * @there: the module is
 * @seq: the number of what was last received, or is known to be lost
 * @received: messages
 * @lost: messages
 */
struct feed {
	const struct options *options;
	const char *group;
	size_t last;
	int (*joined)(struct feed *feed);
	int (*read)(struct feed *feed, const struct nlmsghdr *nlh);
	void (*missed)(struct feed *feed, uint64_t count);
	struct channel channel;
	bool there;
	uint64_t seq;
	uint64_t received;
	uint64_t lost;
};

/* Of a message that arrived: tells what before it did not. */
void feed_number(struct feed *feed, uint64_t seq);

/*
 * Reads until a signal comes, enough was read or nobody reads what is printed.
 * Returns the exit status, having complained of any but DONE.
 */
int feed_run(struct feed *feed);

#endif /* _TCPSTATE_FEED_H */
