// SPDX-License-Identifier: GPL-2.0
/* A small HTTP server, for one page that is made anew for whoever asks. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "../interrupt.h"
#include "../tool.h"
#include "server.h"

/* At a time; and for how many seconds one may be silent. */
#define CONNECTIONS	32u
#define PATIENCE	75u

static const char landing[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><title>tcpstate</title></head><body>\n"
	"<h1>tcpstate</h1>\n<p>What the TCP connections through this machine are doing, for\n"
	"Prometheus: <a href=\"/metrics\">/metrics</a></p>\n</body></html>\n";

/**
 * struct site - what is served
 * @page: makes it
 * @data: for @page
 */
struct site {
	server_page page;
	void *data;
};

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned int status,
				 const char *type, const char *text, size_t len,
				 enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(len, (void *)text, mode);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_line(struct MHD_Connection *connection, unsigned int status,
				 const char *line)
{
	return send_text(connection, status, "text/plain; charset=utf-8", line, strlen(line),
			 MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_page(struct MHD_Connection *connection, const struct site *site)
{
	char *text = NULL;
	size_t len = 0;
	bool made;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return MHD_NO;
	made = site->page(file, site->data);
	if (fclose(file)) {
		free(text);
		return MHD_NO;
	}
	return send_text(connection, made ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			 "text/plain; version=0.0.4; charset=utf-8", text, len,
			 MHD_RESPMEM_MUST_FREE);
}

/* What a request asks for: its body, if it has one, is of no interest. */
static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *body,
			      size_t *size, void **state)
{
	(void)version;
	(void)body;
	/* First its header is there alone. */
	if (!*state) {
		*state = data;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return send_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	if (!strcmp(url, "/metrics"))
		return send_page(connection, data);
	if (!strcmp(url, "/"))
		return send_text(connection, MHD_HTTP_OK, "text/html; charset=utf-8", landing,
				 sizeof(landing) - 1, MHD_RESPMEM_PERSISTENT);
	return send_line(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
}

static int listen_at(const struct addrinfo *info)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, SOMAXCONN)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int server_open(const char *where, int *fd)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(where, ':');
	size_t len = colon ? colon - where : 0;
	struct addrinfo *info;
	char address[64];

	if (!colon || len >= sizeof(address))
		return misused("'%s' is no place to listen: say ADDR:PORT", where);
	memcpy(address, where, len);
	address[len] = '\0';
	if (len > 1 && address[0] == '[' && address[len - 1] == ']') {
		memmove(address, address + 1, len - 2);
		address[len - 2] = '\0';
	} else if (strchr(address, ':')) {
		return misused("'%s' is no place to listen: say [ADDR]:PORT", where);
	}
	/* Any address, of both families where there are two. */
	if (!*address)
		snprintf(address, sizeof(address), "%s",
			 access("/proc/self/net/if_inet6", F_OK) ? "0.0.0.0" : "::");
	if (getaddrinfo(address, colon + 1, &hints, &info) || !colon[1])
		return misused("'%s' is no place to listen: say ADDR:PORT", where);
	*fd = listen_at(info);
	freeaddrinfo(info);
	if (*fd < 0)
		return refused("cannot listen at %s: %s", where, strerror(-*fd));
	return DONE;
}

int server_run(int fd, server_page page, void *data)
{
	struct site site = { page, data };
	const union MHD_DaemonInfo *info;
	MHD_UNSIGNED_LONG_LONG timeout;
	struct MHD_Daemon *daemon;
	int status = DONE;
	int err;

	daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, &site,
				  MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
				  MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE, MHD_OPTION_END);
	if (!daemon) {
		close(fd);
		return refused("cannot serve: %s", strerror(errno));
	}
	info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	do {
		bool due = MHD_get_timeout(daemon, &timeout) == MHD_YES;

		err = interrupt_poll(info->epoll_fd, due ? (int)timeout : -1);
		if (err >= 0 && MHD_run(daemon) != MHD_YES)
			err = -EIO;
	} while (err >= 0);
	MHD_stop_daemon(daemon);
	/* A signal is its normal end. */
	if (err == -EINTR)
		interrupt_forget();
	else
		status = refused("cannot serve: %s", strerror(-err));
	return status;
}
