/* Mounts by descriptor: fsopen, fsmount, open_tree, mount_setattr, move_mount. No op here mounts onto a path. */
#include "shim.h"

/** The reasons a filesystem gave (`e tmpfs: Bad value for 'size'`) become the detail of the failure. */
static void explain_context(int context) {
  char line[MAX_DETAIL];
  for (int lines = 0; lines < 4; lines++) {
    int length = sys(read, context, line, sizeof line);
    if (length <= 2) return;
    if (line[length - 1] == '\n') length--;
    if (lines > 0) explain("; ", 2);
    explain(line + 2, (size_t)length - 2);
  }
}

static int set_option(int context, const char *option) {
  char key[256];
  size_t length = 0;
  while (option[length] != '\0' && option[length] != '=') length++;
  if (option[length] == '\0') return sys(fsconfig, context, FSCONFIG_SET_FLAG, option, NULL, 0);
  if (length >= sizeof key) return -EINVAL;
  memcpy(key, option, length);
  key[length] = '\0';
  return sys(fsconfig, context, FSCONFIG_SET_STRING, key, option + length + 1, 0);
}

static int set_options(int context, const char *options, size_t length) {
  for (const char *at = options; at < options + length; at += strlen(at) + 1) {
    int error = set_option(context, at);
    if (error < 0) {
      explain_context(context);
      if (shim.detail_length == 0) explain(at, strlen(at));
      return error;
    }
  }
  return 0;
}

int new_mount(const char *type, const char *source, const char *options, size_t length, uint64_t attributes) {
  int context = sys(fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0) return failed(FSMOUNT_FSOPEN, context);
  shim.step = FSMOUNT_FSCONFIG;
  int error = source == NULL ? 0 : sys(fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0);
  if (error >= 0) error = set_options(context, options, length);
  if (error >= 0) {
    shim.step = FSMOUNT_FSCONFIG_CREATE;
    error = sys(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (error < 0) explain_context(context);
  }
  if (error >= 0) {
    shim.step = FSMOUNT_FSMOUNT;
    error = sys(fsmount, context, FSMOUNT_CLOEXEC, attributes);
  }
  close_fd(context);
  return error;
}

int clone_tree(int fd, unsigned flags) {
  return sys(open_tree, fd, "", flags | AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

int attach(int tree, int target) {
  return sys(move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* The kernel refuses an access time in `set` without all of the field in `clear`: it is one value, not bits. */
int set_attributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, unsigned flags) {
  struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
  return sys(mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes);
}

int run_set_propagation(const struct op_set_propagation *op) {
  struct mount_attr attributes = {.propagation = op->propagation};
  unsigned flags = op->recursive ? AT_RECURSIVE : 0;
  int error = sys(mount_setattr, AT_FDCWD, text(op->path), flags, &attributes, sizeof attributes);
  return failed(SET_PROPAGATION_MOUNT_SETATTR, error);
}

/* Upwards from the path to the root of its mount: that is where the mount's propagation can be set. */
int run_make_parent_private(const struct op_make_parent_private *op) {
  int fd = sys(openat, AT_FDCWD, text(op->path), O_PATH | O_CLOEXEC);
  if (fd < 0) return failed(MAKE_PARENT_PRIVATE_OPEN, fd);
  for (int levels = 0; levels < PATH_MAX; levels++) {
    struct statx here;
    int error = sys(statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &here);
    if (error < 0) {
      close_fd(fd);
      return failed(MAKE_PARENT_PRIVATE_STATX, error);
    }
    if ((here.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) break;
    int parent = sys(openat, fd, "..", O_PATH | O_CLOEXEC);
    close_fd(fd);
    if (parent < 0) return failed(MAKE_PARENT_PRIVATE_OPEN, parent);
    fd = parent;
  }
  int error = set_attributes(fd, 0, 0, MS_PRIVATE, 0);
  close_fd(fd);
  return failed(MAKE_PARENT_PRIVATE_MOUNT_SETATTR, error);
}

int run_fsmount(const struct op_fsmount *op) {
  const char *source = present(op->source) ? text(op->source) : NULL;
  return keep(op->slot, new_mount(text(op->type), source, text(op->options), op->options.length, op->attrs));
}

int run_open_tree(const struct op_open_tree *op) {
  uint64_t flags = op->flags | OPEN_TREE_CLOEXEC | (op->nofollow ? AT_SYMLINK_NOFOLLOW : 0);
  return keep(op->slot, failed(OPEN_TREE_OPEN_TREE, sys(open_tree, AT_FDCWD, text(op->path), flags)));
}

int run_mount_setattr(const struct op_mount_setattr *op) {
  unsigned flags = op->recursive ? AT_RECURSIVE : 0;
  int error = set_attributes(slot(op->slot), op->set, op->clear, op->propagation, flags);
  return failed(MOUNT_SETATTR_MOUNT_SETATTR, error);
}

int run_idmap_mount(const struct op_idmap_mount *op) {
  struct mount_attr attributes = {
      .attr_set = MOUNT_ATTR_IDMAP,
      .userns_fd = (uint32_t)slot(op->namespace),
  };
  unsigned flags = AT_EMPTY_PATH | (op->recursive ? AT_RECURSIVE : 0);
  int error = sys(mount_setattr, slot(op->slot), "", flags, &attributes, sizeof attributes);
  return failed(IDMAP_MOUNT_MOUNT_SETATTR, error);
}

/** What is made for a missing target: 0 for nothing. */
static int missing_mode(const struct op_move_mount *op, uint32_t *mode) {
  struct stat stat;
  switch ((enum create)op->create) {
    case CREATE_NEVER: *mode = 0; return 0;
    case CREATE_DIRECTORY: *mode = S_IFDIR | 0755; return 0;
    case CREATE_FILE: *mode = S_IFREG | 0644; return 0;
    case CREATE_LIKE_SOURCE: break;
  }
  int error = sys(fstat, slot(op->slot), &stat);
  *mode = error >= 0 && S_ISDIR(stat.st_mode) ? S_IFDIR | 0755 : S_IFREG | 0644;
  return error;
}

int run_move_mount(const struct op_move_mount *op) {
  const char *target = text(op->target);
  uint32_t mode = 0;
  int error = missing_mode(op, &mode);
  if (error < 0) return failed(MOVE_MOUNT_CREATE_TARGET, error);
  int fd = open_in_root(slot(op->root), target, O_PATH, (enum links)op->links);
  if (fd == -ENOENT && mode != 0) {
    fd = make_missing(slot(op->root), target, mode, (enum links)op->links);
    if (fd < 0) return failed(MOVE_MOUNT_CREATE_TARGET, fd);
  }
  if (fd < 0) return failed(MOVE_MOUNT_OPEN_TARGET, fd);
  uint32_t step = MOVE_MOUNT_OPEN_TARGET;
  error = reaches_procfs_by_link(slot(op->root), target, fd);
  if (error >= 0) {
    step = MOVE_MOUNT_MOVE_MOUNT;
    error = attach(slot(op->slot), fd);
  }
  close_fd(fd);
  return failed(step, error);
}

int run_open_target(const struct op_open_target *op) {
  return keep(op->slot, failed(OPEN_TARGET_OPEN, open_in_root(slot(op->root), text(op->path), O_PATH, LINKS_IN_ROOT)));
}

int run_fspick(const struct op_fspick *op) {
  int context = sys(fspick, slot(op->slot), "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH | FSPICK_NO_AUTOMOUNT);
  if (context < 0) return failed(FSPICK_FSPICK, context);
  uint32_t step = FSPICK_FSCONFIG;
  int error = set_options(context, text(op->options), op->options.length);
  if (error >= 0) {
    step = FSPICK_FSCONFIG_RECONFIGURE;
    error = sys(fsconfig, context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
    if (error < 0) explain_context(context);
  }
  close_fd(context);
  return failed(step, error);
}
