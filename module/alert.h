/* SPDX-License-Identifier: GPL-2.0 */
/* Alerts: trouble begins, changes and ends, told to those who listen and to the kernel's log. */
#ifndef _TCPSTATE_ALERT_H
#define _TCPSTATE_ALERT_H

#include "event.h"
#include "listener.h"

void tcpstate_alert(struct tcpstate_log *log, enum tcpstate_turn turn, unsigned int before,
		    const struct tcpstate_listener_view *view);
void tcpstate_alert_table(struct tcpstate_log *log, bool full, unsigned int gauge, u64 fill,
			  u64 limit);

#endif /* _TCPSTATE_ALERT_H */
