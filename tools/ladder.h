/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ladder diagram of the textbooks: both endpoints as columns, time running
 * downwards, each segment an arrow. Knows of no clock and no terminal.
 */
#ifndef _TCPSTATE_LADDER_H
#define _TCPSTATE_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "message.h"

/* How many connections are remembered; of two that collide, the later one. */
#define LADDER_SLOTS 256

/**
 * struct ladder_slot - what was drawn of a connection
 * @family: zero where there is none
 * @end: address and port count
 * @iss: initial sequence numbers as they were told
 * @told: which of @iss were
 * @ended: the next segment that is believed is of another life
 * @time: of its latest segment
 */
struct ladder_slot {
	uint8_t family;
	struct endpoint end[ENDS];
	uint32_t iss[ENDS];
	bool told[ENDS];
	bool ended;
	uint64_t time;
};

/**
 * struct ladder - a diagram
 * @to: where it is drawn
 * @colour: paint states
 * @timestamps: before each arrow, since the first
 * @begun: the time of the first segment, 0 before
 * @current: of the connection whose heading stands last, or NULL
 * @slots: by a hash of the connection
 */
struct ladder {
	FILE *to;
	bool colour;
	bool timestamps;
	uint64_t begun;
	const struct ladder_slot *current;
	struct ladder_slot slots[LADDER_SLOTS];
};

void ladder_begin(struct ladder *ladder, FILE *to, bool colour, bool timestamps);

/* Draws a segment: a heading where it is of another connection than the last, and so on. */
void ladder_segment(struct ladder *ladder, const struct segment *segment);

/* Says that so many segments are not drawn here. */
void ladder_lost(struct ladder *ladder, uint64_t count);

#endif /* _TCPSTATE_LADDER_H */
