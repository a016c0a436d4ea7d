/* The entry point and the four functions that a C compiler takes for granted. Not part of sanitized builds. */
#include "sys.h"

#include <linux/auxvec.h>

int main(int argc, char **argv);
_Noreturn void start(long *stack);

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl start\n");
#endif

uintptr_t __stack_chk_guard;

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void) {
  for (;;) __builtin_trap();
}

/** The stack as the kernel leaves it: argc, argv, NULL, envp, NULL, the auxiliary vector. */
__attribute__((no_stack_protector)) _Noreturn void start(long *stack) {
  long argc = stack[0];
  char **argv = (char **)(stack + 1);
  char **at = argv + argc + 1;
  while (*at++ != NULL) continue;
  uintptr_t random = 0;
  /* 16 bytes that the kernel puts anywhere, not aligned. */
  for (const unsigned long *aux = (const unsigned long *)at; aux[0] != AT_NULL; aux += 2)
    if (aux[0] == AT_RANDOM) memcpy(&random, (const void *)aux[1], sizeof random);
  __stack_chk_guard = random & ~(uintptr_t)0xff;
  int status = main((int)argc, argv);
  for (;;) sys(exit_group, status);
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (count-- > 0) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t count) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if (t < f)
    for (; count > 0; count--) *t++ = *f++;
  while (count-- > 0) t[count] = f[count];
  return to;
}

void *memset(void *to, int byte, size_t count) {
  uint8_t *t = to;
  while (count-- > 0) *t++ = (uint8_t)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t count) {
  const uint8_t *x = a, *y = b;
  for (; count > 0; x++, y++, count--)
    if (*x != *y) return *x < *y ? -1 : 1;
  return 0;
}

size_t strlen(const char *text) {
  const char *end = text;
  while (*end != '\0') end++;
  return (size_t)(end - text);
}
