/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A life is a function: it plays a connection on a wire and returns NULL, or
 * what was wrong. Every life is lived with all initial sequence numbers of
 * which a wrap of 32 bits may make something else.
 */
#ifndef _TCPSTATE_LIVES_H
#define _TCPSTATE_LIVES_H

#include "ktap.h"
#include "wire.h"

/**
 * struct life - a claim and the connection that it is made of
 * @claim: one claim
 * @live: plays it; NULL when the claim holds
 */
struct life {
	const char *claim;
	const char *(*live)(struct wire *w);
};

static inline const char *wrong(const struct wire *w, int line, const char *what)
{
	static char why[600];
	char history[TCPSTATE_HISTORY_MAX + 1];

	tcpstate_fsm_history(&w->pair, history);
	snprintf(why, sizeof(why), "line %d: not %s; %s / %s, facts %#x, action %d reason %d, %s",
		 line, what, wire_state(w->pair.state[I]), wire_state(w->pair.state[R]),
		 w->out.facts, w->out.action, w->out.reason, history);
	return why;
}

static inline bool pair_is(const struct wire *w, unsigned int i, unsigned int r)
{
	return w->pair.state[I] == i && w->pair.state[R] == r;
}

static inline bool history_is(const struct wire *w, const char *text)
{
	char history[TCPSTATE_HISTORY_MAX + 1];

	tcpstate_fsm_history(&w->pair, history);
	return !strcmp(history, text);
}

#define MUST(condition) \
	do { \
		if (!(condition)) \
			return wrong(w, __LINE__, #condition); \
	} while (0)

/* Both states, initiator first. */
#define IN(i, r) MUST(pair_is(w, TCPSTATE_##i, TCPSTATE_##r))
/* The last segment proved, or was refused for, exactly this. */
#define ONLY(names) MUST(w->out.facts == (names))
#define DID(name) MUST(w->out.facts & FACT(name))
#define WENT_ON() MUST(w->out.action == TCPSTATE_KEEP)
#define ENDED(why) \
	MUST(w->out.action == TCPSTATE_END && w->out.reason == TCPSTATE_REASON_##why && \
	     tcpstate_fsm_ended(&w->pair))
#define BEGAN_ANEW(why) \
	MUST(w->out.action == TCPSTATE_ANEW && w->out.reason == TCPSTATE_REASON_##why)
#define HISTORY(text) MUST(history_is(w, text))

/* Numbers of the record that are the truth. */
#define NUMBERS(host) \
	MUST(w->pair.nxt[wire_role(w, host)] == w->snd[host] && \
	     w->pair.una[wire_role(w, host)] == w->una[host] && \
	     w->pair.edge[wire_role(w, host)] == w->edge[host])

static inline void live_all(const struct life *lives, size_t count)
{
	static const __u32 iss[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff1, 0xfffffff2, 0xfffffff3,
		0xfffffff4, 0xfffffff5, 0xfffffff6, 0xfffffff7, 0xfffffff8, 0xfffffff9,
		0xfffffffa, 0xfffffffb, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff,
	};
	size_t n, a, b;

	for (n = 0; n < count; n++) {
		const char *why = NULL;
		struct wire w;

		for (a = 0; a < ARRAY_SIZE(iss) && !why; a++) {
			for (b = 0; b < ARRAY_SIZE(iss) && !why; b++) {
				wire_lay(&w, iss[a], iss[b]);
				why = lives[n].live(&w);
			}
		}
		if (!ok(!why, "%s", lives[n].claim))
			diag("iss %#x and %#x: %s", w.iss[A], w.iss[B], why);
	}
}

#endif /* _TCPSTATE_LIVES_H */
