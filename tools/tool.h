/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands share: the options, how to end, and how to complain. */
#ifndef _TCPSTATE_TOOL_H
#define _TCPSTATE_TOOL_H

#include <stdbool.h>
#include <stdint.h>

/* Exit status. */
enum {
	DONE,
	MISUSED,	/* wrong usage */
	REFUSED,	/* by the kernel or the module, or it is not there */
	DIFFERENT,	/* the module and the kernel, in what they say of an endpoint */
};

/**
 * struct options - what stands before or after the command
 * @json: JSON instead of text
 * @pretty: JSON over many lines
 * @oneline: a record's details on the line of the record
 * @timestamps: of events
 * @family: AF_INET, AF_INET6, or 0 for either
 * @count: of events after which to end, or 0
 * @buffer: octets of events that may wait, or 0
 * @netns: name or path of a network namespace, or NULL
 * @listen: where to serve what is exported, or NULL: it is printed
 * @user: who does so, or NULL for the one who should
 * @listeners: so many are exported one by one at most, or 0
 * @svg: a picture, instead of what it is drawn from
 * @once: print it a single time
 * @delay: milliseconds from one time to the next, or 0 for the usual
 */
struct options {
	bool json;
	bool pretty;
	bool oneline;
	bool timestamps;
	int family;
	unsigned long count;
	int buffer;
	const char *netns;
	const char *listen;
	const char *user;
	unsigned long listeners;
	bool svg;
	bool once;
	uint64_t delay;
};

/*
 * A command. Words are those after its name, ended by NULL; returns the exit
 * status, having complained of any but DONE.
 */
int cmd_stats(const struct options *options, char *const *words);
int cmd_flows(const struct options *options, char *const *words);
int cmd_halfopen(const struct options *options, char *const *words);
int cmd_listeners(const struct options *options, char *const *words);
int cmd_hosts(const struct options *options, char *const *words);
int cmd_check(const struct options *options, char *const *words);
int cmd_monitor(const struct options *options, char *const *words);
int cmd_trace(const struct options *options, char *const *words);
int cmd_top(const struct options *options, char *const *words);
int cmd_graph(const struct options *options, char *const *words);
int cmd_export(const struct options *options, char *const *words);
int cmd_flush(const struct options *options, char *const *words);
int cmd_version(const struct options *options, char *const *words);

/*
 * One line on standard error, whatever is in it. Of several complaints the
 * first alone is printed, for it is the cause. They return MISUSED and REFUSED.
 */
int misused(const char *format, ...) __attribute__((format(printf, 1, 2)));
int refused(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* _TCPSTATE_TOOL_H */
