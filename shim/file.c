/* Single files: of the host before the root changes, and small ones in the root. */
#include "shim.h"

int run_open_path(const struct op_open_path *op) {
  return keep(op->slot, failed(OPEN_PATH_OPEN, sys(openat, AT_FDCWD, text(op->path), O_PATH | O_CLOEXEC)));
}

/* /proc/self is the process that opens it: this is an op of init, whose descriptors wait_start means. */
int run_open_fd_directory(const struct op_open_fd_directory *op) {
  int fd = sys(openat, AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(OPEN_FD_DIRECTORY_OPEN, fd);
  struct statfs fs;
  int error = sys(fstatfs, fd, &fs);
  if (error >= 0 && fs.f_type != PROC_SUPER_MAGIC) error = -ENOTTY;
  if (error < 0) {
    close_fd(fd);
    return failed(OPEN_FD_DIRECTORY_FSTATFS, error);
  }
  return keep(op->slot, fd);
}

int run_open_procfs(const struct op_open_procfs *op) {
  _Static_assert((int)OPEN_PROCFS_FSMOUNT == (int)FSMOUNT_FSCONFIG_CREATE, "see below");
  int fd = new_mount("proc", NULL, "", 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  /* This op has one step for both calls of fsconfig. */
  if (fd < 0) return failed(shim.step > FSMOUNT_FSCONFIG ? shim.step - 1 : shim.step, fd);
  return keep(op->slot, fd);
}

int run_write_file(const struct op_write_file *op) {
  int fd = open_beneath(slot(op->dir), text(op->path), O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return failed(WRITE_FILE_OPEN, fd);
  /* One write: the kernel takes the value of a knob as a whole. */
  int written = sys(write, fd, text(op->value), op->value.length);
  close_fd(fd);
  if (written >= 0) written = (uint32_t)written == op->value.length ? 0 : -EIO;
  return failed(WRITE_FILE_WRITE, written);
}

int run_mkdir(const struct op_mkdir *op) {
  uint32_t mode = S_IFDIR | (uint32_t)(op->mode & 07777);
  int fd = make_in_root(slot(op->root), text(op->path), mode, LINKS_IN_ROOT);
  if (fd < 0) return failed(MKDIR_CREATE, fd);
  struct stat stat;
  int error = sys(fstat, fd, &stat);
  close_fd(fd);
  return failed(MKDIR_CREATE, error >= 0 && !S_ISDIR(stat.st_mode) ? -ENOTDIR : error);
}

int run_symlink(const struct op_symlink *op) {
  const char *name = NULL;
  int parent = open_parent(slot(op->root), text(op->path), &name);
  if (parent < 0) return failed(SYMLINK_CREATE_PARENT, parent);
  int error = sys(symlinkat, text(op->target), parent, name);
  close_fd(parent);
  return failed(SYMLINK_SYMLINK, error);
}

static uint32_t type_of(uint64_t type) {
  switch ((enum node_type)type) {
    case NODE_TYPE_CHAR: return S_IFCHR;
    case NODE_TYPE_BLOCK: return S_IFBLK;
    case NODE_TYPE_FIFO: return S_IFIFO;
  }
  return 0;
}

/**
 * A node that is there already is accepted when it is the same one, and then left as it is: it may be a bind mount or
 * a hard link of the host's, whose owner and mode must not change (CVE-2026-88265).
 */
static int open_node(int parent, const char *name, uint32_t type, uint32_t device) {
  int fd = sys(openat, parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fd;
  struct stat stat;
  int error = sys(fstat, fd, &stat);
  if (error >= 0 && (stat.st_mode & S_IFMT) != type) error = -EEXIST;
  if (error >= 0 && type != S_IFIFO && stat.st_rdev != device) error = -EEXIST;
  if (error >= 0) return fd;
  close_fd(fd);
  return error;
}

int run_mknod(const struct op_mknod *op) {
  const char *name = NULL;
  int parent = open_parent(slot(op->root), text(op->path), &name);
  if (parent < 0) return failed(MKNOD_CREATE_PARENT, parent);
  uint32_t type = type_of(op->type);
  uint32_t device = device_number((uint32_t)op->major, (uint32_t)op->minor);
  uint32_t step = MKNOD_MKNOD;
  int error = sys(mknodat, parent, name, type | (op->mode & 07777), device);
  if (error == -EEXIST) {
    step = MKNOD_COMPARE;
    error = open_node(parent, name, type, device);
    close_fd(error);
  } else if (error >= 0 && (op->uid != 0 || op->gid != 0)) {
    /* By descriptor: somebody may have put a link to another file there meanwhile. */
    step = MKNOD_CHOWN;
    int node = open_node(parent, name, type, device);
    error = node < 0 ? node : sys(fchownat, node, "", op->uid, op->gid, AT_EMPTY_PATH);
    close_fd(node);
  }
  close_fd(parent);
  return failed(step, error);
}
