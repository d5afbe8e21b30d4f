/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a namespace counts, in Prometheus's text format: names and units are as its
 * conventions have them, and all that there can be of a label is always there.
 */
#ifndef _TCPSTATE_EXPOSITION_H
#define _TCPSTATE_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "message.h"

struct ranking;

/**
 * struct exposition - what is told
 * @stats: of the namespace
 * @under: listeners and hosts by enum tcpstate_verdict, or NULL where these may not be
 *	asked for
 * @listeners: those that are told of one by one, in order, or NULL
 */
struct exposition {
	const struct stats *stats;
	const uint64_t *under;
	const struct ranking *listeners;
};

void exposition_print(FILE *file, const struct exposition *exposition);

#endif /* _TCPSTATE_EXPOSITION_H */
