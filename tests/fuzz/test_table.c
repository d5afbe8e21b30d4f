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
	tcpstate_sweep_allow(&tn.tables);
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
	tn.tables.sweep.delayed.work.run(&tn.tables.sweep.delayed.work);
}

/* A segment of the connection of a number, from its initiator (0) or its responder (1). */
static void pass_data(u32 number, unsigned int side, u8 flags, u32 seq, u32 ack, u32 len)
{
	struct in6_addr ends[2] = { { .s6_addr32 = { number } }, { .s6_addr32 = { 7 } } };
	__be16 ports[2] = { __cpu_to_be16(1024), __cpu_to_be16(80) };
	struct tcpstate_parsed parsed = {
		.tuple = {
			.src = ends[side], .dst = ends[!side],
			.sport = ports[side], .dport = ports[!side], .family = NFPROTO_IPV4,
		},
		.segment = {
			.seq = seq, .ack = ack, .len = len, .count = 1, .window = 500,
			.flags = flags,
			.wscale = TCPSTATE_WSCALE_NONE,
		},
	};

	tcpstate_deliver(&tn, &parsed, tcpstate_tuple_hash(&tn.log.key, &parsed.tuple));
}

static void pass(u32 number, unsigned int side, u8 flags, u32 seq, u32 ack)
{
	pass_data(number, side, flags, seq, ack, 0);
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

static unsigned long counted(enum tcpstate_counter counter)
{
	return stats.counter[counter];
}

/* The most records that share a bucket. */
static unsigned int fullest(const struct tcpstate_table *table)
{
	const struct tcpstate_record *record;
	unsigned int most = 0, count, way;
	size_t i;

	for (i = 0; i < 1UL << table->buckets->order; i++) {
		count = 0;
		for (record = tcpstate_bucket_first(&table->buckets->bucket[i], &way); record;
		     record = tcpstate_bucket_next(&table->buckets->bucket[i], record, &way))
			count++;
		most = max(most, count);
	}
	return most;
}

/* A sweep finds that the table should grow, and no memory for it. */
static void deny(void)
{
	fuzz_short = 1;
	sweep();
}

/* The array stays the first one, of 32 buckets, for want of memory. */
static void test_bound(void)
{
	const unsigned int room = TCPSTATE_BUCKET_MAX << TCPSTATE_ORDER_MIN;
	const struct tcpstate_table *halfopens = tcpstate_halfopens(&tn.tables);
	unsigned int i;

	begin(MANY, MANY);
	for (i = 0; i < MANY; i++) {
		pass(i, 0, TCPSTATE_SYN, 0, 0);
		if (i == TCPSTATE_LOAD << TCPSTATE_ORDER_MIN)
			deny();
	}
	ok(fullest(halfopens) <= TCPSTATE_BUCKET_MAX,
	   "half-opens beyond what the array can hold make no chain longer than its bound");
	ok(atomic_read(&halfopens->count) > (int)room * 9 / 10 &&
	   counted(TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL) ==
	   (u64)MANY - atomic_read(&halfopens->count),
	   "each of them replaces one in its bucket, and counts as halfopen_table_full");
	diag("%d half-opens, at most %u in a bucket, halfopen_table_full %lu",
	     atomic_read(&halfopens->count), fullest(halfopens),
	     counted(TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL));
	end();

	begin(MANY, MANY);
	for (i = 0; i < MANY; i++) {
		shake(i);
		if (i == TCPSTATE_LOAD << TCPSTATE_ORDER_MIN)
			deny();
	}
	ok(fullest(flows()) <= TCPSTATE_BUCKET_MAX,
	   "flows beyond what the array can hold make no chain longer than its bound");
	ok(atomic_read(&flows()->count) > (int)room * 9 / 10 &&
	   counted(TCPSTATE_A_COUNTER_FLOW_TABLE_FULL) ==
	   (u64)MANY - atomic_read(&flows()->count),
	   "each of them is refused, and counts as flow_table_full");
	diag("%d flows, flow_table_full %lu", atomic_read(&flows()->count),
	     counted(TCPSTATE_A_COUNTER_FLOW_TABLE_FULL));
	deny();
	ok(flows()->buckets->order == TCPSTATE_ORDER_MIN,
	   "without memory for a larger array the table stays as it is");
	sweep();
	for (i = 0; i < MANY; i++)
		shake(2 * MANY + i);
	ok(flows()->buckets->order > TCPSTATE_ORDER_MIN &&
	   atomic_read(&flows()->count) > 4 * (int)room,
	   "with memory again, the next sweep makes room");
	end();
}

/* A table full of established flows, none of which gives way. */
static void begin_full(void)
{
	u32 i;

	begin(MANY, MANY);
	fill(0, MANY - MANY / 16);
	for (i = MANY; atomic_read(&flows()->count) < MANY; i++)
		shake(i);
	sweep();
}

static void test_search(void)
{
	unsigned int i, most = 0, before;
	unsigned long evicted;

	begin_full();
	for (i = 0; i < 100; i++) {
		fuzz_busy = 0;
		pass(0x1000000 + i, 0, TCPSTATE_ACK, 1000, 1000);
		most = max(most, fuzz_busy);
	}
	ok(counted(TCPSTATE_A_COUNTER_FLOW_TABLE_FULL) == 100,
	   "a full table whose flows are all established refuses what is unknown");
	ok(most <= 3 + 4, "for that it looks into a few buckets at most");
	diag("%u locks at most for an unknown segment", most);

	/* One of 16,384 ends. */
	pass(77, 0, TCPSTATE_RST, 1, 0);
	evicted = atomic_read(&flows()->count);
	before = stats.records[TCPSTATE_FLOW];
	for (i = 0; i < 100 && stats.records[TCPSTATE_FLOW] == (long)before; i++)
		pass(0x2000000 + i, 0, TCPSTATE_ACK, 1000, 1000);
	ok(i < 100 && atomic_read(&flows()->count) == (int)evicted,
	   "the only record that can be evicted is found soon");
	diag("after %u unknown segments", i);
	end();

	/* An eighth of it no handshake has proved: these give way to each other. */
	begin(MANY, MANY);
	fill(0, MANY - MANY / 8);
	for (i = MANY; i < MANY + 2 * MANY / 8; i++)
		pass(i, 0, TCPSTATE_ACK, 1000, 1000);
	sweep();
	evicted = counted(TCPSTATE_A_COUNTER_EVICTED);
	for (i = most = 0; i < 100; i++) {
		fuzz_busy = 0;
		pass(0x3000000 + i, 0, TCPSTATE_ACK, 1000, 1000);
		most = max(most, fuzz_busy);
	}
	/* And once more into that of the flow that goes. */
	ok(most <= 3 + 4 + 1, "so it does where flows of the budget make room for each other");
	ok(counted(TCPSTATE_A_COUNTER_EVICTED) - evicted >= 50, "and most of the time one is found");
	diag("%u locks at most for an unknown segment", most);
	end();
}

/* Flows that were reset, and go on all the same. */
static void test_revival(void)
{
	const int budget = MANY / 8;
	unsigned int i, wrong = 0;

	begin(MANY, MANY);
	fill(0, MANY / 2);
	for (i = 0; i < MANY / 2; i++)
		pass(i, 0, TCPSTATE_RST, 1, 0);
	MUST(!stats.records[TCPSTATE_FLOW]);
	for (i = 0; i < MANY / 2; i++) {
		pass_data(i, 0, TCPSTATE_ACK, 1, 1, 10);
		pass_data(i, 1, TCPSTATE_ACK, 1, 11, 10);
		wrong += atomic_read(&flows()->unreplied) > budget;
	}
	ok(!wrong && stats.records[TCPSTATE_FLOW] == budget,
	   "flows that are revived have the budget of what no handshake proved, and no more");
	diag("%d revived, budget %d, evicted %lu, flow_table_full %lu", stats.records[TCPSTATE_FLOW],
	     budget, counted(TCPSTATE_A_COUNTER_EVICTED),
	     counted(TCPSTATE_A_COUNTER_FLOW_TABLE_FULL));
	ok(counted(TCPSTATE_A_COUNTER_EVICTED) + counted(TCPSTATE_A_COUNTER_FLOW_TABLE_FULL) ==
	   (unsigned long)(MANY / 2 - budget),
	   "each one beyond it replaces another, or counts as flow_table_full");
	flush();
	ok(!atomic_read(&flows()->unreplied), "and the budget is free again when they end");
	end();
}

/* As time goes on, one sweep a second. */
static void wait_seconds(unsigned int seconds)
{
	while (seconds--) {
		fuzz_now += 1000;
		sweep();
	}
}

#define CROWD	40000		/* flows, for which an array has 2^14 buckets */
#define STAY	60		/* of them, for which 2^5 do: 512 become one */

/* A dump that goes on while the table is resized, and how often it has met each that stays. */
static struct {
	struct tcpstate_walk walk;
	u8 met[STAY];
	unsigned int read;
	u32 newest;
	bool busy;
} reader;

static void read_some(unsigned int many)
{
	struct tcpstate_view *view = tcpstate_walk_current(&reader.walk);
	u32 number;

	for (; view && many; many--, view = tcpstate_walk_next(&reader.walk)) {
		number = view->tuple.src.s6_addr32[0];
		if (number >= STAY)
			continue;
		reader.met[number]++;
		reader.read++;
	}
}

/* The first hash that has not moved yet. */
static u64 moved_up_to(const struct tcpstate_buckets *buckets)
{
	size_t i = 0;

	while (i < 1UL << buckets->order && buckets->bucket[i].moved)
		i++;
	return (u64)i << (32 - buckets->order);
}

/*
 * In the midst of a move, which half of a new bucket's records have behind them: the dump
 * follows as far as that, and another connection comes and goes.
 */
static void meanwhile(void)
{
	if (reader.busy || !flows()->buckets->next)
		return;
	reader.busy = true;
	while (reader.walk.place < moved_up_to(flows()->buckets))
		read_some(1);
	shake(reader.newest);
	pass(reader.newest++, 0, TCPSTATE_RST, 1, 0);
	reader.busy = false;
}

static void test_hysteresis(void)
{
	unsigned int order, i;

	begin(MANY, MANY);
	fill(0, MANY);
	order = flows()->buckets->order;
	wait_seconds(100);
	ok(flows()->buckets->order == order, "a table that is in use keeps its array");
	flush();
	shake(5);
	wait_seconds(30);
	ok(flows()->buckets->order == order, "a table that is hardly used keeps it for a while");
	wait_seconds(40);
	ok(flows()->buckets->order == TCPSTATE_ORDER_MIN && atomic_read(&flows()->count) == 1,
	   "and shrinks when one flow was left of many for a minute");
	for (i = 0; i < 3; i++) {
		shake(100 + i);
		wait_seconds(70);
	}
	ok(flows()->buckets->order == TCPSTATE_ORDER_MIN, "and stays so");
	end();
}

static void test_shrink(void)
{
	unsigned int order, during, wrong = 0, i;

	begin(CROWD, MANY);
	fill(0, CROWD);
	order = flows()->buckets->order;
	for (i = STAY; i < CROWD; i++)
		pass(i, 0, TCPSTATE_RST, 1, 0);
	tn.tables.timeout[TCPSTATE_TIMEOUT_CLOSE] = 1;
	tcpstate_sweep_rescan(&tn.tables);

	memset(&reader, 0, sizeof(reader));
	reader.newest = CROWD;
	tcpstate_walk_start(&reader.walk, &tn.tables, TCPSTATE_WALK_ALL);
	fuzz_others = meanwhile;
	wait_seconds(70);
	fuzz_others = NULL;
	during = reader.read;
	read_some(~0U);
	for (i = 0; i < STAY; i++)
		wrong += reader.met[i] != 1;
	ok(flows()->buckets->order < order - 8 && during > STAY / 2,
	   "a table shrinks while it is dumped and connections come and go");
	diag("from 2^%u buckets to 2^%u; %u of %u read meanwhile", order, flows()->buckets->order,
	     during, STAY);
	ok(!wrong, "and a dump has what lives throughout exactly once");
	diag("%u not once", wrong);
	for (wrong = i = 0; i < STAY; i++) {
		unsigned long before = counted(TCPSTATE_A_COUNTER_PICKED_UP);

		pass(i, 0, TCPSTATE_ACK, 1, 1);
		wrong += counted(TCPSTATE_A_COUNTER_PICKED_UP) != before;
	}
	ok(!wrong, "and a segment finds it there");
	end();
}

int main(void)
{
	test_memory();
	test_rests();
	test_bound();
	test_search();
	test_revival();
	test_hysteresis();
	test_shrink();
	return done();
}
