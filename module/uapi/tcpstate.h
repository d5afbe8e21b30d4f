/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What tcpstate and its readers agree upon. The only copy of this header: the
 * module and every program outside it include this very file.
 *
 * Generic netlink family "tcpstate". A request speaks of the network namespace
 * of its socket. Numbers are in host byte order unless an attribute says
 * otherwise; nests carry NLA_F_NESTED; what is not listed for a request is
 * refused by name (extack), and more may be added to replies, so readers pass
 * over what they do not know.
 *
 * TCPSTATE_CMD_STATS_GET, do, anyone. No attributes. Reply:
 *
 *	TCPSTATE_A_STATS_VERSION		string	of the module
 *	TCPSTATE_A_STATS_ENABLED		u8	1 while it watches this namespace
 *	TCPSTATE_A_STATS_STATE			nest	one for each of the eleven states
 *		TCPSTATE_A_STATE_STATE		u8	enum tcpstate_state
 *		TCPSTATE_A_STATE_INITIATOR	u64	initiators in it now
 *		TCPSTATE_A_STATE_RESPONDER	u64	responders in it now
 *		TCPSTATE_A_STATE_ENTERED	u64	how often an endpoint has entered it
 *	TCPSTATE_A_STATS_COUNTERS		nest
 *		TCPSTATE_A_COUNTER_*		u64	each of enum tcpstate_counter
 *	TCPSTATE_A_STATS_DWELL			nest	one for each state: how long endpoints
 *							stayed in it that have left it
 *		TCPSTATE_A_HISTOGRAM_STATE	u8	enum tcpstate_state
 *		TCPSTATE_A_HISTOGRAM_BUCKETS	binary	u64 each: stays of less than 1, 2, 4, 8 ...
 *							milliseconds, each in the first that fits,
 *							longer ones in the last
 *		TCPSTATE_A_HISTOGRAM_SUM	u64	all of them together, in milliseconds
 *	TCPSTATE_A_STATS_RESPONDER_LATENCY	nest	from SYN to SYN-ACK
 *		TCPSTATE_A_HISTOGRAM_BUCKETS	binary	likewise, of microseconds
 *		TCPSTATE_A_HISTOGRAM_SUM	u64	likewise
 *	TCPSTATE_A_STATS_INITIATOR_LATENCY	nest	from SYN-ACK to the initiator's answer
 *		TCPSTATE_A_HISTOGRAM_BUCKETS	binary	likewise
 *		TCPSTATE_A_HISTOGRAM_SUM	u64	likewise
 *	TCPSTATE_A_STATS_PAIR			nest	one for each pair of states that any
 *							connection is in now
 *		TCPSTATE_A_PAIR_INITIATOR	u8	enum tcpstate_state
 *		TCPSTATE_A_PAIR_RESPONDER	u8	enum tcpstate_state
 *		TCPSTATE_A_PAIR_FLOWS		u64	how many
 *	TCPSTATE_A_STATS_RESETS			nest	one for each pair of states that a RST of
 *							that sender met
 *		TCPSTATE_A_RESET_SENDER		u8	enum tcpstate_by
 *		TCPSTATE_A_RESET_INITIATOR	u8	enum tcpstate_state, as it struck
 *		TCPSTATE_A_RESET_RESPONDER	u8	enum tcpstate_state
 *		TCPSTATE_A_RESET_IN_WINDOW	u64	believed
 *		TCPSTATE_A_RESET_INEXACT	u64	in the window, not enough (RFC 5961)
 *		TCPSTATE_A_RESET_OUT_OF_WINDOW	u64	refused
 *	TCPSTATE_A_STATS_LEAK			nest	for each side in CLOSE_WAIT while the
 *							other is in FIN_WAIT2, as of the last time
 *							that all records were visited
 *		TCPSTATE_A_LEAK_SIDE		u8	enum tcpstate_by
 *		TCPSTATE_A_LEAK_FLOWS		u64	how many
 *		TCPSTATE_A_LEAK_OLDEST		u64	milliseconds that the oldest has been there
 *	TCPSTATE_A_STATS_SEQ			nest	the last sequence number that was sent or
 *							lost in each group
 *		TCPSTATE_A_SEQ_FLOWS		u64
 *		TCPSTATE_A_SEQ_CLOSED		u64
 *		TCPSTATE_A_SEQ_SEGMENTS		u64
 *		TCPSTATE_A_SEQ_ALERTS		u64
 *	TCPSTATE_A_STATS_TRANSITION		nest	one for each way that an endpoint has gone
 *							from one state to another
 *		TCPSTATE_A_TRANSITION_FROM	u8	enum tcpstate_state; left out where its
 *							connection began
 *		TCPSTATE_A_TRANSITION_TO	u8	enum tcpstate_state
 *		TCPSTATE_A_TRANSITION_COUNT	u64	how often; over all FROM it is STATE_ENTERED
 *	TCPSTATE_A_STATS_MEMORY			nest	octets that the namespace holds now
 *		TCPSTATE_A_MEMORY_*		u64	each of enum tcpstate_memory_kind
 *
 * TCPSTATE_CMD_FLOW_GET, dump, CAP_NET_ADMIN over the namespace: every
 * connection that passes the filter, half-open ones too.
 * TCPSTATE_CMD_HALFOPEN_GET, dump, likewise: the half-open ones alone.
 * Request, all optional, a connection must pass all that are there:
 *
 *	TCPSTATE_A_FLOW_FAMILY			u8	AF_INET or AF_INET6
 *	TCPSTATE_A_FLOW_INITIATOR		nest
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *		TCPSTATE_A_END_PREFIX		u8	how many bits of it count; else all
 *		TCPSTATE_A_END_PORT		u16	network order
 *		TCPSTATE_A_END_PORT_LAST	u16	likewise: a range from PORT to this
 *		TCPSTATE_A_END_STATES		u32	set of states: bit 1 << tcpstate_state
 *	TCPSTATE_A_FLOW_RESPONDER		nest	likewise
 *	TCPSTATE_A_FLOW_STATES			u32	likewise, of either endpoint
 *	TCPSTATE_A_FLOW_MIN_AGE			u64	milliseconds since it opened, at least
 *	TCPSTATE_A_FLOW_MIN_IDLE		u64	milliseconds since the last segment that
 *							renewed its timer, at least
 *	TCPSTATE_A_FLOW_PICKED_UP		u8	1 those whose SYN was not seen, 0 the others
 *	TCPSTATE_A_FLOW_ONE_SIDED		u8	1 those established by their initiator's
 *							word alone (an asymmetric path), 0 the
 *							others
 *
 * Reply, a message for each connection:
 *
 *	TCPSTATE_A_FLOW_FAMILY			u8	AF_INET or AF_INET6
 *	TCPSTATE_A_FLOW_INITIATOR		nest
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *		TCPSTATE_A_END_PORT		u16	network order
 *		TCPSTATE_A_END_STATE		u8	enum tcpstate_state
 *		TCPSTATE_A_END_BYTES		u64	payload, retransmissions counted once
 *		TCPSTATE_A_END_SEGMENTS		u64	sent
 *		TCPSTATE_A_END_RETRANS		u32	segments sent again
 *	TCPSTATE_A_FLOW_RESPONDER		nest	likewise
 *	TCPSTATE_A_FLOW_AGE			u64	milliseconds
 *	TCPSTATE_A_FLOW_IDLE			u64	milliseconds
 *	TCPSTATE_A_FLOW_PHASE			u8	SYN_SENT or, once answered, SYN_RECV; only
 *							where it is half-open
 *	TCPSTATE_A_FLOW_SYN			u8	SYNs, the first one too; stops at 255
 *	TCPSTATE_A_FLOW_SYNACK			u8	SYN-ACKs, likewise
 *	TCPSTATE_A_FLOW_PICKED_UP		u8	1 where its SYN was not seen
 *	TCPSTATE_A_FLOW_ONE_SIDED		u8	1 where it was established by its initiator
 *							alone: the responder was not heard
 *	TCPSTATE_A_FLOW_HISTORY			string	letters in the order of events, upper case
 *							by the initiator
 *	TCPSTATE_A_FLOW_RESPONDER_LATENCY	u32	microseconds from SYN to SYN-ACK; left out
 *							where the SYN was sent again before
 *	TCPSTATE_A_FLOW_INITIATOR_LATENCY	u32	microseconds from SYN-ACK to the initiator's
 *							answer; left out where it was sent again
 *
 * A connection that lives as long as the dump is in it once. Where that cannot
 * be promised, messages carry NLM_F_DUMP_INTR.
 *
 * TCPSTATE_CMD_FLUSH, do, likewise. No attributes, no reply but the
 * acknowledgment: ends and forgets every connection, and every listener that is
 * in no trouble.
 *
 * TCPSTATE_CMD_FLOW_NTF, multicast, likewise: a connection opened, was
 * established or closed. Group "flows" has all three, group "closed" the last
 * alone. While no listener receives from this namespace, nothing is sent or
 * numbered. A reader joins and then asks for the last number by STATS_GET: what
 * follows it is told, or leaves a gap. A reader that does not ask may miss what
 * happens within 0.1 s after it joined, if much happened just before.
 * What is above, the states as they stood just before the end, and:
 *
 *	TCPSTATE_A_FLOW_EVENT			u8	enum tcpstate_event_type
 *	TCPSTATE_A_FLOW_SEQ			u64	of this group and namespace: one more than
 *							that of the message before
 *	TCPSTATE_A_FLOW_TIME			u64	nanoseconds since 1970, UTC
 *	TCPSTATE_A_FLOW_REASON			u8	enum tcpstate_reason; of a closed one
 *	TCPSTATE_A_FLOW_BY			u8	enum tcpstate_by: whose RST it was, or whose
 *							FIN came first; of a closed one
 *	TCPSTATE_A_FLOW_CONN_STATE		string	Zeek's name of the close; of a closed one
 *
 * TCPSTATE_CMD_TRACE_SET, do, likewise. Request: a filter as above, of one
 * attribute at least. No reply but the acknowledgment: from now on every segment
 * of the connections that pass is told of in group "segments", until the socket
 * that asked is closed or asks for another filter.
 *
 * TCPSTATE_CMD_SEGMENT_NTF, multicast, likewise: a segment, and what became of
 * its connection by it. At most 10000 a second; the others leave a gap.
 *
 *	TCPSTATE_A_SEGMENT_SEQ			u64	as TCPSTATE_A_FLOW_SEQ
 *	TCPSTATE_A_SEGMENT_TIME			u64	nanoseconds since 1970, UTC
 *	TCPSTATE_A_SEGMENT_FAMILY		u8	AF_INET or AF_INET6
 *	TCPSTATE_A_SEGMENT_INITIATOR		nest	the endpoint after this segment
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *		TCPSTATE_A_END_PORT		u16	network order
 *		TCPSTATE_A_END_STATE		u8	enum tcpstate_state
 *	TCPSTATE_A_SEGMENT_RESPONDER		nest	likewise
 *	TCPSTATE_A_SEGMENT_FROM			u8	enum tcpstate_by: who sent it
 *	TCPSTATE_A_SEGMENT_FLAGS		u8	octet 13 of the header (RFC 9293 3.1)
 *	TCPSTATE_A_SEGMENT_NUMBER		u32	sequence number
 *	TCPSTATE_A_SEGMENT_ACK			u32	acknowledgment number, where the flag is set
 *	TCPSTATE_A_SEGMENT_RELATIVE_NUMBER	u32	NUMBER less its sender's initial one
 *	TCPSTATE_A_SEGMENT_RELATIVE_ACK		u32	ACK less its receiver's initial number
 *	TCPSTATE_A_SEGMENT_LENGTH		u32	octets of payload
 *	TCPSTATE_A_SEGMENT_WINDOW		u32	as sent, not scaled
 *	TCPSTATE_A_SEGMENT_COUNT		u32	segments on the wire that it stands for
 *	TCPSTATE_A_SEGMENT_FACTS		u32	set of facts: bit 1 << tcpstate_fact
 *	TCPSTATE_A_SEGMENT_REASON		u8	enum tcpstate_reason, where it ended its
 *							connection
 *
 * TCPSTATE_CMD_LISTENER_GET, dump, CAP_NET_ADMIN over the namespace: what becomes
 * of the handshakes that are asked of a listener, which is an address and a port
 * that answered a SYN; and, as far as there is room, of one that refused or is
 * silent. Request, all optional:
 *
 *	TCPSTATE_A_LISTENER_FAMILY		u8	AF_INET or AF_INET6
 *	TCPSTATE_A_LISTENER_ENDPOINT		nest
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *		TCPSTATE_A_END_PREFIX		u8	how many bits of it count; else all
 *		TCPSTATE_A_END_PORT		u16	network order
 *		TCPSTATE_A_END_PORT_LAST	u16	likewise: a range from PORT to this
 *	TCPSTATE_A_LISTENER_VERDICTS		u32	set of verdicts: bit 1 << tcpstate_verdict
 *
 * Reply, a message for each listener:
 *
 *	TCPSTATE_A_LISTENER_FAMILY		u8	AF_INET or AF_INET6
 *	TCPSTATE_A_LISTENER_ENDPOINT		nest
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *		TCPSTATE_A_END_PORT		u16	network order
 *	TCPSTATE_A_LISTENER_SYN_SENT		u64	half-opens now that were not answered yet
 *	TCPSTATE_A_LISTENER_SYN_RECV		u64	half-opens now that were
 *	TCPSTATE_A_LISTENER_SYN			u64	handshakes that were asked for, each once
 *	TCPSTATE_A_LISTENER_SYNACK		u64	that were answered
 *	TCPSTATE_A_LISTENER_COMPLETED		u64	that were completed
 *	TCPSTATE_A_LISTENER_REFUSED		u64	that a RST answered
 *	TCPSTATE_A_LISTENER_TIMED_OUT		u64	that came to nothing
 *	TCPSTATE_A_LISTENER_SYN_RATE		u64	asked for in the last second
 *	TCPSTATE_A_LISTENER_SOURCES		u64	by so many addresses, estimated
 *	TCPSTATE_A_LISTENER_VERDICT		u8	enum tcpstate_verdict
 *	TCPSTATE_A_LISTENER_SINCE		u64	milliseconds that it has been so
 *	TCPSTATE_A_LISTENER_COMPLETION		u32	of a thousand handshakes judged last, how
 *							many were completed; where any were judged
 *	TCPSTATE_A_LISTENER_USUAL		u32	and how many usually are
 *	TCPSTATE_A_LISTENER_STALE		u64	half-opens now that are older than 3 seconds
 *	TCPSTATE_A_LISTENER_RESPONDER_LATENCY	binary	as TCPSTATE_A_STATS_RESPONDER_LATENCY has it
 *	TCPSTATE_A_LISTENER_INITIATOR_LATENCY	binary	likewise
 *	TCPSTATE_A_LISTENER_UNTIMED		u64	handshakes in neither, since something was
 *							sent again
 *	TCPSTATE_A_LISTENER_SOURCE		nest	the heaviest of late, if any stands out
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *		TCPSTATE_A_END_SHARE		u32	of a thousand handshakes asked for
 *
 * TCPSTATE_CMD_HOST_GET, dump, likewise: the hosts under a verdict of their own,
 * TCPSTATE_VERDICT_SCAN or _REFLECTION_VICTIM. Request as above, where nothing
 * but the prefix of ENDPOINT makes sense. Reply:
 *
 *	TCPSTATE_A_LISTENER_FAMILY		u8	AF_INET or AF_INET6
 *	TCPSTATE_A_LISTENER_ENDPOINT		nest
 *		TCPSTATE_A_END_ADDR		binary	4 or 16 octets, network order
 *	TCPSTATE_A_LISTENER_VERDICT		u8	enum tcpstate_verdict
 *	TCPSTATE_A_LISTENER_SINCE		u64	milliseconds that it has been so
 *	TCPSTATE_A_LISTENER_TARGETS		u64	whom it asked, or who answers it, estimated
 *	TCPSTATE_A_LISTENER_SYN			u64	its SYNs, or SYN-ACKs that it did not ask
 *							for, of late
 *
 * TCPSTATE_CMD_ALERT_NTF, multicast in group "alerts", likewise: a verdict other
 * than OK and SURGE begins, becomes another or ends; or a table is full. What
 * LISTENER_GET or HOST_GET tells of its subject; of a table neither, and:
 *
 *	TCPSTATE_A_LISTENER_ALERT		u8	enum tcpstate_alert
 *	TCPSTATE_A_LISTENER_SEQ			u64	as TCPSTATE_A_FLOW_SEQ
 *	TCPSTATE_A_LISTENER_TIME		u64	nanoseconds since 1970, UTC
 *	TCPSTATE_A_LISTENER_BEFORE		u8	enum tcpstate_verdict: what it was until now
 *	TCPSTATE_A_LISTENER_TABLE		u8	enum tcpstate_counter: FLOWS, HALFOPEN or
 *							LISTENERS, the gauge of the table
 *	TCPSTATE_A_LISTENER_FILL		u64	of a table: how many are in it
 *	TCPSTATE_A_LISTENER_LIMIT		u64	and may be
 */
#ifndef _UAPI_TCPSTATE_H
#define _UAPI_TCPSTATE_H

#define TCPSTATE_GENL_NAME	"tcpstate"
#define TCPSTATE_GENL_VERSION	1

/* Of this source: the module's, the tool's and the packages'. */
#define TCPSTATE_VERSION	"0.1"

/*
 * enum tcpstate_state - the eleven states of RFC 9293 section 3.3.2
 *
 * Numbered as the kernel numbers them (enum in net/tcp_states.h), so a value
 * can be laid beside one that sock_diag reports. Zero is no state.
 */
enum tcpstate_state {
	TCPSTATE_UNSPEC,
	TCPSTATE_ESTABLISHED,
	TCPSTATE_SYN_SENT,
	TCPSTATE_SYN_RECV,
	TCPSTATE_FIN_WAIT1,
	TCPSTATE_FIN_WAIT2,
	TCPSTATE_TIME_WAIT,
	TCPSTATE_CLOSE,
	TCPSTATE_CLOSE_WAIT,
	TCPSTATE_LAST_ACK,
	TCPSTATE_LISTEN,
	TCPSTATE_CLOSING,
	__TCPSTATE_STATE_MAX,
};

#define TCPSTATE_STATE_MAX (__TCPSTATE_STATE_MAX - 1)

/* Why a connection's record ended. */
enum tcpstate_reason {
	TCPSTATE_REASON_NONE,
	TCPSTATE_REASON_FIN,
	TCPSTATE_REASON_RESET,
	TCPSTATE_REASON_REFUSED,	/* by a RST that answered the SYN */
	TCPSTATE_REASON_TIMEOUT,
	TCPSTATE_REASON_SUPERSEDED,	/* by a new SYN that its peer confirmed */
	TCPSTATE_REASON_REUSED,		/* by a new SYN during TIME_WAIT */
	TCPSTATE_REASON_EVICTED,	/* for lack of room */
	TCPSTATE_REASON_FLUSHED,	/* by the operator */
	TCPSTATE_REASON_UNLOADED,	/* with the module; counted as flushed */
	__TCPSTATE_REASON_MAX,
};

#define TCPSTATE_REASON_MAX (__TCPSTATE_REASON_MAX - 1)

/* What a segment proved or was refused for. Each is a counter of the same name. */
enum tcpstate_fact {
	TCPSTATE_FACT_ESTABLISHED,	/* the handshake that we watched is complete */
	TCPSTATE_FACT_SIMULTANEOUS_OPEN,
	TCPSTATE_FACT_SIMULTANEOUS_CLOSE,
	TCPSTATE_FACT_SYN_RETRANS,
	TCPSTATE_FACT_SYNACK_RETRANS,
	TCPSTATE_FACT_FIN_RETRANS,
	TCPSTATE_FACT_DATA_RETRANS,
	TCPSTATE_FACT_KEEPALIVE,
	TCPSTATE_FACT_ZERO_WINDOW,	/* the sender's window shut with this segment */
	TCPSTATE_FACT_OUT_OF_WINDOW,
	TCPSTATE_FACT_INVALID_ACK,
	TCPSTATE_FACT_INVALID_RST,
	TCPSTATE_FACT_RST_INEXACT,
	TCPSTATE_FACT_STRAY,		/* the record has ended, or nothing opens one */
	TCPSTATE_FACT_RESYNC,
	TCPSTATE_FACT_MAX,
};

enum tcpstate_by {
	TCPSTATE_BY_NONE,
	TCPSTATE_BY_INITIATOR,
	TCPSTATE_BY_RESPONDER,
};

enum tcpstate_event_type {
	TCPSTATE_EVENT_UNSPEC,
	TCPSTATE_EVENT_OPENED,
	TCPSTATE_EVENT_ESTABLISHED,
	TCPSTATE_EVENT_CLOSED,
};

/*
 * enum tcpstate_verdict - what is going on
 *
 * At a listener; the last two at a host.
 */
enum tcpstate_verdict {
	TCPSTATE_VERDICT_UNSPEC,
	TCPSTATE_VERDICT_OK,		/* handshakes complete as they usually do here */
	TCPSTATE_VERDICT_SURGE,		/* many more than usual, and they complete */
	TCPSTATE_VERDICT_FLOOD_SPOOFED,	/* answers are not taken up, by very many sources */
	TCPSTATE_VERDICT_FLOOD_FEW,	/* likewise, by few */
	TCPSTATE_VERDICT_DEAD_BACKEND,	/* nobody answers */
	TCPSTATE_VERDICT_REFUSED,	/* RSTs answer */
	TCPSTATE_VERDICT_OVERLOAD,	/* handshakes end, and the responder takes no notice */
	TCPSTATE_VERDICT_SCAN,		/* asks many and completes with few */
	TCPSTATE_VERDICT_REFLECTION_VICTIM, /* is answered what it did not ask */
	__TCPSTATE_VERDICT_MAX,
};

#define TCPSTATE_VERDICT_MAX (__TCPSTATE_VERDICT_MAX - 1)

enum tcpstate_alert {
	TCPSTATE_ALERT_UNSPEC,
	TCPSTATE_ALERT_BEGIN,
	TCPSTATE_ALERT_CHANGE,
	TCPSTATE_ALERT_END,
};

/* Multicast groups. */
#define TCPSTATE_GENL_GROUP_FLOWS	"flows"
#define TCPSTATE_GENL_GROUP_CLOSED	"closed"
#define TCPSTATE_GENL_GROUP_SEGMENTS	"segments"
#define TCPSTATE_GENL_GROUP_ALERTS	"alerts"

enum tcpstate_cmd {
	TCPSTATE_CMD_UNSPEC,
	TCPSTATE_CMD_STATS_GET,
	TCPSTATE_CMD_FLOW_GET,
	TCPSTATE_CMD_HALFOPEN_GET,
	TCPSTATE_CMD_FLUSH,
	TCPSTATE_CMD_FLOW_NTF,
	TCPSTATE_CMD_TRACE_SET,
	TCPSTATE_CMD_SEGMENT_NTF,
	TCPSTATE_CMD_LISTENER_GET,
	TCPSTATE_CMD_HOST_GET,
	TCPSTATE_CMD_ALERT_NTF,
	__TCPSTATE_CMD_MAX,
};

#define TCPSTATE_CMD_MAX (__TCPSTATE_CMD_MAX - 1)

/* Reply to TCPSTATE_CMD_STATS_GET. */
enum {
	TCPSTATE_A_STATS_UNSPEC,
	TCPSTATE_A_STATS_VERSION,
	TCPSTATE_A_STATS_ENABLED,
	TCPSTATE_A_STATS_STATE,
	TCPSTATE_A_STATS_COUNTERS,
	TCPSTATE_A_STATS_DWELL,
	TCPSTATE_A_STATS_RESPONDER_LATENCY,
	TCPSTATE_A_STATS_INITIATOR_LATENCY,
	TCPSTATE_A_STATS_PAIR,
	TCPSTATE_A_STATS_RESETS,
	TCPSTATE_A_STATS_LEAK,
	TCPSTATE_A_STATS_SEQ,
	TCPSTATE_A_STATS_TRANSITION,
	TCPSTATE_A_STATS_MEMORY,
	__TCPSTATE_A_STATS_MAX,
};

#define TCPSTATE_A_STATS_MAX (__TCPSTATE_A_STATS_MAX - 1)

/* In TCPSTATE_A_STATS_STATE. */
enum {
	TCPSTATE_A_STATE_UNSPEC,
	TCPSTATE_A_STATE_PAD,
	TCPSTATE_A_STATE_STATE,
	TCPSTATE_A_STATE_INITIATOR,
	TCPSTATE_A_STATE_RESPONDER,
	TCPSTATE_A_STATE_ENTERED,
	__TCPSTATE_A_STATE_MAX,
};

#define TCPSTATE_A_STATE_MAX (__TCPSTATE_A_STATE_MAX - 1)

/*
 * enum tcpstate_counter - the figures of a namespace, in TCPSTATE_A_STATS_COUNTERS
 *
 * Every view lists them in this order, under these names in lower case. The
 * first three are how many there are now, the next three how many there may
 * be; all others count events since the namespace began.
 */
enum tcpstate_counter {
	TCPSTATE_A_COUNTER_UNSPEC,
	TCPSTATE_A_COUNTER_PAD,
	TCPSTATE_A_COUNTER_FLOWS,		/* connections, without half-open ones */
	TCPSTATE_A_COUNTER_HALFOPEN,		/* their initiator has not proved itself */
	TCPSTATE_A_COUNTER_LISTENERS,
	TCPSTATE_A_COUNTER_MAX_FLOWS,
	TCPSTATE_A_COUNTER_MAX_HALFOPEN,
	TCPSTATE_A_COUNTER_MAX_LISTENERS,
	/* segments, those that an offloaded one stands for counted each */
	TCPSTATE_A_COUNTER_SEGMENTS,		/* TCP segments whose header could be read */
	TCPSTATE_A_COUNTER_SYN,			/* of these SYN without ACK */
	TCPSTATE_A_COUNTER_SYNACK,		/* SYN with ACK */
	TCPSTATE_A_COUNTER_FIN,
	TCPSTATE_A_COUNTER_RST,
	/* lives; a record begins in one of the first two and ends in one of the last eight */
	TCPSTATE_A_COUNTER_OPENED,		/* by a SYN */
	TCPSTATE_A_COUNTER_PICKED_UP,		/* by anything else */
	TCPSTATE_A_COUNTER_ESTABLISHED,		/* handshakes completed */
	TCPSTATE_A_COUNTER_CLOSED_FIN,		/* ended by FINs */
	TCPSTATE_A_COUNTER_CLOSED_RESET,	/* by a RST */
	TCPSTATE_A_COUNTER_REFUSED,		/* by a RST that answered the SYN */
	TCPSTATE_A_COUNTER_TIMED_OUT,		/* by silence */
	TCPSTATE_A_COUNTER_SUPERSEDED,		/* by a new SYN that its peer confirmed */
	TCPSTATE_A_COUNTER_REUSED,		/* by a new SYN during TIME_WAIT */
	TCPSTATE_A_COUNTER_EVICTED,		/* by lack of room */
	TCPSTATE_A_COUNTER_FLUSHED,		/* by the operator */
	/* oddities */
	TCPSTATE_A_COUNTER_SIMULTANEOUS_OPEN,
	TCPSTATE_A_COUNTER_SIMULTANEOUS_CLOSE,
	TCPSTATE_A_COUNTER_SYN_RETRANS,
	TCPSTATE_A_COUNTER_SYNACK_RETRANS,
	TCPSTATE_A_COUNTER_FIN_RETRANS,
	TCPSTATE_A_COUNTER_DATA_RETRANS,
	TCPSTATE_A_COUNTER_KEEPALIVE,
	TCPSTATE_A_COUNTER_ZERO_WINDOW,
	/* refused evidence */
	TCPSTATE_A_COUNTER_MALFORMED,		/* a TCP header that does not fit its packet */
	TCPSTATE_A_COUNTER_INVALID_FLAGS,	/* control bits that no TCP sends together */
	TCPSTATE_A_COUNTER_BAD_CHECKSUM,
	TCPSTATE_A_COUNTER_OUT_OF_WINDOW,
	TCPSTATE_A_COUNTER_INVALID_ACK,		/* acknowledges what was never sent */
	TCPSTATE_A_COUNTER_INVALID_RST,
	TCPSTATE_A_COUNTER_RST_INEXACT,		/* in the window, which is not enough (RFC 5961) */
	TCPSTATE_A_COUNTER_STRAY,		/* of no connection, or of one that ended */
	TCPSTATE_A_COUNTER_FRAGMENT,		/* fragments other than the first */
	/* repairs */
	TCPSTATE_A_COUNTER_RESYNC,
	/* pressure */
	TCPSTATE_A_COUNTER_FLOW_TABLE_FULL,
	TCPSTATE_A_COUNTER_HALFOPEN_TABLE_FULL,
	TCPSTATE_A_COUNTER_NOMEM,
	TCPSTATE_A_COUNTER_EVENTS_LOST,
	__TCPSTATE_A_COUNTER_MAX,
};

#define TCPSTATE_A_COUNTER_MAX (__TCPSTATE_A_COUNTER_MAX - 1)

/* In TCPSTATE_A_STATS_DWELL and the two latencies. */
enum {
	TCPSTATE_A_HISTOGRAM_UNSPEC,
	TCPSTATE_A_HISTOGRAM_STATE,
	TCPSTATE_A_HISTOGRAM_BUCKETS,
	TCPSTATE_A_HISTOGRAM_PAD,
	TCPSTATE_A_HISTOGRAM_SUM,
	__TCPSTATE_A_HISTOGRAM_MAX,
};

#define TCPSTATE_A_HISTOGRAM_MAX (__TCPSTATE_A_HISTOGRAM_MAX - 1)

/* In TCPSTATE_A_STATS_PAIR. */
enum {
	TCPSTATE_A_PAIR_UNSPEC,
	TCPSTATE_A_PAIR_PAD,
	TCPSTATE_A_PAIR_INITIATOR,
	TCPSTATE_A_PAIR_RESPONDER,
	TCPSTATE_A_PAIR_FLOWS,
	__TCPSTATE_A_PAIR_MAX,
};

#define TCPSTATE_A_PAIR_MAX (__TCPSTATE_A_PAIR_MAX - 1)

/* In TCPSTATE_A_STATS_TRANSITION. */
enum {
	TCPSTATE_A_TRANSITION_UNSPEC,
	TCPSTATE_A_TRANSITION_PAD,
	TCPSTATE_A_TRANSITION_FROM,
	TCPSTATE_A_TRANSITION_TO,
	TCPSTATE_A_TRANSITION_COUNT,
	__TCPSTATE_A_TRANSITION_MAX,
};

#define TCPSTATE_A_TRANSITION_MAX (__TCPSTATE_A_TRANSITION_MAX - 1)

/* In TCPSTATE_A_STATS_RESETS. */
enum {
	TCPSTATE_A_RESET_UNSPEC,
	TCPSTATE_A_RESET_PAD,
	TCPSTATE_A_RESET_SENDER,
	TCPSTATE_A_RESET_INITIATOR,
	TCPSTATE_A_RESET_RESPONDER,
	TCPSTATE_A_RESET_IN_WINDOW,
	TCPSTATE_A_RESET_INEXACT,
	TCPSTATE_A_RESET_OUT_OF_WINDOW,
	__TCPSTATE_A_RESET_MAX,
};

#define TCPSTATE_A_RESET_MAX (__TCPSTATE_A_RESET_MAX - 1)

/* enum tcpstate_memory_kind - octets of memory, in TCPSTATE_A_STATS_MEMORY */
enum tcpstate_memory_kind {
	TCPSTATE_A_MEMORY_UNSPEC,
	TCPSTATE_A_MEMORY_PAD,
	TCPSTATE_A_MEMORY_FLOWS,	/* records of the flow table */
	TCPSTATE_A_MEMORY_HALFOPEN,	/* records of the half-open table */
	TCPSTATE_A_MEMORY_TABLES,	/* arrays of hash buckets, of both */
	TCPSTATE_A_MEMORY_LISTENERS,	/* listeners, with each CPU's part */
	TCPSTATE_A_MEMORY_DETECTOR,	/* sketches and samples that verdicts need */
	TCPSTATE_A_MEMORY_EVENTS,	/* notifications that wait to be sent */
	TCPSTATE_A_MEMORY_TRACES,
	TCPSTATE_A_MEMORY_COUNTERS,	/* counters and settings, which never grow */
	TCPSTATE_A_MEMORY_LIMIT,	/* ceiling of all kinds but COUNTERS together */
	__TCPSTATE_A_MEMORY_MAX,
};

#define TCPSTATE_A_MEMORY_MAX (__TCPSTATE_A_MEMORY_MAX - 1)

/* In TCPSTATE_A_STATS_LEAK. */
enum {
	TCPSTATE_A_LEAK_UNSPEC,
	TCPSTATE_A_LEAK_PAD,
	TCPSTATE_A_LEAK_SIDE,
	TCPSTATE_A_LEAK_FLOWS,
	TCPSTATE_A_LEAK_OLDEST,
	__TCPSTATE_A_LEAK_MAX,
};

#define TCPSTATE_A_LEAK_MAX (__TCPSTATE_A_LEAK_MAX - 1)

/* In TCPSTATE_A_STATS_SEQ. */
enum {
	TCPSTATE_A_SEQ_UNSPEC,
	TCPSTATE_A_SEQ_PAD,
	TCPSTATE_A_SEQ_FLOWS,
	TCPSTATE_A_SEQ_CLOSED,
	TCPSTATE_A_SEQ_SEGMENTS,
	TCPSTATE_A_SEQ_ALERTS,
	__TCPSTATE_A_SEQ_MAX,
};

#define TCPSTATE_A_SEQ_MAX (__TCPSTATE_A_SEQ_MAX - 1)

/* Request and reply of TCPSTATE_CMD_FLOW_GET and HALFOPEN_GET; TCPSTATE_CMD_FLOW_NTF. */
enum {
	TCPSTATE_A_FLOW_UNSPEC,
	TCPSTATE_A_FLOW_PAD,
	TCPSTATE_A_FLOW_FAMILY,
	TCPSTATE_A_FLOW_INITIATOR,
	TCPSTATE_A_FLOW_RESPONDER,
	TCPSTATE_A_FLOW_AGE,
	TCPSTATE_A_FLOW_IDLE,
	TCPSTATE_A_FLOW_PHASE,
	TCPSTATE_A_FLOW_SYN,
	TCPSTATE_A_FLOW_SYNACK,
	TCPSTATE_A_FLOW_PICKED_UP,
	TCPSTATE_A_FLOW_ONE_SIDED,
	TCPSTATE_A_FLOW_HISTORY,
	TCPSTATE_A_FLOW_STATES,
	TCPSTATE_A_FLOW_MIN_AGE,
	TCPSTATE_A_FLOW_MIN_IDLE,
	TCPSTATE_A_FLOW_RESPONDER_LATENCY,
	TCPSTATE_A_FLOW_INITIATOR_LATENCY,
	TCPSTATE_A_FLOW_EVENT,
	TCPSTATE_A_FLOW_SEQ,
	TCPSTATE_A_FLOW_TIME,
	TCPSTATE_A_FLOW_REASON,
	TCPSTATE_A_FLOW_BY,
	TCPSTATE_A_FLOW_CONN_STATE,
	__TCPSTATE_A_FLOW_MAX,
};

#define TCPSTATE_A_FLOW_MAX (__TCPSTATE_A_FLOW_MAX - 1)

/* TCPSTATE_CMD_SEGMENT_NTF. */
enum {
	TCPSTATE_A_SEGMENT_UNSPEC,
	TCPSTATE_A_SEGMENT_PAD,
	TCPSTATE_A_SEGMENT_SEQ,
	TCPSTATE_A_SEGMENT_TIME,
	TCPSTATE_A_SEGMENT_FAMILY,
	TCPSTATE_A_SEGMENT_INITIATOR,
	TCPSTATE_A_SEGMENT_RESPONDER,
	TCPSTATE_A_SEGMENT_FROM,
	TCPSTATE_A_SEGMENT_FLAGS,
	TCPSTATE_A_SEGMENT_NUMBER,
	TCPSTATE_A_SEGMENT_ACK,
	TCPSTATE_A_SEGMENT_RELATIVE_NUMBER,
	TCPSTATE_A_SEGMENT_RELATIVE_ACK,
	TCPSTATE_A_SEGMENT_LENGTH,
	TCPSTATE_A_SEGMENT_WINDOW,
	TCPSTATE_A_SEGMENT_COUNT,
	TCPSTATE_A_SEGMENT_FACTS,
	TCPSTATE_A_SEGMENT_REASON,
	__TCPSTATE_A_SEGMENT_MAX,
};

#define TCPSTATE_A_SEGMENT_MAX (__TCPSTATE_A_SEGMENT_MAX - 1)

/* Request and reply of TCPSTATE_CMD_LISTENER_GET and HOST_GET; TCPSTATE_CMD_ALERT_NTF. */
enum {
	TCPSTATE_A_LISTENER_UNSPEC,
	TCPSTATE_A_LISTENER_PAD,
	TCPSTATE_A_LISTENER_FAMILY,
	TCPSTATE_A_LISTENER_ENDPOINT,
	TCPSTATE_A_LISTENER_VERDICTS,
	TCPSTATE_A_LISTENER_SYN_SENT,
	TCPSTATE_A_LISTENER_SYN_RECV,
	TCPSTATE_A_LISTENER_SYN,
	TCPSTATE_A_LISTENER_SYNACK,
	TCPSTATE_A_LISTENER_COMPLETED,
	TCPSTATE_A_LISTENER_REFUSED,
	TCPSTATE_A_LISTENER_TIMED_OUT,
	TCPSTATE_A_LISTENER_SYN_RATE,
	TCPSTATE_A_LISTENER_SOURCES,
	TCPSTATE_A_LISTENER_VERDICT,
	TCPSTATE_A_LISTENER_SINCE,
	TCPSTATE_A_LISTENER_COMPLETION,
	TCPSTATE_A_LISTENER_USUAL,
	TCPSTATE_A_LISTENER_STALE,
	TCPSTATE_A_LISTENER_RESPONDER_LATENCY,
	TCPSTATE_A_LISTENER_INITIATOR_LATENCY,
	TCPSTATE_A_LISTENER_UNTIMED,
	TCPSTATE_A_LISTENER_SOURCE,
	TCPSTATE_A_LISTENER_TARGETS,
	TCPSTATE_A_LISTENER_ALERT,
	TCPSTATE_A_LISTENER_SEQ,
	TCPSTATE_A_LISTENER_TIME,
	TCPSTATE_A_LISTENER_BEFORE,
	TCPSTATE_A_LISTENER_TABLE,
	TCPSTATE_A_LISTENER_FILL,
	TCPSTATE_A_LISTENER_LIMIT,
	__TCPSTATE_A_LISTENER_MAX,
};

#define TCPSTATE_A_LISTENER_MAX (__TCPSTATE_A_LISTENER_MAX - 1)

/* An endpoint, in a request, a reply or a notification. */
enum {
	TCPSTATE_A_END_UNSPEC,
	TCPSTATE_A_END_PAD,
	TCPSTATE_A_END_ADDR,
	TCPSTATE_A_END_PREFIX,
	TCPSTATE_A_END_PORT,
	TCPSTATE_A_END_PORT_LAST,
	TCPSTATE_A_END_STATES,
	TCPSTATE_A_END_STATE,
	TCPSTATE_A_END_BYTES,
	TCPSTATE_A_END_SEGMENTS,
	TCPSTATE_A_END_RETRANS,
	TCPSTATE_A_END_SHARE,
	__TCPSTATE_A_END_MAX,
};

#define TCPSTATE_A_END_MAX (__TCPSTATE_A_END_MAX - 1)

#endif /* _UAPI_TCPSTATE_H */
