/* Whether the kernel killed for memory: read while the cgroup is still there. */
#include "shim.h"

/** The number of the line `oom_kill N` of memory.events or memory.oom_control: is there one, and is it not 0? */
static int has_killed(const char *text) {
  for (const char *line = text; *line != '\0';) {
    if (starts_with(line, "oom_kill ")) return line[9] >= '1' && line[9] <= '9';
    while (*line != '\0' && *line != '\n') line++;
    if (*line == '\n') line++;
  }
  return 0;
}

/** By SIGKILL, or as a shell tells that of its child. */
static int was_killed(void) {
  int status = shim.init_status;
  return (status & 0x7f) == SIGKILL || (status >> 8 & 0xff) == 128 + SIGKILL;
}

/* systemd removes a cgroup as soon as it is empty: what was killed only the kernel's log knows then. */
int run_report_oom(const struct op_report_oom *op) {
  char content[1024];
  int fd = sys(openat, AT_FDCWD, text(op->file), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && fd != -ENOENT) return failed(REPORT_OOM_OPEN, fd);
  int got = fd < 0 ? -ENODEV : sys(read, fd, content, sizeof content - 1);
  if (fd >= 0) close_fd(fd);
  if (got < 0 && got != -ENODEV) return failed(REPORT_OOM_READ, got);
  content[got < 0 ? 0 : got] = '\0';
  return (got < 0 ? was_killed() : has_killed(content)) ? run_program(op->args, op->env, REPORT_OOM_FORK, REPORT_OOM_EXECVE) : 0;
}
