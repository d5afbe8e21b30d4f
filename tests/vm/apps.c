// SPDX-License-Identifier: GPL-2.0
/*
 * Random applications of one host: workers that connect to the other host's, accept
 * from them, and do with each connection what a die says that was thrown for it
 * alone. What the wire makes of that is not in the dice.
 *
 *	apps SEED HOST OWN4 PEER4 SILENT4 OWN6 PEER6 SILENT6
 *
 * HOST is 0 on one host and 1 on the other. Reads commands and answers each with a
 * line once it is so:
 *
 *	run COUNT AT MS [fastopen]	from AT on (milliseconds of CLOCK_MONOTONIC) and
 *		for so long begin COUNT connections and live with them: answered after that
 *	hold	touch no connection any more, but accept what waits
 *	nudge	keep-alives on each connection, so that a dead one is found out
 *	die	every worker is killed
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 4
#define MOST 4096			/* connections of one worker */
#define TICK 10				/* milliseconds */
#define STROKE 250			/* on which both hosts like to act at once */
#define LARGE (200 << 10)

enum { FAST = 0, SHUT = 1, FULL = 2 };	/* what is special about these workers' listeners */

struct conn {
	int fd;
	uint64_t due;			/* when it does its next step */
	uint64_t die;
	unsigned int left;		/* steps */
	bool reads;			/* whatever comes, before each step */
	bool ended;			/* the peer's end of stream was read */
};

struct command {
	uint64_t number;
	enum { IDLE, RUN, HOLD, NUDGE } phase;
	unsigned int count, length;
	uint64_t at;
	bool fastopen;
};

/* Written by the parent, but for what the workers tell. */
static struct shared {
	struct command command;
	uint64_t seen[WORKERS];		/* number of the command that is obeyed */
	unsigned int begun, accepted;
} *shared;

static uint64_t seed;
static unsigned int host;
static struct sockaddr_storage own[2], peer[2], silent[2];

static struct conn conns[MOST];
static unsigned int used;
static int listeners[WORKERS][2];	/* by family: they outlive the workers that accept */
static unsigned int self;

static char octets[LARGE];

/* splitmix64: each state is as good a seed as any other, so a die is a number. */
static unsigned int draw(uint64_t *die, unsigned int sides)
{
	uint64_t z = *die += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % sides;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000ull + time.tv_nsec / 1000000;
}

static socklen_t with_port(struct sockaddr_storage *name, unsigned int port)
{
	if (name->ss_family == AF_INET6) {
		((struct sockaddr_in6 *)name)->sin6_port = htons(port);
		return sizeof(struct sockaddr_in6);
	}
	((struct sockaddr_in *)name)->sin_port = htons(port);
	return sizeof(struct sockaddr_in);
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		err(1, "setsockopt %d, %d", level, option);
}

static void let_go(struct conn *conn)
{
	close(conn->fd);
	conn->fd = -1;
}

/* Steps. Where the connection has failed they let go of it. */

static void put(struct conn *conn, size_t size)
{
	if (send(conn->fd, octets, size, MSG_NOSIGNAL) < 0 && errno != EAGAIN &&
	    errno != EPIPE && errno != EINPROGRESS && errno != ENOTCONN)
		let_go(conn);
}

static void put_little(struct conn *conn)
{
	put(conn, 1 + draw(&conn->die, 1400));
}

static void put_much(struct conn *conn)
{
	put(conn, 1 + draw(&conn->die, LARGE));
}

static void take(struct conn *conn)
{
	ssize_t got;

	do
		got = recv(conn->fd, octets, sizeof(octets), MSG_DONTWAIT);
	while (got > 0);
	if (got < 0 && errno != EAGAIN && errno != ENOTCONN) {
		let_go(conn);
	} else if (!got && !conn->ended) {
		conn->ended = true;
		/* A server's habit. */
		if (draw(&conn->die, 2))
			conn->left = 0;
	}
}

static void nibble(struct conn *conn)
{
	recv(conn->fd, octets, 3000, MSG_DONTWAIT);
}

static void shut(struct conn *conn)
{
	shutdown(conn->fd, SHUT_WR);
}

static void reset(struct conn *conn)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	let_go(conn);
}

static void keep_alive(struct conn *conn)
{
	set(conn->fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	set(conn->fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set(conn->fd, IPPROTO_TCP, TCP_KEEPCNT, 100);
	set(conn->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static void rest(struct conn *conn)
{
	conn->due += 1000;
}

static void stay(struct conn *conn)
{
	conn->left = 0;
	conn->due = UINT64_MAX;
}

struct choice {
	unsigned int weight;
	void (*act)(struct conn *conn);
};

static const struct choice steps[] = {
	{ 30, put_little }, { 15, put_much }, { 25, take }, { 6, nibble }, { 8, shut },
	{ 3, let_go }, { 2, reset }, { 3, keep_alive }, { 8, rest }, { }
};

static const struct choice ends[] = {
	{ 45, let_go }, { 20, shut }, { 15, reset }, { 20, stay }, { }
};

static void choose(struct conn *conn, const struct choice *choices)
{
	const struct choice *choice;
	unsigned int sum = 0, number;

	for (choice = choices; choice->weight; choice++)
		sum += choice->weight;
	number = draw(&conn->die, sum);
	for (choice = choices; number >= choice->weight; choice++)
		number -= choice->weight;
	choice->act(conn);
}

static void step(struct conn *conn)
{
	conn->due = now() + draw(&conn->die, 600);
	if (draw(&conn->die, 3) == 0)
		conn->due += STROKE - conn->due % STROKE;
	if (conn->reads && !conn->ended)
		take(conn);
	if (conn->fd < 0)
		return;
	if (conn->left) {
		conn->left--;
		choose(conn, steps);
	} else {
		choose(conn, ends);
		if (conn->fd >= 0)
			stay(conn);
	}
}

/* Take a socket into the worker's care. */
static void enter(int fd, uint64_t die)
{
	struct conn *conn = conns;

	while (conn < conns + used && conn->fd >= 0)
		conn++;
	if (conn == conns + MOST)
		errx(1, "more than %d connections", MOST);
	if (conn == conns + used)
		used++;
	*conn = (struct conn){ .fd = fd, .die = die };
	conn->left = draw(&conn->die, 14);
	conn->reads = draw(&conn->die, 10) < 7;
	conn->due = now() + draw(&conn->die, 400);
}

/* A socket that connects from one's own port (0: any) to a name, or does not. */
static void begin(uint64_t die, struct sockaddr_storage *to, unsigned int from, unsigned int port,
		  bool fastopen)
{
	struct sockaddr_storage name = own[to->ss_family == AF_INET6];
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (draw(&die, 4) == 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, 4096);
	if (fastopen)
		set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	if ((from && bind(fd, (void *)&name, with_port(&name, from))) ||
	    (connect(fd, (void *)to, with_port(to, port)) && errno != EINPROGRESS)) {
		close(fd);
		return;
	}
	if (fastopen)
		send(fd, octets, 1 + draw(&die, 1000), MSG_NOSIGNAL);
	__atomic_add_fetch(&shared->begun, 1, __ATOMIC_RELAXED);
	enter(fd, die);
}

static void begin_some(uint64_t die, bool fastopen)
{
	unsigned int family = draw(&die, 2), where = draw(&die, 100), from = 0, port;

	/* Few ports, so that they come again while the last one is in TIME_WAIT yet. */
	if (draw(&die, 2))
		from = 20000 + 16 * self + draw(&die, 16);
	port = where < 6 ? 4 : 8000 + draw(&die, WORKERS);
	fastopen = fastopen && port == 8000 + FAST && draw(&die, 2);
	begin(die, where >= 97 ? &silent[family] : &peer[family], from, port, fastopen);
}

/* Both hosts' workers of this number connect to each other, at one stroke. */
static void cross(unsigned int number)
{
	unsigned int from = 30000 + 100 * self + number % 100;

	begin(seed + self * 1000 + number, &peer[number % 2], from + 1000 * host,
	      from + 1000 * !host, false);
}

static void take_in(uint64_t *die)
{
	int fd;

	for (unsigned int family = 0; family < 2; family++) {
		for (;;) {
			fd = accept4(listeners[self][family], NULL, NULL,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0)
				break;
			__atomic_add_fetch(&shared->accepted, 1, __ATOMIC_RELAXED);
			enter(fd, seed ^ (uint64_t)draw(die, 1u << 31) << 32);
		}
	}
}

static void open_listeners(unsigned int worker)
{
	for (unsigned int family = 0; family < 2; family++) {
		struct sockaddr_storage name = own[family];
		int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			err(1, "socket");
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		if (worker == SHUT)
			set(fd, SOL_SOCKET, SO_RCVBUF, 4096);
		if (worker == FAST)
			set(fd, IPPROTO_TCP, TCP_FASTOPEN, 64);
		if (bind(fd, (void *)&name, with_port(&name, 8000 + worker)) ||
		    listen(fd, worker == FULL ? 1 : 512))
			err(1, "listener %u", worker);
		listeners[worker][family] = fd;
	}
}

/* One of the processes: never returns. */
static void work(uint64_t generation)
{
	uint64_t die = seed ^ (generation << 16 | host << 8 | self) << 8;
	struct command command = { };
	uint64_t time, death = 0;
	unsigned int begun = 0, crossed = 0, share = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; poll(NULL, 0, TICK)) {
		time = now();
		if (__atomic_load_n(&shared->command.number, __ATOMIC_ACQUIRE) != command.number) {
			command = shared->command;
			if (command.phase == RUN) {
				share = command.count / WORKERS;
				/* who is born in the middle begins there */
				begun = time <= command.at ? 0 :
					(time - command.at) * share / command.length;
				crossed = begun / 10;
				death = command.at + command.length / 4 +
					draw(&die, 3 * command.length);
				if (death < time)
					death = 0;
			}
			for (unsigned int i = 0; command.phase == NUDGE && i < used; i++)
				if (conns[i].fd >= 0)
					keep_alive(&conns[i]);
		}
		if (command.phase == RUN) {
			if (death && time > death)
				kill(getpid(), SIGKILL);
			for (; begun < share && time >= command.at + begun * command.length / share;
			     begun++)
				begin_some(seed ^ (generation << 40 | (uint64_t)host << 32 |
						   self << 24 | begun) * 0x9e3779b97f4a7c15,
					   command.fastopen);
			for (; crossed < share / 10 &&
			     time >= command.at + crossed * 10 * command.length / share; crossed++)
				cross(crossed);
		}
		if (self != FULL || command.phase != RUN || draw(&die, 50) == 0)
			take_in(&die);
		for (unsigned int i = 0; command.phase == RUN && i < used; i++)
			if (conns[i].fd >= 0 && conns[i].due <= time)
				step(&conns[i]);
		__atomic_store_n(&shared->seen[self], command.number, __ATOMIC_RELEASE);
	}
}

/* The parent. */

static pid_t workers[WORKERS];
static uint64_t generation;

static void employ(unsigned int number)
{
	workers[number] = fork();
	if (workers[number] < 0)
		err(1, "fork");
	if (!workers[number]) {
		self = number;
		work(generation);
	}
	generation++;
}

/* Whoever died is replaced; whoever failed takes us with it. */
static void look_after(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			errx(1, "a worker ended with status %#x", status);
		for (unsigned int i = 0; i < WORKERS; i++)
			if (workers[i] == pid)
				employ(i);
	}
}

/* Its number is written last: all have seen the one before, and read no more till then. */
static void obey(struct command command)
{
	uint64_t number = shared->command.number + 1, end = command.at + command.length;
	bool all;

	command.number = shared->command.number;
	shared->command = command;
	__atomic_store_n(&shared->command.number, number, __ATOMIC_RELEASE);
	do {
		poll(NULL, 0, TICK);
		look_after();
		all = command.phase != RUN || now() >= end;
		for (unsigned int i = 0; i < WORKERS; i++)
			all &= __atomic_load_n(&shared->seen[i], __ATOMIC_ACQUIRE) == number;
	} while (!all);
	printf("%u %u\n", shared->begun, shared->accepted);
	fflush(stdout);
}

static void kill_all(void)
{
	for (unsigned int i = 0; i < WORKERS; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
}

static void parse(struct sockaddr_storage name[2], char **argv)
{
	struct sockaddr_in *v4 = (void *)&name[0];
	struct sockaddr_in6 *v6 = (void *)&name[1];

	v4->sin_family = AF_INET;
	v6->sin6_family = AF_INET6;
	if (inet_pton(AF_INET, argv[0], &v4->sin_addr) != 1 ||
	    inet_pton(AF_INET6, argv[3], &v6->sin6_addr) != 1)
		errx(2, "addresses: %s %s", argv[0], argv[3]);
}

int main(int argc, char **argv)
{
	char line[128];

	if (argc != 9)
		errx(2, "usage: apps SEED HOST OWN4 PEER4 SILENT4 OWN6 PEER6 SILENT6");
	seed = strtoull(argv[1], NULL, 0);
	host = atoi(argv[2]);
	parse(own, argv + 3);
	parse(peer, argv + 4);
	parse(silent, argv + 5);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (unsigned int i = 0; i < WORKERS; i++) {
		open_listeners(i);
		employ(i);
	}
	while (fgets(line, sizeof(line), stdin)) {
		struct command command = { };
		unsigned long long at = 0;

		if (sscanf(line, "run %u %llu %u", &command.count, &at, &command.length) == 3) {
			command.phase = RUN;
			command.at = at;
			command.fastopen = strstr(line, "fastopen");
		} else if (!strcmp(line, "hold\n")) {
			command.phase = HOLD;
		} else if (!strcmp(line, "nudge\n")) {
			command.phase = NUDGE;
		} else if (!strcmp(line, "die\n")) {
			kill_all();
			for (unsigned int i = 0; i < WORKERS; i++)
				employ(i);
		} else {
			errx(2, "command: %s", line);
		}
		obey(command);
	}
	kill_all();
	return 0;
}
