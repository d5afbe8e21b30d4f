/* SPDX-License-Identifier: GPL-2.0 */
/* A trace in words: its moves as tokens that can be replayed, and what came of them. */
#ifndef _MODEL_LADDER_H
#define _MODEL_LADDER_H

#include "judge.h"

void ladder_tokens(const struct move *trace, unsigned int count);
bool ladder_parse(const char *token, struct move *move);
void ladder_replay(const struct plan *plan, const struct move *trace, unsigned int count);

#endif /* _MODEL_LADDER_H */
