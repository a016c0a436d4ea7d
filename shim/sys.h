/*
 * The kernel, without a C library: types and raw system calls. `sys(openat, dir, path, flags)` is the call itself;
 * it returns what the kernel returns, a negative errno on failure.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/termios.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <linux/wait.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the wire is little-endian and read in place"
#endif

static inline long sys6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
#else
#error "no system calls for this architecture yet"
#endif
}

#define SYS_6(n, a, b, c, d, e, f, ...) \
  sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/** The result as a long: an address or a large count. */
#define sys_long(name, ...) SYS_6(__NR_##name, __VA_ARGS__ __VA_OPT__(, ) 0, 0, 0, 0, 0, 0, 0)
static inline int to_int(long result) { return (int)result; }
#define sys(name, ...) to_int(sys_long(name, __VA_ARGS__))

/* What the kernel's user headers leave to the C library. */
struct msghdr {
  void *name;
  uint32_t name_length;
  struct iovec *parts;
  size_t part_count;
  void *control;
  size_t control_length;
  uint32_t flags;
};
struct control_fd {
  size_t length;
  int32_t level, type;
  int32_t fd, padding;
};
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define MSG_NOSIGNAL 0x4000
#define MSG_DONTWAIT 0x40
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_CLOEXEC O_CLOEXEC
#define MNT_DETACH 2
#define SEEK_SET 0
#define SEEK_END 2

/* Newer than the oldest headers we build with. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* A device number as stat and mknod carry it: 12 bits of major, 20 of minor. */
static inline uint32_t major_of(uint64_t device) { return (uint32_t)(device >> 8 & 0xfff); }
static inline uint32_t minor_of(uint64_t device) {
  return (uint32_t)((device & 0xff) | (device >> 12 & 0xfff00));
}
static inline uint32_t device_number(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffU) << 12;
}
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)

/* Supplied by start.c (freestanding) or the C library (sanitized builds): the compiler calls them itself. */
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);
