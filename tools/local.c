// SPDX-License-Identifier: GPL-2.0
/* Which addresses are this network namespace's own. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "local.h"

int local_begin(struct locals *locals)
{
	*locals = (struct locals){};
	return getifaddrs(&locals->list) ? -errno : 0;
}

void local_end(struct locals *locals)
{
	freeifaddrs(locals->list);
	*locals = (struct locals){};
}

static uint32_t ipv4(const struct sockaddr *sockaddr)
{
	return ((const struct sockaddr_in *)sockaddr)->sin_addr.s_addr;
}

static bool is(const struct ifaddrs *at, int family, const uint8_t *addr)
{
	uint32_t differs;

	if (!at->ifa_addr || at->ifa_addr->sa_family != family)
		return false;
	if (family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)at->ifa_addr)->sin6_addr, addr, 16);
	memcpy(&differs, addr, sizeof(differs));
	differs ^= ipv4(at->ifa_addr);
	/* On a loopback device all of an IPv4 prefix is ours. */
	if (at->ifa_flags & IFF_LOOPBACK && at->ifa_netmask)
		differs &= ipv4(at->ifa_netmask);
	return !differs;
}

bool local_has(const struct locals *locals, int family, const uint8_t *addr)
{
	for (const struct ifaddrs *at = locals->list; at; at = at->ifa_next)
		if (is(at, family, addr))
			return true;
	return false;
}
