/* SPDX-License-Identifier: GPL-2.0 */
/* SYNs and SYN-ACKs, and what completes a handshake. */
#ifndef _TCPSTATE_HANDSHAKE_H
#define _TCPSTATE_HANDSHAKE_H

#include "pair.h"

/* Not a fact: a segment that is neither evidence nor refused. */
#define PROVES_NOTHING FACT(MAX)

struct tcpstate_outcome tcpstate_handshake_unanswered(struct tcpstate_pair *pair,
						      const struct tcpstate_segment *seg,
						      enum tcpstate_end from);
__u32 tcpstate_handshake_judge(struct tcpstate_pair *pair, const struct tcpstate_segment *seg,
			       enum tcpstate_end from);
struct tcpstate_outcome tcpstate_handshake_syn(struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from);
struct tcpstate_outcome tcpstate_handshake_synack(struct tcpstate_pair *pair,
						  const struct tcpstate_segment *seg,
						  enum tcpstate_end from,
						  const struct tcpstate_elapsed *elapsed);

/* Does this SYN-ACK acknowledge a SYN that was refused, and remembered? */
static inline bool tcpstate_handshake_confirms(const struct tcpstate_pair *pair,
					       const struct tcpstate_segment *seg,
					       enum tcpstate_end from)
{
	enum tcpstate_end peer = tcpstate_peer(from);

	return pair->flags & TCPSTATE_SYN_MEMO << peer && seg->ack == pair->memo[peer] + 1;
}

#endif /* _TCPSTATE_HANDSHAKE_H */
