// SPDX-License-Identifier: GPL-2.0
/*
 * The screen of tcpstate top, from given figures and records: at 80 by 24, in little
 * room and in much, and what keys do to it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "screen.h"
#include "top.h"

static struct top top;
static struct screen screen;

static void draw(int rows, int columns)
{
	screen_begin(&screen, rows, columns);
	top_draw(&top, &screen);
}

static const char *row(int number)
{
	static char text[512];

	return screen_row(&screen, number, text);
}

/* The row that has this in it, or -1. */
static int find(const char *text)
{
	for (int i = 0; i < screen.rows; i++)
		if (strstr(row(i), text))
			return i;
	return -1;
}

static int count(const char *text)
{
	int rows = 0;

	for (int i = 0; i < screen.rows; i++)
		rows += strstr(row(i), text) != NULL;
	return rows;
}

static bool reverse(int number)
{
	return number >= 0 && screen.cells[number * screen.columns].look & LOOK_REVERSE;
}

static void show(void)
{
	for (int i = 0; i < screen.rows; i++)
		diag("%s", row(i));
}

static void put_listener(int port, uint64_t syn_recv, uint8_t verdict)
{
	union record record = { .account = {
		.family = AF_INET, .verdict = verdict, .syn_recv = syn_recv, .since = 2000,
		.end = { .addr = { 10, 9, 2, 2 }, .len = 4, .port = port },
	} };

	ranking_add(&top.panels[TOP_LISTENERS].ranking, &record);
}

static void put_flow(enum top_panel panel, int number, uint64_t age, int len)
{
	union record record = { .flow = {
		.family = len == 4 ? AF_INET : AF_INET6, .age = age, .idle = age,
		.phase = panel == TOP_HALFOPENS ? TCPSTATE_SYN_RECV : 0, .history = "",
		.conn_state = "",
		.end = {
			{ .addr = { 10, 9, 1, number }, .len = len, .port = 40000 + number,
			  .state = TCPSTATE_FIN_WAIT2 },
			{ .addr = { 10, 9, 2, 2 }, .len = len, .port = 80,
			  .state = TCPSTATE_CLOSE_WAIT },
		},
	} };

	if (len == 16)
		memset(record.flow.end[INITIATOR].addr, 0xfd, 16);
	ranking_add(&top.panels[panel].ranking, &record);
}

static void fill(void)
{
	struct stats stats = { .version = "", .enabled = 1 };

	top_begin(&top, 2000);
	stats.counters[TCPSTATE_A_COUNTER_FLOWS] = 300;
	stats.counters[TCPSTATE_A_COUNTER_HALFOPEN] = 100;
	stats.counters[TCPSTATE_A_COUNTER_MAX_FLOWS] = 600;
	stats.counters[TCPSTATE_A_COUNTER_MAX_HALFOPEN] = 100;
	stats.states[TCPSTATE_ESTABLISHED].now[INITIATOR] = 200;
	stats.states[TCPSTATE_SYN_RECV].now[RESPONDER] = 100;
	stats.states[TCPSTATE_CLOSE_WAIT].now[RESPONDER] = 1;
	stats.counters[TCPSTATE_A_COUNTER_SYN] = 1000;
	top_stats(&top, &stats, 0);
	stats.counters[TCPSTATE_A_COUNTER_SYN] = 1500;
	top_stats(&top, &stats, 2);
	put_listener(80, 100, TCPSTATE_VERDICT_FLOOD_SPOOFED);
	put_listener(22, 0, TCPSTATE_VERDICT_OK);
	put_listener(443, 5, TCPSTATE_VERDICT_OK);
	for (int i = 1; i <= 30; i++)
		put_flow(TOP_HALFOPENS, i, 1000 * i, 4);
	for (int i = 1; i <= 5; i++)
		put_flow(TOP_LEAKS, 100 + i, 3600000 + 1000 * i, 4);
	for (int i = 0; i < TOP_PANELS; i++)
		ranking_sort(&top.panels[i].ranking);
}

static void test_whole(void)
{
	bool all = true;

	draw(24, 80);
	show();
	ok(!strncmp(row(0), "tcpstate ", 9) && strstr(row(0), "every 2 s"), "a title");
	ok(strstr(row(1), "250 SYN  "), "what passes in a second");
	ok(find("300/600") == 2 && find("100/100") == 2, "how full the tables are");
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		all &= find(states[i].name) >= 3 && find(states[i].name) < 9;
	ok(all, "every state");
	ok(strstr(row(3), "ESTABLISHED [|||||| 200][        0]") ||
	   strstr(row(3), "ESTABLISHED [||||||  200][          0]"), "half of a bar: %s", row(3));
	ok(find("LISTENERS") == 9 && find("HALF-OPENS") > 9 && find("CLOSE_WAIT ") > 0,
	   "three tables");
	ok(find("10.9.2.2:80") == 10 && strstr(row(10), "flood_spoofed"),
	   "the listener with the most half-opens first");
	ok(find("10.9.1.30:40030") == find("HALF-OPENS") + 1, "the oldest half-open first");
	ok(find("10.9.1.105:40105") > find("HALF-OPENS"), "the oldest CLOSE_WAIT first");
	ok(strstr(row(23), "F1Help") && strstr(row(23), "F10Quit"), "keys");
	ok(reverse(10) && !reverse(11), "one listener is selected");
	ok(screen.cells[10 * 80 + 18].look & 1 || find("flood_spoofed") == 10,
	   "a verdict has a colour");
}

static void test_rooms(void)
{
	char text[512];

	draw(50, 132);
	ok(count("10.9.1.") >= 30, "in much room, much: %d", count("10.9.1."));
	draw(10, 40);
	ok(find("LISTENERS") > 0 && find("F1Help") == 9, "in little room, what has the keys");
	draw(3, 10);
	draw(1, 1);
	draw(0, 0);
	ok(true, "in no room, nothing");
	put_flow(TOP_HALFOPENS, 200, 9000000, 16);
	ranking_sort(&top.panels[TOP_HALFOPENS].ranking);
	draw(24, 80);
	ok(find("..") > 0 && strstr(row(find("..")), "2h30m"),
	   "an address that is too long is cut, and what follows it is not");
	screen_begin(&screen, top_rows_plain(&top), 80);
	top_draw_plain(&top, &screen);
	ok(find("F1Help") < 0 && find("LISTENERS") > 0 && find("CLOSE_WAIT") > 0,
	   "a plain print has no keys");
	screen_begin(&screen, 1, 4);
	screen_put(&screen, 0, 2, 0, "abc");
	ok(!strcmp(screen_row(&screen, 0, text), "  ab"), "what does not fit is cut off");
}

static void type(const char *keys)
{
	for (; *keys; keys++)
		top_key(&top, *keys);
}

/* A look that finds so many half-opens, the one of this number older than all others. */
static void look(int many, int oldest)
{
	ranking_clear(&top.panels[TOP_HALFOPENS].ranking);
	for (int i = 1; i <= many; i++)
		put_flow(TOP_HALFOPENS, i, i == oldest ? 9000000 : 1000 * i, 4);
	ranking_sort(&top.panels[TOP_HALFOPENS].ranking);
	draw(24, 80);
}

/* Its table is in order, and one of them was searched for. */
static void test_following(void)
{
	int first = find("HALF-OPENS") + 1;

	look(30, 17);
	ok(find("10.9.1.17:40017") == first && reverse(first), "what was found stays selected");
	look(16, 16);
	ok(find("10.9.1.17:40017") < 0 && count("10.9.1.") > 0, "even if it is missing once");
	look(30, 17);
	ok(find("10.9.1.17:40017") == first && reverse(first), "and comes back");
	top_key(&top, TOP_DOWN);
	draw(24, 80);
	ok(reverse(first + 1) && !reverse(first), "until another is selected");
	look(30, 16);
	ok(reverse(first + 1) && !reverse(first), "by the row that it is in");
}

/* Nine of thirty have it, one behind the other. */
static void test_again(void)
{
	look(30, 30);
	top_key(&top, TOP_HOME);
	type("/:4000\n");
	draw(24, 80);
	ok(reverse(find("10.9.1.9:40009")), "the first one behind");
	type("n");
	draw(24, 80);
	ok(reverse(find("10.9.1.8:40008")), "the next");
	type("/:4000\n");
	draw(24, 80);
	ok(reverse(find("10.9.1.8:40008")), "where it is already, no further");
	top_key(&top, TOP_END);
	type("n");
	draw(24, 80);
	ok(reverse(find("10.9.1.9:40009")), "behind the last one, the first of all");
}

static void test_keys(void)
{
	top_key(&top, TOP_DOWN);
	draw(24, 80);
	ok(!reverse(10) && reverse(11), "down");
	top_key(&top, TOP_END);
	top_key(&top, TOP_DOWN);
	draw(24, 80);
	ok(reverse(12), "to the end, and no further");
	top_key(&top, TOP_HOME);
	top_key(&top, TOP_SORT);
	top_key(&top, TOP_SORT);
	type("I");
	draw(24, 80);
	ok(strstr(row(9), "SYN/S^"), "sorted by another column, the other way round: %s", row(9));
	type("I\t");
	top_key(&top, TOP_SEARCH);
	type("1.17:");
	draw(24, 80);
	ok(find("Search: 1.17:_") == 23 && reverse(find("10.9.1.17:40017")), "searched: %s",
	   row(23));
	top_key(&top, TOP_ERASE);
	type("\n");
	draw(24, 80);
	ok(find("F3Search") == 23 && reverse(find("10.9.1.17:40017")),
	   "and found when the search is over");
	test_following();
	test_again();
	top_key(&top, TOP_FILTER);
	type("10.9.1.2");
	draw(24, 80);
	ok(count("10.9.1.2") == count("10.9.1."), "filtered while it is typed");
	type("9:\n");
	draw(24, 80);
	ok(count(":40") == 1 && strstr(row(0), "filter: 10.9.1.29:"), "filtered");
	top_key(&top, TOP_FILTER);
	type("x\033");
	draw(24, 80);
	ok(count(":40") == 1, "as before, after Esc");
	type("h");
	draw(24, 80);
	ok(find("search in it") > 0 && find("LISTENERS") < 0, "help");
	type("q");
	draw(24, 80);
	ok(!top.over && find("LISTENERS") > 0, "any key ends it");
	type("q");
	ok(top.over, "and q all");
}

static void test_trouble(void)
{
	top_begin(&top, 500);
	draw(24, 80);
	ok(find("LISTENERS") > 0 && find("SYN-ACK") < 0, "before anything is known");
	snprintf(top.complaint, sizeof(top.complaint), "the module is not loaded");
	draw(24, 80);
	ok(find("the module is not loaded") == 1 && reverse(1), "what is wrong");
	top_end(&top);
}

int main(void)
{
	fill();
	test_whole();
	test_rooms();
	test_keys();
	top_end(&top);
	test_trouble();
	screen_end(&screen);
	return done();
}
