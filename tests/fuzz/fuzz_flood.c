// SPDX-License-Identifier: GPL-2.0
/*
 * The flood detector, given any handshakes: the sample is held against a list of what
 * should be in it, heavy hitters against a count of each, and what the judges find must
 * be possible.
 *
 * An input is the thresholds, and then four octets for each thing that happens.
 */
#include <sys/socket.h>

#include "cohort.h"
#include "fuzz.h"
#include "suspect.h"
#include "verdict.h"

#define LISTENERS 2
#define HOSTS	  64
#define PENDING	  4096
#define TICKS	  200	/* for each the whole sample is walked through */

/* A SYN that is in the sample, as told by tcpstate_sample_syn(). */
struct pending {
	uint32_t hash;
	unsigned int slot;
	unsigned int host;
	uint32_t born;
	unsigned int marks;
};

struct listener {
	struct tcpstate_account account;
	struct tcpstate_sources sources;
	struct tcpstate_reading reading;
	bool silent;
	/* Of every cohort that is not over, what was credited to it. */
	unsigned int fates[TCPSTATE_COHORTS][TCPSTATE_FATE_MAX];
};

static struct tcpstate_sample sample;
static struct listener listeners[LISTENERS];
static struct tcpstate_suspects suspects;
static struct pending pending[PENDING];
static unsigned int waiting;

/* Few low bits and few high ones: many meet in a bucket, and shifts choose among them. */
static uint32_t hash_of(unsigned int host, unsigned int port)
{
	uint32_t x = (host * 256 + port) * 0x9e3779b1u;

	return (host & 1 ? x & 0xff000000 : x) | (port & 7) << 8 | (x >> 13 & 0xff & -(port & 1));
}

static struct tcpstate_host address(unsigned int host)
{
	return (struct tcpstate_host){ .addr = { host + 1 }, .family = AF_INET };
}

static struct pending *find(unsigned int slot, uint32_t hash)
{
	for (unsigned int i = 0; i < waiting; i++)
		if (pending[i].hash == hash && pending[i].slot == slot &&
		    sample.tick - pending[i].born < TCPSTATE_SAMPLE_TICKS)
			return &pending[i];
	return NULL;
}

static void credit(struct listener *listener, uint32_t born, enum tcpstate_fate fate)
{
	listener->fates[born % TCPSTATE_COHORTS][fate]++;
}

static void forget(struct pending *of)
{
	*of = pending[--waiting];
}

static void on_syn(unsigned int slot, unsigned int host, unsigned int port)
{
	struct listener *listener = &listeners[slot];
	uint32_t hash = hash_of(host, port);
	struct tcpstate_host source = address(host);
	struct pending *known = find(slot, hash);

	listener->reading.syn++;
	tcpstate_sources_asked(&listener->sources, hash);
	switch (tcpstate_sample_syn(&sample, &listener->account.cohorts, slot, hash)) {
	case TCPSTATE_SAMPLED:
		MUST(!known);
		MUST(waiting < PENDING);
		pending[waiting++] = (struct pending){ hash, slot, host, sample.tick, 0 };
		credit(listener, sample.tick, TCPSTATE_FATE_BORN);
		tcpstate_sources_wait(&listener->sources, &source);
		break;
	case TCPSTATE_SAMPLED_BEFORE:
		MUST(known);
		if (!(known->marks & 1u << TCPSTATE_FATE_RETRANS))
			credit(listener, known->born, TCPSTATE_FATE_RETRANS);
		known->marks |= 1u << TCPSTATE_FATE_RETRANS;
		break;
	case TCPSTATE_NOT_SAMPLED:
		MUST(!known);
	}
}

static void on_fate(unsigned int slot, unsigned int host, unsigned int port,
		    enum tcpstate_fate fate)
{
	struct listener *listener = &listeners[slot];
	uint32_t hash = hash_of(host, port);
	struct tcpstate_host source = address(host);
	struct pending *known = find(slot, hash);
	bool news = known && !(fate < TCPSTATE_FATE_REFUSED && known->marks & 1u << fate);

	MUST(tcpstate_sample_mark(&sample, &listener->account.cohorts, slot, hash, fate) == news);
	if (fate == TCPSTATE_FATE_COMPLETED)
		tcpstate_sources_came(&listener->sources, hash);
	if (!news)
		return;
	credit(listener, known->born, fate);
	known->marks |= 1u << fate;
	if (fate < TCPSTATE_FATE_REFUSED)
		return;
	tcpstate_sources_settle(&listener->sources, &source);
	forget(known);
}

static void check_cohort(const struct listener *listener, uint32_t tick)
{
	unsigned int at = tick % TCPSTATE_COHORTS;
	struct tcpstate_cohort cohort = tcpstate_cohort_of(&listener->account, tick);
	uint64_t first = atomic64_read(&listener->account.cohorts.fates[at][0]);
	uint64_t second = atomic64_read(&listener->account.cohorts.fates[at][1]);

	for (unsigned int fate = 0; fate < TCPSTATE_FATE_MAX; fate++)
		MUST(tcpstate_fates_count(first, fate) + tcpstate_fates_count(second, fate) ==
		     listener->fates[at][fate]);
	MUST(cohort.syn <= TCPSTATE_COHORT_MAX);
	MUST(cohort.done + cohort.refused + cohort.hung + cohort.unheard <= cohort.syn);
	MUST(cohort.retrans <= cohort.syn);
}

static void check_finding(const struct listener *listener, enum tcpstate_turn turn,
			  unsigned int before)
{
	const struct tcpstate_finding *finding = &listener->account.finding;
	struct tcpstate_share share[TCPSTATE_TOP];
	unsigned int n, sum = 0;

	MUST(finding->verdict >= TCPSTATE_VERDICT_OK && finding->verdict < TCPSTATE_VERDICT_SCAN);
	MUST(finding->completion <= 256 || finding->completion == TCPSTATE_UNKNOWN);
	MUST(finding->usual <= 256 && finding->concentration <= 256);
	MUST(!listener->silent || !tcpstate_verdict_flood(finding->verdict));
	MUST((turn == TCPSTATE_TURN_BEGAN) == (!tcpstate_verdict_trouble(before) &&
					       tcpstate_verdict_trouble(finding->verdict)));
	MUST((turn == TCPSTATE_TURN_ENDED) == (tcpstate_verdict_trouble(before) &&
					       !tcpstate_verdict_trouble(finding->verdict)));
	MUST((turn == TCPSTATE_TURN_CHANGED) == (tcpstate_verdict_trouble(before) &&
						 tcpstate_verdict_trouble(finding->verdict) &&
						 before != finding->verdict));
	MUST(strcmp(tcpstate_verdict_name(finding->verdict), "unknown"));

	n = tcpstate_sources_top(&listener->sources, share);
	MUST(n <= TCPSTATE_TOP);
	for (unsigned int i = 0; i < n; i++) {
		MUST(share[i].share <= 256 && (!i || share[i].share <= share[i - 1].share));
		sum += share[i].share;
	}
	MUST(sum <= 256 || finding->concentration == 256);
}

static void judge(const struct tcpstate_thresholds *thresholds, uint64_t now)
{
	for (unsigned int i = 0; i < LISTENERS; i++) {
		struct listener *listener = &listeners[i];
		unsigned int before = listener->account.finding.verdict;
		enum tcpstate_turn turn;

		for (unsigned int age = 0; age < TCPSTATE_COHORTS - 2; age++)
			check_cohort(listener, sample.tick - age);
		turn = tcpstate_verdict_judge(&listener->account,
					      listener->silent ? NULL : &listener->sources,
					      &listener->reading, thresholds, sample.tick,
					      sample.quota, now);
		check_finding(listener, turn, before);
		memset(listener->fates[(sample.tick + 1) % TCPSTATE_COHORTS], 0,
		       sizeof(listener->fates[0]));
	}
	for (unsigned int i = 0; i < TCPSTATE_SUSPECTS; i++) {
		enum tcpstate_turn turn;

		turn = tcpstate_suspects_judge(&suspects, i, thresholds, now);
		MUST(turn != TCPSTATE_TURN_CHANGED);
		MUST(suspects.about[i].guilty == suspects.hitter[i].pinned);
		MUST(suspects.hitter[i].error <= suspects.hitter[i].count);
		MUST(turn != TCPSTATE_TURN_BEGAN || suspects.about[i].guilty);
		MUST(turn != TCPSTATE_TURN_ENDED || !suspects.about[i].guilty);
	}
	tcpstate_suspects_turn(&suspects);
	tcpstate_sample_turn(&sample);
	MUST(sample.quota >= TCPSTATE_QUOTA_MIN && sample.quota <= TCPSTATE_QUOTA_MAX);
	for (unsigned int i = 0; i < waiting; )
		if (sample.tick - pending[i].born >= TCPSTATE_SAMPLE_TICKS)
			forget(&pending[i]);
		else
			i++;
	MUST(sample.live == waiting);
	/* What waits must be found again, however the share that is sampled changed. */
	for (unsigned int i = 0; i < waiting; i++)
		MUST(tcpstate_sample_may_know(&listeners[pending[i].slot].account.cohorts,
					      pending[i].hash));
}

/* Space-Saving by itself: a count of each, and what the table says of it. */
static void check_hitters(const uint8_t *data, size_t size)
{
	struct tcpstate_hitter set[TCPSTATE_SUSPECT_WAYS] = { 0 }, *hitter;
	unsigned int counts[256] = { 0 }, sum = 0;
	bool fresh;

	for (size_t i = 0; i < size; i++) {
		struct tcpstate_host host = address(data[i] & 31);

		counts[data[i] & 31]++;
		hitter = tcpstate_hitters_add(set, LENGTH(set), &host, &fresh);
		MUST(hitter && !memcmp(&hitter->host, &host, sizeof(host)));
		MUST(tcpstate_hitters_find(set, LENGTH(set), &host) == hitter);
	}
	for (unsigned int i = 0; i < LENGTH(set); i++) {
		unsigned int truly = set[i].host.family ? counts[set[i].host.addr[0] - 1] : 0;

		sum += set[i].count;
		MUST(set[i].count >= truly && tcpstate_hitter_surely(&set[i]) <= truly);
	}
	MUST(sum == size);
}

/* Distinct: the order does not matter, nor what was added before. */
static void check_distinct(const uint8_t *data, size_t size)
{
	struct tcpstate_distinct there = { 0 }, back = { 0 }, none = { 0 };
	uint32_t count = 0, hash, estimate;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		memcpy(&hash, data + i, 4);
		tcpstate_distinct_add(&there, hash);
		memcpy(&hash, data + (size & ~3) - 4 - i, 4);
		tcpstate_distinct_add(&back, hash);
		tcpstate_distinct_add(&back, hash);
		count++;
	}
	estimate = tcpstate_distinct_estimate(&there, &none);
	MUST(!memcmp(&there, &back, sizeof(there)));
	MUST(estimate == tcpstate_distinct_estimate(&none, &back));
	MUST(estimate == tcpstate_distinct_estimate(&there, &back));
	MUST(!estimate == !count);
}

static void take_thresholds(struct input *input, struct tcpstate_thresholds *thresholds)
{
	uint32_t *number = (uint32_t *)thresholds;
	uint16_t which = input_u16(input);

	*thresholds = TCPSTATE_THRESHOLDS;
	for (unsigned int i = 0; i < sizeof(*thresholds) / sizeof(*number); i++)
		if (which >> i & 1) {
			uint8_t octet = input_u8(input);

			/* As sysctl takes them. */
			number[i] = octet < 128 ? octet + 1 : (octet - 127) << 12;
		}
}

static void happen(struct input *input, const struct tcpstate_thresholds *thresholds,
		   uint64_t *now, unsigned int *ticks)
{
	uint8_t op[4];
	unsigned int slot, host, port, n;
	struct tcpstate_host source;

	input_take(input, op, sizeof(op));
	slot = op[0] >> 7;
	host = op[1] % HOSTS;
	port = op[2];
	source = address(host);
	switch (op[0] & 15) {
	case 0 ... 3:		/* one, or many from everywhere */
		n = op[0] & 2 ? 1 + op[3] : 1;
		for (unsigned int i = 0; i < n; i++)
			on_syn(slot, (host + i) % HOSTS, port + i);
		break;
	case 4:
	case 5:
	case 6:
		n = op[0] & 0x40 ? 1 + op[3] : 1;
		for (unsigned int i = 0; i < n; i++)
			on_fate(slot, (host + i) % HOSTS, port + i,
				1 + (op[0] >> 4 & 3) % (TCPSTATE_FATE_MAX - 1) + (op[3] & 1));
		break;
	case 7:
		on_fate(slot, host, port, TCPSTATE_FATE_COMPLETED);
		break;
	case 8 ... 10:		/* a tick, or several */
		for (n = op[0] & 2 ? 1 + op[3] % 32 : 1; n && *ticks < TICKS; n--) {
			*now += TCPSTATE_TICK_MS + (op[2] & 1) * op[1];
			judge(thresholds, *now);
			++*ticks;
		}
		break;
	case 11:		/* more than can be sampled */
		listeners[slot].reading.syn += (uint32_t)op[1] << (op[2] & 31);
		break;
	case 12:
		listeners[slot].reading.strain += (uint32_t)op[1] << (op[2] & 31);
		listeners[slot].reading.syn_recv = op[3] << (op[2] >> 5);
		listeners[slot].reading.lingering = op[3] << (op[2] >> 5 & 3);
		break;
	case 13:
	case 14:
		for (n = 0; n <= op[3]; n++)
			tcpstate_suspects_charge(&suspects, &source, hash_of(host, 0),
						 hash_of(n, port));
		break;
	case 15:
		tcpstate_suspects_pardon(&suspects, &source, hash_of(host, 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct tcpstate_thresholds thresholds;
	uint64_t now = 1000000;
	unsigned int shape, ticks = 0;

	memset(&sample, 0, sizeof(sample));
	memset(listeners, 0, sizeof(listeners));
	memset(&suspects, 0, sizeof(suspects));
	waiting = 0;
	tcpstate_sample_init(&sample);
	shape = input_u8(&input);
	sample.tick = (shape & 4 ? 0xfffffff0 : shape & 8 ? 0xff0 : 0);
	suspects.verdict = shape & 1 ? TCPSTATE_VERDICT_SCAN : TCPSTATE_VERDICT_REFLECTION_VICTIM;
	listeners[1].silent = shape & 2;
	take_thresholds(&input, &thresholds);
	check_hitters(input.at, input.left);
	check_distinct(input.at, input.left);
	while (input.left)
		happen(&input, &thresholds, &now, &ticks);
	return 0;
}
