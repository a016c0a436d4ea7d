/* sd_notify(3) beside a foreground container: that it is ready is passed on, once. */
#include "monitor.h"

static struct {
  int on;
  int listener;
  struct ref host;
} notify;

int run_notify(const struct op_notify *op) {
  notify.listener = (int)op->listener;
  notify.host = op->host;
  notify.on = 1;
  return 0;
}

int notify_fd(void) { return notify.on ? notify.listener : -1; }

/** A socket that is gone, or full, is the caller's own affair. */
static void tell(const char *words, size_t length) {
  struct {
    uint16_t family;
    char path[108];
  } address = {AF_UNIX, {0}};
  size_t size = notify.host.length;
  if (size > sizeof address.path) return;
  memcpy(address.path, text(notify.host), size);
  if (address.path[0] == '@') address.path[0] = '\0'; /* an abstract name, without an end */
  else if (size < sizeof address.path) size++;
  int fd = sys(socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sys(sendto, fd, words, length, MSG_NOSIGNAL | MSG_DONTWAIT, &address, sizeof address.family + size);
  close_fd(fd);
}

/** As runc: one datagram with the line, one with the pid that systemd is to watch, which is ours. */
static void pass_on_ready(char *line, size_t length) {
  char words[sizeof "MAINPID=" + 12] = "MAINPID=";
  line[length] = '\n';
  tell(line, length + 1);
  size_t size = 8 + to_decimal((uint32_t)sys(getpid), words + 8);
  words[size++] = '\n';
  tell(words, size);
  close_fd(notify.listener);
  notify.on = 0;
}

void notify_read(void) {
  static char bytes[4096 + 1];
  int got = sys(read, notify.listener, bytes, sizeof bytes - 1);
  if (got == -EAGAIN || got == -EINTR) return;
  for (size_t at = 0; notify.on && got > 0 && at < (size_t)got;) {
    size_t length = 0;
    while (at + length < (size_t)got && bytes[at + length] != '\n') length++;
    if (length > 6 && memcmp(bytes + at, "READY=", 6) == 0) pass_on_ready(bytes + at, length);
    at += length + 1;
  }
}
