/* The container's terminal, made inside its own devpts (CVE-2025-52565, CVE-2026-88264). */
#include "shim.h"

static int is_device_on_devpts(int fd, uint32_t major, uint32_t minor_or_any) {
  struct statfs fs;
  struct stat stat;
  int error = sys(fstatfs, fd, &fs);
  if (error >= 0) error = sys(fstat, fd, &stat);
  if (error < 0) return error;
  if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(stat.st_mode)) return -ENXIO;
  if (minor_or_any == UINT32_MAX) return major_of(stat.st_rdev) / 8 == major / 8 ? 0 : -ENXIO;
  return major_of(stat.st_rdev) == major && minor_of(stat.st_rdev) == minor_or_any ? 0 : -ENXIO;
}

/* The directory is proven to be a devpts before anything in it is opened: opening a device node of an image could
   already do harm. */
static int open_master(int root, uint32_t *step) {
  struct statfs fs;
  *step = OPEN_CONSOLE_OPEN_PTMX;
  int dir = open_in_root(root, "dev/pts", O_PATH | O_DIRECTORY, LINKS_IN_ROOT);
  if (dir < 0) return dir;
  *step = OPEN_CONSOLE_FSTATFS;
  int error = sys(fstatfs, dir, &fs);
  if (error >= 0 && fs.f_type != DEVPTS_SUPER_MAGIC) error = -ENXIO;
  int master = error;
  if (error >= 0) {
    *step = OPEN_CONSOLE_OPEN_PTMX;
    master = sys(openat, dir, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  }
  close_fd(dir);
  if (master < 0) return master;
  *step = OPEN_CONSOLE_FSTATFS;
  error = is_device_on_devpts(master, 5, 2);
  if (error >= 0) return master;
  close_fd(master);
  return error;
}

static int open_slave(int master, uint32_t *step) {
  int unlocked = 0;
  *step = OPEN_CONSOLE_TIOCSPTLCK;
  int error = sys(ioctl, master, TIOCSPTLCK, &unlocked);
  if (error < 0) return error;
  *step = OPEN_CONSOLE_TIOCGPTPEER;
  int slave = sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return slave;
  *step = OPEN_CONSOLE_FSTATFS;
  enum { UNIX98_SLAVES = 136 };
  error = is_device_on_devpts(slave, UNIX98_SLAVES, UINT32_MAX);
  if (error >= 0) return slave;
  close_fd(slave);
  return error;
}

/** Binds the slave onto /dev/console, which is made when missing and must not be a symbolic link. */
static int bind_console(int root, int slave, uint32_t *step) {
  struct stat stat;
  *step = OPEN_CONSOLE_CREATE_DEV_CONSOLE;
  int target = make_in_root(root, "dev/console", S_IFREG | 0644, LINKS_NOFOLLOW);
  if (target < 0) return target;
  int error = sys(fstat, target, &stat);
  if (error >= 0 && (S_ISLNK(stat.st_mode) || S_ISDIR(stat.st_mode))) error = -ELOOP;
  if (error >= 0) {
    *step = OPEN_CONSOLE_BIND;
    int tree = clone_tree(slave, 0);
    error = tree < 0 ? tree : attach(tree, target);
    close_fd(tree);
  }
  close_fd(target);
  return error;
}

int run_open_console(const struct op_open_console *op) {
  uint32_t step = OPEN_CONSOLE_OPEN_PTMX;
  int master = open_master(slot(op->root), &step);
  if (master < 0) return failed(step, master);
  int slave = open_slave(master, &step);
  int error = slave;
  if (error >= 0 && op->rows != 0 && op->columns != 0) {
    struct winsize size = {.ws_row = (uint16_t)op->rows, .ws_col = (uint16_t)op->columns};
    step = OPEN_CONSOLE_TIOCSWINSZ;
    error = sys(ioctl, master, TIOCSWINSZ, &size);
  }
  if (error >= 0 && op->console) error = bind_console(slot(op->root), slave, &step);
  if (error >= 0) {
    step = OPEN_CONSOLE_SEND;
    error = report_fd(TAG_CONSOLE, master);
  }
  close_fd(master);
  if (error < 0) {
    close_fd(slave);
    return failed(step, error);
  }
  return keep(op->slot, slave);
}

int run_use_console(const struct op_use_console *op) {
  int fd = slot(op->slot);
  int error = sys(ioctl, fd, TIOCSCTTY, 0);
  if (error < 0) return failed(USE_CONSOLE_TIOCSCTTY, error);
  for (int to = 0; to < 3; to++) {
    error = sys(dup3, fd, to, 0);
    if (error < 0) return failed(USE_CONSOLE_DUP3, error);
  }
  drop(op->slot);
  return 0;
}
