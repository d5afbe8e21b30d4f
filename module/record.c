// SPDX-License-Identifier: GPL-2.0
/* One connection: its key, its memory, and its counted steps through life. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "record.h"

static hsiphash_key_t hash_key __read_mostly;
static struct kmem_cache *cache4 __read_mostly;
static struct kmem_cache *cache6 __read_mostly;

/**
 * tcpstate_record_init() - prepare memory and the hash key
 *
 * Context: module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init tcpstate_record_init(void)
{
	const size_t size = sizeof(struct tcpstate_record);

	BUILD_BUG_ON(sizeof(struct tcpstate_pair) != 72);
	BUILD_BUG_ON(sizeof(struct tcpstate_record) != 128);
	BUILD_BUG_ON(offsetof(struct tcpstate_record, pair.memo) != 64);

	get_random_bytes(&hash_key, sizeof(hash_key));
	cache4 = kmem_cache_create("tcpstate_ipv4", size, 0, SLAB_HWCACHE_ALIGN, NULL);
	if (!cache4)
		return -ENOMEM;
	/* Aligned to half a line: 160 octets would become 192. */
	cache6 = kmem_cache_create("tcpstate_ipv6", size + 2 * sizeof(struct in6_addr), 32, 0,
				   NULL);
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

static u32 hash4(__be32 src, __be32 dst, __be16 sport, __be16 dport)
{
	u32 a = (__force u32)src, b = (__force u32)dst;
	u32 p = (__force u16)sport, q = (__force u16)dport;

	if (a > b || (a == b && p > q)) {
		swap(a, b);
		swap(p, q);
	}
	return hsiphash_3u32(a, b, p << 16 | q, &hash_key);
}

static u32 hash6(const struct in6_addr *src, const struct in6_addr *dst,
		 __be16 sport, __be16 dport)
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
	return hsiphash(&key, sizeof(key), &hash_key);
}

/**
 * tcpstate_tuple_hash() - keyed hash of a connection
 * @tuple: of a segment in either direction
 *
 * Context: any.
 * Return: the same for both directions, and unforeseeable from outside.
 */
u32 tcpstate_tuple_hash(const struct tcpstate_tuple *tuple)
{
	if (tuple->family == NFPROTO_IPV4)
		return hash4(tuple->src.s6_addr32[0], tuple->dst.s6_addr32[0],
			     tuple->sport, tuple->dport);
	return hash6(&tuple->src, &tuple->dst, tuple->sport, tuple->dport);
}

/**
 * tcpstate_record_hash() - the hash by which a record is filed
 * @record: caller holds its bucket's lock
 *
 * Return: as tcpstate_tuple_hash() of its segments.
 */
u32 tcpstate_record_hash(const struct tcpstate_record *record)
{
	if (!record->pair.keeper)
		return hash4(record->addr4[0], record->addr4[1], record->port[0], record->port[1]);
	return record->tag6;
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

/* Would a segment of this tuple have been sent by @from? */
static bool sent_by(const struct tcpstate_record *record, const struct tcpstate_tuple *tuple,
		    enum tcpstate_end from)
{
	enum tcpstate_end to = tcpstate_peer(from);

	if (record->port[from] != tuple->sport || record->port[to] != tuple->dport)
		return false;
	if (tuple->family == NFPROTO_IPV4)
		return record->addr4[from] == tuple->src.s6_addr32[0] &&
		       record->addr4[to] == tuple->dst.s6_addr32[0];
	return ipv6_addr_equal(&record->addr6[from], &tuple->src) &&
	       ipv6_addr_equal(&record->addr6[to], &tuple->dst);
}

/**
 * tcpstate_record_matches() - does a segment belong to this record?
 * @record: caller holds its bucket's lock
 * @tuple: the segment's
 * @hash: of @tuple
 * @from: filled in with its sender, where it does
 *
 * Return: whether it does.
 */
bool tcpstate_record_matches(const struct tcpstate_record *record,
			     const struct tcpstate_tuple *tuple, u32 hash,
			     enum tcpstate_end *from)
{
	if (tcpstate_record_family(record) != tuple->family)
		return false;
	if (tuple->family == NFPROTO_IPV6 && record->tag6 != hash)
		return false;
	*from = TCPSTATE_INITIATOR;
	if (sent_by(record, tuple, *from))
		return true;
	*from = TCPSTATE_RESPONDER;
	return sent_by(record, tuple, *from);
}

/**
 * tcpstate_record_alloc() - memory for a record
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: any.
 * Return: a record that tcpstate_record_open() must fill, or NULL.
 */
struct tcpstate_record *tcpstate_record_alloc(u8 family)
{
	struct tcpstate_record *record;

	record = kmem_cache_alloc(family == NFPROTO_IPV4 ? cache4 : cache6,
				  GFP_ATOMIC | __GFP_NOWARN);
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

static void count_segments(struct tcpstate_record *record, enum tcpstate_end from, u32 count)
{
	record->segments[from] += count;
	if (unlikely(record->segments[from] < count))
		record->segments_high[from]++;
}

/* The record is about to leave the gauges. */
static void retire(struct tcpstate_stats __percpu *stats, enum tcpstate_kind kind,
		   const u8 state[2], enum tcpstate_reason reason)
{
	tcpstate_stats_moved(stats, TCPSTATE_INITIATOR, state[0], TCPSTATE_UNSPEC);
	tcpstate_stats_moved(stats, TCPSTATE_RESPONDER, state[1], TCPSTATE_UNSPEC);
	this_cpu_dec(stats->records[kind]);
	tcpstate_stats_closed(stats, reason);
}

/* The endpoints closed, as opposed to us no longer watching them. */
static void count_close(struct tcpstate_stats __percpu *stats, const u8 state[2])
{
	this_cpu_add(stats->entered[TCPSTATE_CLOSE],
		     (state[0] != TCPSTATE_CLOSE) + (state[1] != TCPSTATE_CLOSE));
}

/**
 * tcpstate_record_open() - a segment begins a record
 * @stats: the namespace's counters
 * @record: of the segment's family; in no table, or ended and staying where it is
 * @parsed: the segment
 * @hash: of its tuple
 * @from: its sender, as tcpstate_fsm_open() has it
 * @again: it succeeds the record that gave way to this segment
 *
 * Context: BH disabled; caller holds the lock of the half-open bucket of @hash.
 * Return: false where the segment opens nothing; then nothing is counted.
 */
bool tcpstate_record_open(struct tcpstate_stats __percpu *stats, struct tcpstate_record *record,
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
	count_segments(record, from, segment->count);

	tcpstate_stats_moved(stats, TCPSTATE_INITIATOR, TCPSTATE_UNSPEC, pair->state[0]);
	tcpstate_stats_moved(stats, TCPSTATE_RESPONDER, TCPSTATE_UNSPEC, pair->state[1]);
	this_cpu_inc(stats->records[tcpstate_record_kind(record)]);
	if (pair->flags & TCPSTATE_PICKED_UP)
		tcpstate_count(stats, PICKED_UP);
	else
		tcpstate_count(stats, OPENED);
	return true;
}

/**
 * tcpstate_record_step() - a segment of a record's connection
 * @stats: the namespace's counters
 * @record: caller holds its bucket's lock
 * @segment: the segment, its flags valid
 * @from: its sender
 * @now: tcpstate_now()
 *
 * Context: BH disabled.
 * Return: as tcpstate_fsm_step(). All of it is counted but for what
 * TCPSTATE_ANEW asks of the caller.
 */
struct tcpstate_outcome tcpstate_record_step(struct tcpstate_stats __percpu *stats,
					     struct tcpstate_record *record,
					     const struct tcpstate_segment *segment,
					     enum tcpstate_end from, u32 now)
{
	struct tcpstate_pair *pair = &record->pair;
	const u8 before[2] = { pair->state[0], pair->state[1] };
	enum tcpstate_kind kind = tcpstate_record_kind(record), kind_now;
	struct tcpstate_outcome out = tcpstate_fsm_step(pair, segment, from);

	if (out.facts)
		tcpstate_stats_facts(stats, out.facts, segment->count);
	if (out.action == TCPSTATE_ANEW || out.facts & BIT(TCPSTATE_FACT_STRAY))
		return out;

	count_segments(record, from, segment->count);
	if (out.renew && record->seen != now)
		record->seen = now;
	if (out.action == TCPSTATE_END) {
		count_close(stats, before);
		retire(stats, kind, before, out.reason);
		return out;
	}
	tcpstate_stats_moved(stats, TCPSTATE_INITIATOR, before[0], pair->state[0]);
	tcpstate_stats_moved(stats, TCPSTATE_RESPONDER, before[1], pair->state[1]);
	kind_now = tcpstate_record_kind(record);
	if (unlikely(kind_now != kind)) {
		this_cpu_dec(stats->records[kind]);
		this_cpu_inc(stats->records[kind_now]);
	}
	return out;
}

/**
 * tcpstate_record_end() - a record ends for a reason that no segment stated
 * @stats: the namespace's counters
 * @record: caller holds its bucket's lock; nothing happens where it had ended
 * @reason: why
 *
 * Context: BH disabled.
 */
void tcpstate_record_end(struct tcpstate_stats __percpu *stats, struct tcpstate_record *record,
			 enum tcpstate_reason reason)
{
	if (tcpstate_fsm_ended(&record->pair))
		return;
	retire(stats, tcpstate_record_kind(record), record->pair.state, reason);
	tcpstate_fsm_close(&record->pair);
}

/**
 * tcpstate_record_expire() - a record's timer ran out
 * @stats: the namespace's counters
 * @record: caller holds its bucket's lock
 * @now: tcpstate_now()
 *
 * Context: BH disabled.
 * Return: true when nothing is left to wait for and the record may be freed;
 * false when it ended just now and lingers.
 */
bool tcpstate_record_expire(struct tcpstate_stats __percpu *stats,
			    struct tcpstate_record *record, u32 now)
{
	const u8 before[2] = { record->pair.state[0], record->pair.state[1] };
	enum tcpstate_kind kind = tcpstate_record_kind(record);
	enum tcpstate_reason reason;

	if (tcpstate_fsm_ended(&record->pair))
		return true;
	reason = tcpstate_fsm_expire(&record->pair);
	count_close(stats, before);
	retire(stats, kind, before, reason);
	record->seen = now;
	return reason == TCPSTATE_REASON_FIN;
}

/**
 * tcpstate_record_view() - what readers are told of a record
 * @record: caller holds its bucket's lock; not ended
 * @view: filled in
 *
 * Context: any.
 */
void tcpstate_record_view(const struct tcpstate_record *record, struct tcpstate_view *view)
{
	const struct tcpstate_pair *pair = &record->pair;
	u64 now = tcpstate_now64();
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
		view->state[end] = pair->state[end];
		view->bytes[end] = tcpstate_fsm_bytes(pair, end);
		view->segments[end] = (u64)record->segments_high[end] << 32 |
				      record->segments[end];
		view->retrans[end] = pair->retrans[end];
	}
	/* Forty bits of milliseconds: they wrap after 34 years. */
	view->age_ms = (now - ((u64)record->created_high << 32 | record->created)) &
		       GENMASK_ULL(39, 0);
	view->idle_ms = (u32)now - record->seen;
	view->syn = pair->syn;
	view->synack = pair->synack;
	view->picked_up = pair->flags & TCPSTATE_PICKED_UP;
	view->one_sided = pair->flags & TCPSTATE_ONE_SIDED;
	tcpstate_fsm_history(pair, view->history);
}
