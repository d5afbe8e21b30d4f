// SPDX-License-Identifier: GPL-2.0
/* Arguments to words. */
#include <stdlib.h>
#include <string.h>

#include "words.h"

char **words_divide(char *const *words)
{
	static const char blanks[] = " \t\r\n\v\f", operators[] = "=<>!";
	size_t octets = 0;
	char **divided;
	char *to;
	size_t n = 0;

	for (char *const *word = words; *word; word++)
		octets += strlen(*word) + 1;
	/* At worst each octet is a word, with its end and a pointer to it. */
	divided = malloc((octets + 1) * sizeof(*divided) + 2 * octets);
	if (!divided)
		return NULL;
	to = (char *)(divided + octets + 1);
	for (; *words; words++) {
		const char *from = *words + strspn(*words, blanks);

		/* An empty argument is a word that is wrong, rather than none. */
		if (!*from) {
			divided[n++] = to;
			*to++ = '\0';
		}
		while (*from) {
			size_t len = strspn(from, operators);

			if (!len)
				len = strcspn(from, " \t\r\n\v\f=<>!");
			divided[n++] = to;
			memcpy(to, from, len);
			to[len] = '\0';
			to += len + 1;
			from += len;
			from += strspn(from, blanks);
		}
	}
	divided[n] = NULL;
	return divided;
}
