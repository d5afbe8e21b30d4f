// SPDX-License-Identifier: GPL-2.0
/*
 * The state diagram: all of RFC 9293's ways and nothing else, until somebody goes
 * another; each with how often it was taken, and as thick.
 */
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "ktap.h"
#include "message.h"

static char *text;

static void print(const struct stats *stats)
{
	size_t len;
	FILE *file;

	free(text);
	file = open_memstream(&text, &len);
	graph_print(file, stats);
	fclose(file);
}

/* The line of an edge, or NULL. */
static const char *edge(const char *from, const char *to)
{
	static char line[256];
	const char *found;

	snprintf(line, sizeof(line), "\t%s -> %s [", from, to);
	found = strstr(text, line);
	if (!found)
		return NULL;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(found, "\n"), found);
	return line;
}

/* Is it there, and labelled with how often? */
static bool is_taken(const char *from, const char *to, const char *count)
{
	const char *line = edge(from, to);
	char label[64];

	snprintf(label, sizeof(label), "\\n%s\" ", count);
	return line && strstr(line, label);
}

static double width(const char *from, const char *to)
{
	const char *line = edge(from, to), *at = line ? strstr(line, "penwidth=") : NULL;

	return at ? strtod(at + strlen("penwidth="), NULL) : 0;
}

static int edges(void)
{
	int count = 0;

	for (const char *at = text; (at = strstr(at, " -> ")); at++)
		count++;
	return count;
}

/* Section 3.3.2, figure 5, by the kernel's names. */
static const char *const rfc[][2] = {
	{ "CLOSED", "LISTEN" }, { "CLOSED", "SYN_SENT" }, { "LISTEN", "CLOSE" },
	{ "SYN_SENT", "CLOSE" }, { "LISTEN", "SYN_RECV" }, { "LISTEN", "SYN_SENT" },
	{ "SYN_SENT", "SYN_RECV" }, { "SYN_RECV", "LISTEN" }, { "SYN_RECV", "ESTABLISHED" },
	{ "SYN_SENT", "ESTABLISHED" }, { "SYN_RECV", "FIN_WAIT1" },
	{ "ESTABLISHED", "FIN_WAIT1" }, { "ESTABLISHED", "CLOSE_WAIT" },
	{ "FIN_WAIT1", "FIN_WAIT2" }, { "FIN_WAIT1", "CLOSING" }, { "CLOSING", "TIME_WAIT" },
	{ "FIN_WAIT2", "TIME_WAIT" }, { "CLOSE_WAIT", "LAST_ACK" }, { "LAST_ACK", "CLOSE" },
	{ "TIME_WAIT", "CLOSE" },
};

#define WAYS ((int)(sizeof(rfc) / sizeof(*rfc)))

int main(void)
{
	static struct stats stats = { .version = "1" };
	bool all = true;

	print(&stats);
	for (int i = 0; i < WAYS; i++)
		all &= is_taken(rfc[i][0], rfc[i][1], "0") && width(rfc[i][0], rfc[i][1]) == 1;
	ok(all, "each way of RFC 9293 is there, though nobody took it");
	ok(edges() == WAYS, "and there is no other");
	ok(strstr(text, "\tLISTEN [label=\"LISTEN\\ninitiators 0\\nresponders 0\"];"),
	   "a state that nobody is in");

	stats.states[TCPSTATE_LISTEN].now[RESPONDER] = 12;
	stats.states[TCPSTATE_LISTEN].now[INITIATOR] = 3;
	stats.transitions[TCPSTATE_UNSPEC][TCPSTATE_SYN_SENT] = 1000;
	stats.transitions[TCPSTATE_SYN_SENT][TCPSTATE_ESTABLISHED] = 990;
	stats.transitions[TCPSTATE_ESTABLISHED][TCPSTATE_CLOSE_WAIT] = 1;
	stats.transitions[TCPSTATE_UNSPEC][TCPSTATE_ESTABLISHED] = 5;
	stats.transitions[TCPSTATE_ESTABLISHED][TCPSTATE_LAST_ACK] = 6;
	stats.transitions[TCPSTATE_ESTABLISHED][TCPSTATE_CLOSE] = 7;
	stats.transitions[TCPSTATE_FIN_WAIT2][TCPSTATE_ESTABLISHED] = 8;
	print(&stats);
	ok(strstr(text, "\\ninitiators 3\\nresponders 12\" fillcolor="), "who is in a state");
	ok(is_taken("CLOSED", "SYN_SENT", "1000") && is_taken("SYN_SENT", "ESTABLISHED", "990") &&
	   is_taken("ESTABLISHED", "CLOSE_WAIT", "1") && is_taken("LISTEN", "SYN_RECV", "0"),
	   "how often ways were taken");
	ok(width("CLOSED", "SYN_SENT") == 7, "the most frequent is the thickest");
	ok(width("CLOSED", "SYN_SENT") > width("ESTABLISHED", "CLOSE") &&
	   width("ESTABLISHED", "CLOSE") > width("ESTABLISHED", "CLOSE_WAIT") &&
	   width("ESTABLISHED", "CLOSE_WAIT") > width("LISTEN", "SYN_RECV"), "as is each other");
	ok(edges() == WAYS + 4, "ways that are not the RFC's, where they were taken");
	ok(is_taken("CLOSED", "ESTABLISHED", "5") && strstr(edge("CLOSED", "ESTABLISHED"),
							   "under way\\n"), "picked up");
	ok(is_taken("ESTABLISHED", "LAST_ACK", "6") &&
	   strstr(edge("ESTABLISHED", "LAST_ACK"), "CLOSE_WAIT\\n"), "two of them at once");
	ok(is_taken("ESTABLISHED", "CLOSE", "7") &&
	   strstr(edge("ESTABLISHED", "CLOSE"), "RST") &&
	   strstr(edge("ESTABLISHED", "CLOSE"), "style=dashed"), "an abort");
	ok(is_taken("FIN_WAIT2", "ESTABLISHED", "8"), "back");
	ok(!strncmp(text, "// ", 3) && strstr(text, "\ndigraph tcpstate {\n") &&
	   !strcmp(text + strlen(text) - 2, "}\n"), "it is a graph");
	free(text);
	return done();
}
