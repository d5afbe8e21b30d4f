/* SPDX-License-Identifier: GPL-2.0 */
/* Words for sets of states and of verdicts. */
#ifndef _TCPSTATE_SETS_H
#define _TCPSTATE_SETS_H

#include <stddef.h>
#include <stdint.h>

/* Of a word, of which so many octets count: bit 1 << number, or 0 where it is none. */
uint32_t sets_state(const char *word, size_t len);
uint32_t sets_verdict(const char *word, size_t len);

#endif /* _TCPSTATE_SETS_H */
