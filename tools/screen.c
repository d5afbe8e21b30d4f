// SPDX-License-Identifier: GPL-2.0
/* A screen: characters in rows and columns, wherever they will be shown. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen.h"

int screen_begin(struct screen *screen, int rows, int columns)
{
	screen_end(screen);
	if (rows < 1 || columns < 1)
		return 0;
	screen->cells = malloc((size_t)rows * columns * sizeof(*screen->cells));
	if (!screen->cells)
		return -ENOMEM;
	for (int i = 0; i < rows * columns; i++)
		screen->cells[i] = (struct cell){ .character = ' ' };
	screen->rows = rows;
	screen->columns = columns;
	return 0;
}

void screen_end(struct screen *screen)
{
	free(screen->cells);
	*screen = (struct screen){};
}

static struct cell *cell_at(struct screen *screen, int row, int column)
{
	if (row < 0 || row >= screen->rows || column < 0 || column >= screen->columns)
		return NULL;
	return &screen->cells[row * screen->columns + column];
}

int screen_put(struct screen *screen, int row, int column, uint8_t look, const char *text)
{
	struct cell *cell;

	for (; *text; text++, column++) {
		cell = cell_at(screen, row, column);
		if (cell)
			*cell = (struct cell){ *text, look };
	}
	return column;
}

int screen_print(struct screen *screen, int row, int column, uint8_t look, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return screen_put(screen, row, column, look, text);
}

void screen_look(struct screen *screen, int row, int column, int width, uint8_t look)
{
	struct cell *cell;

	for (; width > 0; width--, column++) {
		cell = cell_at(screen, row, column);
		if (cell)
			cell->look = look;
	}
}

uint8_t screen_colour(const char *sgr)
{
	if (!sgr)
		return 0;
	return sgr[0] == '3' ? sgr[1] - '0' : LOOK_FAINT;
}

const char *screen_row(const struct screen *screen, int row, char *text)
{
	int len = 0;

	for (int column = 0; column < screen->columns; column++) {
		text[column] = screen->cells[row * screen->columns + column].character;
		if (text[column] != ' ')
			len = column + 1;
	}
	text[len] = '\0';
	return text;
}
