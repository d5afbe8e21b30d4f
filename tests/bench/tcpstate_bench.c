// SPDX-License-Identifier: GPL-2.0
/*
 * What a segment costs: tcpstate's hook and nf_conntrack's, timed in turn over
 * the same segments. tests/bench/run drives this and makes figures of it.
 *
 * A command is written to /sys/kernel/debug/tcpstate_bench, and the write
 * returns when the work is done:
 *
 *	ipv4 N		begin anew with N established flows; conntrack is emptied
 *	ipv6 N		first, tcpstate the caller must have emptied
 *	data N		N data segments, flow by flow
 *	random N	N data segments, each of a flow at random
 *	syn N		N SYNs, each of a new connection
 *	life N		N new connections from SYN to TIME_WAIT, ten segments each
 *
 * Then a line a lane reads back: its name, segments, nanoseconds, refusals, and
 * how many of the segments are not in the nanoseconds, for the machine did
 * something else in their midst.
 *
 * Three lanes get identical segments: nobody, whose time is that of the loop
 * and the clock; tcpstate, its PRE_ROUTING hook; conntrack, its PRE_ROUTING and
 * its POST_ROUTING hook, as though all were forwarded, and the release of the
 * reference that it leaves in the skb.
 * All are called as the kernel would: as they are registered in the namespace
 * that the module was loaded in, RCU read side, BH disabled, in batches as a
 * poll of a NIC would deliver. The lanes take turns by slices, which are long
 * against what a lane must fetch into the cache after another's turn, and short
 * against what else happens on the machine. Building segments is not timed.
 */
#include <linux/debugfs.h>
#include <linux/etherdevice.h>
#include <linux/hash.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/nsproxy.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/tcp.h>

#define BATCH 32		/* segments under one BH-disabled stretch */
#define SLICE (64 * BATCH)	/* segments of one lane's turn */
#define ABREAST 1024		/* lives that are led in step */
#define PAYLOAD 1000		/* octets of a data segment */
#define INTERRUPTED 20		/* times the fastest batch: no hook varies so */
#define FLOWS_MAX 4000000
#define SEGMENTS_MAX 64000000

#define WSCALE 7
#define WINDOW_SYN 64240
#define WINDOW 502		/* scaled, nearly the same */

/* Ours; this and conntrack's are the same in both families. */
#define PRIORITY (NF_IP_PRI_NAT_DST + 3)

/**
 * struct step - a segment of a flow, numbers relative to the initial ones
 * @from: 0 for the initiator, 1 for the responder
 * @flags: octet 13 of the header
 * @seq: sequence number
 * @ack: number that it acknowledges
 * @len: octets of payload
 * @stamp: timestamp
 */
struct step {
	u8 from;
	u8 flags;
	u32 seq;
	u32 ack;
	u32 len;
	u32 stamp;
};

#define P PAYLOAD
static const struct step life[] = {
	{ 0, TCPHDR_SYN,		0,	0,	0, 1 },
	{ 1, TCPHDR_SYN | TCPHDR_ACK,	0,	1,	0, 2 },
	{ 0, TCPHDR_ACK,		1,	1,	0, 3 },
	{ 0, TCPHDR_PSH | TCPHDR_ACK,	1,	1,	P, 4 },
	{ 1, TCPHDR_ACK,		1,	P + 1,	0, 5 },
	{ 1, TCPHDR_PSH | TCPHDR_ACK,	1,	P + 1,	P, 6 },
	{ 0, TCPHDR_ACK,		P + 1,	P + 1,	0, 7 },
	{ 0, TCPHDR_FIN | TCPHDR_ACK,	P + 1,	P + 1,	0, 8 },
	{ 1, TCPHDR_FIN | TCPHDR_ACK,	P + 1,	P + 2,	0, 9 },
	{ 0, TCPHDR_ACK,		P + 2,	P + 2,	0, 10 },
};

#undef P

#define HANDSHAKE 3		/* steps of a life until it is established */

/**
 * struct stream - which segments there are
 * @kind: the shape of the stream
 * @first: STREAM_LIVES: number of the first flow
 * @flows: how many flows take part
 * @steps: STREAM_LIVES: how far each life is led
 * @segments: length of the stream
 */
struct stream {
	enum { STREAM_LIVES, STREAM_DATA, STREAM_RANDOM } kind;
	u32 first;
	u32 flows;
	u32 steps;
	u32 segments;
};

/**
 * struct lane - who is timed, and how far its copy of the stream has come
 * @name: for the reader
 * @sent: data segments so far, per established flow
 * @random: which flow is next
 * @segments: that it got for the last command
 * @ns: time that they took, but for @interrupted
 * @fastest: nanoseconds a segment of its fastest batch
 * @interrupted: segments of batches that were interrupted
 * @refused: how many of them were not accepted, or not tracked
 */
struct lane {
	const char *name;
	u32 *sent;
	struct rnd_state random;
	u32 segments;
	u64 ns;
	u64 fastest;
	u32 interrupted;
	u32 refused;
};

enum { NOBODY, TCPSTATE, CONNTRACK, LANES };

/* Protects all of the bench: commands and readers. */
static DEFINE_MUTEX(lock);

static struct lane lanes[LANES] = {
	[NOBODY]	= { .name = "nobody" },
	[TCPSTATE]	= { .name = "tcpstate" },
	[CONNTRACK]	= { .name = "conntrack" },
};

static struct net *net;
static struct net_device *dev;		/* what the segments come in by; never registered */
static struct dentry *file;
static struct sk_buff *batch[BATCH];
static u8 family = NFPROTO_IPV4;
static u32 established;			/* flows 0 to this are established */
static u32 fresh;			/* number of the next new flow */
static unsigned int turn;		/* the lane that begins the next slice */

static void build_tcp(struct tcphdr *th, u32 flow, const struct step *step)
{
	bool syn = step->flags & TCPHDR_SYN;
	__be32 *option = (__be32 *)(th + 1);
	__be16 port[2] = { htons(32768 + flow % 16 * 1787), htons(443) };

	*th = (struct tcphdr){
		.source = port[step->from],
		.dest = port[!step->from],
		.seq = htonl(hash_32(flow * 2 + step->from, 32) + step->seq),
		.window = htons(syn ? WINDOW_SYN : WINDOW),
		.doff = (sizeof(*th) + (syn ? 20 : 12)) / 4,
	};
	tcp_flag_byte(th) = step->flags;
	if (step->flags & TCPHDR_ACK)
		th->ack_seq = htonl(hash_32(flow * 2 + !step->from, 32) + step->ack);

	if (syn) {
		*option++ = htonl(TCPOPT_MSS << 24 | TCPOLEN_MSS << 16 | 1460);
		*option++ = htonl(TCPOPT_SACK_PERM << 24 | TCPOLEN_SACK_PERM << 16 |
				  TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
	} else {
		*option++ = htonl(TCPOPT_NOP << 24 | TCPOPT_NOP << 16 |
				  TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
	}
	*option++ = htonl(step->stamp);
	*option++ = htonl(step->stamp - 1);
	if (syn)
		*option = htonl(TCPOPT_NOP << 24 | TCPOPT_WINDOW << 16 |
				TCPOLEN_WINDOW << 8 | WSCALE);
}

static void build_ipv4(struct iphdr *iph, u32 flow, const struct step *step, u32 len)
{
	__be32 addr[2] = { htonl(0x0a000000 + flow / 16), htonl(0xc0000201) };

	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tot_len = htons(sizeof(*iph) + len),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = addr[step->from],
		.daddr = addr[!step->from],
	};
	ip_send_check(iph);
}

static void build_ipv6(struct ipv6hdr *iph, u32 flow, const struct step *step, u32 len)
{
	struct in6_addr addr[2] = {
		{ .s6_addr32 = { htonl(0x20010db8), htonl(flow / 16), 0, htonl(2) } },
		{ .s6_addr32 = { htonl(0x20010db8), htonl(1 << 31), 0, htonl(1) } },
	};

	*iph = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(len),
		.nexthdr = NEXTHDR_TCP,
		.hop_limit = 64,
		.saddr = addr[step->from],
		.daddr = addr[!step->from],
	};
}

/* Headers anew in an skb that is used for ever, as though a NIC had received it. */
static void build(struct sk_buff *skb, u32 flow, const struct step *step)
{
	u32 iplen = family == NFPROTO_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct tcphdr *th = (struct tcphdr *)(skb->data + iplen);
	u32 len;

	build_tcp(th, flow, step);
	len = th->doff * 4 + step->len;
	if (family == NFPROTO_IPV4)
		build_ipv4((struct iphdr *)skb->data, flow, step, len);
	else
		build_ipv6((struct ipv6hdr *)skb->data, flow, step, len);
	__skb_trim(skb, 0);
	__skb_put(skb, iplen + len);
	skb->protocol = family == NFPROTO_IPV4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	/* The NIC has verified the checksum, so nobody asks for it. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
}

/* Segment number @i of the stream, into @skb. */
static void build_next(struct sk_buff *skb, struct lane *lane, const struct stream *stream, u32 i)
{
	struct step step = { .flags = TCPHDR_PSH | TCPHDR_ACK, .len = PAYLOAD };
	u32 flow, group, size, k;

	if (stream->kind == STREAM_LIVES) {
		group = i / (ABREAST * stream->steps) * ABREAST;
		size = min_t(u32, ABREAST, stream->flows - group);
		i -= group * stream->steps;
		build(skb, stream->first + group + i % size, &life[i / size]);
		return;
	}
	if (stream->kind == STREAM_DATA)
		flow = i % stream->flows;
	else
		flow = prandom_u32_state(&lane->random) % stream->flows;
	/* The two ends send in turn, and acknowledge all that came. */
	k = lane->sent[flow]++;
	step.from = k % 2;
	step.seq = 1 + PAYLOAD * (k / 2);
	step.ack = step.seq + (step.from ? PAYLOAD : 0);
	step.stamp = HANDSHAKE + 1 + k;
	build(skb, flow, &step);
}

static unsigned int accept(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static bool find_hook(struct nf_hook_entry *found, unsigned int hooknum, int priority)
{
	const struct nf_hook_entries *entries;
	struct nf_hook_ops **ops;
	unsigned int i;

	if (family == NFPROTO_IPV4)
		entries = rcu_dereference(net->nf.hooks_ipv4[hooknum]);
	else
		entries = rcu_dereference(net->nf.hooks_ipv6[hooknum]);
	if (!entries)
		return false;
	ops = nf_hook_entries_get_hook_ops(entries);
	for (i = 0; i < entries->num_hook_entries; i++) {
		if (ops[i]->priority != priority)
			continue;
		*found = entries->hooks[i];
		return true;
	}
	return false;
}

static void init_in(struct nf_hook_state *state)
{
	nf_hook_state_init(state, NF_INET_PRE_ROUTING, family, dev, NULL, NULL, net, NULL);
}

static void init_out(struct nf_hook_state *state)
{
	nf_hook_state_init(state, NF_INET_POST_ROUTING, family, NULL, dev, NULL, net, NULL);
}

static void account(struct lane *lane, unsigned int n, unsigned int accepted, u64 ns)
{
	u64 each = div_u64(ns, n);

	lane->segments += n;
	lane->refused += n - accepted;
	lane->fastest = clamp(each, 1ULL, lane->fastest);
	if (each > lane->fastest * INTERRUPTED)
		lane->interrupted += n;
	else
		lane->ns += ns;
}

/* One loop for nobody and for us, so that the difference is ours. */
static void drive(struct lane *lane, const struct nf_hook_entry *hook, unsigned int n)
{
	struct nf_hook_state in;
	unsigned int i, accepted = 0;
	u64 start;

	init_in(&in);
	start = ktime_get_ns();
	for (i = 0; i < n; i++)
		accepted += nf_hook_entry_hookfn(hook, batch[i], &in) == NF_ACCEPT;
	account(lane, n, accepted, ktime_get_ns() - start);
}

static void drive_conntrack(struct lane *lane, const struct nf_hook_entry *track,
			    const struct nf_hook_entry *confirm, unsigned int n)
{
	struct nf_hook_state in, out;
	unsigned int i, accepted = 0;
	u64 start;

	init_in(&in);
	init_out(&out);
	start = ktime_get_ns();
	for (i = 0; i < n; i++) {
		accepted += nf_hook_entry_hookfn(track, batch[i], &in) == NF_ACCEPT &&
			    skb_nfct(batch[i]) &&
			    nf_hook_entry_hookfn(confirm, batch[i], &out) == NF_ACCEPT;
		nf_reset_ct(batch[i]);
	}
	account(lane, n, accepted, ktime_get_ns() - start);
}

/* Who is not there cannot be measured. */
static int run_batch(struct lane *lane, unsigned int n)
{
	struct nf_hook_entry hook = { .hook = accept }, confirm;
	int err = 0;

	local_bh_disable();
	rcu_read_lock();
	if (lane == &lanes[CONNTRACK]) {
		if (find_hook(&hook, NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK) &&
		    find_hook(&confirm, NF_INET_POST_ROUTING, NF_IP_PRI_CONNTRACK_CONFIRM))
			drive_conntrack(lane, &hook, &confirm, n);
		else
			err = -ENOENT;
	} else {
		if (lane == &lanes[NOBODY] || find_hook(&hook, NF_INET_PRE_ROUTING, PRIORITY))
			drive(lane, &hook, n);
		else
			err = -ENOENT;
	}
	rcu_read_unlock();
	local_bh_enable();
	return err;
}

/* Segments @i to @end of the stream for one lane. */
static int run_slice(struct lane *lane, const struct stream *stream, u32 i, u32 end)
{
	unsigned int n;
	int err = 0;

	while (i < end && !err) {
		for (n = 0; n < BATCH && i < end; n++)
			build_next(batch[n], lane, stream, i++);
		err = run_batch(lane, n);
		cond_resched();
	}
	return err;
}

static int run(const struct stream *stream)
{
	unsigned int l;
	u32 i, end;
	int err;

	for (l = 0; l < LANES; l++) {
		lanes[l].segments = 0;
		lanes[l].ns = 0;
		lanes[l].fastest = U64_MAX;
		lanes[l].interrupted = 0;
		lanes[l].refused = 0;
	}
	for (i = 0; i < stream->segments; i = end) {
		end = min_t(u32, i + SLICE, stream->segments);
		for (l = 0; l < LANES; l++) {
			err = run_slice(&lanes[(turn + l) % LANES], stream, i, end);
			if (err)
				return err;
		}
		turn++;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int forget_entry(struct nf_conn *ct, void *data)
{
	return 1;
}

static void forget(void)
{
	const struct nf_ct_iter_data all = { .net = net };
	unsigned int l;

	nf_ct_iterate_cleanup_net(forget_entry, &all);
	for (l = 0; l < LANES; l++) {
		kvfree(lanes[l].sent);
		lanes[l].sent = NULL;
	}
	established = 0;
	fresh = 0;
}

static int run_lives(u32 flows, u32 steps)
{
	struct stream stream = {
		.kind = STREAM_LIVES,
		.first = fresh,
		.flows = flows,
		.steps = steps,
		.segments = flows * steps,
	};

	fresh += flows;
	return run(&stream);
}

static int run_begin(u8 as_family, u32 flows)
{
	unsigned int l;
	int err;

	forget();
	family = as_family;
	for (l = 0; l < LANES; l++) {
		prandom_seed_state(&lanes[l].random, flows);
		lanes[l].sent = kvcalloc(max(flows, 1U), sizeof(u32), GFP_KERNEL);
		if (!lanes[l].sent)
			return -ENOMEM;
	}
	err = run_lives(flows, HANDSHAKE);
	if (!err)
		established = flows;
	return err;
}

static int run_data(bool random, u32 segments)
{
	struct stream stream = {
		.kind = random ? STREAM_RANDOM : STREAM_DATA,
		.flows = established,
		.segments = segments,
	};

	return established ? run(&stream) : -EINVAL;
}

static int command(const char *verb, u32 number)
{
	if (!strcmp(verb, "data") || !strcmp(verb, "random"))
		return number > SEGMENTS_MAX ? -ERANGE : run_data(*verb == 'r', number);
	/* A flow has an address and port of its own: there are not for more. */
	if (number > FLOWS_MAX || fresh > SEGMENTS_MAX)
		return -ERANGE;
	if (!strcmp(verb, "ipv4"))
		return run_begin(NFPROTO_IPV4, number);
	if (!strcmp(verb, "ipv6"))
		return run_begin(NFPROTO_IPV6, number);
	if (!strcmp(verb, "syn"))
		return run_lives(number, 1);
	if (!strcmp(verb, "life"))
		return run_lives(number, ARRAY_SIZE(life));
	return -EINVAL;
}

static ssize_t bench_write(struct file *f, const char __user *from, size_t length, loff_t *pos)
{
	char line[32] = "", verb[8];
	u32 number;
	int err;

	if (length >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, length))
		return -EFAULT;
	if (sscanf(line, "%7s %u", verb, &number) != 2)
		return -EINVAL;
	mutex_lock(&lock);
	err = command(verb, number);
	/* The lanes may have parted: only a new beginning helps. */
	if (err)
		established = 0;
	mutex_unlock(&lock);
	return err ?: length;
}

static int bench_show(struct seq_file *m, void *v)
{
	const struct lane *lane;

	mutex_lock(&lock);
	for (lane = lanes; lane < lanes + LANES; lane++)
		seq_printf(m, "%s %u %llu %u %u\n", lane->name, lane->segments, lane->ns,
			   lane->refused, lane->interrupted);
	mutex_unlock(&lock);
	return 0;
}

static int bench_open(struct inode *inode, struct file *f)
{
	return single_open(f, bench_show, NULL);
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.read = seq_read,
	.write = bench_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void free_batch(void)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		kfree_skb(batch[i]);
}

static int __init alloc_batch(void)
{
	struct sk_buff *skb;
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		skb = netdev_alloc_skb(dev, ETH_HLEN + 2 * sizeof(struct ipv6hdr) +
					    15 * 4 + PAYLOAD);
		if (!skb)
			return -ENOMEM;
		batch[i] = skb;
		skb_reset_mac_header(skb);
		skb_reserve(skb, ETH_HLEN);
		skb_reset_network_header(skb);
		skb->pkt_type = PACKET_HOST;
	}
	return 0;
}

static int __init bench_init(void)
{
	int err;

	net = get_net(current->nsproxy->net_ns);
	/* Makes conntrack's hooks come, and its module. */
	err = nf_ct_netns_get(net, NFPROTO_INET);
	if (err)
		goto put_net;
	err = -ENOMEM;
	dev = alloc_etherdev(0);
	if (!dev)
		goto put_conntrack;
	dev_net_set(dev, net);
	err = alloc_batch();
	if (err)
		goto free_batch;
	file = debugfs_create_file("tcpstate_bench", 0600, NULL, NULL, &bench_fops);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto free_batch;
	return 0;

free_batch:
	free_batch();
	free_netdev(dev);
put_conntrack:
	nf_ct_netns_put(net, NFPROTO_INET);
put_net:
	put_net(net);
	return err;
}

static void __exit bench_exit(void)
{
	debugfs_remove(file);
	forget();
	free_batch();
	free_netdev(dev);
	nf_ct_netns_put(net, NFPROTO_INET);
	put_net(net);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("What a segment costs tcpstate, and nf_conntrack");
MODULE_AUTHOR("The tcpstate founders");
MODULE_LICENSE("GPL");
