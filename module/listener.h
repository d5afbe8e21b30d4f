/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listeners: what becomes of the handshakes that are asked of an address and a
 * port, counted exactly, and what is going on there.
 *
 * Who has answered a SYN has a slot of its own; the silent and those who refuse
 * share the lobby, where the heaviest stay, or a port scan would fill the slots.
 *
 * Who may touch what. A slot is found under RCU, made under @lock, and removed by the
 * judge's work, or after that was stopped. A slot's counters are per CPU. The
 * lobby, and all sketches that are not free of locks (see sketch.h), are under
 * @lock. For a sketch a segment only tries it: what cannot be noted at once is
 * skipped, and so thinned by chance. A bucket's lock may be held when @lock is
 * taken.
 */
#ifndef _TCPSTATE_LISTENER_H
#define _TCPSTATE_LISTENER_H

#include <linux/cpumask.h>
#include <linux/prefetch.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "memory.h"
#include "segment.h"
#include "stats.h"
#include "suspect.h"
#include "work.h"

struct tcpstate_log;
struct tcpstate_record;

/* Of these the silent and those who refuse are told apart. */
#define TCPSTATE_LOBBY_WAYS	8
#define TCPSTATE_LOBBY_SETS	8
#define TCPSTATE_LOBBY		(TCPSTATE_LOBBY_WAYS * TCPSTATE_LOBBY_SETS)

/* What may be told before there is a lobby: the judge makes it at once, but sleeps for that. */
#define TCPSTATE_CALLS		8

/* What a CPU puts off while others hold the lock of the lobby, to be noted at once. */
#define TCPSTATE_PENDING	16

/* The last of the sample's slots are the lobby's. */
#define TCPSTATE_LISTENERS_MAX	(TCPSTATE_SLOTS - TCPSTATE_LOBBY)

/* What has become of a handshake. */
enum tcpstate_news {
	TCPSTATE_NEWS_NONE,
	TCPSTATE_NEWS_ASKED,		/* a SYN opened it */
	TCPSTATE_NEWS_ASKED_AGAIN,
	TCPSTATE_NEWS_UNASKED,		/* a SYN-ACK opened it */
	TCPSTATE_NEWS_ANSWERED,
	TCPSTATE_NEWS_ANSWERED_AGAIN,
	TCPSTATE_NEWS_COMPLETED,
	TCPSTATE_NEWS_ASIDE,		/* established by its initiator's word alone */
	TCPSTATE_NEWS_REFUSED,		/* a RST answered the SYN */
	TCPSTATE_NEWS_RESET,		/* by a RST later, or the initiator's */
	TCPSTATE_NEWS_TIMED_OUT,
	TCPSTATE_NEWS_EVICTED,		/* we forgot it */
	TCPSTATE_NEWS_STRAIN,		/* its SYN-ACK was sent again after the end */
	TCPSTATE_NEWS_MAX,
};

/* As what a handshake is among a listener's half-opens. */
enum tcpstate_half {
	TCPSTATE_HALF_ASKED,
	TCPSTATE_HALF_ANSWERED,
	TCPSTATE_HALF_NONE,
};

/**
 * struct tcpstate_handshake - whose it is, and what became of it
 * @initiator: who asks; its port is not told apart
 * @responder: who is asked
 * @hash: of its tuple
 * @asker: of @initiator
 * @asked: of @responder
 * @news: what has happened
 * @picked_up: its SYN was not seen
 */
struct tcpstate_handshake {
	struct tcpstate_host initiator;
	struct tcpstate_host responder;
	u32 hash;
	u32 asker;
	u32 asked;
	enum tcpstate_news news;
	bool picked_up;
};

/**
 * struct tcpstate_tally - a listener's figures, one CPU's share or the sum
 * @news: handshakes to which each happened
 * @half: half-opens now, by enum tcpstate_half; only the sum means anything
 * @latency: of each endpoint in the handshake, by microseconds
 * @untimed: handshakes that @latency leaves out, since something was sent again
 */
struct tcpstate_tally {
	unsigned long news[TCPSTATE_NEWS_MAX];
	int half[TCPSTATE_HALF_NONE];
	unsigned int latency[2][TCPSTATE_BUCKETS];
	unsigned long untimed;
};

/**
 * struct tcpstate_docket - what a verdict is founded on
 * @account: the judge's, but for what segments may do without a lock
 * @sources: likewise; @top is under the lock of the listeners
 */
struct tcpstate_docket {
	struct tcpstate_account account;
	struct tcpstate_sources sources;
};

/**
 * struct tcpstate_listener - a slot
 * @node: in the hash table
 * @host: its address and port
 * @hash: of @host, keyed
 * @slot: its number
 * @stirred: something has happened since the judge looked
 * @leaving: it is about to be removed, so segments no longer find it
 * @active: when the judge last found something, ms
 * @owed: half-opens that were evicted and may be completed yet
 * @tally: figures
 * @docket: what its verdict is founded on
 * @rcu: frees it
 *
 * Aligned, so that what the slab takes for it is its size.
 */
struct tcpstate_listener {
	struct rhash_head node;
	struct tcpstate_host host;
	u32 hash;
	u32 slot;
	u32 stirred;	/* of xchg()'s size on any processor */
	bool leaving;
	u64 active;
	atomic_t owed;
	struct tcpstate_tally __percpu *tally;
	struct tcpstate_docket docket;
	struct rcu_head rcu;
} ____cacheline_aligned;

/* Octets that a slot takes, with each CPU's part and its share of @table and @slots. */
static inline size_t tcpstate_listener_size(void)
{
	return sizeof(struct tcpstate_listener) +
	       tcpstate_memory_percpu(sizeof(struct tcpstate_tally)) + 4 * sizeof(void *);
}

/**
 * struct tcpstate_listener_view - a listener, or a host, as readers see it
 * @host: who; a host has no port
 * @tally: its figures
 * @finding: the verdict, and why
 * @share: its heaviest sources
 * @shares: how many of these
 * @targets: of a host: the other parties, about
 */
struct tcpstate_listener_view {
	struct tcpstate_host host;
	struct tcpstate_tally tally;
	struct tcpstate_finding finding;
	struct tcpstate_share share[TCPSTATE_TOP];
	unsigned int shares;
	u32 targets;
};

/**
 * struct tcpstate_call - what has become of a handshake, to be noted later
 * @shake: the handshake
 * @was: what it was among the half-opens
 * @is: what it is now
 */
struct tcpstate_call {
	struct tcpstate_handshake shake;
	enum tcpstate_half was;
	enum tcpstate_half is;
};

/**
 * struct tcpstate_pending - what one CPU has not noted in the lobby yet
 * @lock: protects the rest; taken before the lock of the listeners
 * @defer: so many calls more are put off before the lock of the listeners is tried for
 * @calls: how many wait
 * @call: these
 */
struct tcpstate_pending {
	spinlock_t lock;	/* protects the rest */
	unsigned int defer;
	unsigned int calls;
	struct tcpstate_call call[TCPSTATE_PENDING];
};

/**
 * struct tcpstate_detector - what verdicts need and a quiet namespace does not have
 * @pending: of each CPU
 * @sample: of handshakes
 * @scanners: who asks many
 * @victims: who is answered unasked
 * @lobby: the silent and those who refuse
 * @guest: of each in the lobby, its figures and what its verdict is founded on
 * @view: the judge's own, too large for a stack
 * @rcu: frees it
 */
struct tcpstate_detector {
	struct tcpstate_pending __percpu *pending;
	struct tcpstate_sample sample;
	struct tcpstate_suspects scanners;
	struct tcpstate_suspects victims;
	struct tcpstate_hitter lobby[TCPSTATE_LOBBY];
	struct tcpstate_guest {
		struct tcpstate_tally tally;
		struct tcpstate_docket docket;
	} guest[TCPSTATE_LOBBY];
	struct tcpstate_listener_view view;
	struct rcu_head rcu;
};

/* Octets that a detector takes, with each CPU's part. */
static inline size_t tcpstate_detector_size(void)
{
	return sizeof(struct tcpstate_detector) +
	       tcpstate_memory_percpu(sizeof(struct tcpstate_pending));
}

/**
 * struct tcpstate_listeners - those of a network namespace
 * @log: the namespace's books
 * @key: of the hashes of hosts
 * @table: slots by address and port
 * @slots: the same by number
 * @count: how many there are
 * @max: and may be
 * @shared: how many all namespaces but the first have together, or NULL in the first
 * @keep: new ones get slots, and whoever has none is judged too; written by sysctl
 * @detector: made and freed by the judge
 * @lock: protects the making of slots, @call, and what is said above
 * @thresholds: written by sysctl, read without a lock
 * @judge: the work; runs while anything goes on
 * @awake: it is to run within a tick, or as soon as a detector is tried for again
 * @denied: there was no detector to be had the last time
 * @forget: he is to take out every slot that can be
 * @crowded: a slot was wanted and there was none
 * @pressed: ticks that are still to pass without that; the judge's own
 * @idle: naps of the judge in which there was nothing; his own
 * @call: what is to be told in the lobby once there is one
 * @calls: how many of these, or one more than there is room for
 */
struct tcpstate_listeners {
	struct tcpstate_log *log;
	hsiphash_key_t key;
	struct rhashtable table;
	struct xarray slots;
	atomic_t count;
	unsigned int max;
	atomic_t *shared;
	u8 keep;
	struct tcpstate_detector __rcu *detector;
	spinlock_t lock;	/* protects making of slots, the lobby, sketches */
	struct tcpstate_thresholds thresholds;
	struct tcpstate_work judge;
	bool awake;
	bool denied;
	u32 forget;	/* this and the next: of xchg()'s size on any processor */
	u32 crowded;
	u8 pressed;
	u8 idle;
	struct tcpstate_call call[TCPSTATE_CALLS];
	unsigned int calls;
};

/* Process context. */
int tcpstate_slots_init(void);
void tcpstate_slots_exit(void);
int tcpstate_slots_net_init(struct tcpstate_listeners *listeners, unsigned int max, bool first);
void tcpstate_slots_net_exit(struct tcpstate_listeners *listeners);
int tcpstate_listeners_init(struct tcpstate_listeners *listeners, struct tcpstate_log *log,
			    unsigned int max, bool first);
void tcpstate_listeners_flush(struct tcpstate_listeners *listeners);
void tcpstate_listeners_release(struct tcpstate_listeners *listeners);
void tcpstate_listeners_exit(struct tcpstate_listeners *listeners);

/* Slots: RCU read side; to admit, BH disabled. */
struct tcpstate_listener *tcpstate_slot_lookup(struct tcpstate_listeners *listeners,
					       const struct tcpstate_host *host, u32 hash);
struct tcpstate_listener *tcpstate_slot_find(struct tcpstate_listeners *listeners,
					     const struct tcpstate_host *host, u32 hash);
struct tcpstate_listener *tcpstate_slot_admit(struct tcpstate_listeners *listeners,
					      const struct tcpstate_host *host, u32 hash);

/* Segments: BH disabled. */
void tcpstate_listener_tell(struct tcpstate_log *log, struct tcpstate_record *record,
			    enum tcpstate_half was, enum tcpstate_half is,
			    enum tcpstate_news news);
void tcpstate_listener_late(struct tcpstate_log *log, const struct tcpstate_record *record);
bool tcpstate_listener_known(struct tcpstate_log *log, const struct tcpstate_host *host);

/**
 * tcpstate_listener_prefetch() - a segment may be news of a handshake
 * @listeners: the namespace's
 * @hash: of its tuple
 *
 * Has the sample's part in it fetched while the record is looked for.
 *
 * Context: RCU read side.
 */
static inline void tcpstate_listener_prefetch(const struct tcpstate_listeners *listeners, u32 hash)
{
	struct tcpstate_detector *detector = rcu_dereference(listeners->detector);

	if (detector)
		prefetchw(tcpstate_sample_bucket(&detector->sample, hash));
}

/* Readers: any context but hard interrupts. */
bool tcpstate_listener_read(struct tcpstate_listeners *listeners, unsigned long *place,
			    struct tcpstate_listener_view *view);
bool tcpstate_host_read(struct tcpstate_listeners *listeners, unsigned long *place,
			struct tcpstate_listener_view *view);

void tcpstate_docket_begin(struct tcpstate_docket *docket, u64 now);
void tcpstate_docket_read(const struct tcpstate_docket *docket,
			  struct tcpstate_listener_view *view);
void tcpstate_suspect_read(const struct tcpstate_suspects *suspects, unsigned int i,
			   struct tcpstate_listener_view *view);

/* What a handshake's news are to the sketches, and to the lobby: RCU read side, BH disabled. */
void tcpstate_docket_tell(struct tcpstate_listeners *listeners, struct tcpstate_docket *docket,
			  u32 slot, const struct tcpstate_handshake *shake, bool locked);
void tcpstate_suspects_note(struct tcpstate_listeners *listeners,
			    struct tcpstate_detector *detector,
			    const struct tcpstate_handshake *shake);
void tcpstate_suspects_tell(struct tcpstate_listeners *listeners,
			    const struct tcpstate_handshake *shake);
void tcpstate_lobby_tell(struct tcpstate_listeners *listeners, enum tcpstate_half was,
			 enum tcpstate_half is, const struct tcpstate_handshake *shake);
void tcpstate_lobby_leave(struct tcpstate_listeners *listeners, const struct tcpstate_host *host,
			  u32 hash, struct tcpstate_tally *tally,
			  struct tcpstate_docket *docket);

/* The judge's. */
void tcpstate_lobby_open(struct tcpstate_listeners *listeners, struct tcpstate_detector *detector);
void tcpstate_lobby_drain(struct tcpstate_listeners *listeners,
			  struct tcpstate_detector *detector);
bool tcpstate_slots_full(const struct tcpstate_listeners *listeners);
void tcpstate_slot_remove(struct tcpstate_listeners *listeners,
			  struct tcpstate_listener *listener);
void tcpstate_listener_sum(const struct tcpstate_listener *listener, struct tcpstate_tally *sum);

#endif /* _TCPSTATE_LISTENER_H */
