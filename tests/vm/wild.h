/* SPDX-License-Identifier: GPL-2.0 */
/* What the wild share: chance, and the count of what was tried. See wild.c. */
#ifndef _TCPSTATE_WILD_H
#define _TCPSTATE_WILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

extern volatile sig_atomic_t over;
extern __thread uint64_t seed;

void wild_netlink(void);
void wild_packets(void);

/* Of tries so many were let. */
void count_more(unsigned long tries, unsigned long lets);

static inline void count(bool let)
{
	count_more(1, let);
}

/* Marsaglia's xorshift, and a multiplication. */
static inline uint64_t random64(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dULL;
}

static inline unsigned int below(unsigned int end)
{
	return (random64() >> 32) % end;
}

static inline bool once_in(unsigned int times)
{
	return !below(times);
}

static inline void random_octets(void *to, size_t size)
{
	uint8_t *octet = to;

	while (size--)
		*octet++ = random64() >> 40;
}

static inline void mangle(void *what, size_t size)
{
	unsigned int n = 1 + below(3);

	while (n-- && size)
		((uint8_t *)what)[below(size)] ^= 1 << below(8);
}

/* Small, on an edge, or any. */
static inline uint64_t number(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 10, 32, 128, 255, 256, 1023, 65535, 1u << 20, INT32_MAX,
		(uint64_t)INT32_MAX + 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX,
	};

	switch (below(4)) {
	case 0:		return random64();
	case 1:		return below(64);
	default:	return edges[below(LENGTH(edges))];
	}
}

#endif /* _TCPSTATE_WILD_H */
