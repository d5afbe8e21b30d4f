/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is kept of one connection, and what happens to it: it opens, a segment
 * steps it, it ends. The counters follow each of these here and nowhere else.
 *
 * A record is owned by the table that it is linked to, and read and written
 * only under the lock of its bucket; see table.h. The layout is known to
 * record.c, filter.c, table.* and the rooms built on the table alone. Everyone
 * else sees a struct tcpstate_view.
 */
#ifndef _TCPSTATE_RECORD_H
#define _TCPSTATE_RECORD_H

#include <linux/cache.h>
#include <linux/in6.h>
#include <linux/math64.h>
#include <linux/netfilter.h>
#include <net/ipv6.h>

#include "clock.h"
#include "event.h"
#include "predict.h"
#include "segment.h"
#include "sketch.h"

/**
 * struct tcpstate_record - one connection
 * @next: next record of the chain, in the last way of a bucket
 * @addr4: IPv4 addresses of initiator and responder
 * @tag6: of an IPv6 record the hash of its key, so that most others are told
 *	apart within the first cache line
 * @port: ports of initiator and responder
 * @seen: when its timer was last renewed, in milliseconds
 * @segments: segments by each endpoint, modulo 2^32
 * @pair: the two state machines; its keeper's bit is set in an IPv6 record
 * @latency: how long each endpoint took to answer in the handshake, in
 *	microseconds; when it was asked, where @marks does not say so
 * @since: when each endpoint entered its state: in milliseconds, or in seconds where
 *	@marks says so; see tcpstate_record_stay()
 * @created: when it opened, in milliseconds
 * @created_high: bits 32 to 39 of @created, which alone would wrap in 49 days
 * @segments_high: bits 32 to 39 of @segments
 * @marks: TCPSTATE_TIMED and its like
 * @addr6: IPv6 addresses of initiator and responder
 *
 * The budget, in octets. An ordinary segment touches the first cache line and
 * no other; all of an IPv4 flow fits in two.
 *
 *	  0	  8	next
 *	  8	  8	addresses (IPv4), or tag (IPv6)
 *	 16	  4	ports
 *	 20	  4	last seen
 *	 24	  8	segments per direction
 *	 32	 32	pair, hot: nxt, una, edge per endpoint (24), letters that
 *			occurred, family and what was refused (4), states (2),
 *			window shifts (1), flags (1)
 *	 64	 40	pair, cold: what refused segments claimed (8), initial
 *			sequence numbers (8) and wraps (4), which make the
 *			payload octets, retransmissions and proof (8), letters
 *			of history (8) and their directions (2), SYNs (1)
 *			and SYN-ACKs (1)
 *	104	  8	two handshake latencies
 *	112	  8	two stamps of state entry
 *	120	  8	created (5), high bits of segments (2), marks (1)
 *	128	  -	end of an IPv4 record
 *	128	 32	addresses (IPv6)
 *	160	  -	end of an IPv6 record
 */
struct tcpstate_record {
	struct tcpstate_record *next;
	union {
		__be32 addr4[2];
		u64 tag6;
	};
	__be16 port[2];
	u32 seen;
	u32 segments[2];
	struct tcpstate_pair pair;
	u32 latency[2];
	u32 since[2];
	u32 created;
	u8 created_high;
	u8 segments_high[2];
	u8 marks;
	struct in6_addr addr6[];
};

/* tcpstate_record::marks */
#define TCPSTATE_TIMED	0x01	/* << end: @latency of this endpoint was measured */
#define TCPSTATE_LISTED	0x04	/* its listener counts it among the half-opens there are now */
#define TCPSTATE_LONG	0x08	/* << end: @since of this endpoint is in seconds */

/**
 * struct tcpstate_view - a connection as readers see it
 * @tuple: src is the initiator, dst the responder
 * @state: per endpoint
 * @age_ms: since it opened
 * @idle_ms: since its timer was last renewed
 * @bytes: payload per endpoint, retransmissions not counted twice
 * @segments: per endpoint
 * @retrans: segments sent again per endpoint
 * @syn: SYNs seen, stops at 255
 * @synack: SYN-ACKs seen, stops at 255
 * @phase: SYN_SENT or, once answered, SYN_RECV; TCPSTATE_UNSPEC where it is not half-open
 * @picked_up: its SYN was not seen
 * @one_sided: established by its initiator's word alone
 * @latency: how long each endpoint took to answer in the handshake, in
 *	microseconds; 0 where that was not measured
 * @history: letters, see tcpstate_fsm_history()
 */
struct tcpstate_view {
	struct tcpstate_tuple tuple;
	u8 state[2];
	u64 age_ms;
	u32 idle_ms;
	u64 bytes[2];
	u64 segments[2];
	u32 retrans[2];
	u8 syn;
	u8 synack;
	u8 phase;
	bool picked_up;
	bool one_sided;
	u32 latency[2];
	char history[TCPSTATE_HISTORY_MAX + 1];
};

#define TCPSTATE_RECORD_SIZE_MAX (sizeof(struct tcpstate_record) + 2 * sizeof(struct in6_addr))

static inline u8 tcpstate_record_family(const struct tcpstate_record *record)
{
	return record->pair.keeper ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

/* Octets of memory. */
static inline size_t tcpstate_record_size(const struct tcpstate_record *record)
{
	return record->pair.keeper ? TCPSTATE_RECORD_SIZE_MAX : sizeof(*record);
}

/* Milliseconds since the record opened: forty bits of them, which wrap after 34 years. */
static inline u64 tcpstate_record_age(const struct tcpstate_record *record)
{
	return (tcpstate_now64() - ((u64)record->created_high << 32 | record->created)) &
	       GENMASK_ULL(39, 0);
}

/*
 * Milliseconds since a stamp that is at most 37 days old. @now may have been read before
 * the lock was taken, and the stamp be a moment younger: nothing has passed then.
 */
static inline u32 tcpstate_since(u32 stamp, u32 now)
{
	u32 passed = now - stamp;

	return passed > U32_MAX - 60 * MSEC_PER_SEC ? 0 : passed;
}

/**
 * tcpstate_record_stay() - how long an endpoint has been in its state
 * @record: caller holds its bucket's lock
 * @end: which endpoint
 * @now: tcpstate_now()
 *
 * Return: milliseconds; of a stay that tcpstate_record_long() found, whole seconds.
 */
static inline u64 tcpstate_record_stay(const struct tcpstate_record *record,
				       enum tcpstate_end end, u32 now)
{
	if (likely(!(record->marks & TCPSTATE_LONG << end)))
		return tcpstate_since(record->since[end], now);
	return ((u32)div_u64(tcpstate_now64(), MSEC_PER_SEC) - record->since[end]) *
	       (u64)MSEC_PER_SEC;
}

/* Milliseconds since its timer was last renewed: no more than the longest timeout. */
static inline u32 tcpstate_record_idle(const struct tcpstate_record *record)
{
	return (u32)tcpstate_now64() - record->seen;
}

/* When the record's timer runs out if nothing renews it; @timeout is in seconds. */
static inline u32 tcpstate_record_deadline(const struct tcpstate_record *record,
					   const unsigned int timeout[TCPSTATE_TIMEOUT_MAX])
{
	return record->seen + tcpstate_fsm_timeout(&record->pair, timeout) * MSEC_PER_SEC;
}

/* Would a segment of this tuple have been sent by @from? */
static inline bool tcpstate_record_sent_by(const struct tcpstate_record *record,
					   const struct tcpstate_tuple *tuple,
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
static inline bool tcpstate_record_matches(const struct tcpstate_record *record,
					   const struct tcpstate_tuple *tuple, u32 hash,
					   enum tcpstate_end *from)
{
	if (tcpstate_record_family(record) != tuple->family)
		return false;
	if (tuple->family == NFPROTO_IPV6 && record->tag6 != hash)
		return false;
	*from = TCPSTATE_INITIATOR;
	if (tcpstate_record_sent_by(record, tuple, *from))
		return true;
	*from = TCPSTATE_RESPONDER;
	return tcpstate_record_sent_by(record, tuple, *from);
}

/* So many segments more, by @from. */
static inline void tcpstate_record_count(struct tcpstate_record *record, enum tcpstate_end from,
					 u32 count)
{
	record->segments[from] += count;
	if (unlikely(record->segments[from] < count))
		record->segments_high[from]++;
}

/**
 * tcpstate_record_predicted() - is this the segment that was to come?
 * @record: caller holds its bucket's lock
 * @segment: the segment, its flags valid
 * @from: its sender
 * @now: tcpstate_now()
 *
 * Return: true where all is done that tcpstate_record_step() would have; false, and
 * nothing changed, where that one must be asked.
 */
static inline bool tcpstate_record_predicted(struct tcpstate_record *record,
					     const struct tcpstate_segment *segment,
					     enum tcpstate_end from, u32 now)
{
	/*
	 * What may prove a connection that no handshake did is looked at: once a tick, and
	 * whatever acknowledges more than before, as a whole exchange fits in a tick.
	 */
	if (unlikely(record->pair.unproved) &&
	    (record->seen != now ||
	     segment->ack != record->pair.una[tcpstate_peer(from)]))
		return false;
	if (!tcpstate_fsm_predicted(&record->pair, segment, from))
		return false;
	tcpstate_record_count(record, from, segment->count);
	record->seen = now;
	return true;
}

int tcpstate_record_init(void);
void tcpstate_record_exit(void);

u32 tcpstate_tuple_hash(const hsiphash_key_t *key, const struct tcpstate_tuple *tuple);
u32 tcpstate_record_hash(const hsiphash_key_t *key, const struct tcpstate_record *record);
void tcpstate_record_host(const struct tcpstate_record *record, enum tcpstate_end end,
			  struct tcpstate_host *host);

struct tcpstate_record *tcpstate_record_alloc(const struct tcpstate_log *log, u8 family);
void tcpstate_record_free(struct tcpstate_record *record);

enum tcpstate_kind tcpstate_record_kind(const struct tcpstate_record *record);
bool tcpstate_record_open(struct tcpstate_log *log, struct tcpstate_record *record,
			  const struct tcpstate_parsed *parsed, u32 hash, enum tcpstate_end from,
			  bool again);
struct tcpstate_outcome tcpstate_record_step(struct tcpstate_log *log,
					     struct tcpstate_record *record,
					     const struct tcpstate_segment *segment,
					     enum tcpstate_end from, u32 now);
void tcpstate_record_end(struct tcpstate_log *log, struct tcpstate_record *record,
			 enum tcpstate_reason reason);
bool tcpstate_record_expire(struct tcpstate_log *log,
			    struct tcpstate_record *record, u32 now);
void tcpstate_record_long(struct tcpstate_record *record, u32 now);
void tcpstate_record_view(const struct tcpstate_record *record, const u8 state[2],
			  struct tcpstate_view *view);

#endif /* _TCPSTATE_RECORD_H */
