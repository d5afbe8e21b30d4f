// SPDX-License-Identifier: GPL-2.0
/* What a namespace counts beside states and counters: what lasted, who ended what. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "figures.h"
#include "message.h"
#include "numbers.h"

static const char *side(enum end end)
{
	return sides[end == INITIATOR ? TCPSTATE_BY_INITIATOR : TCPSTATE_BY_RESPONDER];
}

static bool any(const struct resets *resets)
{
	return resets->in_window || resets->inexact || resets->out_of_window;
}

/* JSON. */

static void add_name(struct json_object *object, const char *key, const char *name)
{
	json_object_object_add(object, key, json_object_new_string(name));
}

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

static struct json_object *add_row(struct json_object *array)
{
	struct json_object *row = json_object_new_object();

	json_object_array_add(array, row);
	return row;
}

struct json_object *figures_buckets(const uint64_t *buckets)
{
	struct json_object *array = json_object_new_array();

	for (int i = 0; i < BUCKETS; i++)
		json_object_array_add(array, json_object_new_uint64(buckets[i]));
	return array;
}

static struct json_object *histograms_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();
	struct json_object *dwell = json_object_new_object();

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		json_object_object_add(dwell, states[i].name,
				       figures_buckets(stats->dwell[i].buckets));
	json_object_object_add(object, "dwell_ms", dwell);
	json_object_object_add(object, "responder_latency_us",
			       figures_buckets(stats->latency[RESPONDER].buckets));
	json_object_object_add(object, "initiator_latency_us",
			       figures_buckets(stats->latency[INITIATOR].buckets));
	return object;
}

static struct json_object *sums_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();
	struct json_object *dwell = json_object_new_object();

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		add_number(dwell, states[i].name, stats->dwell[i].sum);
	json_object_object_add(object, "dwell_ms", dwell);
	add_number(object, "responder_latency_us", stats->latency[RESPONDER].sum);
	add_number(object, "initiator_latency_us", stats->latency[INITIATOR].sum);
	return object;
}

/* Of a connection that began there is no state before. */
static struct json_object *transitions_json(const struct stats *stats)
{
	struct json_object *array = json_object_new_array();

	for (int from = 0; from <= TCPSTATE_STATE_MAX; from++) {
		for (int to = 1; to <= TCPSTATE_STATE_MAX; to++) {
			struct json_object *row;

			if (!stats->transitions[from][to])
				continue;
			row = add_row(array);
			if (from)
				add_name(row, "from", states[from].name);
			else
				json_object_object_add(row, "from", NULL);
			add_name(row, "to", states[to].name);
			add_number(row, "count", stats->transitions[from][to]);
		}
	}
	return array;
}

static void add_pair(struct json_object *row, int initiator, int responder)
{
	add_name(row, "initiator", states[initiator].name);
	add_name(row, "responder", states[responder].name);
}

static struct json_object *pairs_json(const struct stats *stats)
{
	struct json_object *array = json_object_new_array();

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		for (int r = 1; r <= TCPSTATE_STATE_MAX; r++) {
			struct json_object *row;

			if (!stats->pairs[i][r])
				continue;
			row = add_row(array);
			add_pair(row, i, r);
			add_number(row, "flows", stats->pairs[i][r]);
		}
	}
	return array;
}

static void add_resets(struct json_object *array, enum end by, const struct stats *stats)
{
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		for (int r = 1; r <= TCPSTATE_STATE_MAX; r++) {
			const struct resets *resets = &stats->resets[by][i][r];
			struct json_object *row;

			if (!any(resets))
				continue;
			row = add_row(array);
			add_name(row, "by", side(by));
			add_pair(row, i, r);
			add_number(row, "in_window", resets->in_window);
			add_number(row, "inexact", resets->inexact);
			add_number(row, "out_of_window", resets->out_of_window);
		}
	}
}

static struct json_object *leaks_json(const struct stats *stats)
{
	struct json_object *array = json_object_new_array();

	for (enum end end = INITIATOR; end < ENDS; end++) {
		struct json_object *row;

		if (!stats->leaks[end].flows)
			continue;
		row = add_row(array);
		add_name(row, "side", side(end));
		add_number(row, "flows", stats->leaks[end].flows);
		add_number(row, "oldest_ms", stats->leaks[end].oldest);
	}
	return array;
}

static struct json_object *seq_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "flows", stats->seq.flows);
	add_number(object, "closed", stats->seq.closed);
	add_number(object, "segments", stats->seq.segments);
	add_number(object, "alerts", stats->seq.alerts);
	return object;
}

static struct json_object *memory_json(const struct stats *stats)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i <= TCPSTATE_A_MEMORY_MAX; i++)
		if (memory_kinds[i])
			add_number(object, memory_kinds[i], stats->memory[i]);
	return object;
}

void figures_json(struct json_object *object, const struct stats *stats)
{
	struct json_object *resets = json_object_new_array();

	json_object_object_add(object, "histograms", histograms_json(stats));
	json_object_object_add(object, "sums", sums_json(stats));
	json_object_object_add(object, "pairs", pairs_json(stats));
	json_object_object_add(object, "transitions", transitions_json(stats));
	add_resets(resets, INITIATOR, stats);
	add_resets(resets, RESPONDER, stats);
	json_object_object_add(object, "resets", resets);
	json_object_object_add(object, "leaks", leaks_json(stats));
	json_object_object_add(object, "seq", seq_json(stats));
	json_object_object_add(object, "memory", memory_json(stats));
}

/* Text: a title where there is something to say, and a line for each of it. */

static void print_title(const char *title, bool *titled)
{
	if (!*titled)
		printf("\n%s\n", title);
	*titled = true;
}

uint64_t figures_count(const uint64_t *buckets)
{
	uint64_t count = 0;

	for (int i = 0; i < BUCKETS; i++)
		count += buckets[i];
	return count;
}

bool figures_bound(const uint64_t *buckets, int percent, uint64_t unit, char *text, size_t size)
{
	uint64_t count = figures_count(buckets), below = 0;
	bool bounded;
	int i = -1;

	/* Whoever sent it may have counted to where sums wrap. */
	do
		below += buckets[++i];
	while (i < BUCKETS - 1 && below * 100 < count * percent);
	bounded = i < BUCKETS - 1;
	numbers_time(unit << (bounded ? i : i - 1), text, size);
	return bounded;
}

static void print_histogram(const char *title, bool *titled, const char *name,
			    const uint64_t buckets[BUCKETS], uint64_t unit)
{
	uint64_t count = figures_count(buckets);
	bool half_bounded, most_bounded;
	char half[32], most[32];

	if (!count)
		return;
	print_title(title, titled);
	half_bounded = figures_bound(buckets, 50, unit, half, sizeof(half));
	most_bounded = figures_bound(buckets, 99, unit, most, sizeof(most));
	printf("  %s: %" PRIu64 ", 50%% %s %s, 99%% %s %s\n", name, count,
	       half_bounded ? "<" : ">=", half, most_bounded ? "<" : ">=", most);
}

/* A colon after each name, since some are counters' names too. */
static void print_memory(const struct stats *stats)
{
	puts("\nmemory, in octets");
	for (int i = 0; i <= TCPSTATE_A_MEMORY_MAX; i++)
		if (memory_kinds[i])
			printf("  %s:%*" PRIu64 "\n", memory_kinds[i],
			       31 - (int)strlen(memory_kinds[i]), stats->memory[i]);
}

static void print_pairs(const struct stats *stats)
{
	bool titled = false;

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		for (int r = 1; r <= TCPSTATE_STATE_MAX; r++) {
			if (!stats->pairs[i][r])
				continue;
			print_title("initiator and responder", &titled);
			printf("  %-11s  %-11s%10" PRIu64 "\n", states[i].name, states[r].name,
			       stats->pairs[i][r]);
		}
	}
}

static void print_leaks(const struct stats *stats)
{
	bool titled = false;
	char text[32];

	for (enum end end = INITIATOR; end < ENDS; end++) {
		const struct leak *leak = &stats->leaks[end];

		if (!leak->flows)
			continue;
		print_title("leaks", &titled);
		numbers_time(leak->oldest * 1000, text, sizeof(text));
		printf("  the %s has not closed %" PRIu64 " that its peer has, the oldest for %s\n",
		       side(end), leak->flows, text);
	}
}

static void print_resets(const struct stats *stats, enum end by, bool *titled)
{
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		for (int r = 1; r <= TCPSTATE_STATE_MAX; r++) {
			const struct resets *resets = &stats->resets[by][i][r];

			if (!any(resets))
				continue;
			print_title("resets", titled);
			printf("  by the %s in %s / %s: %" PRIu64 " in window, %" PRIu64
			       " inexact, %" PRIu64 " out of window\n", side(by),
			       states[i].name, states[r].name, resets->in_window,
			       resets->inexact, resets->out_of_window);
		}
	}
}

void figures_text(const struct stats *stats)
{
	static const char latencies[] = "latency in handshakes", stays[] = "stays that are over";
	bool titled = false;

	print_memory(stats);
	print_pairs(stats);
	print_leaks(stats);
	print_resets(stats, INITIATOR, &titled);
	print_resets(stats, RESPONDER, &titled);
	titled = false;
	print_histogram(latencies, &titled, side(RESPONDER), stats->latency[RESPONDER].buckets,
			1);
	print_histogram(latencies, &titled, side(INITIATOR), stats->latency[INITIATOR].buckets,
			1);
	titled = false;
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		print_histogram(stays, &titled, states[i].name, stats->dwell[i].buckets, 1000);
}
