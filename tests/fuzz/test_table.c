// SPDX-License-Identifier: GPL-2.0
/*
 * The tables with many records: what they cost in memory and in work, and how an array's
 * size follows the number of records. The costs are counted, as a busy machine makes no
 * time reliable: allocations in octets, work in locks that are taken.
 */
#include "alone.h"
#include "delivery.h"
#include "ktap.h"
#include "sweep.h"
#include "walk.h"

#define MANY 16384

static struct tcpstate_net tn;
static struct tcpstate_stats stats;
static u64 chance;

u32 get_random_u32(void)
{
	chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
	return chance >> 32;
}

void get_random_bytes(void *to, size_t size)
{
	memset(to, 1, size);
}

static u32 mix(u64 x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdULL;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return x >> 32;
}

u32 hsiphash_3u32(u32 a, u32 b, u32 c, const hsiphash_key_t *key)
{
	(void)key;
	return mix(((u64)a << 32 | b) + mix(c));
}

u32 hsiphash(const void *data, size_t size, const hsiphash_key_t *key)
{
	(void)data, (void)size, (void)key;
	return 0;
}

/* An empty namespace whose tables have room for so many. */
static void begin(unsigned int flows, unsigned int halfopens)
{
	const unsigned int max[TCPSTATE_KIND_MAX] = {
		[TCPSTATE_FLOW] = flows,
		[TCPSTATE_HALFOPEN] = halfopens,
	};
	unsigned int i;

	memset(&tn, 0, sizeof(tn));
	memset(&stats, 0, sizeof(stats));
	fuzz_now = 1000000;
	fuzz_short = fuzz_held = 0;
	fuzz_largest = 0;
	tn.loose = true;
	tn.log.stats = &stats;
	for (i = 0; i < TCPSTATE_TIMEOUT_MAX; i++)
		tn.tables.timeout[i] = 1000;
	MUST(!tcpstate_record_init() && !tcpstate_sweep_init());
	tcpstate_tables_init(&tn.tables, &tn.log, true, max);
}

static void end(void)
{
	tcpstate_sweep_release(&tn.tables, TCPSTATE_REASON_FLUSHED);
	MUST(!fuzz_held);
	tcpstate_sweep_exit();
	tcpstate_record_exit();
}

static void sweep(void)
{
	tn.tables.sweep.work.run(&tn.tables.sweep.work);
}

/* A segment of the connection of a number, from its initiator (0) or its responder (1). */
static void pass(u32 number, unsigned int side, u8 flags, u32 seq, u32 ack)
{
	struct in6_addr ends[2] = { { .s6_addr32 = { number } }, { .s6_addr32 = { 7 } } };
	__be16 ports[2] = { __cpu_to_be16(1024), __cpu_to_be16(80) };
	struct tcpstate_parsed parsed = {
		.tuple = {
			.src = ends[side], .dst = ends[!side],
			.sport = ports[side], .dport = ports[!side], .family = NFPROTO_IPV4,
		},
		.segment = {
			.seq = seq, .ack = ack, .count = 1, .window = 500, .flags = flags,
			.wscale = TCPSTATE_WSCALE_NONE,
		},
	};

	tcpstate_deliver(&tn, &parsed, tcpstate_tuple_hash(&parsed.tuple));
}

static void shake(u32 number)
{
	pass(number, 0, TCPSTATE_SYN, 0, 0);
	pass(number, 1, TCPSTATE_SYN | TCPSTATE_ACK, 0, 1);
	pass(number, 0, TCPSTATE_ACK, 1, 1);
}

/* Handshakes of so many, with sweeps at times, so that the table grows. */
static void fill(u32 first, u32 many)
{
	u32 i;

	for (i = 0; i < many; i++) {
		shake(first + i);
		if (i % 64 == 63)
			sweep();
	}
	sweep();
}

static const struct tcpstate_table *flows(void)
{
	return tcpstate_flows(&tn.tables);
}

static void test_memory(void)
{
	begin(MANY, MANY);
	fill(0, MANY);
	ok(fuzz_largest == sizeof(struct tcpstate_bucket) << flows()->buckets->order,
	   "an array takes the memory of its buckets, which is a power of two");
	diag("%zu octets for 2^%u buckets", fuzz_largest, flows()->buckets->order);
	end();
}

/* The most locks that were taken in @work between two chances for others to run. */
static unsigned int busiest(void (*work)(void))
{
	fuzz_busy = fuzz_busiest = 0;
	work();
	cond_resched();
	return fuzz_busiest;
}

static void flush(void)
{
	tcpstate_walk_flush(&tn.tables);
}

static void release(void)
{
	tcpstate_sweep_release(&tn.tables, TCPSTATE_REASON_FLUSHED);
}

static void expire(void)
{
	fuzz_now += 2000000;
	sweep();
}

static void grow(void)
{
	u32 i;

	for (i = 0; i < MANY; i++)
		shake(MANY + i);
	fuzz_busy = 0;
	sweep();
}

static void dump(void)
{
	static struct tcpstate_walk walk;

	tcpstate_walk_start(&walk, &tn.tables, TCPSTATE_WALK_ALL);
	walk.filter.family = NFPROTO_IPV6;
	MUST(!tcpstate_walk_current(&walk));
}

static void test_rests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
		unsigned int locks;	/* for each bucket, on the average */
	} works[] = {
		{ "a flush", flush, 2 }, { "a dump that nothing passes", dump, 2 },
		{ "the release of a table", release, 1 }, { "expiry", expire, 1 },
		/* One for each record that moves. */
		{ "growth", grow, 1 + 4 * TCPSTATE_LOAD },
	};
	unsigned int most, i;

	for (i = 0; i < ARRAY_SIZE(works); i++) {
		begin(2 * MANY, MANY);
		fill(0, MANY);
		most = busiest(works[i].run);
		ok(most <= TCPSTATE_STRETCH * works[i].locks,
		   "%s lets others run after a bounded number of buckets", works[i].name);
		diag("%u locks at most between two chances", most);
		end();
	}
}

int main(void)
{
	test_memory();
	test_rests();
	return done();
}
