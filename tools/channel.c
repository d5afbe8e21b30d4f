// SPDX-License-Identifier: GPL-2.0
/* The way to the module: the only file that speaks netlink. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "channel.h"
#include "interrupt.h"
#include "message.h"
#include "tool.h"

/* The kernel fills at most 32 KiB at a time in a dump; the rest is to spare. */
#define BUFFER (128 << 10)
/* A request with a filter that has it all. */
#define REQUEST 512

/* What there is to be had of it in these kernels; without, one knows just less. */
static void ask_for_more(struct mnl_socket *socket)
{
	int on = 1;

	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	/* The module counts what we lose. */
	mnl_socket_setsockopt(socket, NETLINK_BROADCAST_ERROR, &on, sizeof(on));
}

/* Fills the buffer. Returns how many octets, or a negative errno. */
static ssize_t receive(struct channel *channel, struct mnl_socket *socket, bool wait)
{
	struct sockaddr_nl from = {};
	struct iovec iov = { .iov_base = channel->buffer, .iov_len = BUFFER };
	struct msghdr msg = { .msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = mnl_socket_get_fd(socket);
	ssize_t len;
	int err;

	do {
		err = wait ? interrupt_wait(fd) : 0;
		if (err)
			return err;
		msg.msg_namelen = sizeof(from);
		len = recvmsg(fd, &msg, MSG_DONTWAIT);
		/* What did not come from the kernel is none of ours. */
	} while (len < 0 ? errno == EINTR || (wait && errno == EAGAIN) : from.nl_pid);
	if (len < 0)
		return -errno;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : len;
}

/* Keeps the kernel's own words on a refusal, where the message has them. */
static void hear(struct channel *channel, const struct nlmsghdr *nlh, size_t offset)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(nlh) < offset)
		return;
	mnl_attr_for_each(attr, nlh, offset)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(channel->said, sizeof(channel->said), "%.*s",
				 mnl_attr_get_payload_len(attr),
				 (const char *)mnl_attr_get_payload(attr));
}

/* What the kernel's last message of an exchange says: 0 or a negative errno. */
static int verdict(struct channel *channel, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*error);

	if (nlh->nlmsg_type == NLMSG_DONE) {
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(int))
			return 0;
		hear(channel, nlh, MNL_ALIGN(sizeof(int)));
		return *(const int *)mnl_nlmsg_get_payload(nlh);
	}
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*error))
		return -EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len > NLMSG_HDRLEN)
		offset += MNL_ALIGN(error->msg.nlmsg_len - NLMSG_HDRLEN);
	hear(channel, nlh, offset);
	return error->error;
}

/* mnl_nlmsg_ok() lets lengths pass that are negative as an int. */
static bool fits(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)len;
}

/* Sends a request and reads all that answers it. */
static int exchange(struct channel *channel, struct nlmsghdr *request, channel_reader reader,
		    void *data, bool *whole)
{
	uint16_t type = request->nlmsg_type;
	const struct nlmsghdr *nlh;
	int len, err;

	channel->said[0] = '\0';
	request->nlmsg_seq = ++channel->seq;
	if (mnl_socket_sendto(channel->socket, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		/* The answer is there once the request is sent; only a dump can be cut short. */
		len = receive(channel, channel->socket, whole);
		if (len < 0)
			return len;
		for (nlh = (const void *)channel->buffer; fits(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != channel->seq)
				continue;
			if (whole && nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				*whole = false;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				err = verdict(channel, nlh);
				return err > 0 ? -EBADMSG : err;
			}
			if (nlh->nlmsg_type != type || !reader)
				continue;
			err = reader(nlh, data);
			if (err)
				return err;
		}
		if (len > 0)
			return -EBADMSG;
	}
}

static struct nlmsghdr *begin(void *buffer, uint16_t type, uint16_t flags, uint8_t command,
			      uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl->cmd = command;
	genl->version = version;
	return nlh;
}

/**
 * struct family - of generic netlink
 * @id: its number
 * @group: name of a multicast group that is looked for, or NULL
 * @group_id: its number, or 0 where the family has no such group
 */
struct family {
	uint16_t id;
	const char *group;
	uint32_t group_id;
};

static bool is_string(const struct nlattr *attr, const char *string)
{
	size_t size = strlen(string) + 1;

	return mnl_attr_get_payload_len(attr) == size &&
	       !memcmp(mnl_attr_get_payload(attr), string, size);
}

static void read_group(const struct nlattr *group, struct family *family)
{
	const struct nlattr *attr;
	uint32_t id = 0;
	bool found = false;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			found = is_string(attr, family->group);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(id))
			id = mnl_attr_get_u32(attr);
	}
	if (found)
		family->group_id = id;
}

static int read_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct family *family = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(family->id))
			family->id = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS && family->group)
			mnl_attr_for_each_nested(group, attr)
				read_group(group, family);
	}
	return 0;
}

static int find_family(struct channel *channel, const char *name, struct family *family)
{
	char buffer[REQUEST] = {};
	struct nlmsghdr *nlh = begin(buffer, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
	int err;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	err = exchange(channel, nlh, read_family, family, NULL);
	return !err && !family->id ? -EBADMSG : err;
}

int channel_open(struct channel *channel)
{
	struct family family = {};
	int err;

	*channel = (struct channel){ .seq = time(NULL) };
	channel->buffer = malloc(BUFFER);
	if (!channel->buffer)
		return -ENOMEM;
	channel->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!channel->socket || mnl_socket_bind(channel->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	ask_for_more(channel->socket);
	err = find_family(channel, TCPSTATE_GENL_NAME, &family);
	channel->family = family.id;
	return err;
}

void channel_close(struct channel *channel)
{
	if (channel->socket)
		mnl_socket_close(channel->socket);
	if (channel->news)
		mnl_socket_close(channel->news);
	free(channel->buffer);
	*channel = (struct channel){};
}

int channel_do(struct channel *channel, uint8_t command, channel_reader reader, void *data)
{
	char buffer[REQUEST] = {};

	return exchange(channel, begin(buffer, channel->family, NLM_F_ACK, command,
				       TCPSTATE_GENL_VERSION), reader, data, NULL);
}

int channel_set(struct channel *channel, uint8_t command, const struct filter *filter)
{
	char buffer[REQUEST] = {};
	struct nlmsghdr *nlh = begin(buffer, channel->family, NLM_F_ACK, command,
				     TCPSTATE_GENL_VERSION);

	if (!message_filter(nlh, sizeof(buffer), filter))
		return -EMSGSIZE;
	return exchange(channel, nlh, NULL, NULL, NULL);
}

int channel_dump(struct channel *channel, uint8_t command, const struct filter *filter,
		 channel_reader reader, void *data, bool *whole)
{
	char buffer[REQUEST] = {};
	struct nlmsghdr *nlh = begin(buffer, channel->family, NLM_F_DUMP, command,
				     TCPSTATE_GENL_VERSION);

	*whole = true;
	if (!message_filter(nlh, sizeof(buffer), filter))
		return -EMSGSIZE;
	return exchange(channel, nlh, reader, data, whole);
}

/* Joins a group of a family. */
static int join(struct channel *channel, const char *name, struct family *family)
{
	int err = find_family(channel, name, family);

	if (err)
		return err;
	if (!family->group_id)
		return -ESRCH;
	if (mnl_socket_setsockopt(channel->news, NETLINK_ADD_MEMBERSHIP, &family->group_id,
				  sizeof(family->group_id)))
		return -errno;
	return 0;
}

/* Notifications have a socket of their own, for an answer must not wait behind them. */
static int open_news(struct channel *channel, int room)
{
	struct family control = { .group = "notify" };
	int fd;

	channel->news = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!channel->news || mnl_socket_bind(channel->news, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	fd = mnl_socket_get_fd(channel->news);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	/* Numbers of families and groups change when the module is loaded again. */
	return join(channel, "nlctrl", &control);
}

int channel_join(struct channel *channel, const char *group, int room)
{
	struct family family = { .group = group };
	int err = 0;

	if (!channel->news)
		err = open_news(channel, room);
	if (!err)
		err = join(channel, TCPSTATE_GENL_NAME, &family);
	channel->family = family.id;
	return err;
}

/* What the kernel tells of families: 0 where it is of no concern to us. */
static int read_control(struct channel *channel, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct family family = {};
	const struct nlattr *attr;
	bool ours = false;

	if (read_family(nlh, &family))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*genl))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME)
			ours = is_string(attr, TCPSTATE_GENL_NAME);
	if (ours && genl->cmd == CTRL_CMD_NEWFAMILY && family.id != channel->family)
		return -ESTALE;
	if (ours && genl->cmd == CTRL_CMD_DELFAMILY && family.id == channel->family) {
		channel->family = 0;
		return -ENOENT;
	}
	return 0;
}

int channel_listen(struct channel *channel, bool wait, channel_reader reader, void *data)
{
	int len = receive(channel, channel->news, wait);
	const struct nlmsghdr *nlh;
	int err = 0;

	if (len < 0)
		return len;
	for (nlh = (const void *)channel->buffer; !err && fits(nlh, len);
	     nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == GENL_ID_CTRL)
			err = read_control(channel, nlh);
		else if (channel->family && nlh->nlmsg_type == channel->family)
			err = reader(nlh, data);
	}
	return err;
}

void channel_explain(const struct channel *channel, int err, char *text, size_t size)
{
	if (channel->said[0] && channel->family && err != -EPERM) {
		snprintf(text, size, "the module refused: %s", channel->said);
		return;
	}
	switch (err) {
	case -ENOENT:
		snprintf(text, size, "the module is not loaded; load it: modprobe tcpstate");
		break;
	case -EPERM:
		snprintf(text, size,
			 "this needs CAP_NET_ADMIN in this network namespace: run as root");
		break;
	case -EOPNOTSUPP:
		snprintf(text, size, "the loaded module is too old for this: load version %s",
			 TCPSTATE_VERSION);
		break;
	case -EBADMSG:
		snprintf(text, size, "cannot read the module's answer: see tcpstate version");
		break;
	case -EMSGSIZE:
		snprintf(text, size, "the module's answer is longer than %d octets", BUFFER);
		break;
	default:
		snprintf(text, size, "netlink: %s", strerror(-err));
	}
}

int channel_complain(const struct channel *channel, int err)
{
	char text[512];

	/* The signal that came says it all. */
	if (err == -EINTR)
		return REFUSED;
	channel_explain(channel, err, text, sizeof(text));
	return refused("%s", text);
}
