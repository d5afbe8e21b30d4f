/* SPDX-License-Identifier: GPL-2.0 */
/* Words to numbers, and a time to a word. */
#ifndef _TCPSTATE_NUMBERS_H
#define _TCPSTATE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits alone, up to a limit. Returns what follows them, or NULL. */
const char *numbers_digits(const char *word, uint64_t limit, uint64_t *number);

/* N or N-M, with ss's colon before it or not. */
bool numbers_ports(const char *word, uint64_t *first, uint64_t *last);

/* A number with a unit, or without one of seconds, in milliseconds. */
bool numbers_duration(const char *word, uint64_t *ms);

/*
 * Writes a time in microseconds by the two units that matter: 750us, 4.1ms, 250ms, 1.2s,
 * 3m05s, 2h10m, 4d07h. Rounds down. Every time in the tool's text has this form.
 */
void numbers_time(uint64_t us, char *text, size_t size);

#endif /* _TCPSTATE_NUMBERS_H */
