// SPDX-License-Identifier: GPL-2.0
/*
 * Segments along a real path: copies are sent through the device `bench0`, one
 * end of a veth pair, come in by the other, are routed, and leave by `bench1`, a
 * dummy that counts and frees them. Whoever is registered on the way is timed,
 * and all else too: copying, veth, routing. The caller has set that up, and its
 * router has the address ROUTER.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ktime.h>
#include <linux/netdevice.h>
#include <net/net_namespace.h>

#include "bench.h"

#define PATIENCE 1000		/* milliseconds until what has not arrived is lost */

static const u8 router[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x01 };

static struct net_device *from, *to;
static u64 awaited;

static u64 arrivals(void)
{
	struct rtnl_link_stats64 stats;

	return dev_get_stats(to, &stats)->tx_packets;
}

/**
 * bench_wire_begin() - take hold of the devices
 *
 * Return: 0, or -ENODEV when they are not there; bench_wire_end() is due after 0.
 */
int bench_wire_begin(void)
{
	from = dev_get_by_name(bench.net, "bench0");
	to = dev_get_by_name(bench.net, "bench1");
	if (!from || !to) {
		dev_put(from);
		dev_put(to);
		return -ENODEV;
	}
	awaited = arrivals();
	return 0;
}

static bool send(const struct sk_buff *template)
{
	struct sk_buff *skb = skb_copy(template, GFP_ATOMIC);

	if (!skb)
		return false;
	skb->dev = from;
	eth_header(skb, from, ntohs(skb->protocol), router, from->dev_addr, skb->len);
	return dev_queue_xmit(skb) == NET_XMIT_SUCCESS;
}

/**
 * bench_wire_batch() - send a batch
 * @worker: whose
 * @n: how many segments
 *
 * With BH enabled again, they are mostly on their way to the end of it.
 *
 * Return: 0.
 */
int bench_wire_batch(struct bench_worker *worker, unsigned int n)
{
	unsigned int i, accepted = 0;
	u64 start = ktime_get_ns();

	local_bh_disable();
	for (i = 0; i < n; i++)
		accepted += send(worker->batch[i]);
	local_bh_enable();
	bench_account(&worker->figures[BENCH_WIRE], n, accepted, ktime_get_ns() - start);
	awaited += accepted;
	return 0;
}

/**
 * bench_wire_end() - let go of the devices
 *
 * Return: 0, or -EIO when not all that was sent has arrived.
 */
int bench_wire_end(void)
{
	unsigned int i;
	int err = -EIO;

	for (i = 0; i < PATIENCE && err; i++) {
		if (arrivals() == awaited)
			err = 0;
		else
			usleep_range(1000, 2000);
	}
	dev_put(from);
	dev_put(to);
	return err;
}
