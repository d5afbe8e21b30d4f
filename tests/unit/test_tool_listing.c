// SPDX-License-Identifier: GPL-2.0
/*
 * tcpstate flows, from the words to what is printed, with a kernel of our own
 * behind the socket: one that is cut off, out of memory, hostile, or that will
 * not vouch for its dumps.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <json-c/json.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "interrupt.h"
#include "ktap.h"
#include "message.h"
#include "tool.h"

#define FAMILY_ID 1234

/* What the tool would say, and what ends it. */

static char complaint[1024];
static int signal_came;

int misused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint, sizeof(complaint), format, args);
	va_end(args);
	return MISUSED;
}

int refused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint, sizeof(complaint), format, args);
	va_end(args);
	return REFUSED;
}

int interrupted(void)
{
	return signal_came;
}

int interrupt_wait(int fd)
{
	(void)fd;
	return signal_came ? -EINTR : 0;
}

/* The kernel: datagrams that wait to be received. */

static struct datagram {
	char octets[65536] __attribute__((aligned(8)));
	size_t len;
	int flags;
	uint32_t from;
	struct datagram *next;
} *queue;

static int dumps;		/* how many were asked for */
static uint32_t asked_seq;
static void (*answer)(void);	/* to a dump */

static struct datagram *datagram(void)
{
	struct datagram **at = &queue;

	while (*at)
		at = &(*at)->next;
	*at = calloc(1, sizeof(**at));
	return *at;
}

static void forget(void)
{
	while (queue) {
		struct datagram *next = queue->next;

		free(queue);
		queue = next;
	}
}

static struct nlmsghdr *put(struct datagram *to, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(to->octets + to->len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = asked_seq;
	return nlh;
}

static void end(struct datagram *to, const struct nlmsghdr *nlh)
{
	to->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

/* Connection number n. */
static void put_flow(struct datagram *to, uint32_t n, uint16_t flags)
{
	struct nlmsghdr *nlh = put(to, FAMILY_ID, NLM_F_MULTI | flags);
	struct nlattr *nest;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	mnl_attr_put_u8(nlh, TCPSTATE_A_FLOW_FAMILY, AF_INET);
	for (int i = TCPSTATE_A_FLOW_INITIATOR; i <= TCPSTATE_A_FLOW_RESPONDER; i++) {
		nest = mnl_attr_nest_start(nlh, i);
		mnl_attr_put_u32(nlh, TCPSTATE_A_END_ADDR, htonl(0x0a000000 | n));
		mnl_attr_put_u16(nlh, TCPSTATE_A_END_PORT, htons(n));
		mnl_attr_put_u8(nlh, TCPSTATE_A_END_STATE, TCPSTATE_ESTABLISHED);
		mnl_attr_nest_end(nlh, nest);
	}
	end(to, nlh);
}

static void put_flows(uint32_t first, uint32_t last, uint16_t flags)
{
	struct datagram *to = datagram();

	for (; first <= last; first++) {
		if (to->len > 32000)
			to = datagram();
		put_flow(to, first, flags);
	}
}

static void put_done(int err, uint16_t flags)
{
	struct datagram *to = datagram();
	struct nlmsghdr *nlh = put(to, NLMSG_DONE, NLM_F_MULTI | flags);

	*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = err;
	end(to, nlh);
}

static void put_error(int err, const char *said)
{
	struct datagram *to = datagram();
	struct nlmsghdr *nlh = put(to, NLMSG_ERROR, NLM_F_CAPPED | (said ? NLM_F_ACK_TLVS : 0));
	struct nlmsgerr *error = mnl_nlmsg_put_extra_header(nlh, sizeof(*error));

	error->error = err;
	if (said)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, said);
	end(to, nlh);
}

static bool loaded = true;

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *request, size_t len)
{
	const struct nlmsghdr *nlh = request;

	(void)nl;
	asked_seq = nlh->nlmsg_seq;
	if (nlh->nlmsg_type == GENL_ID_CTRL) {
		if (loaded) {
			struct datagram *to = datagram();
			struct nlmsghdr *reply = put(to, GENL_ID_CTRL, 0);

			mnl_nlmsg_put_extra_header(reply, sizeof(struct genlmsghdr));
			mnl_attr_put_u16(reply, CTRL_ATTR_FAMILY_ID, FAMILY_ID);
			end(to, reply);
		}
		put_error(loaded ? 0 : -ENOENT, NULL);
	} else {
		dumps++;
		answer();
	}
	return len;
}

/* Nothing to receive is a tool that waits for what will not come. */
ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl *from = msg->msg_name;
	struct datagram *first = queue;
	ssize_t len;

	(void)fd;
	(void)flags;
	if (!first) {
		errno = ENOTCONN;
		return -1;
	}
	*from = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = first->from };
	len = first->len < msg->msg_iov->iov_len ? first->len : msg->msg_iov->iov_len;
	memcpy(msg->msg_iov->iov_base, first->octets, len);
	msg->msg_flags = first->flags;
	queue = first->next;
	free(first);
	return len;
}

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	(void)flags;
	return (struct mnl_socket *)&queue;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *value, socklen_t len)
{
	(void)nl;
	(void)type;
	(void)value;
	(void)len;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	(void)nl;
	return -1;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

/* Running it. */

static char printed[8 << 20];
static int status;

static void run(void (*kernel)(void), bool json)
{
	static char *none[] = { NULL };
	struct options options = { .json = json };
	FILE *file = tmpfile();
	int out;

	answer = kernel;
	dumps = 0;
	signal_came = 0;
	complaint[0] = '\0';
	fflush(stdout);
	out = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	status = cmd_flows(&options, none);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
	fclose(file);
	forget();
}

/* How many connections the JSON has, if each is another one; -1 where it is none. */
static int connections(void)
{
	struct json_object *array = json_tokener_parse(printed);
	int count = -1;

	if (json_object_is_type(array, json_type_array)) {
		count = json_object_array_length(array);
		for (int i = 0; i < count; i++) {
			const char *one = json_object_get_string(
				json_object_array_get_idx(array, i));

			for (int j = 0; j < i && count < 100; j++)
				if (!strcmp(one, json_object_get_string(
						json_object_array_get_idx(array, j))))
					count = -2;
		}
	}
	json_object_put(array);
	return count;
}

/* Kernels. */

static void empty(void)
{
	put_done(0, 0);
}

static void three(void)
{
	put_flows(1, 3, 0);
	put_done(0, 0);
}

static void twice(void)
{
	put_flows(1, 1, 0);
	three();
}

/* The first dump lacks the fourth, and says it may. */
static void torn_once(void)
{
	put_flows(1, dumps == 1 ? 3 : 4, dumps == 1 ? NLM_F_DUMP_INTR : 0);
	put_done(0, 0);
}

static void torn_at_the_end(void)
{
	put_flows(1, dumps == 1 ? 3 : 4, 0);
	put_done(0, dumps == 1 ? NLM_F_DUMP_INTR : 0);
}

static void torn_always(void)
{
	put_flows(1, 3, NLM_F_DUMP_INTR);
	put_done(0, 0);
}

static void torn_and_long(void)
{
	put_flows(1, dumps == 1 ? 9000 : 10000, dumps == 1 ? NLM_F_DUMP_INTR : 0);
	put_done(0, 0);
}

static void out_of_memory(void)
{
	put_flows(1, 3, 0);
	put_done(-ENOMEM, 0);
}

static void fastidious(void)
{
	put_error(-EINVAL, "END_PORT_LAST is\nbelow END_PORT");
}

static void privileged(void)
{
	put_error(-EPERM, NULL);
}

static void older(void)
{
	put_error(-EOPNOTSUPP, NULL);
}

/* Somebody else's message, and one that answers what was asked long ago. */
static void overheard(void)
{
	put_flows(7, 9, 0);
	queue->from = 4711;
	put_flows(7, 9, 0);
	for (struct nlmsghdr *nlh = (void *)queue->next->octets; nlh->nlmsg_len;
	     nlh = (void *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len)))
		nlh->nlmsg_seq--;
	three();
}

static void too_long(void)
{
	put_flows(1, 3, 0);
	put_flows(4, 6, 0);
	queue->next->flags = MSG_TRUNC;
	put_done(0, 0);
}

static void cut_short(void)
{
	put_flows(1, 3, 0);
	queue->len -= 20;
	put_done(0, 0);
}

static void senseless(void)
{
	put_flows(1, 3, 0);
	put_flows(4, 4, 0);
	((struct nlattr *)(queue->next->octets + NLMSG_HDRLEN + GENL_HDRLEN))->nla_len = 6;
	put_done(0, 0);
}

static void interrupting(void)
{
	put_flows(1, 3, 0);
	put_done(0, 0);
	signal_came = dumps;
}

static void silent(void)
{
	put_flows(1, 3, 0);
}

static void wild(void)
{
	struct datagram *at;

	put_flows(1, 20, 0);
	if (random() % 4 == 0)
		put_error(-EINVAL, "something");
	put_done(0, 0);
	for (at = queue; at; at = at->next)
		for (int n = random() % 4; n > 0; n--)
			at->octets[random() % at->len] = random() % 2 ? random() : random() % 40;
	if (random() % 4 == 0)
		queue->len = random() % queue->len;
}

static const struct {
	const char *name;
	void (*kernel)(void);
	int status;
	int connections;	/* printed; -1 where nothing at all is */
	int dumps;
	const char *complaint;
} cases[] = {
	{ "no connection", empty, DONE, 0, 1, "" },
	{ "three connections", three, DONE, 3, 1, "" },
	{ "a dump that may lack one is read anew, and nothing printed twice", torn_once, DONE, 4,
	  2, "" },
	{ "likewise where its end says so", torn_at_the_end, DONE, 4, 2, "" },
	{ "likewise with thousands", torn_and_long, DONE, 10000, 2, "" },
	{ "it is not read anew for ever", torn_always, REFUSED, 3, 8, "may be missing" },
	{ "an error after three", out_of_memory, REFUSED, 3, 1, "memory" },
	{ "the kernel's own words are passed on", fastidious, REFUSED, -1, 1,
	  "END_PORT_LAST is" },
	{ "no privilege", privileged, REFUSED, -1, 1, "CAP_NET_ADMIN" },
	{ "a module that knows no such command", older, REFUSED, -1, 1, "version" },
	{ "what is not from the kernel or not for us is passed over", overheard, DONE, 3, 1, "" },
	{ "a datagram too long for the buffer", too_long, REFUSED, 3, 1, "longer" },
	{ "a message cut short", cut_short, REFUSED, 2, 1, "answer" },
	{ "a record that makes no sense", senseless, REFUSED, 3, 1, "answer" },
	{ "a kernel that falls silent", silent, REFUSED, 3, 1, "netlink" },
};

int main(void)
{
	unsigned int statuses[3] = {};
	bool all = true;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		run(cases[i].kernel, true);
		if (!ok(status == cases[i].status && connections() == cases[i].connections &&
			(cases[i].connections >= 0 || !*printed) && dumps == cases[i].dumps &&
			(*cases[i].complaint ? !!strstr(complaint, cases[i].complaint) :
			 !*complaint), "%s", cases[i].name))
			diag("status %d, connections %d, dumps %d, complaint '%s'", status,
			     connections(), dumps, complaint);
	}
	run(twice, true);
	ok(status == DONE && connections() == -2, "what the kernel lists twice is printed twice");
	run(empty, false);
	ok(status == DONE && !strncmp(printed, "INITIATOR ", 10) && strchr(printed, '\n') &&
	   !strchr(printed, '\n')[1], "no connection, as text: the header alone");
	loaded = false;
	run(three, true);
	ok(status == REFUSED && !*printed && strstr(complaint, "modprobe tcpstate"),
	   "no module: %s", complaint);
	loaded = true;
	run(interrupting, true);
	ok(connections() == 0, "interrupted before the first: []");

	srandom(9293);
	for (int round = 0; round < 3000; round++) {
		run(wild, true);
		statuses[status]++;
		all = all && (*printed ? connections() >= 0 || connections() == -2 :
			      status == REFUSED);
	}
	ok(all && statuses[DONE] && statuses[REFUSED], "whatever it answers, JSON is whole (%u done, %u refused)",
	   statuses[DONE], statuses[REFUSED]);
	return done();
}
