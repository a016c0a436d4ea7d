/* Who the process is: names, capabilities, users, seccomp. */
#include "shim.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

int run_sethostname(const struct op_sethostname *op) {
  return failed(SETHOSTNAME_SETHOSTNAME, sys(sethostname, text(op->name), op->name.length));
}

int run_setdomainname(const struct op_setdomainname *op) {
  return failed(SETDOMAINNAME_SETDOMAINNAME, sys(setdomainname, text(op->name), op->name.length));
}

int run_umask(const struct op_umask *op) {
  sys(umask, op->mask);
  shim.umask = (uint32_t)op->mask;
  return 0;
}

int run_set_no_new_privs(const struct op_set_no_new_privs *op) {
  (void)op;
  return failed(SET_NO_NEW_PRIVS_PRCTL, sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

int run_drop_bounding(const struct op_drop_bounding *op) {
  for (uint64_t capability = 0; capability <= op->last && capability < 64; capability++) {
    if ((op->keep >> capability & 1) != 0) continue;
    int error = sys(prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    /* Without CAP_SETPCAP, as in a container: what was dropped outside is. */
    if (error == -EPERM && sys(prctl, PR_CAPBSET_READ, capability, 0, 0, 0) == 0) continue;
    if (error < 0) return failed(DROP_BOUNDING_PRCTL, error);
  }
  return 0;
}

int run_keep_capabilities(const struct op_keep_capabilities *op) {
  (void)op;
  return failed(KEEP_CAPABILITIES_PRCTL, sys(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0));
}

int run_setgroups(const struct op_setgroups *op) {
  return failed(SETGROUPS_SETGROUPS, sys(setgroups, op->gids.length / 4, text(op->gids)));
}

int run_setresgid(const struct op_setresgid *op) {
  return failed(SETRESGID_SETRESGID, sys(setresgid, op->gid, op->gid, op->gid));
}

int run_setresuid(const struct op_setresuid *op) {
  return failed(SETRESUID_SETRESUID, sys(setresuid, op->uid, op->uid, op->uid));
}

int run_capset(const struct op_capset *op) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  for (int half = 0; half < 2; half++) {
    data[half].effective = (uint32_t)(op->effective >> 32 * half);
    data[half].permitted = (uint32_t)(op->permitted >> 32 * half);
    data[half].inheritable = (uint32_t)(op->inheritable >> 32 * half);
  }
  return failed(CAPSET_CAPSET, sys(capset, &header, data));
}

/* One that cannot be raised does not keep the others from it: whether it matters is the plan's `tolerate`. */
int run_raise_ambient(const struct op_raise_ambient *op) {
  int error = sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (error < 0) return failed(RAISE_AMBIENT_CLEAR, error);
  for (uint64_t capability = 0; capability < 64; capability++) {
    if ((op->mask >> capability & 1) == 0) continue;
    int raised = sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    if (raised < 0) error = raised;
  }
  return failed(RAISE_AMBIENT_RAISE, error);
}

/**
 * A /dev/null of the host becomes the container's own: through the host's, root of the container could change the mode of that node
 * for everybody, and criu cannot tell where it came from. Where there is none, or something else in its place, it stays.
 */
static void own_null(int fd) {
  struct stat stat;
  int flags = sys(fcntl, fd, F_GETFL);
  if (flags < 0) return;
  /* Whatever a container may have put there must neither block nor become our terminal. */
  int own = sys(openat, AT_FDCWD, "/dev/null", (flags & O_ACCMODE) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0) return;
  int is_null = sys(fstat, own, &stat) >= 0 && S_ISCHR(stat.st_mode) && stat.st_rdev == device_number(1, 3);
  if (is_null && sys(fcntl, own, F_SETFL, flags & ~O_ACCMODE) >= 0) sys(dup3, own, fd, 0);
  close_fd(own);
}

int run_chown_stdio(const struct op_chown_stdio *op) {
  for (int fd = 0; fd < 3; fd++) {
    struct stat stat;
    int error = sys(fstat, fd, &stat);
    if (error == -EBADF) continue;
    if (error < 0) return failed(CHOWN_STDIO_FSTAT, error);
    if (S_ISCHR(stat.st_mode) && stat.st_rdev == device_number(1, 3)) {
      own_null(fd);
      continue;
    }
    if (stat.st_uid == op->uid) continue;
    error = sys(fchown, fd, op->uid, op->gid);
    /* Not mapped, owned by somebody who is not, or on a read-only mount: the user has to live with it. */
    if (error == -EINVAL || error == -EPERM || error == -EROFS) continue;
    if (error < 0) return failed(CHOWN_STDIO_FCHOWN, error);
  }
  return 0;
}

int run_chdir(const struct op_chdir *op) {
  if (op->retry && !shim.chdir_failed) return 0;
  int error = sys(chdir, text(op->path));
  if (error < 0) shim.chdir_failed = 1;
  return failed(CHDIR_CHDIR, error);
}

/* A directory that was reached through a leaked descriptor has no path below our root: the kernel says
   `(unreachable)…` (CVE-2024-21626). */
int run_check_cwd(const struct op_check_cwd *op) {
  static char path[PATH_MAX];
  if (op->retry && !shim.chdir_failed) return 0;
  int length = sys(getcwd, path, sizeof path);
  if (length < 0) return failed(CHECK_CWD_GETCWD, length);
  return failed(CHECK_CWD_GETCWD, path[0] == '/' ? 0 : -ENOENT);
}

/** 0, a listener, or a negative errno. */
static int load_filter(struct ref ref, uint64_t flags) {
  size_t count = ref.length / sizeof(struct sock_filter);
  if (count > BPF_MAXINSNS) return -E2BIG;
  struct sock_fprog program = {
      .len = (uint16_t)count,
      .filter = (struct sock_filter *)(uintptr_t)text(ref), /* only read */
  };
  return sys(seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int run_seccomp(const struct op_seccomp *op) {
  int result = load_filter(op->program, op->flags);
  /* With TSYNC a positive result is a thread that could not follow; we are the only one. */
  return failed(SECCOMP_SECCOMP, result > 0 ? -EBUSY : result);
}

/* From here any call but sendmsg may wait for the listener, which has not arrived yet: so it is only sent, and closed later. */
int run_seccomp_listen(const struct op_seccomp_listen *op) {
  int listener = load_filter(op->program, op->flags | SECCOMP_FILTER_FLAG_NEW_LISTENER);
  if (listener < 0) return failed(SECCOMP_LISTEN_SECCOMP, listener);
  shim.slots[op->listener] = listener;
  return failed(SECCOMP_LISTEN_SEND, report_fd(TAG_LISTENER, listener));
}
