/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace counts for Prometheus. */
#ifndef _TCPSTATE_EXPORT_H
#define _TCPSTATE_EXPORT_H

#include <stdio.h>

#include "channel.h"
#include "message.h"
#include "ranking.h"

/**
 * struct export - under way
 * @channel: to the module; of no use while @broken
 * @stats: lives in the message as far as its version goes, so @version has that
 * @under: listeners and hosts by verdict
 * @listed: listeners are told of one by one
 * @listeners: these
 */
struct export {
	struct channel channel;
	bool broken;
	struct stats stats;
	char version[32];
	uint64_t under[__TCPSTATE_VERDICT_MAX];
	bool listed;
	struct ranking listeners;
};

/* Begins. @listeners: so many are told of one by one. Returns 0 or a negative errno. */
int export_begin(struct export *export, unsigned long listeners);

/* Prints all of it. 0 or a negative errno; if it fails, the channel says why. */
int export_print(struct export *export, FILE *file);

void export_end(struct export *export);

#endif /* _TCPSTATE_EXPORT_H */
