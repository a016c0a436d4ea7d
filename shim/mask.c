/* What a container must not read (masked) or write (read-only). */
#include "shim.h"

/** A clone of the host's or the container's /dev/null, proven to be the device 1:3 (CVE-2025-31133). */
static int clone_null(void) {
  struct stat stat;
  int fd = sys(openat, AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return failed(MASK_PATH_OPEN_DEV_NULL, fd);
  int error = sys(fstat, fd, &stat);
  if (error >= 0 && !(S_ISCHR(stat.st_mode) && stat.st_rdev == device_number(1, 3))) error = -ENXIO;
  if (error < 0) {
    close_fd(fd);
    return failed(MASK_PATH_COMPARE, error);
  }
  int tree = clone_tree(fd, 0);
  close_fd(fd);
  /* Read-only, so that nobody in the container can chmod or chown the host's node through it. */
  uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  error = tree < 0 ? tree : set_attributes(tree, attributes, 0, MS_PRIVATE, 0);
  if (error < 0) {
    close_fd(tree);
    return failed(MASK_PATH_OPEN_DEV_NULL, error);
  }
  return tree;
}

/** One empty tmpfs that holds no more than its root. */
static int empty_tmpfs(void) {
  static const char options[] = "nr_blocks=1\0nr_inodes=1\0mode=755";
  uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int fd = new_mount("tmpfs", "tmpfs", options, sizeof options, attributes);
  return fd < 0 ? failed(MASK_PATH_TMPFS, fd) : fd;
}

/**
 * The mask of a file or of a directory. The first is kept as it was attached and cloned for the others: a clone
 * inherits the attributes, which saves a call each, and all masked directories share one superblock.
 */
static int new_mask(int is_directory, int *first) {
  int *masks = shim.masks;
  *first = masks[is_directory] < 0;
  if (*first) masks[is_directory] = is_directory ? empty_tmpfs() : clone_null();
  else {
    int tree = clone_tree(masks[is_directory], 0);
    return tree < 0 ? failed(is_directory ? MASK_PATH_TMPFS : MASK_PATH_OPEN_DEV_NULL, tree) : tree;
  }
  return masks[is_directory];
}

int run_mask_path(const struct op_mask_path *op) {
  int target = open_in_root(slot(op->root), text(op->path), O_PATH, LINKS_IN_ROOT);
  if (target == -ENOENT) return 0;
  if (target < 0) return failed(MASK_PATH_OPEN_TARGET, target);
  struct stat stat;
  int error = sys(fstat, target, &stat);
  uint32_t step = MASK_PATH_OPEN_TARGET;
  if (error >= 0) {
    int first = 0;
    int mask = new_mask(S_ISDIR(stat.st_mode), &first);
    step = shim.step;
    error = mask;
    if (mask >= 0) {
      step = MASK_PATH_MOVE_MOUNT;
      error = attach(mask, target);
      if (!first) close_fd(mask);
    }
  }
  close_fd(target);
  return failed(step, error);
}

/* A bind of the path onto itself keeps the mount's other flags (nosuid, nodev, noexec; locked ones too). */
int run_readonly_path(const struct op_readonly_path *op) {
  int target = open_in_root(slot(op->root), text(op->path), O_PATH, LINKS_IN_ROOT);
  if (target == -ENOENT) return 0;
  if (target < 0) return failed(READONLY_PATH_OPEN_TARGET, target);
  uint32_t step = READONLY_PATH_OPEN_TREE;
  int tree = clone_tree(target, AT_RECURSIVE);
  int error = tree;
  if (error >= 0) {
    step = READONLY_PATH_MOUNT_SETATTR;
    error = set_attributes(tree, MOUNT_ATTR_RDONLY, 0, 0, 0);
  }
  if (error >= 0) {
    step = READONLY_PATH_MOVE_MOUNT;
    error = attach(tree, target);
  }
  close_fd(tree);
  close_fd(target);
  return failed(step, error);
}
