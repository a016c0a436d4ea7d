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

/* No file is no memory controller, or a cgroup that systemd has removed already. */
int run_report_oom(const struct op_report_oom *op) {
  char content[1024];
  int fd = sys(openat, AT_FDCWD, text(op->file), O_RDONLY | O_CLOEXEC);
  if (fd == -ENOENT) return 0;
  if (fd < 0) return failed(REPORT_OOM_OPEN, fd);
  int got = sys(read, fd, content, sizeof content - 1);
  close_fd(fd);
  if (got < 0) return got == -ENODEV ? 0 : failed(REPORT_OOM_READ, got);
  content[got] = '\0';
  return has_killed(content) ? run_program(op->args, op->env, REPORT_OOM_FORK, REPORT_OOM_EXECVE) : 0;
}
