/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_LINUX_MINMAX_H
#define _SHIM_LINUX_MINMAX_H

#include <assert.h>

#define min_t(type, a, b) ({ type a_ = (a); type b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(type, a, b) ({ type a_ = (a); type b_ = (b); a_ > b_ ? a_ : b_; })

/* As the kernel's, these refuse to compare two different types. */
#define min(a, b) ({					\
	static_assert(__builtin_types_compatible_p(__typeof__(a), __typeof__(b)), \
		      "min() of two types");		\
	min_t(__typeof__(a), a, b); })
#define max(a, b) ({					\
	static_assert(__builtin_types_compatible_p(__typeof__(a), __typeof__(b)), \
		      "max() of two types");		\
	max_t(__typeof__(a), a, b); })

#endif /* _SHIM_LINUX_MINMAX_H */
