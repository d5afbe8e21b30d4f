/* SPDX-License-Identifier: GPL-2.0 */
/* The life of a pair, told in letters. */
#ifndef _TCPSTATE_HISTORY_H
#define _TCPSTATE_HISTORY_H

#include "fsm.h"

#define LETTERS (TCPSTATE_LETTER_MAX - 1)
/* Only the initiator has TCPSTATE_LETTER_GUESSED, so 21 bits are enough. */
#define LETTER(letter, end) (1u << ((letter) - 1 + LETTERS * (end)))

/* Letters of which any says that @end itself was seen. */
static inline __u32 history_speech(enum tcpstate_end end)
{
	return LETTER(TCPSTATE_LETTER_SYN, end) | LETTER(TCPSTATE_LETTER_SYNACK, end) |
	       LETTER(TCPSTATE_LETTER_ACK, end) | LETTER(TCPSTATE_LETTER_DATA, end) |
	       LETTER(TCPSTATE_LETTER_FIN, end) | LETTER(TCPSTATE_LETTER_RST, end);
}

void tcpstate_history_append(struct tcpstate_pair *pair, enum tcpstate_end end,
			     enum tcpstate_letter letter);

/* Tell that @end sent what @letter stands for; only the first time is news. */
static inline void tcpstate_history_tell(struct tcpstate_pair *pair, enum tcpstate_end end,
					 enum tcpstate_letter letter)
{
	if (!(pair->letters & LETTER(letter, end)))
		tcpstate_history_append(pair, end, letter);
}

/* Letters of an ordinary segment, in the order in which it says them. */
static inline void tcpstate_history_segment(struct tcpstate_pair *pair,
					    const struct tcpstate_segment *seg,
					    enum tcpstate_end from)
{
	if (seg->flags & TCPSTATE_SYN)
		tcpstate_history_tell(pair, from,
				      seg->flags & TCPSTATE_ACK ? TCPSTATE_LETTER_SYNACK :
								  TCPSTATE_LETTER_SYN);
	else if (!seg->len && !(seg->flags & TCPSTATE_FIN))
		tcpstate_history_tell(pair, from, TCPSTATE_LETTER_ACK);
	if (seg->len)
		tcpstate_history_tell(pair, from, TCPSTATE_LETTER_DATA);
	if (seg->flags & TCPSTATE_FIN)
		tcpstate_history_tell(pair, from, TCPSTATE_LETTER_FIN);
	if (!seg->window && !(seg->flags & TCPSTATE_SYN))
		tcpstate_history_tell(pair, from, TCPSTATE_LETTER_ZERO_WINDOW);
}

#endif /* _TCPSTATE_HISTORY_H */
