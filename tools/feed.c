// SPDX-License-Identifier: GPL-2.0
/* Feeds: joined, read, and read on when the module comes back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "feed.h"
#include "interrupt.h"
#include "message.h"
#include "tool.h"

/* Octets that may wait: some ten thousand messages. */
#define ROOM (8 << 20)

static void miss(struct feed *feed, uint64_t seq)
{
	uint64_t count = seq - feed->seq;

	if (!count)
		return;
	feed->seq = seq;
	feed->lost += count;
	feed->missed(feed, count);
}

void feed_number(struct feed *feed, uint64_t seq)
{
	/* Sent after we joined, and before we asked for the last number. */
	if (seq <= feed->seq)
		feed->seq = seq - 1;
	miss(feed, seq - 1);
	feed->seq = seq;
	feed->received++;
}

static int read_message(const struct nlmsghdr *nlh, void *data)
{
	struct feed *feed = data;

	return feed->read(feed, nlh);
}

static int read_numbers(const struct nlmsghdr *nlh, void *data)
{
	struct stats stats;

	if (!message_stats(nlh, &stats))
		return -EBADMSG;
	*(struct numbers *)data = stats.seq;
	return 0;
}

/* The last number of our group. All up to it was sent, or is lost. */
static int ask_seq(struct feed *feed, uint64_t *seq)
{
	struct numbers numbers;
	int err = channel_do(&feed->channel, TCPSTATE_CMD_STATS_GET, read_numbers, &numbers);

	memcpy(seq, (char *)&numbers + feed->last, err ? 0 : sizeof(*seq));
	return err;
}

/*
 * Reads what was sent up to now, and then knows what was lost of it. At the first
 * number that we asked for there may wait what was sent since we joined, so we read
 * until there is nothing, or something later.
 */
static int catch_up(struct feed *feed)
{
	uint64_t last = UINT64_MAX;
	int err = ask_seq(feed, &last);
	bool known = !err;

	while ((!err || err == -ENOBUFS || (!known && err == -ENOENT)) && feed->seq <= last)
		err = channel_listen(&feed->channel, false, read_message, feed);
	if (err == -EAGAIN) {
		if (known)
			miss(feed, last);
		err = known ? 0 : -ENOENT;
	}
	return err;
}

static int join(struct feed *feed)
{
	int room = feed->options->buffer ? feed->options->buffer : ROOM;
	int err = channel_join(&feed->channel, feed->group, room);

	if (!err)
		err = ask_seq(feed, &feed->seq);
	if (!err && feed->joined)
		err = feed->joined(feed);
	return err;
}

static void tell_module(const struct feed *feed, const char *state)
{
	printf(feed->options->json ? "{\"event\":\"module\",\"state\":\"%s\"}\n" : "module %s\n",
	       state);
}

/* It went, or came. One who missed that it went may have missed that it came. */
static int renew(struct feed *feed)
{
	int err;

	if (feed->there)
		tell_module(feed, "gone");
	err = join(feed);
	feed->there = !err;
	if (feed->there)
		tell_module(feed, "back");
	return err == -ENOENT ? 0 : err;
}

static int watch(struct feed *feed)
{
	int err = join(feed);

	if (err)
		return err;
	feed->there = true;
	while (!err && !ferror(stdout)) {
		err = channel_listen(&feed->channel, true, read_message, feed);
		if (err == -ENOBUFS)
			err = feed->there ? catch_up(feed) : -ESTALE;
		if (err == -ENOENT || err == -ESTALE)
			err = renew(feed);
		fflush(stdout);
	}
	return err;
}

/* Its end is a signal: what was sent before is still told. */
static int finish(struct feed *feed)
{
	int err;

	interrupt_forget();
	err = feed->there ? catch_up(feed) : 0;
	return err == -ENOENT || err == -ESTALE ? 0 : err;
}

static int complain(const struct feed *feed, int err)
{
	if (err == -ESRCH)
		return refused("the loaded module has no group '%s'", feed->group);
	return channel_complain(&feed->channel, err);
}

int feed_run(struct feed *feed)
{
	int status, err = channel_open(&feed->channel);

	if (!err)
		err = watch(feed);
	if (err == -EINTR)
		err = finish(feed);
	status = err < 0 ? complain(feed, err) : DONE;
	channel_close(&feed->channel);
	return status;
}
