// SPDX-License-Identifier: GPL-2.0
/* Complaints. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "tool.h"

static void complain(const char *format, va_list args)
{
	static bool complained;
	char line[1024];

	if (complained)
		return;
	complained = true;
	vsnprintf(line, sizeof(line), format, args);
	for (char *c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	fprintf(stderr, "tcpstate: %s\n", line);
}

int misused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return MISUSED;
}

int refused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return REFUSED;
}
