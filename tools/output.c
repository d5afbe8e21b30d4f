// SPDX-License-Identifier: GPL-2.0
/* Connections and their events on standard output, as text or as JSON. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "message.h"
#include "output.h"
#include "tool.h"

enum kind {
	FAMILY,
	ADDRESS,	/* of struct endpoint; as text the port goes with it */
	STATE,
	NUMBER,
	TIME,		/* milliseconds */
	WHEN,		/* nanoseconds since 1970; as text only where it is asked for */
	LATENCY,	/* microseconds, not told where it is 0 */
	FLAG,
	LETTERS,
	NAME,		/* of what has one */
};

/**
 * struct field - of struct flow, in the order of JSON
 * @key: in JSON
 * @kind: what it is
 * @at: the member
 * @views: whose JSON has it
 * @column: its title as text, where it has a column
 * @columns: of which views
 * @detail: what stands before it in the detail line, where it is there
 * @names: of a NAME
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
	const char *const *names;
};

#define BOTH (VIEW_FLOW | VIEW_HALFOPEN)
#define EVENT (VIEW_EVENT | VIEW_CLOSED)
#define STATES (VIEW_FLOW | EVENT)
#define ALL (BOTH | EVENT)
#define OF(member) { offsetof(struct flow, member), sizeof(((struct flow *)NULL)->member) }

static const struct field fields[] = {
	{ "event",		NAME,	 OF(event),  EVENT, "EVENT", EVENT, .names = events },
	{ "seq",		NUMBER,	 OF(seq),    EVENT },
	{ "time",		WHEN,	 OF(time),   EVENT, "TIME", EVENT },
	{ "family",		FAMILY,	 OF(family),		   ALL },
	{ "initiator",		ADDRESS, OF(end[INITIATOR]),	   ALL, "INITIATOR", ALL },
	{ "initiator_port",	NUMBER,	 OF(end[INITIATOR].port),  ALL },
	{ "initiator_state",	STATE,	 OF(end[INITIATOR].state), ALL, "STATE", STATES },
	{ "responder",		ADDRESS, OF(end[RESPONDER]),	   ALL, "RESPONDER", ALL },
	{ "responder_port",	NUMBER,	 OF(end[RESPONDER].port),  ALL },
	{ "responder_state",	STATE,	 OF(end[RESPONDER].state), ALL, "STATE", STATES },
	{ "phase",		STATE,	 OF(phase),  VIEW_HALFOPEN, "PHASE", VIEW_HALFOPEN },
	{ "age_ms",		TIME,	 OF(age),    BOTH, "AGE", BOTH },
	{ "idle_ms",		TIME,	 OF(idle),   VIEW_FLOW, "IDLE", VIEW_FLOW },
	{ "syn",		NUMBER,	 OF(syn),    VIEW_HALFOPEN, "SYN", VIEW_HALFOPEN },
	{ "synack",		NUMBER,	 OF(synack), VIEW_HALFOPEN, "SYNACK", VIEW_HALFOPEN },
	{ "initiator_bytes",	NUMBER,	 OF(end[INITIATOR].bytes), STATES, .detail = " bytes:" },
	{ "responder_bytes",	NUMBER,	 OF(end[RESPONDER].bytes), STATES, .detail = "/" },
	{ "initiator_segments",	NUMBER,	 OF(end[INITIATOR].segments), STATES,
	  .detail = " segments:" },
	{ "responder_segments",	NUMBER,	 OF(end[RESPONDER].segments), STATES, .detail = "/" },
	{ "initiator_retrans",	NUMBER,	 OF(end[INITIATOR].retrans), STATES,
	  .detail = " retrans:" },
	{ "responder_retrans",	NUMBER,	 OF(end[RESPONDER].retrans), STATES, .detail = "/" },
	{ "duration_ms",	TIME,	 OF(age),	EVENT, "DURATION", EVENT },
	{ "reason",		NAME,	 OF(reason),	VIEW_CLOSED, .detail = " reason:",
	  .names = reasons },
	{ "by",			NAME,	 OF(by),	VIEW_CLOSED, .detail = " by:",
	  .names = sides },
	{ "conn_state",		LETTERS, OF(conn_state), VIEW_CLOSED, .detail = " " },
	{ "picked_up",		FLAG,	 OF(picked_up), STATES, .detail = " picked-up" },
	{ "one_sided",		FLAG,	 OF(one_sided), STATES, .detail = " one-sided" },
	{ "history",		LETTERS, OF(history),	STATES, .detail = " history:" },
	{ "responder_latency_us", LATENCY, OF(latency[RESPONDER]), EVENT,
	  .detail = " responder-latency:" },
	{ "initiator_latency_us", LATENCY, OF(latency[INITIATOR]), EVENT,
	  .detail = " initiator-latency:" },
};

#define FIELDS (sizeof(fields) / sizeof(*fields))

#define COLUMNS	8
#define CELL	56	/* an IPv6 address in brackets and a port */
#define DETAIL	512
#define ROWS	64

/**
 * struct row - a line of text to come
 * @colour: for each cell, an SGR parameter or NULL
 * @detail: of the detail line, if the view has one
 */
struct row {
	char cell[COLUMNS][CELL];
	const char *colour[COLUMNS];
	char detail[DETAIL];
};

/**
 * struct output - on its way
 * @options: those of the command line
 * @view: what is told of a connection
 * @colour: paint states
 * @oneline: details on the line of the record
 * @begun: something was printed
 * @columns: the fields that have one, and how many these are
 * @width: of each column, as far as it is known
 * @rows: those that wait for the width of their columns, and how many wait
 */
struct output {
	const struct options *options;
	enum view view;
	bool colour;
	bool oneline;
	bool begun;
	const struct field *columns[COLUMNS];
	int count;
	int width[COLUMNS];
	struct row rows[ROWS];
	int waiting;
};

/* Values. */

static const void *member(const struct field *field, const struct flow *flow)
{
	return (const char *)flow + field->at.offset;
}

static uintmax_t number(const struct field *field, const struct flow *flow)
{
	const void *from = member(field, flow);

	switch (field->at.size) {
	case 1:
		return *(const uint8_t *)from;
	case 2:
		return *(const uint16_t *)from;
	case 4:
		return *(const uint32_t *)from;
	default:
		return *(const uint64_t *)from;
	}
}

static const char *state_name(uintmax_t state)
{
	return state ? states[state].name : "";
}

static const char *address(const struct field *field, const struct flow *flow, char *text)
{
	const struct endpoint *end = member(field, flow);

	return inet_ntop(flow->family, end->addr, text, INET6_ADDRSTRLEN);
}

static const char *name(const struct field *field, const struct flow *flow)
{
	return field->names[number(field, flow)];
}

/* As ISO 8601 has it, in UTC. */
const char *output_time(uintmax_t ns, char *text, size_t size)
{
	time_t s = ns / 1000000000;
	struct tm tm;
	size_t len;

	len = strftime(text, size, "%FT%T", gmtime_r(&s, &tm));
	snprintf(text + len, size - len, ".%09juZ", ns % 1000000000);
	return text;
}

/* A latency that was not measured is not told. */
static bool is_told(const struct field *field, const struct flow *flow)
{
	return field->kind != LATENCY || number(field, flow);
}

static enum view view_of(const struct output *output, const struct flow *flow)
{
	return flow->event == TCPSTATE_EVENT_CLOSED ? VIEW_CLOSED : output->view;
}

static struct json_object *json_value(const struct field *field, const struct flow *flow)
{
	char text[INET6_ADDRSTRLEN];

	switch (field->kind) {
	case FAMILY:
		return json_object_new_string(flow->family == AF_INET ? "ipv4" : "ipv6");
	case ADDRESS:
		return json_object_new_string(address(field, flow, text));
	case STATE:
		return json_object_new_string(state_name(number(field, flow)));
	case FLAG:
		return json_object_new_boolean(number(field, flow));
	case LETTERS:
		return json_object_new_string(*(const char *const *)member(field, flow));
	case NAME:
		return json_object_new_string(name(field, flow));
	case WHEN:
		return json_object_new_string(output_time(number(field, flow), text, sizeof(text)));
	default:
		return json_object_new_uint64(number(field, flow));
	}
}

/* The two units that matter: 250ms, 1.2s, 3m05s, 2h10m, 4d07h. */
static void time_text(uintmax_t ms, char *text, size_t size)
{
	static const struct {
		const char *units;
		uintmax_t major;	/* seconds */
		uintmax_t minor;
	} scales[] = {
		{ "dh", 86400, 3600 }, { "hm", 3600, 60 }, { "ms", 60, 1 },
	};
	uintmax_t s = ms / 1000;

	if (ms < 1000)
		snprintf(text, size, "%jums", ms);
	else
		snprintf(text, size, "%ju.%01jus", s, ms % 1000 / 100);
	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++) {
		if (s < scales[i].major)
			continue;
		snprintf(text, size, "%ju%c%02ju%c", s / scales[i].major, scales[i].units[0],
			 s % scales[i].major / scales[i].minor, scales[i].units[1]);
		break;
	}
}

static void value_text(const struct field *field, const struct flow *flow, char *text,
		       size_t size)
{
	char addr[INET6_ADDRSTRLEN];

	*text = '\0';
	switch (field->kind) {
	case ADDRESS:
		snprintf(text, size, flow->family == AF_INET ? "%s:%u" : "[%s]:%u",
			 address(field, flow, addr),
			 ((const struct endpoint *)member(field, flow))->port);
		break;
	case STATE:
		snprintf(text, size, "%s", state_name(number(field, flow)));
		break;
	case TIME:
		time_text(number(field, flow), text, size);
		break;
	case LETTERS:
		snprintf(text, size, "%s", *(const char *const *)member(field, flow));
		break;
	case NAME:
		snprintf(text, size, "%s", name(field, flow));
		break;
	case WHEN:
		output_time(number(field, flow), text, size);
		break;
	case LATENCY:
		snprintf(text, size, "%juus", number(field, flow));
		break;
	case NUMBER:
		snprintf(text, size, "%ju", number(field, flow));
		break;
	case FAMILY:
	case FLAG:
		break;
	}
}

/* JSON: an array, a record a line; of events the lines alone. */

static void print_json(const struct options *options, struct json_object *value)
{
	int how = JSON_C_TO_STRING_NOSLASHESCAPE;

	how |= options->pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
				 JSON_C_TO_STRING_PLAIN;
	fputs(json_object_to_json_string_ext(value, how), stdout);
	json_object_put(value);
}

static void flow_json(struct output *output, const struct flow *flow)
{
	struct json_object *object = json_object_new_object();
	enum view view = view_of(output, flow);

	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].views & view && is_told(&fields[i], flow))
			json_object_object_add(object, fields[i].key,
					       json_value(&fields[i], flow));
	if (output->view != VIEW_EVENT)
		fputs(output->begun ? ",\n" : "[\n", stdout);
	print_json(output->options, object);
	if (output->view == VIEW_EVENT)
		putchar('\n');
	output->begun = true;
}

/* Text: columns as wide as the widest that was seen when a line is printed. */

static void print_cell(const struct output *output, int column, const char *text,
		       const char *colour)
{
	bool right = output->columns[column]->kind == NUMBER ||
		     output->columns[column]->kind == TIME;
	int pad = output->width[column] - (int)strlen(text);

	/* No blanks at the end of a line. */
	if (!right && column == output->count - 1)
		pad = 0;
	if (column)
		fputs("  ", stdout);
	printf(colour ? "%*s\033[%sm%s\033[0m%*s" : "%*s%s%s%*s", right ? pad : 0, "",
	       colour ? colour : "", text, right ? 0 : pad, "");
}

static void print_rows(struct output *output)
{
	int i, column;

	if (!output->begun) {
		for (column = 0; column < output->count; column++)
			print_cell(output, column, output->columns[column]->column, NULL);
		putchar('\n');
	}
	output->begun = true;
	for (i = 0; i < output->waiting; i++) {
		const struct row *row = &output->rows[i];

		for (column = 0; column < output->count; column++)
			print_cell(output, column, row->cell[column],
				   output->colour ? row->colour[column] : NULL);
		if (*row->detail)
			printf("%s%s", output->oneline ? " " : "\n\t", row->detail);
		putchar('\n');
	}
	output->waiting = 0;
}

static void widen(struct output *output, int column, const char *text)
{
	if (output->width[column] < (int)strlen(text))
		output->width[column] = strlen(text);
}

static void flow_text(struct output *output, const struct flow *flow)
{
	struct row *row = &output->rows[output->waiting++];
	enum view view = view_of(output, flow);
	size_t len = 0;

	memset(row, 0, sizeof(*row));
	for (int column = 0; column < output->count; column++) {
		const struct field *field = output->columns[column];

		value_text(field, flow, row->cell[column], CELL);
		widen(output, column, row->cell[column]);
		if (field->kind == STATE)
			row->colour[column] = states[number(field, flow)].colour;
	}
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *field = &fields[i];
		char text[64];

		if (!field->detail || !(field->views & view) || !is_told(field, flow) ||
		    (field->kind == FLAG && !number(field, flow)))
			continue;
		value_text(field, flow, text, sizeof(text));
		/* The first blank divides nothing. */
		len += snprintf(row->detail + len, DETAIL - len, "%s%s",
				field->detail + !len, text);
	}
	if (output->waiting == ROWS || output->view == VIEW_EVENT)
		print_rows(output);
}

/* Both. */

bool output_colourful(void)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (!none || !*none) && term && strcmp(term, "dumb");
}

struct output *output_begin(const struct options *options, enum view view)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		return NULL;
	output->options = options;
	output->view = view;
	output->colour = output_colourful();
	output->oneline = options->oneline || view == VIEW_EVENT;
	for (size_t i = 0; i < FIELDS; i++) {
		if (!(fields[i].columns & view) ||
		    (fields[i].kind == WHEN && !options->timestamps))
			continue;
		output->columns[output->count] = &fields[i];
		widen(output, output->count++, fields[i].column);
	}
	return output;
}

void output_flow(struct output *output, const struct flow *flow)
{
	(output->options->json ? flow_json : flow_text)(output, flow);
}

void output_end(struct output *output, bool sure)
{
	if (output->view == VIEW_EVENT) {
		/* Each was complete. */
	} else if (!output->options->json) {
		if (sure || output->waiting)
			print_rows(output);
	} else if (output->begun) {
		fputs("\n]\n", stdout);
	} else if (sure) {
		fputs("[]\n", stdout);
	}
	free(output);
}

void output_json(const struct options *options, struct json_object *value)
{
	print_json(options, value);
	putchar('\n');
}
