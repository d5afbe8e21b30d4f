/* SPDX-License-Identifier: GPL-2.0 */
/* What becomes of records and tables by time alone. */
#ifndef _TCPSTATE_SWEEP_H
#define _TCPSTATE_SWEEP_H

#include "table.h"

int tcpstate_sweep_init(void);
void tcpstate_sweep_exit(void);

/* Any context. */
void tcpstate_sweep_start(struct tcpstate_tables *tables);
void tcpstate_sweep_now(struct tcpstate_tables *tables);

/* Process context. */
void tcpstate_sweep_prepare(struct tcpstate_tables *tables);
void tcpstate_sweep_allow(struct tcpstate_tables *tables);
void tcpstate_sweep_rescan(struct tcpstate_tables *tables);
void tcpstate_sweep_release(struct tcpstate_tables *tables, enum tcpstate_reason reason);

#endif /* _TCPSTATE_SWEEP_H */
