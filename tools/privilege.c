// SPDX-License-Identifier: GPL-2.0
/* What a program that speaks with strangers does without. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>

#include "privilege.h"
#include "tool.h"

int privilege_drop(const char *user)
{
	const struct passwd *passwd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return refused("cannot give up privileges: %s", strerror(errno));
	/* Whoever started us otherwise has chosen already. */
	if (geteuid())
		return DONE;
	passwd = getpwnam(user);
	if (!passwd)
		return refused("no user '%s': say --user NAME", user);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) ||
	    capng_change_id(passwd->pw_uid, passwd->pw_gid,
			    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING))
		return refused("cannot become '%s': %s", user, strerror(errno));
	return DONE;
}
