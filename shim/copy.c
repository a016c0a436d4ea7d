/*
 * tmpcopyup: what lies in the directory that a tmpfs is about to cover is copied into it, with modes, owners, times,
 * links, nodes and extended attributes. The source belongs to a hostile image: it is walked by descriptor, no link is
 * followed, and there is a deepest level, so that no tree can exhaust us.
 */
#include "shim.h"

enum { DEEPEST = 64, ATTRIBUTES = 4096 };

struct entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

/** One level of the tree: the directory, its copy, and where to go on after a subdirectory. */
struct level {
  int from, to;
  int64_t offset;
};

static struct level levels[DEEPEST];

/** A file with several names whose copy has some of them: another name becomes a link to the copy. */
struct linked {
  uint64_t device, inode;
  int copy;
};

/** There may be more of them in a hostile image; those beyond are copied by each name. */
enum { LINKED = 64 };
static struct linked linked[LINKED];
static unsigned linked_count;

/** Attributes that the filesystem of the copy does not take are left out, as cp(1) does. */
static void copy_attributes(int from, int to) {
  static char names[ATTRIBUTES], value[ATTRIBUTES];
  int length = sys(flistxattr, from, names, sizeof names);
  if (length <= 0) return;
  for (const char *name = names; name < names + length; name += strlen(name) + 1) {
    int size = sys(fgetxattr, from, name, value, sizeof value);
    if (size >= 0) sys(fsetxattr, to, name, value, size, 0);
  }
}

/** Owner first: changing it takes the set-user-id bits away. */
static int copy_metadata(int from, int to, const struct stat *stat) {
  int error = sys(fchown, to, stat->st_uid, stat->st_gid);
  if (error >= 0) error = sys(fchmod, to, stat->st_mode & 07777);
  copy_attributes(from, to);
  return error;
}

static int copy_times(int to, const struct stat *stat) {
  struct __kernel_timespec times[2] = {
      {(int64_t)stat->st_atime, (int64_t)stat->st_atime_nsec},
      {(int64_t)stat->st_mtime, (int64_t)stat->st_mtime_nsec},
  };
  return sys(utimensat, to, NULL, times, 0);
}

static int copy_bytes(int from, int to) {
  long sent;
  do sent = sys_long(sendfile, to, from, NULL, 1 << 30);
  while (sent > 0);
  return (int)sent;
}

/** 0 when `name` is a further name of a copy now. Whatever hinders that, a copy of its own will do. */
static int link_copy(const struct level *level, const char *name, const struct stat *stat) {
  for (unsigned i = 0; i < linked_count; i++) {
    if (linked[i].inode != stat->st_ino || linked[i].device != stat->st_dev) continue;
    char path[] = "/proc/self/fd/..........";
    to_decimal((uint32_t)linked[i].copy, path + sizeof "/proc/self/fd/" - 1);
    /* Before 6.10 the empty path is for CAP_DAC_READ_SEARCH of the host alone. */
    int error = sys(linkat, linked[i].copy, "", level->to, name, AT_EMPTY_PATH);
    return error < 0 ? sys(linkat, AT_FDCWD, path, level->to, name, AT_SYMLINK_FOLLOW) : error;
  }
  return -ENOENT;
}

static int copy_file(const struct level *level, const char *name) {
  struct stat stat;
  int from = sys(openat, level->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (from < 0) return from;
  int error = sys(fstat, from, &stat);
  if (error >= 0 && !S_ISREG(stat.st_mode)) error = -ESTALE; /* it was a file a moment ago */
  if (error >= 0 && stat.st_nlink > 1 && link_copy(level, name, &stat) >= 0) {
    close_fd(from);
    return 0;
  }
  int to = error < 0 ? error : sys(openat, level->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to >= 0) {
    error = copy_bytes(from, to);
    if (error >= 0) error = copy_metadata(from, to, &stat);
    if (error >= 0) error = copy_times(to, &stat);
  } else error = to;
  if (error >= 0 && stat.st_nlink > 1 && linked_count < LINKED)
    linked[linked_count++] = (struct linked){stat.st_dev, stat.st_ino, to};
  else close_fd(to);
  close_fd(from);
  return error;
}

static int copy_link(const struct level *level, const char *name, const struct stat *stat) {
  static char target[PATH_MAX];
  int length = sys(readlinkat, level->from, name, target, sizeof target - 1);
  if (length < 0) return length;
  target[length] = '\0';
  int error = sys(symlinkat, target, level->to, name);
  if (error < 0) return error;
  return sys(fchownat, level->to, name, stat->st_uid, stat->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_node(const struct level *level, const char *name, const struct stat *stat) {
  int error = sys(mknodat, level->to, name, stat->st_mode & (S_IFMT | 07777), stat->st_rdev);
  if (error < 0) return error;
  return sys(fchownat, level->to, name, stat->st_uid, stat->st_gid, AT_SYMLINK_NOFOLLOW);
}

/** Makes the copy of a directory and goes down into it. */
static int enter(unsigned *depth, const char *name) {
  const struct level *above = &levels[*depth];
  struct stat stat;
  if (*depth + 1 == DEEPEST) return -ELOOP;
  int from = sys(openat, above->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (from < 0) return from;
  int error = sys(fstat, from, &stat);
  if (error >= 0) error = sys(mkdirat, above->to, name, 0700);
  int to = error < 0 ? error : sys(openat, above->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  error = to < 0 ? to : copy_metadata(from, to, &stat);
  if (error < 0) {
    close_fd(to);
    close_fd(from);
    return error;
  }
  levels[++*depth] = (struct level){from, to, 0};
  return 0;
}

static void climb(unsigned *depth) {
  struct stat stat;
  struct level *level = &levels[(*depth)--];
  if (sys(fstat, level->from, &stat) >= 0) copy_times(level->to, &stat);
  close_fd(level->from);
  close_fd(level->to);
}

static int copy_entry(unsigned *depth, const char *name) {
  const struct level *level = &levels[*depth];
  struct stat stat;
  int error = sys(newfstatat, level->from, name, &stat, AT_SYMLINK_NOFOLLOW);
  if (error < 0) return error;
  switch (stat.st_mode & S_IFMT) {
    case S_IFDIR: return enter(depth, name);
    case S_IFREG: return copy_file(level, name);
    case S_IFLNK: return copy_link(level, name, &stat);
    default: return copy_node(level, name, &stat);
  }
}

/** Copies until a subdirectory is entered or this directory ends. One buffer serves all levels: each remembers the
    offset behind its last entry. */
static int copy_some(unsigned *depth) {
  static _Alignas(8) char buffer[8192];
  struct level *level = &levels[*depth];
  unsigned start = *depth;
  long seek = sys_long(lseek, level->from, level->offset, SEEK_SET);
  if (seek < 0) return (int)seek;
  int got = sys(getdents64, level->from, buffer, sizeof buffer);
  if (got < 0) return got;
  if (got == 0) {
    if (start == 0) return 1;
    climb(depth);
    return 0;
  }
  for (int at = 0; at < got && *depth == start;) {
    const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
    at += entry->length;
    level->offset = entry->offset;
    if (same(entry->name, ".") || same(entry->name, "..")) continue;
    int error = copy_entry(depth, entry->name);
    if (error < 0) return error;
  }
  return 0;
}

int run_copy_up(const struct op_copy_up *op) {
  int from = open_in_root(slot(op->root), text(op->source), O_RDONLY | O_DIRECTORY, LINKS_IN_ROOT);
  if (from == -ENOENT) return 0; /* nothing to copy */
  if (from < 0) return failed(COPY_UP_OPEN_SOURCE, from);
  /* The mount's descriptor is O_PATH; owner and mode of its root need a real one. */
  int to = sys(openat, slot(op->slot), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat stat;
  int error = to < 0 ? to : sys(fstat, from, &stat);
  if (error >= 0) error = copy_metadata(from, to, &stat);
  levels[0] = (struct level){from, to, 0};
  unsigned depth = 0;
  while (error == 0) error = copy_some(&depth);
  while (depth > 0) climb(&depth);
  while (linked_count > 0) close_fd(linked[--linked_count].copy);
  close_fd(from);
  close_fd(to);
  return failed(COPY_UP_COPY, error < 0 ? error : 0);
}
