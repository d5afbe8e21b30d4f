// SPDX-License-Identifier: GPL-2.0
/* tcpstate: asks the module. Options, and the table of commands. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interrupt.h"
#include "netns.h"
#include "numbers.h"
#include "tcpstate.h"
#include "tool.h"

/**
 * struct command - a verb
 * @name: on the command line
 * @help: what it does
 * @run: does it
 * @takes: its options, as getopt has them; those of EACH go with every command
 * @filter: takes a filter; others take no word
 */
static const struct command {
	const char *name;
	const char *help;
	int (*run)(const struct options *options, char *const *words);
	const char *takes;
	bool filter;
} commands[] = {
	{ "stats", "how many endpoints are in which state, and counters", cmd_stats, "jp" },
	{ "flows", "every connection", cmd_flows, "jp46o", true },
	{ "halfopen", "half-open connections", cmd_halfopen, "jp46o", true },
	{ "listeners", "where handshakes are asked for, and what becomes of them",
	  cmd_listeners, "jp46o", true },
	{ "hosts", "who scans, or is answered what it did not ask", cmd_hosts, "jp46o", true },
	{ "check", "whether that is what the kernel's own sockets say", cmd_check, "jp46", true },
	{ "monitor", "what becomes of connections or verdicts, as it happens", cmd_monitor,
	  "jp46tcb", true },
	{ "trace", "every segment of some connections, as a ladder diagram", cmd_trace,
	  "jp46tcb", true },
	{ "top", "all of it, live on the whole screen", cmd_top, "d1" },
	{ "graph", "the diagram of states, and how often each way was taken", cmd_graph, "s" },
	{ "export", "figures for Prometheus, printed or served", cmd_export, "luL" },
	{ "flush", "end and forget every connection", cmd_flush, "" },
	{ "version", "of the tool and of the module", cmd_version, "jp" },
};

/* Options of every command. */
#define EACH "nNhV"

#define COMMANDS (sizeof(commands) / sizeof(*commands))

/* Options of one letter, as getopt has them; those of long_options have more. */
#define SHORT ":jpn:46Notd:1hV"

static const struct option long_options[] = {
	{ "json",	no_argument,		NULL, 'j' },
	{ "pretty",	no_argument,		NULL, 'p' },
	{ "netns",	required_argument,	NULL, 'n' },
	{ "ipv4",	no_argument,		NULL, '4' },
	{ "ipv6",	no_argument,		NULL, '6' },
	{ "numeric",	no_argument,		NULL, 'N' },
	{ "oneline",	no_argument,		NULL, 'o' },
	{ "timestamps",	no_argument,		NULL, 't' },
	{ "count",	required_argument,	NULL, 'c' },
	{ "buffer",	required_argument,	NULL, 'b' },
	{ "delay",	required_argument,	NULL, 'd' },
	{ "once",	no_argument,		NULL, '1' },
	{ "svg",	no_argument,		NULL, 's' },
	{ "listen",	required_argument,	NULL, 'l' },
	{ "listeners",	required_argument,	NULL, 'L' },
	{ "user",	required_argument,	NULL, 'u' },
	{ "help",	no_argument,		NULL, 'h' },
	{ "version",	no_argument,		NULL, 'V' },
	{}
};

/* A line of the options that a command alone takes, by their long names. */
static void print_taken(const struct command *command)
{
	if (!*command->takes)
		return;
	printf("  %-10s", command->name);
	for (const struct option *option = long_options; option->name; option++)
		if (strchr(command->takes, option->val))
			printf(" --%s", option->name);
	putchar('\n');
}

static int print_help(void)
{
	puts("usage: tcpstate [OPTIONS] [COMMAND] [FILTER]\n\ncommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s %s%s\n", commands[i].name, commands[i].help,
		       i ? "" : " (default)");
	puts("\noptions:\n"
	     "  -j, --json         JSON\n"
	     "  -p, --pretty       JSON over many lines\n"
	     "  -n, --netns NAME   in this network namespace (or PATH, with a slash)\n"
	     "  -4, --ipv4         IPv4 alone\n"
	     "  -6, --ipv6         IPv6 alone\n"
	     "  -o, --oneline      one line a connection\n"
	     "  -t, --timestamps   of events\n"
	     "      --count N      end after so many events\n"
	     "      --buffer SIZE  octets of events that may wait; K and M after it\n"
	     "  -d, --delay TIME   from one look of top to the next\n"
	     "  -1, --once         a single look of top, as text\n"
	     "      --svg          graph as a picture, by graphviz\n"
	     "      --listen ADDR:PORT  serve what is exported\n"
	     "      --user NAME    user that the server runs as (default: nobody)\n"
	     "      --listeners N  export the N foremost listeners one by one\n"
	     "  -N, --numeric      as always\n"
	     "  -h, --help\n"
	     "  -V, --version\n"
	     "\noptions of a command, beside --netns, --numeric, --help and --version:");
	for (size_t i = 0; i < COMMANDS; i++)
		print_taken(&commands[i]);
	puts("\nfilter, of flows, halfopen, check, monitor and trace; terms must all hold:\n"
	     "  state STATES   sstate STATES   dstate STATES   exclude STATES\n"
	     "  src ADDR[/LEN][:PORTS]   dst ADDR[/LEN][:PORTS]   sport PORTS   dport PORTS\n"
	     "  older TIME   idle TIME   [not] picked-up   [not] one-sided\n"
	     "src is the initiator.\n"
	     "\nof listeners and monitor alerts:\n"
	     "  dst ADDR[/LEN][:PORTS]   dport PORTS   [not] verdict VERDICTS\n"
	     "of hosts and monitor alerts:\n"
	     "  host ADDR[/LEN]   [not] verdict VERDICTS\n"
	     "See tcpstate(8).");
	return DONE;
}

static int print_version(void)
{
	puts("tcpstate " TCPSTATE_VERSION);
	return DONE;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* Complains of an option that was given and that the command does not take. */
static int not_taken(const struct command *command, const struct option *option)
{
	char takers[256] = "", letter[] = { option->val, '\0' };
	bool spelled = !strchr(SHORT, option->val);

	for (size_t i = 0; i < COMMANDS; i++)
		if (strchr(commands[i].takes, option->val))
			snprintf(takers + strlen(takers), sizeof(takers) - strlen(takers), "%s%s",
				 *takers ? ", " : "", commands[i].name);
	return misused("%s takes no %s%s: use it with %s", command->name,
		       spelled ? "--" : "-", spelled ? option->name : letter, takers);
}

static int run(const struct options *options, const bool *given, char **words)
{
	const struct command *command = *words ? find(*words) : &commands[0];

	if (!command)
		return misused("no command '%s': see tcpstate --help", *words);
	if (*words)
		words++;
	if (!command->filter && *words)
		return misused("%s takes no filter, but there is '%s'", command->name, *words);
	for (const struct option *option = long_options; option->name; option++)
		if (given[option->val] && !strchr(EACH, option->val) &&
		    !strchr(command->takes, option->val))
			return not_taken(command, option);
	if (options->user && !options->listen)
		return misused("--user is the server's, and there is none: add --listen ADDR:PORT");
	if (options->netns && netns_enter(options->netns))
		return REFUSED;
	interrupt_defer();
	return command->run(options, words);
}

/* A number above zero, in which each unit is 1024 times the one before. */
static bool read_number(const char *text, const char *units, unsigned long limit,
			unsigned long *number)
{
	const char *unit;
	size_t times;
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)*text))
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (*end && (!unit || end[1]))
		return false;
	for (times = unit ? unit - units + 1 : 0; times; times--) {
		if (*number > ULONG_MAX >> 10)
			return false;
		*number <<= 10;
	}
	return *number && *number <= limit;
}

/* Reads the options, wherever they stand. */
static int obey(int argc, char **argv)
{
	struct options options = {};
	bool given[UCHAR_MAX + 1] = {};
	unsigned long number;
	int option, family;

	opterr = 0;
	for (;;) {
		option = getopt_long(argc, argv, SHORT, long_options, NULL);
		if (option >= 0)
			given[option] = true;
		switch (option) {
		case -1:
			return run(&options, given, argv + optind);
		case 'p':
			options.pretty = true;
			options.json = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'n':
			options.netns = optarg;
			break;
		case '4':
		case '6':
			family = option == '4' ? AF_INET : AF_INET6;
			if (options.family && options.family != family)
				return misused("-4 and -6 contradict each other");
			options.family = family;
			break;
		case 'N':
			break;
		case 'o':
			options.oneline = true;
			break;
		case 't':
			options.timestamps = true;
			break;
		case 'c':
			if (!read_number(optarg, "", ULONG_MAX, &options.count))
				return misused("'%s' is no count", optarg);
			break;
		case 'b':
			if (!read_number(optarg, "KM", INT_MAX / 2, &number))
				return misused("'%s' is no size: say 64K or 8M, or less than 1G",
					       optarg);
			options.buffer = number;
			break;
		case 'd':
			if (!numbers_duration(optarg, &options.delay) || options.delay < 100 ||
			    options.delay > INT_MAX)
				return misused("'%s' is no delay: say 2 or 500ms", optarg);
			break;
		case '1':
			options.once = true;
			break;
		case 's':
			options.svg = true;
			break;
		case 'l':
			options.listen = optarg;
			break;
		case 'L':
			if (!read_number(optarg, "", 1000, &options.listeners))
				return misused("'%s' is no count of 1000 at most", optarg);
			break;
		case 'u':
			options.user = optarg;
			break;
		case 'h':
			return print_help();
		case 'V':
			return print_version();
		case ':':
			return misused("%s needs something after it", argv[optind - 1]);
		default:
			if (optopt > 0 && optopt < 128 && strncmp(argv[optind - 1], "--", 2))
				return misused("no option -%c: see tcpstate --help", optopt);
			return misused("no option %s: see tcpstate --help", argv[optind - 1]);
		}
	}
}

/* What was printed has arrived, or that is the complaint. */
static int settle(int status)
{
	bool failed = ferror(stdout);

	if (fclose(stdout) || failed)
		return refused("cannot write: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	int fd, status;

	/* None of ours, or of a program that this one runs, must be a standard stream. */
	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
	/* A reader who has seen enough ends us, whoever started us. */
	signal(SIGPIPE, SIG_DFL);

	status = settle(obey(argc, argv));
	if (interrupted())
		interrupt_obey();
	return status;
}
