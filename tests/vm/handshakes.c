// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a multitude of established connections that have no hosts: handshakes by
 * hand, sent into the loopback device of this network namespace by a packet
 * socket, so that they pass PRE_ROUTING and then go nowhere.
 *
 *	handshakes FIRST COUNT [reset]
 *
 * With `reset` each ends with a RST by its initiator as soon as it is there.
 *
 * Connection n is between n-th address of 100.64.0.0/10 (n even) or fd00:64::/64
 * (n odd), port 1024 + n % 60000, and 10.9.2.2 or fd00:9:2::2, port 80 where n is
 * a multiple of 100 and else 443.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 96			/* connections that are sent at once */
#define STEPS 4				/* segments of a handshake, and a RST */

struct frame {
	struct ether_header link;
	union {
		struct {
			struct iphdr ip;
			struct tcphdr tcp;
		} __attribute__((packed)) v4;
		struct {
			struct ip6_hdr ip;
			struct tcphdr tcp;
		} __attribute__((packed)) v6;
	};
} __attribute__((packed));

static uint32_t sum(uint32_t total, const void *data, size_t size)
{
	const uint8_t *octet = data;

	for (size_t i = 0; i < size; i += 2)
		total += octet[i] << 8 | octet[i + 1];
	return total;
}

static uint16_t folded(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	return htons(~(total + (total >> 16)));
}

/* One TCP segment of connection n: its step 0, 1, 2 or 3. Returns the frame's length. */
static size_t build(struct frame *frame, uint32_t n, int step)
{
	struct tcphdr tcp = {
		.source = htons(1024 + n % 60000), .dest = htons(n % 100 ? 443 : 80),
		.seq = htonl(n), .ack_seq = htonl(~n + 1),
		.doff = 5, .window = htons(8192),
		.syn = step < 2, .ack = step > 0, .rst = step == 3,
	};
	uint32_t check = IPPROTO_TCP + sizeof(tcp);
	int back = step == 1;

	if (!step)
		tcp.ack_seq = 0;
	if (step >= 2)
		tcp.seq = htonl(n + 1);
	if (back) {
		uint16_t port = tcp.source;

		tcp.source = tcp.dest;
		tcp.dest = port;
		tcp.seq = htonl(~n);
		tcp.ack_seq = htonl(n + 1);
	}
	memset(frame, 0, sizeof(*frame));
	if (n % 2) {
		struct in6_addr ends[2];

		ends[back] = (struct in6_addr){ .s6_addr = { 0xfd, 0, 0, 0x64 } };
		ends[back].s6_addr32[3] = htonl(n);
		ends[!back] = (struct in6_addr){ .s6_addr = { 0xfd, 0, 0, 9, 0, 2, [15] = 2 } };
		frame->link.ether_type = htons(ETHERTYPE_IPV6);
		frame->v6.ip.ip6_flow = htonl(6 << 28);
		frame->v6.ip.ip6_plen = htons(sizeof(tcp));
		frame->v6.ip.ip6_nxt = IPPROTO_TCP;
		frame->v6.ip.ip6_hlim = 64;
		frame->v6.ip.ip6_src = ends[0];
		frame->v6.ip.ip6_dst = ends[1];
		check = sum(check, ends, sizeof(ends));
		tcp.check = folded(sum(check, &tcp, sizeof(tcp)));
		frame->v6.tcp = tcp;
		return sizeof(frame->link) + sizeof(frame->v6);
	}
	uint32_t ends[2];

	ends[back] = htonl((100 << 24 | 64 << 16) + n);
	ends[!back] = htonl(10 << 24 | 9 << 16 | 2 << 8 | 2);
	frame->link.ether_type = htons(ETHERTYPE_IP);
	frame->v4.ip.version = 4;
	frame->v4.ip.ihl = 5;
	frame->v4.ip.tot_len = htons(sizeof(frame->v4));
	frame->v4.ip.ttl = 64;
	frame->v4.ip.protocol = IPPROTO_TCP;
	frame->v4.ip.saddr = ends[0];
	frame->v4.ip.daddr = ends[1];
	frame->v4.ip.check = folded(sum(0, &frame->v4.ip, sizeof(frame->v4.ip)));
	check = sum(check, ends, sizeof(ends));
	tcp.check = folded(sum(check, &tcp, sizeof(tcp)));
	frame->v4.tcp = tcp;
	return sizeof(frame->link) + sizeof(frame->v4);
}

int main(int argc, char **argv)
{
	static struct frame frames[BATCH * STEPS];
	static struct mmsghdr messages[BATCH * STEPS];
	static struct iovec parts[BATCH * STEPS];
	struct sockaddr_ll lo = {
		.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("lo"),
	};
	uint32_t n, first, end;
	struct sched_param none = {};
	cpu_set_t here;
	int sock, steps = argc == 4 ? STEPS : STEPS - 1;

	if (argc != 3 && (argc != 4 || strcmp(argv[3], "reset")))
		errx(1, "usage: handshakes FIRST COUNT [reset]");
	first = strtoul(argv[1], NULL, 0);
	end = first + strtoul(argv[2], NULL, 0);
	/*
	 * Segments wait in a queue of the CPU that sent them: in order in one alone. It
	 * must not grow long, so whoever empties it (ksoftirqd) goes first.
	 */
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		err(1, "sched_setaffinity");
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		err(1, "sched_setscheduler");
	sock = socket(AF_PACKET, SOCK_RAW, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&lo, sizeof(lo)))
		err(1, "packet socket on lo");
	for (n = first; n < end;) {
		int count = 0, sent = 0;

		for (int i = 0; i < BATCH && n < end; i++, n++) {
			for (int step = 0; step < steps; step++, count++) {
				parts[count].iov_base = &frames[count];
				parts[count].iov_len = build(&frames[count], n, step);
				messages[count].msg_hdr.msg_iov = &parts[count];
				messages[count].msg_hdr.msg_iovlen = 1;
			}
		}
		while (sent < count) {
			int more = sendmmsg(sock, messages + sent, count - sent, 0);

			if (more < 0)
				err(1, "sendmmsg");
			sent += more;
		}
	}
	return 0;
}
