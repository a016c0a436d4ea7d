/* What is left when a container has ended. */
#include "shim.h"

static int gone_is_fine(int error) { return error == -ENOENT ? 0 : error; }

/* The last process of a cgroup is counted a little longer than it can be seen (crun waited for ever here once). */
int run_remove_cgroup(const struct op_remove_cgroup *op) {
  /* After the first that could not be removed all is left to who can kill. */
  int64_t deadline = shim.cleanup_failed ? 0 : now() + 1000;
  for (int64_t pause = 1;; pause *= 2) {
    int error = sys(unlinkat, AT_FDCWD, text(op->path), AT_REMOVEDIR);
    if (error != -EBUSY || now() >= deadline) return failed(REMOVE_CGROUP_RMDIR, gone_is_fine(error));
    struct __kernel_timespec time = {0, (pause < 64 ? pause : 64) * 1000000};
    sys(nanosleep, &time, NULL);
  }
}

static int is_there(struct ref path) {
  struct stat stat;
  return sys(newfstatat, AT_FDCWD, text(path), &stat, 0) >= 0;
}

/* What it answers is not read for what it says: the cgroup that goes is the answer, and whatever comes wakes us to look. Until then
   the socket stays open, or systemd would drop what it has not read yet. */
static int speak(int fd, const struct op_stop_unit *op) {
  size_t sent = 0, next = (size_t)op->first, length = (size_t)op->length;
  for (int64_t deadline = now() + 1000; is_there(op->cgroup);) {
    char answer[4096];
    struct pollfd poll = {.fd = fd, .events = POLLIN};
    struct __kernel_timespec time = {0, 10 * 1000000};
    if (next > op->message.length || length > op->message.length) return failed(STOP_UNIT_SEND, -EINVAL);
    if (sent < next) {
      int error = sys(sendto, fd, text(op->message) + sent, next - sent, MSG_NOSIGNAL, NULL, 0);
      if (error < 0) return failed(STOP_UNIT_SEND, error);
      sent = next;
    }
    int got = sys(ppoll, &poll, 1, &time, NULL, 0) > 0 ? sys(read, fd, answer, sizeof answer) : -EAGAIN;
    if (got > 0) next = length;
    if (got == 0) got = -ECONNRESET;
    if (got == -EAGAIN && now() >= deadline) got = -ETIMEDOUT;
    if (got < 0 && got != -EAGAIN) return failed(STOP_UNIT_POLL, got);
  }
  return 0;
}

int run_stop_unit(const struct op_stop_unit *op) {
  struct {
    uint16_t family;
    char path[108];
  } address = {AF_UNIX, {0}};
  if (!is_there(op->cgroup)) return 0;
  if (op->socket.length >= sizeof address.path) return failed(STOP_UNIT_CONNECT, -ENAMETOOLONG);
  memcpy(address.path, text(op->socket), op->socket.length);
  int fd = sys(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | O_NONBLOCK, 0);
  if (fd < 0) return failed(STOP_UNIT_SOCKET, fd);
  int error = sys(connect, fd, &address, sizeof address);
  error = error < 0 ? failed(STOP_UNIT_CONNECT, error) : speak(fd, op);
  close_fd(fd);
  return error;
}

int run_remove_file(const struct op_remove_file *op) {
  return failed(REMOVE_FILE_UNLINK, gone_is_fine(sys(unlinkat, AT_FDCWD, text(op->path), 0)));
}

int run_remove_directory(const struct op_remove_directory *op) {
  return failed(REMOVE_DIRECTORY_RMDIR, gone_is_fine(sys(unlinkat, AT_FDCWD, text(op->path), AT_REMOVEDIR)));
}

int run_clean_up(const struct op_clean_up *op) {
  return run_program(op->args, op->env, CLEAN_UP_FORK, CLEAN_UP_EXECVE);
}

int run_clean_up_after_failure(const struct op_clean_up_after_failure *op) {
  if (!shim.cleanup_failed) return 0;
  return run_program(op->args, op->env, CLEAN_UP_AFTER_FAILURE_FORK, CLEAN_UP_AFTER_FAILURE_EXECVE);
}
