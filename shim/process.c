/* Processes: signals, waiting, what a child tells its parent. */
#include "shim.h"

/* After execve a signal is ignored or has its default action; Node ignores SIGPIPE and SIGXFSZ, and that would
   stay with the container. Only what is ignored is changed: setting SIGCONT or SIGWINCH to the default drops
   one that is pending. SIGKILL and SIGSTOP answer EINVAL. */
void reset_signals(uint64_t mask) {
  enum { IGNORED = 1 };
  static const uint64_t defaults[4]; /* the kernel's struct sigaction: handler, flags, restorer, mask */
  for (int signal = 1; signal <= 64; signal++) {
    uint64_t old[4] = {0};
    if (sys(rt_sigaction, signal, NULL, old, 8) >= 0 && old[0] == IGNORED)
      sys(rt_sigaction, signal, defaults, NULL, 8);
  }
  mask_signals(mask);
}

void catch_sigpipe(int caught) {
  const uint64_t action[4] = {(uint64_t)!caught}; /* the default, or to ignore it */
  sys(rt_sigaction, SIGPIPE, action, NULL, 8);
}

void mask_signals(uint64_t mask) { sys(rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask); }

int32_t *shared_page(void) {
  static int32_t *page;
  if (page == NULL) {
    long at = sys_long(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at < 0 && at > -4096) return NULL;
    page = (int32_t *)at;
  }
  *page = 0;
  return page;
}

int wait_for(int pid, int *status) {
  int got;
  do got = sys(wait4, pid, status, 0, NULL);
  while (got == -EINTR);
  return got < 0 ? got : 0;
}

int64_t now(void) {
  struct __kernel_timespec time = {0, 0};
  sys(clock_gettime, 1 /* CLOCK_MONOTONIC */, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int close_on_exec(unsigned first) {
  enum { RLIMIT_NOFILE = 7, MOST = 1 << 20 };
  int error = sys(close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
  if (error != -ENOSYS && error != -EPERM) return error;
  /* A seccomp filter that does not know close_range: one by one, as far as there can be any. */
  struct {
    uint64_t soft, hard;
  } limit = {0, 0};
  error = sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
  if (error < 0) return error;
  uint64_t end = limit.hard < MOST ? limit.hard : MOST;
  for (uint64_t fd = first; fd < end; fd++) {
    error = sys(fcntl, fd, F_SETFD, FD_CLOEXEC);
    if (error < 0 && error != -EBADF) return error;
  }
  return 0;
}

int run_program(struct ref program, struct ref environment, uint32_t fork_step, uint32_t execve_step) {
  char **args = shim.pointers;
  char **env = spread(program, args);
  spread(environment, env);
  return run_words(args, env, fork_step, execve_step);
}

int run_words(char **args, char **env, uint32_t fork_step, uint32_t execve_step) {
  if (args[0] == NULL) return failed(execve_step, -EINVAL);
  int pid = fork_process();
  if (pid < 0) return failed(fork_step, pid);
  if (pid == 0) {
    reset_signals(0);
    sys(umask, shim.umask);
    sys(execve, args[0], args, env);
    leave(127);
  }
  int status = 0;
  int error = wait_for(pid, &status);
  return failed(execve_step, error < 0 || status == 0 ? error : -ECHILD);
}
