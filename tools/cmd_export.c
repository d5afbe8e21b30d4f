// SPDX-License-Identifier: GPL-2.0
/* tcpstate export: what a namespace counts for Prometheus, once or as often as it asks. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "channel.h"
#include "exposition.h"
#include "filter.h"
#include "privilege.h"
#include "ranking.h"
#include "server.h"
#include "tool.h"

/* How often a dump is read that the kernel will not vouch for. */
#define ATTEMPTS 8

/**
 * struct export - under way
 * @channel: to the module; of no use while @broken
 * @stats: lives in the message as far as its version goes, so @version has that
 * @under: listeners and hosts by verdict
 * @listed: listeners are told of one by one
 * @listeners: these
 */
struct export {
	struct channel channel;
	bool broken;
	struct stats stats;
	char version[32];
	uint64_t under[__TCPSTATE_VERDICT_MAX];
	bool listed;
	struct ranking listeners;
};

static bool is_trouble(uint8_t verdict)
{
	return verdict != TCPSTATE_VERDICT_OK && verdict != TCPSTATE_VERDICT_SURGE;
}

/* Those in trouble, then those that most was asked of. */
static int order(const void *one, const void *other, void *data)
{
	const struct account *a = one, *b = other;

	(void)data;
	if (is_trouble(a->verdict) != is_trouble(b->verdict))
		return is_trouble(a->verdict) ? -1 : 1;
	if (a->syn != b->syn)
		return a->syn > b->syn ? -1 : 1;
	if (a->family != b->family)
		return a->family - b->family;
	if (a->end.port != b->end.port)
		return a->end.port - b->end.port;
	return memcmp(a->end.addr, b->end.addr, sizeof(a->end.addr));
}

static int read_stats(const struct nlmsghdr *nlh, void *data)
{
	struct export *export = data;

	if (!message_stats(nlh, &export->stats))
		return -EBADMSG;
	snprintf(export->version, sizeof(export->version), "%s", export->stats.version);
	export->stats.version = export->version;
	return 0;
}

static int read_listener(const struct nlmsghdr *nlh, void *data)
{
	struct export *export = data;
	union record record;

	if (!account_listener(nlh, &record.account))
		return -EBADMSG;
	export->under[record.account.verdict]++;
	if (export->listed)
		ranking_add(&export->listeners, &record);
	return 0;
}

static int read_host(const struct nlmsghdr *nlh, void *data)
{
	struct export *export = data;
	struct account account;

	if (!account_host(nlh, &account))
		return -EBADMSG;
	export->under[account.verdict]++;
	return 0;
}

static int read_accounts(struct export *export)
{
	static char *const none[] = { NULL };
	struct filter listeners, hosts;
	bool whole = false;
	char why[64];
	int err = 0;

	filter_parse(&listeners, FILTER_LISTENERS, 0, none, why, sizeof(why));
	filter_parse(&hosts, FILTER_HOSTS, 0, none, why, sizeof(why));
	for (int i = 0; i < ATTEMPTS && !err && !whole; i++) {
		memset(export->under, 0, sizeof(export->under));
		ranking_clear(&export->listeners);
		err = channel_dump(&export->channel, TCPSTATE_CMD_LISTENER_GET, &listeners,
				   read_listener, export, &whole);
	}
	if (!err)
		err = channel_dump(&export->channel, TCPSTATE_CMD_HOST_GET, &hosts, read_host,
				   export, &whole);
	ranking_sort(&export->listeners);
	return err;
}

/* 0 or a negative errno; where it fails, the channel says why. */
static int export_print(struct export *export, FILE *file)
{
	struct exposition exposition = { .stats = &export->stats, .under = export->under };
	int err;

	err = channel_do(&export->channel, TCPSTATE_CMD_STATS_GET, read_stats, export);
	if (err)
		return err;
	err = read_accounts(export);
	if (export->listed)
		exposition.listeners = &export->listeners;
	else if (err == -EPERM)
		exposition.under = NULL;
	if (err && exposition.under)
		return err;
	exposition_print(file, &exposition);
	return 0;
}

/* The module may have been gone, and be another one now. */
static bool serve(FILE *file, void *data)
{
	struct export *export = data;
	char text[512];
	int err = 0;

	for (int i = 0; i < 2; i++) {
		if (export->broken) {
			channel_close(&export->channel);
			err = channel_open(&export->channel);
		}
		if (!err)
			err = export_print(export, file);
		export->broken = err;
		if (!err)
			return true;
	}
	channel_explain(&export->channel, err, text, sizeof(text));
	fprintf(file, "%s\n", text);
	return false;
}

static int listen_and_serve(struct export *export, const struct options *options)
{
	int status, fd;

	status = server_open(options->listen, &fd);
	if (status)
		return status;
	status = privilege_drop(options->user ? : "nobody");
	if (status)
		return status;
	export->broken = true;
	return server_run(fd, serve, export);
}

int cmd_export(const struct options *options, char *const *words)
{
	struct export export = { .listed = options->listeners };
	int status = DONE;
	int err;

	(void)words;
	err = ranking_begin(&export.listeners, options->listeners ? : 1, order, NULL);
	if (err) {
		status = channel_complain(&export.channel, err);
	} else if (options->listen) {
		status = listen_and_serve(&export, options);
	} else {
		err = channel_open(&export.channel);
		if (!err)
			err = export_print(&export, stdout);
		if (err)
			status = channel_complain(&export.channel, err);
	}
	channel_close(&export.channel);
	ranking_end(&export.listeners);
	return status;
}
