// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table and the half-open table, from delivery down: segments of some hundred
 * connections, time, sweeps, dumps, flushes, memory that is short. Where the tables have
 * room for all, a plain list of connections says what must be in them; where they have
 * not, what they hold must at least be what they count. In a slow world timeouts are weeks
 * and time goes by the day, past all that wraps.
 *
 * An input is two octets of circumstances, and then five for each thing that happens.
 */
#include "alone.h"
#include "delivery.h"
#include "sweep.h"
#include "walk.h"

#define KEYS	 512
#define ALIKE	 (TCPSTATE_BUCKET_MAX - 1)	/* keys that one bucket has room for */
#define LIVES	 32		/* seconds, at most, that time goes on by at once */
#define DAYS	 32		/* days, likewise, in a slow world */
#define DAY	 86400000	/* milliseconds */
#define SLOWER	 8192		/* times a timeout */
#define LONG	 (1u << 30)	/* milliseconds; longer stays are counted in seconds */
#define CHECK	 16		/* things that may happen between two looks at all */
#define INITIAL	 0xfffff000ULL	/* milliseconds: their low half wraps soon */
#define MANY	 (1u << 31)	/* what one segment may stand for, so that counts wrap too */
#define KEPT	 0xffffffffffULL	/* of ages and counts of segments */

/* What must be in the tables of a connection. */
struct life {
	bool there;
	bool initiator;			/* which side of the key it is */
	struct tcpstate_pair pair;
	u32 seen;
	u64 created;
	u64 since[2];			/* when each endpoint entered its state */
	u64 segments[2];
	u32 next[2];			/* what each side sends next: makes likely segments */
};

static struct tcpstate_net tn;
static struct tcpstate_stats stats;
static struct life lives[KEYS];
static unsigned int hash_mode, keys;
static bool roomy, slow;
static u64 chance;

/* Milliseconds of all stays in a state that are over, and how many were long. */
static u64 dwell[__TCPSTATE_STATE_MAX];
static unsigned int dwelt_long[__TCPSTATE_STATE_MAX];

/* Chance and hashes, of which the input decides. */

u32 get_random_u32(void)
{
	chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
	return chance >> 32;
}

void get_random_bytes(void *to, size_t size)
{
	memset(to, 1, size);
}

/* Many records meet in a bucket, or under a tag, or have all of their hash alike. */
static u32 spread(u32 hash)
{
	static const u32 masks[] = { ~0u, 0xe00000ff, 0xff00, 0x80000003 };

	hash *= 0x9e3779b1u;
	hash ^= hash >> 15;
	return hash * 0x85ebca6bu & masks[hash_mode];
}

u32 hsiphash_3u32(u32 a, u32 b, u32 c, const hsiphash_key_t *key)
{
	(void)key;
	return spread(spread(a) + 3 * spread(b) + 7 * c);
}

u32 hsiphash(const void *data, size_t size, const hsiphash_key_t *key)
{
	const u8 *octet = data;
	u32 hash = 0;

	(void)key;
	while (size--)
		hash = hash * 31 + *octet++;
	return spread(hash);
}

/* The key of a number: the initiator, if there are no roles yet, is side 0. */
static struct tcpstate_tuple tuple_of(unsigned int number, unsigned int side)
{
	struct in6_addr ends[2] = { { .s6_addr32 = { number >> 4 } }, { .s6_addr32 = { 7 } } };
	__be16 ports[2] = { __cpu_to_be16(1024 + (number >> 1 & 7)), __cpu_to_be16(80) };

	return (struct tcpstate_tuple){
		.src = ends[side], .dst = ends[!side], .sport = ports[side], .dport = ports[!side],
		.family = number & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4,
	};
}

static unsigned int number_of(const struct tcpstate_tuple *tuple, bool *initiator)
{
	unsigned int number;

	*initiator = tuple->sport == __cpu_to_be16(80);
	number = *initiator ? tuple->dst.s6_addr32[0] << 4 |
			      (__be16_to_cpu(tuple->dport) - 1024) << 1 :
			      tuple->src.s6_addr32[0] << 4 | (__be16_to_cpu(tuple->sport) - 1024) << 1;
	return number | (tuple->family == NFPROTO_IPV6);
}

/* What is to be true of the list. */

static enum tcpstate_end role_of(const struct tcpstate_segment *segment, unsigned int side)
{
	if (segment->flags & TCPSTATE_SYN)
		return segment->flags & TCPSTATE_ACK ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	return side ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
}

static void begin(struct life *life, const struct tcpstate_segment *segment, unsigned int side,
		  bool again)
{
	/* A record that is revived keeps its roles. */
	bool revived = again && !(segment->flags & TCPSTATE_SYN);
	enum tcpstate_end from = revived ? (side == life->initiator ? TCPSTATE_INITIATOR :
					    TCPSTATE_RESPONDER) : role_of(segment, side);

	memset(&life->pair, 0, sizeof(life->pair));
	if (again)
		tcpstate_fsm_reopen(&life->pair, segment, from);
	else
		MUST(tcpstate_fsm_open(&life->pair, segment, from));
	life->initiator = from == TCPSTATE_INITIATOR ? side : !side;
	life->seen = fuzz_now;
	life->created = fuzz_now;
	life->since[0] = life->since[1] = fuzz_now;
	life->segments[from] = segment->count;
	life->segments[!from] = 0;
	life->there = true;
}

/* An endpoint leaves a state. */
static void leave(struct life *life, enum tcpstate_end end, u8 state)
{
	u64 stay = fuzz_now - life->since[end];

	dwell[state] += stay;
	dwelt_long[state] += stay >= LONG;
	life->since[end] = fuzz_now;
}

static void step(struct life *life, const struct tcpstate_segment *segment, unsigned int side)
{
	const u8 before[2] = { life->pair.state[0], life->pair.state[1] };
	enum tcpstate_end from, end;
	struct tcpstate_outcome out;

	if (!life->there) {
		if (!(segment->flags & TCPSTATE_RST) &&
		    (tn.loose || (segment->flags & (TCPSTATE_SYN | TCPSTATE_ACK)) == TCPSTATE_SYN))
			begin(life, segment, side, false);
		return;
	}
	from = side == life->initiator ? TCPSTATE_INITIATOR : TCPSTATE_RESPONDER;
	/* Neither endpoint's answer is timed in a moment of the table's clock. */
	out = tcpstate_fsm_step(&life->pair, segment, from,
				&(struct tcpstate_elapsed){ fuzz_now - life->seen,
							    fuzz_now - life->created, 0 });
	if (out.action == TCPSTATE_ANEW) {
		begin(life, segment, side, true);
		return;
	}
	if (out.renew)
		life->seen = fuzz_now;
	if (out.facts & 1u << TCPSTATE_FACT_STRAY)
		return;
	life->segments[from] += segment->count;
	for (end = 0; end < 2; end++)
		if (out.action == TCPSTATE_END || before[end] != life->pair.state[end])
			leave(life, end, before[end]);
}

static void expire(struct life *life)
{
	u32 deadline = life->seen +
		       tcpstate_fsm_timeout(&life->pair, tn.tables.timeout) * MSEC_PER_SEC;

	if (!life->there || !tcpstate_due(deadline, fuzz_now))
		return;
	if (!tcpstate_fsm_ended(&life->pair)) {
		leave(life, TCPSTATE_INITIATOR, life->pair.state[TCPSTATE_INITIATOR]);
		leave(life, TCPSTATE_RESPONDER, life->pair.state[TCPSTATE_RESPONDER]);
	}
	life->there = !tcpstate_fsm_ended(&life->pair) &&
		      tcpstate_fsm_expire(&life->pair) != TCPSTATE_REASON_FIN;
	life->seen = fuzz_now;
}

static void forget(void)
{
	unsigned int i;

	for (i = 0; i < KEYS; i++)
		lives[i].there = false;
}

/* What is to be true of the tables. */

/* Of all records, lingering ones too, how many there are and how many in the budget. */
static void count(const struct tcpstate_table *table, int *records, int *budget)
{
	const struct tcpstate_buckets *buckets = table->buckets;
	const struct tcpstate_record *record;
	unsigned int i, way;

	*records = *budget = 0;
	if (!buckets)
		return;
	MUST(!buckets->next);
	for (i = 0; i < 1u << buckets->order; i++) {
		MUST(!buckets->bucket[i].lock.held && !buckets->bucket[i].moved);
		for (record = tcpstate_bucket_first(&buckets->bucket[i], &way); record;
		     record = tcpstate_bucket_next(&buckets->bucket[i], record, &way)) {
			++*records;
			*budget += tcpstate_table_budgets(table, record);
			MUST(tcpstate_record_hash(&tn.log.key, record) >> (32 - buckets->order) == i);
			MUST(!tcpstate_table_evictable(table, record) ||
			     test_bit(i, buckets->evictable));
			MUST(tcpstate_fsm_ended(&record->pair) ||
			     tcpstate_record_kind(record) == table->kind);
		}
	}
}

/* Whole seconds say a long stay to within one. */
static bool agree(u64 said, u64 expected, unsigned int longs)
{
	return said - expected + longs * MSEC_PER_SEC <= 2ULL * longs * MSEC_PER_SEC;
}

static void check_stays(void)
{
	unsigned int state;

	for (state = 0; state < __TCPSTATE_STATE_MAX; state++)
		MUST(agree(stats.dwell[state].sum, dwell[state], dwelt_long[state]));
}

/* After a sweep: who leaves connections half closed, and since when. */
static void check_leaks(void)
{
	u64 oldest[2] = {}, stay;
	u32 flows[2] = {};
	unsigned int i, end;

	for (i = 0; i < KEYS; i++) {
		const u8 *state = lives[i].pair.state;

		for (end = 0; lives[i].there && end < 2; end++) {
			if (state[end] != TCPSTATE_CLOSE_WAIT || state[!end] != TCPSTATE_FIN_WAIT2)
				continue;
			stay = fuzz_now - lives[i].since[end];
			oldest[end] = max(oldest[end], stay);
			flows[end]++;
		}
	}
	for (end = 0; end < 2; end++) {
		MUST(flows[end] == tn.tables.leak.flows[end]);
		MUST(agree(atomic64_read(&tn.tables.leak.oldest[end]), oldest[end],
			   oldest[end] >= LONG));
	}
}

static void check_counts(void)
{
	int records, budget, all = 0, expected = 0;
	unsigned int kind, i;

	for (kind = 0; kind < TCPSTATE_KIND_MAX; kind++) {
		const struct tcpstate_table *table = &tn.tables.table[kind];

		count(table, &records, &budget);
		MUST(records == atomic_read(&table->count) && records <= (int)table->max);
		MUST(budget == atomic_read(&table->unreplied));
		MUST(!records || tn.tables.sweep.delayed.pending);
		all += records;
	}
	for (i = 0; i < KEYS; i++)
		expected += lives[i].there;
	MUST(!roomy || all == expected);
	if (roomy)
		check_stays();
}

/* A dump has each that has not ended, once, as it is, and no other. */
static void check_dump(void)
{
	static struct tcpstate_walk walk;
	static bool met[KEYS];
	const struct tcpstate_view *view;
	const struct life *life;
	unsigned int number;
	bool initiator;
	int dumped = 0;

	memset(met, 0, sizeof(met));
	tcpstate_walk_start(&walk, &tn.tables, TCPSTATE_WALK_ALL);
	for (view = tcpstate_walk_current(&walk); view; view = tcpstate_walk_next(&walk)) {
		number = number_of(&view->tuple, &initiator);
		MUST(number < KEYS && !met[number]);
		met[number] = true;
		dumped++;
		life = &lives[number];
		if (!roomy)
			continue;
		MUST(life->there && life->initiator == initiator);
		MUST(life->pair.state[0] == view->state[0] && life->pair.state[1] == view->state[1]);
		MUST(view->idle_ms == (u32)fuzz_now - life->seen);
		MUST(view->age_ms == ((fuzz_now - life->created) & KEPT));
		MUST(view->segments[0] == (life->segments[0] & KEPT) &&
		     view->segments[1] == (life->segments[1] & KEPT));
		MUST(view->retrans[0] == life->pair.side[0].retrans &&
		     view->retrans[1] == life->pair.side[1].retrans);
	}
	if (!walk.interrupted)
		MUST(dumped == stats.records[TCPSTATE_FLOW] + stats.records[TCPSTATE_HALFOPEN]);
	for (number = 0; roomy && !walk.interrupted && number < KEYS; number++)
		MUST(met[number] == (lives[number].there &&
				     !tcpstate_fsm_ended(&lives[number].pair)));
}

/* What happens. */

static void pass(unsigned int number, unsigned int side, const struct tcpstate_segment *segment)
{
	struct tcpstate_parsed parsed = { tuple_of(number, side), *segment, 0 };
	unsigned long nomem = stats.counter[TCPSTATE_A_COUNTER_NOMEM];
	struct life *life = &lives[number], before = *life;
	u64 dwell_before[LENGTH(dwell)];
	unsigned int long_before[LENGTH(dwelt_long)];

	if (!tcpstate_fsm_flags_valid(segment->flags))
		return;
	memcpy(dwell_before, dwell, sizeof(dwell));
	memcpy(long_before, dwelt_long, sizeof(dwelt_long));
	tcpstate_deliver(&tn, &parsed, tcpstate_tuple_hash(&tn.log.key, &parsed.tuple));
	step(life, segment, side);
	if (stats.counter[TCPSTATE_A_COUNTER_NOMEM] == nomem)
		return;
	/* It opened nothing, changed nothing, or ended what had to move. */
	MUST(stats.counter[TCPSTATE_A_COUNTER_NOMEM] == nomem + 1);
	if (before.there && tcpstate_fsm_halfopen(&before.pair)) {
		life->there = false;
	} else {
		*life = before;
		memcpy(dwell, dwell_before, sizeof(dwell));
		memcpy(dwelt_long, long_before, sizeof(dwelt_long));
	}
	memcpy(life->next, before.next, sizeof(life->next));
}

static void send(const u8 op[5])
{
	static const u8 flags[] = {
		TCPSTATE_SYN, TCPSTATE_SYN | TCPSTATE_ACK, TCPSTATE_ACK, TCPSTATE_ACK,
		TCPSTATE_ACK | TCPSTATE_PSH, TCPSTATE_FIN | TCPSTATE_ACK, TCPSTATE_RST,
		TCPSTATE_RST | TCPSTATE_ACK,
	};
	static const u32 drifts[] = { 0, 0, 0, 0, 0, 1, -1, 1u << 31 };
	unsigned int number = (op[1] | op[2] << 8) % keys, side = op[2] >> 7;
	struct life *life = &lives[number];
	u32 *next = life->next, drift = drifts[op[3] >> 5];
	struct tcpstate_segment segment = {
		.seq = next[side] + drift, .ack = next[!side] + drifts[op[4] >> 5],
		.count = op[3] & 16 ? MANY : 1, .window = 8192, .wscale = TCPSTATE_WSCALE_NONE,
		.flags = flags[op[3] & 7],
	};

	if (op[3] & 8)
		segment.flags ^= 1 << (op[4] & 7);
	if (segment.flags & TCPSTATE_PSH)
		segment.len = 1 + (op[4] & 31);
	pass(number, side, &segment);
	if (!drift)
		next[side] += segment.len + !!(segment.flags & TCPSTATE_SYN) +
			      !!(segment.flags & TCPSTATE_FIN);
}

/* Handshakes of many in a row, so that tables grow. */
static void crowd(const u8 op[5])
{
	unsigned int i, n = op[3];
	u8 one[5] = {};

	for (i = 0; i < n; i++) {
		unsigned int number = (op[1] + (op[2] << 8) + i) % keys;

		one[1] = number;
		one[2] = number >> 8;
		send(one);
		if (op[4] & 1 << (i & 7))
			continue;
		one[2] |= 0x80;
		one[3] = 1;
		send(one);
		one[2] &= 0x7f;
		one[3] = 2;
		send(one);
		one[3] = 0;
	}
}

static void sweep(void)
{
	unsigned int i;

	if (!tn.tables.sweep.delayed.pending)
		return;
	tn.tables.sweep.delayed.pending = false;
	tn.tables.sweep.delayed.work.run(&tn.tables.sweep.delayed.work);
	for (i = 0; i < KEYS; i++)
		expire(&lives[i]);
	if (roomy)
		check_leaks();
}

/* Sweeps come each second, which is to say far more often than anything is due. */
static void go_on(unsigned int days, unsigned int more)
{
	while (days--) {
		fuzz_now += DAY + more;
		sweep();
	}
}

static void happen(const u8 op[5])
{
	switch (op[0] & 31) {
	case 0 ... 20:
		send(op);
		break;
	case 21:
	case 22:
		crowd(op);
		break;
	case 23 ... 25:
		if (slow)
			go_on(op[1] % DAYS, op[2]);
		else
			fuzz_now += (op[1] | op[2] << 8) % (LIVES * MSEC_PER_SEC);
		break;
	case 26:
	case 27:
		sweep();
		break;
	case 28:
		tn.tables.timeout[op[1] % TCPSTATE_TIMEOUT_MAX] =
			(1 + op[2]) * (slow ? SLOWER : 1);
		tcpstate_sweep_rescan(&tn.tables);
		break;
	case 29:
		if (op[1] & 1) {
			tcpstate_walk_flush(&tn.tables);
		} else {
			tcpstate_sweep_release(&tn.tables, TCPSTATE_REASON_FLUSHED);
			tcpstate_sweep_allow(&tn.tables);
		}
		forget();
		break;
	case 30:
		fuzz_short = op[1] & 3;
		break;
	case 31:
		tn.loose = op[1] & 1;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int max[TCPSTATE_KIND_MAX] = { KEYS, KEYS }, shape, i, since = 0;
	struct input input = { data, size };
	u8 op[5];

	memset(&tn, 0, sizeof(tn));
	memset(&stats, 0, sizeof(stats));
	memset(lives, 0, sizeof(lives));
	memset(dwell, 0, sizeof(dwell));
	memset(dwelt_long, 0, sizeof(dwelt_long));
	fuzz_short = fuzz_held = 0;
	fuzz_now = INITIAL;
	chance = shape = input_u16(&input);
	hash_mode = shape & 3;
	roomy = !(shape & 4);
	keys = roomy && hash_mode ? ALIKE : KEYS;
	slow = shape & 16;
	if (!roomy) {
		max[TCPSTATE_FLOW] = 1 + (shape >> 8 & 15);
		max[TCPSTATE_HALFOPEN] = 1 + (shape >> 12);
	}
	tn.loose = true;
	tn.log.stats = &stats;
	for (i = 0; i < TCPSTATE_TIMEOUT_MAX; i++)
		tn.tables.timeout[i] = (5 << (i & 3)) * (slow ? 4 * SLOWER : 1);
	MUST(!tcpstate_record_init() && !tcpstate_sweep_init());
	tcpstate_tables_init(&tn.tables, &tn.log, shape & 8, max);
	tcpstate_sweep_allow(&tn.tables);
	while (input.left) {
		input_take(&input, op, sizeof(op));
		happen(op);
		if (++since % CHECK)
			continue;
		check_counts();
		check_dump();
	}
	check_counts();
	check_dump();
	tcpstate_sweep_release(&tn.tables, TCPSTATE_REASON_FLUSHED);
	forget();
	check_counts();
	MUST(!fuzz_held && !tn.log.memory.used[TCPSTATE_A_MEMORY_TABLES].counter);
	MUST(!stats.octets[TCPSTATE_FLOW] && !stats.octets[TCPSTATE_HALFOPEN]);
	tcpstate_sweep_exit();
	tcpstate_record_exit();
	return 0;
}
