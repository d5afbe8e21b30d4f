/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all fuzzers share. A target is a file that has fuzz(): it makes of any octets
 * whatever it tests, and MUST() hold. It leaves nothing behind that a later call
 * could tell. libFuzzer runs it, or plain.c where there is no clang.
 */
#ifndef _TCPSTATE_FUZZ_H
#define _TCPSTATE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a target holds to be true of all that there is. */
#define MUST(condition) \
	do { \
		if (!(condition)) \
			fuzz_wrong(__FILE__, __LINE__, #condition); \
	} while (0)

__attribute__((noreturn))
static inline void fuzz_wrong(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

/**
 * struct input - octets that were not used up yet
 * @at: the next
 * @left: how many there are
 */
struct input {
	const uint8_t *at;
	size_t left;
};

/* So many octets; zeros where there are none any more. */
static inline void input_take(struct input *input, void *to, size_t size)
{
	size_t part = size < input->left ? size : input->left;

	memset(to, 0, size);
	if (part)
		memcpy(to, input->at, part);
	input->at += part;
	input->left -= part;
}

static inline uint8_t input_u8(struct input *input)
{
	uint8_t number;

	input_take(input, &number, sizeof(number));
	return number;
}

static inline uint16_t input_u16(struct input *input)
{
	uint16_t number;

	input_take(input, &number, sizeof(number));
	return number;
}

static inline uint32_t input_u32(struct input *input)
{
	uint32_t number;

	input_take(input, &number, sizeof(number));
	return number;
}

#endif /* _TCPSTATE_FUZZ_H */
