// SPDX-License-Identifier: GPL-2.0
/* The ladder diagram of the textbooks. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "ladder.h"

#define WIDTH	80	/* of a line */
#define STATE	11	/* of a state's name */
#define CLOCK	11	/* of a time stamp, and the blank behind it */
#define SECOND	1000000000ull
/* At either end of an arrow, whatever is written on it. */
#define TIP	3

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define PSH	0x08
#define ACK	0x10
#define URG	0x20
#define ECE	0x40
#define CWR	0x80

/* In the order in which they are written; ACK has a place of its own. */
static const struct {
	uint8_t bit;
	const char *name;
} flags[] = {
	{ SYN, "SYN" }, { FIN, "FIN" }, { RST, "RST" }, { PSH, "PSH" }, { URG, "URG" },
	{ ECE, "ECE" }, { CWR, "CWR" },
};

/* A textbook's names of the initial sequence numbers. */
static const char iss_name[ENDS] = { 'J', 'K' };

/**
 * struct words - what is written on an arrow
 * @text: words behind each other, each with its end; within one no line is broken
 * @len: octets of @text
 */
struct words {
	char text[512];
	size_t len;
};

__attribute__((format(printf, 2, 3)))
static void add(struct words *words, const char *format, ...)
{
	size_t room = sizeof(words->text) - words->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(words->text + words->len, room, format, args);
	va_end(args);
	/* A word too many is left out whole. */
	if (len >= 0 && (size_t)len < room)
		words->len += len + 1;
}

void ladder_begin(struct ladder *ladder, FILE *to, bool colour, bool timestamps)
{
	*ladder = (struct ladder){ .to = to, .colour = colour, .timestamps = timestamps };
}

/* Lines between the two columns. */

static int inner(const struct ladder *ladder)
{
	return WIDTH - 2 * (STATE + 2) - (ladder->timestamps ? CLOCK : 0);
}

static void margin(const struct ladder *ladder)
{
	fprintf(ladder->to, "%*s", STATE + 1 + (ladder->timestamps ? CLOCK : 0), "");
}

/* Text in the middle. */
__attribute__((format(printf, 2, 3)))
static void between(const struct ladder *ladder, const char *format, ...)
{
	int width = inner(ladder), len;
	char text[WIDTH];
	va_list args;

	va_start(args, format);
	vsnprintf(text, width + 1, format, args);
	va_end(args);
	len = strlen(text);
	margin(ladder);
	fprintf(ladder->to, "|%*s%*s|\n", (width - len) / 2 + len, text,
		width - len - (width - len) / 2, "");
}

static void print_state(const struct ladder *ladder, uint8_t state, int width)
{
	const char *name = states[state].name;

	fprintf(ladder->to, ladder->colour ? "\033[%sm%s\033[0m%*s" : "%s%s%*s",
		ladder->colour ? states[state].colour : "", name,
		width ? width - (int)strlen(name) : 0, "");
}

/* As exactly as it fits. */
static void print_clock(const struct ladder *ladder, uint64_t time)
{
	uint64_t since = time > ladder->begun ? time - ladder->begun : 0;
	int digits = since < 1000 * SECOND ? 6 : since < 1000000 * SECOND ? 3 : 0;

	fprintf(ladder->to, "%*.*f ", CLOCK - 1, digits, since / (double)SECOND);
}

/* A connection's heading. */

static void print_name(const struct segment *segment, enum end end, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(segment->family, segment->end[end].addr, address, sizeof(address));
	snprintf(text, size, segment->family == AF_INET ? "%s:%u" : "[%s]:%u", address,
		 segment->end[end].port);
}

static void print_heading(struct ladder *ladder, const struct segment *segment)
{
	char one[INET6_ADDRSTRLEN + 8], other[INET6_ADDRSTRLEN + 8];

	print_name(segment, INITIATOR, one, sizeof(one));
	print_name(segment, RESPONDER, other, sizeof(other));
	if (ladder->current)
		fputc('\n', ladder->to);
	if (strlen(one) + strlen(other) + 2 <= WIDTH)
		fprintf(ladder->to, "%s%*s\n", one, WIDTH - (int)strlen(one), other);
	else
		fprintf(ladder->to, "%s\n%*s\n", one, WIDTH, other);
}

/* What is remembered of a connection. */

static bool is_of(const struct ladder_slot *slot, const struct segment *segment)
{
	if (slot->family != segment->family)
		return false;
	for (int end = 0; end < ENDS; end++)
		if (slot->end[end].port != segment->end[end].port ||
		    memcmp(slot->end[end].addr, segment->end[end].addr, segment->end[end].len))
			return false;
	return true;
}

static struct ladder_slot *find_slot(struct ladder *ladder, const struct segment *segment)
{
	uint32_t hash = 2166136261u;
	struct ladder_slot *slot;

	for (int end = 0; end < ENDS; end++) {
		for (int i = 0; i < segment->end[end].len; i++)
			hash = (hash ^ segment->end[end].addr[i]) * 16777619;
		hash = (hash ^ segment->end[end].port) * 16777619;
	}
	slot = &ladder->slots[(hash ^ hash >> 16) % LADDER_SLOTS];
	if (!is_of(slot, segment)) {
		*slot = (struct ladder_slot){ .family = segment->family };
		memcpy(slot->end, segment->end, sizeof(slot->end));
	}
	return slot;
}

/* What is written on an arrow. */

static bool is_refused(const struct segment *segment)
{
	for (int i = 0; i < TCPSTATE_FACT_MAX; i++)
		if (segment->facts >> i & 1 && facts[i].refused)
			return true;
	return false;
}

/*
 * A number of one endpoint's, as J+n; as it is where its initial one is not
 * known. What was refused may lie before that.
 */
static void number_text(const struct ladder_slot *slot, enum end end, uint32_t number,
			bool refused, char *text, size_t size)
{
	uint32_t n = number - slot->iss[end];

	if (!slot->told[end])
		snprintf(text, size, "%u", number);
	else if (!n)
		snprintf(text, size, "%c", iss_name[end]);
	else if (refused && n > INT32_MAX)
		snprintf(text, size, "%c-%u", iss_name[end], -n);
	else
		snprintf(text, size, "%c+%u", iss_name[end], n);
}

/* Takes note of an initial sequence number, and says whether that is news. */
static bool learn(struct ladder_slot *slot, enum end end, uint32_t iss)
{
	if (slot->told[end] && slot->iss[end] == iss)
		return false;
	slot->iss[end] = iss;
	slot->told[end] = true;
	return true;
}

static void add_segment(struct words *words, struct ladder_slot *slot,
			const struct segment *segment)
{
	enum end from = segment->from, to = !segment->from;
	bool refused = is_refused(segment), news[ENDS] = {};
	bool odd = refused || segment->facts >> TCPSTATE_FACT_KEEPALIVE & 1;
	char names[64] = "", number[16], end[20];
	size_t len = 0;

	/* What proves nothing tells no initial number, nor does a RST of who never spoke. */
	if (!refused && !(segment->flags & RST)) {
		if (slot->ended)
			memset(slot->told, 0, sizeof(slot->told));
		slot->ended = false;
		news[from] = learn(slot, from, segment->number - segment->relative_number);
		/* Who only listens has none to acknowledge. */
		if (segment->flags & ACK && segment->end[to].state != TCPSTATE_LISTEN)
			news[to] = learn(slot, to, segment->ack - segment->relative_ack);
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (segment->flags & flags[i].bit)
			len += snprintf(names + len, sizeof(names) - len, "%s%s",
					len ? "," : "", flags[i].name);
	number_text(slot, from, segment->number, refused, number, sizeof(number));
	*end = '\0';
	if (segment->length)
		snprintf(end, sizeof(end), " len %u", segment->length);
	if (len)
		add(words, "%s", names);
	if (len || segment->length || odd)
		add(words, "%s%s%s", number, end, segment->flags & ACK ? "," : "");
	if (segment->flags & ACK) {
		number_text(slot, to, segment->ack, refused, number, sizeof(number));
		add(words, "ACK %s", number);
	}
	for (int i = 0; i < ENDS; i++)
		if (news[i])
			add(words, "(%c=%u)", iss_name[i], slot->iss[i]);
}

static void add_facts(struct words *words, const struct segment *segment)
{
	if (segment->count > 1)
		add(words, "[%u segments]", segment->count);
	for (int i = 0; i < TCPSTATE_FACT_MAX; i++)
		if (segment->facts >> i & 1)
			add(words, "[%s]", facts[i].word);
}

/* As many words as fit into a line of this width, divided by blanks; one at least. */
static void take_line(struct words *words, char *line, int width)
{
	size_t len = 0;

	while (words->len) {
		size_t size = strlen(words->text) + 1;

		if (len && len + size > (size_t)width)
			break;
		len += snprintf(line + len, WIDTH - len, "%s%.*s", len ? " " : "", width,
				words->text);
		words->len -= size;
		memmove(words->text, words->text + size, words->len);
	}
}

/* An arrow with text on it; one that was refused is broken, and has no point. */
static void print_arrow(const struct ladder *ladder, enum end from, bool refused,
			const char *text)
{
	int width = inner(ladder), len = strlen(text);
	char arrow[WIDTH];

	/* Behind the text dashes begin anew. */
	for (int i = 0; i < width; i++)
		arrow[i] = refused && (i < TIP ? i : i + len + 1) % 2 ? ' ' : '-';
	arrow[width] = '\0';
	if (from == INITIATOR)
		arrow[width - 1] = refused ? 'x' : '>';
	else
		arrow[0] = refused ? 'x' : '<';
	arrow[TIP] = ' ';
	memcpy(arrow + TIP + 1, text, len);
	arrow[TIP + 1 + len] = ' ';
	fputs(arrow, ladder->to);
}

void ladder_segment(struct ladder *ladder, const struct segment *segment)
{
	int room = inner(ladder) - 2 * TIP - 2;
	const struct ladder_slot *heading = ladder->current;
	struct words words = {};
	struct ladder_slot *slot;
	char line[WIDTH] = "";
	uint64_t since;

	if (heading && !is_of(heading, segment))
		heading = NULL;
	slot = find_slot(ladder, segment);
	if (!heading)
		print_heading(ladder, segment);
	ladder->current = slot;
	if (!ladder->begun)
		ladder->begun = segment->time;
	since = slot->time && segment->time > slot->time ? segment->time - slot->time : 0;
	if (since > SECOND)
		between(ladder, "... %llu.%llu s ...", (unsigned long long)(since / SECOND),
			(unsigned long long)(since % SECOND / (SECOND / 10)));
	slot->time = segment->time;

	add_segment(&words, slot, segment);
	add_facts(&words, segment);
	for (;;) {
		take_line(&words, line, room);
		if (!words.len)
			break;
		margin(ladder);
		fprintf(ladder->to, "|%*s%-*s|\n", TIP + 1, "", inner(ladder) - TIP - 1, line);
	}
	if (ladder->timestamps)
		print_clock(ladder, segment->time);
	print_state(ladder, segment->end[INITIATOR].state, STATE);
	fputs(" |", ladder->to);
	print_arrow(ladder, segment->from, is_refused(segment), line);
	fputs("| ", ladder->to);
	print_state(ladder, segment->end[RESPONDER].state, 0);
	fputc('\n', ladder->to);
	if (segment->reason) {
		between(ladder, "* ended: %s *", reasons[segment->reason]);
		slot->ended = true;
	}
}

void ladder_lost(struct ladder *ladder, uint64_t count)
{
	fprintf(ladder->to, "*** %llu segments lost ***\n", (unsigned long long)count);
}
