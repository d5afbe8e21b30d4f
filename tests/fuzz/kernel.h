/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tables use of the kernel, for a single thread in userspace: locks count whether
 * they are held, grace periods are over at once, works are run by hand, and memory is
 * malloc()'s, which ASan guards. Included before anything else; the kernel's own headers
 * are empty files beside it.
 */
#ifndef _TCPSTATE_FUZZ_KERNEL_H
#define _TCPSTATE_FUZZ_KERNEL_H

#include <asm/byteorder.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef unsigned int gfp_t;

#define __percpu
#define __rcu
#define __force
#define __init
#define __exit
#define __read_mostly
#define noinline
#define __acquire(x)
#define __release(x)
#define __aligned(x)			__attribute__((__aligned__(x)))
#define ____cacheline_aligned		__aligned(64)
#define likely(x)			__builtin_expect(!!(x), 1)
#define unlikely(x)			__builtin_expect(!!(x), 0)
#define ARRAY_SIZE			LENGTH
#define BUILD_BUG_ON(x)			_Static_assert(!(x), #x)
#define container_of(p, type, member)	((type *)((char *)(p) - offsetof(type, member)))
#define struct_size(p, member, n)	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define IS_ENABLED(option)		0
#define swap(a, b) ({ __typeof__(a) a_ = (a); (a) = (b); (b) = a_; })
#define min_t(type, a, b) ({ type a_ = (a); type b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(type, a, b) ({ type a_ = (a); type b_ = (b); a_ > b_ ? a_ : b_; })
#define min(a, b)			min_t(__typeof__(a), a, b)
#define max(a, b)			max_t(__typeof__(a), a, b)

#define BIT(n)				(1UL << (n))
#define BIT_ULL(n)			(1ULL << (n))
#define GENMASK(h, l)			(~0UL >> (63 - (h)) & ~0UL << (l))
#define GENMASK_ULL			GENMASK
#define BITS_PER_BYTE			8
#define BITS_TO_LONGS(n)		(((n) + 63) / 64)
#define S32_MAX				INT32_MAX
#define U32_MAX				UINT32_MAX
#define U16_MAX				UINT16_MAX
#define __ffs64				__builtin_ctzll
#define div_u64(a, b)			((u64)(a) / (u32)(b))
#define fls(x)				((x) ? 32 - __builtin_clz(x) : 0)
#define le64_to_cpu			__le64_to_cpu
#define ntohs				__be16_to_cpu

#define for_each_set_bit(bit, word, size) \
	for ((bit) = 0; (bit) < (size); (bit)++) \
		if (*(word) >> (bit) & 1)

static inline bool test_bit(size_t i, const unsigned long *word)
{
	return word[i / 64] >> i % 64 & 1;
}

static inline void assign_bit(size_t i, unsigned long *word, bool value)
{
	word[i / 64] = (word[i / 64] & ~(1UL << i % 64)) | (unsigned long)value << i % 64;
}

#define set_bit(i, word)		assign_bit(i, word, true)
#define clear_bit(i, word)		assign_bit(i, word, false)

static inline size_t find_next_bit(const unsigned long *word, size_t size, size_t i)
{
	unsigned long rest;

	for (; i < size; i = (i | 63) + 1) {
		rest = word[i / 64] >> i % 64;
		if (rest)
			return min(i + __builtin_ctzl(rest), size);
	}
	return size;
}

/* memory */

#define GFP_KERNEL			0
#define GFP_ATOMIC			0
#define __GFP_NOWARN			0
#define gfpflags_allow_blocking(gfp)	((void)(gfp), true)
#define SLAB_HWCACHE_ALIGN		0
#define prefetch(x)			__builtin_prefetch(x)
#define prefetchw(x)			__builtin_prefetch(x, 1)

struct kmem_cache {
	size_t size;
};

/* Allocations that are still to fail, those that are held, and the largest size of all. */
extern unsigned int fuzz_short, fuzz_held;
extern size_t fuzz_largest;

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	void *memory;

	(void)gfp;
	if (fuzz_short && fuzz_short--)
		return NULL;
	fuzz_held++;
	fuzz_largest = max(fuzz_largest, size);
	memory = aligned_alloc(64, (size + 63) & ~63UL);
	return memset(memory, 0, (size + 63) & ~63UL);
}

static inline void kvfree(const void *memory)
{
	fuzz_held -= !!memory;
	free((void *)memory);
}

static inline struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
						   unsigned int flags, void *constructor)
{
	struct kmem_cache *cache = malloc(sizeof(*cache));

	(void)name, (void)align, (void)flags, (void)constructor;
	cache->size = size;
	return cache;
}

#define kmem_cache_destroy		free

/* Full of what a forgetful user would take for pointers. */
static inline void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	(void)gfp;
	if (fuzz_short && fuzz_short--)
		return NULL;
	fuzz_held++;
	return memset(malloc(cache->size), 0x6b, cache->size);
}

static inline void kmem_cache_free(struct kmem_cache *cache, void *memory)
{
	(void)cache;
	fuzz_held--;
	free(memory);
}

/* who may touch what */

#define data_race(x)			(x)
#define READ_ONCE(x)			(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)		(*(volatile __typeof__(x) *)&(x) = (value))
#define xchg(p, value) ({ __typeof__(*(p)) was_ = *(p); *(p) = (value); was_; })
#define cmpxchg(p, old, new) ({ __typeof__(*(p)) was_ = *(p); if (was_ == (old)) *(p) = (new); was_; })

typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { s64 counter; } atomic64_t;

#define atomic_read(v)			((v)->counter)
#define atomic_inc(v)			((void)(v)->counter++)
#define atomic_dec(v)			((void)(v)->counter--)
#define atomic_inc_return(v)		(++(v)->counter)
#define atomic_long_inc			atomic_inc
#define atomic64_read			atomic_read
#define atomic64_set(v, i)		((void)((v)->counter = (i)))

typedef struct { bool held; } spinlock_t;
struct lock_class_key { char none; };
struct mutex { bool held; };

/* Locks taken since the last chance for others to run, and the most that ever were. */
extern unsigned int fuzz_busy, fuzz_busiest;

static inline void spin_lock(spinlock_t *lock)
{
	fuzz_busy++;
	MUST(!lock->held);
	lock->held = true;
}

static inline bool spin_trylock(spinlock_t *lock)
{
	bool free = !lock->held;

	fuzz_busy++;
	lock->held = true;
	return free;
}

static inline void spin_unlock(spinlock_t *lock)
{
	MUST(lock->held);
	lock->held = false;
}

#define spin_lock_init(l)		((l)->held = false)
#define spin_lock_bh			spin_lock
#define spin_unlock_bh			spin_unlock
#define spin_lock_nested(l, n)		spin_lock(l)
#define lockdep_set_class(l, key)	((void)(key))
#define lockdep_assert_held(l)		MUST((l)->held)

#define rcu_read_lock()			do { } while (0)
#define rcu_read_unlock()		do { } while (0)
#define local_bh_disable()		do { } while (0)
#define local_bh_enable()		do { } while (0)
/* What others do then, if anything. */
extern void (*fuzz_others)(void);

static inline void cond_resched(void)
{
	fuzz_busiest = max(fuzz_busiest, fuzz_busy);
	if (fuzz_others)
		fuzz_others();
	fuzz_busy = 0;
}

#define synchronize_rcu()		do { } while (0)
#define call_rcu(head, function)	(function)(head)
#define rcu_dereference(p)		(p)
#define rcu_access_pointer(p)		(p)
#define rcu_dereference_protected(p, c)	(p)
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER		rcu_assign_pointer

/* One CPU. */
#define __this_cpu_add(x, n)		((void)((x) += (n)))
#define __this_cpu_inc(x)		__this_cpu_add(x, 1)
#define __this_cpu_dec(x)		__this_cpu_add(x, -1)
#define per_cpu_ptr(p, cpu)		((void)(cpu), (p))
#define num_possible_cpus()		1
#define PCPU_MIN_ALLOC_SIZE		4
#define DIV_ROUND_UP(n, d)		(((n) + (d) - 1) / (d))
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)

struct work_struct { void (*run)(struct work_struct *work); };
typedef void (*work_func_t)(struct work_struct *work);
struct delayed_work { struct work_struct work; bool pending; };
struct workqueue_struct { char none; };

#define WQ_UNBOUND			0
#define alloc_workqueue(name, flags, n)	((struct workqueue_struct *)malloc(1))
#define destroy_workqueue		free
#define INIT_DELAYED_WORK(w, f)		((w)->work.run = (f))
#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define queue_delayed_work(q, w, t)	((void)(q), (w)->pending = true)
#define mod_delayed_work		queue_delayed_work
#define cancel_delayed_work_sync(w)	((w)->pending = false)

/* time and chance */

#define HZ				1000
#define MSEC_PER_SEC			1000
#define fallthrough			__attribute__((__fallthrough__))
#define USEC_PER_MSEC			1000
#define NSEC_PER_USEC			1000
#define time_after(a, b)		((long)((b) - (a)) < 0)
#define jiffies				((unsigned long)fuzz_now)
#define get_jiffies_64()		fuzz_now
#define jiffies64_to_msecs(j)		((u64)(j))
#define jiffies_to_msecs(j)		((u32)(j))
#define ktime_get_ns()			(fuzz_now * 1000000)
#define reciprocal_scale(value, end)	((u32)((u64)(u32)(value) * (end) >> 32))

extern u64 fuzz_now;
u32 get_random_u32(void);
void get_random_bytes(void *to, size_t size);

/* networks */

enum { NFPROTO_UNSPEC = 0, NFPROTO_IPV4 = 2, NFPROTO_IPV6 = 10 };

struct in6_addr {
	union {
		__be32 s6_addr32[4];
		u8 s6_addr[16];
	};
};

struct sk_buff;
struct net { char none; };
struct ctl_table_header;
struct nf_hook_ops {
	void *priv;
};
struct sk_buff_head { spinlock_t lock; };
struct rhash_head { char none; };
struct rhashtable { char none; };
struct rcu_head { char none; };
struct xarray { char none; };
struct ctl_table;

static inline bool ipv6_addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool ipv6_masked_addr_cmp(const struct in6_addr *a, const struct in6_addr *mask,
					const struct in6_addr *b)
{
	for (int i = 0; i < 4; i++)
		if ((a->s6_addr32[i] ^ b->s6_addr32[i]) & mask->s6_addr32[i])
			return true;
	return false;
}

/* The fuzzer's own, so that hashes meet. */
typedef struct { u64 key[2]; } hsiphash_key_t;

u32 hsiphash_3u32(u32 a, u32 b, u32 c, const hsiphash_key_t *key);
u32 hsiphash(const void *data, size_t size, const hsiphash_key_t *key);

#endif /* _TCPSTATE_FUZZ_KERNEL_H */
