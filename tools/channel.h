/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way to the module: the only file that speaks generic netlink. Where it returns
 * an int, that is 0, a negative errno, or what a reader returned.
 */
#ifndef _TCPSTATE_CHANNEL_H
#define _TCPSTATE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

struct filter;
struct mnl_socket;

/**
 * struct channel - to the module, in the network namespace where it was opened
 * @socket: for requests, owned
 * @news: for notifications, owned; NULL until a group is joined
 * @family: number of the generic netlink family
 * @seq: of the latest request
 * @said: what the kernel said of its last refusal, or empty
 * @buffer: of the latest messages, owned
 */
struct channel {
	struct mnl_socket *socket;
	struct mnl_socket *news;
	uint16_t family;
	uint32_t seq;
	char said[256];
	char *buffer;
};

/* Takes one message, which is gone afterwards. Anything but 0 ends the reading. */
typedef int (*channel_reader)(const struct nlmsghdr *nlh, void *data);

/* -ENOENT where the module is not loaded. channel_close() is due in any case. */
int channel_open(struct channel *channel);
void channel_close(struct channel *channel);

/* A command that is answered once, or (without a reader) just acknowledged. */
int channel_do(struct channel *channel, uint8_t command, channel_reader reader, void *data);

/* A command that is told of which connections, and just acknowledged. */
int channel_set(struct channel *channel, uint8_t command, const struct filter *filter);

/*
 * A command that is answered by a message for each record. Afterwards @whole
 * says whether the kernel vouches that no record is missing.
 */
int channel_dump(struct channel *channel, uint8_t command, const struct filter *filter,
		 channel_reader reader, void *data, bool *whole);

/*
 * Joins a multicast group, with room for so many octets that wait to be read.
 * -ESRCH where the module has no such group; -ENOENT where it is not loaded, but
 * channel_listen() will say when it is.
 */
int channel_join(struct channel *channel, const char *group, int room);

/*
 * Hands one buffer's notifications to the reader, which must not use the channel.
 * Returns 0 after that, and
 *
 *	-EAGAIN		nothing is there, and @wait is false
 *	-ENOBUFS	there was no room for some, which are lost
 *	-ENOENT		the module is gone; all that it sent before was read
 *	-ESTALE		the module is there again: join again
 */
int channel_listen(struct channel *channel, bool wait, channel_reader reader, void *data);

/* What a negative errno means here, in one line. */
void channel_explain(const struct channel *channel, int err, char *text, size_t size);

/* Says it on standard error. Returns the exit status. */
int channel_complain(const struct channel *channel, int err);

#endif /* _TCPSTATE_CHANNEL_H */
