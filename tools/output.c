// SPDX-License-Identifier: GPL-2.0
/* Records and their events on standard output, as text or as JSON. */
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
#include "numbers.h"
#include "output.h"
#include "tool.h"

#define COLUMNS	8
#define CELL	56	/* an IPv6 address in brackets and a port */
#define VALUE	512
#define DETAIL	1024
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
 * @description: of the records
 * @view: what is told of them
 * @colour: paint states
 * @oneline: details on the line of the record
 * @begun: something was printed
 * @columns: the fields that have one, and how many these are
 * @width: of each column, as far as it is known
 * @rows: those that wait for the width of their columns, and how many wait
 */
struct output {
	const struct options *options;
	const struct description *description;
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

static const void *member(const struct field *field, const void *record)
{
	return (const char *)record + field->at.offset;
}

static uintmax_t number(const struct field *field, const void *record)
{
	const void *from = member(field, record);

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

static const char *address(const struct field *field, const void *record, char *text)
{
	const struct endpoint *end = member(field, record);

	return inet_ntop(end->len == 4 ? AF_INET : AF_INET6, end->addr, text, INET6_ADDRSTRLEN);
}

static const char *name(const struct field *field, const void *record)
{
	return field->names[number(field, record)];
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

const char *output_share(unsigned int share, char *text, size_t size)
{
	snprintf(text, size, "%u.%u%%", share / 10, share % 10);
	return text;
}

/* What was not measured is not told. */
static bool is_told(const struct field *field, const void *record)
{
	switch (field->kind) {
	case LATENCY:
	case VERDICT:
		return number(field, record);
	case SHARE:
		return number(field, record) <= 1000;
	default:
		return true;
	}
}

struct json_object *output_share_json(unsigned int share)
{
	char text[32];

	snprintf(text, sizeof(text), "%u.%03u", share / 1000, share % 1000);
	return json_object_new_double_s(share / 1e3, text);
}

static struct json_object *json_value(const struct field *field, const void *record)
{
	char text[INET6_ADDRSTRLEN];

	switch (field->kind) {
	case FAMILY:
		return json_object_new_string(number(field, record) == AF_INET ? "ipv4" : "ipv6");
	case ADDRESS:
		return json_object_new_string(address(field, record, text));
	case STATE:
		return json_object_new_string(state_name(number(field, record)));
	case VERDICT:
		return json_object_new_string(verdicts[number(field, record)].name);
	case SHARE:
		return output_share_json(number(field, record));
	case OTHER:
		return field->json(member(field, record));
	case FLAG:
		return json_object_new_boolean(number(field, record));
	case LETTERS:
		return json_object_new_string(*(const char *const *)member(field, record));
	case NAME:
		return json_object_new_string(name(field, record));
	case WHEN:
		output_time(number(field, record), text, sizeof(text));
		return json_object_new_string(text);
	default:
		return json_object_new_uint64(number(field, record));
	}
}

void output_text(const struct field *field, const void *record, char *text, size_t size)
{
	const struct endpoint *end;
	char addr[INET6_ADDRSTRLEN];

	*text = '\0';
	switch (field->kind) {
	case ADDRESS:
		end = member(field, record);
		snprintf(text, size, end->len == 4 ? "%s:%u" : "[%s]:%u",
			 address(field, record, addr), end->port);
		break;
	case STATE:
		snprintf(text, size, "%s", state_name(number(field, record)));
		break;
	case VERDICT:
		/* What is full has none. */
		snprintf(text, size, "%s", number(field, record) ?
			 verdicts[number(field, record)].name : "full");
		break;
	case SHARE:
		output_share(number(field, record), text, size);
		break;
	case OTHER:
		field->text(member(field, record), text, size);
		break;
	case TIME:
		numbers_time(number(field, record) * 1000, text, size);
		break;
	case LETTERS:
		snprintf(text, size, "%s", *(const char *const *)member(field, record));
		break;
	case NAME:
		snprintf(text, size, "%s", name(field, record));
		break;
	case WHEN:
		output_time(number(field, record), text, size);
		break;
	case LATENCY:
		numbers_time(number(field, record), text, size);
		break;
	case NUMBER:
		snprintf(text, size, "%ju", number(field, record));
		break;
	case FAMILY:
	case FLAG:
		break;
	}
}

int output_order(const struct field *field, const void *one, const void *other)
{
	const struct endpoint *a, *b;
	char texts[2][VALUE];

	switch (field->kind) {
	case ADDRESS:
		a = member(field, one);
		b = member(field, other);
		return a->len != b->len ? a->len - b->len :
		       memcmp(a->addr, b->addr, a->len) ? : a->port - b->port;
	case LETTERS:
	case OTHER:
		output_text(field, one, texts[0], VALUE);
		output_text(field, other, texts[1], VALUE);
		return strcmp(texts[0], texts[1]);
	default:
		return (number(field, one) > number(field, other)) -
		       (number(field, one) < number(field, other));
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

static void record_json(struct output *output, const void *record)
{
	const struct description *description = output->description;
	unsigned int views = description->views(record, output->view);
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < description->count; i++) {
		const struct field *field = &description->fields[i];
		struct json_object *value;

		if (!field->key || !(field->views & views) || !is_told(field, record))
			continue;
		value = json_value(field, record);
		if (value)
			json_object_object_add(object, field->key, value);
	}
	if (!(output->view & OUTPUT_AT_ONCE))
		fputs(output->begun ? ",\n" : "[\n", stdout);
	print_json(output->options, object);
	if (output->view & OUTPUT_AT_ONCE)
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

const char *output_colour(const struct field *field, const void *record)
{
	return field->kind == STATE ? states[number(field, record)].colour :
	       field->kind == VERDICT ? verdicts[number(field, record)].colour : NULL;
}

/* Where it is there at all. */
static bool is_detail(const struct output *output, const struct field *field,
		      const void *record)
{
	return field->detail && (!field->details || field->details & output->view) &&
	       field->views & output->description->views(record, output->view) &&
	       is_told(field, record) && (field->kind != FLAG || number(field, record));
}

static void add_detail(const struct output *output, struct row *row, const char *title,
		       const char *text)
{
	size_t len = strlen(row->detail);
	const char *divider = "";

	if (*title == '\n') {
		divider = output->oneline ? " " : "\n\t";
		title++;
	} else if (!len) {
		/* The first blank divides nothing. */
		title++;
	}
	snprintf(row->detail + len, DETAIL - len, "%s%s%s", len ? divider : "", title, text);
}

static void record_text(struct output *output, const void *record)
{
	struct row *row = &output->rows[output->waiting++];
	const struct description *description = output->description;
	char text[VALUE];

	memset(row, 0, sizeof(*row));
	for (int column = 0; column < output->count; column++) {
		const struct field *field = output->columns[column];

		output_text(field, record, row->cell[column], CELL);
		widen(output, column, row->cell[column]);
		row->colour[column] = output_colour(field, record);
	}
	for (size_t i = 0; i < description->count; i++) {
		const struct field *field = &description->fields[i];

		if (!is_detail(output, field, record))
			continue;
		output_text(field, record, text, sizeof(text));
		if (*text || field->kind != OTHER)
			add_detail(output, row, field->detail, text);
	}
	if (output->waiting == ROWS || output->view & OUTPUT_AT_ONCE)
		print_rows(output);
}

/* Both. */

bool output_colourful(void)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (!none || !*none) && term && strcmp(term, "dumb");
}

struct output *output_begin(const struct options *options, const struct description *description,
			    enum view view)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		return NULL;
	output->options = options;
	output->description = description;
	output->view = view;
	output->colour = output_colourful();
	output->oneline = options->oneline || view & OUTPUT_AT_ONCE;
	for (size_t i = 0; i < description->count; i++) {
		const struct field *field = &description->fields[i];

		if (!(field->columns & view) || (field->kind == WHEN && !options->timestamps))
			continue;
		output->columns[output->count] = field;
		widen(output, output->count++, field->column);
	}
	return output;
}

void output_record(struct output *output, const void *record)
{
	(output->options->json ? record_json : record_text)(output, record);
}

void output_end(struct output *output, bool sure)
{
	if (output->view & OUTPUT_AT_ONCE) {
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
