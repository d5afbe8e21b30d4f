/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An endpoint as RFC 9293 section 3.10 describes it: calls of its user, arriving
 * segments and timeouts change its state and make segments. Written from the RFC
 * and from nothing of the module but the names of the states, so that it can bear
 * witness against it.
 *
 * A struct tcp is a plain value without padding: two endpoints of equal octets
 * behave alike ever after.
 */
#ifndef _MODEL_TCP_H
#define _MODEL_TCP_H

#include <linux/types.h>
#include <stdbool.h>

#include "uapi/tcpstate.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10
/* Not on the wire: text sent to ask for a window, beyond the one offered. */
#define PROBE 0x80

/* How many connections one endpoint may begin in a run; further SYNs find it busy. */
#define LIVES 3
/* No call makes more segments than these. */
#define OUTBOX_MAX 4

/**
 * struct segment - a segment on its way
 * @seq: of its first octet, or of SYN
 * @ack: where ACK is set, else zero
 * @len: octets of text
 * @flags: control bits
 * @window: as offered; never scaled
 * @place: where it is, see world.h
 */
struct segment {
	__u32 seq;
	__u32 ack;
	__u8 len;
	__u8 flags;
	__u8 window;
	__u8 place;
};

/**
 * struct stack - what endpoints may do differently within the RFC
 * @iss: initial sequence numbers, one for each life
 * @buffer: octets it can hold for its user, so its largest window
 * @slow_reader: the user takes what has arrived when it likes; else at once
 * @delayed_ack: text and FIN are acknowledged later, or with what is sent next
 * @whole: a retransmission takes all that is unacknowledged; else one octet
 * @classic: RFC 793 in place of RFC 5961: no challenge ACK
 * @for_good: CLOSE means that the user will not receive either (RFC 1122 4.2.2.13):
 *	text that still comes is answered by a RST, and such a RST is taken where it
 *	has the number of the FIN before it, as Linux does
 * @figure7: a SYN-ACK that crosses our own is taken as its ACK (figure 7, and
 *	Linux since 6.12); else the sequence check of 3.10.7.4 is taken literally
 */
struct stack {
	__u32 iss[LIVES];
	__u8 buffer;
	bool slow_reader;
	bool delayed_ack;
	bool whole;
	bool classic;
	bool for_good;
	bool figure7;
};

/* struct tcp::flags */
#define PASSIVE		0x01	/* began by a passive OPEN */
#define CLOSING_CALLED	0x02	/* the user will send no more */
#define FIN_SENT	0x04
#define ACK_OWED	0x08	/* a delayed ACK */
#define SILENT		0x10	/* it left a connection without a word to the wire */
#define RELISTENS	0x20	/* a passive OPEN waits behind TIME-WAIT (MAY-2) */
#define FIN_BEHIND	0x40	/* CLOSING before its own FIN was sent */

/**
 * struct tcp - an endpoint: RFC 9293 3.3.1
 * @iss: SND's ISS
 * @una: SND.UNA
 * @nxt: SND.NXT
 * @wl1: SND.WL1
 * @wl2: SND.WL2
 * @irs: IRS
 * @rcv: RCV.NXT
 * @wnd: SND.WND
 * @max_wnd: MAX.SND.WND of RFC 5961 5.2
 * @unsent: octets that the user sent and that wait for the window
 * @unread: octets that wait for the user
 * @state: enum tcpstate_state; CLOSED is TCPSTATE_CLOSE
 * @flags: PASSIVE and its like
 * @lives: connections begun; the present one's ISS is iss[lives - 1]
 */
struct tcp {
	__u32 iss;
	__u32 una;
	__u32 nxt;
	__u32 wl1;
	__u32 wl2;
	__u32 irs;
	__u32 rcv;
	__u8 wnd;
	__u8 max_wnd;
	__u8 unsent;
	__u8 unread;
	__u8 state;
	__u8 flags;
	__u8 lives;
	__u8 spare;
};

struct outbox {
	struct segment segment[OUTBOX_MAX];
	unsigned int count;
};

static inline bool before(__u32 a, __u32 b)
{
	return a - b > 0x7fffffff;
}

/* The user's calls (3.10.1 to 3.10.5). Each may be made only where tcp_may_*() allows. */
void tcp_open(struct tcp *tcp, const struct stack *stack, struct outbox *out);
void tcp_listen(struct tcp *tcp);
void tcp_send(struct tcp *tcp, const struct stack *stack, unsigned int octets,
	      struct outbox *out);
void tcp_receive(struct tcp *tcp, const struct stack *stack, struct outbox *out);
void tcp_close(struct tcp *tcp, const struct stack *stack, struct outbox *out);
void tcp_abort(struct tcp *tcp, const struct stack *stack, struct outbox *out);

bool tcp_may_open(const struct tcp *tcp);
bool tcp_may_listen(const struct tcp *tcp);
bool tcp_may_send(const struct tcp *tcp);
bool tcp_may_close(const struct tcp *tcp);

/* A segment arrives (3.10.7). */
void tcp_arrives(struct tcp *tcp, const struct stack *stack, struct segment seg,
		 struct outbox *out);

/* Timeouts (3.10.8), the window probe (3.8.6.1), delayed ACK and keep-alive (3.8.4). */
void tcp_retransmit(struct tcp *tcp, const struct stack *stack, struct outbox *out);
void tcp_acknowledge(struct tcp *tcp, const struct stack *stack, struct outbox *out);
void tcp_keepalive(struct tcp *tcp, const struct stack *stack, struct outbox *out);
void tcp_give_up(struct tcp *tcp);
void tcp_forget(struct tcp *tcp);

bool tcp_retransmits(const struct tcp *tcp);
bool tcp_synchronised(const struct tcp *tcp);

#endif /* _MODEL_TCP_H */
