// SPDX-License-Identifier: GPL-2.0
/* Figures of a namespace as bars and rates on a screen. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "meters.h"
#include "screen.h"

/* Below it, states are one below the other. */
#define WIDE	60
#define NAME	11

/* Four digits at most, and what they are to be multiplied with. */
static const char *brief(double number, char *text, size_t size)
{
	static const char units[] = " kMGTPE";
	int unit = 0;

	while (number >= 9999.5) {
		number /= 1000;
		unit++;
	}
	snprintf(text, size, unit ? "%.0f%c" : "%.0f", number, units[unit]);
	return text;
}

/* A bar with its figure inside: [|||||    41]. */
static int draw_bar(struct screen *screen, int row, int column, int width, uint8_t look,
		    uint64_t part, uint64_t whole, const char *figure)
{
	int inner = width - 2, len = strlen(figure);
	int filled = whole ? (int)((double)part * inner / whole + 0.5) : 0;

	if (part && !filled)
		filled = 1;
	if (filled > inner)
		filled = inner;
	screen_put(screen, row, column, LOOK_BOLD, "[");
	for (int i = 0; i < filled; i++)
		screen_put(screen, row, column + 1 + i, look, "|");
	screen_put(screen, row, column + 1 + (inner > len ? inner - len : 0),
		   part ? LOOK_BOLD : LOOK_FAINT, figure);
	return screen_put(screen, row, column + width - 1, LOOK_BOLD, "]");
}

static void draw_state(struct screen *screen, int row, int column, int width,
		       const struct stats *stats, int state)
{
	uint64_t all = stats->counters[TCPSTATE_A_COUNTER_FLOWS] +
		       stats->counters[TCPSTATE_A_COUNTER_HALFOPEN];
	uint8_t look = screen_colour(states[state].colour);
	int bar = (width - NAME - 1) / 2;
	char figure[32];

	screen_put(screen, row, column, look, states[state].name);
	column += NAME + 1;
	for (int end = 0; end < ENDS; end++) {
		uint64_t now = stats->states[state].now[end];

		brief(now, figure, sizeof(figure));
		column = draw_bar(screen, row, column, bar, look, now, all, figure);
	}
}

static bool anybody(const struct stats *stats, int state)
{
	return stats->states[state].now[INITIATOR] || stats->states[state].now[RESPONDER];
}

/* In columns, the first one from above to below, then the next. */
static int draw_states(struct screen *screen, int row, int room, const struct stats *stats)
{
	int columns = screen->columns >= WIDE ? 2 : 1;
	int width = (screen->columns - (columns - 1) * 2) / columns;
	int shown[TCPSTATE_STATE_MAX], count = 0, rows;
	bool all = (TCPSTATE_STATE_MAX + columns - 1) / columns <= room;

	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		if (all || anybody(stats, i))
			shown[count++] = i;
	rows = (count + columns - 1) / columns;
	for (int i = 0; i < count; i++) {
		int at = i % rows;

		if (at < room)
			draw_state(screen, row + at, i / rows * (width + 2), width, stats,
				   shown[i]);
	}
	return row + (rows < room ? rows : room > 0 ? room : 0);
}

static void draw_rates(struct screen *screen, int row, const struct stats *stats,
		       const struct stats *before, double seconds)
{
	static const struct {
		const char *name;
		int counter;
	} rates[] = {
		{ "segments", TCPSTATE_A_COUNTER_SEGMENTS }, { "SYN", TCPSTATE_A_COUNTER_SYN },
		{ "SYN-ACK", TCPSTATE_A_COUNTER_SYNACK },
		{ "established", TCPSTATE_A_COUNTER_ESTABLISHED },
		{ "FIN", TCPSTATE_A_COUNTER_FIN }, { "RST", TCPSTATE_A_COUNTER_RST },
	};
	char figure[32];
	int column = screen_put(screen, row, 0, 0, "a second: ");

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		double rate = 0;

		if (before && seconds > 0)
			rate = (stats->counters[rates[i].counter] -
				before->counters[rates[i].counter]) / seconds;
		column = screen_put(screen, row, column, LOOK_BOLD,
				    before ? brief(rate, figure, sizeof(figure)) : "-");
		column = screen_print(screen, row, column, 0, " %s  ", rates[i].name);
	}
}

/* How full the tables are, and what found no room. */
static void draw_tables(struct screen *screen, int row, const struct stats *stats)
{
	static const struct {
		const char *name;
		int gauge;
		int limit;
		int full;
	} tables[] = {
		{ "flows", TCPSTATE_A_COUNTER_FLOWS, TCPSTATE_A_COUNTER_MAX_FLOWS,
		  TCPSTATE_A_COUNTER_FLOW_TABLE_FULL },
		{ "half-opens", TCPSTATE_A_COUNTER_HALFOPEN, TCPSTATE_A_COUNTER_MAX_HALFOPEN,
		  TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL },
	};
	int width = (screen->columns - 2) / 2;

	for (int i = 0; i < 2; i++) {
		uint64_t now = stats->counters[tables[i].gauge];
		uint64_t limit = stats->counters[tables[i].limit];
		int column = i * (width + 2);
		char figure[64];

		screen_put(screen, row, column, 0, tables[i].name);
		snprintf(figure, sizeof(figure), "%" PRIu64 "/%" PRIu64, now, limit);
		/* Red where some were turned away. */
		draw_bar(screen, row, column + NAME + 1, width - NAME - 1,
			 screen_colour(stats->counters[tables[i].full] ? "31" : "32"), now, limit,
			 figure);
	}
}

int meters_draw(struct screen *screen, int row, int room, const struct stats *stats,
		const struct stats *before, double seconds)
{
	int last = row + (room < METERS_ROWS ? room : METERS_ROWS);
	/* Tables of records have the rest: as much as that. */
	int states = room - 2 - room / 3;

	if (row < last)
		draw_rates(screen, row++, stats, before, seconds);
	if (row < last)
		draw_tables(screen, row++, stats);
	if (states > last - row)
		states = last - row;
	return draw_states(screen, row, states, stats);
}
