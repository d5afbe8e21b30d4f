// SPDX-License-Identifier: GPL-2.0
/* What a namespace counts for Prometheus. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "export.h"
#include "exposition.h"
#include "filter.h"

/* How often a dump is read that the kernel will not vouch for. */
#define ATTEMPTS 8

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

int export_begin(struct export *export, unsigned long listeners)
{
	*export = (struct export){ .broken = true, .listed = listeners };
	return ranking_begin(&export->listeners, listeners ? : 1, order, NULL);
}

static int print(struct export *export, FILE *file)
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

int export_print(struct export *export, FILE *file)
{
	int err = 0;

	if (export->broken) {
		channel_close(&export->channel);
		err = channel_open(&export->channel);
	}
	if (!err)
		err = print(export, file);
	export->broken = err;
	return err;
}

void export_end(struct export *export)
{
	channel_close(&export->channel);
	ranking_end(&export->listeners);
}
