/* SPDX-License-Identifier: GPL-2.0 */
/* What a namespace counts beside states and counters: what lasted, who ended what. */
#ifndef _TCPSTATE_FIGURES_H
#define _TCPSTATE_FIGURES_H

struct json_object;
struct stats;

/* Adds all of it to an object. */
void figures_json(struct json_object *object, const struct stats *stats);

/* What is not zero, on standard output. */
void figures_text(const struct stats *stats);

#endif /* _TCPSTATE_FIGURES_H */
