/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bad wire behind a capture: packets are lost, come twice, late, or damaged, a few of
 * each. The same seed does the same, so whoever judges what comes through judges alike.
 */
#ifndef _TRACES_PERTURB_H
#define _TRACES_PERTURB_H

#include "capture.h"

struct perturb;

/* A seed of 0 leaves everything as it is. NULL where there is no memory. */
struct perturb *perturb_new(struct capture *capture, uint32_t seed);
void perturb_free(struct perturb *perturb);

/* As capture_next(). */
bool perturb_next(struct perturb *perturb, struct capture_packet *packet);

#endif /* _TRACES_PERTURB_H */
