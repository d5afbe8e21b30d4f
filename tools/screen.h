/* SPDX-License-Identifier: GPL-2.0 */
/* A screen: characters in rows and columns, wherever they will be shown. */
#ifndef _TCPSTATE_SCREEN_H
#define _TCPSTATE_SCREEN_H

#include <stdint.h>

/* How a character looks: a colour (1 to 7, as terminals number them) and any of these. */
#define LOOK_COLOUR	0x07
#define LOOK_BOLD	0x08
#define LOOK_FAINT	0x10
#define LOOK_REVERSE	0x20

struct cell {
	char character;
	uint8_t look;
};

/**
 * struct screen - what is on it
 * @cells: row by row, owned
 */
struct screen {
	int rows;
	int columns;
	struct cell *cells;
};

/* Of this size and blank; what it had is gone. 0 or -ENOMEM; screen_end() is due once. */
int screen_begin(struct screen *screen, int rows, int columns);
void screen_end(struct screen *screen);

/* What does not fit is cut off. Return the column after the text, which may be none. */
int screen_put(struct screen *screen, int row, int column, uint8_t look, const char *text);
int screen_print(struct screen *screen, int row, int column, uint8_t look, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A row, from a column on, in a look. */
void screen_look(struct screen *screen, int row, int column, int width, uint8_t look);

/* The look that is an SGR parameter, or NULL, in the tables of names. */
uint8_t screen_colour(const char *sgr);

/* The text of a row, without the blanks at its end: as many octets as there are columns, and 1. */
const char *screen_row(const struct screen *screen, int row, char *text);

#endif /* _TCPSTATE_SCREEN_H */
