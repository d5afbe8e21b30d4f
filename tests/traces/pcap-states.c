// SPDX-License-Identifier: GPL-2.0
/* pcap-states: what becomes of the connections in captures, by the engine in userspace. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "engine.h"
#include "message.h"
#include "packet.h"
#include "perturb.h"
#include "tell.h"

static const char usage[] =
"usage: pcap-states [-C] [-L] [-a] [-c] [-f] [-n] [-s SEED] FILE...\n"
"\n"
"Prints a line of JSON for each connection in captures when it closes, as\n"
"`tcpstate -j monitor closed` does, and the file's name. At the end of a file\n"
"whatever is open is flushed.\n"
"\n"
"-C	verify no checksums, and repair those of IP headers\n"
"-L	not loose: connections begin with a SYN\n"
"-a	a millisecond after another, as replay sends them: no capture's times count\n"
"-c	counters of each file, after its connections\n"
"-f	a line for each frame with TCP: its number, source, destination, flags, both\n"
"	states after it, the initiator first with its port, and what it was refused for\n"
"-n	with each connection the numbers of its first and its last frame\n"
"-s	on their way packets are lost, damaged and the like, as the seed has it\n";

static struct {
	bool trusting;
	bool strict;
	bool as_replay;
	bool counters;
	uint32_t seed;
	bool frames;
	bool numbers;
} option;

/**
 * struct run - through a file
 * @number: by packet as the engine counts them, of its frame
 */
struct run {
	const char *path;
	unsigned long *number;
	size_t count;
};

static struct endpoint endpoint_of(const struct engine_record *record, const uint8_t state[2],
				   enum tcpstate_end which)
{
	struct endpoint end = {
		.len = record->key.family == AF_INET ? 4 : 16,
		.state = state[which],
		.port = record->key.port[which],
		.retrans = record->pair.side[which].retrans,
		.bytes = tcpstate_fsm_bytes(&record->pair, which),
		.segments = record->segments[which],
	};

	memcpy(end.addr, record->key.addr[which], end.len);
	return end;
}

/* As record.c and event.c fill in what the tool reads. */
static void closed(void *data, const struct engine_record *record, const uint8_t state[2],
		   enum tcpstate_reason reason)
{
	const struct tcpstate_pair *pair = &record->pair;
	char history[TCPSTATE_HISTORY_MAX + 1];
	const struct run *run = data;
	struct flow flow = {
		.family = record->key.family,
		.picked_up = !!(pair->flags & TCPSTATE_PICKED_UP),
		.one_sided = !!(pair->flags & TCPSTATE_ONE_SIDED),
		.end = { endpoint_of(record, state, TCPSTATE_INITIATOR),
			 endpoint_of(record, state, TCPSTATE_RESPONDER) },
		.history = history,
		.event = TCPSTATE_EVENT_CLOSED,
		.reason = reason,
		.conn_state = tcpstate_fsm_conn_state(pair, state),
	};

	tcpstate_fsm_history(pair, history);
	if (reason == TCPSTATE_REASON_FIN || reason == TCPSTATE_REASON_RESET ||
	    reason == TCPSTATE_REASON_REFUSED)
		flow.by = tcpstate_fsm_closed_by(pair);
	tell_closed(run->path, &flow, option.numbers ? run->number[record->opened - 1] : 0,
		    option.numbers ? run->number[record->latest - 1] : 0);
}

static void print_end(const struct engine_key *key, int which)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(key->family, key->addr[which], text, sizeof(text));
	printf(key->family == AF_INET ? " %s:%u" : " [%s]:%u", text, key->port[which]);
}

static void print_flags(uint8_t flags)
{
	static const char letters[] = "FSRPAU";
	char text[sizeof(letters)] = "";

	for (size_t i = 0, n = 0; i < sizeof(letters) - 1; i++)
		if (flags >> i & 1)
			text[n++] = letters[i];
	printf(" %s", *text ? text : "-");
}

static void print_frame(unsigned long number, const struct engine_seen *seen)
{
	static const char *const verdicts[] = {
		[ENGINE_DISCARDED] = "discarded",
		[ENGINE_FRAGMENT] = "fragment",
		[ENGINE_MALFORMED] = "malformed",
		[ENGINE_BAD_CHECKSUM] = "bad_checksum",
		[ENGINE_INVALID_FLAGS] = "invalid_flags",
	};
	const struct engine_record *record = seen->record;

	if (seen->verdict == ENGINE_OTHER)
		return;
	printf("%lu", number);
	if (seen->verdict >= ENGINE_BAD_CHECKSUM) {
		print_end(&seen->key, 0);
		print_end(&seen->key, 1);
		print_flags(seen->segment.flags);
	}
	if (record)
		printf(" %u %s %s", record->key.port[TCPSTATE_INITIATOR],
		       states[record->pair.state[TCPSTATE_INITIATOR]].name,
		       states[record->pair.state[TCPSTATE_RESPONDER]].name);
	else if (seen->verdict == ENGINE_OBSERVED)
		printf(" stray");
	else
		printf(" %s", verdicts[seen->verdict]);
	for (int i = 0; i < TCPSTATE_FACT_MAX; i++)
		if (seen->outcome.facts >> i & 1)
			printf(" %s", facts[i].name);
	putchar('\n');
}

static bool note_number(struct run *run, unsigned long number)
{
	unsigned long *more = realloc(run->number, (run->count + 1) * sizeof(*more));

	if (!more)
		return false;
	run->number = more;
	more[run->count++] = number;
	return true;
}

static bool feed(struct run *run, struct engine *engine, struct perturb *wire)
{
	struct capture_packet packet;
	struct engine_seen seen;
	uint32_t now = 0;

	while (perturb_next(wire, &packet)) {
		if (option.trusting)
			packet_repair_header(packet.data, packet.len);
		if (packet.padded)
			packet_repair_segment(packet.data, packet.len);
		now = option.as_replay ? now + 1 : packet.time / 1000000;
		engine_clock(engine, now);
		if (!note_number(run, packet.frame) ||
		    !engine_packet(engine, packet.data, packet.len, &seen))
			return false;
		if (option.frames)
			print_frame(packet.frame, &seen);
	}
	engine_flush(engine);
	return true;
}

static bool judge(const char *path)
{
	struct run run = { .path = path };
	struct engine *engine = engine_new(&(struct engine_setup){
		.loose = !option.strict,
		.checksum = !option.trusting,
		.closed = closed,
		.data = &run,
	});
	const char *why;
	struct capture *capture = capture_open(path, &why);
	struct perturb *wire = perturb_new(capture, option.seed);
	bool done = false;

	if (!capture)
		fprintf(stderr, "pcap-states: %s: %s\n", path, why);
	else if (!engine || !wire || !feed(&run, engine, wire))
		fprintf(stderr, "pcap-states: out of memory\n");
	else
		done = true;
	if (done && option.counters)
		tell_counters(path, engine_counters(engine), engine_entered(engine));
	perturb_free(wire);
	capture_close(capture);
	engine_free(engine);
	free(run.number);
	return done;
}

int main(int argc, char **argv)
{
	bool done = true;
	int letter;

	while ((letter = getopt(argc, argv, "CLacfns:")) != -1) {
		switch (letter) {
		case 'C':
			option.trusting = true;
			break;
		case 'L':
			option.strict = true;
			break;
		case 'a':
			option.as_replay = true;
			break;
		case 'c':
			option.counters = true;
			break;
		case 'f':
			option.frames = true;
			break;
		case 'n':
			option.numbers = true;
			break;
		case 's':
			option.seed = strtoul(optarg, NULL, 0);
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	for (; optind < argc; optind++)
		done &= judge(argv[optind]);
	return done ? 0 : 1;
}
