/* The change of root. */
#include "shim.h"

int run_open_root(const struct op_open_root *op) {
  int path = sys(openat, AT_FDCWD, text(op->path), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (path < 0) return failed(OPEN_ROOT_OPEN, path);
  int tree = clone_tree(path, AT_RECURSIVE);
  int error = tree < 0 ? tree : attach(tree, path);
  close_fd(path);
  if (tree < 0) return failed(OPEN_ROOT_OPEN_TREE, tree);
  if (error < 0) {
    close_fd(tree);
    return failed(OPEN_ROOT_MOVE_MOUNT, error);
  }
  /* The descriptor of the clone is the root of the mount that is attached now. */
  return keep(op->slot, tree);
}

int run_enter_root(const struct op_enter_root *op) {
  int error = sys(fchdir, slot(op->root));
  if (error < 0) return failed(ENTER_ROOT_FCHDIR, error);
  error = sys(chroot, ".");
  if (error < 0) return failed(ENTER_ROOT_CHROOT, error);
  return failed(ENTER_ROOT_CHDIR, sys(chdir, "/"));
}

/**
 * pivot_root(".", "."): the old root ends up mounted over the new one, so no directory for it is needed. It is made a
 * slave before it is detached, or the unmount would propagate to the host.
 */
int run_pivot_root(const struct op_pivot_root *op) {
  int old = sys(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old < 0) return failed(PIVOT_ROOT_FCHDIR, old);
  uint32_t step = PIVOT_ROOT_FCHDIR;
  int error = sys(fchdir, slot(op->root));
  if (error >= 0) {
    step = PIVOT_ROOT_PIVOT_ROOT;
    error = sys(pivot_root, ".", ".");
  }
  if (error >= 0) {
    step = PIVOT_ROOT_SLAVE;
    error = set_attributes(old, 0, 0, MS_SLAVE, AT_RECURSIVE);
  }
  if (error >= 0) {
    step = PIVOT_ROOT_UMOUNT;
    error = sys(fchdir, old);
    if (error >= 0) error = sys(umount2, ".", MNT_DETACH);
  }
  close_fd(old);
  if (error >= 0) {
    step = PIVOT_ROOT_CHDIR;
    error = sys(chdir, "/");
  }
  return failed(step, error);
}

/* Without pivot_root the host's mounts stay in the namespace, below ours. A container that is allowed to mount could
   mount an unmasked procfs or sysfs as long as a fully visible one is there: those are taken away first. */
static char mountinfo[256 << 10];

static int read_mountinfo(void) {
  int fd = sys(openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  size_t at = 0;
  int got;
  while ((got = sys(read, fd, mountinfo + at, sizeof mountinfo - 1 - at)) > 0) at += (size_t)got;
  close_fd(fd);
  mountinfo[at] = '\0';
  return got < 0 ? got : at == sizeof mountinfo - 1 ? -EFBIG : 0;
}

/** Cuts the next space-separated field off a line, undoing the octal escapes of seq_file (`\040`). */
static char *next_field(char **line) {
  char *field = *line, *from = field, *to = field;
  while (*from != '\0' && *from != ' ') {
    if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] != '\0' && from[3] != '\0') {
      *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 4;
    } else *to++ = *from++;
  }
  *line = *from == '\0' ? from : from + 1;
  *to = '\0';
  return field;
}

static int lies_in(const char *path, const char *dir) {
  size_t length = strlen(dir);
  return strlen(path) >= length && memcmp(path, dir, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/** Detaches a mount, or hides it under an empty tmpfs where the kernel forbids that (locked by a user namespace). */
static int remove_mount(const char *path, uint32_t *step) {
  struct mount_attr slave = {.propagation = MS_SLAVE};
  sys(mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &slave, sizeof slave);
  *step = MOVE_ROOT_UMOUNT;
  int error = sys(umount2, path, MNT_DETACH | 8 /* UMOUNT_NOFOLLOW */);
  if (error != -EINVAL && error != -EPERM) return error == -ENOENT ? 0 : error;
  *step = MOVE_ROOT_COVER;
  int target = sys(openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0) return target == -ENOENT ? 0 : target;
  int cover = new_mount("tmpfs", "tmpfs", "", 0, MOUNT_ATTR_RDONLY);
  error = cover < 0 ? cover : attach(cover, target);
  close_fd(cover);
  close_fd(target);
  return error;
}

/** One line: `id parent major:minor root mountpoint options optional... - type source options`. */
static int judge_mount(char *line, const char *root, uint32_t *step) {
  char *point = NULL, *inner = NULL;
  for (int i = 0; i < 5; i++) {
    char *field = next_field(&line);
    if (i == 3) inner = field;
    if (i == 4) point = field;
  }
  while (*line != '\0' && !same(next_field(&line), "-")) continue;
  const char *type = next_field(&line);
  int is_kernel = same(type, "proc") || same(type, "sysfs");
  if (!is_kernel || !same(inner, "/") || lies_in(point, root)) return 0;
  return remove_mount(point, step);
}

int run_move_root(const struct op_move_root *op) {
  uint32_t step = MOVE_ROOT_MOUNTINFO;
  int error = read_mountinfo();
  for (char *line = mountinfo; error >= 0 && *line != '\0';) {
    char *end = line;
    while (*end != '\0' && *end != '\n') end++;
    char *next = *end == '\0' ? end : end + 1;
    *end = '\0';
    error = judge_mount(line, text(op->path), &step);
    line = next;
  }
  if (error < 0) return failed(step, error);
  error = sys(fchdir, slot(op->root));
  if (error < 0) return failed(MOVE_ROOT_FCHDIR, error);
  error = sys(move_mount, slot(op->root), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
  if (error < 0) return failed(MOVE_ROOT_MOVE, error);
  error = sys(chroot, ".");
  if (error >= 0) error = sys(chdir, "/");
  return failed(MOVE_ROOT_CHROOT, error);
}
