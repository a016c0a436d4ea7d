/* From the last look at the container's files to the execve that ends the shim. */
#include "shim.h"

/** A line reader over a file of the container: lines that do not fit are skipped. */
struct lines {
  int fd;
  size_t at, end;
  char buffer[4096];
};

/** The next line without its newline; NULL at the end (or when reading fails). */
static char *next_line(struct lines *lines) {
  for (int skipping = 0;;) {
    char *start = lines->buffer + lines->at;
    for (size_t i = lines->at; i < lines->end; i++) {
      if (lines->buffer[i] != '\n') continue;
      lines->buffer[i] = '\0';
      lines->at = i + 1;
      if (!skipping) return start;
      skipping = 0;
      start = lines->buffer + lines->at;
    }
    memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
    lines->end -= lines->at;
    lines->at = 0;
    if (lines->end == sizeof lines->buffer - 1) {
      skipping = 1;
      lines->end = 0;
    }
    int got = sys(read, lines->fd, lines->buffer + lines->end, sizeof lines->buffer - 1 - lines->end);
    if (got > 0) {
      lines->end += (size_t)got;
      continue;
    }
    if (lines->end == 0 || skipping) return NULL;
    lines->buffer[lines->end] = '\0'; /* the last line has no newline */
    lines->end = 0;
    return lines->buffer;
  }
}

/** Ends the colon-separated field that begins at `field`; returns the next one, NULL after the last. */
static char *cut_field(char *field) {
  if (field == NULL) return NULL;
  while (*field != '\0' && *field != ':') field++;
  if (*field == '\0') return NULL;
  *field = '\0';
  return field + 1;
}

/** Strictly decimal: a user whose name is a number is not that number (CVE-2016-3697). */
static int is_number(const char *digits, uint64_t value) {
  uint64_t number = 0;
  if (digits == NULL || *digits == '\0') return 0;
  for (; *digits != '\0'; digits++) {
    if (*digits < '0' || *digits > '9' || number > UINT32_MAX) return 0;
    number = number * 10 + (uint64_t)(*digits - '0');
  }
  return number == value;
}

static void set_home(const char *path) {
  size_t length = strlen(path);
  if (length == 0 || length + sizeof "HOME=" > sizeof shim.home) {
    path = "/";
    length = 1;
  }
  memcpy(shim.home, "HOME=", 5);
  memcpy(shim.home + 5, path, length + 1);
}

/* The container's root is our root by now. The file is the image's: a fifo or a device in its place must not hang us,
   and no magic link may lead out. Whatever is wrong with it, HOME is `/` then. */
int run_find_home(const struct op_find_home *op) {
  static struct lines lines;
  struct stat stat;
  set_home("/");
  int root = sys(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return failed(FIND_HOME_OPEN, root);
  int probe = open_in_root(root, "etc/passwd", O_PATH, LINKS_IN_ROOT);
  int fd = probe < 0 || sys(fstat, probe, &stat) < 0 || !S_ISREG(stat.st_mode)
               ? -EINVAL
               : open_in_root(root, "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, LINKS_IN_ROOT);
  close_fd(probe);
  close_fd(root);
  if (fd < 0) return 0;
  lines.fd = fd;
  for (char *line; (line = next_line(&lines)) != NULL;) {
    char *uid = cut_field(cut_field(line)); /* name:password:uid:gid:gecos:home:shell */
    char *gid = cut_field(uid);
    char *home = cut_field(cut_field(gid));
    cut_field(home);
    if (home == NULL || !is_number(uid, op->uid)) continue;
    set_home(home);
    break;
  }
  close_fd(fd);
  return 0;
}

/** 0 when `path` can be executed; as execvp sees it. */
static int can_execute(const char *path) {
  enum { X_OK = 1 };
  int error = sys(faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
  if (error == -ENOSYS) error = sys(faccessat, AT_FDCWD, path, X_OK);
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

/** Writes a number in decimal, NUL included; returns its length. */
static size_t to_decimal(uint32_t value, char *into) {
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
