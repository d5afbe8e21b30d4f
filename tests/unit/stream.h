/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stream of handshakes in simulated time, as the module at the server sees
 * it, and the part of the kernel side that feeds the detector: for its tests.
 *
 * Every first SYN goes to the detector, at whatever rate. What follows a SYN is
 * played out if it was sampled; of the others nothing is asked but how many
 * half-opens they leave. (A listener whose queues matter has all of them
 * played out.) Needs libm, for round-trip times are lognormal.
 */
#ifndef _TCPSTATE_STREAM_H
#define _TCPSTATE_STREAM_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

#define STREAM_WHEEL	65536	/* ms; no delay is longer */
#define STREAM_LISTENERS 1000
#define STREAM_LOADS	4
#define STREAM_BINS	240	/* of a tick: for as long as a half-open lives, 60 s */
#define STREAM_HALFOPEN	65536	/* max_halfopen */

/* Who asks. */
enum stream_who {
	STREAM_CLIENTS,		/* each with an address of its own, more or less */
	STREAM_SPOOFED,		/* any address, never an answer */
	STREAM_FEW,		/* some addresses, never an answer */
};

/**
 * struct stream_load - some of the SYNs
 * @rate: a second and listener
 * @from: ms
 * @until: ms; 0 for always
 * @on: ms of each @period for which it lasts; 0 for all of it
 * @period: ms
 * @first: listener to which the SYNs go
 * @listeners: how many from it on; 0 is 1
 * @who: asks
 * @sources: of STREAM_FEW
 * @rtt: median, ms
 * @sigma: of the logarithm
 * @lost: of 1000 segments
 * @never: of 1000 clients never complete
 * @one_sided: of 1000 whose listener is not heard by us
 */
struct stream_load {
	unsigned int rate, from, until, on, period, first, listeners;
	enum stream_who who;
	unsigned int sources, rtt;
	double sigma;
	unsigned int lost, never, one_sided;
};

enum stream_server {
	STREAM_ANSWERS,
	STREAM_DEAD,		/* from @changes on, says nothing */
	STREAM_CLOSED,		/* from @changes on, says RST */
	STREAM_SLOW,		/* from @changes on, accepts @accepts connections a second */
};

/**
 * struct stream_setup - who asks, and who answers
 * @load: zero rate ends
 * @server: what it becomes
 * @changes: at this moment, ms
 * @backlog: half-opens that a listener can have, or any number (cookies)
 * @accepts: connections a second
 * @queue: accept queue
 * @listeners: how many there are
 * @silent: they never answered and have no account of sources
 * @ms: how long it takes
 */
struct stream_setup {
	struct stream_load load[STREAM_LOADS];
	enum stream_server server;
	unsigned int changes, backlog, accepts, queue, listeners;
	bool silent;
	unsigned int ms;
};

struct stream_listener {
	struct tcpstate_account account;
	struct tcpstate_sources sources;
	struct tcpstate_reading reading;
	unsigned int pending[STREAM_BINS];	/* answered and neither completed nor expired */
	unsigned int queued;			/* waiting to be accepted */
	double accepting;
};

/* A connection that is played out. */
struct stream_conn {
	unsigned int next;
	u32 hash, source, due;
	unsigned int listener, load, bin, rtt;
	u8 syns, synacks;
	bool answered, acked, completes, one_sided;
	u8 event;
};

enum { STREAM_SYN, STREAM_ACK, STREAM_SYNACK_AGAIN };

struct stream {
	const struct stream_setup *setup;
	struct tcpstate_sample sample;
	struct tcpstate_thresholds thresholds;
	struct stream_listener *listener;
	struct stream_conn *conn;
	unsigned int conns, room, unused;
	unsigned int wheel[STREAM_WHEEL];
	uint64_t random[2];
	u32 now, next_tick;
	unsigned long long syns;
};

static inline uint64_t stream_random(struct stream *stream)
{
	uint64_t a = stream->random[0], b = stream->random[1];

	stream->random[0] = b;
	a ^= a << 23;
	stream->random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return stream->random[1] + b;
}

static inline double stream_uniform(struct stream *stream)
{
	return (stream_random(stream) >> 11) * 0x1p-53;
}

static inline bool stream_chance(struct stream *stream, unsigned int of_thousand)
{
	return of_thousand && (stream_random(stream) >> 32) * 1000 >> 32 < of_thousand;
}

static inline double stream_normal(struct stream *stream)
{
	double u = stream_uniform(stream), v = stream_uniform(stream);

	return sqrt(-2 * log(u + 1e-300)) * cos(6.283185307179586 * v);
}

static inline unsigned int stream_poisson(struct stream *stream, double mean)
{
	double product, limit;
	unsigned int n = 0;

	if (mean > 50) {
		product = floor(mean + sqrt(mean) * stream_normal(stream) + 0.5);
		return product < 0 ? 0 : product;
	}
	limit = exp(-mean);
	for (product = stream_uniform(stream); product > limit; n++)
		product *= stream_uniform(stream);
	return n;
}

/* As the module's keyed hash of an address. */
static inline u32 stream_hash(u32 x)
{
	x = (x ^ x >> 16) * 0x7feb352d;
	x = (x ^ x >> 15) * 0x846ca68b;
	return x ^ x >> 16;
}

static inline struct tcpstate_host stream_host(u32 source)
{
	return (struct tcpstate_host){ .addr[0] = source, .family = 2 };
}

static inline void stream_free(struct stream *stream)
{
	free(stream->conn);
	free(stream->listener);
	free(stream);
}

static inline struct stream *stream_new(const struct stream_setup *setup, uint64_t seed)
{
	struct stream *stream = aligned_alloc(64, (sizeof(*stream) + 63) / 64 * 64);
	unsigned int i;

	memset(stream, 0, sizeof(*stream));
	stream->setup = setup;
	stream->thresholds = TCPSTATE_THRESHOLDS;
	stream->listener = calloc(setup->listeners ? setup->listeners : 1,
				  sizeof(*stream->listener));
	stream->random[0] = seed * 0x9e3779b97f4a7c15 + 1;
	stream->random[1] = seed ^ 0xd1b54a32d192ed03;
	for (i = 0; i < 16; i++)
		stream_random(stream);
	stream->next_tick = TCPSTATE_TICK_MS;
	tcpstate_sample_init(&stream->sample);
	return stream;
}

/* Number 0 is nobody. */
static inline unsigned int stream_conn_new(struct stream *stream)
{
	unsigned int i = stream->unused;

	if (i) {
		stream->unused = stream->conn[i].next;
	} else {
		if (stream->conns + 1 >= stream->room) {
			stream->room = stream->room ? 2 * stream->room : 1024;
			stream->conn = realloc(stream->conn,
					       stream->room * sizeof(*stream->conn));
		}
		i = ++stream->conns;
	}
	memset(&stream->conn[i], 0, sizeof(stream->conn[i]));
	return i;
}

static inline void stream_later(struct stream *stream, unsigned int i, unsigned int delay, u8 event)
{
	struct stream_conn *conn = &stream->conn[i];
	unsigned int *slot;

	conn->event = event;
	conn->due = stream->now + (delay ? delay : 1);
	slot = &stream->wheel[conn->due % STREAM_WHEEL];
	conn->next = *slot;
	*slot = i;
}

static inline void stream_gone(struct stream *stream, unsigned int i)
{
	stream->conn[i].next = stream->unused;
	stream->unused = i;
}

static inline unsigned int stream_bin(const struct stream *stream)
{
	return stream->now / TCPSTATE_TICK_MS % STREAM_BINS;
}

static inline bool stream_changed(const struct stream *stream, enum stream_server server)
{
	return stream->setup->server == server && stream->now >= stream->setup->changes;
}

static inline void stream_mark(struct stream *stream, struct stream_conn *conn,
			       enum tcpstate_fate fate)
{
	struct stream_listener *listener = &stream->listener[conn->listener];
	struct tcpstate_host host = stream_host(conn->source);

	if (tcpstate_sample_mark(&stream->sample, &listener->account.cohorts, conn->listener,
				 conn->hash, fate) && fate >= TCPSTATE_FATE_REFUSED)
		tcpstate_sources_settle(&listener->sources, &host);
}

/* Room for one more: in the listener's backlog, and none in ours matters less. */
static inline bool stream_answers(struct stream *stream, struct stream_listener *listener)
{
	if (stream_changed(stream, STREAM_DEAD) || stream_changed(stream, STREAM_CLOSED))
		return false;
	if (stream->setup->backlog && listener->reading.syn_recv >= stream->setup->backlog)
		return false;
	return !stream_changed(stream, STREAM_SLOW) || listener->queued <= stream->setup->queue;
}

static inline void stream_answer(struct stream *stream, struct stream_listener *listener)
{
	listener->pending[stream_bin(stream)]++;
	listener->reading.syn_recv++;
}

static inline void stream_settled(struct stream_listener *listener, unsigned int bin)
{
	if (listener->pending[bin]) {
		listener->pending[bin]--;
		listener->reading.syn_recv--;
	}
}

/* A SYN of a connection that is played out arrives, the first or another. */
static inline void stream_play_syn(struct stream *stream, unsigned int i)
{
	struct stream_conn *conn = &stream->conn[i];
	struct stream_listener *listener = &stream->listener[conn->listener];
	const struct stream_load *load = &stream->setup->load[conn->load];
	unsigned int again = (1000U << conn->syns) + stream_random(stream) % 30;

	if (conn->syns++)
		stream_mark(stream, conn, TCPSTATE_FATE_RETRANS);
	if (stream_changed(stream, STREAM_CLOSED)) {
		stream_mark(stream, conn, TCPSTATE_FATE_REFUSED);
		stream_gone(stream, i);
		return;
	}
	if (stream_answers(stream, listener) && !conn->answered) {
		conn->answered = !conn->one_sided;
		if (conn->answered) {
			conn->bin = stream_bin(stream);
			stream_answer(stream, listener);
			stream_mark(stream, conn, TCPSTATE_FATE_ANSWERED);
		}
		if (conn->completes && !stream_chance(stream, load->lost)) {
			stream_later(stream, i, conn->rtt, STREAM_ACK);
			return;
		}
	} else if (conn->answered && conn->completes && !stream_chance(stream, load->lost)) {
		stream_later(stream, i, conn->rtt, STREAM_ACK);
		return;
	}
	/* Only a client asks again. */
	if (conn->completes && conn->syns < 6)
		stream_later(stream, i, again, STREAM_SYN);
	else
		stream_gone(stream, i);
}

static inline void stream_play_ack(struct stream *stream, unsigned int i)
{
	struct stream_conn *conn = &stream->conn[i];
	struct stream_listener *listener = &stream->listener[conn->listener];

	if (!conn->answered) {
		stream_mark(stream, conn, TCPSTATE_FATE_ONE_SIDED);
		stream_gone(stream, i);
		return;
	}
	if (!conn->acked) {
		conn->acked = true;
		stream_settled(listener, conn->bin);
		stream_mark(stream, conn, TCPSTATE_FATE_COMPLETED);
		tcpstate_sources_came(&listener->sources, stream_hash(conn->source));
	}
	if (!stream_changed(stream, STREAM_SLOW)) {
		stream_gone(stream, i);
	} else if (listener->queued <= stream->setup->queue) {
		listener->queued++;
		stream_gone(stream, i);
	} else if (conn->synacks < 5) {
		stream_later(stream, i, 1000U << conn->synacks, STREAM_SYNACK_AGAIN);
	} else {
		stream_gone(stream, i);
	}
}

/* The ACK had come, but there was no room: the server sends its SYN-ACK again. */
static inline void stream_play_again(struct stream *stream, unsigned int i)
{
	struct stream_conn *conn = &stream->conn[i];

	conn->synacks++;
	stream->listener[conn->listener].reading.strain++;
	stream_later(stream, i, conn->rtt, STREAM_ACK);
}

static inline void stream_play(struct stream *stream)
{
	unsigned int *slot = &stream->wheel[stream->now % STREAM_WHEEL];
	unsigned int i = *slot, next;

	*slot = 0;
	for (; i; i = next) {
		next = stream->conn[i].next;
		if (stream->conn[i].event == STREAM_SYN)
			stream_play_syn(stream, i);
		else if (stream->conn[i].event == STREAM_ACK)
			stream_play_ack(stream, i);
		else
			stream_play_again(stream, i);
	}
}

/* A first SYN, as the kernel side takes it. */
static inline void stream_syn(struct stream *stream, unsigned int which)
{
	const struct stream_load *load = &stream->setup->load[which];
	uint64_t random = stream_random(stream);
	unsigned int at = load->first;
	struct stream_listener *listener;
	enum tcpstate_sampling sampling;
	struct stream_conn *conn;
	struct tcpstate_host host;
	u32 hash = random, source = random >> 32;
	unsigned int i;

	stream->syns++;
	if (load->listeners > 1)
		at += (stream_random(stream) >> 32) * load->listeners >> 32;
	if (load->who == STREAM_FEW)
		source = source % load->sources + 1;
	listener = &stream->listener[at];
	sampling = tcpstate_sample_syn(&stream->sample, &listener->account.cohorts, at, hash);
	if (sampling == TCPSTATE_SAMPLED_BEFORE)
		return;
	listener->reading.syn++;
	if (!stream->setup->silent) {
		tcpstate_sources_asked(&listener->sources, stream_hash(source));
		if (sampling == TCPSTATE_SAMPLED) {
			host = stream_host(source);
			tcpstate_sources_wait(&listener->sources, &host);
		}
	}
	if (sampling == TCPSTATE_SAMPLED || stream->setup->server == STREAM_SLOW) {
		i = stream_conn_new(stream);
		conn = &stream->conn[i];
		conn->hash = hash;
		conn->source = source;
		conn->listener = at;
		conn->load = which;
		conn->completes = load->who == STREAM_CLIENTS &&
				  !stream_chance(stream, load->never);
		conn->one_sided = stream_chance(stream, load->one_sided);
		conn->rtt = 1 + fmin(20000, load->rtt * exp(load->sigma * stream_normal(stream)));
		stream_play_syn(stream, i);
	} else if (stream_answers(stream, listener)) {
		if (load->who == STREAM_CLIENTS && !stream_chance(stream, load->never))
			tcpstate_sources_came(&listener->sources, stream_hash(source));
		else
			stream_answer(stream, listener);
	}
}

static inline void stream_load(struct stream *stream, unsigned int which)
{
	const struct stream_load *load = &stream->setup->load[which];
	unsigned int n, i;

	if (!load->rate || stream->now < load->from || (load->until && stream->now >= load->until))
		return;
	if (load->on && (stream->now - load->from) % load->period >= load->on)
		return;
	n = stream_poisson(stream, load->rate * (load->listeners ? load->listeners : 1) / 1000.0);
	for (i = 0; i < n; i++)
		stream_syn(stream, which);
}

/* The gauges: what has waited for 60 s has expired, and our table is bounded. */
static inline void stream_gauges(struct stream *stream, struct stream_listener *listener)
{
	unsigned int bin = stream->now / TCPSTATE_TICK_MS, i, old = 0;

	listener->reading.syn_recv -= listener->pending[bin % STREAM_BINS];
	listener->pending[bin % STREAM_BINS] = 0;
	for (i = 12; i < STREAM_BINS && i <= bin; i++)
		old += listener->pending[(bin - i) % STREAM_BINS];
	listener->reading.lingering = old < STREAM_HALFOPEN ? old : STREAM_HALFOPEN;
}

/**
 * stream_step() - a millisecond, and the judge where a tick ends
 * @stream: the stream
 * @said: called for each listener after each judgement
 * @arg: for @said
 *
 * Return: false when it is over.
 */
static inline bool stream_step(struct stream *stream,
			       void (*said)(struct stream *stream, unsigned int listener,
					    enum tcpstate_turn turn, void *arg), void *arg)
{
	unsigned int i, listeners = stream->setup->listeners ? stream->setup->listeners : 1;
	struct stream_listener *listener;
	enum tcpstate_turn turn;

	stream->now++;
	stream_play(stream);
	for (i = 0; i < STREAM_LOADS; i++)
		stream_load(stream, i);
	for (i = 0; i < listeners && stream->setup->server == STREAM_SLOW; i++) {
		listener = &stream->listener[i];
		listener->accepting += stream->setup->accepts / 1000.0;
		while (listener->accepting >= 1) {
			listener->accepting -= 1;
			listener->queued -= !!listener->queued;
		}
	}
	if (stream->now < stream->next_tick)
		return true;
	stream->next_tick += TCPSTATE_TICK_MS;
	for (i = 0; i < listeners; i++) {
		listener = &stream->listener[i];
		stream_gauges(stream, listener);
		turn = tcpstate_verdict_judge(&listener->account,
					      stream->setup->silent ? NULL : &listener->sources,
					      &listener->reading, &stream->thresholds,
					      stream->sample.tick, stream->sample.quota,
					      stream->now);
		said(stream, i, turn, arg);
	}
	tcpstate_sample_turn(&stream->sample);
	return stream->now < stream->setup->ms;
}

#endif /* _TCPSTATE_STREAM_H */
