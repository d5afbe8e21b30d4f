// SPDX-License-Identifier: GPL-2.0
/* Which connections, listeners or hosts one wants to see, as ss words it. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "filter.h"
#include "numbers.h"
#include "sets.h"
#include "words.h"

static const struct {
	const char *words[3];
	enum { EQUAL, AT_LEAST, AT_MOST, ABOVE, BELOW, UNEQUAL } means;
} operators[] = {
	{ { "=", "==", "eq" }, EQUAL },
	{ { ">=", "ge", "geq" }, AT_LEAST },
	{ { "<=", "le", "leq" }, AT_MOST },
	{ { ">", "gt" }, ABOVE },
	{ { "<", "lt" }, BELOW },
	{ { "!=", "ne", "neq" }, UNEQUAL },
};

/**
 * struct parser - one run over the words
 * @filter: so far
 * @at: the next word
 * @term: the word that began the term at hand
 * @negated: "not" stood before it
 * @why: what is wrong
 * @size: of @why
 */
struct parser {
	struct filter *filter;
	char **at;
	const char *term;
	bool negated;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3)))
static bool wrong(struct parser *parser, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parser->why, parser->size, format, args);
	va_end(args);
	return false;
}

static bool contradiction(struct parser *parser)
{
	return wrong(parser, "'%s' contradicts what stands before it: nothing can match",
		     parser->term);
}

static bool is(const char *word, const char *other)
{
	return word && other && !strcasecmp(word, other);
}

/* The next word, or NULL and a complaint. */
static const char *take(struct parser *parser, const char *what)
{
	if (!*parser->at) {
		wrong(parser, "'%s' needs %s after it", parser->term, what);
		return NULL;
	}
	return *parser->at++;
}

/* States. */

static bool take_set(struct parser *parser, uint32_t *set)
{
	const char *word = take(parser, "a state");
	size_t len;

	if (!word)
		return false;
	for (*set = 0;; word += len + 1) {
		uint32_t one;

		len = strcspn(word, ",");
		one = sets_state(word, len);
		if (!one)
			return wrong(parser, "'%.*s' is no state: see STATE in tcpstate(8)",
				     (int)len, word);
		*set |= one;
		if (!word[len])
			return true;
	}
}

/* Of the endpoint that @of says. */
static bool take_end_states(struct parser *parser, int of)
{
	uint32_t *states = &parser->filter->end[of].states;
	uint32_t set;

	if (!take_set(parser, &set))
		return false;
	*states &= parser->negated ? ~set : set;
	return *states || contradiction(parser);
}

/* Of neither endpoint. */
static bool take_excluded(struct parser *parser, int of)
{
	struct filter_end *end = parser->filter->end;
	uint32_t set;

	(void)of;
	if (!take_set(parser, &set))
		return false;
	end[INITIATOR].states &= ~set;
	end[RESPONDER].states &= ~set;
	return (end[INITIATOR].states && end[RESPONDER].states) || contradiction(parser);
}

/* Of either endpoint. */
static bool take_states(struct parser *parser, int of)
{
	struct filter *filter = parser->filter;
	uint32_t set;

	if (parser->negated)
		return take_excluded(parser, of);
	if (!take_set(parser, &set))
		return false;
	if (filter->states != FILTER_ANY_STATE && set != FILTER_ANY_STATE)
		return wrong(parser, "'%s' stands twice: say A,B or sstate and dstate",
			     parser->term);
	filter->states &= set;
	return true;
}

/* Addresses and ports. */

static bool narrow_ports(struct parser *parser, int of, uint64_t first, uint64_t last)
{
	struct filter_end *end = &parser->filter->end[of];

	if (first > end->first)
		end->first = first;
	if (last < end->last)
		end->last = last;
	return end->first <= end->last || contradiction(parser);
}

static bool narrow_family(struct parser *parser, int family, const char *word)
{
	if (parser->filter->family && parser->filter->family != family)
		return wrong(parser, "'%s' contradicts what demands IPv%d: nothing can match",
			     word, family == AF_INET ? 6 : 4);
	parser->filter->family = family;
	return true;
}

bool filter_has_place(const struct filter *filter, enum end end)
{
	return filter->end[end].len || filter->end[end].first ||
	       filter->end[end].last < UINT16_MAX;
}

bool filter_is_there(const struct filter_end *end, const uint8_t *addr, uint8_t len,
		     uint16_t port)
{
	return port >= end->first && port <= end->last &&
	       (!end->len || (end->len == len &&
			      filter_same_prefix(end->addr, addr, end->prefix)));
}

bool filter_same_prefix(const uint8_t *one, const uint8_t *other, unsigned int bits)
{
	uint8_t mask = ~(0xff >> bits % 8);

	return !memcmp(one, other, bits / 8) &&
	       (!mask || !((one[bits / 8] ^ other[bits / 8]) & mask));
}

static bool narrow_prefix(struct parser *parser, int of, const struct filter_end *to)
{
	struct filter_end *end = &parser->filter->end[of];
	unsigned int common = end->prefix < to->prefix ? end->prefix : to->prefix;

	if (end->len && !filter_same_prefix(end->addr, to->addr, common))
		return contradiction(parser);
	if (end->len && end->prefix >= to->prefix)
		return true;
	memcpy(end->addr, to->addr, sizeof(end->addr));
	end->len = to->len;
	end->prefix = to->prefix;
	return true;
}

/* How far the address at the beginning of a word goes, brackets and all. */
static size_t address_len(const char *word)
{
	const char *colon = strchr(word, ':');

	if (*word == '[')
		return strcspn(word, "]") + !!strchr(word, ']');
	/* Two colons and more are IPv6's own. */
	if (colon && strchr(colon + 1, ':'))
		return strcspn(word, "/");
	return strcspn(word, ":/");
}

/* ADDR[/LEN][:PORTS], or :PORTS alone. */
static bool take_prefix(struct parser *parser, int of)
{
	struct filter_end end = {};
	const char *word = take(parser, "an address");
	char address[INET6_ADDRSTRLEN];
	uint64_t first, last, bits;
	const char *rest;
	bool bracketed;
	size_t len;
	int family;

	if (is(word, "=") || is(word, "==") || is(word, "eq"))
		word = take(parser, "an address");
	if (!word)
		return false;
	len = address_len(word);
	rest = word + len;
	if (len) {
		bracketed = *word == '[';
		len -= 2 * bracketed;
		if (len >= sizeof(address))
			goto malformed;
		memcpy(address, word + bracketed, len);
		address[len] = '\0';
		family = memchr(address, ':', len) ? AF_INET6 : AF_INET;
		if ((bracketed && (family == AF_INET || rest[-1] != ']')) ||
		    inet_pton(family, address, end.addr) != 1)
			goto malformed;
		end.len = family == AF_INET ? 4 : 16;
		bits = end.len * 8;
		if (*rest == '/')
			rest = numbers_digits(rest + 1, bits, &bits);
		if (!rest)
			goto malformed;
		end.prefix = bits;
		if (!narrow_family(parser, family, word) || !narrow_prefix(parser, of, &end))
			return false;
	}
	if (!*rest && len)
		return true;
	if (*rest == ':' && numbers_ports(rest, &first, &last))
		return narrow_ports(parser, of, first, last);
malformed:
	return wrong(parser, "'%s' is no address: '%s' takes ADDR[/LEN][:PORT], [IPV6]:PORT",
		     word, parser->term);
}

static bool take_ports(struct parser *parser, int of)
{
	const char *word = take(parser, "a port");
	int means = EQUAL;
	uint64_t first, last;

	for (size_t i = 0; word && i < sizeof(operators) / sizeof(*operators); i++) {
		const char *const *words = operators[i].words;

		if (!is(word, words[0]) && !is(word, words[1]) && !is(word, words[2]))
			continue;
		means = operators[i].means;
		if (means == UNEQUAL)
			return wrong(parser, "'%s' cannot be said of a port", word);
		word = take(parser, "a port");
		break;
	}
	if (!word)
		return false;
	if (!numbers_ports(word, &first, &last))
		return wrong(parser, "'%s' is no port: '%s' takes a number up to 65535, or N-M",
			     word, parser->term);
	if (means != EQUAL && first != last)
		return wrong(parser, "'%s' is a range: with an operator '%s' takes one port",
			     word, parser->term);
	switch (means) {
	case AT_LEAST:
		return narrow_ports(parser, of, first, UINT16_MAX);
	case AT_MOST:
		return narrow_ports(parser, of, 0, first);
	case ABOVE:
		return first < UINT16_MAX ? narrow_ports(parser, of, first + 1, UINT16_MAX) :
					    contradiction(parser);
	case BELOW:
		return first ? narrow_ports(parser, of, 0, first - 1) : contradiction(parser);
	default:
		return narrow_ports(parser, of, first, last);
	}
}

/* The address of a host, which has no port. */
static bool take_host(struct parser *parser, int of)
{
	const struct filter_end *end = &parser->filter->end[of];

	if (!take_prefix(parser, of))
		return false;
	if (end->first || end->last < UINT16_MAX)
		return wrong(parser, "'%s' takes no port", parser->term);
	return true;
}

/* Verdicts. */

static const char *name_of(enum filter_kind kind)
{
	return kind == FILTER_LISTENERS ? "listeners" : kind == FILTER_HOSTS ? "hosts" :
	       kind == FILTER_ALERTS ? "alerts" : "connections";
}

/* Those that what is wanted can be under. */
static uint32_t verdicts_of(enum filter_kind kind)
{
	return kind == FILTER_LISTENERS ? FILTER_ANY_VERDICT & ~FILTER_HOST_VERDICTS :
	       kind == FILTER_HOSTS ? FILTER_HOST_VERDICTS : FILTER_ANY_VERDICT;
}

static bool take_verdicts(struct parser *parser, int of)
{
	const char *word = take(parser, "a verdict");
	struct filter *filter = parser->filter;
	uint32_t set = 0;
	size_t len;

	(void)of;
	if (!word)
		return false;
	for (;; word += len + 1) {
		uint32_t one;

		len = strcspn(word, ",");
		one = sets_verdict(word, len) & verdicts_of(filter->kind);
		if (!one)
			return wrong(parser, "'%.*s' is no verdict of %s: see tcpstate(8)",
				     (int)len, word, name_of(filter->kind));
		set |= one;
		if (!word[len])
			break;
	}
	filter->verdicts &= parser->negated ? ~set : set;
	return filter->verdicts || contradiction(parser);
}

/* Durations and flags, in the member at @of. */

static bool take_duration(struct parser *parser, int of)
{
	uint64_t *least = (uint64_t *)((char *)parser->filter + of);
	const char *word = take(parser, "a duration");
	uint64_t ms;

	if (!word)
		return false;
	if (numbers_duration(word, &ms)) {
		if (*least < ms)
			*least = ms;
		return true;
	}
	return wrong(parser, "'%s' is no duration: '%s' takes a number with ms, s, m, h or d",
		     word, parser->term);
}

static bool take_flag(struct parser *parser, int of)
{
	enum filter_flag *flag = (enum filter_flag *)((char *)parser->filter + of);
	enum filter_flag want = parser->negated ? FILTER_NO : FILTER_YES;

	if (*flag != FILTER_EITHER && *flag != want)
		return contradiction(parser);
	*flag = want;
	return true;
}

/* Terms. */

#define LISTENERS (FILTER_LISTENERS | FILTER_ALERTS)
#define HOSTS	  (FILTER_HOSTS | FILTER_ALERTS)

/**
 * struct term - of a filter
 * @word: that begins it
 * @kinds: of filters that may have it
 * @take: takes what follows the word
 * @of: for @take
 * @negatable: may have "not" before it
 */
static const struct term {
	const char *word;
	unsigned int kinds;
	bool (*take)(struct parser *parser, int of);
	int of;
	bool negatable;
} terms[] = {
	{ "state",	FILTER_FLOWS,	take_states,		0,		true },
	{ "exclude",	FILTER_FLOWS,	take_excluded,		0,		false },
	{ "sstate",	FILTER_FLOWS,	take_end_states,	INITIATOR,	true },
	{ "dstate",	FILTER_FLOWS,	take_end_states,	RESPONDER,	true },
	{ "src",	FILTER_FLOWS,	take_prefix,		INITIATOR,	false },
	{ "dst",	FILTER_FLOWS | LISTENERS, take_prefix,	RESPONDER,	false },
	{ "host",	HOSTS,		take_host,		INITIATOR,	false },
	{ "sport",	FILTER_FLOWS,	take_ports,		INITIATOR,	false },
	{ "dport",	FILTER_FLOWS | LISTENERS, take_ports,	RESPONDER,	false },
	{ "verdict",	LISTENERS | HOSTS, take_verdicts,	0,		true },
	{ "older",	FILTER_FLOWS,	take_duration,	offsetof(struct filter, min_age), false },
	{ "idle",	FILTER_FLOWS,	take_duration,	offsetof(struct filter, min_idle), false },
	{ "picked-up",	FILTER_FLOWS,	take_flag,	offsetof(struct filter, picked_up), true },
	{ "one-sided",	FILTER_FLOWS,	take_flag,	offsetof(struct filter, one_sided), true },
};

static bool take_term(struct parser *parser)
{
	const char *word = *parser->at++;

	parser->term = word;
	parser->negated = is(word, "not");
	if (parser->negated) {
		word = take(parser, "a term");
		if (!word)
			return false;
	}
	parser->term = word;
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		if (!is(word, terms[i].word))
			continue;
		if (!(terms[i].kinds & parser->filter->kind))
			return wrong(parser, "'%s' is nothing to ask of %s: see tcpstate(8)", word,
				     name_of(parser->filter->kind));
		if (parser->negated && !terms[i].negatable)
			return wrong(parser, "'%s' cannot have 'not' before it", word);
		return terms[i].take(parser, terms[i].of);
	}
	return wrong(parser, "'%s' is no filter: see tcpstate --help", word);
}

static bool take_terms(struct parser *parser)
{
	const struct filter *filter = parser->filter;

	while (*parser->at) {
		if (!take_term(parser))
			return false;
		if (!is(*parser->at, "and"))
			continue;
		parser->term = *parser->at++;
		if (!*parser->at)
			return wrong(parser, "'%s' needs a term after it", parser->term);
	}
	if (!(filter->states & (filter->end[INITIATOR].states | filter->end[RESPONDER].states)))
		return wrong(parser, "'state' contradicts other states: nothing can match");
	if (filter->kind == FILTER_ALERTS && filter_has_place(filter, INITIATOR) &&
	    filter_has_place(filter, RESPONDER))
		return wrong(parser, "'host' contradicts 'dst' and 'dport': nothing can match");
	return true;
}

bool filter_parse(struct filter *filter, enum filter_kind kind, int family, char *const *words,
		  char *why, size_t size)
{
	struct parser parser = { .filter = filter, .why = why, .size = size };
	char **divided = words_divide(words);
	bool parsed;

	*filter = (struct filter){
		.kind = kind,
		.verdicts = verdicts_of(kind),
		.family = family,
		.states = FILTER_ANY_STATE,
	};
	for (int end = 0; end < ENDS; end++) {
		filter->end[end].last = UINT16_MAX;
		filter->end[end].states = FILTER_ANY_STATE;
	}
	if (!divided)
		return wrong(&parser, "out of memory");
	parser.at = divided;
	parsed = take_terms(&parser);
	free(divided);
	return parsed;
}
