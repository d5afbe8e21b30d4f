// SPDX-License-Identifier: GPL-2.0
/* What states, verdicts, counters, reasons and facts are called. */
#include <stddef.h>

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
	[TCPSTATE_A_COUNTER_FLOWS]		= { "flows", "now",
		"Connections, without half-open ones." },
	[TCPSTATE_A_COUNTER_HALFOPEN]		= { "halfopen", NULL,
		"Connections whose initiator has not completed the handshake." },
	[TCPSTATE_A_COUNTER_LISTENERS]		= { "listeners", NULL,
		"Addresses and ports that have answered a SYN." },
	[TCPSTATE_A_COUNTER_MAX_FLOWS]		= { "max_flows", "at most",
		"How many flows there may be." },
	[TCPSTATE_A_COUNTER_MAX_HALFOPEN]	= { "max_halfopen", NULL,
		"How many half-open connections there may be." },
	[TCPSTATE_A_COUNTER_MAX_LISTENERS]	= { "max_listeners", NULL,
		"How many listeners there may be." },
	[TCPSTATE_A_COUNTER_SEGMENTS]		= { "segments", "segments",
		"TCP segments that passed, offloaded ones as those they stand for." },
	[TCPSTATE_A_COUNTER_SYN]		= { "syn", NULL,
		"Segments with SYN and without ACK." },
	[TCPSTATE_A_COUNTER_SYNACK]		= { "synack", NULL,
		"Segments with SYN and ACK." },
	[TCPSTATE_A_COUNTER_FIN]		= { "fin", NULL,
		"Segments with FIN." },
	[TCPSTATE_A_COUNTER_RST]		= { "rst", NULL,
		"Segments with RST." },
	[TCPSTATE_A_COUNTER_OPENED]		= { "opened", "lives",
		"Connections that began with a SYN." },
	[TCPSTATE_A_COUNTER_PICKED_UP]		= { "picked_up", NULL,
		"Connections that were under way when first seen." },
	[TCPSTATE_A_COUNTER_ESTABLISHED]	= { "established", NULL,
		"Handshakes completed." },
	[TCPSTATE_A_COUNTER_CLOSED_FIN]		= { "closed_fin", NULL,
		"Connections ended by FINs." },
	[TCPSTATE_A_COUNTER_CLOSED_RESET]	= { "closed_reset", NULL,
		"Connections ended by a RST." },
	[TCPSTATE_A_COUNTER_REFUSED]		= { "refused", NULL,
		"Connections ended by a RST that answered the SYN." },
	[TCPSTATE_A_COUNTER_TIMED_OUT]		= { "timed_out", NULL,
		"Connections ended by silence." },
	[TCPSTATE_A_COUNTER_SUPERSEDED]		= { "superseded", NULL,
		"Connections ended by a new SYN that the peer confirmed." },
	[TCPSTATE_A_COUNTER_REUSED]		= { "reused", NULL,
		"Connections ended by a new SYN during TIME_WAIT." },
	[TCPSTATE_A_COUNTER_EVICTED]		= { "evicted", NULL,
		"Records given up for lack of room." },
	[TCPSTATE_A_COUNTER_FLUSHED]		= { "flushed", NULL,
		"Records given up on demand." },
	[TCPSTATE_A_COUNTER_SIMULTANEOUS_OPEN]	= { "simultaneous_open", "oddities",
		"Connections that both sides opened." },
	[TCPSTATE_A_COUNTER_SIMULTANEOUS_CLOSE]	= { "simultaneous_close", NULL,
		"Connections whose FINs crossed." },
	[TCPSTATE_A_COUNTER_SYN_RETRANS]	= { "syn_retrans", NULL,
		"SYNs sent again." },
	[TCPSTATE_A_COUNTER_SYNACK_RETRANS]	= { "synack_retrans", NULL,
		"SYN-ACKs sent again." },
	[TCPSTATE_A_COUNTER_FIN_RETRANS]	= { "fin_retrans", NULL,
		"FINs sent again." },
	[TCPSTATE_A_COUNTER_DATA_RETRANS]	= { "data_retrans", NULL,
		"Segments with data sent again." },
	[TCPSTATE_A_COUNTER_KEEPALIVE]		= { "keepalive", NULL,
		"Keep-alive probes." },
	[TCPSTATE_A_COUNTER_ZERO_WINDOW]	= { "zero_window", NULL,
		"How often a window shut." },
	[TCPSTATE_A_COUNTER_MALFORMED]		= { "malformed", "refused evidence",
		"Segments whose header did not fit." },
	[TCPSTATE_A_COUNTER_INVALID_FLAGS]	= { "invalid_flags", NULL,
		"Segments with control bits that no TCP sends together." },
	[TCPSTATE_A_COUNTER_BAD_CHECKSUM]	= { "bad_checksum", NULL,
		"Segments with a wrong checksum." },
	[TCPSTATE_A_COUNTER_OUT_OF_WINDOW]	= { "out_of_window", NULL,
		"Segments out of the window." },
	[TCPSTATE_A_COUNTER_INVALID_ACK]	= { "invalid_ack", NULL,
		"Segments that acknowledged what was never sent." },
	[TCPSTATE_A_COUNTER_INVALID_RST]	= { "invalid_rst", NULL,
		"RSTs that were not believed." },
	[TCPSTATE_A_COUNTER_RST_INEXACT]	= { "rst_inexact", NULL,
		"RSTs in the window that did not meet it exactly (RFC 5961)." },
	[TCPSTATE_A_COUNTER_STRAY]		= { "stray", NULL,
		"Segments of no connection, or of one that has ended." },
	[TCPSTATE_A_COUNTER_FRAGMENT]		= { "fragment", NULL,
		"Fragments but the first ones." },
	[TCPSTATE_A_COUNTER_RESYNC]		= { "resync", "repairs",
		"How often numbers were taken up again after a gap." },
	[TCPSTATE_A_COUNTER_FLOW_TABLE_FULL]	= { "flow_table_full", "pressure",
		"Connections not recorded for lack of room." },
	[TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL] = { "halfopen_table_full", NULL,
		"Half-open connections that found no room, or had it at the cost of another." },
	[TCPSTATE_A_COUNTER_NOMEM]		= { "nomem", NULL,
		"Records, listeners and detectors that found no memory." },
	[TCPSTATE_A_COUNTER_EVENTS_LOST]	= { "events_lost", NULL,
		"Notifications that found no room." },
};

const char *const memory_kinds[__TCPSTATE_A_MEMORY_MAX] = {
	[TCPSTATE_A_MEMORY_FLOWS]	= "flows",
	[TCPSTATE_A_MEMORY_HALFOPEN]	= "halfopen",
	[TCPSTATE_A_MEMORY_TABLES]	= "tables",
	[TCPSTATE_A_MEMORY_LISTENERS]	= "listeners",
	[TCPSTATE_A_MEMORY_DETECTOR]	= "detector",
	[TCPSTATE_A_MEMORY_EVENTS]	= "events",
	[TCPSTATE_A_MEMORY_TRACES]	= "traces",
	[TCPSTATE_A_MEMORY_COUNTERS]	= "counters",
	[TCPSTATE_A_MEMORY_LIMIT]	= "limit",
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
