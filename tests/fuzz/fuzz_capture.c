// SPDX-License-Identifier: GPL-2.0
/*
 * A capture file of any octets: what reads it, and whatever packets it finds, given to
 * the engine of tests/traces, whose books must balance.
 *
 * An input is the file.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"
#include "engine.h"
#include "fuzz.h"

#define COUNT(name) counters[TCPSTATE_A_COUNTER_##name]

static void check(const struct engine *engine)
{
	const uint64_t *counters = engine_counters(engine);

	MUST(COUNT(OPENED) + COUNT(PICKED_UP) ==
	     COUNT(CLOSED_FIN) + COUNT(CLOSED_RESET) + COUNT(REFUSED) + COUNT(SUPERSEDED) +
	     COUNT(REUSED) + COUNT(FLUSHED) + COUNT(FLOWS) + COUNT(HALFOPEN));
	MUST(COUNT(FLOWS) <= COUNT(OPENED) + COUNT(PICKED_UP));
	MUST(COUNT(HALFOPEN) <= COUNT(OPENED) + COUNT(PICKED_UP));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct engine_setup setup = { .loose = true, .checksum = false };
	struct engine *engine = engine_new(&setup);
	struct capture_packet packet;
	unsigned long frame = 0;
	struct capture *capture;
	const char *why = NULL;
	char path[64];
	uint8_t *copy;
	int file;

	file = memfd_create("capture", 0);
	MUST(engine && file >= 0 && write(file, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	capture = capture_open(path, &why);
	close(file);
	MUST(!capture == !!why);
	while (capture && capture_next(capture, &packet)) {
		MUST(packet.frame > frame && packet.len);
		frame = packet.frame;
		/* Aligned as an skb is, and guarded. */
		copy = malloc(packet.len);
		memcpy(copy, packet.data, packet.len);
		MUST(engine_packet(engine, copy, packet.len, NULL));
		free(copy);
		check(engine);
	}
	capture_close(capture);
	engine_flush(engine);
	check(engine);
	engine_free(engine);
	return 0;
}
