// SPDX-License-Identifier: GPL-2.0
/* Letters, and what follows from which of them occurred. */
#include "history.h"
#include "pair.h"

/**
 * tcpstate_history_append() - write a letter at the end of the history
 * @pair: the pair
 * @end: whose letter
 * @letter: one that @end does not have there yet; beyond the sixteenth it is
 *	known to have occurred, and no more
 */
void tcpstate_history_append(struct tcpstate_pair *pair, enum tcpstate_end end,
			     enum tcpstate_letter letter)
{
	unsigned int i;

	pair->letters |= LETTER(letter, end);
	for (i = 0; i < TCPSTATE_HISTORY_MAX; i++) {
		if (pair->history >> (4 * i) & 15)
			continue;
		pair->history |= (__u64)letter << (4 * i);
		pair->lower |= end << i;
		break;
	}
}

/**
 * tcpstate_fsm_spoke() - has a believed segment of this endpoint been seen?
 * @pair: the pair
 * @end: which endpoint
 *
 * Return: false for an endpoint that we know from its peer's segments only.
 */
bool tcpstate_fsm_spoke(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	return pair->letters & (LETTER(TCPSTATE_LETTER_SYN, end) |
				LETTER(TCPSTATE_LETTER_SYNACK, end) |
				LETTER(TCPSTATE_LETTER_ACK, end) |
				LETTER(TCPSTATE_LETTER_DATA, end) |
				LETTER(TCPSTATE_LETTER_FIN, end) |
				LETTER(TCPSTATE_LETTER_RST, end));
}

/**
 * tcpstate_fsm_bytes() - payload that an endpoint has sent
 * @pair: the pair
 * @end: which endpoint
 *
 * Return: octets, those sent again counted once. Zero for an endpoint that was
 * never seen.
 */
__u64 tcpstate_fsm_bytes(const struct tcpstate_pair *pair, enum tcpstate_end end)
{
	bool fin = pair->letters & LETTER(TCPSTATE_LETTER_FIN, end);

	return tcpstate_fsm_spoke(pair, end) ? pair_sent(pair, end) - fin : 0;
}

/**
 * tcpstate_fsm_history() - the life of a pair in letters
 * @pair: the pair
 * @text: filled in, ends with a NUL
 */
void tcpstate_fsm_history(const struct tcpstate_pair *pair, char text[TCPSTATE_HISTORY_MAX + 1])
{
	static const char lower[] = "?shadfrcitw^", upper[] = "?SHADFRCITW^";
	unsigned int i, letter;

	for (i = 0; i < TCPSTATE_HISTORY_MAX; i++) {
		letter = pair->history >> (4 * i) & 15;
		if (!letter)
			break;
		text[i] = pair->lower >> i & 1 ? lower[letter] : upper[letter];
	}
	text[i] = '\0';
}
