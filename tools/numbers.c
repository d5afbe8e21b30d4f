// SPDX-License-Identifier: GPL-2.0
/* Words to numbers. */
#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "numbers.h"

static const struct {
	const char *suffix;
	uint64_t ms;
} units[] = {
	{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 },
};

const char *numbers_digits(const char *word, uint64_t limit, uint64_t *number)
{
	if (!isdigit((unsigned char)*word))
		return NULL;
	for (*number = 0; isdigit((unsigned char)*word); word++) {
		if (*number > (limit - (*word - '0')) / 10)
			return NULL;
		*number = *number * 10 + (*word - '0');
	}
	return word;
}

bool numbers_ports(const char *word, uint64_t *first, uint64_t *last)
{
	const char *rest = numbers_digits(word + (*word == ':'), UINT16_MAX, first);

	if (rest && *rest == '-')
		rest = numbers_digits(rest + 1, UINT16_MAX, last);
	else
		*last = *first;
	return rest && !*rest && *first <= *last;
}

bool numbers_duration(const char *word, uint64_t *ms)
{
	uint64_t number;
	const char *unit = numbers_digits(word, UINT64_MAX, &number);

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(unit, units[i].suffix) || number > UINT64_MAX / units[i].ms)
			continue;
		*ms = number * units[i].ms;
		return true;
	}
	return false;
}

void numbers_time(uint64_t us, char *text, size_t size)
{
	static const struct {
		const char *units;
		uint64_t major;		/* seconds */
		uint64_t minor;
	} scales[] = {
		{ "dh", 86400, 3600 }, { "hm", 3600, 60 }, { "ms", 60, 1 },
	};
	uint64_t s = us / 1000000, tenth = us / 100 % 10;

	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++) {
		if (s < scales[i].major)
			continue;
		snprintf(text, size, "%" PRIu64 "%c%02" PRIu64 "%c", s / scales[i].major,
			 scales[i].units[0], s % scales[i].major / scales[i].minor,
			 scales[i].units[1]);
		return;
	}
	if (s)
		snprintf(text, size, "%" PRIu64 ".%" PRIu64 "s", s, us / 100000 % 10);
	else if (us && us < 1000)
		snprintf(text, size, "%" PRIu64 "us", us);
	else if (tenth)
		snprintf(text, size, "%" PRIu64 ".%" PRIu64 "ms", us / 1000, tenth);
	else
		snprintf(text, size, "%" PRIu64 "ms", us / 1000);
}
