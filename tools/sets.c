// SPDX-License-Identifier: GPL-2.0
/* Words for sets of states and of verdicts. */
#include <ctype.h>
#include <string.h>

#include "filter.h"
#include "sets.h"

#define BIT(number) (1u << (number))

/* Sets beside the kernel's names of states, in ss's words and with ss's meanings. */
static const struct {
	const char *name;
	uint32_t set;
} state_sets[] = {
	{ "syn-rcv", BIT(TCPSTATE_SYN_RECV) },
	{ "fin-wait-1", BIT(TCPSTATE_FIN_WAIT1) },
	{ "fin-wait-2", BIT(TCPSTATE_FIN_WAIT2) },
	{ "closed", BIT(TCPSTATE_CLOSE) },
	{ "unconnected", BIT(TCPSTATE_CLOSE) },
	{ "listening", BIT(TCPSTATE_LISTEN) },
	{ "all", FILTER_ANY_STATE },
	{ "connected", FILTER_ANY_STATE & ~(BIT(TCPSTATE_CLOSE) | BIT(TCPSTATE_LISTEN)) },
	{ "synchronized", FILTER_ANY_STATE & ~(BIT(TCPSTATE_CLOSE) | BIT(TCPSTATE_LISTEN) |
					       BIT(TCPSTATE_SYN_SENT)) },
	{ "bucket", BIT(TCPSTATE_SYN_RECV) | BIT(TCPSTATE_TIME_WAIT) },
	{ "big", FILTER_ANY_STATE & ~(BIT(TCPSTATE_SYN_RECV) | BIT(TCPSTATE_TIME_WAIT)) },
};

static const struct {
	const char *name;
	uint32_t set;
} verdict_sets[] = {
	{ "flood", BIT(TCPSTATE_VERDICT_FLOOD_SPOOFED) | BIT(TCPSTATE_VERDICT_FLOOD_FEW) },
};

/* Is a word, of which so many octets count, a name? '-' and '_' are one. */
static bool is(const char *word, size_t len, const char *name)
{
	if (strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char one = word[i] == '-' ? '_' : word[i], other = name[i] == '-' ? '_' : name[i];

		if (tolower((unsigned char)one) != tolower((unsigned char)other))
			return false;
	}
	return true;
}

uint32_t sets_state(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(state_sets) / sizeof(*state_sets); i++)
		if (is(word, len, state_sets[i].name))
			return state_sets[i].set;
	for (int i = 1; i <= TCPSTATE_STATE_MAX; i++)
		if (is(word, len, states[i].name))
			return BIT(i);
	return 0;
}

uint32_t sets_verdict(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(verdict_sets) / sizeof(*verdict_sets); i++)
		if (is(word, len, verdict_sets[i].name))
			return verdict_sets[i].set;
	for (int i = 1; i <= TCPSTATE_VERDICT_MAX; i++)
		if (is(word, len, verdicts[i].name))
			return BIT(i);
	return 0;
}
