// SPDX-License-Identifier: GPL-2.0
/* tcpstate listeners, tcpstate hosts: where handshakes go, and who is under a verdict. */
#include "kernel.h"
#include "listing.h"
#include "local.h"
#include "tool.h"

/**
 * struct here - the network namespace
 * @locals: its addresses
 * @kernel: what its kernel counts
 */
struct here {
	struct locals locals;
	struct kernel kernel;
};

static bool read_listener(const struct nlmsghdr *nlh, union record *record)
{
	return account_listener(nlh, &record->account);
}

static bool read_host(const struct nlmsghdr *nlh, union record *record)
{
	return account_host(nlh, &record->account);
}

/* The kernel's word stands beside the verdict where the listener's socket is here. */
static void add_kernel(union record *record, void *data)
{
	struct account *account = &record->account;
	const struct here *here = data;

	if (local_has(&here->locals, account->family, account->end.addr))
		account->kernel = &here->kernel;
}

int cmd_listeners(const struct options *options, char *const *words)
{
	struct here here;
	struct listing listing = {
		.command = TCPSTATE_CMD_LISTENER_GET,
		.kind = FILTER_LISTENERS,
		.description = &account_description,
		.view = VIEW_LISTENER,
		.names = "listeners",
		.read = read_listener,
		.ends = offsetof(struct account, end),
		.count = 1,
		.data = &here,
	};
	int status;

	if (!local_begin(&here.locals) && kernel_read(&here.kernel))
		listing.complete = add_kernel;
	status = listing_print(&listing, options, words);
	local_end(&here.locals);
	return status;
}

int cmd_hosts(const struct options *options, char *const *words)
{
	static const struct listing listing = {
		.command = TCPSTATE_CMD_HOST_GET,
		.kind = FILTER_HOSTS,
		.description = &account_description,
		.view = VIEW_HOST,
		.names = "hosts",
		.read = read_host,
		.ends = offsetof(struct account, end),
		.count = 1,
	};

	return listing_print(&listing, options, words);
}
