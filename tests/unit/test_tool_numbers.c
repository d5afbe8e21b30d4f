// SPDX-License-Identifier: GPL-2.0
/* Times as the tool's text has them: one form, whatever unit they are kept in. */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "ktap.h"
#include "numbers.h"

#define SECOND UINT64_C(1000000)

static const struct {
	uint64_t us;
	const char *text;
} times[] = {
	{ 0, "0ms" }, { 1, "1us" }, { 999, "999us" }, { 1000, "1ms" }, { 1024, "1ms" },
	{ 4096, "4ms" }, { 16384, "16.3ms" }, { 250000, "250ms" }, { 999999, "999.9ms" },
	{ SECOND, "1.0s" }, { 1290000, "1.2s" }, { 60 * SECOND - 1, "59.9s" },
	{ 60 * SECOND, "1m00s" }, { 185 * SECOND, "3m05s" }, { 3600 * SECOND - 1, "59m59s" },
	{ 3600 * SECOND, "1h00m" }, { 7800 * SECOND, "2h10m" }, { 86400 * SECOND, "1d00h" },
	{ (4 * 86400 + 7 * 3600) * SECOND, "4d07h" }, { UINT64_MAX, "213503982d08h" },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char text[32];

		numbers_time(times[i].us, text, sizeof(text));
		if (!ok(!strcmp(text, times[i].text), "%" PRIu64 " us are %s", times[i].us,
			times[i].text))
			diag("saw %s", text);
	}
	return done();
}
