/* SPDX-License-Identifier: GPL-2.0 */
/* A listing: records of the module one by one, each once. */
#ifndef _TCPSTATE_LISTING_H
#define _TCPSTATE_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "account.h"
#include "filter.h"
#include "message.h"
#include "output.h"
#include "ranking.h"

struct options;

/**
 * struct listing - of what
 * @command: the module's
 * @kind: of a filter for it
 * @description: of the records
 * @view: of them
 * @names: what they are called
 * @read: one, saying whether it could be read
 * @ends: what tells one from another: endpoints, at this offset of the record
 * @count: so many
 * @complete: adds what the module does not know, or NULL
 * @data: for @complete
 */
struct listing {
	uint8_t command;
	enum filter_kind kind;
	const struct description *description;
	enum view view;
	const char *names;
	bool (*read)(const struct nlmsghdr *nlh, union record *record);
	size_t ends;
	int count;
	void (*complete)(union record *record, void *data);
	void *data;
};

/* Returns the exit status, having complained of any but DONE. */
int listing_print(const struct listing *listing, const struct options *options,
		  char *const *words);

#endif /* _TCPSTATE_LISTING_H */
