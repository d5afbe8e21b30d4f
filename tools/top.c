// SPDX-License-Identifier: GPL-2.0
/* What tcpstate top shows, and what its keys do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "meters.h"
#include "screen.h"
#include "top.h"

/* Of each panel, where nobody is there to scroll. */
#define PLAIN_ROWS 10

int top_begin(struct top *top, uint64_t delay)
{
	struct panel *panels = top->panels;
	int err;

	*top = (struct top){ .delay = delay };
	err = panel_begin(&panels[TOP_LISTENERS], "LISTENERS", &account_description,
			  VIEW_LISTENER, "SYN_RECV");
	if (!err)
		err = panel_begin(&panels[TOP_HALFOPENS], "HALF-OPENS", &flow_description,
				  VIEW_HALFOPEN, "AGE");
	if (!err)
		err = panel_begin(&panels[TOP_LEAKS], "CLOSE_WAIT", &flow_description,
				  VIEW_FLOW, "IDLE");
	return err;
}

void top_end(struct top *top)
{
	for (int i = 0; i < TOP_PANELS; i++)
		panel_end(&top->panels[i]);
}

void top_stats(struct top *top, const struct stats *stats, double seconds)
{
	top->stats[1] = top->stats[0];
	top->stats[0] = *stats;
	top->seconds = seconds;
	top->looks++;
}

/* Keys. */

static struct panel *focused(struct top *top)
{
	return &top->panels[top->focus];
}

/* What is typed at, or NULL. */
static char *typed(struct top *top)
{
	return top->mode == TOP_SEARCHING ? top->search :
	       top->mode == TOP_FILTERING ? top->filter : NULL;
}

static void type(struct top *top, char *text, int key)
{
	size_t len = strlen(text);

	switch (key) {
	case '\n':
		top->mode = TOP_BROWSING;
		return;
	case '\033':
		if (top->mode == TOP_FILTERING)
			memcpy(top->filter, top->before, TOP_TEXT);
		top->mode = TOP_BROWSING;
		return;
	case TOP_ERASE:
		if (len)
			text[len - 1] = '\0';
		break;
	case TOP_SEARCH:
		panel_search(focused(top), top->filter, top->search, true);
		return;
	default:
		if (key < ' ' || key > '~' || len == TOP_TEXT - 1)
			return;
		text[len] = key;
		text[len + 1] = '\0';
	}
	if (top->mode == TOP_SEARCHING)
		panel_search(focused(top), top->filter, top->search, false);
}

static void browse(struct top *top, int key)
{
	static const struct {
		int key;
		long by;
	} moves[] = {
		{ TOP_UP, -1 }, { TOP_DOWN, 1 }, { TOP_PAGE_UP, -10 }, { TOP_PAGE_DOWN, 10 },
		{ TOP_HOME, -1000000 }, { TOP_END, 1000000 },
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++)
		if (moves[i].key == key)
			panel_move(focused(top), top->filter, moves[i].by);
	switch (key) {
	case 'q':
	case TOP_QUIT:
		top->over = true;
		break;
	case 'h':
	case '?':
	case TOP_HELP:
		top->mode = TOP_HELPING;
		break;
	case '/':
	case TOP_SEARCH:
		top->mode = TOP_SEARCHING;
		top->search[0] = '\0';
		break;
	case 'n':
		panel_search(focused(top), top->filter, top->search, true);
		break;
	case '\\':
	case TOP_FILTER:
		top->mode = TOP_FILTERING;
		memcpy(top->before, top->filter, TOP_TEXT);
		break;
	case '>':
	case TOP_SORT:
		panel_sort(focused(top));
		break;
	case 'I':
		panel_invert(focused(top));
		break;
	case '\t':
		top->focus = (top->focus + 1) % TOP_PANELS;
		break;
	}
}

void top_key(struct top *top, int key)
{
	char *text = typed(top);

	if (text)
		type(top, text, key);
	else if (top->mode == TOP_HELPING)
		top->mode = TOP_BROWSING;
	else
		browse(top, key);
}

/* The picture. */

static void draw_help(struct screen *screen)
{
	static const char *const lines[] = {
		"tcpstate top: both ends of all connections, by RFC 9293's states",
		"",
		"Bars are shares of all connections: initiators left, responders right.",
		"",
		"Tab            to the next table: listeners, half-opens, CLOSE_WAIT",
		"Up Down PgUp PgDn Home End    in it",
		"F3 /           search in it; F3 again or n: the next one",
		"F4 \\           show what has this text in it alone; Esc: as before",
		"F6 >           sort by the next column",
		"I              the other way round",
		"F1 h ?         this help",
		"F10 q          quit",
		"",
		"Press any key to return.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		screen_put(screen, i, 0, i ? 0 : LOOK_BOLD, lines[i]);
}

static void draw_title(const struct top *top, struct screen *screen)
{
	time_t clock = top->clock;
	char text[32];
	struct tm tm;
	int column;

	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&clock, &tm));
	column = screen_print(screen, 0, 0, LOOK_BOLD, "tcpstate %s", text);
	column = screen_print(screen, 0, column, 0, ", every %g s", top->delay / 1e3);
	if (top->looks && !top->stats[0].enabled)
		column = screen_put(screen, 0, column, LOOK_BOLD, ", not watched here");
	if (*top->filter && top->mode != TOP_FILTERING)
		screen_print(screen, 0, column, LOOK_BOLD, ", filter: %s", top->filter);
}

static void draw_keys(const struct top *top, struct screen *screen)
{
	static const struct {
		const char *key;
		const char *does;
	} keys[] = {
		{ "F1", "Help  " }, { "F3", "Search" }, { "F4", "Filter" }, { "F6", "Sort  " },
		{ "I", "Invert" }, { "Tab", "Table " }, { "F10", "Quit  " },
	};
	int row = screen->rows - 1, column = 0;

	if (top->mode == TOP_SEARCHING || top->mode == TOP_FILTERING) {
		screen_print(screen, row, 0, LOOK_BOLD, "%s_",
			     top->mode == TOP_SEARCHING ? "Search: " : "Filter: ");
		screen_print(screen, row, 8, LOOK_BOLD, "%s_",
			     top->mode == TOP_SEARCHING ? top->search : top->filter);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		column = screen_put(screen, row, column, 0, keys[i].key);
		column = screen_put(screen, row, column, LOOK_REVERSE, keys[i].does);
	}
}

static int needs(const struct top *top, int i)
{
	return 1 + panel_passing(&top->panels[i], top->filter);
}

/* Where there is not room for all, the one that has the keys has what the others leave. */
static void draw_panels(struct top *top, struct screen *screen, int row, int room)
{
	int rows[TOP_PANELS], left = room, share = room / TOP_PANELS;

	/* A title and nothing below it would tell nothing. */
	if (share < 2) {
		if (room > 0)
			panel_draw(focused(top), screen, row, room, top->filter, true);
		return;
	}
	for (int i = 0; i < TOP_PANELS; i++) {
		rows[i] = needs(top, i) < share ? needs(top, i) : share;
		left -= rows[i];
	}
	for (int n = 0; n < TOP_PANELS && left > 0; n++) {
		int i = (top->focus + n) % TOP_PANELS;
		int more = needs(top, i) - rows[i];

		more = more < left ? more : left;
		rows[i] += more;
		left -= more;
	}
	for (int i = 0; i < TOP_PANELS; i++) {
		panel_draw(&top->panels[i], screen, row, rows[i], top->filter,
			   i == (int)top->focus);
		row += rows[i];
	}
}

static int draw_meters(const struct top *top, struct screen *screen, int row, int room)
{
	if (*top->complaint) {
		screen_put(screen, row, 0, LOOK_REVERSE, top->complaint);
		row++;
	}
	if (!top->looks)
		return row;
	return meters_draw(screen, row, room, &top->stats[0],
			   top->looks > 1 ? &top->stats[1] : NULL, top->seconds);
}

void top_draw(struct top *top, struct screen *screen)
{
	int row;

	if (top->mode == TOP_HELPING) {
		draw_help(screen);
		return;
	}
	draw_title(top, screen);
	row = draw_meters(top, screen, 1, screen->rows - 2);
	draw_panels(top, screen, row, screen->rows - 1 - row);
	draw_keys(top, screen);
}

int top_rows_plain(const struct top *top)
{
	(void)top;
	return 1 + METERS_ROWS + 1 + TOP_PANELS * (PLAIN_ROWS + 2);
}

void top_draw_plain(struct top *top, struct screen *screen)
{
	int row;

	draw_title(top, screen);
	row = draw_meters(top, screen, 1, screen->rows);
	for (int i = 0; i < TOP_PANELS; i++) {
		int rows = needs(top, i) < PLAIN_ROWS + 1 ? needs(top, i) : PLAIN_ROWS + 1;

		panel_draw(&top->panels[i], screen, ++row, rows, top->filter, false);
		row += rows;
	}
}
