/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pair of RFC 9293 machines: what the segments that pass prove about the
 * states of the two endpoints of a connection.
 *
 * Pure: no clock, no allocation, no skb, no lock. The caller owns the pair and
 * serialises access to it. Compiles in userspace as it stands.
 */
#ifndef _TCPSTATE_FSM_H
#define _TCPSTATE_FSM_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include "uapi/tcpstate.h"

/* TCP control bits, as they stand in octet 13 of the header (RFC 9293 3.1). */
#define TCPSTATE_FIN 0x01
#define TCPSTATE_SYN 0x02
#define TCPSTATE_RST 0x04
#define TCPSTATE_PSH 0x08
#define TCPSTATE_ACK 0x10
#define TCPSTATE_URG 0x20

/* A segment without the option, and the largest shift (RFC 7323 2.3). */
#define TCPSTATE_WSCALE_NONE 15
#define TCPSTATE_WSCALE_MAX 14

/**
 * struct tcpstate_segment - what the machines need to know of a TCP segment
 * @seq: sequence number of its first octet, or of its SYN
 * @ack: acknowledgment number; meaningless without TCPSTATE_ACK
 * @len: octets of payload; SYN and FIN are not in it. Of a first fragment,
 *	the octets that this fragment carries.
 * @tsval: timestamp value, where @has_ts
 * @tsecr: timestamp echo reply, where @has_ts
 * @count: TCP segments on the wire that this one stands for; more than one
 *	where segmentation is offloaded, never zero
 * @window: window field as sent, not scaled
 * @flags: TCPSTATE_FIN and its like
 * @wscale: shift of the window scale option, at most TCPSTATE_WSCALE_MAX, or
 *	TCPSTATE_WSCALE_NONE. Read only where TCPSTATE_SYN is set.
 * @has_ts: the segment carries a timestamp option
 * @fragment: a first fragment, so the true payload is longer than @len
 */
struct tcpstate_segment {
	__u32 seq;
	__u32 ack;
	__u32 len;
	__u32 tsval;
	__u32 tsecr;
	__u32 count;
	__u16 window;
	__u8 flags;
	__u8 wscale;
	bool has_ts;
	bool fragment;
};

/**
 * struct tcpstate_elapsed - times that the machines need, in milliseconds
 * @silent: since the last segment that renewed the record's timer
 * @age: since the record opened; may wrap
 * @round_trip: as the handshake measured it; 0 if it was not measured
 */
struct tcpstate_elapsed {
	__u32 silent;
	__u32 age;
	__u32 round_trip;
};

/* Which endpoint; an index into every two-element array of the pair. */
enum tcpstate_end {
	TCPSTATE_INITIATOR,
	TCPSTATE_RESPONDER,
};

/* What the caller is to do with the record after a segment. */
enum tcpstate_action {
	TCPSTATE_KEEP,	/* it goes on */
	TCPSTATE_END,	/* it ended just now, for the reason given: let it linger */
	TCPSTATE_ANEW,	/* it ends for the reason given (REASON_NONE: it had ended
			 * before), and the same segment opens its successor:
			 * tcpstate_fsm_reopen() on a zeroed pair. Without a
			 * SYN the successor has the same roles.
			 */
};

/**
 * struct tcpstate_outcome - what became of a pair by one segment
 * @facts: set of BIT(enum tcpstate_fact); each is a counter of the same name
 * @action: enum tcpstate_action
 * @reason: enum tcpstate_reason, where @action is not TCPSTATE_KEEP
 * @renew: the segment proves that the connection lives, so that its timer
 *	starts again
 */
struct tcpstate_outcome {
	__u32 facts;
	__u8 action;
	__u8 reason;
	bool renew;
};

/*
 * What a timeout is named for. The sysctl timeout_<name> sets it, in seconds.
 * CLOSING is ruled by LAST_ACK, and the two FIN_WAITs share one.
 */
enum tcpstate_timeout {
	TCPSTATE_TIMEOUT_SYN_SENT,
	TCPSTATE_TIMEOUT_SYN_RECV,
	TCPSTATE_TIMEOUT_ESTABLISHED,
	TCPSTATE_TIMEOUT_FIN_WAIT,
	TCPSTATE_TIMEOUT_CLOSE_WAIT,
	TCPSTATE_TIMEOUT_LAST_ACK,
	TCPSTATE_TIMEOUT_TIME_WAIT,
	TCPSTATE_TIMEOUT_CLOSE,
	TCPSTATE_TIMEOUT_UNREPLIED,
	TCPSTATE_TIMEOUT_MAX,
};

/* How badly a pair is proved: the larger, the sooner it gives way. */
enum tcpstate_standing {
	TCPSTATE_PROVED_BY_HANDSHAKE,
	TCPSTATE_PROVED_BY_TRAFFIC,
	TCPSTATE_UNPROVED = 9,	/* less by the periods that have proof */
};

/*
 * Letters of the history (Zeek's, see inference.md): upper case from the
 * initiator, lower case from the responder, each kind once a direction.
 */
enum tcpstate_letter {
	TCPSTATE_LETTER_NONE,
	TCPSTATE_LETTER_SYN,		/* s */
	TCPSTATE_LETTER_SYNACK,		/* h */
	TCPSTATE_LETTER_ACK,		/* a */
	TCPSTATE_LETTER_DATA,		/* d */
	TCPSTATE_LETTER_FIN,		/* f */
	TCPSTATE_LETTER_RST,		/* r */
	TCPSTATE_LETTER_CHECKSUM,	/* c */
	TCPSTATE_LETTER_INCONSISTENT,	/* i */
	TCPSTATE_LETTER_RETRANS,	/* t */
	TCPSTATE_LETTER_ZERO_WINDOW,	/* w */
	TCPSTATE_LETTER_GUESSED,	/* ^ */
	TCPSTATE_LETTER_MAX,
};

#define TCPSTATE_HISTORY_MAX 16

/* tcpstate_pair::flags */
#define TCPSTATE_PICKED_UP	0x01	/* the opening SYN was not seen */
#define TCPSTATE_ONE_SIDED	0x02	/* established though the responder never spoke */
#define TCPSTATE_LIBERAL	0x04	/* the directions disagree for good */
#define TCPSTATE_FRAGMENTED	0x08	/* some payload has a length that we do not know */
#define TCPSTATE_SYN_MEMO	0x10	/* << end: memo[end] is the ISS of a SYN that was refused */
#define TCPSTATE_GAP_FIN	0x40	/* << end: a FIN is among the refused segments */

/**
 * struct tcpstate_side - what is counted of one endpoint
 * @retrans: segments that it retransmitted, stops at the largest
 * @acked: in this period it acknowledged data of its peer; see @proof
 * @proof: of the initiator, the periods with proof: each endpoint acknowledged data
 *	of its peer. Of the responder, how many began since the newest of these, up to
 *	the segment that last renewed the timer; stops at the largest.
 * @tries: of the initiator, refused segments of this silence that did not agree
 *	with those before them, stops at the largest. Of the responder, whether the
 *	pair took the place of another by a SYN or SYN-ACK.
 */
struct tcpstate_side {
	__u32 retrans:24, acked:1, proof:3, tries:4;
};

/**
 * struct tcpstate_pair - both endpoints of one connection, as the wire proves
 * @nxt: per endpoint, one past the highest sequence number that it has sent
 * @una: per endpoint, the highest acknowledgment that its peer has sent for it
 * @edge: per endpoint, the highest acknowledgment plus window that its peer
 *	ever advertised: it may send up to here
 * @letters: the letters of @history, a bit each, initiator's in the low half
 * @keeper: the caller may keep a bit here: the machines leave it alone
 * @sides: the endpoints whose refused segments agree with @memo, a bit each
 * @turns: how often the sender of agreeing refused segments changed
 * @turn: the sender of the last such turn
 * @moved: the numbers in @memo advanced since that turn
 * @doubt: a refused RST or FIN may have closed the connection
 * @unproved: no handshake proved the connection, nor did its traffic yet
 * @state: per endpoint, enum tcpstate_state
 * @wscale: window shifts, initiator's in the low nibble
 * @flags: TCPSTATE_PICKED_UP and its like
 * @memo: per endpoint, what a refused segment claimed. With TCPSTATE_SYN_MEMO
 *	its ISS; else with @sides its next sequence number, should the refused
 *	segments be right and we wrong; else with @turns see resync.c; else in a
 *	pair with a TIME_WAIT its newest timestamp.
 * @iss: per endpoint, its initial sequence number; one before the first octet
 *	we know of where the SYN was not seen
 * @side: per endpoint, what is counted of it
 * @wraps: per endpoint, how often @nxt passed zero
 * @history: letters in the order of their first appearance, a nibble each, the
 *	first lowest
 * @lower: the direction of each letter of @history, a bit each
 * @syn: SYNs that the initiator sent, stops at 255
 * @synack: SYN-ACKs that the responder sent, stops at 255
 *
 * The first 32 octets are all that an ordinary segment touches.
 */
struct tcpstate_pair {
	__u32 nxt[2];
	__u32 una[2];
	__u32 edge[2];
	__u32 letters:21, keeper:1, sides:2, turns:4, turn:1, moved:1, doubt:1, unproved:1;
	__u8 state[2];
	__u8 wscale;
	__u8 flags;

	__u32 memo[2];
	__u32 iss[2];
	struct tcpstate_side side[2];
	__u16 wraps[2];
	__u16 lower;
	__u8 syn;
	__u8 synack;
	__u64 history;
};

static inline enum tcpstate_end tcpstate_peer(enum tcpstate_end end)
{
	return end == TCPSTATE_INITIATOR ? TCPSTATE_RESPONDER : TCPSTATE_INITIATOR;
}

static inline enum tcpstate_by tcpstate_by(enum tcpstate_end end)
{
	return end == TCPSTATE_INITIATOR ? TCPSTATE_BY_INITIATOR : TCPSTATE_BY_RESPONDER;
}

/**
 * tcpstate_fsm_ended() - has the record ended and does it merely linger?
 * @pair: the pair
 *
 * Return: true when both endpoints are CLOSE.
 */
static inline bool tcpstate_fsm_ended(const struct tcpstate_pair *pair)
{
	return pair->state[TCPSTATE_INITIATOR] == TCPSTATE_CLOSE &&
	       pair->state[TCPSTATE_RESPONDER] == TCPSTATE_CLOSE;
}

/**
 * tcpstate_fsm_half() - are these the states of an incomplete handshake?
 * @state: of both endpoints
 *
 * Return: true where the initiator has proved nothing but its wish.
 */
static inline bool tcpstate_fsm_half(const __u8 state[2])
{
	return state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT ||
	       state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_RECV;
}

/**
 * tcpstate_fsm_halfopen() - is the handshake still incomplete?
 * @pair: the pair
 *
 * Return: as tcpstate_fsm_half().
 */
static inline bool tcpstate_fsm_halfopen(const struct tcpstate_pair *pair)
{
	return tcpstate_fsm_half(pair->state);
}

bool tcpstate_fsm_flags_valid(__u8 flags);
bool tcpstate_fsm_open(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
		       enum tcpstate_end from);
void tcpstate_fsm_reopen(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			 enum tcpstate_end from);
struct tcpstate_outcome tcpstate_fsm_step(struct tcpstate_pair *pair,
					  const struct tcpstate_segment *seg,
					  enum tcpstate_end from,
					  const struct tcpstate_elapsed *elapsed);
enum tcpstate_reason tcpstate_fsm_expire(struct tcpstate_pair *pair);
void tcpstate_fsm_close(struct tcpstate_pair *pair);
enum tcpstate_by tcpstate_fsm_closed_by(const struct tcpstate_pair *pair);
const char *tcpstate_fsm_conn_state(const struct tcpstate_pair *pair, const __u8 state[2]);
bool tcpstate_fsm_spoke(const struct tcpstate_pair *pair, enum tcpstate_end end);
bool tcpstate_fsm_unreplied(const struct tcpstate_pair *pair);
unsigned int tcpstate_fsm_standing(const struct tcpstate_pair *pair, __u32 age, __u32 silent);
unsigned int tcpstate_fsm_timeout(const struct tcpstate_pair *pair,
				  const unsigned int seconds[TCPSTATE_TIMEOUT_MAX]);
__u64 tcpstate_fsm_bytes(const struct tcpstate_pair *pair, enum tcpstate_end end);
void tcpstate_fsm_history(const struct tcpstate_pair *pair, char text[TCPSTATE_HISTORY_MAX + 1]);
const char *tcpstate_state_name(unsigned int state);

#endif /* _TCPSTATE_FSM_H */
