// SPDX-License-Identifier: GPL-2.0
/* What is told of a connection. */
#include "message.h"
#include "output.h"

#define BOTH (VIEW_FLOW | VIEW_HALFOPEN)
#define EVENT (VIEW_EVENT | VIEW_CLOSED)
#define STATES (VIEW_FLOW | EVENT)
#define ALL (BOTH | EVENT)
#define OF(member) { offsetof(struct flow, member), sizeof(((struct flow *)NULL)->member) }

static const struct field fields[] = {
	{ "event",		NAME,	 OF(event),  EVENT, "EVENT", EVENT, .names = events },
	{ "seq",		NUMBER,	 OF(seq),    EVENT },
	{ "time",		WHEN,	 OF(time),   EVENT, "TIME", EVENT },
	{ "family",		FAMILY,	 OF(family),		   ALL },
	{ "initiator",		ADDRESS, OF(end[INITIATOR]),	   ALL, "INITIATOR", ALL },
	{ "initiator_port",	NUMBER,	 OF(end[INITIATOR].port),  ALL },
	{ "initiator_state",	STATE,	 OF(end[INITIATOR].state), ALL, "STATE", STATES },
	{ "responder",		ADDRESS, OF(end[RESPONDER]),	   ALL, "RESPONDER", ALL },
	{ "responder_port",	NUMBER,	 OF(end[RESPONDER].port),  ALL },
	{ "responder_state",	STATE,	 OF(end[RESPONDER].state), ALL, "STATE", STATES },
	{ "phase",		STATE,	 OF(phase),  VIEW_HALFOPEN, "PHASE", VIEW_HALFOPEN },
	{ "age_ms",		TIME,	 OF(age),    BOTH, "AGE", BOTH },
	{ "idle_ms",		TIME,	 OF(idle),   VIEW_FLOW, "IDLE", VIEW_FLOW },
	{ "syn",		NUMBER,	 OF(syn),    VIEW_HALFOPEN, "SYN", VIEW_HALFOPEN },
	{ "synack",		NUMBER,	 OF(synack), VIEW_HALFOPEN, "SYNACK", VIEW_HALFOPEN },
	{ "initiator_bytes",	NUMBER,	 OF(end[INITIATOR].bytes), STATES, .detail = " bytes:" },
	{ "responder_bytes",	NUMBER,	 OF(end[RESPONDER].bytes), STATES, .detail = "/" },
	{ "initiator_segments",	NUMBER,	 OF(end[INITIATOR].segments), STATES,
	  .detail = " segments:" },
	{ "responder_segments",	NUMBER,	 OF(end[RESPONDER].segments), STATES, .detail = "/" },
	{ "initiator_retrans",	NUMBER,	 OF(end[INITIATOR].retrans), STATES,
	  .detail = " retrans:" },
	{ "responder_retrans",	NUMBER,	 OF(end[RESPONDER].retrans), STATES, .detail = "/" },
	{ "duration_ms",	TIME,	 OF(age),	EVENT, "DURATION", EVENT },
	{ "reason",		NAME,	 OF(reason),	VIEW_CLOSED, .detail = " reason:",
	  .names = reasons },
	{ "by",			NAME,	 OF(by),	VIEW_CLOSED, .detail = " by:",
	  .names = sides },
	{ "conn_state",		LETTERS, OF(conn_state), VIEW_CLOSED, .detail = " " },
	{ "picked_up",		FLAG,	 OF(picked_up), STATES, .detail = " picked-up" },
	{ "one_sided",		FLAG,	 OF(one_sided), STATES, .detail = " one-sided" },
	{ "history",		LETTERS, OF(history),	STATES, .detail = " history:" },
	{ "responder_latency_us", LATENCY, OF(latency[RESPONDER]), EVENT,
	  .detail = " responder-latency:" },
	{ "initiator_latency_us", LATENCY, OF(latency[INITIATOR]), EVENT,
	  .detail = " initiator-latency:" },
};

static unsigned int views(const void *record, enum view view)
{
	return ((const struct flow *)record)->event == TCPSTATE_EVENT_CLOSED ? VIEW_CLOSED : view;
}

const struct description flow_description = {
	fields, sizeof(fields) / sizeof(*fields), views,
};
