// SPDX-License-Identifier: GPL-2.0
/*
 * What the tool exports: all labels there can be, whatever is zero; histograms that add
 * up, with bounds in seconds; listeners one by one where they are asked for.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "exposition.h"
#include "ktap.h"
#include "ranking.h"

static char *text;

static void print(const struct exposition *exposition)
{
	size_t len;
	FILE *file;

	free(text);
	file = open_memstream(&text, &len);
	exposition_print(file, exposition);
	fclose(file);
}

/* The value of a sample by its name and labels, or -1. */
static double value(const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtod(line + len, NULL);
	}
	return -1;
}

/* How many samples a family has, or lines with this in front. */
static int samples(const char *front)
{
	int count = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += !strncmp(line, front, strlen(front));
	}
	return count;
}

/* Each sample stands below a TYPE of its family, and no family begins twice. */
static bool is_sound(void)
{
	char family[128] = "", begun[16384] = "", mark[160];
	size_t len;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (!strncmp(line, "# HELP ", 7)) {
			len = strcspn(line + 7, " ");
			snprintf(family, sizeof(family), "%.*s", (int)len, line + 7);
			snprintf(mark, sizeof(mark), " %s ", family);
			if (strstr(begun, mark) || line[7 + len + 1] == '\n')
				return false;
			strcat(begun, mark);
		} else if (!strncmp(line, "# TYPE ", 7)) {
			if (strncmp(line + 7, family, strlen(family)))
				return false;
		} else if (strncmp(line, family, strlen(family))) {
			return false;
		}
	}
	return true;
}

static void test_nothing(void)
{
	static const struct stats stats = { .version = "1.2" };
	uint64_t under[__TCPSTATE_VERDICT_MAX] = {};
	struct exposition exposition = { .stats = &stats, .under = under };
	char name[128];
	bool all = true;

	print(&exposition);
	ok(is_sound(), "each sample is of the family above it, which has a help text");
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		snprintf(name, sizeof(name),
			 "tcpstate_endpoints{state=\"%s\",role=\"responder\"}", states[i].name);
		all &= value(name) == 0;
		snprintf(name, sizeof(name), "tcpstate_entered_total{state=\"%s\"}",
			 states[i].name);
		all &= value(name) == 0;
	}
	ok(all && samples("tcpstate_endpoints{") == 22, "every state of either end is there");
	all = true;
	for (int i = 0; i <= TCPSTATE_A_COUNTER_MAX; i++) {
		if (!counters[i].name)
			continue;
		snprintf(name, sizeof(name), "tcpstate_%s%s", counters[i].name,
			 i < TCPSTATE_A_COUNTER_SEGMENTS ? "" : "_total");
		all &= value(name) == 0;
	}
	ok(all, "every counter is there, by the name that it has elsewhere");
	ok(samples("tcpstate_verdicts{") == TCPSTATE_VERDICT_MAX, "every verdict is there");
	ok(samples("tcpstate_resets_total{") == 6 && samples("tcpstate_leaked_flows{") == 2,
	   "RSTs and leaks of either side are there");
	ok(samples("tcpstate_memory_bytes{") == TCPSTATE_A_MEMORY_LIMIT - TCPSTATE_A_MEMORY_FLOWS,
	   "every kind of memory is there");
	ok(value("tcpstate_build_info{version=\"1.2\"}") == 1, "the version is a label");
	ok(!samples("tcpstate_listener_"), "no listener, unless asked for");
	exposition.under = NULL;
	print(&exposition);
	ok(is_sound() && !samples("tcpstate_verdicts"), "no verdict that may not be asked for");
}

static void test_figures(void)
{
	static struct stats stats = { .version = "1" };
	struct exposition exposition = { .stats = &stats };
	struct histogram *stay = &stats.dwell[TCPSTATE_CLOSE_WAIT];
	double before = 0, now;
	bool grows = true;

	stats.states[TCPSTATE_SYN_RECV].now[RESPONDER] = 1ull << 63;
	stats.counters[TCPSTATE_A_COUNTER_SEGMENTS] = 77;
	stats.leaks[RESPONDER] = (struct leak){ 3, 1500 };
	stats.memory[TCPSTATE_A_MEMORY_TABLES] = 4096;
	stats.memory[TCPSTATE_A_MEMORY_LIMIT] = 1ull << 40;
	stats.resets[INITIATOR][1][1].inexact = 2;
	stats.resets[INITIATOR][2][3].inexact = 5;
	/* One of no time, two of 1 ms to 2, one of 700, and one of 50 days. */
	stay->buckets[0] = 1;
	stay->buckets[1] = 2;
	stay->buckets[10] = 1;
	stay->buckets[31] = 1;
	stay->sum = 4320000703;
	stats.latency[INITIATOR].buckets[6] = 4;
	stats.latency[INITIATOR].sum = 200;
	print(&exposition);
	ok(strstr(text, "{state=\"SYN_RECV\",role=\"responder\"} 9223372036854775808\n"),
	   "a large number, to the last digit");
	ok(value("tcpstate_segments_total") == 77, "a counter");
	ok(value("tcpstate_memory_bytes{kind=\"tables\"}") == 4096 &&
	   value("tcpstate_memory_limit_bytes") == 1ull << 40, "memory");
	ok(value("tcpstate_leaked_flows{side=\"responder\"}") == 3 &&
	   value("tcpstate_leak_oldest_seconds{side=\"responder\"}") == 1.5, "a leak");
	ok(value("tcpstate_resets_total{by=\"initiator\",fit=\"inexact\"}") == 7,
	   "RSTs, whatever the states");
	ok(value("tcpstate_dwell_seconds_bucket{state=\"CLOSE_WAIT\",le=\"0.001\"}") == 1 &&
	   value("tcpstate_dwell_seconds_bucket{state=\"CLOSE_WAIT\",le=\"0.004\"}") == 3 &&
	   value("tcpstate_dwell_seconds_bucket{state=\"CLOSE_WAIT\",le=\"0.256\"}") == 3 &&
	   value("tcpstate_dwell_seconds_bucket{state=\"CLOSE_WAIT\",le=\"1.024\"}") == 4,
	   "stays below their bounds, in seconds");
	ok(value("tcpstate_dwell_seconds_bucket{state=\"CLOSE_WAIT\",le=\"67108.864\"}") == 4 &&
	   value("tcpstate_dwell_seconds_bucket{state=\"CLOSE_WAIT\",le=\"+Inf\"}") == 5,
	   "the longest is below none");
	ok(value("tcpstate_dwell_seconds_count{state=\"CLOSE_WAIT\"}") == 5 &&
	   strstr(text, "tcpstate_dwell_seconds_sum{state=\"CLOSE_WAIT\"} 4320000.703\n"),
	   "how many, and all together");
	ok(value("tcpstate_handshake_latency_seconds_bucket{role=\"initiator\",le=\"6.4e-05\"}") ==
	   4 && value("tcpstate_handshake_latency_seconds_sum{role=\"initiator\"}") == 0.0002,
	   "latencies, of microseconds");
	for (const char *line = text; (line = strstr(line, "seconds_bucket{state=\"CLOSE_WAIT\""));
	     line++) {
		now = strtod(strchr(line, ' ') + 1, NULL);
		grows &= now >= before;
		before = now;
	}
	ok(grows, "buckets contain those before them");
}

static int order(const void *one, const void *other, void *data)
{
	(void)data;
	return ((const struct account *)one)->end.port - ((const struct account *)other)->end.port;
}

static void test_listeners(void)
{
	static const struct stats stats = { .version = "1" };
	struct ranking ranking;
	struct exposition exposition = { .stats = &stats, .listeners = &ranking };
	union record record = {};

	ranking_begin(&ranking, 2, order, NULL);
	for (int i = 9; i > 0; i--) {
		record.account = (struct account){
			.family = i == 1 ? AF_INET6 : AF_INET, .syn = 100 + i,
			.end = { .addr = { 10, 9, 2, 2 }, .len = i == 1 ? 16 : 4, .port = i },
			.verdict = i == 1 ? TCPSTATE_VERDICT_FLOOD_FEW : TCPSTATE_VERDICT_OK,
		};
		ranking_add(&ranking, &record);
	}
	ranking_sort(&ranking);
	print(&exposition);
	ok(is_sound(), "a family has all listeners");
	ok(value("tcpstate_listener_syn_total{listener=\"10.9.2.2:2\"}") == 102 &&
	   value("tcpstate_listener_syn_total{listener=\"[a09:202::]:1\"}") == 101,
	   "the foremost ones");
	ok(samples("tcpstate_listener_syn_total{") == 2 &&
	   value("tcpstate_listeners_omitted") == 7, "no more of them than may be");
	ok(samples("tcpstate_listener_verdict{") == 14 &&
	   value("tcpstate_listener_verdict{listener=\"[a09:202::]:1\",verdict=\"flood_few\"}") ==
	   1 &&
	   value("tcpstate_listener_verdict{listener=\"[a09:202::]:1\",verdict=\"ok\"}") == 0,
	   "each verdict of a listener, of which one is it");
	ranking_end(&ranking);
}

int main(void)
{
	test_nothing();
	test_figures();
	test_listeners();
	free(text);
	return done();
}
