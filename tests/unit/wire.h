/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two endpoints and the wire between them, for the tests of fsm.c: what each
 * has truly sent and heard, and a caller that treats the machines as observe.c
 * is to treat them. Nothing here is derived from fsm.c.
 */
#ifndef _TCPSTATE_WIRE_H
#define _TCPSTATE_WIRE_H

#include <stdio.h>
#include <string.h>

#include "fsm.h"

#define BIT(nr) (1U << (nr))
#define FACT(name) BIT(TCPSTATE_FACT_##name)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define FIN TCPSTATE_FIN
#define SYN TCPSTATE_SYN
#define RST TCPSTATE_RST
#define PSH TCPSTATE_PSH
#define ACK TCPSTATE_ACK
#define URG TCPSTATE_URG

#define I TCPSTATE_INITIATOR
#define R TCPSTATE_RESPONDER

/* The facts that say "this segment was refused". */
#define REFUSALS (FACT(OUT_OF_WINDOW) | FACT(INVALID_ACK) | FACT(INVALID_RST) | \
		  FACT(RST_INEXACT) | FACT(STRAY))

/* The hosts. A is the one with the higher port. */
enum host { A, B };

/**
 * struct wire - a connection and the record of it
 * @pair: the record, where @known
 * @out: outcome of the last segment; a stray that opened nothing is a STRAY
 * @facts: all facts since the wire was laid
 * @ends: how often a record ended, by reason
 * @known: there is a record
 * @flipped: the record takes B for the initiator
 * @now: milliseconds
 * @pace: so long a segment takes that passes; 1, unless the test says otherwise
 * @seen: when the record's timer was renewed
 * @opened: when the record opened
 * @round_trip: as the record's handshake measured it
 * @iss: per host, its initial sequence number
 * @snd: per host, the next sequence number that it will send
 * @rcv: per host, the next that it expects of the other
 * @una: per host, the highest acknowledgement that passed for it
 * @edge: per host, the highest acknowledgement plus window that passed for it
 * @acked: per host, @una is one
 * @offered: per host, @edge is one
 * @window: per host, the window field that it sends
 * @wscale: per host, the window scale option of its SYN
 * @tsval: per host, the timestamp that it sends; none where zero
 */
struct wire {
	struct tcpstate_pair pair;
	struct tcpstate_outcome out;
	__u32 facts;
	unsigned int ends[__TCPSTATE_REASON_MAX];
	bool known;
	bool flipped;
	__u32 now;
	__u32 pace;
	__u32 seen;
	__u32 opened;
	__u32 round_trip;
	__u32 iss[2];
	__u32 snd[2];
	__u32 rcv[2];
	__u32 una[2];
	__u32 edge[2];
	bool acked[2];
	bool offered[2];
	__u16 window[2];
	__u8 wscale[2];
	__u32 tsval[2];
};

static inline bool seq_after(__u32 one, __u32 other)
{
	return (__s32)(one - other) > 0;
}

static inline __u32 seg_end(const struct tcpstate_segment *seg)
{
	return seg->seq + seg->len + !!(seg->flags & SYN) + !!(seg->flags & FIN);
}

static inline void wire_lay(struct wire *w, __u32 iss_a, __u32 iss_b)
{
	memset(w, 0, sizeof(*w));
	w->iss[A] = iss_a;
	w->iss[B] = iss_b;
	memcpy(w->snd, w->iss, sizeof(w->snd));
	memcpy(w->una, w->iss, sizeof(w->una));
	w->pace = 1;
	w->window[A] = 65535;
	w->window[B] = 65535;
	w->wscale[A] = TCPSTATE_WSCALE_NONE;
	w->wscale[B] = TCPSTATE_WSCALE_NONE;
}

/* What @from would send now. */
static inline struct tcpstate_segment wire_make(const struct wire *w, enum host from,
						__u8 flags, __u32 len)
{
	return (struct tcpstate_segment) {
		.seq = w->snd[from],
		.ack = flags & ACK ? w->rcv[from] : 0,
		.len = len,
		.count = 1,
		.window = w->window[from],
		.flags = flags,
		.wscale = flags & SYN ? w->wscale[from] : TCPSTATE_WSCALE_NONE,
		.has_ts = w->tsval[from] != 0,
		.tsval = w->tsval[from],
		.tsecr = flags & ACK ? w->tsval[!from] : 0,
	};
}

/* The caller of the machines, for a segment that has no record. */
static inline bool wire_open(struct wire *w, const struct tcpstate_segment *seg,
			     enum host from)
{
	enum tcpstate_end role;

	if ((seg->flags & (SYN | ACK)) == SYN)
		role = I;
	else if (seg->flags & SYN)
		role = R;
	else
		role = from == A ? I : R;

	memset(&w->pair, 0, sizeof(w->pair));
	w->seen = w->now;
	w->opened = w->now;
	w->known = tcpstate_fsm_open(&w->pair, seg, role);
	w->flipped = (int)from != (int)role;
	return w->known;
}

static inline enum tcpstate_end wire_role(const struct wire *w, enum host host)
{
	return (host == A) != w->flipped ? I : R;
}

static inline struct tcpstate_elapsed wire_elapsed(const struct wire *w)
{
	return (struct tcpstate_elapsed){
		.silent = w->now - w->seen, .age = w->now - w->opened,
		.round_trip = w->round_trip,
	};
}

/* Give @seg to the machines, as their caller does. It reaches no host. */
static inline void wire_put(struct wire *w, enum host from, struct tcpstate_segment seg)
{
	struct tcpstate_elapsed elapsed;

	memset(&w->out, 0, sizeof(w->out));
	w->now += w->pace;
	if (!w->known) {
		if (!wire_open(w, &seg, from))
			w->out.facts = FACT(STRAY);
		w->facts |= w->out.facts;
		return;
	}

	elapsed = wire_elapsed(w);
	w->out = tcpstate_fsm_step(&w->pair, &seg, wire_role(w, from), &elapsed);
	if (w->out.renew)
		w->seen = w->now;
	w->facts |= w->out.facts;
	if (w->out.action != TCPSTATE_KEEP && w->out.reason < __TCPSTATE_REASON_MAX)
		w->ends[w->out.reason]++;
	if (w->out.action == TCPSTATE_ANEW) {
		enum tcpstate_end role = seg.flags & ACK ? R : I;

		if (!(seg.flags & SYN))
			role = wire_role(w, from);
		memset(&w->pair, 0, sizeof(w->pair));
		w->seen = w->now;
		w->opened = w->now;
		tcpstate_fsm_reopen(&w->pair, &seg, role);
		w->flipped = (int)from != (int)role;
	}
}

/* What an observer may know after @seg: the oracle of una and edge. */
static inline void wire_note(struct wire *w, enum host from, const struct tcpstate_segment *seg)
{
	bool scaled = w->wscale[A] != TCPSTATE_WSCALE_NONE &&
		      w->wscale[B] != TCPSTATE_WSCALE_NONE && !(seg->flags & SYN);
	__u32 window = (__u32)seg->window << (scaled ? w->wscale[from] : 0);

	__u32 ack = seg->flags & ACK ? seg->ack : w->iss[!from] + 1;

	if (seg->flags & RST)
		return;
	if (seg->flags & ACK && (!w->acked[!from] || seq_after(ack, w->una[!from]))) {
		w->una[!from] = ack;
		w->acked[!from] = true;
	}
	/* A SYN offers its window to a peer that it knows nothing of. */
	if (!w->offered[!from] || seq_after(ack + window, w->edge[!from]))
		w->edge[!from] = ack + window;
	w->offered[!from] = true;
}

static inline void wire_hear(struct wire *w, enum host host)
{
	w->rcv[host] = w->snd[!host];
}

/* @from sends, it passes us, and is lost behind us. */
static inline void lose(struct wire *w, enum host from, __u8 flags, __u32 len)
{
	struct tcpstate_segment seg = wire_make(w, from, flags, len);

	w->snd[from] = seg_end(&seg);
	wire_note(w, from, &seg);
	wire_put(w, from, seg);
}

/* @from sends, it passes us, and arrives. */
static inline void say(struct wire *w, enum host from, __u8 flags, __u32 len)
{
	lose(w, from, flags, len);
	wire_hear(w, !from);
}

/* @from sends, and it is lost before us but arrives: we miss it. */
static inline void miss(struct wire *w, enum host from, __u8 flags, __u32 len)
{
	struct tcpstate_segment seg = wire_make(w, from, flags, len);

	w->snd[from] = seg_end(&seg);
	wire_hear(w, !from);
}

/* @from sends again what began @back octets ago, with its newest acknowledgement. */
static inline void again(struct wire *w, enum host from, __u32 back, __u8 flags, __u32 len)
{
	struct tcpstate_segment seg = wire_make(w, from, flags, len);

	seg.seq -= back;
	wire_note(w, from, &seg);
	wire_put(w, from, seg);
}

/* A segment with any numbers at all, from nobody who can be believed. */
static inline void forge(struct wire *w, enum host from, __u32 seq, __u32 ack, __u8 flags,
			 __u32 len)
{
	struct tcpstate_segment seg = wire_make(w, from, flags, len);

	seg.seq = seq;
	seg.ack = ack;
	wire_put(w, from, seg);
}

/* Both hosts are in the midst of a connection. */
static inline void midst(struct wire *w)
{
	w->rcv[A] = w->snd[B];
	w->rcv[B] = w->snd[A];
}

static inline void handshake(struct wire *w)
{
	say(w, A, SYN, 0);
	say(w, B, SYN | ACK, 0);
	say(w, A, ACK, 0);
}

static inline const char *wire_state(unsigned int state)
{
	static const char * const names[] = {
		"UNSPEC", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
		"TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "no state at all";
}

#endif /* _TCPSTATE_WIRE_H */
