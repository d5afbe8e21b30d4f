// SPDX-License-Identifier: GPL-2.0
/*
 * Odds, by simulation with fixed seeds: what an attacker off the path achieves by N
 * packets, how soon an honest gap is bridged, and what it costs to displace a flow that
 * was picked up. The figures stand in module/README.md; the claims are bounds.
 */
#include <stdlib.h>

#include "ktap.h"
#include "wire.h"

static __u64 seed;

/* splitmix64 */
static __u32 roll(void)
{
	__u64 z = seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) >> 16;
}

static __u32 below(__u32 limit)
{
	return (__u64)roll() * limit >> 32;
}

/* Blind segments */

/* How the true endpoints behave meanwhile. */
enum traffic {
	BUSY,		/* a segment after every fourth of the attacker */
	RECENT,		/* the last one 100 ms ago, then none */
	SILENT,		/* none for an hour */
};

/* What the attacker does with his packets; he always agrees with himself. */
enum attack {
	RESETS,		/* an ACK each way, a RST: anew with other numbers each time */
	CLOSES,		/* an ACK, two FINs, an ACK */
	EXCHANGES,	/* one conversation, as long as the packets last */
	WINDOW,		/* knows both numbers within 32 KiB, and sends what CLOSES does */
	OPENS,		/* a SYN, a SYN-ACK, an ACK */
};

struct odds {
	unsigned int moved;	/* runs in which the record took his numbers or a state */
	unsigned int lost;	/* runs in which a window of true data each way did not mend it */
};

static void live(struct wire *w, enum traffic traffic)
{
	wire_lay(w, roll(), roll());
	w->wscale[A] = 7;
	w->wscale[B] = 7;
	w->round_trip = 20;
	handshake(w);
	say(w, A, ACK | PSH, 100);
	say(w, B, ACK | PSH, 1000);
	say(w, A, ACK, 0);
	w->now += traffic == SILENT ? 3600000 : traffic == RECENT ? 100 : 0;
}

static bool healthy(const struct wire *w)
{
	return w->pair.state[I] == TCPSTATE_ESTABLISHED && w->pair.state[R] == TCPSTATE_ESTABLISHED;
}

/* One attempt of at most @left packets; returns how many it took. */
static unsigned int attempt(struct wire *w, enum attack attack, __u32 numbers[2],
			    unsigned int left)
{
	static const __u8 flags[][4] = {
		[RESETS] = { ACK, ACK, RST, 0 },
		[CLOSES] = { ACK, FIN | ACK, FIN | ACK, ACK },
		[EXCHANGES] = { ACK | PSH, ACK | PSH, 0, 0 },
		[WINDOW] = { ACK, FIN | ACK, FIN | ACK, ACK },
		[OPENS] = { SYN, SYN | ACK, ACK, 0 },
	};
	unsigned int n;

	if (attack == WINDOW) {
		numbers[A] = w->snd[A] + below(65536) - 32768;
		numbers[B] = w->snd[B] + below(65536) - 32768;
	} else if (attack != EXCHANGES) {
		numbers[A] = roll();
		numbers[B] = roll();
	}
	for (n = 0; n < 4 && n < left && flags[attack][n]; n++) {
		enum host from = n & 1 ? B : A;
		__u32 len = flags[attack][n] & PSH ? 100 : 0;

		forge(w, from, numbers[from], numbers[!from], flags[attack][n], len);
		numbers[from] += len + !!(flags[attack][n] & (SYN | FIN));
	}
	return n;
}

static struct odds attacked(enum attack attack, enum traffic traffic, unsigned int packets,
			    unsigned int runs)
{
	struct odds odds = { 0, 0 };
	unsigned int run, sent, n;
	struct wire w;

	for (run = 0; run < runs; run++) {
		__u32 numbers[2] = { roll(), roll() };
		unsigned int next = 4;

		live(&w, traffic);
		w.facts = 0;
		for (sent = 0; sent < packets; ) {
			sent += attempt(&w, attack, numbers, packets - sent);
			if (traffic == BUSY && sent >= next) {
				say(&w, below(2) ? A : B, ACK | PSH, 10);
				next += 4;
			}
		}
		odds.moved += !healthy(&w) || w.facts & FACT(RESYNC) ||
			      w.ends[TCPSTATE_REASON_SUPERSEDED];
		/* More than a window, which a FIN in it may be ahead. */
		for (n = 0; n < 30; n++) {
			say(&w, A, ACK | PSH, 500000);
			say(&w, B, ACK | PSH, 500000);
			w.now += w.round_trip;
		}
		odds.lost += !healthy(&w);
	}
	return odds;
}

static void blind(void)
{
	static const struct {
		const char *name;
		enum attack attack;
		enum traffic traffic;
		unsigned int packets, runs;
		unsigned int moved;	/* at most so many runs */
	} rows[] = {
		{ "reset, busy", RESETS, BUSY, 3, 100000, 5 },
		{ "reset, busy", RESETS, BUSY, 3000, 300, 5 },
		{ "close, busy", CLOSES, BUSY, 4, 100000, 5 },
		{ "close, busy", CLOSES, BUSY, 4000, 300, 10 },
		{ "exchange, busy", EXCHANGES, BUSY, 4000, 300, 5 },
		{ "reset, active 100 ms ago", RESETS, RECENT, 3, 100000, 5 },
		{ "close, active 100 ms ago", CLOSES, RECENT, 4, 100000, 5 },
		{ "exchange, active 100 ms ago", EXCHANGES, RECENT, 14, 100000, 5 },
		{ "exchange, active 100 ms ago", EXCHANGES, RECENT, 40, 1000, 1000 },
		/*
		 * With windows of 8 MiB one segment in 2^18 is acceptable by chance. In a
		 * silence one guess in 2^14 is near, and four may be made.
		 */
		{ "reset, silent", RESETS, SILENT, 3, 100000, 20 },
		{ "reset, silent", RESETS, SILENT, 12, 100000, 60 },
		{ "reset, silent", RESETS, SILENT, 1200, 1000, 5 },
		{ "close, silent", CLOSES, SILENT, 4, 100000, 20 },
		{ "close, silent", CLOSES, SILENT, 4000, 300, 10 },
		{ "exchange, silent", EXCHANGES, SILENT, 14, 100000, 20 },
		{ "exchange, silent", EXCHANGES, SILENT, 40, 1000, 1000 },
		{ "open, busy", OPENS, BUSY, 3, 100000, 5 },
		{ "open, busy", OPENS, BUSY, 3000, 300, 5 },
		{ "open, active 100 ms ago", OPENS, RECENT, 3, 100000, 5 },
		{ "open, active 100 ms ago", OPENS, RECENT, 3000, 300, 300 },
		{ "open, silent", OPENS, SILENT, 2, 1000, 1000 },
		{ "window known, busy", WINDOW, BUSY, 4, 10000, 10000 },
		{ "window known, silent", WINDOW, SILENT, 4, 10000, 10000 },
		{ "window known, busy", WINDOW, BUSY, 400, 300, 300 },
	};
	unsigned int n;

	diag("%-28s %8s %8s  %10s %10s", "attack, connection", "packets", "runs", "moved", "not mended");
	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		struct odds odds = attacked(rows[n].attack, rows[n].traffic, rows[n].packets,
					    rows[n].runs);

		diag("%-28s %8u %8u  %9.4f%% %9.4f%%", rows[n].name, rows[n].packets, rows[n].runs,
		     100.0 * odds.moved / rows[n].runs, 100.0 * odds.lost / rows[n].runs);
		ok(odds.moved <= rows[n].moved && !odds.lost,
		   "%s, %u packets: at most %u of %u runs move the record, true data mends all",
		   rows[n].name, rows[n].packets, rows[n].moved, rows[n].runs);
	}
}

/* Honest gaps */

enum load {
	TALK,		/* 100 octets, 1000 octets, in turn */
	DOWNLOAD,	/* two full segments, an ACK */
	BOTH,		/* full segments in turn */
	LOADS,
};

/* A step of it; then its segments are missed or seen. */
static void pass(struct wire *w, enum load load, bool seen)
{
	void (*send)(struct wire *w, enum host from, __u8 flags, __u32 len) = seen ? say : miss;

	if (load == DOWNLOAD) {
		send(w, B, ACK, 1460);
		send(w, B, ACK, 1460);
		send(w, A, ACK, 0);
	} else {
		send(w, A, ACK | PSH, load == TALK ? 100 : 1460);
		send(w, B, ACK | PSH, load == TALK ? 1000 : 1460);
	}
}

/*
 * How long a step takes: as long as a path of 20 ms, which the handshake has measured, or
 * 0.2 ms, on a path that measures as 0 ms. Ticks of the clock are 4 ms there.
 */
enum path { WAN, LAN };

/* So many steps until no segment is refused any more; 0 if none was, 999 if there is no end. */
static unsigned int bridged(enum load load, enum path path, unsigned int lost, __u32 silence)
{
	unsigned int n, step = 0;
	struct wire w;

	live(&w, RECENT);
	if (path == LAN) {
		w.round_trip = 0;
		w.pace = 0;
	}
	for (n = 0; n < 5; n++)
		pass(&w, load, true);
	for (n = 0; n < lost; n++)
		pass(&w, load, false);
	w.now += silence;
	for (n = 1; n <= 100; n++) {
		w.facts = 0;
		pass(&w, load, true);
		w.now += path == WAN ? w.round_trip : n % 20 ? 0 : 4;
		if (w.facts & REFUSALS)
			step = n;
	}
	w.facts = 0;
	say(&w, A, FIN | ACK, 0);
	say(&w, B, ACK, 0);
	say(&w, B, FIN | ACK, 0);
	say(&w, A, ACK, 0);
	if (step == 100 || w.facts & REFUSALS || w.pair.state[I] != TCPSTATE_TIME_WAIT)
		return 999;
	return step;
}

static void gaps(void)
{
	static const char * const names[LOADS] = {
		[TALK] = "100 and 1000 octets in turn", [DOWNLOAD] = "download",
		[BOTH] = "full segments both ways",
	};
	static const struct {
		enum path path;
		__u32 silence;
		unsigned int most;	/* 20 steps, or 10 ms and a tick */
		const char *name;
	} cases[] = {
		{ WAN, 0, 20, "20 ms a step" },
		{ WAN, 5000, 20, "20 ms a step, after 5 s" },
		{ LAN, 0, 70, "0.2 ms a step" },
	};
	unsigned int load, n, s, worst;

	for (load = 0; load < LOADS; load++) {
		for (s = 0; s < ARRAY_SIZE(cases); s++) {
			char line[200];
			int at = 0;

			worst = 0;
			for (n = 1; n <= 1000000; n *= 10) {
				unsigned int steps, i, most = 0;

				for (i = 0; i < (n > 10000 ? 3 : 200); i++) {
					steps = bridged(load, cases[s].path, n, cases[s].silence);
					most = steps > most ? steps : most;
				}
				at += snprintf(line + at, sizeof(line) - at, " %6u", most);
				worst = most > worst ? most : worst;
			}
			diag("%-28s %-23s: 1 to 10^6 unseen:%s", names[load], cases[s].name, line);
			ok(worst <= cases[s].most, "%s, %s: bridged within %u exchanges, and closed",
			   names[load], cases[s].name, cases[s].most);
		}
	}
}

/* Displacement */

#define BUDGET 8192	/* of max_flows 65536 */
#define HONEST 1000	/* flows that were under way, each an exchange a second */
#define CANDIDATES 8	/* table.c looks at about as many */
#define SECONDS 120

struct slot {
	struct tcpstate_pair pair;
	__u32 opened, seen;
	int honest;		/* number, or -1 */
};

struct budget {
	struct slot slot[BUDGET];
	unsigned int used;
	__u32 now;
	int where[HONEST];	/* slot, or -1 */
	bool proved[HONEST];
	__u32 number[HONEST][2];
	unsigned int evictions;
};

static void vacate(struct budget *b, unsigned int n)
{
	struct slot *slot = &b->slot[n], *last = &b->slot[--b->used];

	if (slot->honest >= 0)
		b->where[slot->honest] = -1;
	if (slot == last)
		return;
	*slot = *last;
	if (slot->honest >= 0)
		b->where[slot->honest] = n;
}

/* As flow.c ranks, and table.c chooses. */
static void evict(struct budget *b)
{
	unsigned int i, n, rank, best = 0, equals = 0, victim = 0;

	for (i = 0; i < CANDIDATES; i++) {
		n = below(BUDGET);
		rank = tcpstate_fsm_standing(&b->slot[n].pair, b->now - b->slot[n].opened,
					     b->now - b->slot[n].seen);
		if (rank < best)
			continue;
		equals = rank > best ? 1 : equals + 1;
		best = rank;
		if (!below(equals))
			victim = n;
	}
	b->evictions += b->slot[victim].honest >= 0;
	vacate(b, victim);
}

static unsigned int enter(struct budget *b, const struct tcpstate_segment *seg,
			  enum tcpstate_end from, int honest)
{
	struct slot *slot;

	if (b->used == BUDGET)
		evict(b);
	slot = &b->slot[b->used];
	memset(slot, 0, sizeof(*slot));
	tcpstate_fsm_open(&slot->pair, seg, from);
	slot->opened = slot->seen = b->now;
	slot->honest = honest;
	if (honest >= 0)
		b->where[honest] = b->used;
	return b->used++;
}

static void feed(struct budget *b, unsigned int n, enum tcpstate_end from, __u32 seq, __u32 ack,
		 __u32 len)
{
	struct tcpstate_segment seg = {
		.seq = seq, .ack = ack, .len = len, .count = 1, .window = 500, .flags = ACK,
		.wscale = TCPSTATE_WSCALE_NONE,
	};
	struct slot *slot = &b->slot[n];
	struct tcpstate_elapsed elapsed = { b->now - slot->seen, b->now - slot->opened, 0 };

	if (tcpstate_fsm_step(&slot->pair, &seg, from, &elapsed).renew)
		slot->seen = b->now;
}

/* A segment of an honest flow, which is picked up if there is no record. */
static void honest(struct budget *b, int flow, enum tcpstate_end from, __u32 len)
{
	__u32 *number = b->number[flow];
	struct tcpstate_segment seg = {
		.seq = number[from], .ack = number[!from], .len = len, .count = 1, .window = 500,
		.flags = ACK, .wscale = TCPSTATE_WSCALE_NONE,
	};

	number[from] += len;
	if (b->proved[flow])
		return;
	if (b->where[flow] < 0) {
		enter(b, &seg, from, flow);
		return;
	}
	feed(b, b->where[flow], from, seg.seq, seg.ack, len);
	if (!b->slot[b->where[flow]].pair.unproved) {
		b->proved[flow] = true;
		vacate(b, b->where[flow]);
	}
}

/* A forged flow: one ACK, or three segments that acknowledge data both ways. */
static unsigned int forged(struct budget *b, bool data)
{
	struct tcpstate_segment seg = {
		.seq = 1000, .ack = 1000, .len = data ? 10 : 0, .count = 1, .window = 500,
		.flags = ACK, .wscale = TCPSTATE_WSCALE_NONE,
	};
	unsigned int n = enter(b, &seg, I, -1);

	if (!data)
		return 1;
	feed(b, n, R, 1000, 1010, 10);
	feed(b, n, I, 1010, 1010, 0);
	return 3;
}

/* What the attacker spends on his flows. */
enum effort {
	ONE,		/* an ACK */
	THREE,		/* data both ways, acknowledged */
	KEEP,		/* that, and again every four seconds for as long as it is there */
};

/* Keep a quarter of a thousandth of the forged flows going. Returns the packets. */
static unsigned int keep(struct budget *b)
{
	unsigned int n, sent = 0;

	for (n = b->now % 4000; n < b->used; n += 4000) {
		struct tcpstate_pair *pair = &b->slot[n].pair;
		__u32 i, r;

		if (b->slot[n].honest >= 0)
			continue;
		i = pair->nxt[I];
		r = pair->nxt[R];
		feed(b, n, I, i, r, 10);
		feed(b, n, R, r, i + 10, 10);
		feed(b, n, I, i + 10, r + 10, 0);
		sent += 3;
		if (!pair->unproved)
			vacate(b, n);
	}
	return sent;
}

/* Return how many honest flows are proved within so many seconds. */
static unsigned int displaced(unsigned int rate, enum effort effort, unsigned int *evictions)
{
	struct budget *b = calloc(1, sizeof(*b));
	unsigned int i, proved = 0;
	double credit = 0;

	for (i = 0; i < HONEST; i++) {
		b->where[i] = -1;
		b->number[i][0] = roll();
		b->number[i][1] = roll();
	}
	for (b->now = 0; b->now < SECONDS * 1000; b->now++) {
		/* Exchange of 50 ms: request, answer, ACK. */
		for (i = b->now % 1000; i < HONEST; i += 1000)
			honest(b, i, I, 100);
		for (i = (b->now + 975) % 1000; i < HONEST; i += 1000)
			honest(b, i, R, 1000);
		for (i = (b->now + 950) % 1000; i < HONEST; i += 1000)
			honest(b, i, I, 0);
		credit += rate / 1000.0;
		if (effort == KEEP)
			credit -= keep(b);
		while (credit >= 1)
			credit -= forged(b, effort != ONE);
	}
	for (i = 0; i < HONEST; i++)
		proved += b->proved[i];
	*evictions = b->evictions;
	free(b);
	return proved;
}

static void displacement(void)
{
	static const char * const efforts[] = {
		[ONE] = "an ACK a flow", [THREE] = "three a flow", [KEEP] = "flows kept going",
	};
	static const struct {
		unsigned int rate;
		enum effort effort;
		unsigned int least;
	} rows[] = {
		{ 0, ONE, HONEST }, { 10000, ONE, HONEST }, { 100000, ONE, HONEST },
		{ 3000, THREE, HONEST }, { 10000, THREE, HONEST }, { 30000, THREE, 900 },
		{ 100000, THREE, 50 },
		{ 10000, KEEP, HONEST }, { 30000, KEEP, 900 }, { 100000, KEEP, 50 },
	};
	unsigned int n, evictions, proved;

	diag("budget %u; %u honest flows, an exchange a second each; %u s", BUDGET, HONEST, SECONDS);
	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		proved = displaced(rows[n].rate, rows[n].effort, &evictions);
		diag("%6u packets/s, %-16s: %4u of %u proved, each evicted %.2f times", rows[n].rate,
		     efforts[rows[n].effort], proved, HONEST, (double)evictions / HONEST);
		ok(proved >= rows[n].least, "%u packets/s, %s: at least %u of %u flows are proved",
		   rows[n].rate, efforts[rows[n].effort], rows[n].least, HONEST);
	}
}

int main(void)
{
	seed = 1;
	blind();
	gaps();
	displacement();
	return done();
}
