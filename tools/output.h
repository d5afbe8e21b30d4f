/* SPDX-License-Identifier: GPL-2.0 */
/* Connections and their events on standard output, as text or as JSON. */
#ifndef _TCPSTATE_OUTPUT_H
#define _TCPSTATE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct json_object;
struct options;
struct output;

/* What is told of a connection. */
enum view {
	VIEW_FLOW = 1,
	VIEW_HALFOPEN = 2,
	VIEW_EVENT = 4,		/* a line each, at once */
	VIEW_CLOSED = 8,	/* of these, the last one of a connection */
};

/* NULL where there is no memory for it. */
struct output *output_begin(const struct options *options, enum view view);

/* Printed as it comes, JSON at once, text after a screenful at the latest. */
void output_flow(struct output *output, const struct flow *flow);

/*
 * Closes what is open, and frees. Where nothing was printed, that nothing is
 * there is said only if @sure.
 */
void output_end(struct output *output, bool sure);

/* One JSON value by itself, which is freed. */
void output_json(const struct options *options, struct json_object *value);

/* A time in nanoseconds since 1970, as text of at most so many octets. */
#define OUTPUT_TIME 48
const char *output_time(uintmax_t ns, char *text, size_t size);

/* Whether standard output is a terminal that wants colours. */
bool output_colourful(void);

#endif /* _TCPSTATE_OUTPUT_H */
