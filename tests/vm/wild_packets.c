// SPDX-License-Identifier: GPL-2.0
/*
 * Segments of a few connections, each going on from where it was, more or less; and what
 * is no segment, or none that any stack would send. See wild.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wild.h"

#define PEERS	 6			/* addresses on either side */
#define PORTS	 4
#define PAYLOAD	 3000

/* What either end of a connection sends next. */
static uint32_t next[2][PEERS][PORTS][2];

static uint32_t sum(uint32_t total, const void *data, size_t size)
{
	const uint8_t *octet = data;
	size_t i;

	for (i = 0; i < size; i++)
		total += i & 1 ? octet[i] : octet[i] << 8;
	return total;
}

static uint16_t folded(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	return htons(~(total + (total >> 16)));
}

/* A segment of a connection that goes on from where it was, more or less. */
static size_t put_segment(uint8_t *to, uint32_t at[2], unsigned int way, unsigned int port)
{
	static const uint8_t flags[] = { TH_SYN, TH_SYN | TH_ACK, TH_ACK, TH_ACK, TH_ACK | TH_PUSH,
					 TH_ACK | TH_PUSH, TH_ACK | TH_FIN, TH_RST, TH_RST | TH_ACK };
	size_t options = once_in(4) ? 4 * below(11) : 0, payload = 0;
	struct tcphdr *tcp = (void *)to;
	static const uint32_t drift[] = { 1, -1, 1000, -1000, 1u << 16, 1u << 31 };
	uint32_t off = once_in(8) ? drift[below(LENGTH(drift))] : 0;

	memset(tcp, 0, sizeof(*tcp));
	tcp->th_flags = once_in(16) ? below(256) : flags[below(LENGTH(flags))];
	if (tcp->th_flags & TH_PUSH || once_in(16))
		payload = 1 + below(once_in(8) ? PAYLOAD : 64);
	if (tcp->th_flags & TH_SYN && !off)
		at[way] = number();
	tcp->source = htons(way ? 80 : 1024 + port);
	tcp->dest = htons(way ? 1024 + port : 80);
	tcp->seq = htonl(at[way] + off);
	tcp->ack_seq = htonl(at[!way] + (once_in(8) ? drift[below(LENGTH(drift))] : 0));
	tcp->doff = once_in(16) ? below(16) : 5 + options / 4;
	tcp->window = htons(number());
	random_octets(to + sizeof(*tcp), options + payload);
	if (options && once_in(2))
		memcpy(to + sizeof(*tcp), "\3\3\7\1", 4);
	if (!off)
		at[way] += payload + !!(tcp->th_flags & TH_SYN) + !!(tcp->th_flags & TH_FIN);
	return sizeof(*tcp) + options + payload;
}

static size_t put_ipv4(uint8_t *to, unsigned int from, unsigned int dest, size_t size)
{
	struct iphdr *ip = (void *)to;
	size_t options = once_in(16) ? 4 * below(11) : 0, header = sizeof(*ip) + options;

	memset(to, IPOPT_NOOP, header);
	*ip = (struct iphdr){
		.version = 4, .ihl = header / 4, .ttl = 64, .protocol = IPPROTO_TCP,
		.tot_len = htons(header + (once_in(16) ? below(size) : size)),
		.frag_off = htons(once_in(16) ? below(65536) : 0), .id = random64(),
		.saddr = htonl(0x0a080001 + from), .daddr = htonl(0x0a080001 + dest),
	};
	ip->check = folded(sum(0, ip, header));
	return header;
}

static size_t put_ipv6(uint8_t *to, unsigned int from, unsigned int dest, size_t size)
{
	static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 135, 59 };
	struct ip6_hdr *ip = (void *)to;
	unsigned int n = once_in(8) ? below(20) : 0;
	uint8_t *nexthdr = &ip->ip6_nxt;
	size_t header = sizeof(*ip);

	memset(ip, 0, sizeof(*ip));
	ip->ip6_flow = htonl(6 << 28);
	ip->ip6_hlim = 64;
	ip->ip6_src.s6_addr32[0] = htonl(0xfd000008);
	ip->ip6_dst = ip->ip6_src;
	ip->ip6_src.s6_addr32[3] = htonl(1 + from);
	ip->ip6_dst.s6_addr32[3] = htonl(1 + dest);
	for (; n; n--) {
		*nexthdr = kinds[below(LENGTH(kinds))];
		nexthdr = to + header;
		random_octets(to + header, 8);
		to[header + 1] = once_in(8) ? below(256) : 0;
		header += 8;
	}
	*nexthdr = IPPROTO_TCP;
	size += header - sizeof(*ip);
	ip->ip6_plen = htons(once_in(16) ? below(size) : size);
	return header;
}

/* An IP packet behind the header that TUN wants of it. */
static size_t put_packet(uint8_t *to, struct virtio_net_hdr *offload)
{
	unsigned int six = below(2), way = below(2), peer = below(PEERS), port = below(PORTS);
	uint8_t segment[sizeof(struct tcphdr) + 44 + PAYLOAD];
	size_t size = put_segment(segment, next[six][peer][port], way, port), header;
	struct tcphdr *tcp = (void *)segment;
	unsigned int from = way ? 100 : peer, dest = way ? peer : 100;
	uint32_t total;

	memset(offload, 0, sizeof(*offload));
	header = six ? put_ipv6(to, from, dest, size) : put_ipv4(to, from, dest, size);
	total = six ? sum(IPPROTO_TCP + size, to + 8, 32) : sum(IPPROTO_TCP + size, to + 12, 8);
	if (once_in(16)) {
		*offload = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = six ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
			.hdr_len = header + sizeof(*tcp), .gso_size = 1 + below(1500),
			.csum_start = header, .csum_offset = offsetof(struct tcphdr, check),
		};
		if (once_in(8))
			mangle(offload, sizeof(*offload));
	}
	tcp->check = once_in(16) ? random64() : folded(sum(total, segment, size));
	memcpy(to + header, segment, size);
	size += header;
	if (once_in(16))
		mangle(to + 1, size - 1);
	return once_in(32) ? below(size) : size;
}

static int open_tun(void)
{
	struct ifreq request = { .ifr_name = "wild%d", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	int tun = open("/dev/net/tun", O_RDWR), sock = socket(AF_INET, SOCK_DGRAM, 0);

	if (tun < 0 || ioctl(tun, TUNSETIFF, &request))
		err(1, "TUN");
	request.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &request))
		err(1, "%s", request.ifr_name);
	close(sock);
	return tun;
}

void wild_packets(void)
{
	int tun = open_tun();
	struct {
		struct virtio_net_hdr offload;
		uint8_t packet[8192];
	} __attribute__((packed)) all;
	struct virtio_net_hdr offload;
	size_t size;

	while (!over) {
		size = put_packet(all.packet, &offload);
		all.offload = offload;
		count(write(tun, &all, sizeof(all.offload) + size) > 0);
	}
}
