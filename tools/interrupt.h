/* SPDX-License-Identifier: GPL-2.0 */
/* SIGINT and SIGTERM, put off until what is being said is complete. */
#ifndef _TCPSTATE_INTERRUPT_H
#define _TCPSTATE_INTERRUPT_H

/* From now on the first of them is put off; the second ends the process. */
void interrupt_defer(void);

/* The signal that came, or 0. */
int interrupted(void);

/*
 * Waits until there is something to read from a file descriptor. Returns 0, or
 * -EINTR once interrupted() (no moment is too short for a signal to be noticed),
 * or another negative errno.
 */
int interrupt_wait(int fd);

/*
 * Waits likewise, for so many milliseconds at most, or for ever where they are less
 * than none. Returns 1 where there is something to read, 0 where the time is over or
 * another signal came, or a negative errno.
 */
int interrupt_poll(int fd, int ms);

/* The signal that came was waited for. If it comes again, that ends the process. */
void interrupt_forget(void);

/* Ends the process by the signal that came, as if it had not been put off. */
void interrupt_obey(void);

#endif /* _TCPSTATE_INTERRUPT_H */
