// SPDX-License-Identifier: GPL-2.0
/* The module's engine in userspace; see engine.h. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "engine.h"
#include "packet.h"
#include "segment.h"

/* In the order of NFPROTO_*, which are AF_*. */
#define FAMILY_IPV4 NFPROTO_IPV4
#define FAMILY_IPV6 NFPROTO_IPV6
/* As record.c: a handshake that takes longer (ms) was delayed by more than the path. */
#define ROUND_TRIP_MAX 1000

/**
 * struct engine - see engine.h
 * @setup: what it was made with
 * @records: tree of struct engine_record, each an allocation of its own
 * @listeners: likewise of struct engine_listener: who answered a SYN
 * @packets: that were fed
 * @counters: by enum tcpstate_counter
 * @entered: by enum tcpstate_state
 */
struct engine {
	struct engine_setup setup;
	void *records;
	void *listeners;
	uint64_t packets;
	uint64_t counters[__TCPSTATE_A_COUNTER_MAX];
	uint64_t entered[__TCPSTATE_STATE_MAX];
	uint32_t now;
};

/* Who it is: no octet of it is left to chance. */
struct engine_listener {
	uint8_t addr[16];
	uint16_t port;
	uint16_t family;
};

/* What a segment proves or is refused for is counted by these names. */
static const struct {
	unsigned int counter;
	bool once;		/* however many segments the packet stands for */
} fact_counters[TCPSTATE_FACT_MAX] = {
	[TCPSTATE_FACT_ESTABLISHED]		= { TCPSTATE_A_COUNTER_ESTABLISHED, true },
	[TCPSTATE_FACT_SIMULTANEOUS_OPEN]	= { TCPSTATE_A_COUNTER_SIMULTANEOUS_OPEN, true },
	[TCPSTATE_FACT_SIMULTANEOUS_CLOSE]	= { TCPSTATE_A_COUNTER_SIMULTANEOUS_CLOSE, true },
	[TCPSTATE_FACT_SYN_RETRANS]		= { TCPSTATE_A_COUNTER_SYN_RETRANS },
	[TCPSTATE_FACT_SYNACK_RETRANS]		= { TCPSTATE_A_COUNTER_SYNACK_RETRANS },
	[TCPSTATE_FACT_FIN_RETRANS]		= { TCPSTATE_A_COUNTER_FIN_RETRANS, true },
	[TCPSTATE_FACT_DATA_RETRANS]		= { TCPSTATE_A_COUNTER_DATA_RETRANS },
	[TCPSTATE_FACT_KEEPALIVE]		= { TCPSTATE_A_COUNTER_KEEPALIVE },
	[TCPSTATE_FACT_ZERO_WINDOW]		= { TCPSTATE_A_COUNTER_ZERO_WINDOW },
	[TCPSTATE_FACT_OUT_OF_WINDOW]		= { TCPSTATE_A_COUNTER_OUT_OF_WINDOW },
	[TCPSTATE_FACT_INVALID_ACK]		= { TCPSTATE_A_COUNTER_INVALID_ACK },
	[TCPSTATE_FACT_INVALID_RST]		= { TCPSTATE_A_COUNTER_INVALID_RST },
	[TCPSTATE_FACT_RST_INEXACT]		= { TCPSTATE_A_COUNTER_RST_INEXACT },
	[TCPSTATE_FACT_STRAY]			= { TCPSTATE_A_COUNTER_STRAY },
	[TCPSTATE_FACT_RESYNC]			= { TCPSTATE_A_COUNTER_RESYNC, true },
};

static const unsigned int reason_counters[__TCPSTATE_REASON_MAX] = {
	[TCPSTATE_REASON_FIN]		= TCPSTATE_A_COUNTER_CLOSED_FIN,
	[TCPSTATE_REASON_RESET]		= TCPSTATE_A_COUNTER_CLOSED_RESET,
	[TCPSTATE_REASON_REFUSED]	= TCPSTATE_A_COUNTER_REFUSED,
	[TCPSTATE_REASON_SUPERSEDED]	= TCPSTATE_A_COUNTER_SUPERSEDED,
	[TCPSTATE_REASON_REUSED]	= TCPSTATE_A_COUNTER_REUSED,
	[TCPSTATE_REASON_FLUSHED]	= TCPSTATE_A_COUNTER_FLUSHED,
};

#define COUNT_ADD(engine, name, n) ((engine)->counters[TCPSTATE_A_COUNTER_##name] += (n))
#define COUNT(engine, name) COUNT_ADD(engine, name, 1)

static void count_facts(struct engine *engine, uint32_t facts, uint32_t segments)
{
	for (unsigned int fact = 0; fact < TCPSTATE_FACT_MAX; fact++)
		if (facts >> fact & 1)
			engine->counters[fact_counters[fact].counter] +=
				fact_counters[fact].once ? 1 : segments;
}

static void count_flags(struct engine *engine, const struct tcpstate_segment *segment)
{
	bool ack = segment->flags & TCPSTATE_ACK;

	COUNT_ADD(engine, SEGMENTS, segment->count);
	if (segment->flags & TCPSTATE_SYN)
		engine->counters[ack ? TCPSTATE_A_COUNTER_SYNACK : TCPSTATE_A_COUNTER_SYN]++;
	if (segment->flags & TCPSTATE_FIN)
		COUNT(engine, FIN);
	if (segment->flags & TCPSTATE_RST)
		COUNT(engine, RST);
}

/* The gauges: a record that has ended is in neither. */
static uint64_t *gauge(struct engine *engine, const uint8_t state[2])
{
	return &engine->counters[tcpstate_fsm_half(state) ? TCPSTATE_A_COUNTER_HALFOPEN :
							    TCPSTATE_A_COUNTER_FLOWS];
}

/* Keys. */

static int compare_ends(const struct engine_key *a, int i, const struct engine_key *b, int j)
{
	int order = memcmp(a->addr[i], b->addr[j], sizeof(a->addr[i]));

	return order ? order : a->port[i] - b->port[j];
}

/* Which end comes first in the order of keys. */
static int lower_end(const struct engine_key *key)
{
	return compare_ends(key, 0, key, 1) > 0;
}

static int compare(const void *one, const void *other)
{
	const struct engine_key *a = one, *b = other;
	int i = lower_end(a), j = lower_end(b), order = a->family - b->family;

	if (!order)
		order = compare_ends(a, i, b, j);
	return order ? order : compare_ends(a, !i, b, !j);
}

static enum tcpstate_end sender(const struct engine_record *record, const struct engine_key *key)
{
	return compare_ends(&record->key, 0, key, 0) ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
}

static struct engine_key key_of(const struct tcpstate_tuple *tuple)
{
	size_t len = tuple->family == FAMILY_IPV4 ? 4 : 16;
	struct engine_key key = {
		.family = tuple->family,
		.port = { ntohs(tuple->sport), ntohs(tuple->dport) },
	};

	memcpy(key.addr[0], &tuple->src, len);
	memcpy(key.addr[1], &tuple->dst, len);
	return key;
}

/* Records. */

static void end(struct engine *engine, struct engine_record *record, const uint8_t state[2],
		enum tcpstate_reason reason)
{
	--*gauge(engine, state);
	engine->counters[reason_counters[reason]]++;
	if (engine->setup.closed)
		engine->setup.closed(engine->setup.data, record, state, reason);
}

static int compare_listeners(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct engine_listener));
}

static struct engine_listener listener_of(const struct engine_key *key, unsigned int end)
{
	struct engine_listener listener = { .port = key->port[end], .family = key->family };

	memcpy(listener.addr, key->addr[end], sizeof(listener.addr));
	return listener;
}

static bool is_listener(const struct engine *engine, const struct engine_key *key,
			unsigned int end)
{
	struct engine_listener listener = listener_of(key, end);

	return tfind(&listener, &engine->listeners, compare_listeners);
}

/* The responder of this record has answered its SYN. */
static void admit(struct engine *engine, const struct engine_record *record)
{
	struct engine_listener *listener;

	if (record->pair.flags & TCPSTATE_PICKED_UP ||
	    is_listener(engine, &record->key, TCPSTATE_RESPONDER))
		return;
	listener = malloc(sizeof(*listener));
	if (!listener)
		abort();
	*listener = listener_of(&record->key, TCPSTATE_RESPONDER);
	if (!tsearch(listener, &engine->listeners, compare_listeners))
		abort();
}

/* Who sent it, if nobody can be asked? */
static enum tcpstate_end guess_sender(const struct engine *engine, const struct engine_key *key,
				      const struct tcpstate_segment *segment)
{
	bool here = is_listener(engine, key, 0), there = is_listener(engine, key, 1);

	if (segment->flags & TCPSTATE_SYN)
		return segment->flags & TCPSTATE_ACK ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	if (here != there)
		return here ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
	return key->port[0] < key->port[1] ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
}

/* Milliseconds from @when to now. Captures may go back in time: then 0. */
static uint32_t since(const struct engine *engine, uint32_t when)
{
	int32_t passed = engine->now - when;

	return passed > 0 ? passed : 0;
}

/* A segment of a half-open, as record.c times it: the answers that it is, and asks for. */
static void time_handshake(const struct engine *engine, struct engine_record *record,
			   bool answered, bool completed)
{
	const struct tcpstate_pair *pair = &record->pair;
	uint32_t *latency = record->latency;

	if (!answered && pair->synack) {
		if (pair->syn == 1) {
			latency[TCPSTATE_RESPONDER] = since(engine, latency[TCPSTATE_RESPONDER]);
			record->timed[TCPSTATE_RESPONDER] = true;
		}
		latency[TCPSTATE_INITIATOR] = engine->now;
	} else if (completed && pair->synack == 1) {
		latency[TCPSTATE_INITIATOR] = since(engine, latency[TCPSTATE_INITIATOR]);
		record->timed[TCPSTATE_INITIATOR] = true;
	}
}

/* Milliseconds that the handshake took, both answers; 0 if either was not measured. */
static uint32_t round_trip(const struct engine_record *record)
{
	uint32_t sum = record->latency[0] + record->latency[1];

	if (!record->timed[0] || !record->timed[1])
		return 0;
	return sum < ROUND_TRIP_MAX ? sum : ROUND_TRIP_MAX;
}

/* @record is in the tree, and has ended or is new. */
static void begin(struct engine *engine, struct engine_record *record,
		  const struct engine_key *key, const struct tcpstate_segment *segment, bool again)
{
	/* A record that is revived has its roles. */
	enum tcpstate_end from = again && !(segment->flags & TCPSTATE_SYN) ?
				 sender(record, key) : guess_sender(engine, key, segment);
	enum tcpstate_end to = tcpstate_peer(from);

	*record = (struct engine_record){ .key.family = key->family, .opened = engine->packets,
					  .latest = engine->packets, .began = engine->now,
					  .seen = engine->now };
	memcpy(record->key.addr[from], key->addr[0], sizeof(key->addr[0]));
	memcpy(record->key.addr[to], key->addr[1], sizeof(key->addr[1]));
	record->key.port[from] = key->port[0];
	record->key.port[to] = key->port[1];
	record->segments[from] = segment->count;
	if (again)
		tcpstate_fsm_reopen(&record->pair, segment, from);
	else
		tcpstate_fsm_open(&record->pair, segment, from);
	if (tcpstate_fsm_halfopen(&record->pair))
		record->latency[to] = engine->now;

	++*gauge(engine, record->pair.state);
	engine->entered[record->pair.state[0]]++;
	engine->entered[record->pair.state[1]]++;
	if (record->pair.flags & TCPSTATE_PICKED_UP)
		COUNT(engine, PICKED_UP);
	else
		COUNT(engine, OPENED);
	if (record->pair.synack)
		admit(engine, record);
	if (engine->setup.opened)
		engine->setup.opened(engine->setup.data, record);
}

static struct tcpstate_outcome step(struct engine *engine, struct engine_record *record,
				    const struct engine_key *key,
				    const struct tcpstate_segment *segment)
{
	enum tcpstate_end from = sender(record, key);
	struct tcpstate_pair *pair = &record->pair;
	const uint8_t before[2] = { pair->state[0], pair->state[1] };
	bool lingers = tcpstate_fsm_ended(pair);
	bool halfopen = tcpstate_fsm_halfopen(pair), unanswered = halfopen && !pair->synack;
	const struct tcpstate_elapsed elapsed = {
		.silent = since(engine, record->seen),
		.age = engine->now - record->began,
		.round_trip = round_trip(record),
	};
	struct tcpstate_outcome out = tcpstate_fsm_step(pair, segment, from, &elapsed);

	count_facts(engine, out.facts, segment->count);
	if (out.action == TCPSTATE_ANEW) {
		if (!lingers)
			end(engine, record, before, out.reason);
		begin(engine, record, key, segment, true);
		return out;
	}
	if (lingers)
		return out;

	record->segments[from] += segment->count;
	record->latest = engine->packets;
	if (out.renew)
		record->seen = engine->now;
	for (int i = 0; i < 2; i++)
		if (before[i] != pair->state[i])
			engine->entered[pair->state[i]]++;
	if (out.action == TCPSTATE_END) {
		end(engine, record, before, out.reason);
		return out;
	}
	if (halfopen)
		time_handshake(engine, record, !unanswered, !tcpstate_fsm_halfopen(pair));
	--*gauge(engine, before);
	++*gauge(engine, pair->state);
	if (unanswered && pair->synack && tcpstate_fsm_halfopen(pair))
		admit(engine, record);
	if (out.facts & 1u << TCPSTATE_FACT_ESTABLISHED && engine->setup.established)
		engine->setup.established(engine->setup.data, record);
	return out;
}

/* A segment that belongs to no record. */
static bool open(struct engine *engine, const struct engine_key *key,
		 const struct tcpstate_segment *segment, struct engine_seen *seen)
{
	bool syn = (segment->flags & (TCPSTATE_SYN | TCPSTATE_ACK)) == TCPSTATE_SYN;
	struct engine_record *record;

	if (segment->flags & TCPSTATE_RST || (!engine->setup.loose && !syn)) {
		COUNT_ADD(engine, STRAY, segment->count);
		return true;
	}
	record = malloc(sizeof(*record));
	if (!record)
		return false;
	begin(engine, record, key, segment, false);
	seen->record = record;
	return tsearch(record, &engine->records, compare);
}

static bool observe(struct engine *engine, struct engine_seen *seen)
{
	struct engine_record **found;

	seen->verdict = ENGINE_OBSERVED;
	found = tfind(&seen->key, &engine->records, compare);
	if (!found)
		return open(engine, &seen->key, &seen->segment, seen);
	seen->record = *found;
	seen->outcome = step(engine, *found, &seen->key, &seen->segment);
	return true;
}

bool engine_segment(struct engine *engine, const struct engine_key *key,
		    const struct tcpstate_segment *segment, struct engine_seen *seen)
{
	struct engine_seen own;

	if (!seen)
		seen = &own;
	*seen = (struct engine_seen){ .key = *key, .segment = *segment };
	engine->packets++;
	count_flags(engine, segment);
	if (tcpstate_fsm_flags_valid(segment->flags))
		return observe(engine, seen);
	seen->verdict = ENGINE_INVALID_FLAGS;
	COUNT_ADD(engine, INVALID_FLAGS, segment->count);
	return true;
}

/* Read what IP input lets pass; only for TCPSTATE_PACKET_SEGMENT is more to be done. */
static enum tcpstate_packet parse(const uint8_t *packet, size_t len,
				  struct tcpstate_parsed *parsed)
{
	struct sk_buff skb = { .len = len, .data = (unsigned char *)packet };

	return tcpstate_segment_parse(&skb, packet[0] >> 4 == 4 ? FAMILY_IPV4 : FAMILY_IPV6,
				      parsed);
}

bool engine_packet(struct engine *engine, const uint8_t *packet, size_t len,
		   struct engine_seen *seen)
{
	struct tcpstate_parsed parsed;
	struct engine_key key;
	struct engine_seen own;

	if (!seen)
		seen = &own;
	*seen = (struct engine_seen){};
	len = packet_accept(packet, len);
	if (!len) {
		seen->verdict = ENGINE_DISCARDED;
		engine->packets++;
		return true;
	}
	switch (parse(packet, len, &parsed)) {
	case TCPSTATE_PACKET_OTHER:
		seen->verdict = ENGINE_OTHER;
		break;
	case TCPSTATE_PACKET_FRAGMENT:
		seen->verdict = ENGINE_FRAGMENT;
		COUNT(engine, FRAGMENT);
		break;
	case TCPSTATE_PACKET_MALFORMED:
		seen->verdict = ENGINE_MALFORMED;
		COUNT(engine, MALFORMED);
		break;
	case TCPSTATE_PACKET_SEGMENT:
		key = key_of(&parsed.tuple);
		if (!engine->setup.checksum || parsed.segment.fragment ||
		    !packet_checksum_bad(packet, len, parsed.thoff))
			return engine_segment(engine, &key, &parsed.segment, seen);
		seen->verdict = ENGINE_BAD_CHECKSUM;
		seen->key = key;
		seen->segment = parsed.segment;
		count_flags(engine, &parsed.segment);
		COUNT_ADD(engine, BAD_CHECKSUM, parsed.segment.count);
		break;
	}
	engine->packets++;
	return true;
}

const struct engine_record *engine_find(const struct engine *engine,
					const struct engine_key *key)
{
	struct engine_record *const *found = tfind(key, &engine->records, compare);

	return found ? *found : NULL;
}

const uint64_t *engine_counters(const struct engine *engine)
{
	return engine->counters;
}

const uint64_t *engine_entered(const struct engine *engine)
{
	return engine->entered;
}

static void flush(const void *node, VISIT visit, void *engine)
{
	struct engine_record *record = *(struct engine_record *const *)node;

	if ((visit == preorder || visit == leaf) && !tcpstate_fsm_ended(&record->pair))
		end(engine, record, record->pair.state, TCPSTATE_REASON_FLUSHED);
}

void engine_flush(struct engine *engine)
{
	twalk_r(engine->records, flush, engine);
	tdestroy(engine->records, free);
	tdestroy(engine->listeners, free);
	engine->listeners = NULL;
	engine->records = NULL;
}

void engine_clock(struct engine *engine, uint32_t now)
{
	engine->now = now;
}

struct engine *engine_new(const struct engine_setup *setup)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (engine)
		engine->setup = *setup;
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	tdestroy(engine->records, free);
	tdestroy(engine->listeners, free);
	engine->listeners = NULL;
	free(engine);
}
