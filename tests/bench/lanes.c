// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes get identical segments and take turns by slices, which are long against
 * what a lane must fetch into the cache after another's turn, and short against
 * what else happens on the machine. Their hooks are called as the kernel would:
 * RCU read side, BH disabled, in batches as a poll of a NIC would deliver.
 * Building segments is not timed.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <net/netfilter/nf_conntrack.h>

#include "bench.h"

#define INTERRUPTED 20		/* times the fastest batch: no hook varies so */
#define TURNS 4			/* that each lane has in a short stream */

/* Who has come to where all CPUs begin a batch together, counted up for ever. */
static atomic_t arrived;
static bool broken;

/* Returns false when another CPU has given up, for it will not come. */
static bool meet(unsigned int cpus)
{
	unsigned int until;

	if (cpus == 1)
		return true;
	until = roundup(atomic_inc_return(&arrived), cpus);
	while ((int)(until - atomic_read(&arrived)) > 0) {
		if (READ_ONCE(broken))
			return false;
		cpu_relax();
	}
	return true;
}

/**
 * bench_account() - take down what a batch took
 * @figures: whose
 * @n: segments
 * @accepted: of which so many were accepted
 * @ns: time
 */
void bench_account(struct bench_figures *figures, unsigned int n, unsigned int accepted, u64 ns)
{
	u64 each = div_u64(ns, n);

	figures->segments += n;
	figures->refused += n - accepted;
	figures->fastest = clamp(each, 1ULL, figures->fastest);
	if (each > figures->fastest * INTERRUPTED)
		figures->interrupted += n;
	else
		figures->ns += ns;
}

static bool pass(const struct bench_hook *hook, unsigned int hooks, struct sk_buff *skb)
{
	unsigned int i;

	for (i = 0; i < hooks; i++)
		if (nf_hook_entry_hookfn(&hook[i].entry, skb, hook[i].state) != NF_ACCEPT)
			return false;
	return true;
}

/*
 * As nf_hook_slow_list() has it: those of a list all pass PRE_ROUTING before the
 * first of them goes on. One loop for every lane, so that what they differ by is
 * their own. What conntrack leaves in the skb is given back as when it is freed.
 */
static unsigned int drive(struct sk_buff **batch, const struct bench_path *path, unsigned int n,
			  unsigned int group)
{
	unsigned int accepted = 0, i, j, end;

	for (i = 0; i < n; i = end) {
		end = min(i + group, n);
		for (j = i; j < end; j++)
			accepted += pass(path->early, path->earlies, batch[j]);
		for (j = i; j < end; j++) {
			accepted += !!skb_nfct(batch[j]) == path->tracked &&
				    pass(path->late, path->lates, batch[j]);
			nf_reset_ct(batch[j]);
		}
	}
	/* Each of them counts twice. */
	return accepted - min(accepted, n);
}

static int run_hooks(struct bench_worker *worker, enum bench_lane_id lane,
		     const struct bench_stream *stream, unsigned int n)
{
	struct bench_path path;
	unsigned int accepted;
	u64 start;
	int err;

	local_bh_disable();
	rcu_read_lock();
	err = bench_hooks_find(lane, &path);
	if (!err && !meet(stream->cpus))
		err = -ECANCELED;
	if (!err) {
		start = ktime_get_ns();
		accepted = drive(worker->batch, &path, n, stream->group);
		bench_account(&worker->figures[lane], n, accepted, ktime_get_ns() - start);
	}
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

/* Segments @i to @end of the stream for one lane. */
static int run_slice(struct bench_worker *worker, enum bench_lane_id lane,
		     const struct bench_stream *stream, u32 i, u32 end)
{
	unsigned int n;
	int err = 0;

	while (i < end && !err) {
		for (n = 0; n < BENCH_BATCH && i < end; n++)
			bench_build(worker, lane, stream, i++, worker->batch[n]);
		if (lane == BENCH_WIRE)
			err = bench_wire_batch(worker, n);
		else
			err = run_hooks(worker, lane, stream, n);
		cond_resched();
	}
	return err;
}

static int run_lanes(struct bench_worker *worker, const struct bench_stream *stream)
{
	u32 slice = clamp_t(u32, stream->segments / TURNS, BENCH_BATCH, BENCH_SLICE);
	unsigned int turn = bench.turn, lane, l;
	u32 i, end;
	int err;

	for (i = 0; i < stream->segments; i = end) {
		end = min(i + slice, stream->segments);
		for (l = 0; l < BENCH_LANES; l++) {
			lane = (turn + l) % BENCH_LANES;
			err = bench.lanes & BIT(lane) ?
			      run_slice(worker, lane, stream, i, end) : 0;
			if (err)
				return err;
		}
		turn++;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/**
 * struct errand - what a thread is sent for
 * @worker: whose it is
 * @stream: which segments
 */
struct errand {
	struct bench_worker *worker;
	const struct bench_stream *stream;
};

static int run_thread(void *data)
{
	struct errand *errand = data;
	struct bench_worker *worker = errand->worker;

	worker->err = run_lanes(worker, errand->stream);
	if (worker->err)
		WRITE_ONCE(broken, true);
	complete(&worker->done);
	return 0;
}

static int run_together(const struct bench_stream *stream)
{
	struct task_struct *task[BENCH_CPUS];
	struct errand errand[BENCH_CPUS];
	unsigned int i, n;
	int err = 0;

	WRITE_ONCE(broken, false);
	atomic_set(&arrived, 0);
	for (n = 0; n < stream->cpus; n++) {
		errand[n] = (struct errand){ &bench.worker[n], stream };
		init_completion(&bench.worker[n].done);
		task[n] = kthread_create(run_thread, &errand[n], "tcpstate_bench/%u", n);
		if (IS_ERR(task[n]))
			break;
		kthread_bind(task[n], n);
	}
	for (i = 0; i < n; i++) {
		if (n < stream->cpus)
			kthread_stop(task[i]);
		else
			wake_up_process(task[i]);
	}
	if (n < stream->cpus)
		return PTR_ERR(task[n]);
	for (i = 0; i < n; i++) {
		wait_for_completion(&bench.worker[i].done);
		if (bench.worker[i].err && err != -ENOENT)
			err = bench.worker[i].err;
	}
	return err;
}

/**
 * bench_forget_figures() - begin a command
 */
void bench_forget_figures(void)
{
	unsigned int w, l;

	for (w = 0; w < BENCH_CPUS; w++) {
		memset(bench.worker[w].figures, 0, sizeof(bench.worker[w].figures));
		for (l = 0; l < BENCH_LANES; l++)
			bench.worker[w].figures[l].fastest = U64_MAX;
	}
}

/**
 * bench_run() - give all lanes a stream of segments
 * @stream: the segments
 *
 * Return: 0 or a negative errno. Then the lanes have parted for good.
 */
int bench_run(const struct bench_stream *stream)
{
	int err;

	bench_hooks_learn();
	err = stream->cpus > 1 ? run_together(stream) : run_lanes(&bench.worker[0], stream);
	bench.turn++;
	return err;
}
