/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which connections, listeners or hosts one wants to see, as ss words it. The grammar
 * is in tcpstate(8). Every term narrows the filter; what would leave nothing is an
 * error, for nobody asks for nothing.
 */
#ifndef _TCPSTATE_FILTER_H
#define _TCPSTATE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

/* Sets of states have bit 1 << enum tcpstate_state. */
#define FILTER_ANY_STATE ((uint32_t)(1u << __TCPSTATE_STATE_MAX) - (1u << 1))

/* What is wanted, which decides on the words: each has its own. */
enum filter_kind {
	FILTER_FLOWS = 1,
	FILTER_LISTENERS = 2,
	FILTER_HOSTS = 4,
	FILTER_ALERTS = 8,
};

/* Sets of verdicts have bit 1 << enum tcpstate_verdict. */
#define FILTER_HOST_VERDICTS \
	(1u << TCPSTATE_VERDICT_SCAN | 1u << TCPSTATE_VERDICT_REFLECTION_VICTIM)
#define FILTER_ANY_VERDICT ((uint32_t)(1u << __TCPSTATE_VERDICT_MAX) - (1u << 1))

enum filter_flag { FILTER_EITHER, FILTER_YES, FILTER_NO };

/**
 * struct filter_end - of one endpoint
 * @addr: in network order
 * @len: how many octets, 0 where any address will do
 * @prefix: how many bits of it count
 * @first: port, in host order
 * @last: likewise, of the range
 * @states: set
 */
struct filter_end {
	uint8_t addr[16];
	uint8_t len;
	uint8_t prefix;
	uint16_t first;
	uint16_t last;
	uint32_t states;
};

/**
 * struct filter - what is wanted must pass all of it
 * @kind: what that is; of a listener the end is RESPONDER, of a host INITIATOR
 * @verdicts: set
 * @family: AF_INET, AF_INET6, or 0 for either
 * @states: set, of either endpoint
 * @min_age: milliseconds, like @min_idle
 */
struct filter {
	enum filter_kind kind;
	uint32_t verdicts;
	int family;
	struct filter_end end[ENDS];
	uint32_t states;
	uint64_t min_age;
	uint64_t min_idle;
	enum filter_flag picked_up;
	enum filter_flag one_sided;
};

/**
 * filter_parse() - words to a filter
 * @filter: filled in
 * @kind: of what
 * @family: AF_INET, AF_INET6, or 0: what the options demand
 * @words: ended by NULL; a word may hold several, divided by blanks
 * @why: where it fails, one line that names the word at fault
 * @size: of @why
 *
 * Return: whether the words are a filter.
 */
bool filter_parse(struct filter *filter, enum filter_kind kind, int family, char *const *words,
		  char *why, size_t size);

/* Does it ask for a place of this end, address or port? */
bool filter_has_place(const struct filter *filter, enum end end);

/* Is an endpoint at the place that is asked for? @len is of @addr, in octets. */
bool filter_is_there(const struct filter_end *end, const uint8_t *addr, uint8_t len,
		     uint16_t port);

/* Whether two addresses have so many bits in common. */
bool filter_same_prefix(const uint8_t *one, const uint8_t *other, unsigned int bits);

#endif /* _TCPSTATE_FILTER_H */
