// SPDX-License-Identifier: GPL-2.0
/* The moves: which are possible, and what each does. */
#include <string.h>

#include "world.h"

static __u8 place(enum host from, enum hop hop)
{
	return from * 2 + hop;
}

static bool same(const struct segment *a, const struct segment *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Where the segments of a place begin; those of all places where it is the next one. */
static unsigned int start_of(const struct world *w, __u8 at)
{
	unsigned int i = 0;

	while (i < w->count && w->flight[i].place < at)
		i++;
	return i;
}

static bool insert(struct world *w, struct segment seg, unsigned int i)
{
	if (w->count == FLIGHT_MAX)
		return false;
	memmove(&w->flight[i + 1], &w->flight[i], (w->count - i) * sizeof(seg));
	w->flight[i] = seg;
	w->count++;
	return true;
}

/* To the end of its place; where order means nothing, to where it sorts. */
static bool put(struct world *w, struct segment seg, __u8 at)
{
	unsigned int i = start_of(w, at + 1);

	seg.place = at;
	if (w->faults.overtake == ANY)
		while (i && w->flight[i - 1].place == at &&
		       memcmp(&w->flight[i - 1], &seg, sizeof(seg)) > 0)
			i--;
	return insert(w, seg, i);
}

static struct segment take(struct world *w, unsigned int i)
{
	struct segment seg = w->flight[i];

	w->count--;
	memmove(&w->flight[i], &w->flight[i + 1], (w->count - i) * sizeof(seg));
	memset(&w->flight[w->count], 0, sizeof(seg));
	return seg;
}

/**
 * world_begin() - the first state
 * @w: filled in
 * @plan: the plan
 */
void world_begin(struct world *w, const struct plan *plan)
{
	enum host h;

	memset(w, 0, sizeof(*w));
	memcpy(w->calls, plan->calls, sizeof(w->calls));
	w->faults = plan->faults;
	/* Without any order nobody can say which segments overtook others. */
	if (w->faults.overtake == ANY)
		w->notes = w->faults.where;
	for (h = A; h <= B; h++)
		w->host[h].state = plan->listens >> h & 1 ? TCPSTATE_LISTEN : TCPSTATE_CLOSE;
}

struct list {
	struct move *move;
	unsigned int count;
};

static void add(struct list *list, enum kind kind, enum host host, unsigned int index)
{
	list->move[list->count++] = (struct move) {
		.kind = kind, .host = host, .index = index,
	};
}

/* Nothing is on its way, and nobody holds an acknowledgment back. */
static bool idle(const struct world *w)
{
	return !w->count && !((w->host[A].flags | w->host[B].flags) & ACK_OWED);
}

static void user_moves(const struct world *w, enum host h, struct list *list)
{
	const struct calls *calls = &w->calls[h];
	const struct tcp *tcp = &w->host[h];
	unsigned int octets;

	if (calls->open && tcp_may_open(tcp))
		add(list, OPEN, h, 0);
	if (calls->listen && tcp_may_listen(tcp))
		add(list, LISTEN, h, 0);
	if (calls->send && tcp_may_send(tcp))
		for (octets = 1; octets <= calls->octets; octets++)
			add(list, SEND, h, octets);
	if (tcp->unread)
		add(list, RECEIVE, h, 0);
	if (calls->close && tcp_may_close(tcp))
		add(list, CLOSE, h, 0);
	if (calls->abort && tcp->state != TCPSTATE_CLOSE)
		add(list, ABORT, h, 0);
	if (calls->give_up && tcp_retransmits(tcp))
		add(list, GIVE_UP, h, 0);
	if (calls->keepalive && tcp->state == TCPSTATE_ESTABLISHED && tcp->una == tcp->nxt)
		add(list, KEEPALIVE, h, 0);
	if (tcp_retransmits(tcp) && (idle(w) || w->faults.spurious))
		add(list, RETRANSMIT, h, 0);
	if (tcp->flags & ACK_OWED)
		add(list, ACKNOWLEDGE, h, 0);
	if (tcp->state == TCPSTATE_TIME_WAIT && idle(w))
		add(list, FORGET, h, 0);
}

static void channel_moves(const struct world *w, enum host from, enum hop hop,
			  struct list *list)
{
	unsigned int first = start_of(w, place(from, hop)), i;
	const struct faults *faults = &w->faults;
	bool faulty = faults->where >> hop & 1;

	for (i = first; i < w->count && w->flight[i].place == place(from, hop); i++) {
		unsigned int index = i - first;

		if (index && same(&w->flight[i], &w->flight[i - 1]))
			continue;
		if (!index || (faulty && faults->overtake)) {
			add(list, hop == BEFORE ? PASS : GET, from, index);
			if (hop == BEFORE && faults->skip)
				add(list, SKIP, from, index);
		}
		if (faulty && faults->lose)
			add(list, hop == BEFORE ? LOSE_BEFORE : LOSE_BEHIND, from, index);
		if (faulty && faults->dup)
			add(list, hop == BEFORE ? DUP_BEFORE : DUP_BEHIND, from, index);
	}
}

static bool may_expire(const struct world *w)
{
	bool over = tcpstate_fsm_ended(&w->pair) ||
		    w->pair.state[0] == TCPSTATE_TIME_WAIT ||
		    w->pair.state[1] == TCPSTATE_TIME_WAIT;

	return w->known && idle(w) && w->faults.expire > !over;
}

/**
 * world_moves() - what may happen next
 * @w: the world
 * @moves: filled in
 *
 * Return: how many.
 */
unsigned int world_moves(const struct world *w, struct move moves[MOVES_MAX])
{
	struct list list = { .move = moves };
	enum host h;

	for (h = A; h <= B; h++) {
		user_moves(w, h, &list);
		channel_moves(w, h, BEFORE, &list);
		channel_moves(w, h, BEHIND, &list);
	}
	if (may_expire(w))
		add(&list, EXPIRE, A, 0);
	return list.count;
}

static void spend(__u8 *budget)
{
	if (*budget != ANY)
		--*budget;
}

/* A call of the user of @h, or a timeout there. */
static void call(struct world *w, const struct plan *plan, struct move move, struct outbox *out)
{
	const struct stack *stack = &plan->stack[move.host];
	struct calls *calls = &w->calls[move.host];
	struct tcp *tcp = &w->host[move.host];

	switch (move.kind) {
	case OPEN:
		spend(&calls->open);
		tcp_open(tcp, stack, out);
		break;
	case LISTEN:
		spend(&calls->listen);
		tcp_listen(tcp);
		break;
	case SEND:
		spend(&calls->send);
		tcp_send(tcp, stack, move.index, out);
		break;
	case RECEIVE:
		tcp_receive(tcp, stack, out);
		break;
	case CLOSE:
		spend(&calls->close);
		tcp_close(tcp, stack, out);
		break;
	case ABORT:
		spend(&calls->abort);
		w->notes |= ABORTED;
		tcp_abort(tcp, stack, out);
		break;
	case GIVE_UP:
		spend(&calls->give_up);
		w->notes |= ABORTED;
		tcp_give_up(tcp);
		break;
	case KEEPALIVE:
		spend(&calls->keepalive);
		tcp_keepalive(tcp, stack, out);
		break;
	case RETRANSMIT:
		if (!idle(w)) {
			spend(&w->faults.spurious);
			w->notes |= SPURIOUS | DOUBLED;
		}
		tcp_retransmit(tcp, stack, out);
		break;
	case ACKNOWLEDGE:
		tcp_acknowledge(tcp, stack, out);
		break;
	case FORGET:
		tcp_forget(tcp);
		break;
	}
	if (tcp->flags & SILENT)
		w->notes |= ABORTED;
}

static void note_fault(struct world *w, enum hop hop)
{
	w->notes |= hop == BEFORE ? FAULT_BEFORE : FAULT_BEHIND;
}

/* The segment that a move is about leaves its place, perhaps before its turn. */
static struct segment take_turn(struct world *w, struct move move, enum hop hop)
{
	unsigned int first = start_of(w, place(move.host, hop));

	if (move.index) {
		spend(&w->faults.overtake);
		note_fault(w, hop);
	}
	return take(w, first + move.index);
}

static void lose(struct world *w, struct move move, enum hop hop)
{
	struct segment seg = take(w, start_of(w, place(move.host, hop)) + move.index);

	spend(&w->faults.lose);
	note_fault(w, hop);
	if (seg.flags & RST)
		w->notes |= RST_LOST;
}

static bool duplicate(struct world *w, struct move move, enum hop hop)
{
	unsigned int i = start_of(w, place(move.host, hop)) + move.index;

	spend(&w->faults.dup);
	w->notes |= DOUBLED;
	note_fault(w, hop);
	return insert(w, w->flight[i], i + 1);
}

/* Which states the hosts are in, for the judges. */
static void note_states(struct world *w)
{
	enum host h;

	for (h = A; h <= B; h++) {
		const struct tcp *tcp = &w->host[h];
		bool queued = tcp->flags & CLOSING_CALLED && !(tcp->flags & FIN_SENT);
		__u16 *been;

		if (!tcp->lives || tcp->state == TCPSTATE_CLOSE || tcp->state == TCPSTATE_LISTEN)
			continue;
		been = &w->been[h][tcp->lives - 1];
		*been |= 1u << tcp->state;
		if (queued && tcp->state == TCPSTATE_FIN_WAIT1)
			*been |= BEEN_FW1_QUEUED;
		if (tcp->flags & FIN_BEHIND)
			*been |= BEEN_CLOSING_QUEUED;
	}
}

/**
 * world_move() - let something happen
 * @w: the world, changed
 * @plan: its plan
 * @move: one of world_moves()
 * @passing: filled in: the segment that passed the observer, if any
 *
 * Return: false where more would be in flight than there is room for.
 */
bool world_move(struct world *w, const struct plan *plan, struct move move,
		struct passing *passing)
{
	struct outbox out = { .count = 0 };
	enum host sender = move.host;
	bool fits = true, before;
	unsigned int i;

	passing->seen = false;
	switch (move.kind) {
	case PASS:
		passing->seen = true;
		passing->seg = take_turn(w, move, BEFORE);
		before = w->known;
		passing->before = w->pair;
		passing->role = (enum tcpstate_end)(move.host ^ w->flipped);
		passing->out = observer_sees(w, passing->seg, move.host);
		if (w->known && (!before || passing->out.action == TCPSTATE_ANEW))
			evidence_begin(w, plan, &passing->seg, move.host);
		evidence_note(w, plan, &passing->seg, move.host);
		fits = put(w, passing->seg, place(move.host, BEHIND));
		break;
	case SKIP:
		spend(&w->faults.skip);
		w->notes |= UNSEEN;
		passing->seg = take_turn(w, move, BEFORE);
		evidence_note(w, plan, &passing->seg, move.host);
		fits = put(w, passing->seg, place(move.host, BEHIND));
		break;
	case GET:
		sender = !move.host;
		tcp_arrives(&w->host[sender], &plan->stack[sender],
			    take_turn(w, move, BEHIND), &out);
		if (plan->stack[sender].for_good && out.count &&
		    out.segment[out.count - 1].flags & RST)
			w->notes |= ABORTED;
		break;
	case LOSE_BEFORE:
		lose(w, move, BEFORE);
		break;
	case LOSE_BEHIND:
		lose(w, move, BEHIND);
		break;
	case DUP_BEFORE:
		fits = duplicate(w, move, BEFORE);
		break;
	case DUP_BEHIND:
		fits = duplicate(w, move, BEHIND);
		break;
	case EXPIRE:
		if (!tcpstate_fsm_ended(&w->pair) && w->pair.state[0] != TCPSTATE_TIME_WAIT &&
		    w->pair.state[1] != TCPSTATE_TIME_WAIT) {
			spend(&w->faults.expire);
			w->notes |= EXPIRED;
		}
		observer_expires(w);
		if (!w->known)
			w->notes |= FORGOTTEN;
		break;
	default:
		call(w, plan, move, &out);
		break;
	}
	for (i = 0; fits && i < out.count; i++)
		fits = put(w, out.segment[i], place(sender, BEFORE));
	note_states(w);
	return fits;
}
