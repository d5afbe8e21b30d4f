/* SPDX-License-Identifier: GPL-2.0 */
/* What states, verdicts, counters, reasons and facts are called, the same everywhere. */
#ifndef _TCPSTATE_NAMES_H
#define _TCPSTATE_NAMES_H

#include <stdbool.h>

#include "tcpstate.h"

/* Either end of a connection; the initiator sent the first SYN. */
enum end { INITIATOR, RESPONDER, ENDS };

/**
 * struct state - of an endpoint
 * @name: the kernel's
 * @colour: for terminals, an SGR parameter
 */
struct state {
	const char *name;
	const char *colour;
};

extern const struct state states[__TCPSTATE_STATE_MAX];

/**
 * struct verdict - of a listener or a host
 * @name: in every view
 * @colour: for terminals, an SGR parameter, or NULL where nothing is wrong
 */
struct verdict {
	const char *name;
	const char *colour;
};

/* By enum tcpstate_verdict; the first has no name. */
extern const struct verdict verdicts[__TCPSTATE_VERDICT_MAX];

/**
 * struct counter - of a namespace
 * @name: in every view
 * @group: title of those from this one on, where another begins
 * @help: what is counted
 */
struct counter {
	const char *name;
	const char *group;
	const char *help;
};

/* By enum tcpstate_counter; the first two have no name. */
extern const struct counter counters[__TCPSTATE_A_COUNTER_MAX];

/* By enum tcpstate_memory_kind; the first two have no name. */
extern const char *const memory_kinds[__TCPSTATE_A_MEMORY_MAX];

/* By enum tcpstate_reason. */
extern const char *const reasons[__TCPSTATE_REASON_MAX];
/* By enum tcpstate_event_type; the first has no name. */
extern const char *const events[TCPSTATE_EVENT_CLOSED + 1];
/* By enum tcpstate_alert; the first has no name. */
extern const char *const alerts[TCPSTATE_ALERT_END + 1];
/* By enum tcpstate_by. */
extern const char *const sides[TCPSTATE_BY_RESPONDER + 1];

/**
 * struct fact - of a segment
 * @name: the counter's
 * @word: for a diagram
 * @refused: the segment was not believed
 */
struct fact {
	const char *name;
	const char *word;
	bool refused;
};

/* By enum tcpstate_fact. */
extern const struct fact facts[TCPSTATE_FACT_MAX];

#endif /* _TCPSTATE_NAMES_H */
