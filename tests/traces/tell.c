// SPDX-License-Identifier: GPL-2.0
/* What is told of a capture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "message.h"
#include "output.h"
#include "tell.h"
#include "tool.h"

static const struct options options = { .json = true };

/* Of the line to come. */
static const char *file;
static unsigned long frames[2];

/* No two runs agree on these, and nobody without a clock knows them. */
static bool is_of_the_clock(const char *key)
{
	static const char *const keys[] = {
		"seq", "time", "duration_ms", "responder_latency_us", "initiator_latency_us",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

int __real_json_object_object_add(struct json_object *object, const char *key,
				  struct json_object *value);
int __wrap_json_object_object_add(struct json_object *object, const char *key,
				  struct json_object *value);

/* The linker sends by here whatever output.c says of a connection; "event" comes first. */
int __wrap_json_object_object_add(struct json_object *object, const char *key,
				  struct json_object *value)
{
	if (is_of_the_clock(key)) {
		json_object_put(value);
		return 0;
	}
	if (!strcmp(key, "event"))
		__real_json_object_object_add(object, "file", json_object_new_string(file));
	if (!strcmp(key, "event") && frames[0]) {
		__real_json_object_object_add(object, "first_frame",
					      json_object_new_uint64(frames[0]));
		__real_json_object_object_add(object, "last_frame",
					      json_object_new_uint64(frames[1]));
	}
	return __real_json_object_object_add(object, key, value);
}

void tell_closed(const char *path, const struct flow *flow, unsigned long first,
		 unsigned long last)
{
	struct output *output = output_begin(&options, &flow_description, VIEW_EVENT);

	if (!output)
		abort();
	file = path;
	frames[0] = first;
	frames[1] = last;
	output_record(output, flow);
	output_end(output, true);
}

static void add_number(struct json_object *object, const char *name, uint64_t number)
{
	if (number)
		__real_json_object_object_add(object, name, json_object_new_uint64(number));
}

void tell_counters(const char *path, const uint64_t *counter, const uint64_t *entered)
{
	struct json_object *line = json_object_new_object();
	struct json_object *numbers = json_object_new_object();

	for (int i = TCPSTATE_A_COUNTER_SEGMENTS; i <= TCPSTATE_A_COUNTER_MAX; i++)
		add_number(numbers, counters[i].name, counter[i]);
	__real_json_object_object_add(line, "file", json_object_new_string(path));
	__real_json_object_object_add(line, "counters", numbers);
	numbers = json_object_new_object();
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		add_number(numbers, states[i].name, entered[i]);
	__real_json_object_object_add(line, "entered", numbers);
	output_json(&options, line);
}
