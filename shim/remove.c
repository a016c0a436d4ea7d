/* What is left when a container has ended. */
#include "shim.h"

static int gone_is_fine(int error) { return error == -ENOENT ? 0 : error; }

/* The last process of a cgroup is counted a little longer than it can be seen (crun waited for ever here once). */
int run_remove_cgroup(const struct op_remove_cgroup *op) {
  int64_t deadline = now() + 1000;
  for (int64_t pause = 1;; pause *= 2) {
    int error = sys(unlinkat, AT_FDCWD, text(op->path), AT_REMOVEDIR);
    if (error != -EBUSY || now() >= deadline) return failed(REMOVE_CGROUP_RMDIR, gone_is_fine(error));
    struct __kernel_timespec time = {0, (pause < 64 ? pause : 64) * 1000000};
    sys(nanosleep, &time, NULL);
  }
}

int run_remove_file(const struct op_remove_file *op) {
  return failed(REMOVE_FILE_UNLINK, gone_is_fine(sys(unlinkat, AT_FDCWD, text(op->path), 0)));
}

int run_remove_directory(const struct op_remove_directory *op) {
  return failed(REMOVE_DIRECTORY_RMDIR, gone_is_fine(sys(unlinkat, AT_FDCWD, text(op->path), AT_REMOVEDIR)));
}

int run_clean_up(const struct op_clean_up *op) {
  return run_program(op->args, op->env, CLEAN_UP_FORK, CLEAN_UP_EXECVE);
}

int run_clean_up_after_failure(const struct op_clean_up_after_failure *op) {
  if (!shim.cleanup_failed) return 0;
  return run_program(op->args, op->env, CLEAN_UP_AFTER_FAILURE_FORK, CLEAN_UP_AFTER_FAILURE_EXECVE);
}
