/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tcpstate top shows, and what its keys do: everything of it but where its data
 * come from and which terminal it is on.
 */
#ifndef _TCPSTATE_TOP_H
#define _TCPSTATE_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "message.h"
#include "panel.h"

struct screen;

enum top_panel { TOP_LISTENERS, TOP_HALFOPENS, TOP_LEAKS, TOP_PANELS };

/* Keys that are no characters. */
enum top_key {
	TOP_UP = 256,
	TOP_DOWN,
	TOP_PAGE_UP,
	TOP_PAGE_DOWN,
	TOP_HOME,
	TOP_END,
	TOP_HELP,
	TOP_SEARCH,
	TOP_FILTER,
	TOP_SORT,
	TOP_QUIT,
	TOP_ERASE,
};

/* What is being typed. */
enum top_mode { TOP_BROWSING, TOP_SEARCHING, TOP_FILTERING, TOP_HELPING };

#define TOP_TEXT 64

/**
 * struct top - what is known and what is wanted of it
 * @stats: now, and as they were before
 * @looks: how often stats were read; rates need two
 * @seconds: from one to the other
 * @clock: of day, seconds
 * @delay: milliseconds, from one to the next
 * @complaint: what is wrong, instead of what would be there, or empty
 * @panels: of which one has the keys
 * @focus: that one
 * @mode: what is being typed
 * @search: what was looked for
 * @filter: what all that is shown has in it, or empty
 * @before: the filter, as it was before it was typed at
 * @over: enough was seen
 */
struct top {
	struct stats stats[2];
	unsigned int looks;
	double seconds;
	int64_t clock;
	uint64_t delay;
	char complaint[TOP_TEXT * 4];
	struct panel panels[TOP_PANELS];
	enum top_panel focus;
	enum top_mode mode;
	char search[TOP_TEXT];
	char filter[TOP_TEXT];
	char before[TOP_TEXT];
	bool over;
};

/* 0 or -ENOMEM; top_end() is due in any case. */
int top_begin(struct top *top, uint64_t delay);
void top_end(struct top *top);

/* Stats were read, so many seconds after the others. */
void top_stats(struct top *top, const struct stats *stats, double seconds);

/* A key was pressed: a character, or an enum top_key. */
void top_key(struct top *top, int key);

/* All of it in the room that there is. */
void top_draw(struct top *top, struct screen *screen);

/* Likewise, without what is for a reader at a terminal; rows it needs at most. */
void top_draw_plain(struct top *top, struct screen *screen);
int top_rows_plain(const struct top *top);

#endif /* _TCPSTATE_TOP_H */
