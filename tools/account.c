// SPDX-License-Identifier: GPL-2.0
/* What the module tells of listeners, hosts and tables. */
#include <arpa/inet.h>
#include <string.h>

#include "account.h"
#include "attributes.h"

static const struct member source_members[] = {
	[TCPSTATE_A_END_ADDR]	= OTHER(struct source, end, attributes_read_address),
	[TCPSTATE_A_END_PORT]	= NUMBER(struct source, end.port),
	[TCPSTATE_A_END_SHARE]	= NUMBER(struct source, share),
};

static const struct layout source_layout = LAYOUT(source_members);

static bool read_endpoint(const struct nlattr *attr, void *member)
{
	struct source source = {};

	if (!attributes_read_nest(attr, &source_layout, &source))
		return false;
	source.end.port = ntohs(source.end.port);
	memcpy(member, &source.end, sizeof(source.end));
	return true;
}

static bool read_source(const struct nlattr *attr, void *member)
{
	struct source source = {};
	struct heavy *heavy = member;

	if (!attributes_read_nest(attr, &source_layout, &source) || source.share > 1000)
		return false;
	if (heavy->count < sizeof(heavy->source) / sizeof(*heavy->source))
		heavy->source[heavy->count++] = source;
	return true;
}

static const struct member members[] = {
	[TCPSTATE_A_LISTENER_FAMILY]	= NUMBER(struct account, family),
	[TCPSTATE_A_LISTENER_ENDPOINT]	= OTHER(struct account, end, read_endpoint),
	[TCPSTATE_A_LISTENER_SYN_SENT]	= NUMBER(struct account, syn_sent),
	[TCPSTATE_A_LISTENER_SYN_RECV]	= NUMBER(struct account, syn_recv),
	[TCPSTATE_A_LISTENER_SYN]	= NUMBER(struct account, syn),
	[TCPSTATE_A_LISTENER_SYNACK]	= NUMBER(struct account, synack),
	[TCPSTATE_A_LISTENER_COMPLETED]	= NUMBER(struct account, completed),
	[TCPSTATE_A_LISTENER_REFUSED]	= NUMBER(struct account, refused),
	[TCPSTATE_A_LISTENER_TIMED_OUT]	= NUMBER(struct account, timed_out),
	[TCPSTATE_A_LISTENER_SYN_RATE]	= NUMBER(struct account, syn_rate),
	[TCPSTATE_A_LISTENER_SOURCES]	= NUMBER(struct account, sources),
	[TCPSTATE_A_LISTENER_VERDICT]	= NUMBER(struct account, verdict),
	[TCPSTATE_A_LISTENER_SINCE]	= NUMBER(struct account, since),
	[TCPSTATE_A_LISTENER_COMPLETION] = NUMBER(struct account, completion),
	[TCPSTATE_A_LISTENER_USUAL]	= NUMBER(struct account, usual),
	[TCPSTATE_A_LISTENER_STALE]	= NUMBER(struct account, stale),
	[TCPSTATE_A_LISTENER_RESPONDER_LATENCY] = OTHER(struct account, latency[RESPONDER],
							attributes_read_buckets),
	[TCPSTATE_A_LISTENER_INITIATOR_LATENCY] = OTHER(struct account, latency[INITIATOR],
							attributes_read_buckets),
	[TCPSTATE_A_LISTENER_UNTIMED]	= NUMBER(struct account, untimed),
	[TCPSTATE_A_LISTENER_SOURCE]	= OTHER(struct account, heavy, read_source),
	[TCPSTATE_A_LISTENER_TARGETS]	= NUMBER(struct account, targets),
	[TCPSTATE_A_LISTENER_ALERT]	= NUMBER(struct account, alert),
	[TCPSTATE_A_LISTENER_SEQ]	= NUMBER(struct account, seq),
	[TCPSTATE_A_LISTENER_TIME]	= NUMBER(struct account, time),
	[TCPSTATE_A_LISTENER_BEFORE]	= NUMBER(struct account, before),
	[TCPSTATE_A_LISTENER_TABLE]	= NUMBER(struct account, table),
	[TCPSTATE_A_LISTENER_FILL]	= NUMBER(struct account, fill),
	[TCPSTATE_A_LISTENER_LIMIT]	= NUMBER(struct account, limit),
};

static const struct layout layout = LAYOUT(members);

/* Of who it is about there is an address, of this family, and a verdict. */
static bool is_sound(const struct account *account)
{
	size_t len = account->family == AF_INET ? 4 : 16;

	if ((account->family != AF_INET && account->family != AF_INET6) ||
	    account->end.len != len)
		return false;
	for (unsigned int i = 0; i < account->heavy.count; i++)
		if (account->heavy.source[i].end.len != len)
			return false;
	return account->verdict && account->verdict <= TCPSTATE_VERDICT_MAX &&
	       account->before <= TCPSTATE_VERDICT_MAX &&
	       (account->completion <= 1000 || account->completion == ACCOUNT_UNJUDGED) &&
	       (account->usual <= 1000 || account->usual == ACCOUNT_UNJUDGED);
}

static bool read_account(const struct nlmsghdr *nlh, struct account *account)
{
	*account = (struct account){
		.completion = ACCOUNT_UNJUDGED,
		.usual = ACCOUNT_UNJUDGED,
		.targets = UINT64_MAX,
	};
	if (!attributes_read(nlh, &layout, account) || account->alert > TCPSTATE_ALERT_END)
		return false;
	account->subject = account->table ? OF_TABLE :
			   account->targets != UINT64_MAX ? OF_HOST : OF_LISTENER;
	return account->table ? account->table >= TCPSTATE_A_COUNTER_FLOWS &&
				account->table <= TCPSTATE_A_COUNTER_LISTENERS :
				is_sound(account);
}

bool account_listener(const struct nlmsghdr *nlh, struct account *account)
{
	return read_account(nlh, account) && account->subject == OF_LISTENER;
}

bool account_host(const struct nlmsghdr *nlh, struct account *account)
{
	return read_account(nlh, account) && account->subject == OF_HOST;
}

bool account_alert(const struct nlmsghdr *nlh, struct account *account)
{
	return read_account(nlh, account) && account->alert;
}
