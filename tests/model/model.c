// SPDX-License-Identifier: GPL-2.0
/*
 * The exhaustive model: every state that two RFC 9293 endpoints, what is between
 * them and module/fsm.c can get into together, for every plan.
 *
 *	model [--memory MIB] [--deep] [PLAN...]
 *	model [--iss A B] --replay PLAN MOVE...
 *
 * To follow a trace in gdb, break on observer_sees() and replay it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ktap.h"
#include "ladder.h"
#include "plans.h"
#include "search.h"

/* Of all searches together. */
static __u64 all_states, all_transitions;
static __u16 all_pairs[__TCPSTATE_STATE_MAX];

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void search(const struct plan *plan, size_t memory, struct search *found)
{
	unsigned int state;

	search_run(plan, memory, found);
	all_states += found->states;
	all_transitions += found->transitions;
	for (state = 0; state < __TCPSTATE_STATE_MAX; state++)
		all_pairs[state] |= found->pairs[state];
}

static void tell_violation(const struct plan *plan, const struct violation *violation)
{
	struct move trace[TRACE_MAX];
	unsigned int count = search_trace(violation, trace);

	diag("%s, after %u moves", violation->why, count);
	ladder_replay(plan, trace, count);
	printf("# again: model --iss %#x %#x --replay '%s' ", plan->stack[A].iss[0],
	       plan->stack[B].iss[0], plan->name);
	ladder_tokens(trace, count);
	putchar('\n');
}

static void judge_search(const struct plan *plan, const struct search *found)
{
	enum property property;

	ok(found->exhausted && !found->crowded, "%s: every state was met", plan->name);
	if (found->crowded)
		diag("%llu moves had no room", (unsigned long long)found->crowded);
	for (property = 0; property < PROPERTIES; property++) {
		const struct violation *violation = &found->violation[property];

		if (!ok(!violation->why, "%s: %s", plan->name, property_claims[property]))
			tell_violation(plan, violation);
	}
}

/* Lives keep their distance; only where they begin changes. */
static void place(struct stack *stack, __u32 iss)
{
	__u32 distance = iss - stack->iss[0];
	unsigned int life;

	for (life = 0; life < LIVES; life++)
		stack->iss[life] += distance;
}

static bool alike(const struct search *a, const struct search *b)
{
	enum property property;

	for (property = 0; property < PROPERTIES; property++)
		if (a->violation[property].why != b->violation[property].why)
			return false;
	return a->states == b->states && a->transitions == b->transitions;
}

/* With all ISSs, a search must find as much as with those of the plan. */
static void run_everywhere(const struct plan *plan, size_t memory, const struct search *found)
{
	static const __u32 places[] = {
		0, 1, 0x7ffffffc, 0x7ffffffd, 0x7ffffffe, 0x7fffffff, 0x80000000,
		0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff,
	};
	const unsigned int count = sizeof(places) / sizeof(places[0]);
	struct plan moved = *plan;
	struct search there;
	unsigned int a, b;

	for (a = 0; a < count; a++) {
		for (b = 0; b < count; b++) {
			place(&moved.stack[A], places[a]);
			place(&moved.stack[B], places[b]);
			search(&moved, memory, &there);
			if (alike(found, &there))
				continue;
			ok(false, "%s: alike with ISSs %#x and %#x", plan->name, places[a],
			   places[b]);
			diag("%llu states and not %llu", (unsigned long long)there.states,
			     (unsigned long long)found->states);
			judge_search(&moved, &there);
			return;
		}
	}
	ok(true, "%s: alike with %u pairs of ISSs", plan->name, count * count);
}

static void run(const struct plan *plan, size_t memory)
{
	double start = seconds();
	struct search found;

	search(plan, memory, &found);
	diag("%s: %llu states, %llu transitions, %u deep, %.1f s", plan->name,
	     (unsigned long long)found.states, (unsigned long long)found.transitions,
	     found.depth, seconds() - start);
	judge_search(plan, &found);
	if (plan->everywhere)
		run_everywhere(plan, memory, &found);
}

/* The pairs that the tables of inference.md name. Where none is met a plan is missing. */
static void judge_coverage(void)
{
#define PAIR(i, r) { TCPSTATE_##i, TCPSTATE_##r }
	static const __u8 pairs[][2] = {
		PAIR(SYN_SENT, LISTEN), PAIR(SYN_SENT, SYN_RECV), PAIR(SYN_SENT, SYN_SENT),
		PAIR(SYN_RECV, SYN_SENT), PAIR(SYN_SENT, FIN_WAIT1),
		PAIR(ESTABLISHED, ESTABLISHED), PAIR(FIN_WAIT1, ESTABLISHED),
		PAIR(ESTABLISHED, FIN_WAIT1), PAIR(FIN_WAIT2, CLOSE_WAIT),
		PAIR(CLOSE_WAIT, FIN_WAIT2), PAIR(FIN_WAIT2, LAST_ACK),
		PAIR(LAST_ACK, FIN_WAIT2), PAIR(FIN_WAIT1, FIN_WAIT1),
		PAIR(CLOSING, FIN_WAIT2), PAIR(FIN_WAIT2, CLOSING), PAIR(TIME_WAIT, CLOSE),
		PAIR(CLOSE, TIME_WAIT), PAIR(TIME_WAIT, TIME_WAIT), PAIR(CLOSE, CLOSE),
	};
#undef PAIR
	unsigned int i, missing = 0;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (all_pairs[pairs[i][0]] >> pairs[i][1] & 1)
			continue;
		diag("no state has %s / %s", tcpstate_state_name(pairs[i][0]),
		     tcpstate_state_name(pairs[i][1]));
		missing++;
	}
	ok(!missing, "every pair that the tables name was observed");
}

static const struct plan *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < quick_count; i++)
		if (!strcmp(quick_plans[i].name, name))
			return &quick_plans[i];
	for (i = 0; i < deep_count; i++)
		if (!strcmp(deep_plans[i].name, name))
			return &deep_plans[i];
	fprintf(stderr, "no plan is named '%s'\n", name);
	exit(2);
}

static int replay(int count, char **argument, const char *const iss[2])
{
	struct move trace[TRACE_MAX];
	struct plan plan;
	enum host h;
	int i;

	if (count < 1 || count > TRACE_MAX) {
		fprintf(stderr, "--replay PLAN MOVE...\n");
		return 2;
	}
	plan = *find(argument[0]);
	for (h = A; h <= B; h++)
		if (iss[h])
			place(&plan.stack[h], strtoul(iss[h], NULL, 0));
	for (i = 1; i < count; i++) {
		if (!ladder_parse(argument[i], &trace[i - 1])) {
			fprintf(stderr, "'%s' is no move\n", argument[i]);
			return 2;
		}
	}
	ladder_replay(&plan, trace, count - 1);
	return 0;
}

int main(int argc, char **argv)
{
	const struct plan *plans = quick_plans;
	unsigned int count = quick_count, i;
	size_t memory = (size_t)1 << 30;
	const char *iss[2] = { NULL };
	int at;

	for (at = 1; at < argc && !strncmp(argv[at], "--", 2); at++) {
		if (!strcmp(argv[at], "--replay"))
			return replay(argc - at - 1, argv + at + 1, iss);
		if (!strcmp(argv[at], "--deep")) {
			plans = deep_plans;
			count = deep_count;
		} else if (!strcmp(argv[at], "--memory") && at + 1 < argc) {
			memory = strtoul(argv[++at], NULL, 10) << 20;
		} else if (!strcmp(argv[at], "--iss") && at + 2 < argc) {
			iss[A] = argv[++at];
			iss[B] = argv[++at];
		} else {
			fprintf(stderr, "model [--memory MIB] [--deep] [PLAN...]\n"
				"model [--iss A B] --replay PLAN MOVE...\n");
			return 2;
		}
	}
	ktap_header();
	for (i = 0; at == argc && i < count; i++)
		run(&plans[i], memory);
	if (i && plans == quick_plans)
		judge_coverage();
	for (; at < argc; at++)
		run(find(argv[at]), memory);
	diag("in all %llu states and %llu transitions", (unsigned long long)all_states,
	     (unsigned long long)all_transitions);
	return done();
}
