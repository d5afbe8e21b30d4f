// SPDX-License-Identifier: GPL-2.0
/* What is told of a listener, of a host under a verdict, and by an alert. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "account.h"
#include "figures.h"
#include "kernel.h"
#include "output.h"

static const char *address(const struct endpoint *end, char *text)
{
	return inet_ntop(end->len == 4 ? AF_INET : AF_INET6, end->addr, text, INET6_ADDRSTRLEN);
}

/* A host. */

static struct json_object *host_json(const void *member)
{
	char text[INET6_ADDRSTRLEN];

	return json_object_new_string(address(member, text));
}

static void host_text(const void *member, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN];

	snprintf(text, size, "%s", address(member, addr));
}

/* Whatever an alert is about. */
static void subject_text(const void *member, char *text, size_t size)
{
	const struct account *account = member;
	const struct endpoint *end = &account->end;
	char addr[INET6_ADDRSTRLEN];

	switch (account->subject) {
	case OF_TABLE:
		snprintf(text, size, "%s", counters[account->table].name);
		break;
	case OF_HOST:
		host_text(end, text, size);
		break;
	case OF_LISTENER:
		snprintf(text, size, end->len == 4 ? "%s:%u" : "[%s]:%u", address(end, addr),
			 end->port);
		break;
	}
}

static struct json_object *table_json(const void *member)
{
	return json_object_new_string(counters[*(const uint8_t *)member].name);
}

/* Histograms: in JSON their buckets. */

static struct json_object *latency_json(const void *member)
{
	return figures_buckets(member);
}

static void latency_text(const void *member, char *text, size_t size)
{
	bool half_bounded, most_bounded;
	char half[32], most[32];

	*text = '\0';
	if (!figures_count(member))
		return;
	half_bounded = figures_bound(member, 50, 1, half, sizeof(half));
	most_bounded = figures_bound(member, 99, 1, most, sizeof(most));
	snprintf(text, size, "50%%%s%s,99%%%s%s", half_bounded ? "<" : ">=", half,
		 most_bounded ? "<" : ">=", most);
}

/* The heaviest sources. */

static struct json_object *heavy_json(const void *member)
{
	struct json_object *array = json_object_new_array();
	const struct heavy *heavy = member;

	for (unsigned int i = 0; i < heavy->count; i++) {
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "source", host_json(&heavy->source[i].end));
		json_object_object_add(one, "share", output_share_json(heavy->source[i].share));
		json_object_array_add(array, one);
	}
	return array;
}

static void heavy_text(const void *member, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN], share[32];
	const struct heavy *heavy = member;
	size_t len = 0;

	*text = '\0';
	for (unsigned int i = 0; i < heavy->count && len < size; i++)
		len += snprintf(text + len, size - len, "%s%s=%s", i ? "," : "",
				address(&heavy->source[i].end, addr),
				output_share(heavy->source[i].share, share, sizeof(share)));
}

/* What the kernel counts. */

static struct json_object *kernel_json(const void *member)
{
	const struct kernel *kernel = *(const struct kernel *const *)member;
	struct json_object *object;

	if (!kernel)
		return NULL;
	object = json_object_new_object();
	for (int i = 0; i < KERNEL_COUNTERS; i++)
		json_object_object_add(object, kernel_names[i],
				       json_object_new_uint64(kernel->counters[i]));
	return object;
}

static bool is_quiet(uint8_t verdict)
{
	return verdict == TCPSTATE_VERDICT_OK || verdict == TCPSTATE_VERDICT_SURGE;
}

/* To whom all is well they say nothing. */
static void kernel_text(const void *member, char *text, size_t size)
{
	const struct account *account = member;
	size_t len = 0;

	*text = '\0';
	if (!account->kernel || is_quiet(account->verdict))
		return;
	for (int i = 0; i < KERNEL_COUNTERS && len < size; i++)
		len += snprintf(text + len, size - len, " %s:%ju", kernel_names[i],
				(uintmax_t)account->kernel->counters[i]);
}

#define L VIEW_LISTENER
#define H VIEW_HOST
#define T VIEW_TABLE
#define A VIEW_ALERT
#define OF(member) \
	{ offsetof(struct account, member), sizeof(((struct account *)NULL)->member) }
#define WHOLE { 0 }

static const struct field fields[] = {
	{ "event",	NAME,	 OF(alert),	 A, "EVENT", A, .names = alerts },
	{ "seq",	NUMBER,	 OF(seq),	 A },
	{ "time",	WHEN,	 OF(time),	 A, "TIME", A },
	{ NULL,		OTHER,	 WHOLE,		 0, "SUBJECT", A, .text = subject_text },
	{ "family",	FAMILY,	 OF(family),	 L | H },
	{ "listener",	ADDRESS, OF(end),	 L, "LISTENER", L },
	{ "listener_port", NUMBER, OF(end.port), L },
	{ "host",	OTHER,	 OF(end),	 H, "HOST", H, .json = host_json,
	  .text = host_text },
	{ "table",	OTHER,	 OF(table),	 T, .json = table_json },
	{ "verdict",	VERDICT, OF(verdict),	 L | H, "VERDICT", L | H | A },
	{ "before",	VERDICT, OF(before),	 A, .detail = " before:" },
	{ "since_ms",	TIME,	 OF(since),	 L | H, "SINCE", L | H },
	{ "syn_sent",	NUMBER,	 OF(syn_sent),	 L, "SYN_SENT", L, " syn-sent:", A },
	{ "syn_recv",	NUMBER,	 OF(syn_recv),	 L, "SYN_RECV", L, " syn-recv:", A },
	{ "stale",	NUMBER,	 OF(stale),	 L, "STALE", L, " stale:", A },
	{ "syn_rate",	NUMBER,	 OF(syn_rate),	 L, "SYN/S", L, " syn-rate:", A },
	{ "sources",	NUMBER,	 OF(sources),	 L, "SOURCES", L, " sources:", A },
	{ "completion",	SHARE,	 OF(completion), L, .detail = " completion:" },
	{ "usual",	SHARE,	 OF(usual),	 L, .detail = " usual:" },
	{ "targets",	NUMBER,	 OF(targets),	 H, "TARGETS", H, " targets:", A },
	{ "syn",	NUMBER,	 OF(syn),	 L | H, "SYN", H, " syn:", L | A },
	{ "synack",	NUMBER,	 OF(synack),	 L, NULL, 0, " synack:", L },
	{ "completed",	NUMBER,	 OF(completed),	 L, NULL, 0, " completed:", L },
	{ "refused",	NUMBER,	 OF(refused),	 L, NULL, 0, " refused:", L },
	{ "timed_out",	NUMBER,	 OF(timed_out),	 L, NULL, 0, " timed-out:", L },
	{ "responder_latency_us", OTHER, OF(latency[RESPONDER]), L, NULL, 0,
	  " responder-latency:", L, .json = latency_json, .text = latency_text },
	{ "initiator_latency_us", OTHER, OF(latency[INITIATOR]), L, NULL, 0,
	  " initiator-latency:", L, .json = latency_json, .text = latency_text },
	{ "untimed",	NUMBER,	 OF(untimed),	 L, NULL, 0, " untimed:", L },
	{ "top_sources", OTHER,	 OF(heavy),	 L, .detail = "\ntop-sources:",
	  .json = heavy_json, .text = heavy_text },
	{ "kernel",	OTHER,	 OF(kernel),	 L, .json = kernel_json },
	{ NULL,		OTHER,	 WHOLE,		 L, .detail = "\nkernel:", .text = kernel_text },
	{ "fill",	NUMBER,	 OF(fill),	 T, .detail = " fill:" },
	{ "limit",	NUMBER,	 OF(limit),	 T, .detail = " limit:" },
};

static unsigned int views(const void *record, enum view view)
{
	static const enum view of[] = {
		[OF_LISTENER] = VIEW_LISTENER, [OF_HOST] = VIEW_HOST, [OF_TABLE] = VIEW_TABLE,
	};

	return view | of[((const struct account *)record)->subject];
}

const struct description account_description = {
	fields, sizeof(fields) / sizeof(*fields), views,
};
