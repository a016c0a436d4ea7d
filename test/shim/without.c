/*
 * `without ERRNO NUMBER… -- PROGRAM ARG…`: runs a program to which the kernel refuses some system calls. Built with PROGRAM (a path)
 * and REFUSED (numbers) it stands for that program, under any name and with all arguments: they answer ENOSYS.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct sock_filter code[64] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
static unsigned short length = 1;

static void refuse(unsigned number, unsigned error) {
  code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
  code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
}

static int load(void) {
  code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {length, code};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#ifdef PROGRAM
int main(int argc, char **argv) {
  static const unsigned refused[] = {REFUSED};
  (void)argc;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) refuse(refused[i], ENOSYS);
  if (load() < 0) return 126;
  argv[0] = PROGRAM;
  execv(PROGRAM, argv);
  return 127;
}
#else
int main(int argc, char **argv) {
  int at = 2;
  for (; at < argc && strcmp(argv[at], "--") != 0 && length < 60; at++)
    refuse((unsigned)atoi(argv[at]), (unsigned)atoi(argv[1]));
  if (at + 1 >= argc || load() < 0) return 126;
  execv(argv[at + 1], argv + at + 1);
  return 127;
}
#endif
