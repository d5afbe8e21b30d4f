/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TCPSTATE_WORDS_H
#define _TCPSTATE_WORDS_H

/*
 * Divides arguments, ended by NULL, at blanks and around operators, so that one
 * argument may be "sport>=1024". An empty argument is an empty word. Returns
 * words ended by NULL, theirs is the memory behind them, so one free() does; or
 * NULL where there is no memory.
 */
char **words_divide(char *const *words);

#endif /* _TCPSTATE_WORDS_H */
