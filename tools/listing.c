// SPDX-License-Identifier: GPL-2.0
/* A listing: records of the module one by one, each once. */
#include <errno.h>
#include <stdio.h>

#include "channel.h"
#include "interrupt.h"
#include "listing.h"
#include "seen.h"
#include "tool.h"

/* How often a dump is read that the kernel will not vouch for. */
#define ATTEMPTS 8

/**
 * struct progress - of a listing
 * @output: where it goes
 * @seen: what went there
 * @again: a dump is read anew, so what was seen is no news
 */
struct progress {
	const struct listing *listing;
	struct output *output;
	struct seen seen;
	bool again;
};

static int list(const struct nlmsghdr *nlh, void *data)
{
	struct progress *progress = data;
	const struct listing *listing = progress->listing;
	union record record;
	int new;

	if (interrupted())
		return -EINTR;
	if (!listing->read(nlh, &record))
		return -EBADMSG;
	new = seen_add(&progress->seen,
		       (const struct endpoint *)((const char *)&record + listing->ends),
		       listing->count);
	if (new < 0)
		return new;
	if (listing->complete)
		listing->complete(&record, listing->data);
	/* Twice in one dump is the kernel's word, and none of ours to doubt. */
	if (new || !progress->again)
		output_record(progress->output, &record);
	/* What is wrong with it is main()'s to say. */
	return ferror(stdout) ? 1 : 0;
}

int listing_print(const struct listing *listing, const struct options *options,
		  char *const *words)
{
	struct progress progress = { .listing = listing };
	struct channel channel;
	struct filter filter;
	bool whole = false;
	int status = DONE;
	char why[256];
	int err;

	if (!filter_parse(&filter, listing->kind, options->family, words, why, sizeof(why)))
		return misused("%s", why);
	err = channel_open(&channel);
	if (err) {
		status = channel_complain(&channel, err);
		goto close;
	}
	progress.output = output_begin(options, listing->description, listing->view);
	if (!progress.output) {
		status = channel_complain(&channel, -ENOMEM);
		goto close;
	}
	seen_begin(&progress.seen);
	for (int i = 0; i < ATTEMPTS && !err && !whole; i++) {
		progress.again = i;
		err = channel_dump(&channel, listing->command, &filter, list, &progress, &whole);
	}
	output_end(progress.output, !err || err == -EINTR);
	seen_end(&progress.seen);
	if (err < 0)
		status = channel_complain(&channel, err);
	else if (!err && !whole)
		status = refused("%s may be missing, in all of %d dumps: try again",
				 listing->names, ATTEMPTS);
close:
	channel_close(&channel);
	return status;
}
