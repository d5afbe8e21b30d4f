// SPDX-License-Identifier: GPL-2.0
/*
 * The pair of machines, given any segments at all. What inference.md says of every
 * segment is held against each step; and everything is played twice, in two worlds
 * that differ in what must not matter: where sequence numbers begin, and what stands
 * in fields that mean nothing.
 *
 * An input is both worlds' initial numbers, and then eight octets for each segment:
 * its numbers are told relative to what the pair knows, or the endpoints.
 */
#include "fsm.h"
#include "fuzz.h"

#define BIT(nr) (1u << (nr))
#define FACT(name) BIT(TCPSTATE_FACT_##name)
#define S(name) BIT(TCPSTATE_##name)

#define REFUSALS (FACT(OUT_OF_WINDOW) | FACT(INVALID_ACK) | FACT(INVALID_RST) | \
		  FACT(RST_INEXACT) | FACT(STRAY))

#define I TCPSTATE_INITIATOR
#define R TCPSTATE_RESPONDER

/**
 * struct world - a record and its connection
 * @offset: what is added to the numbers of each host
 * @pair: where @known
 * @flipped: the record has host 1 for the initiator
 * @now: milliseconds
 * @opened: when the record did
 * @seen: when its timer was renewed
 * @round_trip: as its handshake measured it
 */
struct world {
	__u32 offset[2];
	struct tcpstate_pair pair;
	struct tcpstate_outcome out;
	bool known;
	bool flipped;
	__u32 now;
	__u32 opened;
	__u32 seen;
	__u32 round_trip;
};

/* The endpoints, as far as they follow their own segments; in the first world's numbers. */
struct truth {
	__u32 first[2];
	__u32 last[2];
	__u32 end[2];
	__u32 tsval[2];
	bool acked[2];		/* it has acknowledged something since the record opened */
	unsigned int segments;
};

static const __u8 flag_sets[16] = {
	TCPSTATE_SYN, TCPSTATE_SYN | TCPSTATE_ACK, TCPSTATE_ACK, TCPSTATE_ACK,
	TCPSTATE_ACK | TCPSTATE_PSH, TCPSTATE_ACK, TCPSTATE_FIN | TCPSTATE_ACK,
	TCPSTATE_FIN | TCPSTATE_ACK | TCPSTATE_PSH, TCPSTATE_RST,
	TCPSTATE_RST | TCPSTATE_ACK, TCPSTATE_SYN, TCPSTATE_SYN | TCPSTATE_ACK,
	TCPSTATE_FIN | TCPSTATE_ACK, TCPSTATE_ACK | TCPSTATE_URG, TCPSTATE_ACK,
	TCPSTATE_SYN | TCPSTATE_PSH,
};

static const __u32 steps[32] = {
	0, 0, 0, 0, 1, -1, 2, -2, 10, -10, 100, -100, 1000, 1460, -1460, 2920, 14600,
	65535, -65535, 65536, 131070, 1 << 20, -(1 << 20), 4 << 20, (4 << 20) + 1,
	65535u << 14, (65535u << 14) + 1, -(65535u << 14), 0x7fffffff, 0x80000000,
	0x80000001, 0x40000000,
};

static const __u32 lengths[16] = {
	0, 0, 0, 0, 1, 1, 2, 10, 100, 413, 1000, 1460, 1460, 14600, 65535, 300000,
};

static const __u16 windows[8] = { 65535, 65535, 0, 1, 100, 1000, 512, 29200 };

static enum tcpstate_end role(const struct world *world, unsigned int host)
{
	return host == world->flipped ? I : R;
}

/* A number near what is known, of @host: in the first world's numbers. */
static __u32 number(const struct world *world, const struct truth *truth, unsigned int host,
		    unsigned int base, unsigned int step)
{
	const struct tcpstate_pair *pair = &world->pair;
	enum tcpstate_end end = role(world, host);
	const __u32 bases[8] = {
		truth->end[host], pair->nxt[end], pair->una[end], pair->edge[end],
		truth->last[host], pair->iss[end], pair->memo[end], truth->first[host],
	};

	/* Of who has sent nothing yet the pair's numbers are from zero, in every world. */
	if (!world->known || pair->state[end] == TCPSTATE_LISTEN ||
	    (tcpstate_fsm_ended(pair) && base != 6))
		return truth->end[host] + steps[step];
	return bases[base] + steps[step];
}

/* The records of a SYN and a SYN-ACK know who is who; else the higher port asks: host 0. */
static void begin(struct world *world, const struct tcpstate_segment *seg, unsigned int host,
		  bool again)
{
	bool syn = seg->flags & TCPSTATE_SYN, ack = seg->flags & TCPSTATE_ACK;

	memset(&world->pair, 0, sizeof(world->pair));
	if (syn || !again)
		world->flipped = syn ? (ack ? !host : host) : false;
	world->opened = world->now;
	world->seen = world->now;
	if (again) {
		tcpstate_fsm_reopen(&world->pair, seg, role(world, host));
		world->known = true;
	} else {
		world->known = tcpstate_fsm_open(&world->pair, seg, role(world, host));
		MUST(world->known == !(seg->flags & TCPSTATE_RST));
	}
}

/* States in which an endpoint may be beside its peer's. */
static const __u16 beside[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED] = S(ESTABLISHED) | S(FIN_WAIT1) | S(SYN_SENT),
	[TCPSTATE_SYN_SENT] = S(LISTEN) | S(SYN_RECV) | S(SYN_SENT) | S(FIN_WAIT1) |
			      S(ESTABLISHED),
	[TCPSTATE_SYN_RECV] = S(SYN_SENT) | S(SYN_RECV),
	[TCPSTATE_FIN_WAIT1] = S(ESTABLISHED) | S(FIN_WAIT1) | S(SYN_SENT) | S(SYN_RECV),
	[TCPSTATE_FIN_WAIT2] = S(CLOSE_WAIT) | S(LAST_ACK) | S(CLOSING),
	[TCPSTATE_TIME_WAIT] = S(CLOSE) | S(TIME_WAIT),
	[TCPSTATE_CLOSE] = S(CLOSE) | S(TIME_WAIT),
	[TCPSTATE_CLOSE_WAIT] = S(FIN_WAIT2),
	[TCPSTATE_LAST_ACK] = S(FIN_WAIT2),
	[TCPSTATE_LISTEN] = S(SYN_SENT),
	[TCPSTATE_CLOSING] = S(FIN_WAIT2),
};

/* What holds of every pair, whatever came. */
static void check_pair(const struct tcpstate_pair *pair, const struct truth *truth)
{
	static const unsigned int seconds[TCPSTATE_TIMEOUT_MAX] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	char text[TCPSTATE_HISTORY_MAX + 1];
	unsigned int timeout;

	for (unsigned int end = I; end <= R; end++) {
		MUST(pair->state[end] > 0 && pair->state[end] < __TCPSTATE_STATE_MAX);
		MUST(beside[pair->state[end]] & BIT(pair->state[!end]));
		/* Nothing is acknowledged that was not sent. */
		MUST(pair->flags & TCPSTATE_LIBERAL || tcpstate_fsm_ended(pair) ||
		     (__s32)(pair->nxt[end] - pair->una[end]) >= 0);
		/* No leap is longer than half the circle, and no sum is negative. */
		MUST(tcpstate_fsm_bytes(pair, end) <= (1ull << 31) * (truth->segments + 2));
	}
	MUST(pair->state[I] != TCPSTATE_LISTEN);
	MUST(!pair->keeper);
	MUST(tcpstate_fsm_halfopen(pair) == tcpstate_fsm_half(pair->state));

	tcpstate_fsm_history(pair, text);
	MUST(strlen(text) <= TCPSTATE_HISTORY_MAX);
	for (const char *c = text; *c; c++) {
		MUST(strchr("shadfrcitw^SHADFRCITW", *c));
		MUST(!strchr(c + 1, *c));
	}
	timeout = tcpstate_fsm_timeout(pair, seconds);
	MUST(timeout >= 1 && timeout <= 9);
	MUST(pair->unproved <= !!(pair->flags & (TCPSTATE_PICKED_UP | TCPSTATE_ONE_SIDED)));
	MUST(tcpstate_fsm_standing(pair, 0, 0) <= TCPSTATE_UNPROVED);
	MUST(tcpstate_fsm_conn_state(pair, pair->state));
}

/* What a segment without effect must leave alone: what was refused may be remembered. */
static void check_unchanged(const struct tcpstate_pair *before, const struct tcpstate_pair *pair)
{
	MUST(!memcmp(before->state, pair->state, sizeof(pair->state)));
	MUST(!memcmp(before->nxt, pair->nxt, sizeof(pair->nxt)));
	MUST(!memcmp(before->una, pair->una, sizeof(pair->una)));
	MUST(!memcmp(before->edge, pair->edge, sizeof(pair->edge)));
	MUST(!memcmp(before->iss, pair->iss, sizeof(pair->iss)));
	MUST(!memcmp(before->wraps, pair->wraps, sizeof(pair->wraps)));
	MUST(before->letters == pair->letters && before->history == pair->history);
	MUST(before->lower == pair->lower && before->wscale == pair->wscale);
}

/* Each from its state before to those after, unless the numbers were taken up anew. */
static const __u16 follows[__TCPSTATE_STATE_MAX] = {
	[TCPSTATE_ESTABLISHED] = S(FIN_WAIT1) | S(CLOSE_WAIT) | S(LAST_ACK),
	[TCPSTATE_SYN_SENT] = S(SYN_RECV) | S(ESTABLISHED) | S(FIN_WAIT1) | S(CLOSE_WAIT) |
			      S(LAST_ACK),
	[TCPSTATE_SYN_RECV] = S(ESTABLISHED) | S(FIN_WAIT1) | S(CLOSE_WAIT) | S(LAST_ACK),
	[TCPSTATE_FIN_WAIT1] = S(FIN_WAIT2) | S(CLOSING),
	[TCPSTATE_FIN_WAIT2] = S(TIME_WAIT),
	[TCPSTATE_LISTEN] = S(SYN_RECV) | S(SYN_SENT) | S(ESTABLISHED) | S(FIN_WAIT1),
	[TCPSTATE_CLOSE_WAIT] = S(LAST_ACK),
	[TCPSTATE_CLOSING] = S(TIME_WAIT),
	[TCPSTATE_LAST_ACK] = S(CLOSE),
};

static void check_transition(const struct tcpstate_pair *before, const struct tcpstate_pair *pair,
			     const struct tcpstate_outcome *out)
{
	for (unsigned int end = I; end <= R; end++)
		MUST(before->state[end] == pair->state[end] || out->facts & FACT(RESYNC) ||
		     follows[before->state[end]] & BIT(pair->state[end]));
}

/* RFC 5961: whoever does not know the numbers ends nothing by a RST. */
static void check_reset(const struct tcpstate_pair *before, const struct tcpstate_segment *seg,
			enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);
	__u32 behind = before->nxt[from] - seg->seq;

	if (before->state[peer] == TCPSTATE_SYN_SENT)
		MUST((seg->flags & TCPSTATE_ACK && seg->ack - before->iss[peer] - 1 <
		      before->nxt[peer] - before->iss[peer]) ||
		     (from == I && before->state[from] == TCPSTATE_SYN_SENT && !behind));
	else
		MUST(behind <= 1 || seg->seq == before->una[from] ||
		     before->flags & TCPSTATE_LIBERAL);
}

/* A handshake is complete by the initiator's own word, or where it is not to be seen. */
static void check_established(const struct tcpstate_pair *before, const struct tcpstate_pair *pair,
			      const struct tcpstate_outcome *out, enum tcpstate_end from,
			      const struct truth *truth, unsigned int initiator)
{
	if (!tcpstate_fsm_half(before->state) || tcpstate_fsm_half(pair->state) ||
	    tcpstate_fsm_ended(pair))
		return;
	MUST(truth->acked[initiator] || !tcpstate_fsm_spoke(before, I) ||
	     before->state[R] == TCPSTATE_SYN_SENT || before->state[I] == TCPSTATE_SYN_RECV);
	MUST(from == I || out->facts & FACT(RESYNC) || !tcpstate_fsm_spoke(before, I) ||
	     before->state[R] == TCPSTATE_SYN_SENT || before->state[I] == TCPSTATE_SYN_RECV);
	/* Every completion is told, but where one side alone was heard; at the latest by then. */
	MUST(out->facts & FACT(ESTABLISHED) || pair->flags & TCPSTATE_ONE_SIDED ||
	     pair->state[R] == TCPSTATE_SYN_SENT);
}

static void check_step(const struct tcpstate_pair *before, const struct world *world,
		       const struct tcpstate_segment *seg, enum tcpstate_end from,
		       const struct truth *truth)
{
	const struct tcpstate_pair *pair = &world->pair;
	const struct tcpstate_outcome *out = &world->out;
	bool lingers = tcpstate_fsm_ended(before);

	MUST(!(out->facts & ~(BIT(TCPSTATE_FACT_MAX) - 1)));
	switch (out->action) {
	case TCPSTATE_ANEW:
		MUST(seg->flags & TCPSTATE_SYN ||
		     (seg->len && (lingers || before->state[I] == TCPSTATE_SYN_SENT ||
				   before->state[R] == TCPSTATE_SYN_SENT)));
		MUST(!memcmp(before->state, pair->state, sizeof(pair->state)));
		MUST(out->reason == (lingers ? TCPSTATE_REASON_NONE : out->reason));
		MUST(lingers || out->reason == TCPSTATE_REASON_SUPERSEDED ||
		     out->reason == TCPSTATE_REASON_REUSED);
		return;
	case TCPSTATE_END:
		MUST(!lingers && tcpstate_fsm_ended(pair));
		MUST(seg->flags & TCPSTATE_RST);
		MUST(out->reason == TCPSTATE_REASON_FIN || out->reason == TCPSTATE_REASON_RESET ||
		     out->reason == TCPSTATE_REASON_REFUSED);
		MUST((out->reason == TCPSTATE_REASON_REFUSED) ==
		     (before->state[from] == TCPSTATE_LISTEN));
		MUST(tcpstate_fsm_closed_by(pair) == tcpstate_by(from));
		check_reset(before, seg, from);
		return;
	}
	MUST(out->action == TCPSTATE_KEEP);
	MUST(lingers || !tcpstate_fsm_ended(pair));
	if (lingers) {
		MUST(out->facts == FACT(STRAY) && !out->renew);
		check_unchanged(before, pair);
		return;
	}
	if (seg->flags & TCPSTATE_RST)
		MUST(out->facts & REFUSALS);
	if (out->facts & REFUSALS && !out->renew)
		check_unchanged(before, pair);
	/*
	 * What was sent stays sent, unless the handshake begins again with other numbers;
	 * but an octet that we knew of may turn out to be a FIN.
	 */
	for (unsigned int end = I; end <= R; end++)
		MUST(tcpstate_fsm_bytes(pair, end) + !!(seg->flags & TCPSTATE_FIN) >=
		     tcpstate_fsm_bytes(before, end) ||
		     !tcpstate_fsm_spoke(before, end) || seg->flags & TCPSTATE_SYN);
	check_transition(before, pair, out);
	check_established(before, pair, out, from, truth, world->flipped);
}

static bool loud;

/* FUZZ_SAY=1 in the environment: each segment, and what became of the pair. */
static void say(const struct world *world, const struct tcpstate_segment *seg, unsigned int host)
{
	const struct tcpstate_pair *pair = &world->pair;
	char text[TCPSTATE_HISTORY_MAX + 1];

	tcpstate_fsm_history(pair, text);
	fprintf(stderr, "%c flags %02x seq %08x ack %08x len %u: facts %x action %u reason %u; ",
		"IR"[role(world, host)], seg->flags, seg->seq, seg->ack, seg->len,
		world->out.facts, world->out.action, world->out.reason);
	fprintf(stderr, "%s / %s, nxt %08x %08x una %08x %08x edge %08x %08x, flags %02x, "
		"memo %08x %08x sides %u turns %u doubt %u, %s\n",
		tcpstate_state_name(pair->state[I]), tcpstate_state_name(pair->state[R]),
		pair->nxt[I], pair->nxt[R], pair->una[I], pair->una[R], pair->edge[I],
		pair->edge[R], pair->flags, pair->memo[I], pair->memo[R], pair->sides,
		pair->turns, pair->doubt, text);
}

static void put(struct world *world, const struct tcpstate_segment *seg, unsigned int host,
		const struct truth *truth)
{
	const struct tcpstate_pair before = world->pair;
	struct tcpstate_elapsed elapsed;

	memset(&world->out, 0, sizeof(world->out));
	if (!world->known) {
		begin(world, seg, host, false);
		if (loud)
			say(world, seg, host);
	} else {
		enum tcpstate_end from = role(world, host);

		elapsed = (struct tcpstate_elapsed){ world->now - world->seen,
						     world->now - world->opened,
						     world->round_trip };
		world->out = tcpstate_fsm_step(&world->pair, seg, from, &elapsed);
		if (world->out.renew)
			world->seen = world->now;
		if (loud)
			say(world, seg, host);
		check_step(&before, world, seg, from, truth);
		if (world->out.action == TCPSTATE_ANEW)
			begin(world, seg, host, true);
	}
	if (world->known)
		check_pair(&world->pair, truth);
}

/* The other world's segment; what means nothing there is not what it is in the first. */
static struct tcpstate_segment translate(const struct tcpstate_segment *seg,
					 const struct world *world, unsigned int host)
{
	struct tcpstate_segment other = *seg;

	other.seq += world->offset[host];
	other.ack += world->offset[!host];
	if (!(seg->flags & TCPSTATE_ACK))
		other.ack = ~other.ack * 3;
	if (!(seg->flags & TCPSTATE_SYN))
		other.wscale = 7;
	if (!seg->has_ts) {
		other.tsval = 0x12345678;
		other.tsecr = 0x9abcdef0;
	}
	other.flags ^= seg->flags & TCPSTATE_ACK ? TCPSTATE_PSH : TCPSTATE_URG;
	return other;
}

static void check_same(const struct world *one, const struct world *other)
{
	const struct tcpstate_pair *a = &one->pair, *b = &other->pair;

	MUST(one->known == other->known && one->flipped == other->flipped);
	MUST(one->out.facts == other->out.facts && one->out.action == other->out.action);
	MUST(one->out.reason == other->out.reason && one->out.renew == other->out.renew);
	if (!one->known)
		return;
	MUST(!memcmp(a->state, b->state, sizeof(a->state)));
	MUST(a->letters == b->letters && a->history == b->history && a->lower == b->lower);
	MUST(a->flags == b->flags && a->wscale == b->wscale && a->doubt == b->doubt);
	MUST(a->sides == b->sides && a->turns == b->turns && a->turn == b->turn);
	MUST(a->moved == b->moved && a->unproved == b->unproved);
	MUST(!memcmp(a->side, b->side, sizeof(a->side)));
	MUST(a->syn == b->syn && a->synack == b->synack);
	for (unsigned int end = I; end <= R; end++) {
		__u32 offset = other->offset[one->flipped ? !end : end];

		MUST(tcpstate_fsm_bytes(a, end) == tcpstate_fsm_bytes(b, end));
		if (a->state[end] == TCPSTATE_LISTEN || tcpstate_fsm_ended(a))
			continue;
		MUST(a->nxt[end] + offset == b->nxt[end]);
		MUST(a->una[end] + offset == b->una[end]);
		MUST(a->edge[end] + offset == b->edge[end]);
	}
}

static void remember(struct truth *truth, const struct tcpstate_segment *seg, unsigned int host)
{
	__u32 end = seg->seq + seg->len + !!(seg->flags & TCPSTATE_SYN) +
		    !!(seg->flags & TCPSTATE_FIN);

	truth->last[host] = seg->seq;
	if (seg->flags & TCPSTATE_SYN || (__s32)(end - truth->end[host]) > 0)
		truth->end[host] = end;
	if (seg->flags & TCPSTATE_SYN)
		truth->first[host] = seg->seq;
	if (seg->has_ts)
		truth->tsval[host] = seg->tsval;
	truth->segments++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct world one = { 0 }, other = { 0 };
	struct truth truth = { 0 };
	struct tcpstate_segment seg, theirs;
	uint8_t op[8];

	loud = getenv("FUZZ_SAY");
	for (unsigned int host = 0; host < 2; host++) {
		truth.first[host] = truth.end[host] = truth.last[host] = input_u32(&input);
		other.offset[host] = input_u32(&input);
	}
	one.round_trip = other.round_trip = truth.first[0] & 1 ? 20 : 0;
	while (input.left) {
		unsigned int host;

		input_take(&input, op, sizeof(op));
		host = op[0] & 1;
		if (op[7] >> 3 == 31 && one.known && !tcpstate_fsm_ended(&one.pair)) {
			enum tcpstate_reason reason = tcpstate_fsm_expire(&one.pair);

			MUST(tcpstate_fsm_expire(&other.pair) == reason);
			MUST(tcpstate_fsm_ended(&one.pair) && tcpstate_fsm_ended(&other.pair));
			continue;
		}
		/* A moment, or a pause. */
		one.now += op[6] >> 4 ? op[6] >> 4 : 3000;
		other.now = one.now;
		seg = (struct tcpstate_segment){
			.seq = number(&one, &truth, host, op[0] >> 1 & 7, op[1] & 31),
			.ack = number(&one, &truth, !host, op[0] >> 4 & 7, op[2] & 31),
			.len = lengths[op[3] & 15],
			.tsval = truth.tsval[host] + (__s8)op[5],
			.tsecr = truth.tsval[!host],
			.count = 1 + (op[2] >> 5),
			.window = windows[op[1] >> 5],
			.flags = flag_sets[op[4] & 15],
			.wscale = op[6] & 15,
			.has_ts = op[0] >> 7,
			.fragment = op[4] >> 4 == 15,
		};
		MUST(tcpstate_fsm_flags_valid(seg.flags));
		theirs = translate(&seg, &other, host);
		if (!one.known || one.out.action == TCPSTATE_ANEW)
			memset(truth.acked, 0, sizeof(truth.acked));
		if (seg.flags & TCPSTATE_ACK && !(seg.flags & TCPSTATE_RST))
			truth.acked[host] = true;
		put(&one, &seg, host, &truth);
		put(&other, &theirs, host, &truth);
		check_same(&one, &other);
		remember(&truth, &seg, host);
	}
	return 0;
}
