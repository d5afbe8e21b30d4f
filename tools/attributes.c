// SPDX-License-Identifier: GPL-2.0
/* Attributes to structures: a table says which goes where. */
#include <string.h>

#include <linux/genetlink.h>

#include "attributes.h"
#include "message.h"

static bool read_number(const struct nlattr *attr, const struct member *member, void *to)
{
	if (mnl_attr_get_payload_len(attr) != member->size)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), member->size);
	return true;
}

static bool read_attributes(const void *from, size_t len, const struct layout *layout,
			    void *structure)
{
	const struct member *member;
	const struct nlattr *attr;

	mnl_attr_for_each_payload(from, len) {
		if (mnl_attr_get_type(attr) >= layout->count)
			continue;
		member = &layout->members[mnl_attr_get_type(attr)];
		if (member->read && !member->read(attr, (char *)structure + member->offset))
			return false;
		if (member->size &&
		    !read_number(attr, member, (char *)structure + member->offset))
			return false;
	}
	/* Less than an attribute is left only when one was cut short. */
	return (const char *)attr >= (const char *)from + len;
}

bool attributes_read_nest(const struct nlattr *attr, const struct layout *layout, void *structure)
{
	return read_attributes(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr),
			       layout, structure);
}

bool attributes_read(const struct nlmsghdr *nlh, const struct layout *layout, void *structure)
{
	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(struct genlmsghdr)))
		return false;
	return read_attributes(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr)),
			       mnl_nlmsg_get_payload_len(nlh) - sizeof(struct genlmsghdr),
			       layout, structure);
}

bool attributes_read_string(const struct nlattr *attr, void *member)
{
	const char *string = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (!len || string[len - 1] || strlen(string) != len - 1)
		return false;
	for (const char *c = string; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	*(const char **)member = string;
	return true;
}

bool attributes_read_address(const struct nlattr *attr, void *member)
{
	struct endpoint *end = member;

	end->len = mnl_attr_get_payload_len(attr);
	if (mnl_attr_get_payload_len(attr) != 4 && mnl_attr_get_payload_len(attr) != 16)
		return false;
	memcpy(end->addr, mnl_attr_get_payload(attr), end->len);
	return true;
}

bool attributes_read_buckets(const struct nlattr *attr, void *member)
{
	size_t count = mnl_attr_get_payload_len(attr) / sizeof(uint64_t);
	uint64_t *buckets = member, bucket;

	if (mnl_attr_get_payload_len(attr) % sizeof(uint64_t))
		return false;
	for (size_t i = 0; i < count; i++) {
		memcpy(&bucket, (const char *)mnl_attr_get_payload(attr) + i * sizeof(bucket),
		       sizeof(bucket));
		buckets[i < BUCKETS ? i : BUCKETS - 1] += bucket;
	}
	return true;
}
