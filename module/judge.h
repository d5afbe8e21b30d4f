/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The judge: while anything goes on in a namespace it looks at every listener
 * and suspect each quarter of a second, says what is going on, and takes out
 * the slots that nobody has needed for long.
 */
#ifndef _TCPSTATE_JUDGE_H
#define _TCPSTATE_JUDGE_H

#include "listener.h"

int tcpstate_judges_init(void);
void tcpstate_judges_exit(void);

void tcpstate_judge_init(struct tcpstate_listeners *listeners);
void tcpstate_judge_start(struct tcpstate_listeners *listeners);
void tcpstate_judge_stop(struct tcpstate_listeners *listeners);
void tcpstate_judge_now(struct tcpstate_listeners *listeners);
void __tcpstate_judge_wake(struct tcpstate_listeners *listeners);

/**
 * tcpstate_judge_wake() - something goes on
 * @listeners: the namespace's
 *
 * The caller has noted already what goes on.
 *
 * Context: any.
 */
static inline void tcpstate_judge_wake(struct tcpstate_listeners *listeners)
{
	/* Pairs with smp_store_mb() in judge(): it sees what was noted, or we see it asleep. */
	smp_mb();
	if (unlikely(!READ_ONCE(listeners->awake)))
		__tcpstate_judge_wake(listeners);
}

#endif /* _TCPSTATE_JUDGE_H */
