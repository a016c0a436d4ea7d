/* Labels of the security modules. */
#include "shim.h"

/** `PID/attr/NAME` of this very thread, as our own procfs counts. */
static int open_attribute(int proc, const char *name) {
  char path[64];
  size_t length = to_decimal((uint32_t)sys(getpid), path);
  memcpy(path + length, "/attr/", 6);
  memcpy(path + length + 6, name, strlen(name) + 1);
  return open_beneath(proc, path, O_WRONLY | O_NOCTTY);
}

/* AppArmor wants `exec PROFILE`; before Linux 5.8 it has no directory of its own, and shares `exec` with the others. */
int run_set_label(const struct op_set_label *op) {
  static const char apparmor[] = "exec ";
  enum { MOST = 4096 };
  int is_apparmor = op->attribute == ATTRIBUTE_APPARMOR;
  const char *name = is_apparmor ? "apparmor/exec" : op->attribute == ATTRIBUTE_KEYCREATE ? "keycreate" : "exec";
  int fd = open_attribute(slot(op->proc), name);
  if (fd == -ENOENT && is_apparmor) fd = open_attribute(slot(op->proc), "exec");
  if (fd < 0) return failed(SET_LABEL_OPEN, fd);
  char line[MOST];
  size_t length = is_apparmor ? sizeof apparmor - 1 : 0;
  int written = -E2BIG;
  if (length + op->label.length <= sizeof line) {
    memcpy(line, apparmor, length);
    memcpy(line + length, text(op->label), op->label.length);
    written = sys(write, fd, line, length + op->label.length); /* in one write: it is taken as a whole */
  }
  close_fd(fd);
  return failed(SET_LABEL_WRITE, written < 0 ? written : 0);
}

/* The descriptor of a new mount is O_PATH, which takes no attributes. */
int run_label_root(const struct op_label_root *op) {
  int fd = sys(openat, slot(op->slot), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(LABEL_ROOT_OPEN, fd);
  int error = sys(fsetxattr, fd, "security.selinux", text(op->label), op->label.length + 1, 0);
  close_fd(fd);
  return failed(LABEL_ROOT_FSETXATTR, error);
}
