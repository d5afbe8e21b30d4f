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
 *	count			so many and no more, all chosen before the first is sent
 *	alike, key0, key1	of those only such (IPv4) as have, if that is tcpstate's key,
 *				hashes that begin with so many zeros: they meet in one place
 *
 * It ends with a line of its own: how many were sent, and how many ns each took.
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
static unsigned long alike, key[2], count, *chosen;
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
	{ "synack", &synack, NULL },	{ "alike", &alike, NULL },
	{ "key0", &key[0], NULL },	{ "key1", &key[1], NULL },
	{ "count", &count, NULL },
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

/* Who asks and who is asked in the number-th segment of the storm, and by which ports. */
static void choose(unsigned long number, struct host ends[2], uint16_t ports_of[2])
{
	ends[0] = nth(source, number % sources);
	ends[1] = nth(target, number % targets);
	ports_of[0] = htons(1024 + number / sources % 60000);
	ports_of[1] = htons(port + number / targets % ports);
}

static uint64_t rotated(uint64_t value, unsigned int by)
{
	return value << by | value >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[2] += v[3];
	v[1] = rotated(v[1], 13) ^ v[0], v[3] = rotated(v[3], 16) ^ v[2];
	v[0] = rotated(v[0], 32);
	v[2] += v[1], v[0] += v[3];
	v[1] = rotated(v[1], 17) ^ v[2], v[3] = rotated(v[3], 21) ^ v[0];
	v[2] = rotated(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* As module/record.c does: SipHash-1-3, cut short, of both addresses and both ports. */
static uint32_t hash(const struct host ends[2], const uint16_t ports_of[2])
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	int first = ends[0].addr[0] > ends[1].addr[0], i;

	sip_word(v, (uint64_t)ends[!first].addr[0] << 32 | ends[first].addr[0]);
	sip_word(v, 12ULL << 56 | (uint32_t)ports_of[first] << 16 | ports_of[!first]);
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Which numbers are to be sent, if only some are. */
static void choose_all(void)
{
	unsigned long number, n = 0;
	struct host ends[2];
	uint16_t ports_of[2];

	chosen = calloc(count, sizeof(*chosen));
	if (!chosen)
		err(1, "%lu segments", count);
	for (number = 0; n < count && !over; number++) {
		choose(number, ends, ports_of);
		if (!alike || !(hash(ends, ports_of) >> (32 - alike)))
			chosen[n++] = number;
	}
}

/* The number-th segment of the storm. Returns the packet's length. */
static size_t build(uint8_t *packet, unsigned long number)
{
	size_t size = source.family == AF_INET ? 4 : 16, header;
	struct host ends[2];
	uint16_t ports_of[2];
	struct tcphdr tcp = {
		.seq = htonl(number * 2654435761U), .doff = 5, .window = htons(8192),
		.syn = 1, .ack = synack, .ack_seq = synack ? htonl(number) : 0,
	};
	uint32_t check = IPPROTO_TCP + sizeof(tcp);

	choose(number, ends, ports_of);
	tcp.source = ports_of[!!synack];
	tcp.dest = ports_of[!synack];
	check = sum(check, ends[0].addr, size);
	check = sum(check, ends[1].addr, size);
	tcp.check = folded(sum(check, &tcp, sizeof(tcp)));
	header = put_header(packet, &ends[!!synack], &ends[!synack], sizeof(tcp));
	memcpy(packet + header, &tcp, sizeof(tcp));
	return header + sizeof(tcp);
}

static unsigned long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static unsigned long now(void)
{
	return now_ns() / 1000000;
}

static void stop(int signal)
{
	(void)signal;
	over = 1;
}

int main(int argc, char **argv)
{
	unsigned long begun, due, done = 0, sent = 0, spent = 0, since;
	uint8_t packet[128];
	int i, sock;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, stop);
	for (i = 1; i < argc; i++)
		set(argv[i]);
	if (!way.sll_ifindex || !rate || !source.family || source.family != target.family ||
	    (alike && !count))
		errx(2, "usage: see the beginning of storm.c");
	way.sll_protocol = htons(source.family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	/* With no protocol to bind to, it hears nothing. */
	sock = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (sock < 0)
		err(1, "packet socket");
	if (count)
		choose_all();
	for (begun = now(); !over; usleep(pulse * 1000)) {
		due = (now() - begun) * rate / 1000;
		if (due > done + rate * pulse / 1000 + rate / LATE)
			done = due - rate * pulse / 1000 - rate / LATE;
		for (; done < due && !over && !(chosen && sent == count); done++) {
			size_t size = build(packet, chosen ? chosen[sent] : sent);

			since = now_ns();
			if (sendto(sock, packet, size, 0, (void *)&way, sizeof(way)) == (ssize_t)size)
				sent++;
			spent += now_ns() - since;
		}
	}
	printf("%lu %lu\n", sent, spent / (sent ?: 1));
	return 0;
}
