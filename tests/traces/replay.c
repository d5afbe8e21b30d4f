// SPDX-License-Identifier: GPL-2.0
/*
 * replay: shows captures to the loaded module, and tells what it made of them as
 * pcap-states tells what the engine in userspace does. Runs as root.
 *
 * It makes a network namespace and in it a TUN device. No address is there, so no
 * endpoint answers. A packet may wait for ksoftirqd after the write, so the next one
 * is written when this one has come to a packet socket, behind IP and its hooks.
 * After each capture all connections are flushed, so that none meets another's.
 *
 * The module's clock stands still (module/clock.c) but for a millisecond between two
 * packets: what is inferred depends on times, and must not on the machine's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <net/if.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "capture.h"
#include "channel.h"
#include "message.h"
#include "packet.h"
#include "perturb.h"
#include "tell.h"
#include "tool.h"

static const char usage[] =
"usage: replay [-C] [-L] [-c] [-s SEED] FILE...\n"
"\n"
"Prints what `pcap-states` prints with the same options, by the loaded module.\n";

/* The longest packet, and events that may wait to be read. */
#define MTU	65535
#define ROOM	(32 << 20)

#define SYSCTL	"/proc/sys/net/tcpstate/"
#define CLOCK	"/sys/module/tcpstate/parameters/clock"

static struct {
	bool trusting;
	bool strict;
	bool counters;
	uint32_t seed;
} option;

/**
 * struct replay - under way
 * @path: of the capture
 * @device: TUN, or -1
 * @passed: packet sockets that get IPv4 and IPv6 from there, or -1
 * @clock: the module's, or -1
 * @now: what it shows, in milliseconds; 0 before it is stopped
 * @channel: to the module
 * @before: what had been counted when the capture began
 * @seq: of the latest event
 */
struct replay {
	const char *path;
	int device;
	int passed[2];
	int clock;
	uint64_t now;
	struct channel channel;
	struct stats before;
	uint64_t seq;
};

static bool failed(const char *path, const char *what)
{
	fprintf(stderr, "replay: %s: %s: %s\n", path, what, strerror(errno));
	return false;
}

static bool write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	if (!written)
		failed(path, "cannot write");
	if (fd >= 0)
		close(fd);
	return written;
}

/* No timer is to run out, however slow the machine: a day, in seconds. */
static bool stop_timers(void)
{
	bool done = false;
	glob_t found;

	if (glob(SYSCTL "timeout_*", 0, NULL, &found))
		return failed(SYSCTL "timeout_*", "not there");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		done = write_sysctl(found.gl_pathv[i], "86400");
		if (!done)
			break;
	}
	globfree(&found);
	return done;
}

static bool set_clock(const struct replay *replay, uint64_t now)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, now);

	return pwrite(replay->clock, text, len, 0) == len || failed(CLOCK, "cannot write");
}

static bool stop_clock(struct replay *replay)
{
	char text[24] = "";

	replay->clock = open(CLOCK, O_RDWR | O_CLOEXEC);
	if (replay->clock < 0)
		return failed(CLOCK, "not there: the module is not one of the tests' own");
	if (read(replay->clock, text, sizeof(text) - 1) < 0)
		return failed(CLOCK, "cannot read");
	replay->now = strtoull(text, NULL, 10);
	return set_clock(replay, replay->now);
}

/*
 * Sockets that ask for one protocol of one device get a packet after the protocol
 * itself, which has done with it by then.
 */
static bool watch(struct replay *replay, int index)
{
	static const uint16_t protocol[2] = { ETH_P_IP, ETH_P_IPV6 };
	const struct timeval patience = { .tv_sec = 60 };

	for (int i = 0; i < 2; i++) {
		struct sockaddr_ll from = {
			.sll_family = AF_PACKET,
			.sll_protocol = htons(protocol[i]),
			.sll_ifindex = index,
		};
		int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		replay->passed[i] = fd;
		if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
		    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
			return failed("packet socket", "cannot be used");
	}
	return true;
}

/* Returns when the packet that was just written has passed the hooks. */
static bool await_passed(const struct replay *replay, const uint8_t *packet)
{
	char octet;

	return recv(replay->passed[packet[0] >> 4 == 6], &octet, sizeof(octet), 0) >= 0 ||
	       failed(replay->path, "a packet did not pass");
}

static bool set_up(struct replay *replay)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd;
	bool up;

	replay->device = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (replay->device < 0 || ioctl(replay->device, TUNSETIFF, &request))
		return failed("/dev/net/tun", "cannot be used");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_mtu = MTU;
	up = fd >= 0 && !ioctl(fd, SIOCSIFMTU, &request);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	up = up && !ioctl(fd, SIOCSIFFLAGS, &request);
	if (!up)
		failed(request.ifr_name, "does not come up");
	up = up && watch(replay, if_nametoindex(request.ifr_name));
	if (fd >= 0)
		close(fd);
	return up;
}

static int read_closed(const struct nlmsghdr *nlh, void *data)
{
	struct replay *replay = data;
	struct flow flow;

	if (!message_flow(nlh, &flow))
		return -EBADMSG;
	if (flow.seq != ++replay->seq)
		return -ENOBUFS;
	tell_closed(replay->path, &flow, 0, 0);
	return 0;
}

/* Whatever waits. */
static bool read_events(struct replay *replay)
{
	int err;

	do
		err = channel_listen(&replay->channel, false, read_closed, replay);
	while (!err);
	errno = -err;
	return err == -EAGAIN || failed(replay->path, "cannot read what closed");
}

static int read_stats(const struct nlmsghdr *nlh, void *data)
{
	return message_stats(nlh, data) ? 0 : -EBADMSG;
}

static bool get_stats(struct replay *replay, struct stats *stats)
{
	int err = channel_do(&replay->channel, TCPSTATE_CMD_STATS_GET, read_stats, stats);

	errno = -err;
	return !err || failed(replay->path, "cannot read the counters");
}

static bool begin(struct replay *replay)
{
	int err;

	if (unshare(CLONE_NEWNET))
		return failed("network namespace", "cannot make one");
	if (!set_up(replay) || !stop_timers() || !stop_clock(replay) ||
	    !write_sysctl(SYSCTL "checksum", option.trusting ? "0" : "1") ||
	    !write_sysctl(SYSCTL "loose", option.strict ? "0" : "1"))
		return false;
	err = channel_open(&replay->channel);
	if (!err)
		err = channel_join(&replay->channel, TCPSTATE_GENL_GROUP_CLOSED, ROOM);
	errno = -err;
	if (err)
		return failed("tcpstate", "cannot listen to the module");
	if (!get_stats(replay, &replay->before))
		return false;
	replay->seq = replay->before.seq.closed;
	return true;
}

static bool feed(struct replay *replay, struct perturb *wire)
{
	struct capture_packet packet;

	while (perturb_next(wire, &packet)) {
		if (option.trusting)
			packet_repair_header(packet.data, packet.len);
		if (packet.padded)
			packet_repair_segment(packet.data, packet.len);
		if (!set_clock(replay, ++replay->now))
			return false;
		if (write(replay->device, packet.data, packet.len) != (ssize_t)packet.len)
			return failed(replay->path, "cannot write a packet");
		if (!await_passed(replay, packet.data))
			return false;
	}
	return true;
}

static void tell_difference(const struct replay *replay, const struct stats *stats)
{
	uint64_t counted[__TCPSTATE_A_COUNTER_MAX], entered[__TCPSTATE_STATE_MAX];

	for (int i = 0; i < __TCPSTATE_A_COUNTER_MAX; i++)
		counted[i] = stats->counters[i] - replay->before.counters[i];
	for (int i = 0; i < __TCPSTATE_STATE_MAX; i++)
		entered[i] = stats->states[i].entered - replay->before.states[i].entered;
	tell_counters(replay->path, counted, entered);
}

/* How many records ended: each has an event. */
static uint64_t ends(const struct stats *stats)
{
	uint64_t sum = 0;

	for (int i = TCPSTATE_A_COUNTER_CLOSED_FIN; i <= TCPSTATE_A_COUNTER_FLUSHED; i++)
		sum += stats->counters[i];
	return sum;
}

/* STATS_GET does not wait for what is queued: asked until all that ended was told. */
static bool finish(struct replay *replay)
{
	struct stats stats;
	int err = channel_do(&replay->channel, TCPSTATE_CMD_FLUSH, NULL, NULL);

	errno = -err;
	if (err)
		return failed(replay->path, "cannot flush");
	do {
		if (!get_stats(replay, &stats) || !read_events(replay))
			return false;
	} while (stats.seq.closed - replay->before.seq.closed <
		 ends(&stats) - ends(&replay->before));
	errno = ENOBUFS;
	if (replay->seq != stats.seq.closed)
		return failed(replay->path, "events were lost");
	if (option.counters)
		tell_difference(replay, &stats);
	replay->before = stats;
	return true;
}

static bool judge(struct replay *replay, const char *path)
{
	const char *why;
	struct capture *capture = capture_open(path, &why);
	struct perturb *wire = perturb_new(capture, option.seed);
	bool done = false;

	replay->path = path;
	if (!capture)
		fprintf(stderr, "replay: %s: %s\n", path, why);
	else if (!wire)
		failed(path, "no wire");
	else
		done = feed(replay, wire) && finish(replay);
	perturb_free(wire);
	capture_close(capture);
	return done;
}

int main(int argc, char **argv)
{
	struct replay replay = { .device = -1, .passed = { -1, -1 }, .clock = -1 };
	int letter;
	bool done;

	while ((letter = getopt(argc, argv, "CLcs:")) != -1) {
		switch (letter) {
		case 'C':
			option.trusting = true;
			break;
		case 'L':
			option.strict = true;
			break;
		case 'c':
			option.counters = true;
			break;
		case 's':
			option.seed = strtoul(optarg, NULL, 0);
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	done = begin(&replay);
	for (; done && optind < argc; optind++)
		done = judge(&replay, argv[optind]);
	channel_close(&replay.channel);
	if (replay.now)
		done &= set_clock(&replay, 0);
	if (replay.clock >= 0)
		close(replay.clock);
	if (replay.device >= 0)
		close(replay.device);
	for (int i = 0; i < 2; i++)
		if (replay.passed[i] >= 0)
			close(replay.passed[i]);
	return done && !fflush(stdout) ? 0 : 1;
}
