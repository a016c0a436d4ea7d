/* Verbs that probe single system calls, for seccomp tests: in a child, since a filter may kill the caller. */
#include "out.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
  const char *name;
  long number;
} calls[] = {
    {"getpid", SYS_getpid},         {"getppid", SYS_getppid},       {"getuid", SYS_getuid},
    {"getcwd", SYS_getcwd},         {"mkdirat", SYS_mkdirat},       {"unshare", SYS_unshare},
    {"mount", SYS_mount},           {"umount2", SYS_umount2},       {"ptrace", SYS_ptrace},
    {"keyctl", SYS_keyctl},         {"add_key", SYS_add_key},       {"personality", SYS_personality},
    {"clone3", 435},                {"openat2", 437},               {"socket", SYS_socket},
    {"uname", SYS_uname},           {"kcmp", SYS_kcmp},             {"bpf", SYS_bpf},
    {"setns", SYS_setns},           {"sethostname", SYS_sethostname}, {"reboot", SYS_reboot},
    {"swapon", SYS_swapon},         {"init_module", SYS_init_module}, {"acct", SYS_acct},
    {"getpriority", SYS_getpriority}, {"sched_yield", SYS_sched_yield}, {"sysinfo", SYS_sysinfo},
    {"prctl", SYS_prctl},           {"chroot", SYS_chroot},         {"dup", SYS_dup},
    {"mseal", 462},
};

static int report(const char *verb, const char *name, pid_t child, const volatile long *result) {
  int status = 0;
  waitpid(child, &status, 0);
  begin(verb);
  strField("name", name);
  numField("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  if (!WIFSIGNALED(status)) {
    numField("result", result[0]);
    errField((int)result[1]);
  }
  end();
  return 0;
}

static volatile long *shared(void) {
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int syscallVerb(int argc, char **argv) {
  long number = -1;
  long a[6] = {0};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strcmp(calls[i].name, argv[0]) == 0) number = calls[i].number;
  if (number < 0) number = (long)toNumber(argv[0]);
  for (int i = 1; i < argc && i <= 6; i++) a[i - 1] = (long)toNumber(argv[i]);
  volatile long *result = shared();
  pid_t child = fork();
  if (child == 0) {
    errno = 0;
    result[0] = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    result[1] = result[0] == -1 ? errno : 0;
    _exit(0);
  }
  return report("syscall", argv[0], child, result);
}

/* The 32-bit entry of x86-64: another architecture in the eyes of a filter. getpid is 20 there. */
static int syscall32Verb(int argc, char **argv) {
  volatile long *result = shared();
  (void)argc;
  pid_t child = fork();
  if (child == 0) {
#ifdef __x86_64__
    long value = (long)toNumber(argv[0]);
    __asm__ volatile("int $0x80" : "+a"(value) : "b"(0), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    int low = (int)value;
    result[0] = low < 0 ? -1 : low;
    result[1] = low < 0 ? -low : 0;
#else
    result[0] = -1;
    result[1] = ENOSYS;
#endif
    _exit(0);
  }
  return report("syscall32", argv[0], child, result);
}

/* sched_getattr(2): what chrt does not show. Its flags are those that the kernel keeps. */
static int schedulingVerb(int argc, char **argv) {
  struct {
    unsigned size, policy;
    unsigned long long flags;
    int nice;
    unsigned priority;
    unsigned long long runtime, deadline, period;
    unsigned least, most;
  } attributes = {0};
  long pid = argc > 0 ? (long)toNumber(argv[0]) : 0;
  int error = syscall(SYS_sched_getattr, pid, &attributes, sizeof attributes, 0) < 0 ? errno : 0;
  begin("scheduling");
  errField(error);
  numField("policy", attributes.policy);
  numField("flags", (long long)attributes.flags);
  numField("nice", attributes.nice);
  numField("priority", attributes.priority);
  numField("runtime", (long long)attributes.runtime);
  numField("deadline", (long long)attributes.deadline);
  numField("period", (long long)attributes.period);
  numField("least", attributes.least);
  numField("most", attributes.most);
  end();
  return 0;
}

const struct verb syscallVerbs[] = {
    {"scheduling", 0, schedulingVerb, "[PID] (sched_getattr)"},
    {"syscall", 1, syscallVerb, "NAME|NUMBER [ARG]... (in a child)"},
    {"syscall32", 1, syscall32Verb, "NUMBER (x86-64: through int 0x80)"},
    {NULL, 0, NULL, NULL},
};
