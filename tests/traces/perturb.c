// SPDX-License-Identifier: GPL-2.0
/* A bad wire behind a capture. */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "perturb.h"

/* What happens to one packet in so many, each. */
#define RARITY 24

enum fate { LOST, TWICE, LATE, DAMAGED, REPAIRED };

/* Headers lie before this, and the damage with them. */
#define HEADERS 80

#define IPV6_NEXT_HEADER 6

/**
 * struct perturb - a wire
 * @capture: what it carries, the caller's
 * @random: state of xorshift32, 0 for a good wire
 * @again: the packet that comes once more, where @doubled
 * @late: the packet that is under way, where its length is not 0; in @buffer
 * @wait: how many others pass it yet
 */
struct perturb {
	struct capture *capture;
	uint32_t random;
	struct capture_packet again;
	bool doubled;
	struct capture_packet late;
	unsigned int wait;
	uint8_t *buffer;
};

static uint32_t random_below(struct perturb *perturb, uint32_t limit)
{
	perturb->random ^= perturb->random << 13;
	perturb->random ^= perturb->random >> 17;
	perturb->random ^= perturb->random << 5;
	return perturb->random % limit;
}

/*
 * One octet becomes another. The version stays, for without one nothing is a packet;
 * and no hop-by-hop header comes to be, whose options packet_accept() cannot judge.
 */
static void damage(struct perturb *perturb, struct capture_packet *packet)
{
	size_t at = random_below(perturb, packet->len < HEADERS ? packet->len : HEADERS);
	uint8_t with = 1 + random_below(perturb, 255);

	if (packet->data[0] >> 4 == 6 && at == IPV6_NEXT_HEADER)
		return;
	packet->data[at] ^= at ? with : with & 15;
}

static bool hold(struct perturb *perturb, const struct capture_packet *packet)
{
	uint8_t *buffer = realloc(perturb->buffer, packet->len);

	if (!buffer)
		return false;
	memcpy(buffer, packet->data, packet->len);
	perturb->buffer = buffer;
	perturb->late = *packet;
	perturb->late.data = buffer;
	perturb->wait = 1 + random_below(perturb, 3);
	return true;
}

static bool release(struct perturb *perturb, struct capture_packet *packet)
{
	*packet = perturb->late;
	perturb->late.len = 0;
	return packet->len;
}

bool perturb_next(struct perturb *perturb, struct capture_packet *packet)
{
	if (!perturb->random)
		return capture_next(perturb->capture, packet);
	if (perturb->doubled) {
		perturb->doubled = false;
		*packet = perturb->again;
		return true;
	}
	if (perturb->late.len && !perturb->wait--)
		return release(perturb, packet);
	while (capture_next(perturb->capture, packet)) {
		switch (random_below(perturb, RARITY)) {
		case LOST:
			continue;
		case LATE:
			if (perturb->late.len || !hold(perturb, packet))
				break;
			continue;
		case TWICE:
			perturb->again = *packet;
			perturb->doubled = true;
			break;
		case DAMAGED:
			damage(perturb, packet);
			break;
		case REPAIRED:
			damage(perturb, packet);
			packet_repair_header(packet->data, packet->len);
			packet_repair_segment(packet->data, packet->len);
			break;
		}
		return true;
	}
	return release(perturb, packet);
}

struct perturb *perturb_new(struct capture *capture, uint32_t seed)
{
	struct perturb *perturb = calloc(1, sizeof(*perturb));

	if (!perturb)
		return NULL;
	perturb->capture = capture;
	perturb->random = seed;
	return perturb;
}

void perturb_free(struct perturb *perturb)
{
	if (!perturb)
		return;
	free(perturb->buffer);
	free(perturb);
}
