/* Namespaces: joined, unshared, and the clone that makes the container's init. */
#include "shim.h"

#include <linux/keyctl.h>
#include <linux/nsfs.h>

/** Opens a file of `/proc/PID/` of the procfs that the host has. */
static int open_of(int pid, const char *name, int flags) {
  char path[64] = "/proc/";
  size_t length = 6 + to_decimal((uint32_t)pid, path + 6);
  path[length++] = '/';
  memcpy(path + length, name, strlen(name) + 1);
  return sys(openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY);
}

int run_open_namespace(const struct op_open_namespace *op) {
  /* O_NONBLOCK: a path that is no namespace but a fifo must not hang us. */
  int fd = sys(openat, AT_FDCWD, text(op->path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return failed(OPEN_NAMESPACE_OPEN, fd);
  struct statfs fs;
  int error = sys(fstatfs, fd, &fs);
  int type = error < 0 ? error : fs.f_type != NSFS_MAGIC ? -ENOTTY : sys(ioctl, fd, NS_GET_NSTYPE);
  if (type < 0 || (uint64_t)type != op->type) {
    close_fd(fd);
    return type < 0 ? failed(OPEN_NAMESPACE_NS_GET_NSTYPE, type) : failed(OPEN_NAMESPACE_COMPARE_TYPE, -EINVAL);
  }
  return keep(op->slot, fd);
}

int run_setns(const struct op_setns *op) {
  int error = sys(setns, slot(op->slot), op->type);
  if (error >= 0) drop(op->slot);
  return failed(SETNS_SETNS, error);
}

int run_join_process(const struct op_join_process *op) {
  int process = sys(pidfd_open, (int)op->pid, 0);
  if (process < 0) return failed(JOIN_PROCESS_PIDFD_OPEN, process);
  int error = sys(setns, process, op->namespaces);
  close_fd(process);
  return failed(JOIN_PROCESS_SETNS, error);
}

int run_unshare(const struct op_unshare *op) { return failed(UNSHARE_UNSHARE, sys(unshare, op->namespaces)); }

/** Writes a file of `/proc/PID/`. */
static int write_of(int pid, const char *name, const char *value, size_t length) {
  int fd = open_of(pid, name, O_WRONLY);
  if (fd < 0) return fd;
  int written = sys(write, fd, value, length);
  close_fd(fd);
  return written < 0 ? written : 0;
}

/* The child only holds the namespace until it is open; it dies with us, should we not get to end it. */
int run_make_user_namespace(const struct op_make_user_namespace *op) {
  int child = sys(clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child < 0) return failed(MAKE_USER_NAMESPACE_CLONE, child);
  if (child == 0) {
    sys(prctl, PR_SET_PDEATHSIG, SIGKILL);
    for (;;) sys(ppoll, NULL, 0, NULL, NULL, 0);
  }
  uint32_t step = MAKE_USER_NAMESPACE_WRITE_UID_MAP;
  int result = write_of(child, "uid_map", text(op->uid), op->uid.length);
  if (result >= 0) {
    step = MAKE_USER_NAMESPACE_WRITE_GID_MAP;
    result = write_of(child, "gid_map", text(op->gid), op->gid.length);
  }
  if (result >= 0) {
    step = MAKE_USER_NAMESPACE_OPEN;
    result = open_of(child, "ns/user", O_RDONLY);
  }
  sys(kill, child, SIGKILL);
  wait_for(child, NULL);
  return result < 0 ? failed(step, result) : keep(op->slot, result);
}

int run_set_dumpable(const struct op_set_dumpable *op) {
  return failed(SET_DUMPABLE_PRCTL, sys(prctl, PR_SET_DUMPABLE, op->value));
}

int run_become_root(const struct op_become_root *op) {
  /* EPERM: an unprivileged owner wrote `deny` to setgroups (CVE-2014-8989); EINVAL: group 0 is not mapped. */
  if (op->keep_groups != 1) sys(setgroups, 0, NULL);
  int error = sys(setresgid, 0, 0, 0);
  if (error < 0) return failed(BECOME_ROOT_SETRESGID, error);
  error = sys(setresuid, 0, 0, 0);
  return failed(BECOME_ROOT_SETRESUID, error);
}

/* `0` is whoever writes it. */
static int join_cgroup(int dir, const char *file) {
  int fd = sys(openat, dir, file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed(JOIN_CGROUP_OPEN, fd);
  int written = sys(write, fd, "0", 1);
  close_fd(fd);
  return failed(JOIN_CGROUP_WRITE, written < 0 ? written : 0);
}

int run_join_cgroup(const struct op_join_cgroup *op) { return join_cgroup(AT_FDCWD, text(op->path)); }

/**
 * CLONE_PARENT: init is the runtime's child from its first breath, and this helper can end. Its pid, as our own pid
 * namespace sees it, is stored by the kernel in a shared page before init runs, so init reports it itself, and
 * `started` comes before anything else it says. The exit signal must be 0 with CLONE_PARENT: it is the helper's.
 */
int run_clone_init(const struct op_clone_init *op) {
  int32_t *pid = shared_page();
  if (pid == NULL) return failed(CLONE_INIT_CLONE3, -ENOMEM);
  uint64_t flags = op->namespaces | CLONE_PARENT | CLONE_PARENT_SETTID;
  struct clone_args args = {.flags = flags, .parent_tid = (uint64_t)(uintptr_t)pid};
  if (op->cgroup != UINT64_MAX) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint32_t)slot(op->cgroup);
  }
  int child = sys(clone3, &args, sizeof args);
  /* The seccomp filter of an outer container may hide clone3, whose arguments it cannot read. A new time namespace
     does not fit into the flags of clone: it has to be unshared. */
  if (child == -ENOSYS && op->cgroup != UINT64_MAX) {
    int error = join_cgroup(slot(op->cgroup), "cgroup.procs");
    if (error < 0) return failed(CLONE_INIT_CLONE3, error);
  }
  if (child == -ENOSYS && (flags & 0xff) == 0) child = sys(clone, flags | SIGCHLD, 0, pid, 0, 0);
  if (child < 0) return failed(CLONE_INIT_CLONE3, child);
  if (child > 0) leave(0);
  if (op->cgroup != UINT64_MAX) drop(op->cgroup);
  return failed(CLONE_INIT_SEND, report(FRAME_STARTED, (uint32_t)*pid, 0, 0));
}

int run_setsid(const struct op_setsid *op) {
  (void)op;
  int session = sys(setsid);
  return failed(SETSID_SETSID, session < 0 ? session : 0);
}

/** The fields of `type;uid;gid;perm;description` after the first semicolons, the permissions in hexadecimal. */
static uint32_t parse_field(const char *description, int field, uint32_t base) {
  uint32_t value = 0;
  int semicolons = 0;
  for (; *description != '\0' && semicolons <= field; description++) {
    char c = *description;
    if (c == ';') semicolons++;
    else if (semicolons == field) value = value * base + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

/**
 * A session keyring of the container's own, which its user may search (runc grants the same bit). A keyring of that name may be
 * there: ours when exec joins, but also one that another user of the host made for us to put our secrets into. Then it is
 * one without a name.
 */
int run_join_session_keyring(const struct op_join_session_keyring *op) {
  enum { USER_MAY_SEARCH = 0x00080000, OWNER = 1, PERMISSIONS = 3 };
  char description[256];
  int keyring;
  for (const char *name = text(op->name);; name = NULL) {
    keyring = sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
    if (keyring < 0) return failed(JOIN_SESSION_KEYRING_JOIN, keyring);
    int length = sys(keyctl, KEYCTL_DESCRIBE, keyring, description, sizeof description - 1);
    if (length < 0 && name != NULL) continue; /* not even to be looked at */
    if (length < 0) return failed(JOIN_SESSION_KEYRING_DESCRIBE, length);
    description[(size_t)length < sizeof description ? (size_t)length : sizeof description - 1] = '\0';
    if (name == NULL || parse_field(description, OWNER, 10) == (uint32_t)sys(geteuid)) break;
  }
  uint32_t permissions = parse_field(description, PERMISSIONS, 16) | USER_MAY_SEARCH;
  return failed(JOIN_SESSION_KEYRING_SETPERM, sys(keyctl, KEYCTL_SETPERM, keyring, permissions));
}

int run_loopback_up(const struct op_loopback_up *op) {
  (void)op;
  enum { GET_FLAGS = 0x8913, SET_FLAGS = 0x8914, IFF_UP = 1 };
  struct {
    char name[16];
    int16_t flags;
    uint8_t rest[22];
  } request = {.name = "lo"};
  /* Any socket reaches the ioctls of network devices; this one needs no IPv4. */
  int fd = sys(socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(LOOPBACK_UP_SOCKET, fd);
  uint32_t step = LOOPBACK_UP_SIOCGIFFLAGS;
  int error = sys(ioctl, fd, GET_FLAGS, &request);
  if (error >= 0) {
    step = LOOPBACK_UP_SIOCSIFFLAGS;
    request.flags |= IFF_UP;
    error = sys(ioctl, fd, SET_FLAGS, &request);
  }
  close_fd(fd);
  return failed(step, error);
}
