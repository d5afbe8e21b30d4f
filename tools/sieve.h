/* SPDX-License-Identifier: GPL-2.0 */
/* A filter where the module has not applied it: to what it tells of by itself. */
#ifndef _TCPSTATE_SIEVE_H
#define _TCPSTATE_SIEVE_H

#include <stdbool.h>

struct account;
struct filter;
struct flow;

/* As the module would, for the moment that the message tells of. */
bool sieve_passes(const struct filter *filter, const struct flow *flow);

/* Likewise an alert: its verdict counts, and the one before. */
bool sieve_passes_alert(const struct filter *filter, const struct account *account);

#endif /* _TCPSTATE_SIEVE_H */
