// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ladder.h"

static const char *const kinds[KINDS] = {
	[OPEN] = "open", [LISTEN] = "listen", [SEND] = "send", [RECEIVE] = "receive",
	[CLOSE] = "close", [ABORT] = "abort", [GIVE_UP] = "give-up", [KEEPALIVE] = "keepalive",
	[RETRANSMIT] = "retransmit", [ACKNOWLEDGE] = "acknowledge", [FORGET] = "forget",
	[PASS] = "pass", [GET] = "get", [LOSE_BEFORE] = "lose-before",
	[LOSE_BEHIND] = "lose-behind", [DUP_BEFORE] = "dup-before", [DUP_BEHIND] = "dup-behind",
	[SKIP] = "skip", [EXPIRE] = "expire",
};

/* Written KIND:HOST:INDEX; of a segment, HOST sent it. */
static void token(char text[32], struct move move)
{
	snprintf(text, 32, "%s:%c:%u", kinds[move.kind], "AB"[move.host], move.index);
}

/**
 * ladder_tokens() - a trace as it can be given to --replay
 * @trace: the moves
 * @count: how many
 */
void ladder_tokens(const struct move *trace, unsigned int count)
{
	char text[32];
	unsigned int i;

	for (i = 0; i < count; i++) {
		token(text, trace[i]);
		printf("%s%s", i ? " " : "", text);
	}
}

/**
 * ladder_parse() - a token read back
 * @text: the token
 * @move: filled in
 *
 * Return: false where it is none.
 */
bool ladder_parse(const char *text, struct move *move)
{
	unsigned int kind, index;
	char name[16], host;

	if (sscanf(text, "%15[a-z-]:%c:%u", name, &host, &index) != 3 ||
	    (host != 'A' && host != 'B') || index > 255)
		return false;
	for (kind = 0; kind < KINDS; kind++)
		if (!strcmp(kinds[kind], name))
			break;
	*move = (struct move) { .kind = kind, .host = host - 'A', .index = index };
	return kind < KINDS;
}

/* A number as its life and what it is from that life's ISS. */
static int number(char *text, size_t size, const struct stack *stack, __u32 what)
{
	int life = life_of(stack, what);

	if (life < 0)
		return snprintf(text, size, "%#x", what);
	return snprintf(text, size, "%.*s%u", life, "''", what - stack->iss[life]);
}

static void describe(char text[64], const struct plan *plan, const struct segment *seg,
		     enum host from)
{
	int at = snprintf(text, 64, "%s%s%s%s ",
			  seg->flags & SYN ? "SYN " : "", seg->flags & FIN ? "FIN " : "",
			  seg->flags & RST ? "RST " : "", seg->len ? "text " : "");

	at += number(text + at, 64 - at, &plan->stack[from], seg->seq);
	if (seg->len)
		at += snprintf(text + at, 64 - at, "+%u", seg->len);
	if (seg->flags & ACK) {
		at += snprintf(text + at, 64 - at, " ack ");
		at += number(text + at, 64 - at, &plan->stack[!from], seg->ack);
		snprintf(text + at, 64 - at, " win %u", seg->window);
	}
}

/* The segment that a move is about, as it lies there before the move. */
static const struct segment *subject(const struct world *w, struct move move)
{
	__u8 at = move.host * 2 + (move.kind == GET || move.kind == LOSE_BEHIND ||
				   move.kind == DUP_BEHIND ? BEHIND : BEFORE);
	unsigned int i, n = 0;

	if (move.kind < PASS || move.kind > SKIP)
		return NULL;
	for (i = 0; i < w->count; i++)
		if (w->flight[i].place == at && n++ == move.index)
			return &w->flight[i];
	return NULL;
}

static bool possible(const struct world *w, struct move move)
{
	struct move moves[MOVES_MAX];
	unsigned int count = world_moves(w, moves), i;

	for (i = 0; i < count; i++)
		if (!memcmp(&moves[i], &move, sizeof(move)))
			return true;
	return false;
}

static void tell_facts(const struct passing *passing)
{
	static const char *const actions[] = { "", " END", " ANEW" };

	if (passing->seen)
		printf(" %s", actions[passing->out.action]);
	if (passing->seen && passing->out.facts)
		printf(" facts %#x", passing->out.facts);
}

static const char *shown(const struct world *w, enum host h)
{
	unsigned int role = h ^ w->flipped;

	return w->known ? tcpstate_state_name(w->pair.state[role]) : "-";
}

/**
 * ladder_replay() - make the moves again and print what comes of each
 * @plan: the plan
 * @trace: the moves
 * @count: how many
 *
 * Columns: the move; A's state; what is observed of A and of B; B's state; the
 * segment, its numbers counted from the ISSs, with a ' for each later life.
 */
void ladder_replay(const struct plan *plan, const struct move *trace, unsigned int count)
{
	enum property property;
	struct passing passing;
	unsigned int i;
	struct world w;

	world_begin(&w, plan);
	printf("# %-14s %-11s | %-11s %-11s | %-11s\n", "move", "A", "observed A", "observed B",
	       "B");
	for (i = 0; i < count; i++) {
		const struct segment *seg = subject(&w, trace[i]);
		char text[32], what[64] = "";

		if (!possible(&w, trace[i])) {
			token(text, trace[i]);
			printf("# %s is not possible here\n", text);
			return;
		}
		if (seg)
			describe(what, plan, seg, trace[i].host);
		world_move(&w, plan, trace[i], &passing);
		token(text, trace[i]);
		printf("# %-14s %-11s | %-11s %-11s | %-11s %s", text,
		       tcpstate_state_name(w.host[A].state), shown(&w, A), shown(&w, B),
		       tcpstate_state_name(w.host[B].state), what);
		tell_facts(&passing);
		putchar('\n');
		for (property = 0; property < PROPERTIES; property++)
			if (judge(&w, plan, &passing, property))
				printf("#   !! %s: %s\n", property_claims[property],
				       judge(&w, plan, &passing, property));
	}
}
