// SPDX-License-Identifier: GPL-2.0
/*
 * Segments of people who mean ill, or nothing: forged ones fired into healthy
 * connections, every combination of control bits, and streams of anything.
 *
 *	test_fsm_hostile [SEED]
 */
#include <stdlib.h>
#include <time.h>

#include "ktap.h"
#include "wire.h"

static __u64 seed;

/* splitmix64 */
static __u32 roll(void)
{
	__u64 z = seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) >> 16;
}

static __u32 below(__u32 limit)
{
	return roll() % limit;
}

/* Control bits */

static void all_flags(void)
{
	static const __u8 sent[] = { ACK, SYN, SYN | ACK, RST, RST | ACK, FIN | ACK };
	unsigned int flags, wrong = 0;
	size_t i;

	for (flags = 0; flags < 256; flags++) {
		bool valid = false;

		for (i = 0; i < ARRAY_SIZE(sent); i++)
			valid |= (flags & (FIN | SYN | RST | ACK)) == sent[i];
		if (tcpstate_fsm_flags_valid(flags) != valid) {
			diag("flags %#x should be %svalid", flags, valid ? "" : "in");
			wrong++;
		}
	}
	ok(!wrong, "all 256 combinations of control bits, ECE and CWR too");
}

/* Forged segments */

struct line {
	enum host from;
	__u8 flags;
	__u32 len;
	bool lost;
};

static const struct line closes_a[] = {
	{ A, SYN, 0, 0 }, { B, SYN | ACK, 0, 0 }, { A, ACK, 0, 0 }, { A, ACK, 100, 0 },
	{ B, ACK, 2000, 0 }, { A, ACK, 0, 0 }, { A, FIN | ACK, 10, 0 }, { B, ACK, 0, 0 },
	{ B, ACK, 500, 0 }, { A, ACK, 0, 0 }, { B, FIN | ACK, 0, 0 }, { A, ACK, 0, 0 },
};

static const struct line closes_b[] = {
	{ A, SYN, 0, 0 }, { B, SYN | ACK, 0, 0 }, { B, ACK, 80, 0 }, { A, ACK, 100, 0 },
	{ B, FIN | ACK, 0, 0 }, { A, ACK, 0, 0 }, { A, FIN | ACK, 0, 0 }, { B, ACK, 0, 0 },
};

static const struct line crosses[] = {
	{ A, SYN, 0, 0 }, { B, SYN | ACK, 0, 0 }, { A, ACK, 0, 0 }, { B, ACK, 700, 0 },
	{ A, FIN | ACK, 20, 1 }, { B, FIN | ACK, 30, 0 }, { A, ACK, 0, 0 }, { B, ACK, 0, 0 },
};

static const struct script {
	const char *name;
	const struct line *lines;
	int count;
	__u8 end[2];
} scripts[] = {
	{ "closed by I", closes_a, ARRAY_SIZE(closes_a),
	  { TCPSTATE_TIME_WAIT, TCPSTATE_CLOSE } },
	{ "closed by R", closes_b, ARRAY_SIZE(closes_b),
	  { TCPSTATE_CLOSE, TCPSTATE_TIME_WAIT } },
	{ "closed by both", crosses, ARRAY_SIZE(crosses),
	  { TCPSTATE_TIME_WAIT, TCPSTATE_TIME_WAIT } },
};

static void play(struct wire *w, const struct line *line)
{
	lose(w, line->from, line->flags, line->len);
	if (!line->lost)
		wire_hear(w, !line->from);
	/* What was lost arrives when the other has sent too. */
	if (line->lost)
		return;
	if (line->flags & FIN)
		wire_hear(w, line->from);
}

/* A number that is surely not in the window below @top, nor of any before it. */
static __u32 outside(__u32 top)
{
	return top + (64u << 20) + below(0x70000000);
}

/* A segment with valid flags that no endpoint of @w would take. */
static struct tcpstate_segment forged(const struct wire *w, enum host from)
{
	static const __u8 kinds[] = { ACK, ACK | PSH, FIN | ACK, RST, RST | ACK, SYN | ACK, SYN };
	bool unanswered = w->pair.state[R] == TCPSTATE_LISTEN;
	bool waits = w->pair.state[I] == TCPSTATE_TIME_WAIT ||
		     w->pair.state[R] == TCPSTATE_TIME_WAIT;
	struct tcpstate_segment seg;
	__u8 flags;

	do {
		flags = kinds[below(ARRAY_SIZE(kinds))];
		/* These open something, as they should. */
	} while (((flags & (SYN | ACK)) == SYN && (unanswered || waits)) ||
		 ((flags & SYN) && unanswered && from == A));

	seg = wire_make(w, from, flags, flags & (SYN | RST) ? 0 : below(1460));
	seg.window = roll();
	seg.seq = outside(w->offered[from] ? w->edge[from] : w->snd[from]);
	if (flags & ACK)
		seg.ack = roll();
	/* Whoever guesses the one number still has to guess the other. */
	if (!(flags & (SYN | RST)) && !unanswered && !below(64)) {
		seg.seq = w->snd[from];
		seg.len = 0;
		seg.ack = outside(w->snd[!from]);
	}
	/* From R in answer to a SYN, the acknowledgement is what counts. */
	if (from == B && w->pair.state[I] == TCPSTATE_SYN_SENT)
		seg.ack = outside(w->snd[A]);
	return seg;
}

static bool same_numbers(const struct tcpstate_pair *one, const struct tcpstate_pair *other)
{
	return !memcmp(one->nxt, other->nxt, sizeof(one->nxt)) &&
	       !memcmp(one->una, other->una, sizeof(one->una)) &&
	       !memcmp(one->edge, other->edge, sizeof(one->edge)) &&
	       !memcmp(one->state, other->state, sizeof(one->state));
}

/* Refused, by one fact; a bare ACK in answer to a SYN may be a challenge: by none. */
static bool refused_once(const struct tcpstate_pair *before, enum host from,
			 const struct tcpstate_segment *seg, __u32 facts)
{
	if (from == B && before->state[R] == TCPSTATE_LISTEN && !seg->len &&
	    !(seg->flags & (SYN | RST | FIN)))
		return !facts;
	return facts && !(facts & (facts - 1)) && (facts & REFUSALS);
}

/* Fire @burst forged segments between any two of a healthy connection. */
static void forgeries(const struct script *script, unsigned int burst, unsigned int rounds)
{
	unsigned int round, moved = 0, facts = 0, deaf = 0, wrong = 0, fired = 0;
	unsigned int renewed = 0;

	for (round = 0; round < rounds; round++) {
		struct wire w;
		int n;

		wire_lay(&w, roll(), roll());
		for (n = 0; n < script->count; n++) {
			unsigned int i;

			play(&w, &script->lines[n]);
			if (w.out.facts & REFUSALS && !deaf++)
				diag("healthy segment %d refused: facts %#x", n, w.out.facts);
			for (i = 0; i < burst; i++) {
				enum host from = below(2);
				struct tcpstate_segment seg = forged(&w, from);
				struct tcpstate_pair before = w.pair;

				wire_put(&w, from, seg);
				fired++;
				renewed += w.out.renew;
				if (!same_numbers(&before, &w.pair) && !moved++)
					diag("after %d: %c flags %#x seq %#x ack %#x len %u moved %s / %s to %s / %s",
					     n, "IR"[from], seg.flags, seg.seq, seg.ack, seg.len,
					     wire_state(before.state[I]),
					     wire_state(before.state[R]),
					     wire_state(w.pair.state[I]),
					     wire_state(w.pair.state[R]));
				if (!refused_once(&before, from, &seg, w.out.facts) && !facts++)
					diag("after %d: %c flags %#x seq %#x ack %#x len %u in %s / %s has facts %#x",
					     n, "IR"[from], seg.flags, seg.seq, seg.ack, seg.len,
					     wire_state(before.state[I]),
					     wire_state(before.state[R]), w.out.facts);
			}
		}
		if (memcmp(w.pair.state, script->end, sizeof(w.pair.state)) && !wrong++)
			diag("ends in %s / %s", wire_state(w.pair.state[I]),
			     wire_state(w.pair.state[R]));
	}
	ok(fired && !moved, "%s, %u forged at a time: none of %u moves the record",
	   script->name, burst, fired);
	ok(fired && !facts, "%s, %u forged at a time: exactly one refusal each",
	   script->name, burst);
	/* A FIN does so if its numbers agree by chance with those of a refused one before. */
	ok(fired && renewed <= fired / 10000,
	   "%s, %u forged at a time: at most one in 10,000 renews the timer", script->name, burst);
	ok(fired && !deaf, "%s, %u forged at a time: no healthy segment is refused",
	   script->name, burst);
	ok(fired && !wrong, "%s, %u forged at a time: ends as it should", script->name, burst);
}

/* Anything at all */

static bool possible(unsigned int i, unsigned int r)
{
#define S(name) (1U << TCPSTATE_##name)
	static const unsigned int peers[TCPSTATE_STATE_MAX + 1] = {
		[TCPSTATE_SYN_SENT] = S(LISTEN) | S(SYN_SENT) | S(SYN_RECV) | S(FIN_WAIT1),
		[TCPSTATE_SYN_RECV] = S(SYN_SENT),
		[TCPSTATE_ESTABLISHED] = S(ESTABLISHED) | S(FIN_WAIT1),
		[TCPSTATE_FIN_WAIT1] = S(ESTABLISHED) | S(FIN_WAIT1) | S(SYN_SENT),
		[TCPSTATE_FIN_WAIT2] = S(CLOSE_WAIT) | S(LAST_ACK) | S(CLOSING),
		[TCPSTATE_CLOSE_WAIT] = S(FIN_WAIT2),
		[TCPSTATE_LAST_ACK] = S(FIN_WAIT2),
		[TCPSTATE_CLOSING] = S(FIN_WAIT2),
		[TCPSTATE_TIME_WAIT] = S(TIME_WAIT) | S(CLOSE),
		[TCPSTATE_CLOSE] = S(TIME_WAIT) | S(CLOSE),
	};

	return i <= TCPSTATE_STATE_MAX && r <= TCPSTATE_STATE_MAX && (peers[i] & 1U << r);
}

/* A number near one that matters, or far from all. */
static __u32 some_number(const struct wire *w, enum host host)
{
	const __u32 near[] = {
		w->iss[host], w->snd[host], w->una[host], w->edge[host], w->rcv[!host],
		w->pair.nxt[host], w->pair.memo[host], 0, 0x80000000,
	};

	if (!below(20))
		return roll();
	return near[below(ARRAY_SIZE(near))] + (below(3) ? below(3) - 1 : below(4000) - 2000);
}

enum broken {
	STATES, PAIRS, PROOF, BYTES, NEGATIVE, REFUSED, ENDING, AGAIN, FACTS, LETTERS, TIMES, CLAIMS,
};

static const char * const claims[CLAIMS] = {
	[STATES] = "every state is one of the eleven",
	[PAIRS] = "every pair of states is one that the page leads to",
	[PROOF] = "no initiator is past its handshake without a segment that proves it",
	[BYTES] = "bytes never shrink",
	[NEGATIVE] = "bytes never fall below zero",
	[REFUSED] = "a refused segment moves no state and no number",
	[ENDING] = "a record ends when both are CLOSE, and only a SYN follows it",
	[AGAIN] = "the same segment does the same to the same record",
	[FACTS] = "no fact is unknown",
	[LETTERS] = "the history never loses a letter",
	[TIMES] = "every pair has a timeout",
};

static void anything(unsigned int steps)
{
	static const __u8 kinds[] = {
		ACK, ACK, ACK, ACK | PSH, FIN | ACK, SYN, SYN | ACK, RST, RST | ACK, ACK | URG,
	};
	const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	unsigned int broken[CLAIMS] = { 0 }, lives = 0, ends = 0, established = 0, step;
	unsigned int seen[TCPSTATE_STATE_MAX + 1] = { 0 }, n;
	bool proof = false;
	struct wire w;

#define BROKEN(claim) \
	do { \
		if (!broken[claim]++) \
			diag("%s: step %u, %c flags %#x seq %#x ack %#x len %u, %s / %s to %s / %s, facts %#x", \
			     claims[claim], step, "AB"[from], seg.flags, seg.seq, seg.ack, seg.len, \
			     wire_state(before.state[I]), wire_state(before.state[R]), \
			     wire_state(w.pair.state[I]), wire_state(w.pair.state[R]), w.out.facts); \
	} while (0)

	for (step = 0; step < steps; step++) {
		char older[TCPSTATE_HISTORY_MAX + 1], newer[TCPSTATE_HISTORY_MAX + 1];
		struct tcpstate_pair before, copy;
		struct tcpstate_elapsed elapsed;
		struct tcpstate_outcome out;
		struct tcpstate_segment seg;
		bool was_known, probe;
		__u64 bytes[2] = { 0 };
		enum tcpstate_end role;
		enum host from;
		int e;

		if (!step || !below(40)) {
			wire_lay(&w, below(2) ? roll() : 0u - below(1000),
				 below(2) ? roll() : 0u - below(1000));
			w.wscale[A] = below(16);
			w.wscale[B] = below(16);
			w.rcv[A] = w.iss[B];
			w.rcv[B] = w.iss[A];
			lives++;
		}

		from = below(2);
		seg = wire_make(&w, from, kinds[below(ARRAY_SIZE(kinds))], 0);
		if (below(3))
			seg.len = below(2) ? below(3) : below(3000);
		seg.window = below(4) ? roll() : 0;
		seg.count = 1 + below(3);
		seg.fragment = !below(50);
		seg.has_ts = below(2);
		seg.tsval = roll();
		seg.tsecr = roll();
		/* Mostly a truthful step of the host, else anything. */
		if (below(3)) {
			if (!w.known || w.snd[from] == w.iss[from])
				seg.flags = w.rcv[from] == w.iss[!from] ? SYN : SYN | ACK;
			if (seg.flags & SYN)
				seg.seq = w.iss[from];
			else if (!below(8))
				seg.seq -= below(100);
			if (!(seg.flags & ACK))
				seg.ack = 0;
			else if (below(4))
				wire_hear(&w, from);
			seg.ack = seg.flags & ACK ? w.rcv[from] : 0;
			if (seq_after(seg_end(&seg), w.snd[from]) && !(seg.flags & RST))
				w.snd[from] = seg_end(&seg);
			if (below(2))
				wire_hear(&w, !from);
		} else {
			seg.seq = some_number(&w, from);
			seg.ack = some_number(&w, !from);
		}

		was_known = w.known;
		memcpy(&before, &w.pair, sizeof(before));
		memcpy(&copy, &w.pair, sizeof(copy));
		role = wire_role(&w, from);
		probe = before.edge[role] == before.una[role] && seg.seq == before.edge[role];
		if (was_known) {
			bytes[I] = tcpstate_fsm_bytes(&before, I);
			bytes[R] = tcpstate_fsm_bytes(&before, R);
		}
		tcpstate_fsm_history(&before, older);

		elapsed = wire_elapsed(&w);
		elapsed.silent += w.pace;
		elapsed.age += w.pace;
		wire_put(&w, from, seg);
		if (!w.known)
			continue;
		if (was_known) {
			out = tcpstate_fsm_step(&copy, &seg, role, &elapsed);
			if (out.facts != w.out.facts || out.action != w.out.action ||
			    out.reason != w.out.reason || out.renew != w.out.renew ||
			    (out.action != TCPSTATE_ANEW && memcmp(&copy, &w.pair, sizeof(copy))))
				BROKEN(AGAIN);
			if (out.action == TCPSTATE_ANEW && memcmp(copy.state, before.state,
								  sizeof(copy.state)))
				BROKEN(AGAIN);
		}
		if (w.out.facts >> TCPSTATE_FACT_MAX)
			BROKEN(FACTS);
		for (e = I; e <= R; e++) {
			if (w.pair.state[e] < 1 || w.pair.state[e] > TCPSTATE_STATE_MAX)
				BROKEN(STATES);
			else
				seen[w.pair.state[e]]++;
		}
		if (!possible(w.pair.state[I], w.pair.state[R]))
			BROKEN(PAIRS);
		n = tcpstate_fsm_timeout(&w.pair, seconds);
		if (n < 1 || n > 9)
			BROKEN(TIMES);

		/* Whose word is there that the initiator got its SYN-ACK? */
		if (!was_known || w.out.action == TCPSTATE_ANEW)
			proof = !(seg.flags & SYN);
		else if (seg.flags & ACK && !(seg.flags & RST) &&
			 (role == I || before.state[I] == TCPSTATE_SYN_RECV ||
			  (before.flags & TCPSTATE_PICKED_UP)))
			proof = true;
		if (!tcpstate_fsm_halfopen(&w.pair) && !tcpstate_fsm_ended(&w.pair)) {
			established++;
			if (!proof)
				BROKEN(PROOF);
		}
		if (!was_known || w.out.action == TCPSTATE_ANEW)
			continue;

		for (e = I; e <= R; e++) {
			__u64 now = tcpstate_fsm_bytes(&w.pair, e);

			if (now >> 48)
				BROKEN(NEGATIVE);
			/* A SYN-ACK may begin anew; what was acknowledged may be a FIN. */
			if (!(seg.flags & SYN) && !(bytes[e] >> 48) &&
			    (now + 2 * !!(seg.flags & FIN) < bytes[e] || now - bytes[e] + 2 > 1ULL << 32))
				BROKEN(BYTES);
		}
		if (w.out.facts & REFUSALS && !(w.out.facts & FACT(RESYNC)) && !probe &&
		    !same_numbers(&before, &w.pair))
			BROKEN(REFUSED);
		if ((w.out.action == TCPSTATE_END) !=
		    (tcpstate_fsm_ended(&w.pair) && !tcpstate_fsm_ended(&before)))
			BROKEN(ENDING);
		if (tcpstate_fsm_ended(&before) && w.out.facts != FACT(STRAY))
			BROKEN(ENDING);
		ends += w.out.action == TCPSTATE_END;
		tcpstate_fsm_history(&w.pair, newer);
		if (strncmp(older, newer, strlen(older)))
			BROKEN(LETTERS);
	}

	for (n = 0; n < CLAIMS; n++)
		ok(!broken[n], "%s, in %u steps of anything", claims[n], steps);
	diag("%u lives, %u ended, %u steps past the handshake", lives, ends, established);
	for (n = 1, step = 0; n <= TCPSTATE_STATE_MAX; n++) {
		if (!seen[n])
			diag("%s was never reached", wire_state(n));
		step += !!seen[n];
	}
	ok(step == TCPSTATE_STATE_MAX && ends && established > steps / 20,
	   "anything reaches all eleven states");
}

int main(int argc, char **argv)
{
	size_t n;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (__u64)time(NULL);
	diag("seed %llu", (unsigned long long)seed);
	all_flags();
	for (n = 0; n < ARRAY_SIZE(scripts); n++) {
		forgeries(&scripts[n], 1, 2000);
		forgeries(&scripts[n], 30, 500);
	}
	anything(1000000);
	return done();
}
