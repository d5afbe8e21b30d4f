// SPDX-License-Identifier: GPL-2.0
/* One connection: its key, its memory, and its counted steps through life. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "listener.h"
#include "trace.h"

#define LONG_MS BIT(30)		/* from here on the clock of a stay is in seconds */
/* A handshake that takes longer (ms) was delayed by more than the path. */
#define ROUND_TRIP_MAX 1000

static struct kmem_cache *cache4 __read_mostly;
static struct kmem_cache *cache6 __read_mostly;

/**
 * tcpstate_record_init() - prepare memory
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_record_init(void)
{
	const size_t size = sizeof(struct tcpstate_record);

	BUILD_BUG_ON(sizeof(struct tcpstate_pair) != 72);
	/* Where pointers have 32 bits both may be less. */
	BUILD_BUG_ON(sizeof(struct tcpstate_record) > 128);
	BUILD_BUG_ON(offsetof(struct tcpstate_record, pair.memo) > 64);

	cache4 = kmem_cache_create("tcpstate_ipv4", size, 0, SLAB_HWCACHE_ALIGN, NULL);
	if (!cache4)
		return -ENOMEM;
	/* Aligned to half a line: 160 octets would become 192. */
	cache6 = kmem_cache_create("tcpstate_ipv6", TCPSTATE_RECORD_SIZE_MAX, 32, 0, NULL);
	if (!cache6) {
		kmem_cache_destroy(cache4);
		return -ENOMEM;
	}
	return 0;
}

/**
 * tcpstate_record_exit() - give the memory back
 *
 * Context: module exit, after the last record was freed.
 */
void tcpstate_record_exit(void)
{
	kmem_cache_destroy(cache6);
	kmem_cache_destroy(cache4);
}

static u32 hash4(const hsiphash_key_t *hash_key, __be32 src, __be32 dst, __be16 sport,
		 __be16 dport)
{
	u32 a = (__force u32)src, b = (__force u32)dst;
	u32 p = (__force u16)sport, q = (__force u16)dport;

	if (a > b || (a == b && p > q)) {
		swap(a, b);
		swap(p, q);
	}
	return hsiphash_3u32(a, b, p << 16 | q, hash_key);
}

static u32 hash6(const hsiphash_key_t *hash_key, const struct in6_addr *src,
		 const struct in6_addr *dst, __be16 sport, __be16 dport)
{
	struct {
		struct in6_addr addr[2];
		__be16 port[2];
	} key;
	int order = memcmp(src, dst, sizeof(*src));
	bool swapped = order > 0 || (!order && (__force u16)sport > (__force u16)dport);

	key.addr[swapped] = *src;
	key.addr[!swapped] = *dst;
	key.port[swapped] = sport;
	key.port[!swapped] = dport;
	return hsiphash(&key, sizeof(key), hash_key);
}

/**
 * tcpstate_tuple_hash() - keyed hash of a connection
 * @key: &tcpstate_log.key of the namespace
 * @tuple: of a segment in either direction
 *
 * Context: any.
 * Return: the same for both directions, and unforeseeable from outside.
 */
u32 tcpstate_tuple_hash(const hsiphash_key_t *key, const struct tcpstate_tuple *tuple)
{
	if (tuple->family == NFPROTO_IPV4)
		return hash4(key, tuple->src.s6_addr32[0], tuple->dst.s6_addr32[0],
			     tuple->sport, tuple->dport);
	return hash6(key, &tuple->src, &tuple->dst, tuple->sport, tuple->dport);
}

/**
 * tcpstate_record_hash() - the hash by which a record is filed
 * @key: &tcpstate_log.key of its namespace
 * @record: caller holds its bucket's lock
 *
 * Return: as tcpstate_tuple_hash() of its segments.
 */
u32 tcpstate_record_hash(const hsiphash_key_t *key, const struct tcpstate_record *record)
{
	if (!record->pair.keeper)
		return hash4(key, record->addr4[0], record->addr4[1], record->port[0],
			     record->port[1]);
	return record->tag6;
}

/**
 * tcpstate_record_host() - address and port of an endpoint
 * @record: caller holds its bucket's lock
 * @end: which
 * @host: filled in
 */
void tcpstate_record_host(const struct tcpstate_record *record, enum tcpstate_end end,
			  struct tcpstate_host *host)
{
	*host = (struct tcpstate_host){
		.port = record->port[end],
		.family = tcpstate_record_family(record),
	};
	if (record->pair.keeper)
		memcpy(host->addr, &record->addr6[end], sizeof(host->addr));
	else
		host->addr[0] = record->addr4[end];
}

/* Store the key: the initiator stands first. */
static void set_key(struct tcpstate_record *record, const struct tcpstate_tuple *tuple, u32 hash,
		    enum tcpstate_end from)
{
	enum tcpstate_end to = tcpstate_peer(from);

	record->port[from] = tuple->sport;
	record->port[to] = tuple->dport;
	if (tuple->family == NFPROTO_IPV4) {
		record->addr4[from] = tuple->src.s6_addr32[0];
		record->addr4[to] = tuple->dst.s6_addr32[0];
		return;
	}
	record->tag6 = hash;
	record->addr6[from] = tuple->src;
	record->addr6[to] = tuple->dst;
}

/**
 * tcpstate_record_alloc() - memory for a record
 * @log: the namespace's books
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: any.
 * Return: a record that tcpstate_record_open() must fill, or NULL.
 */
struct tcpstate_record *tcpstate_record_alloc(const struct tcpstate_log *log, u8 family)
{
	struct tcpstate_record *record;
	struct mem_cgroup *before;
	gfp_t gfp = GFP_ATOMIC;

	before = tcpstate_memory_enter(&log->memory, &gfp);
	record = kmem_cache_alloc(family == NFPROTO_IPV4 ? cache4 : cache6, gfp);
	tcpstate_memory_leave(&log->memory, before);
	if (record)
		record->pair.keeper = family == NFPROTO_IPV6;
	return record;
}

/**
 * tcpstate_record_free() - give a record's memory back
 * @record: in no table any more
 *
 * Context: any.
 */
void tcpstate_record_free(struct tcpstate_record *record)
{
	kmem_cache_free(record->pair.keeper ? cache6 : cache4, record);
}

/**
 * tcpstate_record_kind() - as what does a record count?
 * @record: caller holds its bucket's lock; not ended
 *
 * Return: TCPSTATE_HALFOPEN until its initiator has proved itself.
 */
enum tcpstate_kind tcpstate_record_kind(const struct tcpstate_record *record)
{
	return tcpstate_fsm_halfopen(&record->pair) ? TCPSTATE_HALFOPEN : TCPSTATE_FLOW;
}

/* An endpoint leaves a state, or its record the world. */
static void count_stay(struct tcpstate_stats __percpu *stats, struct tcpstate_record *record,
		       enum tcpstate_end end, u8 state, u32 now)
{
	tcpstate_histogram_add(&stats->dwell[state], tcpstate_record_stay(record, end, now));
	record->since[end] = now;
	record->marks &= ~(TCPSTATE_LONG << end);
}

/* As which kind of half-open its listener counts a pair in these states. */
static enum tcpstate_half half_of(const struct tcpstate_pair *pair, const u8 state[2])
{
	if (!tcpstate_fsm_half(state))
		return TCPSTATE_HALF_NONE;
	return pair->synack && state[TCPSTATE_RESPONDER] != TCPSTATE_LISTEN ?
	       TCPSTATE_HALF_ANSWERED : TCPSTATE_HALF_ASKED;
}

/* What the end of a half-open is to its listener. */
static enum tcpstate_news news_of_end(enum tcpstate_reason reason)
{
	static const u8 news[__TCPSTATE_REASON_MAX] = {
		[TCPSTATE_REASON_RESET]		= TCPSTATE_NEWS_RESET,
		[TCPSTATE_REASON_REFUSED]	= TCPSTATE_NEWS_REFUSED,
		[TCPSTATE_REASON_TIMEOUT]	= TCPSTATE_NEWS_TIMED_OUT,
		[TCPSTATE_REASON_EVICTED]	= TCPSTATE_NEWS_EVICTED,
	};

	return news[reason];
}

/* What a segment is to the listener of a half-open that goes on, or of a flow. */
static enum tcpstate_news news_of_step(const struct tcpstate_pair *pair, enum tcpstate_kind kind,
				       bool answered, u32 facts)
{
	if (facts & BIT(TCPSTATE_FACT_SYNACK_RETRANS))
		return kind == TCPSTATE_HALFOPEN ? TCPSTATE_NEWS_ANSWERED_AGAIN :
						   TCPSTATE_NEWS_STRAIN;
	if (kind != TCPSTATE_HALFOPEN)
		return TCPSTATE_NEWS_NONE;
	if (facts & BIT(TCPSTATE_FACT_SYN_RETRANS))
		return TCPSTATE_NEWS_ASKED_AGAIN;
	if (facts & BIT(TCPSTATE_FACT_ESTABLISHED))
		return TCPSTATE_NEWS_COMPLETED;
	if (!tcpstate_fsm_halfopen(pair))
		return TCPSTATE_NEWS_ASIDE;
	return pair->synack && !answered ? TCPSTATE_NEWS_ANSWERED : TCPSTATE_NEWS_NONE;
}

/* The record leaves the gauges: nothing more will happen to it. */
static void retire(struct tcpstate_log *log, struct tcpstate_record *record,
		   enum tcpstate_kind kind, const u8 state[2], enum tcpstate_reason reason)
{
	tcpstate_stats_closed(log->stats, kind, state, reason);
	if (kind == TCPSTATE_HALFOPEN)
		tcpstate_listener_tell(log, record, half_of(&record->pair, state),
				       TCPSTATE_HALF_NONE, news_of_end(reason));
	tcpstate_event(log, TCPSTATE_EVENT_CLOSED, record, state, reason);
}

/* One endpoint or both have gone to other states. */
static void move(struct tcpstate_stats __percpu *stats, struct tcpstate_record *record,
		 const u8 before[2], u32 now)
{
	unsigned int end;

	tcpstate_stats_moved(stats, before, record->pair.state);
	for (end = 0; end < 2; end++)
		if (before[end] != record->pair.state[end])
			count_stay(stats, record, end, before[end], now);
}

/* The endpoints closed, as opposed to us no longer watching them. */
static void count_close(struct tcpstate_stats __percpu *stats, struct tcpstate_record *record,
			const u8 state[2], u32 now)
{
	tcpstate_stats_shut(stats, state);
	count_stay(stats, record, TCPSTATE_INITIATOR, state[0], now);
	count_stay(stats, record, TCPSTATE_RESPONDER, state[1], now);
}

/* The endpoint has been asked for its answer. */
static void time_begin(struct tcpstate_record *record, enum tcpstate_end end)
{
	record->latency[end] = tcpstate_stopwatch();
}

/* It has given it; zero is for what was not measured. */
static void time_end(struct tcpstate_log *log, struct tcpstate_record *record,
		     enum tcpstate_end end)
{
	record->latency[end] = max(tcpstate_stopwatch() - record->latency[end], 1U);
	record->marks |= TCPSTATE_TIMED << end;
	tcpstate_histogram_add(&log->stats->latency[end], record->latency[end]);
}

/*
 * A segment of a half-open: the answers that it is, and asks for. One that was
 * asked for twice has no latency, since nobody knows which question it answers.
 */
static void time_handshake(struct tcpstate_log *log, struct tcpstate_record *record,
			   bool answered, bool completed)
{
	const struct tcpstate_pair *pair = &record->pair;

	if (!answered && pair->synack) {
		if (pair->syn == 1)
			time_end(log, record, TCPSTATE_RESPONDER);
		time_begin(record, TCPSTATE_INITIATOR);
	} else if (completed && pair->synack == 1) {
		time_end(log, record, TCPSTATE_INITIATOR);
	}
}

/* What a RST struck, and whether it was believed. */
static void count_reset(struct tcpstate_log *log, enum tcpstate_end from, const u8 state[2],
			u32 facts)
{
	enum tcpstate_reset what = TCPSTATE_RESET_IN_WINDOW;

	if (facts & BIT(TCPSTATE_FACT_INVALID_RST))
		what = TCPSTATE_RESET_OUT_OF_WINDOW;
	else if (facts & BIT(TCPSTATE_FACT_RST_INEXACT))
		what = TCPSTATE_RESET_INEXACT;
	atomic_long_inc(&log->resets.count[from][state[0]][state[1]][what]);
}

/*
 * By a SYN; by a SYN-ACK, which with @again has superseded another; or by what follows
 * one, which with @again revives a record.
 */
static void tell_opened(struct tcpstate_log *log, struct tcpstate_record *record, bool again)
{
	const struct tcpstate_pair *pair = &record->pair;
	enum tcpstate_half half = half_of(pair, pair->state);

	if (tcpstate_record_kind(record) != TCPSTATE_HALFOPEN) {
		if (!again)
			tcpstate_listener_late(log, record);
	} else if (pair->flags & TCPSTATE_PICKED_UP) {
		tcpstate_listener_tell(log, record, TCPSTATE_HALF_NONE, half,
				       TCPSTATE_NEWS_UNASKED);
	} else {
		tcpstate_listener_tell(log, record, TCPSTATE_HALF_NONE, TCPSTATE_HALF_ASKED,
				       TCPSTATE_NEWS_ASKED);
		if (half == TCPSTATE_HALF_ANSWERED)
			tcpstate_listener_tell(log, record, TCPSTATE_HALF_ASKED, half,
					       TCPSTATE_NEWS_ANSWERED);
	}
}

/**
 * tcpstate_record_open() - a segment begins a record
 * @log: the namespace's books
 * @record: of the segment's family; in no table, or ended and staying where it is
 * @parsed: the segment
 * @hash: of its tuple
 * @from: its sender, as tcpstate_fsm_open() has it
 * @again: it succeeds the record that gave way to this segment
 *
 * Context: BH disabled; caller holds the lock of the half-open bucket of @hash, or of
 * the record's bucket if it revives the record where it is.
 * Return: false where the segment opens nothing; then nothing is counted.
 */
bool tcpstate_record_open(struct tcpstate_log *log, struct tcpstate_record *record,
			  const struct tcpstate_parsed *parsed, u32 hash, enum tcpstate_end from,
			  bool again)
{
	const struct tcpstate_segment *segment = &parsed->segment;
	struct tcpstate_pair *pair = &record->pair;
	struct tcpstate_record *next = record->next;
	u64 now = tcpstate_now64();

	memset(record, 0, sizeof(*record));
	record->next = next;
	pair->keeper = parsed->tuple.family == NFPROTO_IPV6;
	if (again)
		tcpstate_fsm_reopen(pair, segment, from);
	else if (!tcpstate_fsm_open(pair, segment, from))
		return false;

	set_key(record, &parsed->tuple, hash, from);
	record->created = now;
	record->created_high = now >> 32;
	record->seen = now;
	record->since[TCPSTATE_INITIATOR] = now;
	record->since[TCPSTATE_RESPONDER] = now;
	tcpstate_record_count(record, from, segment->count);
	/* Whoever speaks first asks the other: for a SYN-ACK, or for what completes one. */
	if (tcpstate_record_kind(record) == TCPSTATE_HALFOPEN)
		time_begin(record, tcpstate_peer(from));

	tcpstate_stats_opened(log->stats, tcpstate_record_kind(record), pair->state);
	if (pair->flags & TCPSTATE_PICKED_UP)
		tcpstate_count(log->stats, PICKED_UP);
	else
		tcpstate_count(log->stats, OPENED);
	tell_opened(log, record, again);
	tcpstate_event(log, TCPSTATE_EVENT_OPENED, record, pair->state, TCPSTATE_REASON_NONE);
	tcpstate_trace(log, record, segment, from, &(struct tcpstate_outcome){});
	return true;
}

/* Milliseconds that the handshake took, both answers; 0 if either was not measured. */
static u32 round_trip(const struct tcpstate_record *record)
{
	const u8 timed = TCPSTATE_TIMED << TCPSTATE_INITIATOR |
			 TCPSTATE_TIMED << TCPSTATE_RESPONDER;

	if ((record->marks & timed) != timed)
		return 0;
	return min_t(u32, record->latency[TCPSTATE_INITIATOR] / USEC_PER_MSEC +
			  record->latency[TCPSTATE_RESPONDER] / USEC_PER_MSEC, ROUND_TRIP_MAX);
}

/* A batch may bring a segment that is older, by a tick, than the last one seen. */
static struct tcpstate_elapsed elapsed_of(const struct tcpstate_record *record, u32 now)
{
	return (struct tcpstate_elapsed){
		.silent = max_t(s32, now - record->seen, 0),
		.age = now - record->created,
		.round_trip = round_trip(record),
	};
}

/**
 * tcpstate_record_step() - a segment of a record's connection
 * @log: the namespace's books
 * @record: caller holds its bucket's lock
 * @segment: the segment, its flags valid
 * @from: its sender
 * @now: tcpstate_now()
 *
 * Context: BH disabled.
 * Return: as tcpstate_fsm_step(). All of it is counted but for what
 * TCPSTATE_ANEW asks of the caller.
 */
struct tcpstate_outcome tcpstate_record_step(struct tcpstate_log *log,
					     struct tcpstate_record *record,
					     const struct tcpstate_segment *segment,
					     enum tcpstate_end from, u32 now)
{
	struct tcpstate_pair *pair = &record->pair;
	const u8 before[2] = { pair->state[0], pair->state[1] };
	enum tcpstate_kind kind = tcpstate_record_kind(record), kind_now;
	enum tcpstate_half half = half_of(pair, before);
	bool answered = kind == TCPSTATE_HALFOPEN && pair->synack;
	const struct tcpstate_elapsed elapsed = elapsed_of(record, now);
	struct tcpstate_outcome out = tcpstate_fsm_step(pair, segment, from, &elapsed);

	if (out.facts)
		tcpstate_stats_facts(log->stats, out.facts, segment->count);
	if (out.action == TCPSTATE_ANEW || out.facts & BIT(TCPSTATE_FACT_STRAY))
		return out;

	tcpstate_record_count(record, from, segment->count);
	if (unlikely(segment->flags & TCPSTATE_RST))
		count_reset(log, from, before, out.facts);
	if (out.renew && record->seen != now)
		record->seen = now;
	if (out.action == TCPSTATE_END) {
		count_close(log->stats, record, before, now);
		retire(log, record, kind, before, out.reason);
		return out;
	}
	kind_now = tcpstate_record_kind(record);
	if (unlikely(kind == TCPSTATE_HALFOPEN))
		time_handshake(log, record, answered, kind_now != kind);
	if (unlikely(kind == TCPSTATE_HALFOPEN || segment->flags & TCPSTATE_SYN))
		tcpstate_listener_tell(log, record, half, half_of(pair, pair->state),
				       news_of_step(pair, kind, answered, out.facts));
	if (unlikely(kind_now != kind)) {
		tcpstate_percpu_dec(log->stats->records[kind]);
		tcpstate_percpu_inc(log->stats->records[kind_now]);
	}
	if (unlikely(before[0] != pair->state[0] || before[1] != pair->state[1]))
		move(log->stats, record, before, now);
	if (out.facts & BIT(TCPSTATE_FACT_ESTABLISHED))
		tcpstate_event(log, TCPSTATE_EVENT_ESTABLISHED, record, pair->state,
			       TCPSTATE_REASON_NONE);
	return out;
}

/**
 * tcpstate_record_end() - a record ends for a reason that no segment stated
 * @log: the namespace's books
 * @record: caller holds its bucket's lock; nothing happens where it had ended
 * @reason: why
 *
 * Context: BH disabled.
 */
void tcpstate_record_end(struct tcpstate_log *log, struct tcpstate_record *record,
			 enum tcpstate_reason reason)
{
	if (tcpstate_fsm_ended(&record->pair))
		return;
	retire(log, record, tcpstate_record_kind(record), record->pair.state, reason);
	tcpstate_fsm_close(&record->pair);
}

/**
 * tcpstate_record_expire() - a record's timer ran out
 * @log: the namespace's books
 * @record: caller holds its bucket's lock
 * @now: tcpstate_now()
 *
 * Context: BH disabled.
 * Return: true when nothing is left to wait for and the record may be freed;
 * false when it ended just now and lingers.
 */
bool tcpstate_record_expire(struct tcpstate_log *log, struct tcpstate_record *record, u32 now)
{
	const u8 before[2] = { record->pair.state[0], record->pair.state[1] };
	enum tcpstate_kind kind = tcpstate_record_kind(record);
	enum tcpstate_reason reason;

	if (tcpstate_fsm_ended(&record->pair))
		return true;
	reason = tcpstate_fsm_expire(&record->pair);
	count_close(log->stats, record, before, now);
	retire(log, record, kind, before, reason);
	record->seen = now;
	return reason == TCPSTATE_REASON_FIN;
}

/**
 * tcpstate_record_long() - count long stays in seconds, before their milliseconds wrap
 * @record: caller holds its bucket's lock
 * @now: tcpstate_now()
 *
 * The sweep visits each record once in the longest timeout (24.9 days), so that no stay
 * in milliseconds is longer than that and LONG_MS (12.4 days) together.
 *
 * Context: BH disabled.
 */
void tcpstate_record_long(struct tcpstate_record *record, u32 now)
{
	unsigned int end;
	u32 stay;

	for (end = 0; end < 2; end++) {
		stay = tcpstate_since(record->since[end], now);
		if (likely(record->marks & TCPSTATE_LONG << end || stay < LONG_MS))
			continue;
		record->since[end] = div_u64(tcpstate_now64() - stay, MSEC_PER_SEC);
		record->marks |= TCPSTATE_LONG << end;
	}
}

/**
 * tcpstate_record_view() - what readers are told of a record
 * @record: caller holds its bucket's lock
 * @state: its endpoints' states; where it has ended, just before
 * @view: filled in
 *
 * Context: any.
 */
void tcpstate_record_view(const struct tcpstate_record *record, const u8 state[2],
			  struct tcpstate_view *view)
{
	const struct tcpstate_pair *pair = &record->pair;
	unsigned int end;

	memset(view, 0, sizeof(*view));
	view->tuple.family = tcpstate_record_family(record);
	view->tuple.sport = record->port[TCPSTATE_INITIATOR];
	view->tuple.dport = record->port[TCPSTATE_RESPONDER];
	if (view->tuple.family == NFPROTO_IPV4) {
		view->tuple.src.s6_addr32[0] = record->addr4[TCPSTATE_INITIATOR];
		view->tuple.dst.s6_addr32[0] = record->addr4[TCPSTATE_RESPONDER];
	} else {
		view->tuple.src = record->addr6[TCPSTATE_INITIATOR];
		view->tuple.dst = record->addr6[TCPSTATE_RESPONDER];
	}
	for (end = 0; end < 2; end++) {
		view->state[end] = state[end];
		view->bytes[end] = tcpstate_fsm_bytes(pair, end);
		view->segments[end] = (u64)record->segments_high[end] << 32 |
				      record->segments[end];
		view->retrans[end] = pair->side[end].retrans;
		if (record->marks & TCPSTATE_TIMED << end)
			view->latency[end] = record->latency[end];
	}
	view->age_ms = tcpstate_record_age(record);
	view->idle_ms = tcpstate_record_idle(record);
	view->syn = pair->syn;
	view->synack = pair->synack;
	switch (half_of(pair, state)) {
	case TCPSTATE_HALF_ASKED:
		view->phase = TCPSTATE_SYN_SENT;
		break;
	case TCPSTATE_HALF_ANSWERED:
		view->phase = TCPSTATE_SYN_RECV;
		break;
	case TCPSTATE_HALF_NONE:
		break;
	}
	view->picked_up = pair->flags & TCPSTATE_PICKED_UP;
	view->one_sided = pair->flags & TCPSTATE_ONE_SIDED;
	tcpstate_fsm_history(pair, view->history);
}
