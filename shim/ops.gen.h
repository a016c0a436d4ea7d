/* Written by tools/ops.mjs from src/plan/opcodes.ts and src/plan/flags.ts (make gen). Do not edit. */
#pragma once
#include <stdint.h>

#define BUILD_ID 0x963ef0e3u

enum opcode {
  OP_BARRIER = 1,
  OP_READY = 2,
  OP_OPEN_NAMESPACE = 10,
  OP_SETNS = 11,
  OP_UNSHARE = 12,
  OP_SET_DUMPABLE = 13,
  OP_BECOME_ROOT = 14,
  OP_CLONE_INIT = 15,
  OP_SETSID = 16,
  OP_JOIN_SESSION_KEYRING = 17,
  OP_LOOPBACK_UP = 18,
  OP_JOIN_CGROUP = 19,
  OP_OPEN_PATH = 20,
  OP_OPEN_FD_DIRECTORY = 21,
  OP_OPEN_PROCFS = 22,
  OP_WRITE_FILE = 23,
  OP_SET_PROPAGATION = 30,
  OP_MAKE_PARENT_PRIVATE = 31,
  OP_OPEN_ROOT = 32,
  OP_FSMOUNT = 33,
  OP_OPEN_TREE = 34,
  OP_MOUNT_SETATTR = 35,
  OP_MOVE_MOUNT = 36,
  OP_COPY_UP = 37,
  OP_OPEN_TARGET = 38,
  OP_FSPICK = 39,
  OP_MKDIR = 40,
  OP_MKNOD = 41,
  OP_SYMLINK = 42,
  OP_MASK_PATH = 43,
  OP_READONLY_PATH = 44,
  OP_ENTER_ROOT = 150,
  OP_PIVOT_ROOT = 45,
  OP_MOVE_ROOT = 46,
  OP_OPEN_CONSOLE = 50,
  OP_USE_CONSOLE = 51,
  OP_SETHOSTNAME = 60,
  OP_SETDOMAINNAME = 61,
  OP_UMASK = 62,
  OP_SET_NO_NEW_PRIVS = 63,
  OP_DROP_BOUNDING = 64,
  OP_KEEP_CAPABILITIES = 65,
  OP_SETGROUPS = 66,
  OP_SETRESGID = 67,
  OP_SETRESUID = 68,
  OP_CAPSET = 69,
  OP_RAISE_AMBIENT = 70,
  OP_CHOWN_STDIO = 71,
  OP_CHDIR = 72,
  OP_CHECK_CWD = 73,
  OP_SECCOMP = 74,
  OP_SECCOMP_LISTEN = 128,
  OP_FIND_HOME = 75,
  OP_FIND_EXECUTABLE = 76,
  OP_WAIT_START = 80,
  OP_RUN_HOOK = 81,
  OP_OPEN_HOOK_OUTPUT = 152,
  OP_CLOSE_ON_EXEC = 82,
  OP_EXEC = 83,
  OP_EXIT = 140,
  OP_SUPERVISE = 90,
  OP_RELEASE = 96,
  OP_NOTIFY = 141,
  OP_REMOVE_CGROUP = 91,
  OP_REMOVE_FILE = 92,
  OP_REMOVE_DIRECTORY = 93,
  OP_CLEAN_UP_AFTER_FAILURE = 94,
  OP_CLEAN_UP = 130,
  OP_STOP_UNIT = 153,
  OP_REPORT_OOM = 135,
  OP_EXIT_LIKE_INIT = 95,
  OP_JOIN_PROCESS = 100,
  OP_RELEASE_EXEC = 101,
  OP_SCHED_SETATTR = 120,
  OP_IOPRIO_SET = 121,
  OP_SET_MEMPOLICY = 122,
  OP_SCHED_SETAFFINITY = 151,
  OP_PERSONALITY = 123,
  OP_MAKE_USER_NAMESPACE = 126,
  OP_IDMAP_MOUNT = 127,
  OP_SET_LABEL = 124,
  OP_LABEL_ROOT = 125,
};

/* X(NAME, name) of every op. */
#define FOR_EACH_OP(X) \
  X(BARRIER, barrier) \
  X(READY, ready) \
  X(OPEN_NAMESPACE, open_namespace) \
  X(SETNS, setns) \
  X(UNSHARE, unshare) \
  X(SET_DUMPABLE, set_dumpable) \
  X(BECOME_ROOT, become_root) \
  X(CLONE_INIT, clone_init) \
  X(SETSID, setsid) \
  X(JOIN_SESSION_KEYRING, join_session_keyring) \
  X(LOOPBACK_UP, loopback_up) \
  X(JOIN_CGROUP, join_cgroup) \
  X(OPEN_PATH, open_path) \
  X(OPEN_FD_DIRECTORY, open_fd_directory) \
  X(OPEN_PROCFS, open_procfs) \
  X(WRITE_FILE, write_file) \
  X(SET_PROPAGATION, set_propagation) \
  X(MAKE_PARENT_PRIVATE, make_parent_private) \
  X(OPEN_ROOT, open_root) \
  X(FSMOUNT, fsmount) \
  X(OPEN_TREE, open_tree) \
  X(MOUNT_SETATTR, mount_setattr) \
  X(MOVE_MOUNT, move_mount) \
  X(COPY_UP, copy_up) \
  X(OPEN_TARGET, open_target) \
  X(FSPICK, fspick) \
  X(MKDIR, mkdir) \
  X(MKNOD, mknod) \
  X(SYMLINK, symlink) \
  X(MASK_PATH, mask_path) \
  X(READONLY_PATH, readonly_path) \
  X(ENTER_ROOT, enter_root) \
  X(PIVOT_ROOT, pivot_root) \
  X(MOVE_ROOT, move_root) \
  X(OPEN_CONSOLE, open_console) \
  X(USE_CONSOLE, use_console) \
  X(SETHOSTNAME, sethostname) \
  X(SETDOMAINNAME, setdomainname) \
  X(UMASK, umask) \
  X(SET_NO_NEW_PRIVS, set_no_new_privs) \
  X(DROP_BOUNDING, drop_bounding) \
  X(KEEP_CAPABILITIES, keep_capabilities) \
  X(SETGROUPS, setgroups) \
  X(SETRESGID, setresgid) \
  X(SETRESUID, setresuid) \
  X(CAPSET, capset) \
  X(RAISE_AMBIENT, raise_ambient) \
  X(CHOWN_STDIO, chown_stdio) \
  X(CHDIR, chdir) \
  X(CHECK_CWD, check_cwd) \
  X(SECCOMP, seccomp) \
  X(SECCOMP_LISTEN, seccomp_listen) \
  X(FIND_HOME, find_home) \
  X(FIND_EXECUTABLE, find_executable) \
  X(WAIT_START, wait_start) \
  X(RUN_HOOK, run_hook) \
  X(OPEN_HOOK_OUTPUT, open_hook_output) \
  X(CLOSE_ON_EXEC, close_on_exec) \
  X(EXEC, exec) \
  X(EXIT, exit) \
  X(SUPERVISE, supervise) \
  X(RELEASE, release) \
  X(NOTIFY, notify) \
  X(REMOVE_CGROUP, remove_cgroup) \
  X(REMOVE_FILE, remove_file) \
  X(REMOVE_DIRECTORY, remove_directory) \
  X(CLEAN_UP_AFTER_FAILURE, clean_up_after_failure) \
  X(CLEAN_UP, clean_up) \
  X(STOP_UNIT, stop_unit) \
  X(REPORT_OOM, report_oom) \
  X(EXIT_LIKE_INIT, exit_like_init) \
  X(JOIN_PROCESS, join_process) \
  X(RELEASE_EXEC, release_exec) \
  X(SCHED_SETATTR, sched_setattr) \
  X(IOPRIO_SET, ioprio_set) \
  X(SET_MEMPOLICY, set_mempolicy) \
  X(SCHED_SETAFFINITY, sched_setaffinity) \
  X(PERSONALITY, personality) \
  X(MAKE_USER_NAMESPACE, make_user_namespace) \
  X(IDMAP_MOUNT, idmap_mount) \
  X(SET_LABEL, set_label) \
  X(LABEL_ROOT, label_root)

enum propagation {
  PROPAGATION_NONE = 0x0,
  PROPAGATION_UNBINDABLE = 0x20000,
  PROPAGATION_PRIVATE = 0x40000,
  PROPAGATION_SLAVE = 0x80000,
  PROPAGATION_SHARED = 0x100000,
};
enum create {
  CREATE_NEVER = 0x0,
  CREATE_DIRECTORY = 0x1,
  CREATE_FILE = 0x2,
  CREATE_LIKE_SOURCE = 0x3,
};
enum links {
  LINKS_IN_ROOT = 0x0,
  LINKS_REFUSE = 0x1,
  LINKS_NOFOLLOW = 0x2,
};
enum node_type {
  NODE_TYPE_CHAR = 0x2000,
  NODE_TYPE_BLOCK = 0x6000,
  NODE_TYPE_FIFO = 0x1000,
};
enum sched_policy {
  SCHED_POLICY_SCHED_OTHER = 0x0,
  SCHED_POLICY_SCHED_FIFO = 0x1,
  SCHED_POLICY_SCHED_RR = 0x2,
  SCHED_POLICY_SCHED_BATCH = 0x3,
  SCHED_POLICY_SCHED_ISO = 0x4,
  SCHED_POLICY_SCHED_IDLE = 0x5,
  SCHED_POLICY_SCHED_DEADLINE = 0x6,
};
enum io_class {
  IO_CLASS_IOPRIO_CLASS_RT = 0x1,
  IO_CLASS_IOPRIO_CLASS_BE = 0x2,
  IO_CLASS_IOPRIO_CLASS_IDLE = 0x3,
};
enum memory_mode {
  MEMORY_MODE_MPOL_DEFAULT = 0x0,
  MEMORY_MODE_MPOL_PREFERRED = 0x1,
  MEMORY_MODE_MPOL_BIND = 0x2,
  MEMORY_MODE_MPOL_INTERLEAVE = 0x3,
  MEMORY_MODE_MPOL_LOCAL = 0x4,
  MEMORY_MODE_MPOL_PREFERRED_MANY = 0x5,
  MEMORY_MODE_MPOL_WEIGHTED_INTERLEAVE = 0x6,
};
enum domain {
  DOMAIN_LINUX = 0x0,
  DOMAIN_LINUX32 = 0x8,
};
enum attribute {
  ATTRIBUTE_EXEC = 0x1,
  ATTRIBUTE_APPARMOR = 0x2,
  ATTRIBUTE_KEYCREATE = 0x3,
};

/* Where the bytes of a string, a list or a program lie in the blob. */
struct ref {
  uint32_t at, length;
};

enum barrier_step { BARRIER_SEND, BARRIER_RECEIVE };
struct op_barrier {
  uint64_t n;
};
int run_barrier(const struct op_barrier *op);
struct op_ready;
int run_ready(const struct op_ready *op);
enum open_namespace_step { OPEN_NAMESPACE_OPEN, OPEN_NAMESPACE_NS_GET_NSTYPE,
  OPEN_NAMESPACE_COMPARE_TYPE };
struct op_open_namespace {
  uint64_t slot;
  struct ref path;
  uint64_t type;
};
int run_open_namespace(const struct op_open_namespace *op);
enum setns_step { SETNS_SETNS };
struct op_setns {
  uint64_t slot;
  uint64_t type;
};
int run_setns(const struct op_setns *op);
enum unshare_step { UNSHARE_UNSHARE };
struct op_unshare {
  uint64_t namespaces;
};
int run_unshare(const struct op_unshare *op);
enum set_dumpable_step { SET_DUMPABLE_PRCTL };
struct op_set_dumpable {
  uint64_t value;
};
int run_set_dumpable(const struct op_set_dumpable *op);
enum become_root_step { BECOME_ROOT_SETRESGID, BECOME_ROOT_SETRESUID };
struct op_become_root {
  uint64_t keep_groups;
};
int run_become_root(const struct op_become_root *op);
enum clone_init_step { CLONE_INIT_CLONE3, CLONE_INIT_SEND };
struct op_clone_init {
  uint64_t namespaces;
  uint64_t cgroup;
};
int run_clone_init(const struct op_clone_init *op);
enum setsid_step { SETSID_SETSID };
struct op_setsid;
int run_setsid(const struct op_setsid *op);
enum join_session_keyring_step { JOIN_SESSION_KEYRING_JOIN, JOIN_SESSION_KEYRING_DESCRIBE,
  JOIN_SESSION_KEYRING_SETPERM };
struct op_join_session_keyring {
  struct ref name;
};
int run_join_session_keyring(const struct op_join_session_keyring *op);
enum loopback_up_step { LOOPBACK_UP_SOCKET, LOOPBACK_UP_SIOCGIFFLAGS,
  LOOPBACK_UP_SIOCSIFFLAGS };
struct op_loopback_up;
int run_loopback_up(const struct op_loopback_up *op);
enum join_cgroup_step { JOIN_CGROUP_OPEN, JOIN_CGROUP_WRITE };
struct op_join_cgroup {
  struct ref path;
};
int run_join_cgroup(const struct op_join_cgroup *op);
enum open_path_step { OPEN_PATH_OPEN };
struct op_open_path {
  uint64_t slot;
  struct ref path;
};
int run_open_path(const struct op_open_path *op);
enum open_fd_directory_step { OPEN_FD_DIRECTORY_OPEN, OPEN_FD_DIRECTORY_FSTATFS };
struct op_open_fd_directory {
  uint64_t slot;
};
int run_open_fd_directory(const struct op_open_fd_directory *op);
enum open_procfs_step { OPEN_PROCFS_FSOPEN, OPEN_PROCFS_FSCONFIG,
  OPEN_PROCFS_FSMOUNT };
struct op_open_procfs {
  uint64_t slot;
};
int run_open_procfs(const struct op_open_procfs *op);
enum write_file_step { WRITE_FILE_OPEN, WRITE_FILE_WRITE };
struct op_write_file {
  uint64_t dir;
  struct ref path;
  struct ref value;
};
int run_write_file(const struct op_write_file *op);
enum set_propagation_step { SET_PROPAGATION_MOUNT_SETATTR };
struct op_set_propagation {
  struct ref path;
  uint64_t propagation;
  uint64_t recursive;
};
int run_set_propagation(const struct op_set_propagation *op);
enum make_parent_private_step { MAKE_PARENT_PRIVATE_OPEN, MAKE_PARENT_PRIVATE_STATX,
  MAKE_PARENT_PRIVATE_MOUNT_SETATTR };
struct op_make_parent_private {
  struct ref path;
};
int run_make_parent_private(const struct op_make_parent_private *op);
enum open_root_step { OPEN_ROOT_OPEN, OPEN_ROOT_OPEN_TREE, OPEN_ROOT_MOVE_MOUNT };
struct op_open_root {
  uint64_t slot;
  struct ref path;
};
int run_open_root(const struct op_open_root *op);
enum fsmount_step { FSMOUNT_FSOPEN, FSMOUNT_FSCONFIG, FSMOUNT_FSCONFIG_CREATE,
  FSMOUNT_FSMOUNT };
struct op_fsmount {
  uint64_t slot;
  struct ref type;
  struct ref source;
  struct ref options;
  uint64_t attrs;
};
int run_fsmount(const struct op_fsmount *op);
enum open_tree_step { OPEN_TREE_OPEN_TREE };
struct op_open_tree {
  uint64_t slot;
  struct ref path;
  uint64_t flags;
  uint64_t nofollow;
};
int run_open_tree(const struct op_open_tree *op);
enum mount_setattr_step { MOUNT_SETATTR_MOUNT_SETATTR };
struct op_mount_setattr {
  uint64_t slot;
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t recursive;
};
int run_mount_setattr(const struct op_mount_setattr *op);
enum move_mount_step { MOVE_MOUNT_CREATE_TARGET, MOVE_MOUNT_OPEN_TARGET,
  MOVE_MOUNT_MOVE_MOUNT };
struct op_move_mount {
  uint64_t slot;
  uint64_t root;
  struct ref target;
  uint64_t create;
  uint64_t links;
};
int run_move_mount(const struct op_move_mount *op);
enum copy_up_step { COPY_UP_OPEN_SOURCE, COPY_UP_COPY };
struct op_copy_up {
  uint64_t slot;
  uint64_t root;
  struct ref source;
};
int run_copy_up(const struct op_copy_up *op);
enum open_target_step { OPEN_TARGET_OPEN };
struct op_open_target {
  uint64_t slot;
  uint64_t root;
  struct ref path;
};
int run_open_target(const struct op_open_target *op);
enum fspick_step { FSPICK_FSPICK, FSPICK_FSCONFIG, FSPICK_FSCONFIG_RECONFIGURE };
struct op_fspick {
  uint64_t slot;
  struct ref options;
};
int run_fspick(const struct op_fspick *op);
enum mkdir_step { MKDIR_CREATE };
struct op_mkdir {
  uint64_t root;
  struct ref path;
  uint64_t mode;
};
int run_mkdir(const struct op_mkdir *op);
enum mknod_step { MKNOD_CREATE_PARENT, MKNOD_MKNOD, MKNOD_COMPARE,
  MKNOD_CHOWN };
struct op_mknod {
  uint64_t root;
  struct ref path;
  uint64_t type;
  uint64_t major;
  uint64_t minor;
  uint64_t mode;
  uint64_t uid;
  uint64_t gid;
};
int run_mknod(const struct op_mknod *op);
enum symlink_step { SYMLINK_CREATE_PARENT, SYMLINK_SYMLINK };
struct op_symlink {
  uint64_t root;
  struct ref path;
  struct ref target;
};
int run_symlink(const struct op_symlink *op);
enum mask_path_step { MASK_PATH_OPEN_TARGET, MASK_PATH_OPEN_DEV_NULL, MASK_PATH_COMPARE,
  MASK_PATH_TMPFS, MASK_PATH_MOVE_MOUNT };
struct op_mask_path {
  uint64_t root;
  struct ref path;
};
int run_mask_path(const struct op_mask_path *op);
enum readonly_path_step { READONLY_PATH_OPEN_TARGET, READONLY_PATH_OPEN_TREE,
  READONLY_PATH_MOUNT_SETATTR, READONLY_PATH_MOVE_MOUNT };
struct op_readonly_path {
  uint64_t root;
  struct ref path;
};
int run_readonly_path(const struct op_readonly_path *op);
enum enter_root_step { ENTER_ROOT_FCHDIR, ENTER_ROOT_CHROOT, ENTER_ROOT_CHDIR };
struct op_enter_root {
  uint64_t root;
};
int run_enter_root(const struct op_enter_root *op);
enum pivot_root_step { PIVOT_ROOT_FCHDIR, PIVOT_ROOT_PIVOT_ROOT, PIVOT_ROOT_SLAVE, PIVOT_ROOT_UMOUNT,
  PIVOT_ROOT_CHDIR };
struct op_pivot_root {
  uint64_t root;
};
int run_pivot_root(const struct op_pivot_root *op);
enum move_root_step { MOVE_ROOT_MOUNTINFO, MOVE_ROOT_UMOUNT, MOVE_ROOT_COVER, MOVE_ROOT_FCHDIR,
  MOVE_ROOT_MOVE, MOVE_ROOT_CHROOT };
struct op_move_root {
  uint64_t root;
  struct ref path;
};
int run_move_root(const struct op_move_root *op);
enum open_console_step { OPEN_CONSOLE_OPEN_PTMX, OPEN_CONSOLE_FSTATFS, OPEN_CONSOLE_TIOCSPTLCK,
  OPEN_CONSOLE_TIOCGPTPEER, OPEN_CONSOLE_TIOCSWINSZ, OPEN_CONSOLE_CREATE_DEV_CONSOLE,
  OPEN_CONSOLE_BIND, OPEN_CONSOLE_SEND };
struct op_open_console {
  uint64_t slot;
  uint64_t root;
  uint64_t rows;
  uint64_t columns;
  uint64_t console;
};
int run_open_console(const struct op_open_console *op);
enum use_console_step { USE_CONSOLE_TIOCSCTTY, USE_CONSOLE_DUP3 };
struct op_use_console {
  uint64_t slot;
};
int run_use_console(const struct op_use_console *op);
enum sethostname_step { SETHOSTNAME_SETHOSTNAME };
struct op_sethostname {
  struct ref name;
};
int run_sethostname(const struct op_sethostname *op);
enum setdomainname_step { SETDOMAINNAME_SETDOMAINNAME };
struct op_setdomainname {
  struct ref name;
};
int run_setdomainname(const struct op_setdomainname *op);
enum umask_step { UMASK_UMASK };
struct op_umask {
  uint64_t mask;
};
int run_umask(const struct op_umask *op);
enum set_no_new_privs_step { SET_NO_NEW_PRIVS_PRCTL };
struct op_set_no_new_privs;
int run_set_no_new_privs(const struct op_set_no_new_privs *op);
enum drop_bounding_step { DROP_BOUNDING_PRCTL };
struct op_drop_bounding {
  uint64_t keep;
  uint64_t last;
};
int run_drop_bounding(const struct op_drop_bounding *op);
enum keep_capabilities_step { KEEP_CAPABILITIES_PRCTL };
struct op_keep_capabilities;
int run_keep_capabilities(const struct op_keep_capabilities *op);
enum setgroups_step { SETGROUPS_SETGROUPS };
struct op_setgroups {
  struct ref gids;
};
int run_setgroups(const struct op_setgroups *op);
enum setresgid_step { SETRESGID_SETRESGID };
struct op_setresgid {
  uint64_t gid;
};
int run_setresgid(const struct op_setresgid *op);
enum setresuid_step { SETRESUID_SETRESUID };
struct op_setresuid {
  uint64_t uid;
};
int run_setresuid(const struct op_setresuid *op);
enum capset_step { CAPSET_CAPSET };
struct op_capset {
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
};
int run_capset(const struct op_capset *op);
enum raise_ambient_step { RAISE_AMBIENT_CLEAR, RAISE_AMBIENT_RAISE };
struct op_raise_ambient {
  uint64_t mask;
};
int run_raise_ambient(const struct op_raise_ambient *op);
enum chown_stdio_step { CHOWN_STDIO_FSTAT, CHOWN_STDIO_FCHOWN };
struct op_chown_stdio {
  uint64_t uid;
  uint64_t gid;
};
int run_chown_stdio(const struct op_chown_stdio *op);
enum chdir_step { CHDIR_CHDIR };
struct op_chdir {
  struct ref path;
  uint64_t retry;
};
int run_chdir(const struct op_chdir *op);
enum check_cwd_step { CHECK_CWD_GETCWD };
struct op_check_cwd {
  uint64_t retry;
};
int run_check_cwd(const struct op_check_cwd *op);
enum seccomp_step { SECCOMP_SECCOMP };
struct op_seccomp {
  uint64_t flags;
  struct ref program;
};
int run_seccomp(const struct op_seccomp *op);
enum seccomp_listen_step { SECCOMP_LISTEN_SECCOMP, SECCOMP_LISTEN_SEND };
struct op_seccomp_listen {
  uint64_t listener;
  uint64_t flags;
  struct ref program;
};
int run_seccomp_listen(const struct op_seccomp_listen *op);
enum find_home_step { FIND_HOME_OPEN, FIND_HOME_READ };
struct op_find_home {
  uint64_t uid;
};
int run_find_home(const struct op_find_home *op);
enum find_executable_step { FIND_EXECUTABLE_ACCESS, FIND_EXECUTABLE_IS_A_DIRECTORY };
struct op_find_executable {
  struct ref name;
  struct ref path;
};
int run_find_executable(const struct op_find_executable *op);
enum wait_start_step { WAIT_START_OPEN };
struct op_wait_start {
  uint64_t fifo;
  uint64_t fds;
};
int run_wait_start(const struct op_wait_start *op);
enum run_hook_step { RUN_HOOK_MEMFD, RUN_HOOK_FORK, RUN_HOOK_EXEC, RUN_HOOK_WAIT,
  RUN_HOOK_EXIT_STATUS, RUN_HOOK_SIGNAL, RUN_HOOK_TIMEOUT };
struct op_run_hook {
  struct ref path;
  struct ref args;
  struct ref env;
  uint64_t timeout;
  struct ref before;
  struct ref after;
};
int run_run_hook(const struct op_run_hook *op);
enum open_hook_output_step { OPEN_HOOK_OUTPUT_OPEN };
struct op_open_hook_output {
  uint64_t stream;
  struct ref path;
};
int run_open_hook_output(const struct op_open_hook_output *op);
enum close_on_exec_step { CLOSE_ON_EXEC_CLOSE_RANGE };
struct op_close_on_exec {
  uint64_t first;
};
int run_close_on_exec(const struct op_close_on_exec *op);
enum exec_step { EXEC_EXECVE };
struct op_exec {
  struct ref args;
  struct ref env;
};
int run_exec(const struct op_exec *op);
struct op_exit;
int run_exit(const struct op_exit *op);
enum supervise_step { SUPERVISE_PIDFD_OPEN, SUPERVISE_TERMINAL, SUPERVISE_POLL,
  SUPERVISE_WAITID };
struct op_supervise {
  uint64_t pid;
  uint64_t console;
};
int run_supervise(const struct op_supervise *op);
enum release_step { RELEASE_PIDFD_OPEN, RELEASE_TERMINAL, RELEASE_POLL, RELEASE_WAITID, RELEASE_OPEN,
  RELEASE_READ, RELEASE_EXECVE };
struct op_release {
  uint64_t pid;
  uint64_t console;
  struct ref fifo;
  uint64_t says;
  struct ref args;
  struct ref env;
};
int run_release(const struct op_release *op);
struct op_notify {
  uint64_t listener;
  struct ref host;
};
int run_notify(const struct op_notify *op);
enum remove_cgroup_step { REMOVE_CGROUP_RMDIR };
struct op_remove_cgroup {
  struct ref path;
};
int run_remove_cgroup(const struct op_remove_cgroup *op);
enum remove_file_step { REMOVE_FILE_UNLINK };
struct op_remove_file {
  struct ref path;
};
int run_remove_file(const struct op_remove_file *op);
enum remove_directory_step { REMOVE_DIRECTORY_RMDIR };
struct op_remove_directory {
  struct ref path;
};
int run_remove_directory(const struct op_remove_directory *op);
enum clean_up_after_failure_step { CLEAN_UP_AFTER_FAILURE_FORK,
  CLEAN_UP_AFTER_FAILURE_EXECVE };
struct op_clean_up_after_failure {
  struct ref args;
  struct ref env;
};
int run_clean_up_after_failure(const struct op_clean_up_after_failure *op);
enum clean_up_step { CLEAN_UP_FORK, CLEAN_UP_EXECVE };
struct op_clean_up {
  struct ref args;
  struct ref env;
};
int run_clean_up(const struct op_clean_up *op);
enum stop_unit_step { STOP_UNIT_SOCKET, STOP_UNIT_CONNECT, STOP_UNIT_SEND,
  STOP_UNIT_POLL };
struct op_stop_unit {
  struct ref cgroup;
  struct ref socket;
  struct ref message;
  uint64_t first;
  uint64_t length;
};
int run_stop_unit(const struct op_stop_unit *op);
enum report_oom_step { REPORT_OOM_OPEN, REPORT_OOM_READ, REPORT_OOM_FORK,
  REPORT_OOM_EXECVE };
struct op_report_oom {
  struct ref file;
  struct ref args;
  struct ref env;
};
int run_report_oom(const struct op_report_oom *op);
struct op_exit_like_init;
int run_exit_like_init(const struct op_exit_like_init *op);
enum join_process_step { JOIN_PROCESS_PIDFD_OPEN, JOIN_PROCESS_SETNS };
struct op_join_process {
  uint64_t pid;
  uint64_t namespaces;
};
int run_join_process(const struct op_join_process *op);
enum release_exec_step { RELEASE_EXEC_PIDFD_OPEN, RELEASE_EXEC_TERMINAL, RELEASE_EXEC_POLL,
  RELEASE_EXEC_WAITID, RELEASE_EXEC_SEND, RELEASE_EXEC_READ, RELEASE_EXEC_EXECVE };
struct op_release_exec {
  uint64_t pid;
  uint64_t console;
  uint64_t report;
  uint64_t n;
  struct ref args;
  struct ref env;
};
int run_release_exec(const struct op_release_exec *op);
enum sched_setattr_step { SCHED_SETATTR_SCHED_SETATTR };
struct op_sched_setattr {
  uint64_t policy;
  uint64_t nice;
  uint64_t priority;
  uint64_t flags;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};
int run_sched_setattr(const struct op_sched_setattr *op);
enum ioprio_set_step { IOPRIO_SET_IOPRIO_SET };
struct op_ioprio_set {
  uint64_t class;
  uint64_t priority;
};
int run_ioprio_set(const struct op_ioprio_set *op);
enum set_mempolicy_step { SET_MEMPOLICY_SET_MEMPOLICY };
struct op_set_mempolicy {
  uint64_t mode;
  uint64_t flags;
  struct ref nodes;
};
int run_set_mempolicy(const struct op_set_mempolicy *op);
enum sched_setaffinity_step { SCHED_SETAFFINITY_SCHED_SETAFFINITY };
struct op_sched_setaffinity {
  struct ref cpus;
};
int run_sched_setaffinity(const struct op_sched_setaffinity *op);
enum personality_step { PERSONALITY_PERSONALITY };
struct op_personality {
  uint64_t domain;
};
int run_personality(const struct op_personality *op);
enum make_user_namespace_step { MAKE_USER_NAMESPACE_CLONE, MAKE_USER_NAMESPACE_WRITE_UID_MAP,
  MAKE_USER_NAMESPACE_WRITE_GID_MAP, MAKE_USER_NAMESPACE_OPEN };
struct op_make_user_namespace {
  uint64_t slot;
  struct ref uid;
  struct ref gid;
};
int run_make_user_namespace(const struct op_make_user_namespace *op);
enum idmap_mount_step { IDMAP_MOUNT_MOUNT_SETATTR };
struct op_idmap_mount {
  uint64_t slot;
  uint64_t namespace;
  uint64_t recursive;
};
int run_idmap_mount(const struct op_idmap_mount *op);
enum set_label_step { SET_LABEL_OPEN, SET_LABEL_WRITE };
struct op_set_label {
  uint64_t proc;
  uint64_t attribute;
  struct ref label;
};
int run_set_label(const struct op_set_label *op);
enum label_root_step { LABEL_ROOT_OPEN, LABEL_ROOT_FSETXATTR };
struct op_label_root {
  uint64_t slot;
  struct ref label;
};
int run_label_root(const struct op_label_root *op);

#ifdef OP_TABLES
enum kind { KIND_NONE, 
  KIND_U32, KIND_U64, KIND_STR, KIND_PATH, KIND_STRS, KIND_U32S, KIND_BYTES, KIND_SLOT, KIND_FLAGS, KIND_ENUM
};
struct field_rule {
  uint8_t kind, optional, table;
};
static const struct field_rule field_rules[] = {
    {KIND_U32, 0, 0}, /* barrier */
    {KIND_SLOT, 0, 0}, /* open_namespace */
    {KIND_PATH, 0, 0}, /* open_namespace */
    {KIND_FLAGS, 0, 0}, /* open_namespace */
    {KIND_SLOT, 0, 0}, /* setns */
    {KIND_FLAGS, 0, 0}, /* setns */
    {KIND_FLAGS, 0, 0}, /* unshare */
    {KIND_U32, 0, 0}, /* set_dumpable */
    {KIND_U32, 1, 0}, /* become_root */
    {KIND_FLAGS, 0, 0}, /* clone_init */
    {KIND_SLOT, 1, 0}, /* clone_init */
    {KIND_STR, 0, 0}, /* join_session_keyring */
    {KIND_PATH, 0, 0}, /* join_cgroup */
    {KIND_SLOT, 0, 0}, /* open_path */
    {KIND_PATH, 0, 0}, /* open_path */
    {KIND_SLOT, 0, 0}, /* open_fd_directory */
    {KIND_SLOT, 0, 0}, /* open_procfs */
    {KIND_SLOT, 0, 0}, /* write_file */
    {KIND_STR, 0, 0}, /* write_file */
    {KIND_STR, 0, 0}, /* write_file */
    {KIND_PATH, 0, 0}, /* set_propagation */
    {KIND_ENUM, 0, 0}, /* set_propagation */
    {KIND_U32, 0, 0}, /* set_propagation */
    {KIND_PATH, 0, 0}, /* make_parent_private */
    {KIND_SLOT, 0, 0}, /* open_root */
    {KIND_PATH, 0, 0}, /* open_root */
    {KIND_SLOT, 0, 0}, /* fsmount */
    {KIND_STR, 0, 0}, /* fsmount */
    {KIND_STR, 1, 0}, /* fsmount */
    {KIND_STRS, 0, 0}, /* fsmount */
    {KIND_FLAGS, 0, 1}, /* fsmount */
    {KIND_SLOT, 0, 0}, /* open_tree */
    {KIND_PATH, 0, 0}, /* open_tree */
    {KIND_FLAGS, 0, 2}, /* open_tree */
    {KIND_U32, 0, 0}, /* open_tree */
    {KIND_SLOT, 0, 0}, /* mount_setattr */
    {KIND_FLAGS, 0, 1}, /* mount_setattr */
    {KIND_FLAGS, 0, 1}, /* mount_setattr */
    {KIND_ENUM, 0, 0}, /* mount_setattr */
    {KIND_U32, 0, 0}, /* mount_setattr */
    {KIND_SLOT, 0, 0}, /* move_mount */
    {KIND_SLOT, 0, 0}, /* move_mount */
    {KIND_PATH, 0, 0}, /* move_mount */
    {KIND_ENUM, 0, 1}, /* move_mount */
    {KIND_ENUM, 0, 2}, /* move_mount */
    {KIND_SLOT, 0, 0}, /* copy_up */
    {KIND_SLOT, 0, 0}, /* copy_up */
    {KIND_PATH, 0, 0}, /* copy_up */
    {KIND_SLOT, 0, 0}, /* open_target */
    {KIND_SLOT, 0, 0}, /* open_target */
    {KIND_PATH, 0, 0}, /* open_target */
    {KIND_SLOT, 0, 0}, /* fspick */
    {KIND_STRS, 0, 0}, /* fspick */
    {KIND_SLOT, 0, 0}, /* mkdir */
    {KIND_PATH, 0, 0}, /* mkdir */
    {KIND_U32, 0, 0}, /* mkdir */
    {KIND_SLOT, 0, 0}, /* mknod */
    {KIND_PATH, 0, 0}, /* mknod */
    {KIND_ENUM, 0, 3}, /* mknod */
    {KIND_U32, 0, 0}, /* mknod */
    {KIND_U32, 0, 0}, /* mknod */
    {KIND_U32, 0, 0}, /* mknod */
    {KIND_U32, 0, 0}, /* mknod */
    {KIND_U32, 0, 0}, /* mknod */
    {KIND_SLOT, 0, 0}, /* symlink */
    {KIND_PATH, 0, 0}, /* symlink */
    {KIND_STR, 0, 0}, /* symlink */
    {KIND_SLOT, 0, 0}, /* mask_path */
    {KIND_PATH, 0, 0}, /* mask_path */
    {KIND_SLOT, 0, 0}, /* readonly_path */
    {KIND_PATH, 0, 0}, /* readonly_path */
    {KIND_SLOT, 0, 0}, /* enter_root */
    {KIND_SLOT, 0, 0}, /* pivot_root */
    {KIND_SLOT, 0, 0}, /* move_root */
    {KIND_PATH, 0, 0}, /* move_root */
    {KIND_SLOT, 0, 0}, /* open_console */
    {KIND_SLOT, 0, 0}, /* open_console */
    {KIND_U32, 0, 0}, /* open_console */
    {KIND_U32, 0, 0}, /* open_console */
    {KIND_U32, 0, 0}, /* open_console */
    {KIND_SLOT, 0, 0}, /* use_console */
    {KIND_STR, 0, 0}, /* sethostname */
    {KIND_STR, 0, 0}, /* setdomainname */
    {KIND_U32, 0, 0}, /* umask */
    {KIND_U64, 0, 0}, /* drop_bounding */
    {KIND_U32, 0, 0}, /* drop_bounding */
    {KIND_U32S, 0, 0}, /* setgroups */
    {KIND_U32, 0, 0}, /* setresgid */
    {KIND_U32, 0, 0}, /* setresuid */
    {KIND_U64, 0, 0}, /* capset */
    {KIND_U64, 0, 0}, /* capset */
    {KIND_U64, 0, 0}, /* capset */
    {KIND_U64, 0, 0}, /* raise_ambient */
    {KIND_U32, 0, 0}, /* chown_stdio */
    {KIND_U32, 0, 0}, /* chown_stdio */
    {KIND_STR, 0, 0}, /* chdir */
    {KIND_U32, 0, 0}, /* chdir */
    {KIND_U32, 0, 0}, /* check_cwd */
    {KIND_FLAGS, 0, 3}, /* seccomp */
    {KIND_BYTES, 0, 0}, /* seccomp */
    {KIND_SLOT, 0, 0}, /* seccomp_listen */
    {KIND_FLAGS, 0, 3}, /* seccomp_listen */
    {KIND_BYTES, 0, 0}, /* seccomp_listen */
    {KIND_U32, 0, 0}, /* find_home */
    {KIND_STR, 0, 0}, /* find_executable */
    {KIND_STR, 0, 0}, /* find_executable */
    {KIND_SLOT, 0, 0}, /* wait_start */
    {KIND_SLOT, 0, 0}, /* wait_start */
    {KIND_STR, 0, 0}, /* run_hook */
    {KIND_STRS, 0, 0}, /* run_hook */
    {KIND_STRS, 0, 0}, /* run_hook */
    {KIND_U32, 0, 0}, /* run_hook */
    {KIND_STR, 0, 0}, /* run_hook */
    {KIND_STR, 0, 0}, /* run_hook */
    {KIND_U32, 0, 0}, /* open_hook_output */
    {KIND_PATH, 0, 0}, /* open_hook_output */
    {KIND_U32, 0, 0}, /* close_on_exec */
    {KIND_STRS, 0, 0}, /* exec */
    {KIND_STRS, 0, 0}, /* exec */
    {KIND_U32, 0, 0}, /* supervise */
    {KIND_U32, 1, 0}, /* supervise */
    {KIND_U32, 0, 0}, /* release */
    {KIND_U32, 1, 0}, /* release */
    {KIND_PATH, 0, 0}, /* release */
    {KIND_U32, 0, 0}, /* release */
    {KIND_STRS, 0, 0}, /* release */
    {KIND_STRS, 0, 0}, /* release */
    {KIND_U32, 0, 0}, /* notify */
    {KIND_STR, 0, 0}, /* notify */
    {KIND_PATH, 0, 0}, /* remove_cgroup */
    {KIND_PATH, 0, 0}, /* remove_file */
    {KIND_PATH, 0, 0}, /* remove_directory */
    {KIND_STRS, 0, 0}, /* clean_up_after_failure */
    {KIND_STRS, 0, 0}, /* clean_up_after_failure */
    {KIND_STRS, 0, 0}, /* clean_up */
    {KIND_STRS, 0, 0}, /* clean_up */
    {KIND_PATH, 0, 0}, /* stop_unit */
    {KIND_PATH, 0, 0}, /* stop_unit */
    {KIND_BYTES, 0, 0}, /* stop_unit */
    {KIND_U32, 0, 0}, /* stop_unit */
    {KIND_U32, 0, 0}, /* stop_unit */
    {KIND_PATH, 0, 0}, /* report_oom */
    {KIND_STRS, 0, 0}, /* report_oom */
    {KIND_STRS, 0, 0}, /* report_oom */
    {KIND_U32, 0, 0}, /* join_process */
    {KIND_FLAGS, 0, 0}, /* join_process */
    {KIND_U32, 0, 0}, /* release_exec */
    {KIND_U32, 1, 0}, /* release_exec */
    {KIND_U32, 0, 0}, /* release_exec */
    {KIND_U32, 0, 0}, /* release_exec */
    {KIND_STRS, 0, 0}, /* release_exec */
    {KIND_STRS, 0, 0}, /* release_exec */
    {KIND_ENUM, 0, 4}, /* sched_setattr */
    {KIND_U32, 0, 0}, /* sched_setattr */
    {KIND_U32, 0, 0}, /* sched_setattr */
    {KIND_FLAGS, 0, 4}, /* sched_setattr */
    {KIND_U64, 0, 0}, /* sched_setattr */
    {KIND_U64, 0, 0}, /* sched_setattr */
    {KIND_U64, 0, 0}, /* sched_setattr */
    {KIND_ENUM, 0, 5}, /* ioprio_set */
    {KIND_U32, 0, 0}, /* ioprio_set */
    {KIND_ENUM, 0, 6}, /* set_mempolicy */
    {KIND_FLAGS, 0, 5}, /* set_mempolicy */
    {KIND_BYTES, 0, 0}, /* set_mempolicy */
    {KIND_BYTES, 0, 0}, /* sched_setaffinity */
    {KIND_ENUM, 0, 7}, /* personality */
    {KIND_SLOT, 0, 0}, /* make_user_namespace */
    {KIND_STR, 0, 0}, /* make_user_namespace */
    {KIND_STR, 0, 0}, /* make_user_namespace */
    {KIND_SLOT, 0, 0}, /* idmap_mount */
    {KIND_SLOT, 0, 0}, /* idmap_mount */
    {KIND_U32, 0, 0}, /* idmap_mount */
    {KIND_SLOT, 0, 0}, /* set_label */
    {KIND_ENUM, 0, 8}, /* set_label */
    {KIND_STR, 0, 0}, /* set_label */
    {KIND_SLOT, 0, 0}, /* label_root */
    {KIND_STR, 0, 0}, /* label_root */
};
/* By opcode: where its rules begin, how many fields it has; `known` is 0 in the gaps. */
struct op_rule {
  uint8_t known, fields;
  uint16_t first;
};
static const struct op_rule op_rules[] = {
    [OP_BARRIER] = {1, 1, 0},
    [OP_READY] = {1, 0, 1},
    [OP_OPEN_NAMESPACE] = {1, 3, 1},
    [OP_SETNS] = {1, 2, 4},
    [OP_UNSHARE] = {1, 1, 6},
    [OP_SET_DUMPABLE] = {1, 1, 7},
    [OP_BECOME_ROOT] = {1, 1, 8},
    [OP_CLONE_INIT] = {1, 2, 9},
    [OP_SETSID] = {1, 0, 11},
    [OP_JOIN_SESSION_KEYRING] = {1, 1, 11},
    [OP_LOOPBACK_UP] = {1, 0, 12},
    [OP_JOIN_CGROUP] = {1, 1, 12},
    [OP_OPEN_PATH] = {1, 2, 13},
    [OP_OPEN_FD_DIRECTORY] = {1, 1, 15},
    [OP_OPEN_PROCFS] = {1, 1, 16},
    [OP_WRITE_FILE] = {1, 3, 17},
    [OP_SET_PROPAGATION] = {1, 3, 20},
    [OP_MAKE_PARENT_PRIVATE] = {1, 1, 23},
    [OP_OPEN_ROOT] = {1, 2, 24},
    [OP_FSMOUNT] = {1, 5, 26},
    [OP_OPEN_TREE] = {1, 4, 31},
    [OP_MOUNT_SETATTR] = {1, 5, 35},
    [OP_MOVE_MOUNT] = {1, 5, 40},
    [OP_COPY_UP] = {1, 3, 45},
    [OP_OPEN_TARGET] = {1, 3, 48},
    [OP_FSPICK] = {1, 2, 51},
    [OP_MKDIR] = {1, 3, 53},
    [OP_MKNOD] = {1, 8, 56},
    [OP_SYMLINK] = {1, 3, 64},
    [OP_MASK_PATH] = {1, 2, 67},
    [OP_READONLY_PATH] = {1, 2, 69},
    [OP_ENTER_ROOT] = {1, 1, 71},
    [OP_PIVOT_ROOT] = {1, 1, 72},
    [OP_MOVE_ROOT] = {1, 2, 73},
    [OP_OPEN_CONSOLE] = {1, 5, 75},
    [OP_USE_CONSOLE] = {1, 1, 80},
    [OP_SETHOSTNAME] = {1, 1, 81},
    [OP_SETDOMAINNAME] = {1, 1, 82},
    [OP_UMASK] = {1, 1, 83},
    [OP_SET_NO_NEW_PRIVS] = {1, 0, 84},
    [OP_DROP_BOUNDING] = {1, 2, 84},
    [OP_KEEP_CAPABILITIES] = {1, 0, 86},
    [OP_SETGROUPS] = {1, 1, 86},
    [OP_SETRESGID] = {1, 1, 87},
    [OP_SETRESUID] = {1, 1, 88},
    [OP_CAPSET] = {1, 3, 89},
    [OP_RAISE_AMBIENT] = {1, 1, 92},
    [OP_CHOWN_STDIO] = {1, 2, 93},
    [OP_CHDIR] = {1, 2, 95},
    [OP_CHECK_CWD] = {1, 1, 97},
    [OP_SECCOMP] = {1, 2, 98},
    [OP_SECCOMP_LISTEN] = {1, 3, 100},
    [OP_FIND_HOME] = {1, 1, 103},
    [OP_FIND_EXECUTABLE] = {1, 2, 104},
    [OP_WAIT_START] = {1, 2, 106},
    [OP_RUN_HOOK] = {1, 6, 108},
    [OP_OPEN_HOOK_OUTPUT] = {1, 2, 114},
    [OP_CLOSE_ON_EXEC] = {1, 1, 116},
    [OP_EXEC] = {1, 2, 117},
    [OP_EXIT] = {1, 0, 119},
    [OP_SUPERVISE] = {1, 2, 119},
    [OP_RELEASE] = {1, 6, 121},
    [OP_NOTIFY] = {1, 2, 127},
    [OP_REMOVE_CGROUP] = {1, 1, 129},
    [OP_REMOVE_FILE] = {1, 1, 130},
    [OP_REMOVE_DIRECTORY] = {1, 1, 131},
    [OP_CLEAN_UP_AFTER_FAILURE] = {1, 2, 132},
    [OP_CLEAN_UP] = {1, 2, 134},
    [OP_STOP_UNIT] = {1, 5, 136},
    [OP_REPORT_OOM] = {1, 3, 141},
    [OP_EXIT_LIKE_INIT] = {1, 0, 144},
    [OP_JOIN_PROCESS] = {1, 2, 144},
    [OP_RELEASE_EXEC] = {1, 6, 146},
    [OP_SCHED_SETATTR] = {1, 7, 152},
    [OP_IOPRIO_SET] = {1, 2, 159},
    [OP_SET_MEMPOLICY] = {1, 3, 161},
    [OP_SCHED_SETAFFINITY] = {1, 1, 164},
    [OP_PERSONALITY] = {1, 1, 165},
    [OP_MAKE_USER_NAMESPACE] = {1, 3, 166},
    [OP_IDMAP_MOUNT] = {1, 3, 169},
    [OP_SET_LABEL] = {1, 3, 172},
    [OP_LABEL_ROOT] = {1, 2, 175},
};
static const uint64_t flag_masks[] = {
    0x7e020080, /* namespaces */
    0x2000ff, /* mountAttr */
    0x8001, /* treeFlags */
    0x27, /* seccompFlags */
    0x7f, /* schedFlags */
    0xe000, /* memoryFlags */
};
struct enum_rule {
  uint32_t count;
  uint32_t values[7];
};
static const struct enum_rule enum_rules[] = {
    {5, {0x0, 0x20000, 0x40000, 0x80000, 0x100000}}, /* propagation */
    {4, {0x0, 0x1, 0x2, 0x3}}, /* create */
    {3, {0x0, 0x1, 0x2}}, /* links */
    {3, {0x2000, 0x6000, 0x1000}}, /* nodeType */
    {7, {0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6}}, /* schedPolicy */
    {3, {0x1, 0x2, 0x3}}, /* ioClass */
    {7, {0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6}}, /* memoryMode */
    {2, {0x0, 0x8}}, /* domain */
    {3, {0x1, 0x2, 0x3}}, /* attribute */
};
#endif
