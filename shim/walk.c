/*
 * What openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) does, by hand and one component at a time; it also makes what
 * is missing. Every component is opened O_PATH | O_NOFOLLOW from the directory before it. A symbolic link is read
 * through its own descriptor and its text goes in front of the rest of the path; an absolute one begins at the root
 * again. `..` goes back to a descriptor we remember, never to what the directory calls its parent now, so it cannot
 * leave the root even when directories are moved meanwhile.
 */
#include "shim.h"

enum { DEEPEST = 128, MOST_LINKS = 40, TRIES = 64 };

/** The path that is left lies at the end of `text`, so that a link's text can be put before it. */
struct pending {
  char text[2 * PATH_MAX];
  size_t at;
};

struct trail {
  int fds[DEEPEST]; /* fds[0] is the root, not ours */
  unsigned depth;
};

static int top(const struct trail *trail) { return trail->fds[trail->depth]; }

static void go_back_to(struct trail *trail, unsigned depth) {
  while (trail->depth > depth) close_fd(trail->fds[trail->depth--]);
}

static int push_text(struct pending *pending, const char *prefix, size_t length) {
  if (length > pending->at) return -ENAMETOOLONG;
  pending->at -= length;
  memcpy(pending->text + pending->at, prefix, length);
  return 0;
}

/** Takes the next component into `name`. Its length, 0 at the end; `last` when nothing, not even a slash, follows. */
static int next_name(struct pending *pending, char *name, int *last) {
  const char *text = pending->text;
  size_t length = 0;
  while (text[pending->at] == '/') pending->at++;
  while (text[pending->at + length] != '\0' && text[pending->at + length] != '/') length++;
  if (length > NAME_MAX) return -ENAMETOOLONG;
  memcpy(name, text + pending->at, length);
  name[length] = '\0';
  pending->at += length;
  *last = text[pending->at] == '\0';
  return (int)length;
}

/** `link` is an O_PATH descriptor of a symbolic link in the directory at the top of the trail. */
static int follow(struct trail *trail, struct pending *pending, int link) {
  static char target[PATH_MAX];
  struct statfs fs;
  int error = sys(fstatfs, link, &fs);
  if (error < 0) return error;
  /* Links of procfs do not lead where their text says. The plain ones among them are refused too. */
  if (fs.f_type == PROC_SUPER_MAGIC) return -ELOOP;
  int length = sys(readlinkat, link, "", target, sizeof target);
  if (length <= 0) return length < 0 ? length : -ENOENT;
  if ((size_t)length == sizeof target) return -ENAMETOOLONG;
  if (target[0] == '/') go_back_to(trail, 0);
  return push_text(pending, target, (size_t)length);
}

/** Makes a directory or an empty file. Somebody who was faster is fine: what is there is looked at afterwards. */
static int make(int dir, const char *name, uint32_t mode) {
  int error = S_ISDIR(mode) ? sys(mkdirat, dir, name, mode & 07777) : sys(mknodat, dir, name, mode, 0);
  return error == -EEXIST ? 0 : error;
}

/**
 * Opens one component. A descriptor of what it is; -ELOOP with `link` set when it is a symbolic link to be followed.
 * `mode`: what to make when it is missing, 0 for nothing.
 */
static int step(int dir, const char *name, uint64_t flags, int follow_link, uint32_t mode, int *link) {
  for (int i = 0; i < TRIES; i++) {
    int fd = sys(openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -ENOENT && mode != 0) {
      int error = make(dir, name, mode);
      if (error < 0) return error;
      continue;
    }
    if (fd < 0) return fd;
    struct stat stat;
    int error = sys(fstat, fd, &stat);
    if (error >= 0 && S_ISLNK(stat.st_mode) && follow_link) {
      *link = fd;
      return -ELOOP;
    }
    if (error >= 0 && (flags & O_DIRECTORY) != 0 && !S_ISDIR(stat.st_mode)) error = -ENOTDIR;
    if (error >= 0 && (flags & O_PATH) != 0) return fd;
    close_fd(fd);
    if (error < 0) return error;
    /* It was no link a moment ago; if it is one now, look again. */
    fd = sys(openat, dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd != -ELOOP || !follow_link) return fd;
  }
  return -EAGAIN;
}

static int walk_from(struct trail *trail, struct pending *pending, uint64_t flags, enum links links, uint32_t mode) {
  char name[NAME_MAX + 1];
  for (int budget = MOST_LINKS;;) {
    int last = 0;
    int length = next_name(pending, name, &last);
    if (length < 0) return length;
    if (length == 0) return sys(openat, top(trail), ".", (flags & ~(uint64_t)O_NOFOLLOW) | O_CLOEXEC);
    if (same(name, ".")) continue;
    if (same(name, "..")) {
      if (trail->depth > 0) go_back_to(trail, trail->depth - 1);
      continue;
    }
    int link = -1;
    uint32_t missing = mode == 0 ? 0 : last ? mode : S_IFDIR | 0755;
    int fd = last ? step(top(trail), name, flags, links != LINKS_NOFOLLOW, missing, &link)
                  : step(top(trail), name, O_PATH | O_DIRECTORY, 1, missing, &link);
    if (link >= 0) {
      int error;
      if (links == LINKS_REFUSE) error = last ? -ENOTDIR : -ELOOP; /* as openat2 says it */
      else error = budget-- == 0 ? -ELOOP : follow(trail, pending, link);
      close_fd(link);
      if (error < 0) return error;
      continue;
    }
    if (fd < 0 || last) return fd;
    if (trail->depth + 1 == DEEPEST) {
      close_fd(fd);
      return -ENAMETOOLONG;
    }
    trail->fds[++trail->depth] = fd;
  }
}

int walk(int root, const char *path, uint64_t flags, enum links links, uint32_t mode) {
  static struct pending pending;
  struct trail trail = {.fds = {root}, .depth = 0};
  pending.at = sizeof pending.text - 1;
  pending.text[pending.at] = '\0';
  int fd = push_text(&pending, path, strlen(path));
  if (fd >= 0) fd = walk_from(&trail, &pending, flags, links, mode);
  go_back_to(&trail, 0);
  return fd;
}
