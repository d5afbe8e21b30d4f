/* SPDX-License-Identifier: GPL-2.0 */
/* Figures of a namespace as bars and rates on a screen. */
#ifndef _TCPSTATE_METERS_H
#define _TCPSTATE_METERS_H

struct screen;
struct stats;

/* As many rows as they take at most. */
#define METERS_ROWS 16

/*
 * From a row on, in so many rows at most: of what there is not room for, states that
 * nobody is in go first. Rates are told where there are stats of so many seconds
 * @before. Returns the row behind them.
 */
int meters_draw(struct screen *screen, int row, int room, const struct stats *stats,
		const struct stats *before, double seconds);

#endif /* _TCPSTATE_METERS_H */
