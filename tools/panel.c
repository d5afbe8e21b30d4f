// SPDX-License-Identifier: GPL-2.0
/* A panel: the foremost records of a kind as a table on a screen, by the reader's order. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "panel.h"
#include "screen.h"

/* Of so many the first are known; nobody scrolls further. */
#define KEPT	500
#define CELL	64
#define LINE	(PANEL_COLUMNS * (CELL + 1))

static int order(const void *one, const void *other, void *data)
{
	const struct panel *panel = data;
	int differs = output_order(panel->columns[panel->sort], one, other);

	if (!panel->ascending)
		differs = -differs;
	/* What is alike stays where it is. */
	for (int i = 0; i < panel->count && !differs; i++)
		differs = output_order(panel->columns[i], one, other);
	return differs;
}

int panel_begin(struct panel *panel, const char *title, const struct description *description,
		enum view view, const char *sort)
{
	*panel = (struct panel){ .title = title };
	for (size_t i = 0; i < description->count && panel->count < PANEL_COLUMNS; i++) {
		const struct field *field = &description->fields[i];

		if (!(field->columns & view))
			continue;
		if (!strcmp(field->column, sort))
			panel->sort = panel->count;
		panel->columns[panel->count++] = field;
	}
	return ranking_begin(&panel->ranking, KEPT, order, panel);
}

void panel_end(struct panel *panel)
{
	ranking_end(&panel->ranking);
}

void panel_sort(struct panel *panel)
{
	panel->sort = (panel->sort + 1) % panel->count;
	ranking_sort(&panel->ranking);
}

void panel_invert(struct panel *panel)
{
	panel->ascending = !panel->ascending;
	ranking_sort(&panel->ranking);
}

/* All its cells with a blank between them: what is searched. */
static const char *line_of(const struct panel *panel, const union record *record, char *line)
{
	size_t len = 0;

	for (int i = 0; i < panel->count; i++) {
		if (i)
			line[len++] = ' ';
		output_text(panel->columns[i], record, line + len, CELL);
		len += strlen(line + len);
	}
	return line;
}

static bool has(const struct panel *panel, const union record *record, const char *text)
{
	char line[LINE];

	return !*text || strcasestr(line_of(panel, record, line), text);
}

/* The next one that passes, from the one at @next on, which goes behind it; or NULL. */
static const union record *pass(const struct panel *panel, const char *filter, size_t *next)
{
	while (*next < panel->ranking.count) {
		const union record *record = &panel->ranking.list[(*next)++];

		if (has(panel, record, filter))
			return record;
	}
	return NULL;
}

size_t panel_passing(const struct panel *panel, const char *filter)
{
	size_t count = 0, next = 0;

	while (pass(panel, filter, &next))
		count++;
	return count;
}

/* A record is known by its addresses; all else of it may change. */
static bool is_same(const struct panel *panel, const union record *one, const union record *other)
{
	for (int i = 0; i < panel->count; i++)
		if (panel->columns[i]->kind == ADDRESS &&
		    output_order(panel->columns[i], one, other))
			return false;
	return true;
}

/* If it is missing it may be back in the next look. */
static void follow(struct panel *panel, const char *filter)
{
	const union record *record;
	size_t next = 0;

	for (size_t at = 0; (record = pass(panel, filter, &next)); at++)
		if (is_same(panel, record, &panel->found))
			panel->selected = at;
}

static void keep_inside(struct panel *panel, const char *filter)
{
	size_t count = panel_passing(panel, filter);

	if (panel->selected >= count)
		panel->selected = count ? count - 1 : 0;
}

void panel_move(struct panel *panel, const char *filter, long by)
{
	panel->follows = false;
	if (by < 0 && panel->selected < (size_t)-by)
		panel->selected = 0;
	else
		panel->selected += by;
	keep_inside(panel, filter);
}

bool panel_search(struct panel *panel, const char *filter, const char *text, bool again)
{
	size_t begin = panel->selected + again, next = 0;
	const union record *record;
	bool any = false;

	/* The first one behind, else the first of all. */
	for (size_t at = 0; (record = pass(panel, filter, &next)); at++) {
		if (has(panel, record, text) &&
		    (!any || (panel->selected < begin && at >= begin))) {
			any = true;
			panel->selected = at;
			panel->found = *record;
		}
	}
	if (any)
		panel->follows = true;
	return any;
}

static bool is_right(const struct field *field)
{
	return field->kind == NUMBER || field->kind == TIME;
}

/* What of an address does not fit is left out in its middle. */
static void shorten(char *text, int width)
{
	int len = strlen(text), tail;

	if (len <= width || width < 4)
		return;
	tail = (width - 2) * 2 / 3;
	memmove(text + width - tail, text + len - tail, tail + 1);
	memcpy(text + width - tail - 2, "..", 2);
}

static const char *title_of(const struct panel *panel, int column)
{
	return column ? panel->columns[column]->column : panel->title;
}

/* As wide as what is shown, but for addresses where that is too much together. */
static void measure(const struct panel *panel, const char *filter, size_t rows, int room,
		    int width[PANEL_COLUMNS])
{
	int sum = panel->count, addresses = 0, widest;
	const union record *record;
	size_t at = 0, next = 0;
	char text[CELL];

	for (int i = 0; i < panel->count; i++)
		width[i] = strlen(title_of(panel, i));
	while ((record = pass(panel, filter, &next))) {
		if (at++ < panel->first || at > panel->first + rows)
			continue;
		for (int i = 0; i < panel->count; i++) {
			output_text(panel->columns[i], record, text, sizeof(text));
			if (width[i] < (int)strlen(text))
				width[i] = strlen(text);
		}
	}
	for (int i = 0; i < panel->count; i++) {
		sum += width[i];
		addresses += panel->columns[i]->kind == ADDRESS;
	}
	/* The widest one first. */
	while (sum > room && addresses) {
		widest = -1;
		for (int i = 0; i < panel->count; i++)
			if (panel->columns[i]->kind == ADDRESS &&
			    (widest < 0 || width[i] > width[widest]))
				widest = i;
		if (width[widest] <= 15)
			break;
		width[widest]--;
		sum--;
	}
}

static void draw_record(const struct panel *panel, struct screen *screen, int row,
			const union record *record, const int width[PANEL_COLUMNS], bool selected)
{
	char text[CELL];
	int column = 0;

	for (int i = 0; i < panel->count; i++) {
		const struct field *field = panel->columns[i];
		uint8_t look = screen_colour(output_colour(field, record));

		output_text(field, record, text, sizeof(text));
		if (field->kind == ADDRESS)
			shorten(text, width[i]);
		screen_print(screen, row, column, look, "%*s",
			     is_right(field) ? width[i] : -width[i], text);
		column += width[i] + 1;
	}
	if (selected)
		screen_look(screen, row, 0, screen->columns, LOOK_REVERSE);
}

/* The column that it is sorted by is marked in the blank behind it. */
static void draw_titles(const struct panel *panel, struct screen *screen, int row,
			const int width[PANEL_COLUMNS], bool focused)
{
	uint8_t look = focused ? LOOK_REVERSE | LOOK_BOLD : LOOK_REVERSE;
	int column = 0;

	screen_print(screen, row, 0, look, "%*s", screen->columns, "");
	for (int i = 0; i < panel->count; i++) {
		screen_print(screen, row, column, look, "%*s",
			     is_right(panel->columns[i]) ? width[i] : -width[i],
			     title_of(panel, i));
		column += width[i];
		if (i == panel->sort)
			screen_put(screen, row, column, look, panel->ascending ? "^" : "v");
		column++;
	}
}

void panel_draw(struct panel *panel, struct screen *screen, int row, int rows,
		const char *filter, bool focused)
{
	size_t room = rows > 1 ? rows - 1 : 0, next = 0;
	const union record *record;
	int width[PANEL_COLUMNS];

	if (panel->follows)
		follow(panel, filter);
	keep_inside(panel, filter);
	if (panel->selected < panel->first)
		panel->first = panel->selected;
	if (room && panel->selected >= panel->first + room)
		panel->first = panel->selected - room + 1;
	measure(panel, filter, room, screen->columns, width);
	draw_titles(panel, screen, row, width, focused);
	for (size_t at = 0; at < panel->first + room && (record = pass(panel, filter, &next)); at++)
		if (at >= panel->first)
			draw_record(panel, screen, row + 1 + (int)(at - panel->first), record,
				    width, focused && at == panel->selected);
}
