// SPDX-License-Identifier: GPL-2.0
/* What a namespace counts, in Prometheus's text format. */
#include <arpa/inet.h>
#include <inttypes.h>

#include "account.h"
#include "exposition.h"
#include "ranking.h"

#define GAUGE		"gauge"
#define COUNTER		"counter"
#define HISTOGRAM	"histogram"

static const char *const roles[ENDS] = { "initiator", "responder" };

static void family(FILE *file, const char *name, const char *type, const char *help)
{
	fprintf(file, "# HELP tcpstate_%s %s\n# TYPE tcpstate_%s %s\n", name, help, name, type);
}

static void states_print(FILE *file, const struct stats *stats)
{
	family(file, "endpoints", GAUGE, "Endpoints in each state now.");
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		for (int end = 0; end < ENDS; end++)
			fprintf(file, "tcpstate_endpoints{state=\"%s\",role=\"%s\"} %" PRIu64 "\n",
				states[i].name, roles[end], stats->states[i].now[end]);
	family(file, "entered_total", COUNTER, "How often an endpoint has entered each state.");
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		fprintf(file, "tcpstate_entered_total{state=\"%s\"} %" PRIu64 "\n",
			states[i].name, stats->states[i].entered);
}

/* The first six say how many there are and may be, the others how often. */
static void counters_print(FILE *file, const struct stats *stats)
{
	char name[64];

	for (int i = 0; i <= TCPSTATE_A_COUNTER_MAX; i++) {
		bool counts = i >= TCPSTATE_A_COUNTER_SEGMENTS;

		if (!counters[i].name)
			continue;
		snprintf(name, sizeof(name), "%s%s", counters[i].name, counts ? "_total" : "");
		family(file, name, counts ? COUNTER : GAUGE, counters[i].help);
		fprintf(file, "tcpstate_%s %" PRIu64 "\n", name, stats->counters[i]);
	}
}

/**
 * struct scale - of a histogram, whose buckets are powers of two of a unit
 * @unit: in seconds
 * @first: power of the first bound that is told
 * @last: likewise
 * @step: powers from one to the next
 */
struct scale {
	double unit;
	int first;
	int last;
	int step;
};

/* From a millisecond to 18 hours, from 64 microseconds to 4 seconds. */
static const struct scale stays = { 0.001, 0, 26, 2 }, latencies = { 0.000001, 6, 22, 1 };

static void histogram_print(FILE *file, const char *name, const char *label, const char *value,
			    const struct scale *scale, const struct histogram *histogram)
{
	uint64_t below = 0;
	int bound = scale->first;

	for (int i = 0; i < BUCKETS; i++) {
		below += histogram->buckets[i];
		/* The last one takes what is longer, too. */
		if (i != bound || bound > scale->last || i == BUCKETS - 1)
			continue;
		fprintf(file, "tcpstate_%s_bucket{%s=\"%s\",le=\"%.10g\"} %" PRIu64 "\n", name,
			label, value, (double)(1ull << i) * scale->unit, below);
		bound += scale->step;
	}
	fprintf(file, "tcpstate_%s_bucket{%s=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, label,
		value, below);
	fprintf(file, "tcpstate_%s_sum{%s=\"%s\"} %.15g\n", name, label, value,
		(double)histogram->sum * scale->unit);
	fprintf(file, "tcpstate_%s_count{%s=\"%s\"} %" PRIu64 "\n", name, label, value, below);
}

static void histograms_print(FILE *file, const struct stats *stats)
{
	family(file, "dwell_seconds", HISTOGRAM,
	       "How long endpoints stayed in a state that they have left.");
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		histogram_print(file, "dwell_seconds", "state", states[i].name, &stays,
				&stats->dwell[i]);
	family(file, "handshake_latency_seconds", HISTOGRAM,
	       "From SYN to SYN-ACK (responder), from that to its answer (initiator).");
	for (int end = 0; end < ENDS; end++)
		histogram_print(file, "handshake_latency_seconds", "role", roles[end],
				&latencies, &stats->latency[end]);
}

/* A kind is one of octets that the namespace holds; the ceiling is none. */
static void memory_print(FILE *file, const struct stats *stats)
{
	family(file, "memory_bytes", GAUGE, "Memory that the network namespace holds, by kind.");
	for (int i = 0; i < TCPSTATE_A_MEMORY_LIMIT; i++)
		if (memory_kinds[i])
			fprintf(file, "tcpstate_memory_bytes{kind=\"%s\"} %" PRIu64 "\n",
				memory_kinds[i], stats->memory[i]);
	family(file, "memory_limit_bytes", GAUGE,
	       "Ceiling of all kinds but counters together.");
	fprintf(file, "tcpstate_memory_limit_bytes %" PRIu64 "\n",
		stats->memory[TCPSTATE_A_MEMORY_LIMIT]);
}

static void leaks_print(FILE *file, const struct stats *stats)
{
	family(file, "leaked_flows", GAUGE,
	       "Connections that a side has not closed though its peer has.");
	for (int end = 0; end < ENDS; end++)
		fprintf(file, "tcpstate_leaked_flows{side=\"%s\"} %" PRIu64 "\n", roles[end],
			stats->leaks[end].flows);
	family(file, "leak_oldest_seconds", GAUGE, "For how long the oldest of these has waited.");
	for (int end = 0; end < ENDS; end++)
		fprintf(file, "tcpstate_leak_oldest_seconds{side=\"%s\"} %.15g\n", roles[end],
			(double)stats->leaks[end].oldest / 1e3);
}

/* Whatever pair of states they met. */
static struct resets sum_resets(const struct stats *stats, int by)
{
	struct resets sum = {};

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++) {
		for (int r = 1; r <= TCPSTATE_STATE_MAX; r++) {
			const struct resets *resets = &stats->resets[by][i][r];

			sum.in_window += resets->in_window;
			sum.inexact += resets->inexact;
			sum.out_of_window += resets->out_of_window;
		}
	}
	return sum;
}

static void resets_print(FILE *file, const struct stats *stats)
{
	family(file, "resets_total", COUNTER,
	       "RSTs to connections that are known, by sender and by how they fitted.");
	for (int by = 0; by < ENDS; by++) {
		struct resets sum = sum_resets(stats, by);
		const struct {
			const char *fit;
			uint64_t count;
		} fits[] = {
			{ "in_window", sum.in_window },
			{ "inexact", sum.inexact },
			{ "out_of_window", sum.out_of_window },
		};

		for (size_t i = 0; i < sizeof(fits) / sizeof(*fits); i++)
			fprintf(file, "tcpstate_resets_total{by=\"%s\",fit=\"%s\"} %" PRIu64 "\n",
				roles[by], fits[i].fit, fits[i].count);
	}
}

static void verdicts_print(FILE *file, const uint64_t *under)
{
	family(file, "verdicts", GAUGE, "Listeners and hosts under each verdict now.");
	for (int i = 1; i <= TCPSTATE_VERDICT_MAX; i++)
		fprintf(file, "tcpstate_verdicts{verdict=\"%s\"} %" PRIu64 "\n", verdicts[i].name,
			under[i]);
}

/* Listeners one by one: a family has all of them. */

static const char *name_of(const struct account *account, char *text, size_t size)
{
	const struct endpoint *end = &account->end;
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(account->family, end->addr, addr, sizeof(addr));
	snprintf(text, size, account->family == AF_INET ? "%s:%u" : "[%s]:%u", addr, end->port);
	return text;
}

#define OF(member) offsetof(struct account, member)

static const struct {
	const char *name;
	const char *type;
	const char *help;
	const char *label;	/* and its value, or nothing */
	size_t offset;
} figures[] = {
	{ "listener_halfopen", GAUGE, "Half-open connections of a listener now, by phase.",
	  ",phase=\"SYN_SENT\"", OF(syn_sent) },
	{ "listener_halfopen", GAUGE, NULL, ",phase=\"SYN_RECV\"", OF(syn_recv) },
	{ "listener_stale", GAUGE, "Half-open ones that are older than 3 seconds.", "", OF(stale) },
	{ "listener_sources", GAUGE, "By so many addresses handshakes are asked for, estimated.",
	  "", OF(sources) },
	{ "listener_syn_total", COUNTER, "Handshakes that were asked for.", "", OF(syn) },
	{ "listener_synack_total", COUNTER, "Handshakes that were answered.", "", OF(synack) },
	{ "listener_completed_total", COUNTER, "Handshakes that were completed.", "",
	  OF(completed) },
	{ "listener_refused_total", COUNTER, "Handshakes that a RST answered.", "", OF(refused) },
	{ "listener_timed_out_total", COUNTER, "Handshakes that came to nothing.", "",
	  OF(timed_out) },
};

static void listeners_print(FILE *file, const struct ranking *listeners)
{
	char text[INET6_ADDRSTRLEN + 16];

	family(file, "listeners_omitted", GAUGE, "Listeners that are not told of below.");
	fprintf(file, "tcpstate_listeners_omitted %zu\n", listeners->seen - listeners->count);
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		if (figures[i].help)
			family(file, figures[i].name, figures[i].type, figures[i].help);
		for (size_t n = 0; n < listeners->count; n++) {
			const struct account *account = &listeners->list[n].account;
			const void *figure = (const char *)account + figures[i].offset;

			fprintf(file, "tcpstate_%s{listener=\"%s\"%s} %" PRIu64 "\n",
				figures[i].name, name_of(account, text, sizeof(text)),
				figures[i].label, *(const uint64_t *)figure);
		}
	}
	family(file, "listener_verdict", GAUGE, "1 for the verdict that a listener is under.");
	for (size_t n = 0; n < listeners->count; n++) {
		const struct account *account = &listeners->list[n].account;

		for (int i = 1; i <= TCPSTATE_VERDICT_OVERLOAD; i++)
			fprintf(file,
				"tcpstate_listener_verdict{listener=\"%s\",verdict=\"%s\"} %d\n",
				name_of(account, text, sizeof(text)), verdicts[i].name,
				account->verdict == i);
	}
}

void exposition_print(FILE *file, const struct exposition *exposition)
{
	const struct stats *stats = exposition->stats;

	family(file, "build_info", GAUGE, "Version of the module that is loaded.");
	fprintf(file, "tcpstate_build_info{version=\"%s\"} 1\n", stats->version);
	family(file, "enabled", GAUGE, "1 while the module watches this network namespace.");
	fprintf(file, "tcpstate_enabled %u\n", stats->enabled);
	states_print(file, stats);
	counters_print(file, stats);
	memory_print(file, stats);
	if (exposition->under)
		verdicts_print(file, exposition->under);
	leaks_print(file, stats);
	resets_print(file, stats);
	histograms_print(file, stats);
	if (exposition->listeners)
		listeners_print(file, exposition->listeners);
}
