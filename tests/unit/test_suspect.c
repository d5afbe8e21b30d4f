// SPDX-License-Identifier: GPL-2.0
/*
 * Scanners and victims of a reflection: who is named, who is not, and that a
 * table of them is neither filled nor emptied by an outsider.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "suspect.h"

static struct tcpstate_suspects suspects;
static struct tcpstate_thresholds thresholds;
static unsigned int begins, ends;
static u32 now;
static uint64_t random_state;

static u32 any(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return random_state >> 32;
}

static u32 hash(u32 x)
{
	x = (x ^ x >> 16) * 0x7feb352d;
	x = (x ^ x >> 15) * 0x846ca68b;
	return x ^ x >> 16;
}

static void begin(enum tcpstate_verdict verdict)
{
	memset(&suspects, 0, sizeof(suspects));
	suspects.verdict = verdict;
	thresholds = TCPSTATE_THRESHOLDS;
	begins = ends = now = 0;
	random_state = 1;
}

static void charge(u32 host, u32 other)
{
	struct tcpstate_host who = { .addr[0] = host, .family = 2 };

	tcpstate_suspects_charge(&suspects, &who, hash(host), hash(other));
}

static void pardon(u32 host)
{
	struct tcpstate_host who = { .addr[0] = host, .family = 2 };

	tcpstate_suspects_pardon(&suspects, &who, hash(host));
}

static void tick(void)
{
	enum tcpstate_turn turn;
	unsigned int i;

	now += TCPSTATE_TICK_MS;
	for (i = 0; i < TCPSTATE_SUSPECTS; i++) {
		turn = tcpstate_suspects_judge(&suspects, i, &thresholds, now);
		begins += turn == TCPSTATE_TURN_BEGAN;
		ends += turn == TCPSTATE_TURN_ENDED;
	}
	tcpstate_suspects_turn(&suspects);
}

static const struct tcpstate_case *case_of(u32 host)
{
	static const struct tcpstate_case none;
	unsigned int i;

	for (i = 0; i < TCPSTATE_SUSPECTS; i++)
		if (suspects.hitter[i].host.addr[0] == host && suspects.hitter[i].host.family)
			return &suspects.about[i];
	return &none;
}

static bool is_guilty(u32 host)
{
	return case_of(host)->guilty;
}

/* @a_tick SYNs of 1 a tick for @ticks, each to one of @targets, @done of 1000 completing. */
static void ask(unsigned int ticks, unsigned int a_tick, u32 targets, unsigned int done)
{
	unsigned int i;

	while (ticks--) {
		for (i = 0; i < a_tick; i++) {
			charge(1, any() % targets);
			if (any() % 1000 < done)
				pardon(1);
		}
		tick();
	}
}

static void test_scan(void)
{
	begin(TCPSTATE_VERDICT_SCAN);
	ask(40, 25, 65536, 20);
	ok(is_guilty(1) && begins == 1, "who asks a hundred targets a second is a scanner");
	ok(case_of(1)->since <= 3000, "within three seconds");
	ask(60, 0, 1, 0);
	ok(!is_guilty(1) && ends == 1, "until it ceases");

	begin(TCPSTATE_VERDICT_SCAN);
	ask(240, 25, 65536, 900);
	ok(!begins, "not one who completes most of them");
	begin(TCPSTATE_VERDICT_SCAN);
	ask(240, 250, 20, 0);
	ok(!begins, "nor one who asks twenty in vain, however often");
	begin(TCPSTATE_VERDICT_SCAN);
	ask(240, 3, 65536, 0);
	ok(begins == 1 && !ends, "a dozen a second are enough, and one begin");
}

/* A million spoofed SYNs go by. */
static void test_bounded(void)
{
	unsigned int i, j;

	begin(TCPSTATE_VERDICT_SCAN);
	ask(20, 25, 65536, 0);
	for (i = 0; i < 40; i++) {
		for (j = 0; j < 25000; j++)
			charge(any() | 0x80000000, 0);
		ask(1, 25, 65536, 0);
	}
	ok(is_guilty(1) && begins == 1 && !ends, "a scanner keeps its place in a spoofed flood");
	begin(TCPSTATE_VERDICT_SCAN);
	for (i = 0; i < 40; i++) {
		for (j = 0; j < 25000; j++)
			charge(any(), any());
		tick();
	}
	ok(!begins, "spoofed sources are no scanners");
	begin(TCPSTATE_VERDICT_SCAN);
	for (i = 0; i < 100; i++) {
		for (j = 0; j < 60 * 10; j++)
			charge(1 + j % 60, any());
		tick();
	}
	ok(begins >= 55 && begins <= 60 && !ends, "sixty at once are named (%u)", begins);
}

static void test_victim(void)
{
	unsigned int i, j;

	begin(TCPSTATE_VERDICT_REFLECTION_VICTIM);
	ask(12, 250, 500, 0);
	ok(is_guilty(1) && begins == 1, "a host that is sent what it did not ask for is a victim");
	begin(TCPSTATE_VERDICT_REFLECTION_VICTIM);
	ask(240, 250, 500, 950);
	ok(!begins, "not where connections go on: its own segments go another way");
	begin(TCPSTATE_VERDICT_REFLECTION_VICTIM);
	ask(240, 10, 500, 0);
	ok(!begins, "nor for some strays");
	begin(TCPSTATE_VERDICT_REFLECTION_VICTIM);
	ask(1, 150, 500, 0);
	ask(40, 0, 1, 0);
	ok(!begins, "nor for one burst");
	begin(TCPSTATE_VERDICT_REFLECTION_VICTIM);
	for (i = 0; i < 40; i++) {
		for (j = 0; j < 5000; j++)
			charge(1 + any() % 3, any());
		tick();
	}
	ok(begins == 3 && is_guilty(1) && is_guilty(2) && is_guilty(3), "three are three");
}

int main(void)
{
	test_scan();
	test_bounded();
	test_victim();
	diag("octets: %zu", sizeof(suspects));
	return done();
}
