// SPDX-License-Identifier: GPL-2.0
/* tcpstate check: what the module says, against the kernel's own sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "channel.h"
#include "filter.h"
#include "interrupt.h"
#include "local.h"
#include "message.h"
#include "opinion.h"
#include "output.h"
#include "sockets.h"
#include "suspects.h"
#include "tool.h"

/* Milliseconds: from round to round, and how long what moves is asked about. */
#define PAUSE	150
#define LIMIT	1000
/* How often a round is read that the kernel will not vouch for. */
#define ATTEMPTS 8

/**
 * struct tally - of a round
 * @agree: endpoints, like @undecided and @translated
 * @remote: flows of which neither end is here
 */
struct tally {
	size_t agree;
	size_t undecided;
	size_t translated;
	size_t remote;
};

/**
 * struct check - under way
 * @channel: to the module
 * @filter: what is compared
 * @everything: the filter that all pass
 * @cookies: a listener may answer without keeping a socket
 * @began: milliseconds, when this round did
 * @locals: of this round, as are all below
 */
struct check {
	struct channel channel;
	struct filter filter;
	struct filter everything;
	bool cookies;
	uint64_t began;
	struct locals locals;
	struct sockets sockets;
	struct suspects suspects;
	struct tally tally;
};

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* Zero alone forbids them; what cannot be read does not. */
static bool cookies_in_use(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_syncookies", "re");
	int value = 1;

	if (!file)
		return true;
	if (fscanf(file, "%d", &value) != 1)
		value = 1;
	fclose(file);
	return value;
}

/* One round. Every socket that has a flow is known before one is looked for by less. */

static struct socket_name name_of(const struct flow *flow, enum end end)
{
	return socket_name(flow->family, &flow->end[end], &flow->end[!end]);
}

static int read_flow(const struct nlmsghdr *nlh, struct flow *flow)
{
	if (interrupted())
		return -EINTR;
	return message_flow(nlh, flow) ? 0 : -EBADMSG;
}

static int claim(const struct nlmsghdr *nlh, void *data)
{
	struct check *check = data;
	struct flow flow;
	int err = read_flow(nlh, &flow);

	for (int end = 0; end < ENDS && !err; end++) {
		struct socket_name name = name_of(&flow, end);
		size_t count;
		struct socket_view *socket = sockets_named(&check->sockets, &name, &count);

		while (count--)
			socket++->claimed = true;
	}
	return err;
}

/* The one that agrees, else the first, else NULL. */
static struct socket_view *choose(struct socket_view *socket, size_t count, uint8_t state,
				  bool claimed)
{
	struct socket_view *chosen = NULL;

	for (; count--; socket++) {
		if (socket->claimed != claimed)
			continue;
		if (socket->state == state)
			return socket;
		if (!chosen)
			chosen = socket;
	}
	return chosen;
}

/*
 * The socket of an endpoint. Where a translation changed the address after the
 * socket had chosen it, that is one of the same own address and port that is no
 * other flow's. Such are initiators, whose port is seldom anybody else's; a
 * responder shares its port with all that it serves.
 */
static struct socket_view *find(struct check *check, const struct flow *flow, enum end end,
				bool *translated)
{
	struct socket_name name = name_of(flow, end);
	uint8_t state = flow->end[end].state;
	struct socket_view *socket, *found;
	size_t count;

	*translated = false;
	socket = sockets_named(&check->sockets, &name, &count);
	if (count)
		return choose(socket, count, state, true) ? : choose(socket, count, state, false);
	if ((end == RESPONDER && !flow->picked_up) ||
	    state == TCPSTATE_CLOSE || state == TCPSTATE_LISTEN)
		return NULL;
	socket = sockets_at(&check->sockets, &name, &count);
	found = choose(socket, count, state, false);
	if (found) {
		found->claimed = true;
		*translated = true;
	}
	return found;
}

static int judge_end(struct check *check, const struct flow *flow, enum end end)
{
	struct suspect suspect = { .flow = *flow, .end = end, .began = check->began };
	uint8_t state = flow->end[end].state;
	struct socket_view *socket;

	socket = find(check, flow, end, &suspect.translated);
	if (!socket && !local_has(&check->locals, flow->family, flow->end[end].addr))
		return 0;
	if (socket)
		suspect.socket = socket->state;
	check->tally.translated += suspect.translated;
	switch (opinion_compare(state, suspect.socket, check->cookies)) {
	case AGREE:
		check->tally.agree++;
		break;
	case UNDECIDED:
		check->tally.undecided++;
		break;
	case DIFFER:
		suspect.judged = milliseconds();
		return suspects_add(&check->suspects, &suspect) ? : 1;
	}
	return 1;
}

static int judge(const struct nlmsghdr *nlh, void *data)
{
	struct check *check = data;
	int err, initiator, responder;
	struct flow flow;

	err = read_flow(nlh, &flow);
	if (err)
		return err;
	initiator = judge_end(check, &flow, INITIATOR);
	responder = judge_end(check, &flow, RESPONDER);
	if (initiator < 0 || responder < 0)
		return -ENOMEM;
	check->tally.remote += !initiator && !responder;
	return 0;
}

static void forget_round(struct check *check)
{
	local_end(&check->locals);
	sockets_end(&check->sockets);
	suspects_end(&check->suspects);
	check->tally = (struct tally){};
}

/* Returns the exit status, having complained of any but DONE. */
static int read_once(struct check *check, bool *whole)
{
	bool all = false, some = false;
	int err;

	check->began = milliseconds();
	err = local_begin(&check->locals);
	if (!err)
		err = sockets_begin(&check->sockets);
	if (err == -ENOENT)
		return refused("the kernel cannot tell its sockets: modprobe tcp_diag");
	if (err && err != -EINTR)
		return refused("cannot read the kernel's sockets: %s", strerror(-err));
	if (!err)
		err = channel_dump(&check->channel, TCPSTATE_CMD_FLOW_GET, &check->everything,
				   claim, check, &all);
	if (!err)
		err = channel_dump(&check->channel, TCPSTATE_CMD_FLOW_GET, &check->filter,
				   judge, check, &some);
	*whole = all && some;
	return err ? channel_complain(&check->channel, err) : DONE;
}

static int read_round(struct check *check)
{
	struct suspects before = check->suspects;
	bool whole = false;
	int status = DONE;

	check->suspects = (struct suspects){};
	for (int i = 0; i < ATTEMPTS && !status && !whole; i++) {
		forget_round(check);
		status = read_once(check, &whole);
	}
	suspects_carry(&check->suspects, &before);
	suspects_end(&before);
	if (!status && !whole)
		status = refused("connections may be missing, in all of %d dumps: try again",
				 ATTEMPTS);
	return status;
}

/* Who has differed from the first round on is asked about until that is decided. */
static bool another(const struct suspects *suspects, unsigned int rounds, uint64_t elapsed)
{
	for (size_t i = 0; i < suspects->count; i++) {
		const struct suspect *suspect = &suspects->list[i];

		if (suspect->rounds == rounds && !suspect_guilty(suspect))
			return true;
		if (elapsed < LIMIT && !suspect_settled(suspect))
			return true;
	}
	return false;
}

static int read_rounds(struct check *check)
{
	uint64_t first = milliseconds();
	unsigned int rounds = 0;
	int status;

	for (;;) {
		status = read_round(check);
		if (status || !another(&check->suspects, ++rounds, milliseconds() - first))
			return status;
		poll(NULL, 0, PAUSE);
	}
}

/* What came of it. */

static const char *socket_state(const struct suspect *suspect)
{
	return suspect->socket ? states[suspect->socket].name : NULL;
}

static void put_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *suspect_json(const struct suspect *suspect)
{
	static const char *const keys[ENDS][2] = {
		{ "initiator", "initiator_port" }, { "responder", "responder_port" },
	};
	struct json_object *object = json_object_new_object();
	const struct flow *flow = &suspect->flow;
	char addr[INET6_ADDRSTRLEN];

	put_string(object, "family", flow->family == AF_INET ? "ipv4" : "ipv6");
	for (int end = 0; end < ENDS; end++) {
		inet_ntop(flow->family, flow->end[end].addr, addr, sizeof(addr));
		put_string(object, keys[end][0], addr);
		json_object_object_add(object, keys[end][1],
				       json_object_new_int(flow->end[end].port));
	}
	put_string(object, "endpoint", keys[suspect->end][0]);
	put_string(object, "tcpstate", states[flow->end[suspect->end].state].name);
	put_string(object, "socket", socket_state(suspect));
	json_object_object_add(object, "translated", json_object_new_boolean(suspect->translated));
	json_object_object_add(object, "picked_up", json_object_new_boolean(flow->picked_up));
	json_object_object_add(object, "age_ms", json_object_new_uint64(flow->age));
	json_object_object_add(object, "idle_ms", json_object_new_uint64(flow->idle));
	return object;
}

static void suspect_text(const struct suspect *suspect)
{
	const struct flow *flow = &suspect->flow;
	const char *socket = socket_state(suspect);
	char addr[INET6_ADDRSTRLEN];

	for (int end = 0; end < ENDS; end++)
		printf(flow->family == AF_INET ? "%s%s:%u" : "%s[%s]:%u", end ? " > " : "",
		       inet_ntop(flow->family, flow->end[end].addr, addr, sizeof(addr)),
		       flow->end[end].port);
	printf(" %s: tcpstate %s, socket %s, age %jums, idle %jums%s%s\n",
	       suspect->end == INITIATOR ? "initiator" : "responder",
	       states[flow->end[suspect->end].state].name, socket ? socket : "none",
	       (uintmax_t)flow->age, (uintmax_t)flow->idle,
	       suspect->translated ? ", translated" : "", flow->picked_up ? ", picked-up" : "");
}

static size_t without_flow(const struct sockets *sockets)
{
	size_t count = 0;

	for (size_t i = 0; i < sockets->count; i++)
		count += !sockets->list[i].claimed;
	return count;
}

/* Returns how many differ. */
static size_t print(const struct check *check, const struct options *options, bool filtered)
{
	const struct tally *tally = &check->tally;
	size_t differ = 0, undecided = tally->undecided;
	FILE *summary = options->json ? stderr : stdout;
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < check->suspects.count; i++) {
		const struct suspect *suspect = &check->suspects.list[i];

		if (!suspect_guilty(suspect)) {
			undecided++;
			continue;
		}
		differ++;
		if (options->json)
			json_object_array_add(array, suspect_json(suspect));
		else
			suspect_text(suspect);
	}
	if (options->json)
		output_json(options, array);
	else
		json_object_put(array);
	fprintf(summary, "%zu endpoints compared: %zu agree, %zu differ, %zu undecided; "
		"%zu translated", tally->agree + differ + undecided, tally->agree, differ,
		undecided, tally->translated);
	/* A filter may keep from us the flow of a socket. */
	if (!filtered)
		fprintf(summary, ", %zu sockets without a flow", without_flow(&check->sockets));
	fprintf(summary, ", %zu flows without an endpoint here\n", tally->remote);
	return differ;
}

int cmd_check(const struct options *options, char *const *words)
{
	static char *const no_words[] = { NULL };
	struct check check = {};
	char why[256];
	int status;

	if (!filter_parse(&check.everything, FILTER_FLOWS, 0, no_words, why, sizeof(why)) ||
	    !filter_parse(&check.filter, FILTER_FLOWS, options->family, words, why, sizeof(why)))
		return misused("%s", why);
	check.cookies = cookies_in_use();
	status = channel_open(&check.channel);
	if (status)
		status = channel_complain(&check.channel, status);
	else
		status = read_rounds(&check);
	if (!status && print(&check, options, *words || options->family))
		status = DIFFERENT;
	else if (interrupted() && options->json)
		output_json(options, json_object_new_array());
	forget_round(&check);
	channel_close(&check.channel);
	return status;
}
