// SPDX-License-Identifier: GPL-2.0
/* The ladder diagram: lives of connections, and what is drawn of them. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ktap.h"
#include "ladder.h"

#define FACT(name) (1u << TCPSTATE_FACT_##name)
#define SECOND 1000000000ull

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

static struct ladder ladder;
static char *drawn;
static size_t size;
static uint64_t now;

static void begin(bool colour, bool timestamps)
{
	free(drawn);
	now = 1700000000 * SECOND;
	ladder_begin(&ladder, open_memstream(&drawn, &size), colour, timestamps);
}

/* Is that what was drawn? */
static bool drew(const char *expected)
{
	fclose(ladder.to);
	if (!strcmp(drawn, expected))
		return true;
	for (char *line = drawn; *line; line += strcspn(line, "\n") + 1)
		diag("drawn:  %.*s", (int)strcspn(line, "\n"), line);
	return false;
}

/* No line is longer, and none has blanks at its end. */
static bool tidy(size_t width)
{
	bool all = true;

	for (char *line = drawn; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n");

		if (len > width || (len && line[len - 1] == ' ')) {
			diag("%zu columns: %.*s", len, (int)len, line);
			all = false;
		}
	}
	return all;
}

#define J 0xfffffff0u	/* it wraps soon */
#define K 100

/* Numbers relative to J and K, 1 ms after the one before. */
static struct segment *arrow(struct segment *segment, enum end from, uint8_t flags,
			     uint32_t number, uint32_t ack, uint8_t initiator, uint8_t responder)
{
	*segment = (struct segment){
		.family = AF_INET, .from = from, .flags = flags, .time = now += 1000000,
		.relative_number = number, .relative_ack = ack, .count = 1,
		.number = (from == INITIATOR ? J : K) + number,
		.ack = (from == INITIATOR ? K : J) + ack,
		.end = {
			{ .len = 4, .port = 40000, .state = initiator },
			{ .len = 4, .port = 80, .state = responder },
		},
	};
	inet_pton(AF_INET, "10.9.1.2", segment->end[INITIATOR].addr);
	inet_pton(AF_INET, "10.9.2.2", segment->end[RESPONDER].addr);
	return segment;
}

static void draw(enum end from, uint8_t flags, uint32_t number, uint32_t ack, uint8_t initiator,
		 uint8_t responder, uint32_t length, uint32_t facts)
{
	struct segment segment;

	arrow(&segment, from, flags, number, ack, initiator, responder);
	segment.length = length;
	segment.facts = facts;
	ladder_segment(&ladder, &segment);
}

#define S(state) TCPSTATE_##state
#define GREEN "\033[32mESTABLISHED\033[0m"
#define MAGENTA "\033[35mCLOSE_WAIT\033[0m"

static void handshake(void)
{
	draw(INITIATOR, SYN, 0, 0, S(SYN_SENT), S(LISTEN), 0, 0);
	draw(RESPONDER, SYN | ACK, 0, 1, S(SYN_SENT), S(SYN_RECV), 0, 0);
	draw(INITIATOR, ACK, 1, 1, S(ESTABLISHED), S(ESTABLISHED), 0, FACT(ESTABLISHED));
}

#define HEADING \
"10.9.1.2:40000                                                       10.9.2.2:80\n"
#define HANDSHAKE HEADING \
"SYN_SENT    |--- SYN J (J=4294967280) ---------------------------->| LISTEN\n" \
"SYN_SENT    |<-- SYN K, ACK J+1 (K=100) ---------------------------| SYN_RECV\n" \
"ESTABLISHED |--- ACK K+1 [established] --------------------------->| ESTABLISHED\n"

static void a_life(void)
{
	begin(false, false);
	handshake();
	draw(INITIATOR, PSH | ACK, 1, 1, S(ESTABLISHED), S(ESTABLISHED), 4, 0);
	draw(RESPONDER, ACK, 1, 5, S(ESTABLISHED), S(ESTABLISHED), 1448, 0);
	draw(INITIATOR, FIN | ACK, 5, 1449, S(FIN_WAIT1), S(ESTABLISHED), 0, 0);
	draw(RESPONDER, ACK, 1449, 6, S(FIN_WAIT2), S(CLOSE_WAIT), 0, 0);
	draw(RESPONDER, FIN | ACK, 1449, 6, S(FIN_WAIT2), S(LAST_ACK), 0, 0);
	draw(INITIATOR, ACK, 6, 1450, S(TIME_WAIT), S(CLOSE), 0, 0);
	ok(drew(HANDSHAKE
"ESTABLISHED |--- PSH J+1 len 4, ACK K+1 -------------------------->| ESTABLISHED\n"
"ESTABLISHED |<-- K+1 len 1448, ACK J+5 ----------------------------| ESTABLISHED\n"
"FIN_WAIT1   |--- FIN J+5, ACK K+1449 ----------------------------->| ESTABLISHED\n"
"FIN_WAIT2   |<-- ACK J+6 ------------------------------------------| CLOSE_WAIT\n"
"FIN_WAIT2   |<-- FIN K+1449, ACK J+6 ------------------------------| LAST_ACK\n"
"TIME_WAIT   |--- ACK K+1450 -------------------------------------->| CLOSE\n"),
	   "a life, with numbers that wrap");
}

static void not_believed(void)
{
	begin(false, false);
	handshake();
	draw(INITIATOR, RST, 70000, 0, S(ESTABLISHED), S(ESTABLISHED), 0, FACT(INVALID_RST));
	draw(RESPONDER, ACK, -7u, 1, S(ESTABLISHED), S(ESTABLISHED), 3, FACT(OUT_OF_WINDOW));
	draw(INITIATOR, ACK, 1, 9000, S(ESTABLISHED), S(ESTABLISHED), 0, FACT(INVALID_ACK));
	draw(INITIATOR, ACK, 0, 1, S(ESTABLISHED), S(ESTABLISHED), 0, FACT(KEEPALIVE));
	draw(INITIATOR, ACK, 1, 1, S(ESTABLISHED), S(ESTABLISHED), 4,
	     FACT(DATA_RETRANS) | FACT(ZERO_WINDOW));
	ok(drew(HANDSHAKE
"ESTABLISHED |- - RST J+70000 [invalid rst] - - - - - - - - - - - -x| ESTABLISHED\n"
"ESTABLISHED |x - K-7 len 3, ACK J+1 [out of window] - - - - - - - -| ESTABLISHED\n"
"ESTABLISHED |- - J+1, ACK K+9000 [invalid ack] - - - - - - - - - -x| ESTABLISHED\n"
"ESTABLISHED |--- J, ACK K+1 [keep-alive] ------------------------->| ESTABLISHED\n"
"            |    J+1 len 4, ACK K+1 [retransmission]               |\n"
"ESTABLISHED |--- [zero window] ----------------------------------->| ESTABLISHED\n"),
	   "what is refused is a broken arrow, what is odd is said");
}

static void no_answer(void)
{
	struct segment segment;

	begin(false, false);
	draw(INITIATOR, SYN | ECE | CWR, 0, 0, S(SYN_SENT), S(LISTEN), 0, 0);
	now += 3 * SECOND + 250000000;
	draw(INITIATOR, SYN, 0, 0, S(SYN_SENT), S(LISTEN), 0, FACT(SYN_RETRANS));
	now += SECOND - 2000000;
	arrow(&segment, RESPONDER, RST | ACK, 0, 1, S(CLOSE), S(CLOSE));
	segment.number = 0;
	segment.reason = TCPSTATE_REASON_REFUSED;
	ladder_segment(&ladder, &segment);
	draw(INITIATOR, PSH | ACK, 1, 1, S(CLOSE), S(CLOSE), 2, FACT(STRAY));
	draw(INITIATOR, SYN, 0, 0, S(SYN_SENT), S(LISTEN), 0, 0);
	ok(drew(HEADING
"SYN_SENT    |--- SYN,ECE,CWR J (J=4294967280) -------------------->| LISTEN\n"
"            |                    ... 3.2 s ...                     |\n"
"SYN_SENT    |--- SYN J [retransmission] -------------------------->| LISTEN\n"
"CLOSE       |<-- RST 0, ACK J+1 -----------------------------------| CLOSE\n"
"            |                  * ended: refused *                  |\n"
"CLOSE       |- - PSH J+1 len 2, ACK 101 [stray] - - - - - - - - - x| CLOSE\n"
"SYN_SENT    |--- SYN J (J=4294967280) ---------------------------->| LISTEN\n"),
	   "who never spoke has no initial number; silence, an end, another life");
}

static void many(void)
{
	struct segment segment;

	begin(false, false);
	draw(INITIATOR, SYN, 0, 0, S(SYN_SENT), S(LISTEN), 0, 0);
	arrow(&segment, INITIATOR, SYN, 0, 0, S(SYN_SENT), S(LISTEN));
	segment.end[INITIATOR].port++;
	ladder_segment(&ladder, &segment);
	ladder_lost(&ladder, 3);
	draw(RESPONDER, SYN | ACK, 0, 1, S(SYN_SENT), S(SYN_RECV), 0, 0);
	ok(drew(HEADING
"SYN_SENT    |--- SYN J (J=4294967280) ---------------------------->| LISTEN\n"
"\n"
"10.9.1.2:40001                                                       10.9.2.2:80\n"
"SYN_SENT    |--- SYN J (J=4294967280) ---------------------------->| LISTEN\n"
"*** 3 segments lost ***\n"
"\n"
HEADING
"SYN_SENT    |<-- SYN K, ACK J+1 (K=100) ---------------------------| SYN_RECV\n"),
	   "several connections: each change has a heading, what was lost is said");
}

static void ipv6_late(void)
{
	struct segment segment;

	begin(true, true);
	arrow(&segment, RESPONDER, ACK, 1000000000, 2000000000, S(ESTABLISHED), S(CLOSE_WAIT));
	segment.family = AF_INET6;
	segment.end[INITIATOR].len = 16;
	segment.end[RESPONDER].len = 16;
	inet_pton(AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666",
		  segment.end[INITIATOR].addr);
	inet_pton(AF_INET6, "2001:db8:ffff:eeee:dddd:cccc:bbbb:aaaa",
		  segment.end[RESPONDER].addr);
	segment.length = 65000;
	segment.count = 45;
	segment.facts = FACT(DATA_RETRANS);
	ladder_segment(&ladder, &segment);
	segment.time += SECOND / 2;
	segment.facts = 0;
	segment.length = 0;
	segment.count = 1;
	ladder_segment(&ladder, &segment);
	ok(drew("[2001:db8:1111:2222:3333:4444:5555:6666]:40000\n"
"                                     [2001:db8:ffff:eeee:dddd:cccc:bbbb:aaaa]:80\n"
"                       |    K+1000000000 len 65000,                |\n"
"                       |    ACK J+2000000000 (J=4294967280)        |\n"
"                       |    (K=100) [45 segments]                  |\n"
"  0.000000 " GREEN " |<-- [retransmission] ----------------------| " MAGENTA "\n"
"  0.500000 " GREEN " |<-- ACK J+2000000000 ----------------------| " MAGENTA "\n"),
	   "IPv6, from the middle, in colour, with the time and too much to say for a line");
}

/* Whatever the numbers, lines stay lines of 80 columns. */
static void at_random(void)
{
	bool all = true;

	srandom(9293);
	for (int round = 0; round < 300; round++) {
		begin(false, round % 2);
		for (int i = 0; i < 50; i++) {
			struct segment segment;

			now += random() % (3 * SECOND);
			arrow(&segment, random() % 2, random(), random() << 1, random() << 1,
			      1 + random() % TCPSTATE_STATE_MAX, 1 + random() % TCPSTATE_STATE_MAX);
			segment.end[random() % 2].port = random();
			segment.number = random() << 1;
			segment.length = random() % 3 ? 0 : random() << 1;
			segment.count = random() % 3 ? 1 : random() << 1;
			segment.facts = random() & random() & ((1 << TCPSTATE_FACT_MAX) - 1);
			segment.reason = random() % 9 ? 0 : random() % __TCPSTATE_REASON_MAX;
			segment.time = random() % 5 ? now : random() * SECOND;
			ladder_segment(&ladder, &segment);
		}
		fclose(ladder.to);
		all = all && size > 50 * 40 && tidy(80);
	}
	ok(all, "whatever is drawn, no line is longer than 80 columns");
}

int main(void)
{
	a_life();
	not_believed();
	no_answer();
	many();
	ipv6_late();
	at_random();
	free(drawn);
	return done();
}
