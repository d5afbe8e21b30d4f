// SPDX-License-Identifier: GPL-2.0
/* The terminal that this runs on: the only file that speaks ncurses. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curses.h>

#include "output.h"
#include "screen.h"
#include "terminal.h"
#include "tool.h"
#include "top.h"

static bool colourful;

int terminal_begin(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return refused("top needs a terminal: say tcpstate top -1 for a single look");
	if (!newterm(NULL, stdout, stdin))
		return refused("no terminal '%s' is known: say tcpstate top -1 for a single look",
			       term ? term : "");
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	colourful = output_colourful() && has_colors() && start_color() == OK;
	if (colourful) {
		/* What there is no colour for is as the terminal has it. */
		use_default_colors();
		for (int colour = 1; colour <= 7; colour++)
			init_pair(colour, colour, -1);
	}
	return DONE;
}

void terminal_end(void)
{
	endwin();
}

int terminal_rows(void)
{
	return LINES;
}

int terminal_columns(void)
{
	return COLS;
}

static chtype look_of(uint8_t look)
{
	chtype shown = A_NORMAL;

	if (look & LOOK_BOLD)
		shown |= A_BOLD;
	if (look & LOOK_FAINT)
		shown |= A_DIM;
	if (look & LOOK_REVERSE)
		shown |= A_REVERSE;
	if (colourful && look & LOOK_COLOUR)
		shown |= COLOR_PAIR(look & LOOK_COLOUR);
	return shown;
}

void terminal_show(const struct screen *screen)
{
	erase();
	for (int row = 0; row < screen->rows; row++) {
		for (int column = 0; column < screen->columns; column++) {
			const struct cell *cell = &screen->cells[row * screen->columns + column];

			mvaddch(row, column, (unsigned char)cell->character | look_of(cell->look));
		}
	}
	refresh();
}

static const struct {
	int theirs;
	int ours;
} keys[] = {
	{ KEY_UP, TOP_UP }, { KEY_DOWN, TOP_DOWN }, { KEY_PPAGE, TOP_PAGE_UP },
	{ KEY_NPAGE, TOP_PAGE_DOWN }, { KEY_HOME, TOP_HOME }, { KEY_END, TOP_END },
	{ KEY_F(1), TOP_HELP }, { KEY_F(3), TOP_SEARCH }, { KEY_F(4), TOP_FILTER },
	{ KEY_F(6), TOP_SORT }, { KEY_F(10), TOP_QUIT }, { KEY_BACKSPACE, TOP_ERASE },
	{ '\b', TOP_ERASE }, { 127, TOP_ERASE }, { '\r', '\n' }, { KEY_ENTER, '\n' },
};

bool terminal_read(struct top *top)
{
	bool any = false;
	int key;

	while ((key = getch()) != ERR) {
		/* A character is itself; of other keys some have no use. */
		int ours = key < KEY_MIN ? key : 0;

		any = true;
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
			if (keys[i].theirs == key)
				ours = keys[i].ours;
		if (ours)
			top_key(top, ours);
	}
	return any;
}
