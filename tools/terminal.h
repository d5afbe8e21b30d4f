/* SPDX-License-Identifier: GPL-2.0 */
/* The terminal that this runs on: the only file that speaks ncurses. */
#ifndef _TCPSTATE_TERMINAL_H
#define _TCPSTATE_TERMINAL_H

#include <stdbool.h>

struct screen;
struct top;

/* Returns DONE or the exit status, having complained. terminal_end() is due where DONE. */
int terminal_begin(void);
void terminal_end(void);

int terminal_rows(void);
int terminal_columns(void);

/* As much of it as there is room for. */
void terminal_show(const struct screen *screen);

/* Passes on the keys that were pressed. Returns false where there is no more to read. */
bool terminal_read(struct top *top);

#endif /* _TCPSTATE_TERMINAL_H */
