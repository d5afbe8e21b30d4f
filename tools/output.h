/* SPDX-License-Identifier: GPL-2.0 */
/* Records and their events on standard output, as text or as JSON. */
#ifndef _TCPSTATE_OUTPUT_H
#define _TCPSTATE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct options;
struct output;

/* What is told of a record: of one thing at a time, or of several. */
enum view {
	VIEW_FLOW = 1,
	VIEW_HALFOPEN = 2,
	VIEW_EVENT = 4,		/* a line each, at once */
	VIEW_CLOSED = 8,	/* of these, the last one of a connection */
	VIEW_LISTENER = 16,
	VIEW_HOST = 32,
	VIEW_TABLE = 64,
	VIEW_ALERT = 128,	/* a line each, at once; about one of the three */
};

#define OUTPUT_AT_ONCE (VIEW_EVENT | VIEW_ALERT)

enum kind {
	FAMILY,
	ADDRESS,	/* struct endpoint; as text the port goes with it */
	STATE,
	VERDICT,	/* in JSON and in details not told where it is 0 */
	NUMBER,
	TIME,		/* milliseconds */
	WHEN,		/* nanoseconds since 1970; as text only where it is asked for */
	LATENCY,	/* microseconds, not told where it is 0 */
	SHARE,		/* of a thousand, not told where it is more */
	FLAG,
	LETTERS,
	NAME,		/* of what has one */
	OTHER,		/* what it says itself, and not told where it says nothing */
};

/**
 * struct field - of a record, in the order of JSON
 * @key: in JSON, or NULL for text alone
 * @kind: what it is
 * @at: the member
 * @views: whose JSON has it
 * @column: its title as text, where it has a column
 * @columns: of which views
 * @detail: what stands before it in the detail line, where it is there; a newline at its
 *	beginning begins another line
 * @details: of which views; of all that have it where there is none
 * @names: of a NAME
 * @json: of OTHER, from the member; NULL where it says nothing
 * @text: likewise, to at most so many octets; empty where it says nothing
 */
struct field {
	const char *key;
	enum kind kind;
	struct {
		size_t offset;
		size_t size;
	} at;
	unsigned int views;
	const char *column;
	unsigned int columns;
	const char *detail;
	unsigned int details;
	const char *const *names;
	struct json_object *(*json)(const void *member);
	void (*text)(const void *member, char *text, size_t size);
};

/**
 * struct description - of a kind of record, for text and JSON alike
 * @fields: of which it is made
 * @count: of these
 * @views: what is told of a record where this view was asked for
 */
struct description {
	const struct field *fields;
	size_t count;
	unsigned int (*views)(const void *record, enum view view);
};

/* Of struct flow and of struct account. */
extern const struct description flow_description;
extern const struct description account_description;

/* NULL where there is no memory for it. */
struct output *output_begin(const struct options *options, const struct description *description,
			    enum view view);

/* Printed as it comes, JSON at once, text after a screenful at the latest. */
void output_record(struct output *output, const void *record);

/*
 * Closes what is open, and frees. Where nothing was printed, that nothing is
 * there is said only if @sure.
 */
void output_end(struct output *output, bool sure);

/* One JSON value by itself, which is freed. */
void output_json(const struct options *options, struct json_object *value);

/* A field of a record as text, to at most so many octets. */
void output_text(const struct field *field, const void *record, char *text, size_t size);

/* Which of two records comes first by a field: less than zero where it is the first. */
int output_order(const struct field *field, const void *one, const void *other);

/* The SGR parameter that a field of a record is painted with, or NULL. */
const char *output_colour(const struct field *field, const void *record);

/* A time in nanoseconds since 1970, as text of at most so many octets. */
#define OUTPUT_TIME 48
const char *output_time(uintmax_t ns, char *text, size_t size);

/* A share of a thousand: in JSON a fraction like 0.612, as text 61.2%. */
struct json_object *output_share_json(unsigned int share);
const char *output_share(unsigned int share, char *text, size_t size);

/* Whether standard output is a terminal that wants colours. */
bool output_colourful(void);

#endif /* _TCPSTATE_OUTPUT_H */
