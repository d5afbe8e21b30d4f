// SPDX-License-Identifier: GPL-2.0
/* RFC 9293's state diagram, with how often each way was taken and who is in which state. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "graph.h"
#include "message.h"

/* As the RFC has CLOSED twice: before the first segment, when there is no record yet. */
#define BEGIN TCPSTATE_UNSPEC

/* The RFC's, in its words: what happens, and what is sent for it. */
static const struct way {
	uint8_t from;
	uint8_t to;
	const char *event;
} ways[] = {
	{ BEGIN, TCPSTATE_LISTEN, "passive OPEN" },
	{ BEGIN, TCPSTATE_SYN_SENT, "active OPEN\\nsnd SYN" },
	{ TCPSTATE_LISTEN, TCPSTATE_SYN_RECV, "rcv SYN\\nsnd SYN,ACK" },
	{ TCPSTATE_LISTEN, TCPSTATE_SYN_SENT, "SEND\\nsnd SYN" },
	{ TCPSTATE_LISTEN, TCPSTATE_CLOSE, "CLOSE, or RST" },
	{ TCPSTATE_SYN_SENT, TCPSTATE_SYN_RECV, "rcv SYN\\nsnd SYN,ACK" },
	{ TCPSTATE_SYN_SENT, TCPSTATE_ESTABLISHED, "rcv SYN,ACK\\nsnd ACK" },
	{ TCPSTATE_SYN_SENT, TCPSTATE_CLOSE, "CLOSE, or RST" },
	{ TCPSTATE_SYN_RECV, TCPSTATE_ESTABLISHED, "rcv ACK of SYN" },
	{ TCPSTATE_SYN_RECV, TCPSTATE_FIN_WAIT1, "CLOSE\\nsnd FIN" },
	{ TCPSTATE_SYN_RECV, TCPSTATE_LISTEN, "rcv RST" },
	{ TCPSTATE_ESTABLISHED, TCPSTATE_FIN_WAIT1, "CLOSE\\nsnd FIN" },
	{ TCPSTATE_ESTABLISHED, TCPSTATE_CLOSE_WAIT, "rcv FIN\\nsnd ACK" },
	{ TCPSTATE_FIN_WAIT1, TCPSTATE_FIN_WAIT2, "rcv ACK of FIN" },
	{ TCPSTATE_FIN_WAIT1, TCPSTATE_CLOSING, "rcv FIN\\nsnd ACK" },
	{ TCPSTATE_FIN_WAIT2, TCPSTATE_TIME_WAIT, "rcv FIN\\nsnd ACK" },
	{ TCPSTATE_CLOSING, TCPSTATE_TIME_WAIT, "rcv ACK of FIN" },
	{ TCPSTATE_CLOSE_WAIT, TCPSTATE_LAST_ACK, "CLOSE\\nsnd FIN" },
	{ TCPSTATE_LAST_ACK, TCPSTATE_CLOSE, "rcv ACK of FIN" },
	{ TCPSTATE_TIME_WAIT, TCPSTATE_CLOSE, "timeout 2MSL" },
};

#define WAYS (sizeof(ways) / sizeof(*ways))

static bool is_way(int from, int to)
{
	for (size_t i = 0; i < WAYS; i++)
		if (ways[i].from == from && ways[i].to == to)
			return true;
	return false;
}

static const char *id(int state)
{
	return state == BEGIN ? "CLOSED" : states[state].name;
}

static uint64_t greatest(const struct stats *stats)
{
	uint64_t most = 0;

	for (int from = 0; from <= TCPSTATE_STATE_MAX; from++)
		for (int to = 1; to <= TCPSTATE_STATE_MAX; to++)
			if (most < stats->transitions[from][to])
				most = stats->transitions[from][to];
	return most;
}

/* From 1 to 7 points, by powers: the rare stays visible beside the common. */
static double width(uint64_t count, uint64_t most)
{
	return most ? 1 + 6 * log1p(count) / log1p(most) : 1;
}

static void print_edge(FILE *file, int from, int to, const char *event, const char *style,
		       uint64_t count, uint64_t most)
{
	fprintf(file, "\t%s -> %s [label=\"%s\\n%" PRIu64 "\" penwidth=%.1f%s%s];\n", id(from),
		id(to), event, count, width(count, most), style,
		count ? "" : " color=gray70 fontcolor=gray50");
}

static void print_node(FILE *file, int state, const struct stats *stats)
{
	uint64_t initiators = stats->states[state].now[INITIATOR];
	uint64_t responders = stats->states[state].now[RESPONDER];

	fprintf(file, "\t%s [label=\"%s\\ninitiators %" PRIu64 "\\nresponders %" PRIu64 "\"%s];\n",
		id(state), id(state), initiators, responders,
		initiators || responders ? " fillcolor=lightgoldenrod1" : "");
}

/* Those that are in no figure, and why somebody goes them all the same. */
static void print_other(FILE *file, int from, int to, const struct stats *stats, uint64_t most)
{
	uint64_t count = stats->transitions[from][to];
	const char *why = "amended";
	char text[64];

	if (!count || is_way(from, to))
		return;
	if (from == BEGIN)
		why = "under way";
	else if (to == TCPSTATE_CLOSE)
		why = "RST or silence";
	for (int by = 1; by <= TCPSTATE_STATE_MAX && from != BEGIN; by++) {
		if (to == TCPSTATE_CLOSE || !is_way(from, by) || !is_way(by, to))
			continue;
		snprintf(text, sizeof(text), "by way of\\n%s", id(by));
		why = text;
	}
	print_edge(file, from, to, why, " style=dashed", count, most);
}

void graph_print(FILE *file, const struct stats *stats)
{
	static const uint8_t ranks[][3] = {
		{ TCPSTATE_SYN_RECV, TCPSTATE_SYN_SENT },
		{ TCPSTATE_FIN_WAIT1, TCPSTATE_CLOSE_WAIT },
		{ TCPSTATE_FIN_WAIT2, TCPSTATE_CLOSING, TCPSTATE_LAST_ACK },
	};
	uint64_t most = greatest(stats);

	fprintf(file, "// RFC 9293 3.3.2, and what tcpstate %s has seen of it.\n", stats->version);
	fputs("digraph tcpstate {\n"
	      "\tnode [shape=box style=\"rounded,filled\" fillcolor=white fontname=Helvetica];\n"
	      "\tedge [fontname=Helvetica fontsize=10];\n"
	      "\tCLOSED [label=\"CLOSED\\nno connection yet\" fillcolor=gray90];\n", file);
	for (int state = 1; state <= TCPSTATE_STATE_MAX; state++)
		print_node(file, state, stats);
	for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
		fputs("\t{ rank=same;", file);
		for (int j = 0; j < 3 && ranks[i][j]; j++)
			fprintf(file, " %s;", id(ranks[i][j]));
		fputs(" }\n", file);
	}
	fputs("\t{ rank=source; CLOSED; }\n\t{ rank=sink; CLOSE; }\n", file);
	for (size_t i = 0; i < WAYS; i++)
		print_edge(file, ways[i].from, ways[i].to, ways[i].event, "",
			   stats->transitions[ways[i].from][ways[i].to], most);
	for (int from = 0; from <= TCPSTATE_STATE_MAX; from++)
		for (int to = 1; to <= TCPSTATE_STATE_MAX; to++)
			print_other(file, from, to, stats, most);
	fputs("}\n", file);
}
