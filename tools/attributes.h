/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attributes to structures: a table says which goes where. Those that it does not
 * have are passed over; those of a wrong size make the whole unreadable.
 */
#ifndef _TCPSTATE_ATTRIBUTES_H
#define _TCPSTATE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include <libmnl/libmnl.h>

/**
 * struct member - where an attribute goes
 * @offset: of the member in the structure
 * @size: a number's, which the attribute must have too
 * @read: for what is not a number
 */
struct member {
	size_t offset;
	size_t size;
	bool (*read)(const struct nlattr *attr, void *member);
};

/**
 * struct layout - attributes by their type
 */
struct layout {
	const struct member *members;
	size_t count;
};

#define NUMBER(type, name) \
	{ .offset = offsetof(type, name), .size = sizeof(((type *)NULL)->name) }
#define OTHER(type, name, reader) { .offset = offsetof(type, name), .read = reader }
#define LAYOUT(table) { table, sizeof(table) / sizeof(*(table)) }

/* These say whether all could be read. */
bool attributes_read(const struct nlmsghdr *nlh, const struct layout *layout, void *structure);
bool attributes_read_nest(const struct nlattr *attr, const struct layout *layout, void *structure);

/* A printable string, which lives in the message: for a const char *. */
bool attributes_read_string(const struct nlattr *attr, void *member);

/* An address, with its length: for a struct endpoint. */
bool attributes_read_address(const struct nlattr *attr, void *member);

/* For uint64_t[BUCKETS]: those that there are; what is in any beyond goes into the last. */
bool attributes_read_buckets(const struct nlattr *attr, void *member);

#endif /* _TCPSTATE_ATTRIBUTES_H */
