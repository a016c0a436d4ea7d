/* Verbs that run on the host: receivers of descriptors, a terminal for a foreground command, hooks. */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int fail(const char *what) {
  fprintf(stderr, "payload: %s: %s\n", what, strerror(errno));
  return 124;
}

/* A socket that listens; says so. */
static int listening(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0) return -1;
  begin("listening");
  end();
  alarm(30);
  return listener;
}

/* One message and its descriptors; the bytes it has, 0 at the end. */
static ssize_t message(int peer, char *data, size_t size, int *fds, int *count) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(8 * sizeof(int))];
  } control;
  struct iovec part = {data, size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
  *count = 0;
  if (n < 0) return n;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
      *count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      memcpy(fds, CMSG_DATA(c), (size_t)*count * sizeof(int));
    }
  return n;
}

/* Takes one connection and from it one message with descriptors. */
static int receive(const char *path, char *data, size_t size, int *fds, int *count) {
  int listener = listening(path);
  if (listener < 0) return fail("bind");
  int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (peer < 0) return fail("accept");
  ssize_t n = message(peer, data, size - 1, fds, count);
  if (n < 0) return fail("recvmsg");
  data[n] = '\0';
  alarm(0);
  return 0;
}

/* Copies both ways until the master's other end is gone. */
static void relay(int master) {
  char buffer[4096];
  struct pollfd polled[2] = {{.fd = master, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  for (;;) {
    int ready = poll(polled, 2, 60000);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return;
    if (polled[0].revents != 0) {
      ssize_t n = read(master, buffer, sizeof buffer);
      if (n <= 0 || write(1, buffer, (size_t)n) != n) return;
    }
    if (polled[1].revents != 0) {
      ssize_t n = read(0, buffer, sizeof buffer);
      if (n <= 0) polled[1].fd = -1;
      else if (write(master, buffer, (size_t)n) != n) return;
    }
  }
}

static int recvConsoleVerb(int argc, char **argv) {
  char name[4096];
  int fds[8], count = 0;
  struct winsize w = {0};
  struct stat st = {0};
  (void)argc;
  int status = receive(argv[0], name, sizeof name, fds, &count);
  if (status != 0) return status;
  if (count > 0) {
    ioctl(fds[0], TIOCGWINSZ, &w);
    fstat(fds[0], &st);
  }
  begin("console");
  strField("name", name);
  numField("fds", count);
  numField("isatty", count > 0 && isatty(fds[0]));
  numField("major", major(st.st_rdev));
  numField("minor", minor(st.st_rdev));
  numField("rows", w.ws_row);
  numField("cols", w.ws_col);
  end();
  if (count > 0) relay(fds[0]);
  return 0;
}

static int recvPidfdVerb(int argc, char **argv) {
  char data[4096], path[64], line[256];
  int fds[8], count = 0;
  long pid = 0;
  (void)argc;
  int status = receive(argv[0], data, sizeof data, fds, &count);
  if (status != 0) return status;
  if (count > 0) {
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fds[0]);
    FILE *info = fopen(path, "re");
    while (info != NULL && fgets(line, sizeof line, info) != NULL)
      if (strncmp(line, "Pid:", 4) == 0) pid = strtol(line + 4, NULL, 10);
  }
  begin("pidfd");
  strField("data", data);
  numField("fds", count);
  numField("pid", pid);
  end();
  return 0;
}

/* Listens as systemd does for sd_notify(3), and tells of each datagram; the descriptors of a barrier are closed. */
static int recvNotifyVerb(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fds[8], count = 0;
  char data[4096];
  (void)argc;
  int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  strncpy(address.sun_path, argv[0], sizeof address.sun_path - 1);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) return fail("bind");
  begin("listening");
  end();
  alarm(30);
  for (ssize_t n; (n = message(listener, data, sizeof data - 1, fds, &count)) >= 0;) {
    data[n] = '\0';
    for (int i = 0; i < count; i++) close(fds[i]);
    begin("notified");
    strField("data", data);
    numField("fds", count);
    end();
  }
  return fail("recvmsg");
}

/* Sends TEXT to $NOTIFY_SOCKET. */
static int notifyVerb(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = getenv("NOTIFY_SOCKET");
  (void)argc;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (path != NULL) strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int sent = (int)sendto(fd, argv[0], strlen(argv[0]), 0, (struct sockaddr *)&address, sizeof address);
  close(fd);
  begin("notify");
  strField("path", path);
  errField(sent < 0 ? errno : 0);
  end();
  return 0;
}

static int ptyMaster = -1;
static struct winsize ptySize;

/* SIGUSR1 makes the terminal 6 rows and 20 columns larger. */
static void grow(int signal) {
  (void)signal;
  ptySize.ws_row = (unsigned short)(ptySize.ws_row + 6);
  ptySize.ws_col = (unsigned short)(ptySize.ws_col + 20);
  ioctl(ptyMaster, TIOCSWINSZ, &ptySize);
}

static int ptyVerb(int argc, char **argv) {
  (void)argc;
  int unlocked = 0;
  ptySize.ws_row = (unsigned short)toNumber(argv[0]);
  ptySize.ws_col = (unsigned short)toNumber(argv[1]);
  ptyMaster = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ptyMaster < 0 || ioctl(ptyMaster, TIOCSPTLCK, &unlocked) < 0) return fail("ptmx");
  ioctl(ptyMaster, TIOCSWINSZ, &ptySize);
  int slave = ioctl(ptyMaster, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return fail("TIOCGPTPEER");
  pid_t child = fork();
  if (child == 0) {
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    execvp(argv[2], argv + 2);
    _exit(fail(argv[2]));
  }
  close(slave);
  struct sigaction action = {.sa_handler = grow};
  sigaction(SIGUSR1, &action, NULL);
  relay(ptyMaster);
  int status;
  if (waitpid(child, &status, 0) < 0) return fail("waitpid");
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Opens FILE as descriptor FD, not close-on-exec, then runs the command: for --preserve-fds and leak tests. */
static int withFdVerb(int argc, char **argv) {
  (void)argc;
  int wanted = (int)toNumber(argv[0]);
  int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || dup2(fd, wanted) < 0) return fail(argv[1]);
  if (fd != wanted) close(fd);
  execvp(argv[2], argv + 2);
  return fail(argv[2]);
}

/* Ignores and blocks signals, closes nothing, then runs the command: what a careless caller hands down. */
static int carelessVerb(int argc, char **argv) {
  sigset_t set;
  (void)argc;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  execvp(argv[0], argv);
  return fail(argv[0]);
}

/* A hook: appends to FILE one line with what it was given, then goes on with the next verbs (exit, sleep). */
static int hookVerb(int argc, char **argv) {
  static char state[1 << 16];
  char cwd[4096], ns[64] = "", pidns[64] = "";
  size_t size = 0;
  for (ssize_t n; size < sizeof state && (n = read(0, state + size, sizeof state - size)) > 0;) size += (size_t)n;
  if (readlink("/proc/self/ns/mnt", ns, sizeof ns - 1) < 0) ns[0] = '\0';
  if (readlink("/proc/self/ns/pid", pidns, sizeof pidns - 1) < 0) pidns[0] = '\0';
  FILE *before = freopen(argv[1], "ae", stdout);
  if (before == NULL) return fail(argv[1]);
  begin("hook");
  strField("name", argv[0]);
  key("state");
  bytes(state, size);
  strField("cwd", getcwd(cwd, sizeof cwd));
  strField("mnt", ns);
  strField("pidns", pidns);
  numField("hasPayload", access("/bin/payload", X_OK) == 0);
  struct stat st;
  numField("sawExtra", argc > 2 && stat(argv[2], &st) == 0);
  key("env");
  raw("[");
  for (char **item = environ; *item != NULL; item++) {
    if (item != environ) raw(",");
    text(*item);
  }
  raw("]");
  end();
  return 0;
}

/* linux/seccomp.h, which a musl has not at hand. */
struct seccomp_notif {
  unsigned long long id;
  unsigned pid, flags;
  struct {
    int nr;
    unsigned arch;
    unsigned long long instruction_pointer, args[6];
  } data;
};
struct seccomp_notif_resp {
  unsigned long long id;
  long long val;
  int error;
  unsigned flags;
};
#define NOTIF_RECV _IOWR('!', 0, struct seccomp_notif)
#define NOTIF_SEND _IOWR('!', 1, struct seccomp_notif_resp)

/* Decides on one notified call: it fails with this errno. */
static int recvSeccompVerb(int argc, char **argv) {
  char data[4096];
  int fds[8], count = 0;
  (void)argc;
  int status = receive(argv[0], data, sizeof data, fds, &count);
  if (status != 0) return status;
  begin("listener");
  strField("data", data);
  numField("fds", count);
  end();
  if (count == 0) return 0;
  struct seccomp_notif call;
  memset(&call, 0, sizeof call);
  if (ioctl(fds[0], NOTIF_RECV, &call) < 0) return fail("NOTIF_RECV");
  struct seccomp_notif_resp answer = {.id = call.id, .error = -(int)toNumber(argv[1])};
  if (ioctl(fds[0], NOTIF_SEND, &answer) < 0) return fail("NOTIF_SEND");
  begin("decided");
  numField("pid", call.pid);
  numField("result", call.data.nr);
  end();
  return 0;
}

/* Takes connections and reads each to its end: what came, with how many descriptors, first and later. Decides on nothing. */
static int recvStatesVerb(int argc, char **argv) {
  (void)argc;
  int listener = listening(argv[0]);
  if (listener < 0) return fail("bind");
  for (long left = toNumber(argv[1]); left > 0; left--) {
    char data[8192];
    int fds[8], first = 0, count = 0, later = 0;
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0) return fail("accept");
    size_t size = 0;
    ssize_t n = message(peer, data, sizeof data - 1, fds, &first);
    while (n > 0) {
      size += (size_t)n;
      n = message(peer, data + size, sizeof data - 1 - size, fds, &count);
      later += count;
    }
    if (n < 0) return fail("recvmsg");
    data[size] = '\0';
    begin("connection");
    strField("data", data);
    numField("fds", first);
    numField("later", later);
    end();
    fflush(stdout);
    close(peer);
  }
  return 0;
}

const struct verb hostVerbs[] = {
    {"recv-console", 1, recvConsoleVerb, "SOCKET (then relays the terminal)"},
    {"recv-pidfd", 1, recvPidfdVerb, "SOCKET"},
    {"recv-notify", 1, recvNotifyVerb, "SOCKET (until it is killed)"},
    {"notify", 1, notifyVerb, "TEXT (to $NOTIFY_SOCKET)"},
    {"recv-seccomp", 2, recvSeccompVerb, "SOCKET ERRNO (decides on one call)"},
    {"recv-states", 2, recvStatesVerb, "SOCKET N (reads N connections to their ends)"},
    {"pty", 3, ptyVerb, "ROWS COLS COMMAND... (last)"},
    {"with-fd", 3, withFdVerb, "FD FILE COMMAND... (last)"},
    {"careless", 1, carelessVerb, "COMMAND... (last)"},
    {"hook", 2, hookVerb, "NAME FILE [PATH]"},
    {NULL, 0, NULL, NULL},
};
