/* A hook: a program of the host or of the container with the state on its stdin, a time limit, and ears. */
#include "shim.h"

#include <linux/memfd.h>

enum { LAST_WORDS = 400 };

static int write_all(int fd, const char *bytes, size_t length) {
  for (size_t at = 0; at < length;) {
    int written = sys(write, fd, bytes + at, length - at);
    if (written < 0) return written;
    at += (size_t)written;
  }
  return 0;
}

static int write_number(int fd, uint32_t value) {
  char digits[10];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  return write_all(fd, digits + at, sizeof digits - at);
}

/**
 * The state as a file at its beginning. In the monitor it is complete: the runtime knew the pid, or that there is
 * none.
 */
static int write_state(const struct op_run_hook *op) {
  int fd = sys(memfd_create, "state", MFD_CLOEXEC);
  if (fd < 0) return fd;
  int error = write_all(fd, text(op->before), op->before.length);
  if (error >= 0 && shim.verb != VERB_MONITOR) error = write_number(fd, (uint32_t)sys(getpid));
  if (error >= 0) error = write_all(fd, text(op->after), op->after.length);
  if (error >= 0) error = sys(lseek, fd, 0, SEEK_SET);
  if (error >= 0) return fd;
  close_fd(fd);
  return error;
}

/** The child's half. What keeps it from running is told through the shared page. */
_Noreturn static void become(const char *path, char **args, char **env, int in, int out, int32_t *error) {
  reset_signals(0);
  sys(setsid);
  /* Ours is 0: what a hook makes on the host would be everybody's to write. */
  sys(umask, shim.umask);
  int status = sys(dup3, in, 0, 0);
  for (int stream = 1; stream <= 2; stream++) {
    int file = shim.hook_output[stream - 1];
    if (status >= 0) status = sys(dup3, file < 0 ? out : file, stream, 0);
  }
  /* Descriptors of the container are none of the hook's business; ours are CLOEXEC already. */
  if (status >= 0) status = close_on_exec(3);
  if (status >= 0) status = sys(execve, path, args, env);
  *error = status;
  leave(127);
}

/** Waits for the end of a child until the time is up. 0 with its wait status, or -ETIMEDOUT. */
static int wait_until(int pid, uint32_t seconds, int *status) {
  if (seconds > 0) {
    int pidfd = sys(pidfd_open, pid, 0);
    if (pidfd < 0) return pidfd;
    struct pollfd poll = {.fd = pidfd, .events = POLLIN};
    int64_t deadline = now() + (int64_t)seconds * 1000;
    int ready;
    do {
      int64_t left = deadline - now();
      if (left < 0) left = 0;
      struct __kernel_timespec time = {left / 1000, left % 1000 * 1000000};
      ready = sys(ppoll, &poll, 1, &time, NULL, 0);
    } while (ready == -EINTR);
    close_fd(pidfd);
    if (ready == 0) return -ETIMEDOUT;
  }
  return wait_for(pid, status);
}

/** The last words of a hook become the detail. */
static void quote_output(int out) {
  char words[LAST_WORDS];
  long size = sys_long(lseek, out, 0, SEEK_END);
  long from = size > LAST_WORDS ? size - LAST_WORDS : 0;
  int got = sys(pread64, out, words, sizeof words, from);
  if (got > 0) explain(words, (size_t)got);
}

static int judge(int status) {
  enum { EXITED = 0x7f, CODE = 0xff00 };
  if ((status & EXITED) != 0) return failed(RUN_HOOK_SIGNAL, -(status & EXITED));
  if ((status & CODE) != 0) return failed(RUN_HOOK_EXIT_STATUS, -((status & CODE) >> 8));
  return 0;
}

static int run_child(const struct op_run_hook *op, int in, int out) {
  char **args = shim.pointers;
  char **env = spread(op->args, args);
  spread(op->env, env);
  int32_t *error = shared_page();
  if (error == NULL) return failed(RUN_HOOK_FORK, -ENOMEM);
  int pid = fork_process();
  if (pid < 0) return failed(RUN_HOOK_FORK, pid);
  if (pid == 0) become(text(op->path), args, env, in, out, error);
  int status = 0;
  int waited = wait_until(pid, (uint32_t)op->timeout, &status);
  if (waited < 0) {
    sys(kill, -pid, SIGKILL); /* its session is a process group of its own */
    sys(kill, pid, SIGKILL);
    wait_for(pid, &status);
    return failed(waited == -ETIMEDOUT ? RUN_HOOK_TIMEOUT : RUN_HOOK_WAIT, waited);
  }
  if (*error != 0) return failed(RUN_HOOK_EXEC, *error);
  return judge(status);
}

int run_run_hook(const struct op_run_hook *op) {
  int in = write_state(op);
  if (in < 0) return failed(RUN_HOOK_MEMFD, in);
  int out = sys(memfd_create, "output", MFD_CLOEXEC);
  int error = out < 0 ? failed(RUN_HOOK_MEMFD, out) : run_child(op, in, out);
  if (out >= 0) quote_output(out);
  if (error >= 0) (shim.verb == VERB_MONITOR ? tell_said : report_said)(shim.record->index);
  close_fd(in);
  close_fd(out);
  return error;
}

/* Opened by the caller's rights, before a namespace is entered. CLOEXEC keeps it from the container's program. */
int run_open_hook_output(const struct op_open_hook_output *op) {
  if (op->stream < 1 || op->stream > 2) return failed(OPEN_HOOK_OUTPUT_OPEN, -EINVAL);
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC;
  int fd = sys(openat, AT_FDCWD, text(op->path), flags, 0600);
  if (fd < 0) return failed(OPEN_HOOK_OUTPUT_OPEN, fd);
  int *output = &shim.hook_output[op->stream - 1];
  close_fd(*output);
  *output = fd;
  return 0;
}
