// SPDX-License-Identifier: GPL-2.0
/* tcpstate top: all of it, live on the whole screen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "filter.h"
#include "interrupt.h"
#include "screen.h"
#include "terminal.h"
#include "tool.h"
#include "top.h"

/* Milliseconds, unless told otherwise. */
#define DELAY	2000
/* Of a plain print, likewise unless COLUMNS says so. */
#define WIDTH	80

/**
 * struct look - under way, over and over
 * @channel: to the module, of no use while @broken
 * @when: the stats were read, of the monotonic clock
 */
struct look {
	struct top top;
	struct channel channel;
	bool broken;
	struct timespec when;
};

static double seconds_since(const struct timespec *then, struct timespec *now)
{
	clock_gettime(CLOCK_MONOTONIC, now);
	return now->tv_sec - then->tv_sec + (now->tv_nsec - then->tv_nsec) / 1e9;
}

static int read_stats(const struct nlmsghdr *nlh, void *data)
{
	static struct stats stats;
	struct timespec now;
	struct look *look = data;
	double seconds;

	if (!message_stats(nlh, &stats))
		return -EBADMSG;
	/* Lives in the message, and nobody wants it here. */
	stats.version = "";
	seconds = seconds_since(&look->when, &now);
	look->when = now;
	top_stats(&look->top, &stats, seconds);
	return 0;
}

static int read_listener(const struct nlmsghdr *nlh, void *data)
{
	union record record;

	if (!account_listener(nlh, &record.account))
		return -EBADMSG;
	ranking_add(data, &record);
	return interrupted() ? -EINTR : 0;
}

static int read_flow(const struct nlmsghdr *nlh, void *data)
{
	union record record;

	if (!message_flow(nlh, &record.flow))
		return -EBADMSG;
	record.flow.history = "";
	record.flow.conn_state = "";
	ranking_add(data, &record);
	return interrupted() ? -EINTR : 0;
}

/* Anew, for some may be gone. That one is missing for the blink of an eye is no harm. */
static int read_panel(struct look *look, enum top_panel which, uint8_t command,
		      enum filter_kind kind, char *const *words, channel_reader reader)
{
	struct ranking *ranking = &look->top.panels[which].ranking;
	struct filter filter;
	char why[64];
	bool whole;
	int err;

	filter_parse(&filter, kind, 0, words, why, sizeof(why));
	ranking_clear(ranking);
	err = channel_dump(&look->channel, command, &filter, reader, ranking, &whole);
	ranking_sort(ranking);
	return err;
}

/* What nobody is in is not asked for. */
static int read_all(struct look *look)
{
	static char *const waiting[] = { "state", "close-wait", NULL };
	static char *const every[] = { NULL };
	const struct stats *stats = &look->top.stats[0];
	const struct census *census = &stats->states[TCPSTATE_CLOSE_WAIT];
	struct panel *panels = look->top.panels;
	int err;

	if (look->broken) {
		channel_close(&look->channel);
		err = channel_open(&look->channel);
		if (err)
			return err;
	}
	err = channel_do(&look->channel, TCPSTATE_CMD_STATS_GET, read_stats, look);
	if (err)
		return err;
	err = read_panel(look, TOP_LISTENERS, TCPSTATE_CMD_LISTENER_GET, FILTER_LISTENERS, every,
			 read_listener);
	ranking_clear(&panels[TOP_HALFOPENS].ranking);
	if (!err && stats->counters[TCPSTATE_A_COUNTER_HALFOPEN])
		err = read_panel(look, TOP_HALFOPENS, TCPSTATE_CMD_HALFOPEN_GET, FILTER_FLOWS,
				 every, read_flow);
	ranking_clear(&panels[TOP_LEAKS].ranking);
	if (!err && (census->now[INITIATOR] || census->now[RESPONDER]))
		err = read_panel(look, TOP_LEAKS, TCPSTATE_CMD_FLOW_GET, FILTER_FLOWS, waiting,
				 read_flow);
	return err;
}

static int refresh(struct look *look)
{
	struct top *top = &look->top;
	int err = read_all(look);

	top->clock = time(NULL);
	top->complaint[0] = '\0';
	look->broken = err;
	if (err)
		channel_explain(&look->channel, err, top->complaint, sizeof(top->complaint));
	return err;
}

/* Milliseconds until it is to be read again. */
static int due(const struct look *look, const struct timespec *last)
{
	struct timespec now;
	double left = look->top.delay - seconds_since(last, &now) * 1e3;

	return left > 0 ? (int)left + 1 : 0;
}

static int watch(struct look *look)
{
	struct screen screen = {};
	struct timespec last = {};
	int err = 0, status;

	status = terminal_begin();
	if (status)
		return status;
	while (!look->top.over && !err) {
		if (!due(look, &last)) {
			refresh(look);
			clock_gettime(CLOCK_MONOTONIC, &last);
		}
		err = screen_begin(&screen, terminal_rows(), terminal_columns());
		if (err)
			break;
		top_draw(&look->top, &screen);
		terminal_show(&screen);
		err = interrupt_poll(STDIN_FILENO, due(look, &last));
		/* The other side of the terminal may be gone. */
		if (err > 0 && !terminal_read(&look->top))
			look->top.over = true;
		if (err > 0)
			err = 0;
	}
	screen_end(&screen);
	terminal_end();
	/* A signal is a normal end. */
	if (err == -EINTR)
		interrupt_forget();
	else if (err)
		status = refused("cannot show it: %s", strerror(-err));
	return status;
}

static int print_screen(struct top *top)
{
	const char *columns = getenv("COLUMNS");
	struct screen screen = {};
	int width = columns ? atoi(columns) : 0, last = 0;
	char text[1024];

	if (width < 1 || width >= (int)sizeof(text))
		width = WIDTH;
	if (screen_begin(&screen, top_rows_plain(top), width))
		return refused("cannot show it: %s", strerror(ENOMEM));
	top_draw_plain(top, &screen);
	for (int row = 0; row < screen.rows; row++)
		if (*screen_row(&screen, row, text))
			last = row;
	for (int row = 0; row <= last; row++)
		puts(screen_row(&screen, row, text));
	screen_end(&screen);
	return DONE;
}

/* Rates need two looks. */
static int print_once(struct look *look)
{
	int err = refresh(look);

	if (!err)
		err = interrupt_poll(-1, look->top.delay);
	if (!err)
		err = refresh(look);
	if (err)
		return channel_complain(&look->channel, err);
	return print_screen(&look->top);
}

int cmd_top(const struct options *options, char *const *words)
{
	static struct look look;
	int status;

	(void)words;
	look.broken = true;
	if (top_begin(&look.top, options->delay ? : DELAY))
		status = refused("cannot show it: %s", strerror(ENOMEM));
	else if (options->once)
		status = print_once(&look);
	else
		status = watch(&look);
	channel_close(&look.channel);
	top_end(&look.top);
	return status;
}
