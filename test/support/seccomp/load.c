/*
 * Loads the filter on standard input with the flags of argv[1], then makes system calls and prints what each gave,
 * a line each: its result, or the errno's negative. Calls: NUMBER[,ARGUMENT]...
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static struct sock_filter program[4096];
  size_t count = fread(program, sizeof program[0], 4096, stdin);
  struct sock_fprog filter = {.len = (unsigned short)count, .filter = program};
  if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 1;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, strtoul(argv[1], NULL, 0), &filter) != 0) {
    perror("seccomp");
    return 1;
  }
  for (int i = 2; i < argc; i++) {
    long words[7] = {0};
    char *at = argv[i];
    for (int j = 0; j < 7 && *at != '\0'; j++) {
      words[j] = (long)strtoull(at, &at, 0);
      if (*at == ',') at++;
    }
    long result = syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
    printf("%ld\n", result == -1 ? (long)-errno : result);
  }
  fflush(stdout);
  return 0;
}
