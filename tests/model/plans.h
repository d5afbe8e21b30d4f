/* SPDX-License-Identifier: GPL-2.0 */
/* The configurations of the model. */
#ifndef _MODEL_PLANS_H
#define _MODEL_PLANS_H

#include "world.h"

extern const struct plan quick_plans[], deep_plans[];
extern const unsigned int quick_count, deep_count;

#endif /* _MODEL_PLANS_H */
