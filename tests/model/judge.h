/* SPDX-License-Identifier: GPL-2.0 */
/* What must hold in every state, and what no observer can know. */
#ifndef _MODEL_JUDGE_H
#define _MODEL_JUDGE_H

#include "world.h"

enum property {
	NEVER_AHEAD,
	EXACT,
	AGREES,
	SETTLES,
	NEVER_REFUSES,
	PROPERTIES,
};

extern const char *const property_claims[PROPERTIES];

const char *judge(const struct world *w, const struct plan *plan,
		  const struct passing *passing, enum property property);

#endif /* _MODEL_JUDGE_H */
