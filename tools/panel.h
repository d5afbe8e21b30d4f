/* SPDX-License-Identifier: GPL-2.0 */
/* A panel: the foremost records of a kind as a table on a screen, by the reader's order. */
#ifndef _TCPSTATE_PANEL_H
#define _TCPSTATE_PANEL_H

#include <stdbool.h>
#include <stddef.h>

#include "output.h"
#include "ranking.h"

struct screen;

#define PANEL_COLUMNS 8

/**
 * struct panel - on the screen, or ready for it
 * @title: what stands there of it
 * @columns: fields of the description, and how many these are
 * @sort: the column that they are sorted by
 * @ascending: the least of it comes first
 * @ranking: what is known
 * @total: how many there are, which may be more
 * @selected: which of those that pass the filter, from 0 on
 * @found: the record that was searched for, selected wherever it is while @follows
 * @follows: until the selection is moved
 * @first: which of them is in the uppermost row
 */
struct panel {
	const char *title;
	const struct field *columns[PANEL_COLUMNS];
	int count;
	int sort;
	bool ascending;
	struct ranking ranking;
	size_t total;
	size_t selected;
	union record found;
	bool follows;
	size_t first;
};

/*
 * Of the columns that a description has for a view, sorted by the one with a title, the
 * greatest first. 0 or -ENOMEM; panel_end() is due in any case.
 */
int panel_begin(struct panel *panel, const char *title, const struct description *description,
		enum view view, const char *sort);
void panel_end(struct panel *panel);

/* By the next column; the other way round. */
void panel_sort(struct panel *panel);
void panel_invert(struct panel *panel);

/* So many records of those that pass a filter, which is part of their text, downwards. */
void panel_move(struct panel *panel, const char *filter, long by);

/*
 * To the next one whose text has this in it, from the selected one on or (@again) behind it.
 * It stays selected wherever it goes in the order of later looks, until panel_move().
 */
bool panel_search(struct panel *panel, const char *filter, const char *text, bool again);

/* How many pass. */
size_t panel_passing(const struct panel *panel, const char *filter);

/* Its titles in a row, and below it as many records as there is room for in so many rows. */
void panel_draw(struct panel *panel, struct screen *screen, int row, int rows,
		const char *filter, bool focused);

#endif /* _TCPSTATE_PANEL_H */
