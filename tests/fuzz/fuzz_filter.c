// SPDX-License-Identifier: GPL-2.0
/*
 * The tool's filter, given any words. What it takes for a filter is one that the
 * module takes too, every complaint is one line, and what was said twice was said once.
 *
 * An input is what is filtered, and then lines, each an argument.
 */
#include <arpa/inet.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "filter.h"
#include "fuzz.h"
#include "message.h"

#define WORDS	32
#define ROOM	1024

static const int families[4] = { 0, AF_INET, AF_INET6, 0 };

static void check_end(const struct filter_end *end, int family)
{
	MUST(end->len == 0 || end->len == 4 || end->len == 16);
	MUST(end->prefix <= end->len * 8);
	MUST(!end->len || family == (end->len == 4 ? AF_INET : AF_INET6));
	MUST(end->first <= end->last);
	MUST(end->states && !(end->states & ~FILTER_ANY_STATE));
	MUST(filter_is_there(end, end->addr, end->len, end->first));
}

static void check(const struct filter *filter, enum filter_kind kind, int family)
{
	char buffer[ROOM] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	MUST(filter->kind == kind);
	MUST(filter->family == 0 || filter->family == AF_INET || filter->family == AF_INET6);
	MUST(!family || filter->family == family);
	MUST(filter->states && !(filter->states & ~FILTER_ANY_STATE));
	MUST(filter->states & (filter->end[INITIATOR].states | filter->end[RESPONDER].states));
	MUST(filter->verdicts && !(filter->verdicts & ~FILTER_ANY_VERDICT));
	check_end(&filter->end[INITIATOR], filter->family);
	check_end(&filter->end[RESPONDER], filter->family);

	if (kind != FILTER_FLOWS)
		return;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	MUST(message_filter(nlh, sizeof(buffer), filter));
	MUST(nlh->nlmsg_len <= sizeof(buffer));
}

static void check_complaint(const char *why)
{
	MUST(*why);
	MUST(!strchr(why, '\n') || strlen(why) == 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[256] = "", *words[2 * WORDS + 1], *text;
	struct filter filter, twice;
	struct input input = { data, size };
	unsigned int shape = input_u8(&input), n = 0;
	enum filter_kind kind = 1 << (shape & 3);
	int family = families[shape >> 2 & 3];

	text = malloc(input.left + 1);
	memcpy(text, input.at, input.left);
	text[input.left] = '\0';
	for (char *word = strtok(text, "\n"); word && n < WORDS; word = strtok(NULL, "\n"))
		words[n++] = word;
	words[n] = NULL;

	memset(&filter, 0xee, sizeof(filter));
	if (filter_parse(&filter, kind, family, words, why, sizeof(why))) {
		check(&filter, kind, family);
		memcpy(words + n, words, n * sizeof(*words));
		words[2 * n] = NULL;
		if (filter_parse(&twice, kind, family, words, why, sizeof(why)))
			MUST(!memcmp(&filter, &twice, sizeof(filter)));
	} else {
		check_complaint(why);
	}
	free(text);
	return 0;
}
