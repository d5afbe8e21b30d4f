// SPDX-License-Identifier: GPL-2.0
/* What states, verdicts, counters, reasons and facts are called. */
#include "names.h"

#define RED	"31"
#define GREEN	"32"
#define YELLOW	"33"
#define BLUE	"34"
#define MAGENTA	"35"
#define CYAN	"36"
#define FAINT	"2"

const struct state states[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED]	= { "ESTABLISHED", GREEN },
	[TCPSTATE_SYN_SENT]	= { "SYN_SENT", YELLOW },
	[TCPSTATE_SYN_RECV]	= { "SYN_RECV", YELLOW },
	[TCPSTATE_FIN_WAIT1]	= { "FIN_WAIT1", CYAN },
	[TCPSTATE_FIN_WAIT2]	= { "FIN_WAIT2", CYAN },
	[TCPSTATE_TIME_WAIT]	= { "TIME_WAIT", BLUE },
	[TCPSTATE_CLOSE]	= { "CLOSE", FAINT },
	[TCPSTATE_CLOSE_WAIT]	= { "CLOSE_WAIT", MAGENTA },
	[TCPSTATE_LAST_ACK]	= { "LAST_ACK", CYAN },
	[TCPSTATE_LISTEN]	= { "LISTEN", FAINT },
	[TCPSTATE_CLOSING]	= { "CLOSING", CYAN },
};

const struct verdict verdicts[__TCPSTATE_VERDICT_MAX] = {
	[TCPSTATE_VERDICT_OK]			= { "ok" },
	[TCPSTATE_VERDICT_SURGE]		= { "surge", CYAN },
	[TCPSTATE_VERDICT_FLOOD_SPOOFED]	= { "flood_spoofed", RED },
	[TCPSTATE_VERDICT_FLOOD_FEW]		= { "flood_few", RED },
	[TCPSTATE_VERDICT_DEAD_BACKEND]		= { "dead_backend", MAGENTA },
	[TCPSTATE_VERDICT_REFUSED]		= { "refused", YELLOW },
	[TCPSTATE_VERDICT_OVERLOAD]		= { "overload", MAGENTA },
	[TCPSTATE_VERDICT_SCAN]			= { "scan", YELLOW },
	[TCPSTATE_VERDICT_REFLECTION_VICTIM]	= { "reflection_victim", RED },
};

const struct counter counters[__TCPSTATE_A_COUNTER_MAX] = {
	[TCPSTATE_A_COUNTER_FLOWS]		= { "flows", "now" },
	[TCPSTATE_A_COUNTER_HALFOPEN]		= { "halfopen" },
	[TCPSTATE_A_COUNTER_LISTENERS]		= { "listeners" },
	[TCPSTATE_A_COUNTER_MAX_FLOWS]		= { "max_flows", "at most" },
	[TCPSTATE_A_COUNTER_MAX_HALFOPEN]	= { "max_halfopen" },
	[TCPSTATE_A_COUNTER_MAX_LISTENERS]	= { "max_listeners" },
	[TCPSTATE_A_COUNTER_SEGMENTS]		= { "segments", "segments" },
	[TCPSTATE_A_COUNTER_SYN]		= { "syn" },
	[TCPSTATE_A_COUNTER_SYNACK]		= { "synack" },
	[TCPSTATE_A_COUNTER_FIN]		= { "fin" },
	[TCPSTATE_A_COUNTER_RST]		= { "rst" },
	[TCPSTATE_A_COUNTER_OPENED]		= { "opened", "lives" },
	[TCPSTATE_A_COUNTER_PICKED_UP]		= { "picked_up" },
	[TCPSTATE_A_COUNTER_ESTABLISHED]	= { "established" },
	[TCPSTATE_A_COUNTER_CLOSED_FIN]		= { "closed_fin" },
	[TCPSTATE_A_COUNTER_CLOSED_RESET]	= { "closed_reset" },
	[TCPSTATE_A_COUNTER_REFUSED]		= { "refused" },
	[TCPSTATE_A_COUNTER_TIMED_OUT]		= { "timed_out" },
	[TCPSTATE_A_COUNTER_SUPERSEDED]		= { "superseded" },
	[TCPSTATE_A_COUNTER_REUSED]		= { "reused" },
	[TCPSTATE_A_COUNTER_EVICTED]		= { "evicted" },
	[TCPSTATE_A_COUNTER_FLUSHED]		= { "flushed" },
	[TCPSTATE_A_COUNTER_SIMULTANEOUS_OPEN]	= { "simultaneous_open", "oddities" },
	[TCPSTATE_A_COUNTER_SIMULTANEOUS_CLOSE]	= { "simultaneous_close" },
	[TCPSTATE_A_COUNTER_SYN_RETRANS]	= { "syn_retrans" },
	[TCPSTATE_A_COUNTER_SYNACK_RETRANS]	= { "synack_retrans" },
	[TCPSTATE_A_COUNTER_FIN_RETRANS]	= { "fin_retrans" },
	[TCPSTATE_A_COUNTER_DATA_RETRANS]	= { "data_retrans" },
	[TCPSTATE_A_COUNTER_KEEPALIVE]		= { "keepalive" },
	[TCPSTATE_A_COUNTER_ZERO_WINDOW]	= { "zero_window" },
	[TCPSTATE_A_COUNTER_MALFORMED]		= { "malformed", "refused evidence" },
	[TCPSTATE_A_COUNTER_INVALID_FLAGS]	= { "invalid_flags" },
	[TCPSTATE_A_COUNTER_BAD_CHECKSUM]	= { "bad_checksum" },
	[TCPSTATE_A_COUNTER_OUT_OF_WINDOW]	= { "out_of_window" },
	[TCPSTATE_A_COUNTER_INVALID_ACK]	= { "invalid_ack" },
	[TCPSTATE_A_COUNTER_INVALID_RST]	= { "invalid_rst" },
	[TCPSTATE_A_COUNTER_RST_INEXACT]	= { "rst_inexact" },
	[TCPSTATE_A_COUNTER_STRAY]		= { "stray" },
	[TCPSTATE_A_COUNTER_FRAGMENT]		= { "fragment" },
	[TCPSTATE_A_COUNTER_RESYNC]		= { "resync", "repairs" },
	[TCPSTATE_A_COUNTER_FLOW_TABLE_FULL]	= { "flow_table_full", "pressure" },
	[TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL] = { "halfopen_table_full" },
	[TCPSTATE_A_COUNTER_NOMEM]		= { "nomem" },
	[TCPSTATE_A_COUNTER_EVENTS_LOST]	= { "events_lost" },
};

const char *const reasons[__TCPSTATE_REASON_MAX] = {
	[TCPSTATE_REASON_NONE]		= "none",
	[TCPSTATE_REASON_FIN]		= "fin",
	[TCPSTATE_REASON_RESET]		= "reset",
	[TCPSTATE_REASON_REFUSED]	= "refused",
	[TCPSTATE_REASON_TIMEOUT]	= "timeout",
	[TCPSTATE_REASON_SUPERSEDED]	= "superseded",
	[TCPSTATE_REASON_REUSED]	= "reused",
	[TCPSTATE_REASON_EVICTED]	= "evicted",
	[TCPSTATE_REASON_FLUSHED]	= "flushed",
	[TCPSTATE_REASON_UNLOADED]	= "unloaded",
};

const char *const events[TCPSTATE_EVENT_CLOSED + 1] = {
	[TCPSTATE_EVENT_OPENED]		= "opened",
	[TCPSTATE_EVENT_ESTABLISHED]	= "established",
	[TCPSTATE_EVENT_CLOSED]		= "closed",
};

const char *const alerts[TCPSTATE_ALERT_END + 1] = {
	[TCPSTATE_ALERT_BEGIN]		= "begin",
	[TCPSTATE_ALERT_CHANGE]		= "change",
	[TCPSTATE_ALERT_END]		= "end",
};

const char *const sides[TCPSTATE_BY_RESPONDER + 1] = {
	[TCPSTATE_BY_NONE]		= "none",
	[TCPSTATE_BY_INITIATOR]		= "initiator",
	[TCPSTATE_BY_RESPONDER]		= "responder",
};

const struct fact facts[TCPSTATE_FACT_MAX] = {
	[TCPSTATE_FACT_ESTABLISHED]		= { "established", "established" },
	[TCPSTATE_FACT_SIMULTANEOUS_OPEN]	= { "simultaneous_open", "simultaneous open" },
	[TCPSTATE_FACT_SIMULTANEOUS_CLOSE]	= { "simultaneous_close", "simultaneous close" },
	[TCPSTATE_FACT_SYN_RETRANS]		= { "syn_retrans", "retransmission" },
	[TCPSTATE_FACT_SYNACK_RETRANS]		= { "synack_retrans", "retransmission" },
	[TCPSTATE_FACT_FIN_RETRANS]		= { "fin_retrans", "retransmission" },
	[TCPSTATE_FACT_DATA_RETRANS]		= { "data_retrans", "retransmission" },
	[TCPSTATE_FACT_KEEPALIVE]		= { "keepalive", "keep-alive" },
	[TCPSTATE_FACT_ZERO_WINDOW]		= { "zero_window", "zero window" },
	[TCPSTATE_FACT_OUT_OF_WINDOW]		= { "out_of_window", "out of window", true },
	[TCPSTATE_FACT_INVALID_ACK]		= { "invalid_ack", "invalid ack", true },
	[TCPSTATE_FACT_INVALID_RST]		= { "invalid_rst", "invalid rst", true },
	[TCPSTATE_FACT_RST_INEXACT]		= { "rst_inexact", "inexact rst", true },
	[TCPSTATE_FACT_STRAY]			= { "stray", "stray", true },
	[TCPSTATE_FACT_RESYNC]			= { "resync", "resync" },
};
