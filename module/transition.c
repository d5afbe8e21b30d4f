// SPDX-License-Identifier: GPL-2.0
/*
 * The state tables, as data, and how long a state may last.
 *
 * Two rules of evidence. What an endpoint sends proves its own state at once:
 * table sends[]. What is sent to an endpoint is believed of it only where it
 * would answer nothing that we could wait for: table hears[]. An initiator is
 * therefore not ESTABLISHED because a SYN-ACK went its way.
 */
#include "history.h"
#include "pair.h"
#include "resync.h"
#include "transition.h"

/* Rule 1: what the sender of an event thereby becomes. Zero: it stays. */
static const __u8 sends[TCPSTATE_EV_MAX][__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_EV_SYN] = {
		/* simultaneous open: the SYNs cross */
		[TCPSTATE_LISTEN] = TCPSTATE_SYN_SENT,
	},
	[TCPSTATE_EV_SYNACK] = {
		/* second step of three: ack = J+1 */
		[TCPSTATE_LISTEN] = TCPSTATE_SYN_RECV,
		/* simultaneous open: answers the other's SYN */
		[TCPSTATE_SYN_SENT] = TCPSTATE_SYN_RECV,
	},
	[TCPSTATE_EV_PROOF] = {
		/* third step of three: ack = K+1 */
		[TCPSTATE_SYN_SENT] = TCPSTATE_ESTABLISHED,
	},
	[TCPSTATE_EV_ACK_OF_FIN] = {
		/* passive close: the other side is done */
		[TCPSTATE_ESTABLISHED] = TCPSTATE_CLOSE_WAIT,
		/* the FINs crossed; its own is open yet */
		[TCPSTATE_FIN_WAIT1] = TCPSTATE_CLOSING,
		/* last ACK of an active close */
		[TCPSTATE_FIN_WAIT2] = TCPSTATE_TIME_WAIT,
	},
	[TCPSTATE_EV_FIN] = {
		/* active close */
		[TCPSTATE_ESTABLISHED] = TCPSTATE_FIN_WAIT1,
		/* closed before the handshake was complete */
		[TCPSTATE_SYN_RECV] = TCPSTATE_FIN_WAIT1,
		/* passive close: now this side is done too */
		[TCPSTATE_CLOSE_WAIT] = TCPSTATE_LAST_ACK,
	},
	[TCPSTATE_EV_NO_FIN] = {
		/* it sends beyond that FIN */
		[TCPSTATE_FIN_WAIT1] = TCPSTATE_ESTABLISHED,
		/* likewise */
		[TCPSTATE_FIN_WAIT2] = TCPSTATE_ESTABLISHED,
		/* likewise, and its peer's FIN stands */
		[TCPSTATE_CLOSING] = TCPSTATE_CLOSE_WAIT,
		/* likewise */
		[TCPSTATE_LAST_ACK] = TCPSTATE_CLOSE_WAIT,
		/* likewise, and that FIN was acknowledged */
		[TCPSTATE_TIME_WAIT] = TCPSTATE_CLOSE_WAIT,
		/* likewise */
		[TCPSTATE_CLOSE] = TCPSTATE_CLOSE_WAIT,
	},
	[TCPSTATE_EV_RST] = {
		[TCPSTATE_ESTABLISHED ... TCPSTATE_STATE_MAX] = TCPSTATE_CLOSE,
	},
};

/* Rule 2: what we believe of the endpoint that an event passes on to. */
static const __u8 hears[TCPSTATE_EV_MAX][__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_EV_PROOF] = {
		/* it answers an ACK with nothing */
		[TCPSTATE_SYN_RECV] = TCPSTATE_ESTABLISHED,
	},
	[TCPSTATE_EV_ACK_OF_FIN] = {
		/* its FIN is acknowledged */
		[TCPSTATE_FIN_WAIT1] = TCPSTATE_FIN_WAIT2,
		/* and so had been its peer's */
		[TCPSTATE_CLOSING] = TCPSTATE_TIME_WAIT,
		/* end of a passive close */
		[TCPSTATE_LAST_ACK] = TCPSTATE_CLOSE,
	},
	[TCPSTATE_EV_NO_FIN] = {
		/* there was no FIN to get */
		[TCPSTATE_CLOSE_WAIT] = TCPSTATE_ESTABLISHED,
		/* likewise, and its own stands */
		[TCPSTATE_CLOSING] = TCPSTATE_FIN_WAIT1,
		/* likewise */
		[TCPSTATE_LAST_ACK] = TCPSTATE_FIN_WAIT1,
		/* likewise, and its own is acknowledged */
		[TCPSTATE_TIME_WAIT] = TCPSTATE_FIN_WAIT2,
		/* likewise */
		[TCPSTATE_CLOSE] = TCPSTATE_FIN_WAIT2,
	},
	[TCPSTATE_EV_RST] = {
		[TCPSTATE_ESTABLISHED ... TCPSTATE_STATE_MAX] = TCPSTATE_CLOSE,
	},
};

static const char *const state_names[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED]	= "ESTABLISHED",
	[TCPSTATE_SYN_SENT]	= "SYN_SENT",
	[TCPSTATE_SYN_RECV]	= "SYN_RECV",
	[TCPSTATE_FIN_WAIT1]	= "FIN_WAIT1",
	[TCPSTATE_FIN_WAIT2]	= "FIN_WAIT2",
	[TCPSTATE_TIME_WAIT]	= "TIME_WAIT",
	[TCPSTATE_CLOSE]	= "CLOSE",
	[TCPSTATE_CLOSE_WAIT]	= "CLOSE_WAIT",
	[TCPSTATE_LAST_ACK]	= "LAST_ACK",
	[TCPSTATE_LISTEN]	= "LISTEN",
	[TCPSTATE_CLOSING]	= "CLOSING",
};

/* By which timeout a state is ruled; TCPSTATE_LISTEN occurs in half-opens alone. */
static const __u8 timeouts[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED]	= TCPSTATE_TIMEOUT_ESTABLISHED,
	[TCPSTATE_SYN_SENT]	= TCPSTATE_TIMEOUT_SYN_SENT,
	[TCPSTATE_SYN_RECV]	= TCPSTATE_TIMEOUT_SYN_RECV,
	[TCPSTATE_FIN_WAIT1]	= TCPSTATE_TIMEOUT_FIN_WAIT,
	[TCPSTATE_FIN_WAIT2]	= TCPSTATE_TIMEOUT_FIN_WAIT,
	[TCPSTATE_TIME_WAIT]	= TCPSTATE_TIMEOUT_TIME_WAIT,
	[TCPSTATE_CLOSE]	= TCPSTATE_TIMEOUT_CLOSE,
	[TCPSTATE_CLOSE_WAIT]	= TCPSTATE_TIMEOUT_CLOSE_WAIT,
	[TCPSTATE_LAST_ACK]	= TCPSTATE_TIMEOUT_LAST_ACK,
	[TCPSTATE_LISTEN]	= TCPSTATE_TIMEOUT_SYN_SENT,
	[TCPSTATE_CLOSING]	= TCPSTATE_TIMEOUT_LAST_ACK,
};

/*
 * Longer than an endpoint that sends keep-alives is silent, in seconds: two hours (RFC 9293
 * 3.8.4), and nine more of 75 s, which Linux sends before it gives up.
 */
#define KEEPALIVES (7200 + 9 * 75)

/**
 * tcpstate_transition() - what an event makes of both endpoints
 * @pair: the pair
 * @event: what a believed segment said
 * @from: the endpoint that sent it
 */
void tcpstate_transition(struct tcpstate_pair *pair, enum tcpstate_event event,
			 enum tcpstate_end from)
{
	__u8 *sender = &pair->state[from];
	__u8 *hearer = &pair->state[tcpstate_peer(from)];

	if (sends[event][*sender])
		*sender = sends[event][*sender];
	if (hears[event][*hearer])
		*hearer = hears[event][*hearer];
}

/**
 * tcpstate_transition_fin() - a FIN, the last octet that an endpoint is known to have sent
 * @pair: the pair
 * @end: its sender
 */
void tcpstate_transition_fin(struct tcpstate_pair *pair, enum tcpstate_end end)
{
	/* A second one: what was taken for the first was none, and nothing. */
	if (pair->letters & LETTER(TCPSTATE_LETTER_FIN, end))
		pair_set_sent(pair, end, pair_sent(pair, end) - 1);
	/* Its octet counts, even where the leap over a gap did not. */
	if (!pair_sent(pair, end))
		pair_set_sent(pair, end, 1);
	tcpstate_transition(pair, TCPSTATE_EV_FIN, end);
}

/**
 * tcpstate_fsm_close() - end a record for a reason that is not in a segment
 * @pair: the pair; both endpoints are CLOSE afterwards
 */
void tcpstate_fsm_close(struct tcpstate_pair *pair)
{
	tcpstate_resync_drop(pair);
	pair->state[TCPSTATE_INITIATOR] = TCPSTATE_CLOSE;
	pair->state[TCPSTATE_RESPONDER] = TCPSTATE_CLOSE;
}

/**
 * tcpstate_fsm_expire() - the timer of the pair ran out
 * @pair: a pair that has not ended; both endpoints are CLOSE afterwards
 *
 * Return: TCPSTATE_REASON_FIN where an endpoint waited in TIME_WAIT (RFC 9293
 * 3.6), else TCPSTATE_REASON_TIMEOUT.
 */
enum tcpstate_reason tcpstate_fsm_expire(struct tcpstate_pair *pair)
{
	bool waited = pair_has_state(pair, TCPSTATE_TIME_WAIT);

	tcpstate_fsm_close(pair);
	return waited ? TCPSTATE_REASON_FIN : TCPSTATE_REASON_TIMEOUT;
}

/**
 * tcpstate_fsm_unreplied() - is this flow still the word of one side alone?
 * @pair: the pair
 *
 * Return: true for a picked-up or one-sided flow until both sides have spoken.
 */
bool tcpstate_fsm_unreplied(const struct tcpstate_pair *pair)
{
	return pair->flags & (TCPSTATE_PICKED_UP | TCPSTATE_ONE_SIDED) &&
	       !(tcpstate_fsm_spoke(pair, TCPSTATE_INITIATOR) &&
		 tcpstate_fsm_spoke(pair, TCPSTATE_RESPONDER));
}

static unsigned int lesser(unsigned int one, unsigned int other)
{
	return one < other ? one : other;
}

/**
 * tcpstate_fsm_timeout() - how long the pair may be silent
 * @pair: the pair
 * @seconds: the timeouts in force
 *
 * Return: seconds since the last segment that renewed the record's timer.
 */
unsigned int tcpstate_fsm_timeout(const struct tcpstate_pair *pair,
				  const unsigned int seconds[TCPSTATE_TIMEOUT_MAX])
{
	unsigned int initiator = seconds[timeouts[pair->state[TCPSTATE_INITIATOR]]];
	unsigned int responder = seconds[timeouts[pair->state[TCPSTATE_RESPONDER]]];
	unsigned int longer = initiator > responder ? initiator : responder;
	bool closed;

	if (tcpstate_fsm_halfopen(pair)) {
		if (pair->state[TCPSTATE_INITIATOR] == TCPSTATE_SYN_SENT &&
		    (pair->state[TCPSTATE_RESPONDER] == TCPSTATE_LISTEN ||
		     pair->state[TCPSTATE_RESPONDER] == TCPSTATE_SYN_SENT))
			return seconds[TCPSTATE_TIMEOUT_SYN_SENT];
		return seconds[TCPSTATE_TIMEOUT_SYN_RECV];
	}
	if (tcpstate_fsm_ended(pair))
		return longer;
	closed = tcpstate_resync_closed(pair);
	if (tcpstate_fsm_unreplied(pair) || closed)
		longer = lesser(longer, seconds[TCPSTATE_TIMEOUT_UNREPLIED]);
	/* Live endpoints answer FINs with numbers that they do not know, and no RST. */
	if (closed)
		longer = lesser(longer, seconds[TCPSTATE_TIMEOUT_FIN_WAIT]);
	else if (pair->doubt)
		longer = lesser(longer, KEEPALIVES);
	return longer;
}

/**
 * tcpstate_state_name() - a state as netstat prints it
 * @state: enum tcpstate_state
 *
 * Return: its name, "UNKNOWN" for what is none.
 */
const char *tcpstate_state_name(unsigned int state)
{
	if (state >= __TCPSTATE_STATE_MAX || !state_names[state])
		return "UNKNOWN";
	return state_names[state];
}
