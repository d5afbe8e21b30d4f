/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two endpoints, the observer between them, and what is on its way: a state of the
 * model, and the moves that lead from one to the next.
 *
 *	A  -- before -->  observer  -- behind -->  B
 *	A  <-- behind --  observer  <-- before --  B
 *
 * A struct world is a plain value without padding, hashed and kept as it stands, up
 * to the last segment in flight.
 */
#ifndef _MODEL_WORLD_H
#define _MODEL_WORLD_H

#include <stddef.h>

#include "fsm.h"
#include "tcp.h"

/* A has the higher port, so a segment that opens midstream makes it the initiator. */
enum host { A, B };

enum hop { BEFORE, BEHIND };

#define ON_BEFORE	(1 << BEFORE)
#define ON_BEHIND	(1 << BEHIND)

/* The most segments that may be on their way at once. */
#define FLIGHT_MAX 14
/* Of a budget: as often as it likes. */
#define ANY 255

/**
 * struct calls - what a user may still do, or how often something may yet befall
 * @open: active OPENs
 * @listen: passive OPENs
 * @send: SENDs
 * @octets: of a SEND, at most
 * @close: CLOSEs
 * @abort: ABORTs
 * @give_up: user timeouts
 * @keepalive: keep-alives
 */
struct calls {
	__u8 open;
	__u8 listen;
	__u8 send;
	__u8 octets;
	__u8 close;
	__u8 abort;
	__u8 give_up;
	__u8 keepalive;
};

/**
 * struct faults - what the channel, and time, may still do
 * @lose: segments
 * @dup: segments
 * @overtake: segments, ANY where order means nothing
 * @spurious: retransmissions that nothing called for
 * @expire: timers of the observer that run out in the middle of a connection; one
 *	more than that, where those of ended ones and of TIME_WAIT may run out too
 * @skip: segments that pass the observer unseen
 * @where: the hops on which, a bit each
 * @spare: zero
 */
struct faults {
	__u8 lose;
	__u8 dup;
	__u8 overtake;
	__u8 spurious;
	__u8 expire;
	__u8 skip;
	__u8 where;
	__u8 spare;
};

/**
 * struct plan - a configuration of the model
 * @name: of the configuration
 * @stack: the two hosts' TCPs
 * @calls: of the two users
 * @faults: of the channel
 * @listens: the hosts whose users have made a passive OPEN to begin with, a bit each
 * @everywhere: to be run with the ISSs wherever a wrap may make a difference
 */
struct plan {
	const char *name;
	struct stack stack[2];
	struct calls calls[2];
	struct faults faults;
	__u8 listens;
	bool everywhere;
};

/* What has passed the observer of one life of an endpoint. */
#define SAW_SYN		0x01	/* its SYN or SYN-ACK, or what comes after */
#define SAW_PROOF	0x02	/* it acknowledged its peer's SYN */
#define SAW_FIN		0x04
#define SAW_FIN_ACKED	0x08	/* its peer acknowledged it */
#define SAW_LATE	0x10	/* its FIN came no sooner than its ACK of its peer's */
#define SAW_RESET	0x20	/* a RST that its peer, or it, has to believe */
#define SAW_DOUBTFUL	0x40	/* a RST that its peer may believe or not */

/**
 * struct evidence - what the segments that passed the observer prove of one life
 * @saw: SAW_SYN and its like
 * @sent: one past the last number it used, counted from its ISS
 * @acked: the last acknowledgment for it, likewise
 * @fin: one past its FIN, likewise
 */
struct evidence {
	__u8 saw;
	__u8 sent;
	__u8 acked;
	__u8 fin;
};

/* world::been, beside a bit for each state: its FIN waits, or waited, for the window */
#define BEEN_FW1_QUEUED		(1u << 12)
#define BEEN_CLOSING_QUEUED	(1u << 13)

/* world::notes: what happened of which the judges have to know */
#define FAULT_BEFORE	ON_BEFORE	/* lost, doubled or overtaken before the observer */
#define FAULT_BEHIND	ON_BEHIND	/* likewise behind it */
#define RST_LOST	0x04	/* a RST was lost on either hop */
#define ABORTED		0x08	/* an ABORT, a user timeout, or text after CLOSE */
#define EXPIRED		0x10	/* the observer's timer ran out on a connection */
#define UNSEEN		0x20	/* a segment went by unseen */
#define SPURIOUS	0x40	/* a retransmission that nothing called for */
#define DOUBLED		0x80	/* so there may be two of a segment */
#define FORGOTTEN	0x100	/* the observer forgot a record that had ended */

/**
 * struct world - all there is
 * @pair: the observer's record; what does not bear on any later state is zero
 * @host: A and B
 * @evidence: per host and life
 * @been: the states that each host was in, per life
 * @calls: what the users may still do
 * @faults: what may still befall
 * @notes: FAULT_BEFORE and its like
 * @known: the observer has a record
 * @flipped: it takes B for the initiator
 * @count: segments in flight
 * @flight: these, by place, and there in the order they were sent
 */
struct world {
	struct tcpstate_pair pair;
	struct tcp host[2];
	struct evidence evidence[2][LIVES];
	__u16 been[2][LIVES];
	struct calls calls[2];
	struct faults faults;
	__u16 notes;
	__u8 known;
	__u8 flipped;
	__u32 count;
	struct segment flight[FLIGHT_MAX];
};

static inline size_t world_size(const struct world *w)
{
	return offsetof(struct world, flight) + w->count * sizeof(struct segment);
}

enum kind {
	OPEN, LISTEN, SEND, RECEIVE, CLOSE, ABORT, GIVE_UP, KEEPALIVE,
	RETRANSMIT, ACKNOWLEDGE, FORGET,
	PASS, GET, LOSE_BEFORE, LOSE_BEHIND, DUP_BEFORE, DUP_BEHIND, SKIP,
	EXPIRE,
	KINDS,
};

/* A move: what happens, at which host (of a segment: its sender), and to which segment. */
struct move {
	__u8 kind;
	__u8 host;
	__u8 index;
	__u8 spare;
};

#define MOVES_MAX 128

/**
 * struct passing - what the observer made of a segment
 * @seg: the segment, where @seen
 * @out: what came of it
 * @before: the record as it stood
 * @role: that of the sender there
 * @seen: the move let one pass
 */
struct passing {
	struct segment seg;
	struct tcpstate_outcome out;
	struct tcpstate_pair before;
	enum tcpstate_end role;
	bool seen;
};

void world_begin(struct world *w, const struct plan *plan);
unsigned int world_moves(const struct world *w, struct move moves[MOVES_MAX]);
bool world_move(struct world *w, const struct plan *plan, struct move move,
		struct passing *passing);

static inline enum host role_host(const struct world *w, enum tcpstate_end role)
{
	return (enum host)((unsigned int)role ^ w->flipped);
}

/* The observer: see observer.c. */
struct tcpstate_outcome observer_sees(struct world *w, struct segment seg, enum host from);
void observer_expires(struct world *w);

/* What passed: see evidence.c. */
int life_of(const struct stack *stack, __u32 number);
void evidence_begin(struct world *w, const struct plan *plan, const struct segment *seg,
		    enum host from);
void evidence_note(struct world *w, const struct plan *plan, const struct segment *seg,
		   enum host from);

#endif /* _MODEL_WORLD_H */
