// SPDX-License-Identifier: GPL-2.0
/*
 * SYNs that nobody stands by, sent from a device by a packet socket until it is
 * terminated:
 *
 *	storm NAME=VALUE...
 *
 *	dev, to			the device, and the hardware address to send to
 *	source, sources		address of the first to ask, and how many there are
 *	target, targets		likewise of those who are asked
 *	port, ports		likewise their ports
 *	rate			segments a second
 *	pulse			ms: not evenly, but all of such a time at once
 *	synack			1: SYN-ACKs, from the targets' ports, instead
 *
 * It ends with a line of its own: how many were sent.
 */
#include <arpa/inet.h>
#include <err.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLICE 10			/* ms between sends that are even */
#define LATE 4				/* of a second's: what is due beyond is not made up for */

struct host {
	int family;
	uint32_t addr[4];		/* an IPv4 address is in the first */
};

static struct host source, target;
static unsigned long sources = 1, targets = 1, port, ports = 1, rate, pulse = SLICE, synack;
static struct sockaddr_ll way = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN };
static volatile sig_atomic_t over;

static const struct {
	const char *name;
	unsigned long *number;
	struct host *host;
} settings[] = {
	{ "source", NULL, &source },	{ "sources", &sources, NULL },
	{ "target", NULL, &target },	{ "targets", &targets, NULL },
	{ "port", &port, NULL },	{ "ports", &ports, NULL },
	{ "rate", &rate, NULL },	{ "pulse", &pulse, NULL },
	{ "synack", &synack, NULL },
};

static void parse_host(struct host *host, const char *text)
{
	host->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(host->family, text, host->addr) != 1)
		errx(2, "%s is no address", text);
}

static void set(const char *word)
{
	const char *value = strchr(word, '=');
	size_t i, len = value ? value - word : 0;

	if (len == 3 && !strncmp(word, "dev", len)) {
		way.sll_ifindex = if_nametoindex(value + 1);
		return;
	}
	if (len == 2 && !strncmp(word, "to", len)) {
		for (i = 0; i < ETH_ALEN; i++)
			way.sll_addr[i] = strtoul(value + 1 + 3 * i, NULL, 16);
		return;
	}
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (len != strlen(settings[i].name) || strncmp(word, settings[i].name, len))
			continue;
		if (settings[i].host)
			parse_host(settings[i].host, value + 1);
		else
			*settings[i].number = strtoul(value + 1, NULL, 0);
		return;
	}
	errx(2, "what is '%s'?", word);
}

static uint32_t sum(uint32_t total, const void *data, size_t size)
{
	const uint8_t *octet = data;
	size_t i;

	for (i = 0; i < size; i += 2)
		total += octet[i] << 8 | octet[i + 1];
	return total;
}

static uint16_t folded(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	return htons(~(total + (total >> 16)));
}

/* The number-th host from one on. */
static struct host nth(struct host host, uint32_t number)
{
	uint32_t *last = &host.addr[host.family == AF_INET ? 0 : 3];

	*last = htonl(ntohl(*last) + number);
	return host;
}

static size_t put_header(void *packet, const struct host *from, const struct host *to, size_t size)
{
	struct ip6_hdr six = { .ip6_hlim = 64, .ip6_nxt = IPPROTO_TCP };
	struct iphdr four = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP };

	if (from->family == AF_INET) {
		four.tot_len = htons(sizeof(four) + size);
		four.saddr = from->addr[0];
		four.daddr = to->addr[0];
		four.check = folded(sum(0, &four, sizeof(four)));
		memcpy(packet, &four, sizeof(four));
		return sizeof(four);
	}
	six.ip6_flow = htonl(6 << 28);
	six.ip6_plen = htons(size);
	memcpy(&six.ip6_src, from->addr, sizeof(six.ip6_src));
	memcpy(&six.ip6_dst, to->addr, sizeof(six.ip6_dst));
	memcpy(packet, &six, sizeof(six));
	return sizeof(six);
}

/* The number-th segment of the storm. Returns the packet's length. */
static size_t build(uint8_t *packet, unsigned long number)
{
	struct host ends[2] = { nth(source, number % sources), nth(target, number % targets) };
	uint16_t ask = 1024 + number / sources % 60000, asked = port + number / targets % ports;
	size_t size = source.family == AF_INET ? 4 : 16, header;
	struct tcphdr tcp = {
		.source = htons(synack ? asked : ask), .dest = htons(synack ? ask : asked),
		.seq = htonl(number * 2654435761U), .doff = 5, .window = htons(8192),
		.syn = 1, .ack = synack, .ack_seq = synack ? htonl(number) : 0,
	};
	uint32_t check = IPPROTO_TCP + sizeof(tcp);

	check = sum(check, ends[0].addr, size);
	check = sum(check, ends[1].addr, size);
	tcp.check = folded(sum(check, &tcp, sizeof(tcp)));
	header = put_header(packet, &ends[!!synack], &ends[!synack], sizeof(tcp));
	memcpy(packet + header, &tcp, sizeof(tcp));
	return header + sizeof(tcp);
}

static unsigned long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

int main(int argc, char **argv)
{
	unsigned long begun, due, done = 0, sent = 0;
	uint8_t packet[128];
	int i, sock;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, stop);
	for (i = 1; i < argc; i++)
		set(argv[i]);
	if (!way.sll_ifindex || !rate || !source.family || source.family != target.family)
		errx(2, "usage: see the beginning of storm.c");
	way.sll_protocol = htons(source.family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	/* With no protocol to bind to, it hears nothing. */
	sock = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (sock < 0)
		err(1, "packet socket");
	for (begun = now(); !over; usleep(pulse * 1000)) {
		due = (now() - begun) * rate / 1000;
		if (due > done + rate * pulse / 1000 + rate / LATE)
			done = due - rate * pulse / 1000 - rate / LATE;
		for (; done < due && !over; done++) {
			size_t size = build(packet, sent);

			if (sendto(sock, packet, size, 0, (void *)&way, sizeof(way)) == (ssize_t)size)
				sent++;
		}
	}
	printf("%lu\n", sent);
	return 0;
}
