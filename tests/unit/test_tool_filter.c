// SPDX-License-Identifier: GPL-2.0
/* The tool's filters: what words mean, which are refused, and word soup. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "ktap.h"

#define WORDS 40

static char why[256];

/* One argument for each blank-divided word, as a shell would pass them. */
static bool parse_kind(struct filter *filter, enum filter_kind kind, int family,
		       const char *line)
{
	char *words[WORDS + 1], copy[512];
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word && n < WORDS; word = strtok(NULL, " "))
		words[n++] = word;
	words[n] = NULL;
	why[0] = '\0';
	return filter_parse(filter, kind, family, words, why, sizeof(why));
}

static bool parse_as(struct filter *filter, int family, const char *line)
{
	return parse_kind(filter, FILTER_FLOWS, family, line);
}

static bool parse(struct filter *filter, const char *line)
{
	return parse_as(filter, 0, line);
}

static bool whole(struct filter *filter, const char *line)
{
	char *words[] = { (char *)line, NULL };

	why[0] = '\0';
	return filter_parse(filter, FILTER_FLOWS, 0, words, why, sizeof(why));
}

/* A filter in a line, so that what is wanted can be read. */
static const char *show(const struct filter *filter)
{
	static char line[512];
	char addr[INET6_ADDRSTRLEN];
	int n;

	n = sprintf(line, "%d %x %llu %llu %d%d", filter->family == AF_INET6 ? 6 :
		    filter->family == AF_INET ? 4 : 0, filter->states,
		    (unsigned long long)filter->min_age, (unsigned long long)filter->min_idle,
		    filter->picked_up, filter->one_sided);
	for (int end = 0; end < ENDS; end++) {
		const struct filter_end *it = &filter->end[end];

		n += sprintf(line + n, " %s/%u:%u-%u %x",
			     it->len ? inet_ntop(it->len == 4 ? AF_INET : AF_INET6, it->addr,
						 addr, sizeof(addr)) : "*",
			     it->prefix, it->first, it->last, it->states);
	}
	return line;
}

#define ANY "*/0:0-65535 ffe"

static const struct {
	const char *words;
	const char *means;	/* as show() has it */
} meanings[] = {
	{ "", "0 ffe 0 0 00 " ANY " " ANY },
	/* states: kernel's names, ss's, groups */
	{ "state ESTABLISHED", "0 2 0 0 00 " ANY " " ANY },
	{ "state syn-sent,SYN_RECV", "0 c 0 0 00 " ANY " " ANY },
	{ "state fin-wait-1,FIN_WAIT2", "0 30 0 0 00 " ANY " " ANY },
	{ "state fin_wait_1,fin-wait2", "0 30 0 0 00 " ANY " " ANY },
	{ "state time-wait", "0 40 0 0 00 " ANY " " ANY },
	{ "state closed", "0 80 0 0 00 " ANY " " ANY },
	{ "state close,close-wait", "0 180 0 0 00 " ANY " " ANY },
	{ "state last-ack,listening,closing", "0 e00 0 0 00 " ANY " " ANY },
	{ "state listen", "0 400 0 0 00 " ANY " " ANY },
	{ "state all", "0 ffe 0 0 00 " ANY " " ANY },
	{ "state connected", "0 b7e 0 0 00 " ANY " " ANY },
	{ "state synchronized", "0 b7a 0 0 00 " ANY " " ANY },
	{ "state bucket", "0 48 0 0 00 " ANY " " ANY },
	{ "state big", "0 fb6 0 0 00 " ANY " " ANY },
	{ "state all state listen", "0 400 0 0 00 " ANY " " ANY },
	{ "sstate established dstate fin-wait-1",
	  "0 ffe 0 0 00 */0:0-65535 2 */0:0-65535 10" },
	{ "sstate established,closing and sstate closing,listen",
	  "0 ffe 0 0 00 */0:0-65535 800 " ANY },
	{ "not sstate established", "0 ffe 0 0 00 */0:0-65535 ffc " ANY },
	{ "exclude established", "0 ffe 0 0 00 */0:0-65535 ffc */0:0-65535 ffc" },
	{ "not state established", "0 ffe 0 0 00 */0:0-65535 ffc */0:0-65535 ffc" },
	/* addresses */
	{ "src 10.0.0.1", "4 ffe 0 0 00 10.0.0.1/32:0-65535 ffe " ANY },
	{ "src = 10.0.0.1", "4 ffe 0 0 00 10.0.0.1/32:0-65535 ffe " ANY },
	{ "dst 10.0.0.0/8", "4 ffe 0 0 00 " ANY " 10.0.0.0/8:0-65535 ffe" },
	{ "dst 0.0.0.0/0", "4 ffe 0 0 00 " ANY " 0.0.0.0/0:0-65535 ffe" },
	{ "src 10.0.0.1:80", "4 ffe 0 0 00 10.0.0.1/32:80-80 ffe " ANY },
	{ "src 10.0.0.0/24:80-90", "4 ffe 0 0 00 10.0.0.0/24:80-90 ffe " ANY },
	{ "src :80", "0 ffe 0 0 00 */0:80-80 ffe " ANY },
	{ "src fd00::1", "6 ffe 0 0 00 fd00::1/128:0-65535 ffe " ANY },
	{ "src fd00::/64", "6 ffe 0 0 00 fd00::/64:0-65535 ffe " ANY },
	{ "src [fd00::1]:443", "6 ffe 0 0 00 fd00::1/128:443-443 ffe " ANY },
	{ "src [fd00::]/64", "6 ffe 0 0 00 fd00::/64:0-65535 ffe " ANY },
	{ "src [fd00::]/64:443", "6 ffe 0 0 00 fd00::/64:443-443 ffe " ANY },
	{ "src ::/0 dst ::1", "6 ffe 0 0 00 ::/0:0-65535 ffe ::1/128:0-65535 ffe" },
	{ "src 10.0.0.0/8 and src 10.1.0.0/16", "4 ffe 0 0 00 10.1.0.0/16:0-65535 ffe " ANY },
	{ "src 10.1.0.0/16 and src 10.0.0.0/8", "4 ffe 0 0 00 10.1.0.0/16:0-65535 ffe " ANY },
	{ "src 10.1.2.128/25 src 10.1.2.200/29",
	  "4 ffe 0 0 00 10.1.2.200/29:0-65535 ffe " ANY },
	/* ports */
	{ "sport 80", "0 ffe 0 0 00 */0:80-80 ffe " ANY },
	{ "sport 0", "0 ffe 0 0 00 */0:0-0 ffe " ANY },
	{ "dport 65535", "0 ffe 0 0 00 " ANY " */0:65535-65535 ffe" },
	{ "sport :80", "0 ffe 0 0 00 */0:80-80 ffe " ANY },
	{ "sport = :80", "0 ffe 0 0 00 */0:80-80 ffe " ANY },
	{ "sport eq 80", "0 ffe 0 0 00 */0:80-80 ffe " ANY },
	{ "sport=80", "0 ffe 0 0 00 */0:80-80 ffe " ANY },
	{ "sport>=:1024", "0 ffe 0 0 00 */0:1024-65535 ffe " ANY },
	{ "sport 1-1023", "0 ffe 0 0 00 */0:1-1023 ffe " ANY },
	{ "sport = 1-1023", "0 ffe 0 0 00 */0:1-1023 ffe " ANY },
	{ "sport ge 1024 and sport le 2047", "0 ffe 0 0 00 */0:1024-2047 ffe " ANY },
	{ "dport > 1023 dport < 2048", "0 ffe 0 0 00 " ANY " */0:1024-2047 ffe" },
	{ "dport gt :1023 dport lt :2048", "0 ffe 0 0 00 " ANY " */0:1024-2047 ffe" },
	{ "dport >= :0 dport <= :65535", "0 ffe 0 0 00 " ANY " " ANY },
	{ "src 10.0.0.1:80-90 sport 85-99", "4 ffe 0 0 00 10.0.0.1/32:85-90 ffe " ANY },
	/* durations */
	{ "older 250ms", "0 ffe 250 0 00 " ANY " " ANY },
	{ "older 10s idle 5m", "0 ffe 10000 300000 00 " ANY " " ANY },
	{ "older 2h and idle 1d", "0 ffe 7200000 86400000 00 " ANY " " ANY },
	{ "idle 7", "0 ffe 0 7000 00 " ANY " " ANY },
	{ "older 1m older 1s", "0 ffe 60000 0 00 " ANY " " ANY },
	{ "older 18446744073709551615ms", "0 ffe 18446744073709551615 0 00 " ANY " " ANY },
	/* flags */
	{ "picked-up", "0 ffe 0 0 10 " ANY " " ANY },
	{ "not picked-up and one-sided", "0 ffe 0 0 21 " ANY " " ANY },
	{ "NOT one-sided AND picked-up picked-up", "0 ffe 0 0 12 " ANY " " ANY },
};

static const struct {
	const char *words;
	const char *named;	/* what the complaint must name */
} mistakes[] = {
	{ "established", "'established'" },
	{ "state", "'state'" },
	{ "state foo", "'foo'" },
	{ "state established,foo", "'foo'" },
	{ "state established,", "''" },
	{ "state ,", "''" },
	{ "state syn-sent-established-syn-recv", "'syn-sent-established-syn-recv'" },
	{ "state established state listen", "'state'" },
	{ "sstate established sstate listen", "'sstate'" },
	{ "state established exclude established", "'state'" },
	{ "exclude all", "'exclude'" },
	{ "not exclude listen", "'exclude'" },
	{ "state unspec", "'unspec'" },
	{ "and state established", "'and'" },
	{ "state established and", "'and'" },
	{ "state established and and picked-up", "'and'" },
	{ "state established or picked-up", "'or'" },
	{ "( picked-up )", "'('" },
	{ "not", "'not'" },
	{ "not not picked-up", "'not'" },
	{ "not src 10.0.0.1", "'src'" },
	{ "picked-up not picked-up", "'picked-up'" },
	{ "src", "'src'" },
	{ "src =", "'src'" },
	{ "src 10.0.0", "'10.0.0'" },
	{ "src 10.0.0.256", "'10.0.0.256'" },
	{ "src 10.0.0.1/33", "'10.0.0.1/33'" },
	{ "src 10.0.0.1/", "'10.0.0.1/'" },
	{ "src 10.0.0.1/-1", "'10.0.0.1/-1'" },
	{ "src 10.0.0.1/8x", "'10.0.0.1/8x'" },
	{ "src 10.0.0.1:", "'10.0.0.1:'" },
	{ "src 10.0.0.1:65536", "'10.0.0.1:65536'" },
	{ "src 10.0.0.1:http", "'10.0.0.1:http'" },
	{ "src fd00::1/129", "'fd00::1/129'" },
	{ "src fe80::1%eth0", "'fe80::1%eth0'" },
	{ "src [fd00::1", "'[fd00::1'" },
	{ "src [fd00::1]80", "'[fd00::1]80'" },
	{ "src [10.0.0.1]:80", "'[10.0.0.1]:80'" },
	{ "src []:80", "'[]:80'" },
	{ "src [", "'['" },
	{ "src ]", "']'" },
	{ "src :", "':'" },
	{ "src /8", "'/8'" },
	{ "src localhost", "'localhost'" },
	{ "src 10.0.0.1 dst fd00::1", "'fd00::1'" },
	{ "src 10.0.0.1 src 10.0.0.2", "'src'" },
	{ "src 10.0.0.0/8 src 11.0.0.0/9", "'src'" },
	{ "src 10.0.0.0/9 src 10.128.0.0/9", "'src'" },
	{ "src fd00::/127 src fd00::2/127", "'src'" },
	{ "sport", "'sport'" },
	{ "sport =", "'sport'" },
	{ "sport foo", "'foo'" },
	{ "sport 65536", "'65536'" },
	{ "sport -1", "'-1'" },
	{ "sport 80-", "'80-'" },
	{ "sport 80x", "'80x'" },
	{ "sport 80-90x", "'80-90x'" },
	{ "sport 90-80", "'90-80'" },
	{ "sport 99999999999999999999", "'99999999999999999999'" },
	{ "sport != 80", "'!='" },
	{ "sport ne 80", "'ne'" },
	{ "sport >= 80-90", "'80-90'" },
	{ "sport => 80", "'=>'" },
	{ "sport 80 sport 81", "'sport'" },
	{ "sport > 65535", "'sport'" },
	{ "sport < 0", "'sport'" },
	{ "src :80 sport 81", "'sport'" },
	{ "older", "'older'" },
	{ "older foo", "'foo'" },
	{ "older -1s", "'-1s'" },
	{ "older 1.5s", "'1.5s'" },
	{ "older 1w", "'1w'" },
	{ "older 1S", "'1S'" },
	{ "older 18446744073709551616ms", "'18446744073709551616ms'" },
	{ "older 18446744073709551615d", "'18446744073709551615d'" },
	{ "older 213503982335d", "'213503982335d'" },
};

/* Of listeners, hosts and alerts: family, verdicts, then ADDR/LEN:PORTS of a host, of a listener. */
static const struct {
	enum filter_kind kind;
	const char *words;
	const char *means;	/* NULL: refused */
	const char *named;
} others[] = {
#define L FILTER_LISTENERS
#define H FILTER_HOSTS
#define A FILTER_ALERTS
	{ L, "", "0 fe */0:0-65535 */0:0-65535" },
	{ H, "", "0 300 */0:0-65535 */0:0-65535" },
	{ A, "", "0 3fe */0:0-65535 */0:0-65535" },
	{ L, "dst 10.9.2.0/24", "4 fe */0:0-65535 10.9.2.0/24:0-65535" },
	{ L, "dst [fd00::1]:443", "6 fe */0:0-65535 fd00::1/128:443-443" },
	{ L, "dport 80-90 and dport >= 85", "0 fe */0:0-65535 */0:85-90" },
	{ L, "verdict ok", "0 2 */0:0-65535 */0:0-65535" },
	{ L, "verdict flood_spoofed", "0 8 */0:0-65535 */0:0-65535" },
	{ L, "verdict FLOOD-SPOOFED,flood-few", "0 18 */0:0-65535 */0:0-65535" },
	{ L, "verdict flood", "0 18 */0:0-65535 */0:0-65535" },
	{ L, "verdict surge,dead_backend,refused,overload", "0 e4 */0:0-65535 */0:0-65535" },
	{ L, "not verdict ok", "0 fc */0:0-65535 */0:0-65535" },
	{ L, "not verdict ok not verdict surge", "0 f8 */0:0-65535 */0:0-65535" },
	{ L, "verdict flood dst :80", "0 18 */0:0-65535 */0:80-80" },
	{ H, "host 10.9.1.0/24", "4 300 10.9.1.0/24:0-65535 */0:0-65535" },
	{ H, "host fd00::/64 verdict scan", "6 100 fd00::/64:0-65535 */0:0-65535" },
	{ H, "verdict reflection-victim", "0 200 */0:0-65535 */0:0-65535" },
	{ H, "not verdict scan", "0 200 */0:0-65535 */0:0-65535" },
	{ A, "host 10.9.1.2 verdict scan,ok", "4 102 10.9.1.2/32:0-65535 */0:0-65535" },
	{ A, "dst 10.9.2.2 dport 80", "4 3fe */0:0-65535 10.9.2.2/32:80-80" },
	{ L, "src 10.9.1.2", NULL, "'src'" },
	{ L, "sport 80", NULL, "'sport'" },
	{ L, "state established", NULL, "'state'" },
	{ L, "exclude listen", NULL, "'exclude'" },
	{ L, "older 3s", NULL, "'older'" },
	{ L, "idle 3s", NULL, "'idle'" },
	{ L, "not picked-up", NULL, "'picked-up'" },
	{ L, "one-sided", NULL, "'one-sided'" },
	{ L, "host 10.9.1.2", NULL, "'host'" },
	{ L, "not dport 80", NULL, "'dport'" },
	{ L, "verdict", NULL, "'verdict'" },
	{ L, "verdict bad", NULL, "'bad'" },
	{ L, "verdict ok,", NULL, "''" },
	{ L, "verdict scan", NULL, "'scan'" },
	{ L, "verdict ok verdict flood", NULL, "'verdict'" },
	{ L, "verdict ok not verdict ok", NULL, "'verdict'" },
	{ H, "dst 10.9.1.2", NULL, "'dst'" },
	{ H, "dport 80", NULL, "'dport'" },
	{ H, "src 10.9.1.2", NULL, "'src'" },
	{ H, "host 10.9.1.2:80", NULL, "'host'" },
	{ H, "host :80", NULL, "'host'" },
	{ H, "verdict ok", NULL, "'ok'" },
	{ H, "not verdict scan,reflection_victim", NULL, "'verdict'" },
	{ A, "host 10.9.1.2 dport 80", NULL, "'host'" },
	{ A, "dst 10.9.2.2 host 10.9.1.2", NULL, "'host'" },
	{ A, "state established", NULL, "'state'" },
	{ FILTER_FLOWS, "verdict ok", NULL, "'verdict'" },
	{ FILTER_FLOWS, "host 10.9.1.2", NULL, "'host'" },
#undef L
#undef H
#undef A
};

static void test_others(void)
{
	struct filter filter;
	char line[256], addr[INET6_ADDRSTRLEN];
	bool parsed, held;
	int n;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		parsed = parse_kind(&filter, others[i].kind, 0, others[i].words);
		n = sprintf(line, "%d %x", filter.family == AF_INET6 ? 6 :
			    filter.family == AF_INET ? 4 : 0, filter.verdicts);
		for (int end = 0; end < ENDS; end++) {
			const struct filter_end *it = &filter.end[end];

			n += sprintf(line + n, " %s/%u:%u-%u",
				     it->len ? inet_ntop(it->len == 4 ? AF_INET : AF_INET6,
							 it->addr, addr, sizeof(addr)) : "*",
				     it->prefix, it->first, it->last);
		}
		held = others[i].means ? parsed && !strcmp(line, others[i].means) :
		       !parsed && strstr(why, others[i].named) && !strchr(why, '\n');
		if (!ok(held, "of kind %d '%s' %s", others[i].kind, others[i].words,
			others[i].means ? "is understood" : "is refused"))
			diag("saw %s, said: %s", line, why);
	}
}

static void test_families(void)
{
	struct filter filter;

	ok(parse_as(&filter, AF_INET6, "src fd00::1") && filter.family == AF_INET6,
	   "-6 and an IPv6 address");
	ok(parse_as(&filter, AF_INET, "") && filter.family == AF_INET, "-4 alone");
	ok(!parse_as(&filter, AF_INET6, "dst 10.0.0.0/8") && strstr(why, "'10.0.0.0/8'"),
	   "-6 and an IPv4 prefix: %s", why);
}

static void test_arguments(void)
{
	struct filter filter;

	ok(whole(&filter, "  sport = :80  and\tstate established ") &&
	   !strcmp(show(&filter), "0 2 0 0 00 */0:80-80 ffe " ANY),
	   "one argument with all in it, as ss users write it");
	ok(!whole(&filter, "") && strstr(why, "''"), "an empty argument: %s", why);
	ok(whole(&filter, "sport 80\nstate all\n") &&
	   !strcmp(show(&filter), "0 ffe 0 0 00 */0:80-80 ffe " ANY), "a newline is a blank");
}

static const char *const soup[] = {
	"state", "sstate", "dstate", "exclude", "src", "dst", "sport", "dport", "older", "idle",
	"picked-up", "one-sided", "not", "and", "or", "=", "==", ">=", "<", "!=", "ge", "eq",
	"verdict", "host", "flood", "ok", "scan", "established", "SYN_SENT", "fin-wait-1", "closed,listen", "all", "big", ",", "a,b", "-",
	"10.0.0.1", "10.0.0.0/8", "10.0.0.1:80", "fd00::1", "fd00::/64", "[fd00::1]:80", "[::]/0",
	"[", "]", "[]", "/", ":", "::", ":::", "/0", ":0", "[:", "]:1", "80", ":80", "80-90", "0",
	"65535", "65536", "-1", "1-", "5s", "250ms", "1d", "99999999999999999999d", "", " ", "\n",
	"\xff\xfe", "%s%n", "1.5", "*", "10.0.0.1/32:1-2", "0x50", "=80", "sport=80", ">=<=!",
};

/* Whatever comes in: no crash, and either a filter that holds together or a complaint. */
static bool sound(bool parsed, const struct filter *filter)
{
	if (!parsed)
		return why[0] && strlen(why) < sizeof(why);
	for (int end = 0; end < ENDS; end++) {
		const struct filter_end *it = &filter->end[end];

		if (it->first > it->last || !it->states || it->states & ~FILTER_ANY_STATE ||
		    it->prefix > it->len * 8 ||
		    (it->len && filter->family != (it->len == 4 ? AF_INET : AF_INET6)))
			return false;
	}
	return filter->states && !(filter->states & ~FILTER_ANY_STATE) && filter->verdicts &&
	       !(filter->verdicts & ~FILTER_ANY_VERDICT) && !why[0];
}

static void test_soup(void)
{
	static const char letters[] = "0123456789abcdef.:/[]-,=<>! st";
	char *words[WORDS + 1], drawn[WORDS][24];
	static const enum filter_kind kinds[] = {
		FILTER_FLOWS, FILTER_LISTENERS, FILTER_HOSTS, FILTER_ALERTS,
	};
	unsigned long parsed = 0, rounds;
	struct filter filter;
	bool all = true;
	bool one;

	srandom(9293);
	for (rounds = 0; rounds < 300000 && all; rounds++) {
		enum filter_kind kind = kinds[rounds % 4];
		int n = random() % 7;

		for (int i = 0; i < n; i++) {
			words[i] = (char *)soup[random() % (sizeof(soup) / sizeof(*soup))];
			if (random() % 4)
				continue;
			words[i] = drawn[i];
			memset(drawn[i], 0, sizeof(drawn[i]));
			for (int at = random() % 23; at > 0; at--)
				drawn[i][at - 1] = letters[random() % (sizeof(letters) - 1)];
		}
		words[n] = NULL;
		why[0] = '\0';
		one = filter_parse(&filter, kind, 0, words, why, sizeof(why));
		parsed += one;
		all = sound(one, &filter);
		if (!all)
			for (int i = 0; i < n; i++)
				diag("word '%s'", words[i]);
	}
	ok(all, "word soup: a sound filter or a complaint, every time");
	/* Were everything refused, the claim above would be cheap. */
	ok(parsed > rounds / 20 && parsed < rounds, "and some of it was filters (%lu of %lu)",
	   parsed, rounds);
}

int main(void)
{
	struct filter filter;
	bool held;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		held = parse(&filter, meanings[i].words) &&
		       !strcmp(show(&filter), meanings[i].means);
		if (!ok(held, "'%s'", meanings[i].words))
			diag("wanted %s, saw %s %s", meanings[i].means, show(&filter), why);
	}
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		held = !parse(&filter, mistakes[i].words) && strstr(why, mistakes[i].named) &&
		       !strchr(why, '\n');
		if (!ok(held, "'%s' is refused", mistakes[i].words))
			diag("said: %s", why);
	}
	test_others();
	test_families();
	test_arguments();
	test_soup();
	return done();
}
