/* From the last look at the container's files to the execve that ends the shim. */
#include "shim.h"

/** 0 when `path` can be executed; as execvp sees it. */
static int can_execute(const char *path) {
  enum { X_OK = 1 };
  int error = sys(faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
  /* A filter that is older than faccessat2 (5.8) says EPERM where it names a call that is newer still. The old call asks for
     the real ids, which are the effective ones by now. */
  if (error == -ENOSYS || error == -EPERM) error = sys(faccessat, AT_FDCWD, path, X_OK);
  if (error < 0) return error;
  struct stat stat;
  error = sys(newfstatat, AT_FDCWD, path, &stat, 0);
  return error >= 0 && S_ISDIR(stat.st_mode) ? -EISDIR : error;
}

static int set_executable(const char *dir, size_t dir_length, const char *name) {
  size_t length = strlen(name);
  size_t slash = dir_length > 0 ? 1 : 0;
  if (dir_length + slash + length >= sizeof shim.executable) return -ENAMETOOLONG;
  memcpy(shim.executable, dir, dir_length);
  if (slash) shim.executable[dir_length] = '/';
  memcpy(shim.executable + dir_length + slash, name, length + 1);
  return can_execute(shim.executable);
}

/** The elements of PATH in turn; an empty one is the working directory. A place we may not look into is remembered. */
static int search(const char *path, const char *name) {
  int remembered = -ENOENT;
  for (;;) {
    size_t length = 0;
    while (path[length] != '\0' && path[length] != ':') length++;
    int error = length == 0 ? set_executable(".", 1, name) : set_executable(path, length, name);
    if (error >= 0) return 0;
    if (error == -EACCES) remembered = error;
    if (path[length] == '\0') return remembered;
    path += length + 1;
  }
}

static int has_slash(const char *name) {
  for (; *name != '\0'; name++)
    if (*name == '/') return 1;
  return 0;
}

int run_find_executable(const struct op_find_executable *op) {
  const char *name = text(op->name);
  int error = *name == '\0'      ? -ENOENT
              : has_slash(name) ? set_executable("", 0, name)
                                : search(text(op->path), name);
  if (error < 0) shim.executable[0] = '\0';
  return failed(error == -EISDIR ? FIND_EXECUTABLE_IS_A_DIRECTORY : FIND_EXECUTABLE_ACCESS, error);
}

size_t to_decimal(uint32_t value, char *into) {
  char digits[10];
  size_t count = 0, length = 0;
  do digits[count++] = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  while (count > 0) into[length++] = digits[--count];
  into[length] = '\0';
  return length;
}

/* Opening a fifo for writing waits for its reader. The slot is O_PATH, so that nothing could be read from it before;
   it is reopened through our own entry in the host's procfs, which was proven to be one. */
int run_wait_start(const struct op_wait_start *op) {
  char name[11];
  /* The wait may be long: nothing of the host stays open but what it needs (CVE-2024-21626). */
  for (uint64_t n = 0; n < shim.plan.slots; n++)
    if (n != op->fifo && n != op->fds) drop(n);
  close_fd(shim.masks[0]);
  close_fd(shim.masks[1]);
  to_decimal((uint32_t)slot(op->fifo), name);
  int fd;
  do fd = sys(openat, slot(op->fds), name, O_WRONLY | O_CLOEXEC);
  while (fd == -EINTR);
  if (fd < 0) return failed(WAIT_START_OPEN, fd);
  close_fd(shim.report);
  shim.report = fd;
  drop(op->fifo);
  drop(op->fds);
  return 0;
}

int run_close_on_exec(const struct op_close_on_exec *op) {
  return failed(CLOSE_ON_EXEC_CLOSE_RANGE, close_on_exec((unsigned)op->first));
}

/** HOME as find_home found it, unless the environment has one that is not empty. */
static void complete_environment(char **env) {
  char **at = env;
  for (; *at != NULL; at++) {
    if (!starts_with(*at, "HOME=")) continue;
    if ((*at)[5] == '\0') *at = shim.home;
    return;
  }
  *at++ = shim.home;
  *at = NULL;
}

int run_exec(const struct op_exec *op) {
  char **args = shim.pointers;
  char **env = spread(op->args, args);
  spread(op->env, env);
  if (shim.home[0] != '\0') complete_environment(env);
  const char *path = shim.executable[0] != '\0' ? shim.executable : args[0];
  if (path == NULL) return failed(EXEC_EXECVE, -EINVAL);
  return failed(EXEC_EXECVE, sys(execve, path, args, env));
}
