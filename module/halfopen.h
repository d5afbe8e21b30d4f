/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The half-open table: handshakes that their initiator has not completed. Its
 * own room, so that a flood of SYNs costs no established flow its place.
 *
 * The lock of a half-open bucket is also the birth lock of its keys: whoever
 * files a record of a key in either table holds it, and has looked for the key
 * in both since taking it.
 */
#ifndef _TCPSTATE_HALFOPEN_H
#define _TCPSTATE_HALFOPEN_H

#include "table.h"

bool tcpstate_halfopen_admit(struct tcpstate_tables *tables, struct tcpstate_bucket *bucket,
			     u32 now);

#endif /* _TCPSTATE_HALFOPEN_H */
