// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners, hosts and alerts in the tool: from a message to text and to JSON. What is
 * cut, of a wrong size or not known, is refused; what a filter asks for is put.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "account.h"
#include "filter.h"
#include "kernel.h"
#include "ktap.h"
#include "output.h"
#include "sieve.h"
#include "tool.h"

#define ROOM 4096

static char buffer[ROOM] __attribute__((aligned(8)));

static struct nlmsghdr *begin(void)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

/* Messages, and what can be otherwise in them. */

static const uint8_t addresses[][16] = { { 10, 9, 2, 2 }, { 0xfd, [15] = 1 } };

/**
 * struct recipe - of a message
 * @addr_len: 4 or 16
 * @host: of a host
 * @verdict: enum tcpstate_verdict
 * @sources: how many, their shares 612 and less
 * @judged: there is a completion
 * @alert: enum tcpstate_alert, or 0 where it is none
 * @before: likewise a verdict
 * @table: there is none of the above but @alert
 * @odd_type: of an attribute of @odd_len octets
 * @without: of an attribute that is left out
 */
struct recipe {
	size_t addr_len;
	bool host;
	uint8_t verdict;
	unsigned int sources;
	bool judged;
	uint8_t alert;
	uint8_t before;
	uint8_t table;
	uint16_t odd_type;
	size_t odd_len;
	uint16_t without;
};

static const struct recipe listener = {
	.addr_len = 4, .verdict = TCPSTATE_VERDICT_FLOOD_SPOOFED, .judged = true,
};

static const struct recipe host = {
	.addr_len = 4, .host = true, .verdict = TCPSTATE_VERDICT_SCAN,
};

static void put_place(struct nlmsghdr *nlh, const struct recipe *recipe)
{
	struct nlattr *nest;

	if (recipe->without == TCPSTATE_A_LISTENER_ENDPOINT)
		return;
	nest = mnl_attr_nest_start(nlh, TCPSTATE_A_LISTENER_ENDPOINT);
	mnl_attr_put(nlh, TCPSTATE_A_END_ADDR, recipe->addr_len,
		     addresses[recipe->addr_len == 16]);
	if (!recipe->host)
		mnl_attr_put_u16(nlh, TCPSTATE_A_END_PORT, htons(80));
	mnl_attr_nest_end(nlh, nest);
}

static void put_sources(struct nlmsghdr *nlh, const struct recipe *recipe)
{
	for (unsigned int i = 0; i < recipe->sources; i++) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, TCPSTATE_A_LISTENER_SOURCE);
		uint8_t addr[16] = { 192, 0, 2, i };

		mnl_attr_put(nlh, TCPSTATE_A_END_ADDR, recipe->addr_len, addr);
		mnl_attr_put_u32(nlh, TCPSTATE_A_END_SHARE, 612 / (i + 1));
		mnl_attr_nest_end(nlh, nest);
	}
}

/* Eight of less than a microsecond, two of the last but one and two of the last. */
static void put_latency(struct nlmsghdr *nlh, uint16_t type)
{
	uint64_t buckets[BUCKETS] = { 8, [BUCKETS - 2] = 2, [BUCKETS - 1] = 2 };

	mnl_attr_put(nlh, type, sizeof(buckets), buckets);
}

static void put_listener(struct nlmsghdr *nlh, const struct recipe *recipe)
{
	for (uint16_t type = TCPSTATE_A_LISTENER_SYN_SENT; type <= TCPSTATE_A_LISTENER_SOURCES;
	     type++)
		if (type != recipe->without)
			mnl_attr_put_u64(nlh, type, 1000 + type);
	if (recipe->judged) {
		mnl_attr_put_u32(nlh, TCPSTATE_A_LISTENER_COMPLETION, 3);
		mnl_attr_put_u32(nlh, TCPSTATE_A_LISTENER_USUAL, 985);
	}
	mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_STALE, 77);
	put_latency(nlh, TCPSTATE_A_LISTENER_RESPONDER_LATENCY);
	if (recipe->judged)
		put_latency(nlh, TCPSTATE_A_LISTENER_INITIATOR_LATENCY);
	mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_UNTIMED, 5);
	put_sources(nlh, recipe);
}

static struct nlmsghdr *cook(struct recipe recipe)
{
	struct nlmsghdr *nlh = begin();

	if (!recipe.table) {
		if (recipe.without != TCPSTATE_A_LISTENER_FAMILY)
			mnl_attr_put_u8(nlh, TCPSTATE_A_LISTENER_FAMILY,
					recipe.addr_len == 16 ? AF_INET6 : AF_INET);
		put_place(nlh, &recipe);
		if (recipe.without != TCPSTATE_A_LISTENER_VERDICT)
			mnl_attr_put_u8(nlh, TCPSTATE_A_LISTENER_VERDICT, recipe.verdict);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_SINCE, 12345);
	} else {
		mnl_attr_put_u8(nlh, TCPSTATE_A_LISTENER_TABLE, recipe.table);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_FILL, 63);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_LIMIT, 64);
	}
	if (recipe.host) {
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_TARGETS, 500);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_SYN, 600);
	} else if (!recipe.table) {
		put_listener(nlh, &recipe);
	}
	if (recipe.alert) {
		mnl_attr_put_u8(nlh, TCPSTATE_A_LISTENER_ALERT, recipe.alert);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_SEQ, 1ull << 44);
		mnl_attr_put_u64(nlh, TCPSTATE_A_LISTENER_TIME, 1764016738000000001);
		if (recipe.before)
			mnl_attr_put_u8(nlh, TCPSTATE_A_LISTENER_BEFORE, recipe.before);
	}
	if (recipe.odd_type)
		mnl_attr_put(nlh, recipe.odd_type, recipe.odd_len, addresses);
	return nlh;
}

static struct recipe alert_of(struct recipe recipe, uint8_t alert, uint8_t before)
{
	recipe.alert = alert;
	recipe.before = before;
	return recipe;
}

typedef bool (*reader)(const struct nlmsghdr *nlh, struct account *account);

/* Reads from memory that holds the message and not an octet more. */
static bool reads(reader read, const struct nlmsghdr *nlh, size_t len, struct account *account)
{
	struct nlmsghdr *copy = malloc(len);
	bool done;

	memcpy(copy, nlh, len);
	done = read(copy, account);
	free(copy);
	return done;
}

static bool cooked(reader read, struct recipe recipe)
{
	const struct nlmsghdr *nlh = cook(recipe);
	struct account account;

	return reads(read, nlh, nlh->nlmsg_len, &account);
}

/* Reading. */

static void test_reading(void)
{
	struct recipe recipe = listener;
	struct account account;

	recipe.sources = 3;
	ok(account_listener(cook(recipe), &account) && account.subject == OF_LISTENER &&
	   account.family == AF_INET && account.end.port == 80 && account.end.len == 4 &&
	   !memcmp(account.end.addr, addresses[0], 4), "a listener is read");
	ok(account.syn_sent == 1000 + TCPSTATE_A_LISTENER_SYN_SENT &&
	   account.syn_recv == 1000 + TCPSTATE_A_LISTENER_SYN_RECV &&
	   account.syn == 1000 + TCPSTATE_A_LISTENER_SYN &&
	   account.synack == 1000 + TCPSTATE_A_LISTENER_SYNACK &&
	   account.completed == 1000 + TCPSTATE_A_LISTENER_COMPLETED &&
	   account.refused == 1000 + TCPSTATE_A_LISTENER_REFUSED &&
	   account.timed_out == 1000 + TCPSTATE_A_LISTENER_TIMED_OUT &&
	   account.syn_rate == 1000 + TCPSTATE_A_LISTENER_SYN_RATE &&
	   account.sources == 1000 + TCPSTATE_A_LISTENER_SOURCES && account.stale == 77 &&
	   account.since == 12345 && account.untimed == 5, "its figures");
	ok(account.verdict == TCPSTATE_VERDICT_FLOOD_SPOOFED && account.completion == 3 &&
	   account.usual == 985 && account.latency[RESPONDER][0] == 8 &&
	   account.latency[INITIATOR][BUCKETS - 1] == 2 && !account.alert && !account.kernel,
	   "its verdict, shares and latencies");
	ok(account.heavy.count == 3 && account.heavy.source[2].share == 204 &&
	   account.heavy.source[2].end.addr[3] == 2, "its sources");
	recipe.sources = 30;
	ok(account_listener(cook(recipe), &account) &&
	   account.heavy.count == sizeof(account.heavy.source) / sizeof(*account.heavy.source),
	   "of sources as many as there is room for");
	recipe.addr_len = 16;
	ok(account_listener(cook(recipe), &account) && account.family == AF_INET6, "IPv6");
	recipe = listener;
	recipe.judged = false;
	ok(account_listener(cook(recipe), &account) && account.completion == ACCOUNT_UNJUDGED &&
	   account.usual == ACCOUNT_UNJUDGED, "where nothing was judged");
	ok(account_host(cook(host), &account) && account.subject == OF_HOST &&
	   account.targets == 500 && account.syn == 600 && account.since == 12345, "a host is read");
	ok(!cooked(account_host, listener) && !cooked(account_listener, host),
	   "a listener is no host");
	ok(!cooked(account_alert, listener), "nor an alert");
	ok(account_alert(cook(alert_of(listener, TCPSTATE_ALERT_CHANGE, TCPSTATE_VERDICT_SURGE)),
			 &account) && account.alert == TCPSTATE_ALERT_CHANGE &&
	   account.before == TCPSTATE_VERDICT_SURGE && account.seq == 1ull << 44 &&
	   account.time == 1764016738000000001 && account.subject == OF_LISTENER, "an alert is read");
	ok(account_alert(cook(alert_of(host, TCPSTATE_ALERT_BEGIN, 0)), &account) &&
	   account.subject == OF_HOST, "of a host too");
	recipe = (struct recipe){ .alert = TCPSTATE_ALERT_BEGIN };
	for (recipe.table = 1; recipe.table < 255; recipe.table++)
		if (account_alert(cook(recipe), &account) !=
		    (recipe.table >= TCPSTATE_A_COUNTER_FLOWS &&
		     recipe.table <= TCPSTATE_A_COUNTER_LISTENERS))
			break;
	ok(recipe.table == 255, "of three tables, and no other (%u)", recipe.table);
}

static void test_refused(void)
{
	static const uint16_t vital[] = { TCPSTATE_A_LISTENER_FAMILY, TCPSTATE_A_LISTENER_ENDPOINT,
					  TCPSTATE_A_LISTENER_VERDICT };
	struct recipe recipe;

	for (size_t i = 0; i < sizeof(vital) / sizeof(*vital); i++) {
		recipe = listener;
		recipe.without = vital[i];
		ok(!cooked(account_listener, recipe), "without attribute %u none is read",
		   vital[i]);
	}
	recipe = listener;
	recipe.without = TCPSTATE_A_LISTENER_SYN_RATE;
	ok(cooked(account_listener, recipe), "another may be missing");
	recipe = listener;
	recipe.odd_type = TCPSTATE_A_LISTENER_MAX + 1;
	recipe.odd_len = 5;
	ok(cooked(account_listener, recipe), "an attribute that nobody knows is passed over");
	for (uint16_t type = TCPSTATE_A_LISTENER_FAMILY; type <= TCPSTATE_A_LISTENER_MAX; type++) {
		if (type == TCPSTATE_A_LISTENER_VERDICTS)
			continue;		/* of requests alone */
		recipe.odd_type = type;
		recipe.odd_len = 3;
		ok(!cooked(account_listener, recipe), "attribute %u of a wrong size", type);
	}
	recipe = listener;
	for (int verdict = 0; verdict < 256; verdict++) {
		recipe.verdict = verdict;
		if (cooked(account_listener, recipe) !=
		    (verdict >= TCPSTATE_VERDICT_OK && verdict <= TCPSTATE_VERDICT_MAX))
			recipe.without = 1;
	}
	ok(!recipe.without, "a verdict that nobody knows is refused");
	recipe = listener;
	recipe.addr_len = 5;
	ok(!cooked(account_listener, recipe), "an address of five octets");
	ok(!cooked(account_alert, alert_of(listener, TCPSTATE_ALERT_END + 1, 0)),
	   "an alert of no kind");
	ok(!cooked(account_alert, alert_of(listener, TCPSTATE_ALERT_END,
					   TCPSTATE_VERDICT_MAX + 1)), "a verdict before of no kind");
}

/* Whether a message of a source whose share or address is odd is read. */
static bool sourced(uint32_t share, size_t len)
{
	struct nlmsghdr *nlh = cook(listener);
	struct nlattr *nest = mnl_attr_nest_start(nlh, TCPSTATE_A_LISTENER_SOURCE);
	struct account account;

	mnl_attr_put(nlh, TCPSTATE_A_END_ADDR, len, addresses);
	mnl_attr_put_u32(nlh, TCPSTATE_A_END_SHARE, share);
	mnl_attr_nest_end(nlh, nest);
	return account_listener(nlh, &account);
}

static void test_shares(void)
{
	struct account account;
	struct nlmsghdr *nlh;

	ok(sourced(1000, 4) && !sourced(1001, 4), "a share is a thousand at most");
	ok(!sourced(1, 16), "a source is of its listener's family");
	for (uint16_t type = TCPSTATE_A_LISTENER_COMPLETION; type <= TCPSTATE_A_LISTENER_USUAL;
	     type++) {
		nlh = cook(listener);
		mnl_attr_put_u32(nlh, type, 1001);
		ok(!account_listener(nlh, &account), "more than all were not completed (%u)", type);
	}
}

/* Any cut, any octet changed: read or refused, never overrun. */
static void test_hostile(void)
{
	struct recipe recipe = alert_of(listener, TCPSTATE_ALERT_BEGIN, TCPSTATE_VERDICT_OK);
	unsigned long rounds, read = 0;
	struct account account;
	struct nlmsghdr *nlh;
	uint32_t len, cut;

	recipe.sources = 5;
	nlh = cook(recipe);
	len = nlh->nlmsg_len;
	for (cut = NLMSG_HDRLEN; cut < len; cut++) {
		nlh->nlmsg_len = cut;
		if (reads(account_alert, nlh, cut, &account) && cut < len - 64)
			break;
	}
	ok(cut == len, "an alert that is cut short is refused (%u of %u)", cut, len);
	srandom(9293);
	for (rounds = 0; rounds < 200000; rounds++) {
		recipe.host = rounds % 3 == 0;
		recipe.table = rounds % 7 ? 0 : TCPSTATE_A_COUNTER_HALFOPEN;
		nlh = cook(recipe);
		len = nlh->nlmsg_len;
		for (int n = random() % 4; n >= 0; n--) {
			size_t at = NLMSG_HDRLEN + random() % (len - NLMSG_HDRLEN);

			buffer[at] = random() % 3 ? random() : random() % 24;
		}
		nlh->nlmsg_len = random() % 4 ? len : NLMSG_HDRLEN + random() %
							(len - NLMSG_HDRLEN);
		read += reads(rounds % 2 ? account_alert : account_listener, nlh, nlh->nlmsg_len,
			      &account);
	}
	ok(read && read < rounds, "of %lu changed messages some are read (%lu), some refused",
	   rounds, read);
}

/* What is printed. */

static char printed[1 << 16];

static const char *print(struct options options, enum view view, const struct recipe *recipes,
			 int count, const struct kernel *kernel)
{
	FILE *file = tmpfile();
	struct output *output;
	int out;

	fflush(stdout);
	out = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	output = output_begin(&options, &account_description, view);
	for (int i = 0; i < count; i++) {
		struct nlmsghdr *nlh = cook(recipes[i]);
		struct account account;

		if (!(recipes[i].alert ? account_alert : recipes[i].host ? account_host :
					 account_listener)(nlh, &account))
			continue;
		account.kernel = kernel;
		output_record(output, &account);
	}
	output_end(output, true);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
	fclose(file);
	return printed;
}

static void same(const char *what, const char *seen, const char *wanted)
{
	if (!ok(!strcmp(seen, wanted), "%s", what))
		diag("wanted:\n%s\nsaw:\n%s", wanted, seen);
}

#define BUCKETS_JSON "[8,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2]"
#define NO_BUCKETS   "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"

#define FLOOD_JSON \
	"\"family\":\"ipv4\",\"listener\":\"10.9.2.2\",\"listener_port\":80," \
	"\"verdict\":\"flood_spoofed\"," FLOOD_BEFORE "\"since_ms\":12345,\"syn_sent\":1005," \
	"\"syn_recv\":1006,\"stale\":77,\"syn_rate\":1012,\"sources\":1013," \
	"\"completion\":0.003,\"usual\":0.985,\"syn\":1007,\"synack\":1008," \
	"\"completed\":1009,\"refused\":1010,\"timed_out\":1011," \
	"\"responder_latency_us\":" BUCKETS_JSON ",\"initiator_latency_us\":" BUCKETS_JSON \
	",\"untimed\":5,\"top_sources\":[{\"source\":\"192.0.2.0\",\"share\":0.612}," \
	"{\"source\":\"192.0.2.1\",\"share\":0.306}]"

static const struct kernel kernel = { { 11, 12, 13, 14, 15, 16 } };

static void test_json(void)
{
	static const struct options json = { .json = true };
	struct recipe both[2] = { listener, listener };

	both[0].sources = 2;
	both[1].addr_len = 16;
	both[1].judged = false;
	both[1].verdict = TCPSTATE_VERDICT_OK;
#define FLOOD_BEFORE
	same("listeners as JSON", print(json, VIEW_LISTENER, both, 2, NULL),
	     "[\n{" FLOOD_JSON "},\n"
	     "{\"family\":\"ipv6\",\"listener\":\"fd00::1\",\"listener_port\":80,"
	     "\"verdict\":\"ok\",\"since_ms\":12345,\"syn_sent\":1005,\"syn_recv\":1006,"
	     "\"stale\":77,\"syn_rate\":1012,\"sources\":1013,\"syn\":1007,\"synack\":1008,"
	     "\"completed\":1009,\"refused\":1010,\"timed_out\":1011,"
	     "\"responder_latency_us\":" BUCKETS_JSON ",\"initiator_latency_us\":" NO_BUCKETS
	     ",\"untimed\":5,\"top_sources\":[]}\n]\n");
	same("with what the kernel counts", print(json, VIEW_LISTENER, both, 1, &kernel),
	     "[\n{" FLOOD_JSON ",\"kernel\":{\"SyncookiesSent\":11,\"SyncookiesRecv\":12,"
	     "\"ListenOverflows\":13,\"ListenDrops\":14,\"TCPReqQFullDrop\":15,"
	     "\"TCPReqQFullDoCookies\":16}}\n]\n");
#undef FLOOD_BEFORE
	same("no listener as JSON", print(json, VIEW_LISTENER, NULL, 0, NULL), "[]\n");
	same("a host as JSON", print(json, VIEW_HOST, &host, 1, NULL),
	     "[\n{\"family\":\"ipv4\",\"host\":\"10.9.2.2\",\"verdict\":\"scan\","
	     "\"since_ms\":12345,\"targets\":500,\"syn\":600}\n]\n");
	same("no host as JSON", print(json, VIEW_HOST, NULL, 0, NULL), "[]\n");
}

#define SEQ_TIME "\"seq\":17592186044416,\"time\":\"2025-11-24T20:38:58.000000001Z\""

static void test_alerts(void)
{
	struct recipe alerts[] = {
		alert_of(listener, TCPSTATE_ALERT_CHANGE, TCPSTATE_VERDICT_FLOOD_FEW),
		alert_of(host, TCPSTATE_ALERT_END, TCPSTATE_VERDICT_REFLECTION_VICTIM),
		{ .table = TCPSTATE_A_COUNTER_HALFOPEN, .alert = TCPSTATE_ALERT_BEGIN },
	};

	alerts[0].sources = 2;
#define FLOOD_BEFORE "\"before\":\"flood_few\","
	same("alerts as JSON", print((struct options){ .json = true }, VIEW_ALERT, alerts, 3, NULL),
	     "{\"event\":\"change\"," SEQ_TIME "," FLOOD_JSON "}\n"
	     "{\"event\":\"end\"," SEQ_TIME ",\"family\":\"ipv4\",\"host\":\"10.9.2.2\","
	     "\"verdict\":\"scan\",\"before\":\"reflection_victim\",\"since_ms\":12345,"
	     "\"targets\":500,\"syn\":600}\n"
	     "{\"event\":\"begin\"," SEQ_TIME ",\"table\":\"halfopen\",\"fill\":63,"
	     "\"limit\":64}\n");
#undef FLOOD_BEFORE
	same("alerts as text", print((struct options){}, VIEW_ALERT, alerts, 3, NULL),
	     "EVENT   SUBJECT      VERDICT\n"
	     "change  10.9.2.2:80  flood_spoofed before:flood_few syn-sent:1005 syn-recv:1006 "
	     "stale:77 syn-rate:1012 sources:1013 completion:0.3% usual:98.5% syn:1007 "
	     "top-sources:192.0.2.0=61.2%,192.0.2.1=30.6%\n"
	     "end     10.9.2.2     scan before:reflection_victim targets:500 syn:600\n"
	     "begin   halfopen     full fill:63 limit:64\n");
	print((struct options){ .timestamps = true }, VIEW_ALERT, alerts + 2, 1, NULL);
	ok(strstr(printed, "begin  2025-11-24T20:38:58.000000001Z  halfopen"),
	   "with the time where it is asked for");
	same("no alert as JSON", print((struct options){ .json = true }, VIEW_ALERT, NULL, 0, NULL),
	     "");
}

#define DETAILS \
	"completion:0.3% usual:98.5% syn:1007 synack:1008 completed:1009 refused:1010 " \
	"timed-out:1011 responder-latency:50%<1us,99%>=17m53s " \
	"initiator-latency:50%<1us,99%>=17m53s untimed:5"
#define SOURCES "top-sources:192.0.2.0=61.2%,192.0.2.1=30.6%"
#define KERNEL \
	"kernel: SyncookiesSent:11 SyncookiesRecv:12 ListenOverflows:13 ListenDrops:14 " \
	"TCPReqQFullDrop:15 TCPReqQFullDoCookies:16"
#define TITLES "LISTENER     VERDICT        SINCE  SYN_SENT  SYN_RECV  STALE  SYN/S  SOURCES\n"
#define FLOOD  "10.9.2.2:80  flood_spoofed  12.3s      1005      1006     77   1012     1013"

static void test_text(void)
{
	struct recipe recipe = listener;

	recipe.sources = 2;
	same("a listener as text", print((struct options){}, VIEW_LISTENER, &recipe, 1, &kernel),
	     TITLES FLOOD "\n\t" DETAILS "\n\t" SOURCES "\n\t" KERNEL "\n");
	same("in one line", print((struct options){ .oneline = true }, VIEW_LISTENER, &recipe, 1,
				  &kernel), TITLES FLOOD " " DETAILS " " SOURCES " " KERNEL "\n");
	print((struct options){}, VIEW_LISTENER, &recipe, 1, NULL);
	ok(!strstr(printed, "kernel") && strstr(printed, SOURCES "\n"),
	   "nothing of the kernel where the listener is elsewhere");
	recipe.verdict = TCPSTATE_VERDICT_SURGE;
	recipe.sources = 0;
	recipe.judged = false;
	print((struct options){}, VIEW_LISTENER, &recipe, 1, &kernel);
	ok(!strstr(printed, "kernel") && !strstr(printed, "top-sources") &&
	   !strstr(printed, "completion") && !strstr(printed, "initiator-latency") &&
	   strstr(printed, "\tsyn:1007 "), "nor of what is not known, or needs no explanation");
	same("no listener as text", print((struct options){}, VIEW_LISTENER, NULL, 0, NULL),
	     "LISTENER  VERDICT  SINCE  SYN_SENT  SYN_RECV  STALE  SYN/S  SOURCES\n");
	same("a host as text", print((struct options){}, VIEW_HOST, &host, 1, NULL),
	     "HOST      VERDICT  SINCE  TARGETS  SYN\n"
	     "10.9.2.2  scan     12.3s      500  600\n");
	recipe = listener;
	recipe.addr_len = 16;
	recipe.sources = 30;
	print((struct options){ .oneline = true }, VIEW_LISTENER, &recipe, 1, &kernel);
	ok(strstr(printed, "[fd00::1]:80 ") && strstr(printed, "TCPReqQFullDoCookies:16\n"),
	   "there is room for all of it");
}

/* The kernel's text. */

static void test_kernel(void)
{
	static const struct {
		const char *text;
		bool known;
	} texts[] = {
		{ "", false }, { "\n", false }, { "TcpExt: ", false }, { "TcpExt: \nTcpExt: \n", false },
		{ "TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows ListenDrops "
		  "TCPReqQFullDoCookies TCPReqQFullDrop\nTcpExt: 1 2 3 4 6 5\n", true },
		{ "IpExt: A\nIpExt: 7\nTcpExt: X ListenDrops SyncookiesSent SyncookiesRecv "
		  "ListenOverflows TCPReqQFullDoCookies Y TCPReqQFullDrop\n"
		  "TcpExt: 9 4 1 2 3 6 99 5\nMPTcpExt: B\nMPTcpExt: 8\n", true },
		{ "TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows ListenDrops "
		  "TCPReqQFullDoCookies\nTcpExt: 1 2 3 4 6\n", false },
		{ "TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows ListenDrops "
		  "TCPReqQFullDoCookies TCPReqQFullDrop\nTcpExt: 1 2 3\n", false },
		{ "TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows ListenDrops "
		  "TCPReqQFullDoCookies TCPReqQFullDrop\nIpExt: 1 2 3 4 6 5\n", false },
	};
	struct kernel seen;
	char text[512];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		bool known;

		snprintf(text, sizeof(text), "%s", texts[i].text);
		known = kernel_parse(&seen, text);
		for (int j = 0; known && j < KERNEL_COUNTERS; j++)
			known = seen.counters[j] == (uint64_t)j + 1;
		ok(known == texts[i].known, "netstat text %zu", i);
	}
	ok(kernel_read(&seen), "this machine's");
}

/* Filters: what is asked of the module, and what an alert passes. */

static bool has(const struct nlmsghdr *nlh, uint16_t type, const void *octets, size_t len,
		uint16_t nest)
{
	const struct nlattr *attr, *inner;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (!nest && mnl_attr_get_type(attr) == type)
			return mnl_attr_get_payload_len(attr) == len &&
			       !memcmp(mnl_attr_get_payload(attr), octets, len);
		if (!nest || mnl_attr_get_type(attr) != nest)
			continue;
		mnl_attr_for_each_nested(inner, attr)
			if (mnl_attr_get_type(inner) == type)
				return mnl_attr_get_payload_len(inner) == len &&
				       !memcmp(mnl_attr_get_payload(inner), octets, len);
	}
	return false;
}

#define HAS(nlh, attr, type, value, nest) has(nlh, attr, &(type){ value }, sizeof(type), nest)

static struct filter parse(enum filter_kind kind, const char *line)
{
	char *words[] = { (char *)line, NULL };
	struct filter filter;
	char why[256];

	if (!filter_parse(&filter, kind, 0, *line ? words : words + 1, why, sizeof(why)))
		diag("%s", why);
	return filter;
}

static void test_requests(void)
{
	static const char much[] = "dst 10.9.2.0/24 dport 80-90 verdict flood";
	struct filter filter = parse(FILTER_LISTENERS, "");
	struct nlmsghdr *nlh = begin();
	uint32_t empty = nlh->nlmsg_len, size;

	ok(message_filter(nlh, ROOM, &filter) && nlh->nlmsg_len == empty,
	   "no filter is no attribute");
	filter = parse(FILTER_HOSTS, "");
	ok(message_filter(nlh, ROOM, &filter) && nlh->nlmsg_len == empty, "nor of hosts");
	filter = parse(FILTER_LISTENERS, much);
	ok(message_filter(nlh, ROOM, &filter) &&
	   HAS(nlh, TCPSTATE_A_LISTENER_FAMILY, uint8_t, AF_INET, 0) &&
	   HAS(nlh, TCPSTATE_A_LISTENER_VERDICTS, uint32_t, 0x18, 0) &&
	   has(nlh, TCPSTATE_A_END_ADDR, "\x0a\x09\x02\0", 4, TCPSTATE_A_LISTENER_ENDPOINT) &&
	   HAS(nlh, TCPSTATE_A_END_PREFIX, uint8_t, 24, TCPSTATE_A_LISTENER_ENDPOINT) &&
	   HAS(nlh, TCPSTATE_A_END_PORT, uint16_t, htons(80), TCPSTATE_A_LISTENER_ENDPOINT) &&
	   HAS(nlh, TCPSTATE_A_END_PORT_LAST, uint16_t, htons(90), TCPSTATE_A_LISTENER_ENDPOINT),
	   "a filter of listeners with all in it");
	size = nlh->nlmsg_len;
	for (; empty < size; empty++) {
		nlh = begin();
		if (message_filter(nlh, empty, &filter))
			break;
	}
	ok(empty == size, "where there is no room, it says so (%u of %u)", empty, size);
	filter = parse(FILTER_HOSTS, "host 10.9.2.2 verdict scan");
	nlh = begin();
	ok(message_filter(nlh, ROOM, &filter) &&
	   HAS(nlh, TCPSTATE_A_LISTENER_VERDICTS, uint32_t, 0x100, 0) &&
	   has(nlh, TCPSTATE_A_END_ADDR, addresses[0], 4, TCPSTATE_A_LISTENER_ENDPOINT) &&
	   !HAS(nlh, TCPSTATE_A_END_PORT, uint16_t, 0, TCPSTATE_A_LISTENER_ENDPOINT),
	   "a filter of hosts");
}

static void test_sieve(void)
{
	static const struct {
		const char *words;
		const char *pass;	/* of a listener, a host and a table */
	} cases[] = {
		{ "", "lht" }, { "verdict flood_spoofed", "l" }, { "verdict surge", "l" },
		{ "verdict ok", "" }, { "verdict scan", "h" }, { "not verdict scan", "l" },
		{ "dst 10.9.2.2", "l" }, { "dst 10.9.2.2:80", "l" }, { "dst 10.9.3.0/24", "" },
		{ "dport 80", "l" }, { "dport 81-90", "" }, { "host 10.0.0.0/8", "h" },
		{ "host 10.9.2.3", "" }, { "dst 0.0.0.0/0", "l" }, { "host 0.0.0.0/0", "h" },
		{ "dst fd00::/8", "" },
	};
	struct account of[3];

	account_alert(cook(alert_of(listener, TCPSTATE_ALERT_CHANGE, TCPSTATE_VERDICT_SURGE)),
		      &of[0]);
	account_alert(cook(alert_of(host, TCPSTATE_ALERT_BEGIN, 0)), &of[1]);
	account_alert(cook((struct recipe){ .table = TCPSTATE_A_COUNTER_FLOWS,
					    .alert = TCPSTATE_ALERT_END }), &of[2]);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct filter filter = parse(FILTER_ALERTS, cases[i].words);
		char pass[4] = "";

		for (int j = 0; j < 3; j++)
			if (sieve_passes_alert(&filter, &of[j]))
				strncat(pass, &"lht"[j], 1);
		ok(!strcmp(pass, cases[i].pass), "'%s' lets pass '%s' ('%s')", cases[i].words,
		   cases[i].pass, pass);
	}
}

int main(void)
{
	test_reading();
	test_refused();
	test_shares();
	test_hostile();
	test_json();
	test_alerts();
	test_text();
	test_kernel();
	test_requests();
	test_sieve();
	return done();
}
