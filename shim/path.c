/*
 * The one way to a file in a container's root. The root is hostile: its files may be symbolic links to anywhere, and
 * another container may swap them while we look. So no path is ever resolved twice: it is resolved once, inside the
 * root, to a descriptor, and everything is done to that descriptor (CVE-2019-19921, CVE-2021-30465, CVE-2024-45310).
 */
#include "shim.h"

enum { TRIES = 64 };

/** An outer container's seccomp filter may refuse openat2 (its arguments are out of a filter's sight). */
static int openat2_works(void) {
  static int known, works;
  if (!known) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC};
    int fd = sys(openat2, AT_FDCWD, "/", &how, sizeof how);
    works = fd >= 0;
    close_fd(fd);
    known = 1;
  }
  return works;
}

/** openat2, or -ENOSYS when the caller has to do it by hand. */
static int open_resolved(int dir, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
  int fd = -EAGAIN;
  /* EAGAIN: something was renamed or mounted somewhere while `..` was resolved. */
  for (int i = 0; i < TRIES && fd == -EAGAIN; i++) fd = sys(openat2, dir, path, &how, sizeof how);
  if (fd == -EAGAIN || ((fd == -EPERM || fd == -ENOSYS) && !openat2_works())) return -ENOSYS;
  return fd;
}

static uint64_t resolution(enum links links) {
  uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return links == LINKS_REFUSE ? resolve | RESOLVE_NO_SYMLINKS : resolve;
}

int open_in_root(int root, const char *path, uint64_t flags, enum links links) {
  if (links != LINKS_IN_ROOT) flags |= O_NOFOLLOW;
  if (links == LINKS_REFUSE) flags |= O_DIRECTORY;
  int fd = open_resolved(root, path, flags, resolution(links));
  return fd == -ENOSYS ? walk(root, path, flags, links, 0) : fd;
}

/** Whether two descriptors are of one file on one mount. */
static int is_same(int a, int b) {
  struct statx first, second;
  unsigned mask = STATX_INO | STATX_MNT_ID;
  int error = sys(statx, a, "", AT_EMPTY_PATH, mask, &first);
  if (error >= 0) error = sys(statx, b, "", AT_EMPTY_PATH, mask, &second);
  if (error < 0) return error;
  return first.stx_mnt_id == second.stx_mnt_id && first.stx_ino == second.stx_ino;
}

int reaches_procfs_by_link(int root, const char *path, int fd) {
  struct statfs fs;
  int error = sys(fstatfs, fd, &fs);
  if (error < 0 || fs.f_type != PROC_SUPER_MAGIC) return error;
  if (starts_with(path, "/proc/") || same(path, "/proc")) return 0;
  /* Without O_NOFOLLOW, which would let a link at the end be opened itself. */
  int direct = open_resolved(root, path, O_PATH, resolution(LINKS_REFUSE));
  if (direct == -ENOSYS) direct = walk(root, path, O_PATH, LINKS_REFUSE, 0);
  if (direct < 0) return direct;
  /* A directory that a neighbour has put in the place of the link since is another one (CVE-2025-52881). */
  error = is_same(direct, fd);
  close_fd(direct);
  return error == 0 ? -ELOOP : error < 0 ? error : 0;
}

/** Copies what comes before the last name of a path; returns that name, NULL when the path names no entry. */
static const char *split(const char *path, char before[PATH_MAX]) {
  size_t cut = strlen(path);
  if (cut >= PATH_MAX) return NULL;
  while (cut > 0 && path[cut - 1] != '/') cut--;
  const char *name = path + cut;
  if (*name == '\0' || same(name, ".") || same(name, "..")) return NULL;
  while (cut > 1 && path[cut - 1] == '/') cut--;
  memcpy(before, path, cut);
  before[cut] = '\0';
  return name;
}

/** The usual case of something missing: its directory is there. -EAGAIN when it is not that simple. */
static int make_in_directory(int root, const char *path, uint32_t mode, enum links links) {
  static char parent[PATH_MAX];
  const char *name = split(path, parent);
  if (name == NULL) return -EAGAIN;
  enum links on_the_way = links == LINKS_NOFOLLOW ? LINKS_IN_ROOT : links;
  int dir = open_in_root(root, parent, O_PATH | O_DIRECTORY, on_the_way);
  if (dir < 0) return -EAGAIN;
  int fd = S_ISDIR(mode) ? sys(mkdirat, dir, name, mode & 07777) : sys(mknodat, dir, name, mode, 0);
  /* EEXIST: a link to nowhere, or somebody was faster. What was made is proven to be what we wanted
     (CVE-2024-45310). */
  if (fd >= 0) fd = sys(openat, dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (S_ISDIR(mode) ? O_DIRECTORY : 0));
  close_fd(dir);
  struct stat stat;
  if (fd < 0 || S_ISDIR(mode)) return fd == -EEXIST || fd == -ENOENT || fd == -ENOTDIR ? -EAGAIN : fd;
  int error = sys(fstat, fd, &stat);
  if (error >= 0 && S_ISREG(stat.st_mode)) return fd;
  close_fd(fd);
  return error < 0 ? error : -EAGAIN;
}

int make_missing(int root, const char *path, uint32_t mode, enum links links) {
  int fd = make_in_directory(root, path, mode, links);
  return fd == -EAGAIN ? walk(root, path, links == LINKS_NOFOLLOW ? O_PATH | O_NOFOLLOW : O_PATH, links, mode) : fd;
}

int make_in_root(int root, const char *path, uint32_t mode, enum links links) {
  int fd = open_in_root(root, path, O_PATH, links);
  return fd == -ENOENT ? make_missing(root, path, mode, links) : fd;
}

int open_parent(int root, const char *path, const char **name) {
  static char parent[PATH_MAX];
  *name = split(path, parent);
  return *name == NULL ? -EISDIR : make_in_root(root, parent, S_IFDIR | 0755, LINKS_IN_ROOT);
}

/** RESOLVE_BENEATH | NO_SYMLINKS | NO_XDEV by hand: every component is opened by itself and must be on one mount. */
static int walk_beneath(int dir, const char *path, uint64_t flags) {
  struct statx first, here;
  char name[NAME_MAX + 1];
  int error = sys(statx, dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &first);
  int at = dir;
  if (error < 0) return error;
  for (;;) {
    while (*path == '/') path++;
    size_t length = 0;
    while (path[length] != '\0' && path[length] != '/') length++;
    if (length == 0 || length > NAME_MAX) error = -EINVAL;
    memcpy(name, path, length <= NAME_MAX ? length : 0);
    name[length <= NAME_MAX ? length : 0] = '\0';
    path += length;
    int last = *path == '\0';
    if (same(name, "..")) error = -EXDEV;
    uint64_t how = (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC;
    int next = error < 0 ? error : sys(openat, at, name, how);
    if (at != dir) close_fd(at);
    if (next < 0) return next;
    at = next;
    error = sys(statx, at, "", AT_EMPTY_PATH, STATX_MNT_ID, &here);
    if (error >= 0 && here.stx_mnt_id != first.stx_mnt_id) error = -EXDEV;
    if (error < 0) {
      close_fd(at);
      return error;
    }
    if (last) return at;
  }
}

int open_beneath(int dir, const char *path, uint64_t flags) {
  uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  int fd = open_resolved(dir, path, flags, resolve);
  return fd == -ENOSYS ? walk_beneath(dir, path, flags) : fd;
}
