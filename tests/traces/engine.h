/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's engine in userspace: its machines and its parser as they are, and
 * around them what observe.c, record.c and the tables do, told once more in the
 * plainest way. Where the two disagree, one of them is wrong.
 *
 * There is no clock: no timer runs, and what has ended lingers until it is flushed.
 * There is no limit, so nothing is evicted. One thread.
 *
 *	struct engine *engine = engine_new(&(struct engine_setup){
 *		.loose = true, .checksum = true, .closed = tell });
 *
 *	engine_packet(engine, packet, len, &seen);
 *	engine_flush(engine);
 *	engine_free(engine);
 */
#ifndef _TRACES_ENGINE_H
#define _TRACES_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm.h"

/**
 * struct engine_key - two endpoints
 * @family: AF_INET or AF_INET6
 * @addr: in network order; an IPv4 address in the first four octets, zeros behind
 * @port: in host order
 *
 * Of a record the initiator stands first, of a segment its sender.
 */
struct engine_key {
	uint8_t family;
	uint8_t addr[2][16];
	uint16_t port[2];
};

/**
 * struct engine_record - what is kept of a connection
 * @key: the initiator first
 * @pair: the machines
 * @segments: of each endpoint
 * @opened: number of the packet or segment, counted from 1, that opened it
 * @latest: number of the latest that belonged to it
 * @began: when it opened, in milliseconds
 * @seen: when its timer was renewed
 * @latency: for each endpoint, when it was asked for its answer; then the
 *	milliseconds that the answer took, where @timed
 * @timed: for each endpoint, the handshake has measured @latency
 */
struct engine_record {
	struct engine_key key;
	struct tcpstate_pair pair;
	uint64_t segments[2];
	uint64_t opened;
	uint64_t latest;
	uint32_t began;
	uint32_t seen;
	uint32_t latency[2];
	bool timed[2];
};

/**
 * struct engine_setup - how to be; all of it may be zero
 * @loose: net.tcpstate.loose: open records for what was under way before
 * @checksum: net.tcpstate.checksum: refuse segments whose checksum is wrong
 * @opened: called when a record begins, or NULL
 * @established: likewise, when its handshake is complete
 * @closed: likewise, when it ends: with the states of its endpoints just before
 * @data: for these
 *
 * None of them may call the engine.
 */
struct engine_setup {
	bool loose;
	bool checksum;
	void (*opened)(void *data, const struct engine_record *record);
	void (*established)(void *data, const struct engine_record *record);
	void (*closed)(void *data, const struct engine_record *record, const uint8_t state[2],
		       enum tcpstate_reason reason);
	void *data;
};

/* What a packet turned out to be. */
enum engine_verdict {
	ENGINE_DISCARDED,	/* by IP input: the hooks never see it */
	ENGINE_OTHER,		/* not TCP */
	ENGINE_FRAGMENT,	/* a later one */
	ENGINE_MALFORMED,
	ENGINE_BAD_CHECKSUM,	/* from here on @key and @segment are filled in */
	ENGINE_INVALID_FLAGS,
	ENGINE_OBSERVED,	/* it was shown to a record, or could have opened one */
};

/**
 * struct engine_seen - a packet, as the engine took it
 * @verdict: what it is
 * @key: of the segment
 * @segment: the segment
 * @record: to which it belongs afterwards, or NULL; valid as engine_find()'s
 * @outcome: what the record's machines said, where there was one before
 */
struct engine_seen {
	enum engine_verdict verdict;
	struct engine_key key;
	struct tcpstate_segment segment;
	const struct engine_record *record;
	struct tcpstate_outcome outcome;
};

struct engine;

/* NULL where there is no memory. */
struct engine *engine_new(const struct engine_setup *setup);

/* Frees it; what is still open ends unheard. */
void engine_free(struct engine *engine);

/* What follows happens at this time, in milliseconds modulo 2^32; at first 0. */
void engine_clock(struct engine *engine, uint32_t now);

/*
 * An IP packet as it comes from the wire. @seen may be NULL, here and below.
 * Returns false where there is no memory; then the engine cannot go on.
 */
bool engine_packet(struct engine *engine, const uint8_t *packet, size_t len,
		   struct engine_seen *seen);

/* The same from where the hooks have read the packet: @key has the sender first. */
bool engine_segment(struct engine *engine, const struct engine_key *key,
		    const struct tcpstate_segment *segment, struct engine_seen *seen);

/*
 * The record of two endpoints, in either order, or NULL; one that has ended too.
 * It is valid until engine_flush(), and changes with the next packet.
 */
const struct engine_record *engine_find(const struct engine *engine,
					const struct engine_key *key);

/* By enum tcpstate_counter; the limits are zero. */
const uint64_t *engine_counters(const struct engine *engine);

/* By enum tcpstate_state: how often an endpoint entered it. */
const uint64_t *engine_entered(const struct engine *engine);

/* Ends all records and forgets them, as TCPSTATE_CMD_FLUSH does. */
void engine_flush(struct engine *engine);

#endif /* _TRACES_ENGINE_H */
