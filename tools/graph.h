/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RFC 9293's state diagram (section 3.3.2, figure 5) in Graphviz's language, with how
 * often each way was taken and who is in which state.
 */
#ifndef _TCPSTATE_GRAPH_H
#define _TCPSTATE_GRAPH_H

#include <stdio.h>

struct stats;

void graph_print(FILE *file, const struct stats *stats);

#endif /* _TCPSTATE_GRAPH_H */
