// SPDX-License-Identifier: GPL-2.0
/*
 * RFC 9293 section 3.10, event by event. What the RFC leaves open is an option of
 * struct stack. Left out: urgent data, security, options, and out of order text,
 * which is dropped and acknowledged (to hold it is but a SHOULD).
 */
#include <string.h>

#include "tcp.h"

#define STATE(name) (1u << TCPSTATE_##name)
/* The text and the FIN that one segment takes. */
#define MSS 2

static bool in(const struct tcp *tcp, unsigned int states)
{
	return states >> tcp->state & 1;
}

static bool past(__u32 a, __u32 b)
{
	return before(b, a);
}

static __u8 window(const struct tcp *tcp, const struct stack *stack)
{
	return stack->buffer - tcp->unread;
}

static void post(struct outbox *out, __u32 seq, __u32 ack, __u8 len, __u8 flags, __u8 wnd)
{
	out->segment[out->count++] = (struct segment) {
		.seq = seq, .ack = ack, .len = len, .flags = flags, .window = wnd,
	};
}

static void emit(struct tcp *tcp, const struct stack *stack, struct outbox *out, __u32 seq,
		 __u8 len, __u8 flags)
{
	post(out, seq, flags & ACK ? tcp->rcv : 0, len, flags, window(tcp, stack));
	if (flags & ACK)
		tcp->flags &= ~ACK_OWED;
}

static void emit_ack(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	emit(tcp, stack, out, tcp->nxt, 0, ACK);
}

/* Delete the TCB. What counts lives stays, so that ISSs do not come again. */
static void become(struct tcp *tcp, __u8 state)
{
	*tcp = (struct tcp) { .state = state, .lives = tcp->lives };
}

/* A connection is reset, or was refused. */
static void reset(struct tcp *tcp)
{
	bool passive = tcp->state == TCPSTATE_SYN_RECV && tcp->flags & PASSIVE;

	become(tcp, passive ? TCPSTATE_LISTEN : TCPSTATE_CLOSE);
}

static void begin(struct tcp *tcp, const struct stack *stack)
{
	__u8 flags = tcp->state == TCPSTATE_LISTEN ? PASSIVE : 0;

	tcp->iss = stack->iss[tcp->lives++];
	tcp->una = tcp->iss;
	tcp->nxt = tcp->iss + 1;
	tcp->flags = flags;
}

static bool fin_acked(const struct tcp *tcp)
{
	return tcp->flags & FIN_SENT && tcp->una == tcp->nxt;
}

static unsigned int usable(const struct tcp *tcp)
{
	__u32 room = tcp->una + tcp->wnd - tcp->nxt;

	return room > tcp->wnd ? 0 : room;
}

/* Segmentize what the user sent as far as the window goes, and the FIN after it. */
static void output(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	if (!in(tcp, STATE(ESTABLISHED) | STATE(CLOSE_WAIT) | STATE(FIN_WAIT1) |
		     STATE(CLOSING) | STATE(SYN_RECV)))
		return;
	/* Before it is established it has but a FIN to send (3.10.4). */
	if (tcp->state == TCPSTATE_SYN_RECV)
		return;
	while (!(tcp->flags & FIN_SENT)) {
		unsigned int room = usable(tcp), len = tcp->unsent;
		bool fin;

		if (len > room)
			len = room;
		if (len > MSS)
			len = MSS;
		fin = tcp->flags & CLOSING_CALLED && len == tcp->unsent && room > len;
		if (!len && !fin)
			return;
		emit(tcp, stack, out, tcp->nxt, len, ACK | (fin ? FIN : 0));
		tcp->nxt += len + fin;
		tcp->unsent -= len;
		if (!fin)
			continue;
		tcp->flags |= FIN_SENT;
		if (tcp->state == TCPSTATE_CLOSE_WAIT)
			tcp->state = TCPSTATE_LAST_ACK;
	}
}

bool tcp_may_open(const struct tcp *tcp)
{
	return in(tcp, STATE(CLOSE) | STATE(LISTEN)) && tcp->lives < LIVES;
}

bool tcp_may_listen(const struct tcp *tcp)
{
	return tcp->state == TCPSTATE_CLOSE ||
	       (tcp->state == TCPSTATE_TIME_WAIT && !(tcp->flags & RELISTENS));
}

bool tcp_may_send(const struct tcp *tcp)
{
	return in(tcp, STATE(SYN_SENT) | STATE(SYN_RECV) | STATE(ESTABLISHED) |
		       STATE(CLOSE_WAIT)) && !(tcp->flags & CLOSING_CALLED);
}

/* Where CLOSE is no error and does something. */
bool tcp_may_close(const struct tcp *tcp)
{
	return tcp_may_send(tcp) || tcp->state == TCPSTATE_LISTEN;
}

bool tcp_synchronised(const struct tcp *tcp)
{
	return !in(tcp, STATE(CLOSE) | STATE(LISTEN) | STATE(SYN_SENT) | STATE(SYN_RECV));
}

/* 3.10.1, active */
void tcp_open(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	become(tcp, TCPSTATE_CLOSE);
	begin(tcp, stack);
	tcp->state = TCPSTATE_SYN_SENT;
	emit(tcp, stack, out, tcp->iss, 0, SYN);
}

/* 3.10.1, passive; in TIME-WAIT by another socket of the same port (MAY-2) */
void tcp_listen(struct tcp *tcp)
{
	if (tcp->state == TCPSTATE_TIME_WAIT)
		tcp->flags |= RELISTENS;
	else
		tcp->state = TCPSTATE_LISTEN;
}

/* 3.10.2 */
void tcp_send(struct tcp *tcp, const struct stack *stack, unsigned int octets,
	      struct outbox *out)
{
	tcp->unsent += octets;
	output(tcp, stack, out);
}

/* 3.10.3: the user takes all there is, and a window that was shut is announced. */
void tcp_receive(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	bool shut = !window(tcp, stack);

	tcp->unread = 0;
	if (shut && in(tcp, STATE(ESTABLISHED) | STATE(FIN_WAIT1) | STATE(FIN_WAIT2)))
		emit_ack(tcp, stack, out);
}

/* 3.10.4 */
void tcp_close(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	switch (tcp->state) {
	case TCPSTATE_SYN_SENT:
		become(tcp, TCPSTATE_CLOSE);
		tcp->flags = SILENT;
		return;
	case TCPSTATE_LISTEN:
		become(tcp, TCPSTATE_CLOSE);
		return;
	case TCPSTATE_SYN_RECV:
		tcp->flags |= CLOSING_CALLED;
		if (tcp->unsent)
			return;
		emit(tcp, stack, out, tcp->nxt++, 0, FIN | ACK);
		tcp->flags |= FIN_SENT;
		tcp->state = TCPSTATE_FIN_WAIT1;
		return;
	case TCPSTATE_ESTABLISHED:
		tcp->state = TCPSTATE_FIN_WAIT1;
		break;
	}
	tcp->flags |= CLOSING_CALLED;
	output(tcp, stack, out);
}

/* 3.10.5 */
void tcp_abort(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	bool speaks = in(tcp, STATE(SYN_RECV) | STATE(ESTABLISHED) | STATE(FIN_WAIT1) |
			      STATE(FIN_WAIT2) | STATE(CLOSE_WAIT));
	bool listens = tcp->state == TCPSTATE_LISTEN;

	if (speaks)
		emit(tcp, stack, out, tcp->nxt, 0, RST);
	become(tcp, TCPSTATE_CLOSE);
	if (!speaks && !listens)
		tcp->flags = SILENT;
}

/* 3.10.8, USER TIMEOUT; a listener loses only the child that was to be */
void tcp_give_up(struct tcp *tcp)
{
	reset(tcp);
	tcp->flags = SILENT;
}

/* 3.10.8, TIME-WAIT TIMEOUT */
void tcp_forget(struct tcp *tcp)
{
	become(tcp, tcp->flags & RELISTENS ? TCPSTATE_LISTEN : TCPSTATE_CLOSE);
}

/* Does something await an acknowledgment, or a window? */
bool tcp_retransmits(const struct tcp *tcp)
{
	if (in(tcp, STATE(CLOSE) | STATE(LISTEN) | STATE(TIME_WAIT)))
		return false;
	if (tcp->una != tcp->nxt)
		return true;
	return tcp->unsent || (tcp->flags & CLOSING_CALLED && !(tcp->flags & FIN_SENT));
}

/* 3.10.8, RETRANSMISSION TIMEOUT; where all is acknowledged and the window shut, a probe */
void tcp_retransmit(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	__u32 seq = tcp->una;
	bool fin = tcp->flags & FIN_SENT;
	__u32 len;

	if (tcp->state == TCPSTATE_SYN_SENT) {
		emit(tcp, stack, out, tcp->iss, 0, SYN);
		return;
	}
	if (tcp->una == tcp->iss) {
		emit(tcp, stack, out, tcp->iss, 0, SYN | ACK);
		return;
	}
	if (tcp->una == tcp->nxt) {
		if (tcp->unsent) {
			tcp->unsent--;
		} else {
			tcp->flags |= FIN_SENT;
			fin = true;
			if (tcp->state == TCPSTATE_CLOSE_WAIT)
				tcp->state = TCPSTATE_LAST_ACK;
		}
		tcp->nxt++;
	}
	len = tcp->nxt - seq - fin;
	if (!stack->whole && len) {
		len = 1;
		fin = false;
	}
	emit(tcp, stack, out, seq, len,
	     ACK | (fin ? FIN : 0) | (len > tcp->wnd ? PROBE : 0));
}

void tcp_acknowledge(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	emit_ack(tcp, stack, out);
}

void tcp_keepalive(struct tcp *tcp, const struct stack *stack, struct outbox *out)
{
	emit(tcp, stack, out, tcp->nxt - 1, 0, ACK);
}

static __u32 octets(const struct segment *seg)
{
	return seg->len + !!(seg->flags & SYN) + !!(seg->flags & FIN);
}

/* 3.10.7.1 */
static void arrives_closed(const struct segment *seg, struct outbox *out)
{
	if (seg->flags & RST)
		return;
	if (seg->flags & ACK)
		post(out, seg->ack, 0, 0, RST, 0);
	else
		post(out, 0, seg->seq + octets(seg), 0, RST | ACK, 0);
}

/* 3.10.7.2 */
static void arrives_listen(struct tcp *tcp, const struct stack *stack,
			   const struct segment *seg, struct outbox *out)
{
	if (seg->flags & RST)
		return;
	if (seg->flags & ACK) {
		post(out, seg->ack, 0, 0, RST, 0);
		return;
	}
	if (!(seg->flags & SYN) || tcp->lives == LIVES)
		return;
	begin(tcp, stack);
	tcp->irs = seg->seq;
	tcp->rcv = seg->seq + 1;
	tcp->wnd = seg->window;
	tcp->max_wnd = seg->window;
	tcp->wl1 = seg->seq;
	tcp->wl2 = tcp->iss;
	tcp->state = TCPSTATE_SYN_RECV;
	emit(tcp, stack, out, tcp->iss, 0, SYN | ACK);
}

static void take_window(struct tcp *tcp, const struct segment *seg)
{
	tcp->wnd = seg->window;
	if (tcp->max_wnd < seg->window)
		tcp->max_wnd = seg->window;
	tcp->wl1 = seg->seq;
	tcp->wl2 = seg->ack;
}

/* 3.10.7.3 */
static void arrives_syn_sent(struct tcp *tcp, const struct stack *stack,
			     const struct segment *seg, struct outbox *out)
{
	bool acks = seg->flags & ACK;

	if (acks && seg->ack != tcp->nxt) {
		if (!(seg->flags & RST))
			post(out, seg->ack, 0, 0, RST, 0);
		return;
	}
	if (seg->flags & RST) {
		if (acks)
			become(tcp, TCPSTATE_CLOSE);
		return;
	}
	if (!(seg->flags & SYN))
		return;
	tcp->irs = seg->seq;
	tcp->rcv = seg->seq + 1;
	take_window(tcp, seg);
	if (acks) {
		unsigned int sent = out->count;

		tcp->una = seg->ack;
		tcp->state = TCPSTATE_ESTABLISHED;
		if (tcp->flags & CLOSING_CALLED)
			tcp->state = TCPSTATE_FIN_WAIT1;
		output(tcp, stack, out);
		if (out->count == sent)
			emit_ack(tcp, stack, out);
		return;
	}
	tcp->wl2 = tcp->iss;
	tcp->state = TCPSTATE_SYN_RECV;
	emit(tcp, stack, out, tcp->iss, 0, SYN | ACK);
}

/* 3.10.7.4, the table of its first check */
static bool acceptable(const struct segment *seg, __u32 nxt, __u32 wnd)
{
	__u32 len = octets(seg);
	__u32 first = seg->seq - nxt, last = seg->seq + len - 1 - nxt;

	if (!len)
		return wnd ? first < wnd : !first;
	return wnd && (first < wnd || last < wnd);
}

/* The ACK field in the states past SYN-RECEIVED. False: go no further. */
static bool take_ack(struct tcp *tcp, const struct stack *stack, const struct segment *seg,
		     struct outbox *out)
{
	if (past(seg->ack, tcp->nxt) ||
	    (!stack->classic && before(seg->ack, tcp->una - tcp->max_wnd))) {
		emit_ack(tcp, stack, out);
		return false;
	}
	if (past(seg->ack, tcp->una))
		tcp->una = seg->ack;
	if (!before(seg->ack, tcp->una) &&
	    (before(tcp->wl1, seg->seq) ||
	     (tcp->wl1 == seg->seq && !before(seg->ack, tcp->wl2))))
		take_window(tcp, seg);

	switch (tcp->state) {
	case TCPSTATE_FIN_WAIT1:
		if (fin_acked(tcp))
			tcp->state = TCPSTATE_FIN_WAIT2;
		break;
	case TCPSTATE_CLOSING:
		if (fin_acked(tcp))
			tcp->state = TCPSTATE_TIME_WAIT;
		break;
	case TCPSTATE_LAST_ACK:
		if (fin_acked(tcp)) {
			become(tcp, TCPSTATE_CLOSE);
			return false;
		}
		break;
	}
	return true;
}

static void take_fin(struct tcp *tcp)
{
	tcp->rcv++;
	switch (tcp->state) {
	case TCPSTATE_SYN_RECV:
	case TCPSTATE_ESTABLISHED:
		tcp->state = TCPSTATE_CLOSE_WAIT;
		break;
	case TCPSTATE_FIN_WAIT1:
		/* Had ours been acknowledged, it would be FIN-WAIT-2 by now. */
		tcp->state = TCPSTATE_CLOSING;
		if (!(tcp->flags & FIN_SENT))
			tcp->flags |= FIN_BEHIND;
		break;
	case TCPSTATE_FIN_WAIT2:
		tcp->state = TCPSTATE_TIME_WAIT;
		break;
	}
}

/* Text and FIN, the seventh and eighth steps; @seg begins at RCV.NXT or before. */
static bool take_text(struct tcp *tcp, const struct stack *stack, struct segment *seg,
		      struct outbox *out)
{
	__u32 old = tcp->rcv - seg->seq;
	__u32 end = seg->seq + octets(seg) - !!(seg->flags & FIN);
	__u32 fresh = old > seg->len ? 0 : seg->len - old;
	bool fin = seg->flags & FIN;

	if (!in(tcp, STATE(ESTABLISHED) | STATE(FIN_WAIT1) | STATE(FIN_WAIT2)))
		return false;
	if (before(end, tcp->rcv))
		return false;
	if (fresh > window(tcp, stack)) {
		fresh = window(tcp, stack);
		fin = false;
	}
	if (fresh && stack->for_good && tcp->flags & CLOSING_CALLED) {
		post(out, seg->ack, 0, 0, RST, 0);
		become(tcp, TCPSTATE_CLOSE);
		return true;
	}
	tcp->rcv += fresh;
	if (stack->slow_reader)
		tcp->unread += fresh;
	if (fin)
		take_fin(tcp);
	return fresh || fin;
}

/* A new connection in place of one in TIME-WAIT, for whoever listens there (MAY-2). */
static bool reopens(const struct tcp *tcp, const struct segment *seg)
{
	return tcp->state == TCPSTATE_TIME_WAIT && tcp->flags & RELISTENS &&
	       (seg->flags & (SYN | RST | ACK)) == SYN && !before(seg->seq, tcp->rcv);
}

/* 3.10.7.4, first to fourth: false where the segment is done with. */
static bool admit(struct tcp *tcp, const struct stack *stack, struct segment *seg,
		  struct outbox *out)
{
	__u8 wnd = window(tcp, stack);
	bool crossing = stack->figure7 && tcp->state == TCPSTATE_SYN_RECV &&
			!(tcp->flags & PASSIVE) && seg->seq == tcp->irs &&
			(seg->flags & (SYN | ACK | RST)) == (SYN | ACK);

	if (stack->for_good && seg->flags & RST && seg->seq + 1 == tcp->rcv &&
	    in(tcp, STATE(CLOSE_WAIT) | STATE(LAST_ACK) | STATE(CLOSING))) {
		reset(tcp);
		return false;
	}
	if (crossing) {
		seg->flags &= ~SYN;
		seg->seq++;
	}
	if (!acceptable(seg, tcp->rcv, wnd)) {
		if (seg->flags & RST)
			return false;
		emit_ack(tcp, stack, out);
		/* With no window a valid ACK is still to be taken. */
		if (wnd || seg->seq != tcp->rcv || seg->flags & SYN)
			return false;
		seg->len = 0;
		seg->flags &= ~FIN;
		return true;
	}
	if (seg->flags & RST) {
		if (stack->classic || seg->seq == tcp->rcv)
			reset(tcp);
		else
			emit_ack(tcp, stack, out);
		return false;
	}
	if (!(seg->flags & SYN))
		return true;
	if (tcp->state == TCPSTATE_SYN_RECV && tcp->flags & PASSIVE) {
		become(tcp, TCPSTATE_LISTEN);
	} else if (stack->classic) {
		post(out, seg->flags & ACK ? seg->ack : 0,
		     seg->flags & ACK ? 0 : seg->seq + octets(seg), 0,
		     seg->flags & ACK ? RST : RST | ACK, 0);
		become(tcp, TCPSTATE_CLOSE);
	} else {
		emit_ack(tcp, stack, out);
	}
	return false;
}

/* 3.10.7.4 */
static void arrives_other(struct tcp *tcp, const struct stack *stack, struct segment seg,
			  struct outbox *out)
{
	unsigned int sent;

	if (!admit(tcp, stack, &seg, out) || !(seg.flags & ACK))
		return;
	if (tcp->state == TCPSTATE_SYN_RECV) {
		if (!past(seg.ack, tcp->una) || past(seg.ack, tcp->nxt)) {
			post(out, seg.ack, 0, 0, RST, 0);
			return;
		}
		tcp->state = tcp->flags & CLOSING_CALLED ? TCPSTATE_FIN_WAIT1 :
							   TCPSTATE_ESTABLISHED;
		take_window(tcp, &seg);
	}
	if (!take_ack(tcp, stack, &seg, out))
		return;
	sent = out->count;
	/* Text behind a hole is dropped, and the hole told of. */
	if (octets(&seg) && past(seg.seq, tcp->rcv)) {
		emit_ack(tcp, stack, out);
		return;
	}
	if (octets(&seg) && take_text(tcp, stack, &seg, out))
		tcp->flags |= tcp->state == TCPSTATE_CLOSE ? 0 : ACK_OWED;
	else if (octets(&seg) && out->count == sent)
		emit_ack(tcp, stack, out);
	output(tcp, stack, out);
	if (tcp->flags & ACK_OWED && !stack->delayed_ack)
		emit_ack(tcp, stack, out);
}

void tcp_arrives(struct tcp *tcp, const struct stack *stack, struct segment seg,
		 struct outbox *out)
{
	switch (tcp->state) {
	case TCPSTATE_CLOSE:
		arrives_closed(&seg, out);
		break;
	case TCPSTATE_LISTEN:
		arrives_listen(tcp, stack, &seg, out);
		break;
	case TCPSTATE_SYN_SENT:
		arrives_syn_sent(tcp, stack, &seg, out);
		break;
	default:
		if (reopens(tcp, &seg)) {
			become(tcp, TCPSTATE_LISTEN);
			arrives_listen(tcp, stack, &seg, out);
			break;
		}
		arrives_other(tcp, stack, seg, out);
		break;
	}
}
