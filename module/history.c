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
	return pair->letters & history_speech(end);
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

static bool told(const struct tcpstate_pair *pair, enum tcpstate_end end,
		 enum tcpstate_letter letter)
{
	return pair->letters & LETTER(letter, end);
}

/**
 * tcpstate_fsm_closed_by() - which endpoint ended the connection
 * @pair: the pair of a record that ended by FIN, RST or refusal
 *
 * Return: the sender of the RST; where there was none, of the first FIN.
 */
enum tcpstate_by tcpstate_fsm_closed_by(const struct tcpstate_pair *pair)
{
	enum tcpstate_letter letter = TCPSTATE_LETTER_RST;
	unsigned int i;

	if (!told(pair, TCPSTATE_INITIATOR, letter) && !told(pair, TCPSTATE_RESPONDER, letter))
		letter = TCPSTATE_LETTER_FIN;
	for (i = 0; i < TCPSTATE_HISTORY_MAX; i++)
		if ((pair->history >> (4 * i) & 15) == letter)
			return tcpstate_by(pair->lower >> i & 1);
	return TCPSTATE_BY_NONE;
}

/**
 * tcpstate_fsm_conn_state() - Zeek's name for how a connection ended
 * @pair: the pair
 * @state: the endpoints' states just before the end
 *
 * Return: one of Zeek's conn_state values, see inference.md.
 */
const char *tcpstate_fsm_conn_state(const struct tcpstate_pair *pair, const __u8 state[2])
{
	const enum tcpstate_end i = TCPSTATE_INITIATOR, r = TCPSTATE_RESPONDER;
	bool halfopen = tcpstate_fsm_half(state);
	bool fin_i = told(pair, i, TCPSTATE_LETTER_FIN), fin_r = told(pair, r, TCPSTATE_LETTER_FIN);
	bool spoke_i = tcpstate_fsm_spoke(pair, i), spoke_r = tcpstate_fsm_spoke(pair, r);
	bool syn = told(pair, i, TCPSTATE_LETTER_SYN);
	bool synack = told(pair, r, TCPSTATE_LETTER_SYNACK);

	if (fin_i && fin_r)
		return "SF";
	if (told(pair, r, TCPSTATE_LETTER_RST)) {
		if (!spoke_i || (!syn && halfopen))
			return "RSTRH";
		return halfopen ? "REJ" : "RSTR";
	}
	if (told(pair, i, TCPSTATE_LETTER_RST))
		return spoke_r ? "RSTO" : "RSTOS0";
	if (fin_i)
		return spoke_r ? "S2" : "SH";
	if (fin_r)
		return spoke_i ? "S3" : "SHR";
	if (!spoke_r)
		return "S0";
	if (state[0] == TCPSTATE_ESTABLISHED && state[1] == TCPSTATE_ESTABLISHED && (syn || synack))
		return "S1";
	return "OTH";
}
