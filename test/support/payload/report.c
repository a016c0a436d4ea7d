/* `report`: everything that a process can say about itself, as one object. Works without /proc where it can. */
#include "out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void list(const char *name, char **items) {
  key(name);
  raw("[");
  for (char **item = items; *item != NULL; item++) {
    if (item != items) raw(",");
    text(*item);
  }
  raw("]");
}

static void ids(void) {
  uid_t u[3];
  gid_t g[3];
  gid_t groups[256];
  getresuid(&u[0], &u[1], &u[2]);
  getresgid(&g[0], &g[1], &g[2]);
  printf(",\"uid\":[%u,%u,%u],\"gid\":[%u,%u,%u],\"groups\":[", u[0], u[1], u[2], g[0], g[1], g[2]);
  int n = getgroups(256, groups);
  for (int i = 0; i < n; i++) printf("%s%u", i > 0 ? "," : "", groups[i]);
  raw("]");
  mode_t mask = umask(0);
  umask(mask);
  numField("umask", mask);
}

static void capabilities(void) {
  /* as in <linux/capability.h>, which musl does not bring */
  struct {
    unsigned version;
    int pid;
  } header = {0x20080522, 0};
  struct {
    unsigned effective, permitted, inheritable;
  } d[2];
  memset(d, 0, sizeof d);
  syscall(SYS_capget, &header, d);
  unsigned long long bounding = 0, ambient = 0;
  for (unsigned i = 0; i < 64; i++) {
    if (prctl(PR_CAPBSET_READ, (unsigned long)i, 0UL, 0UL, 0UL) == 1) bounding |= 1ULL << i;
    if (prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_IS_SET, (unsigned long)i, 0UL, 0UL) == 1) ambient |= 1ULL << i;
  }
  key("caps");
  printf("{\"effective\":\"%08x%08x\",\"permitted\":\"%08x%08x\",\"inheritable\":\"%08x%08x\"", d[1].effective,
         d[0].effective, d[1].permitted, d[0].permitted, d[1].inheritable, d[0].inheritable);
  printf(",\"bounding\":\"%016llx\",\"ambient\":\"%016llx\"}", bounding, ambient);
}

static void limits(void) {
  static const struct {
    const char *name;
    int resource;
  } rows[] = {{"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},         {"CPU", RLIMIT_CPU},
              {"DATA", RLIMIT_DATA},       {"FSIZE", RLIMIT_FSIZE},       {"LOCKS", RLIMIT_LOCKS},
              {"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
              {"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},       {"RSS", RLIMIT_RSS},
              {"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},     {"SIGPENDING", RLIMIT_SIGPENDING},
              {"STACK", RLIMIT_STACK}};
  struct rlimit r;
  key("rlimits");
  raw("{");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    getrlimit(rows[i].resource, &r);
    printf("%s\"%s\":[\"%llu\",\"%llu\"]", i > 0 ? "," : "", rows[i].name, (unsigned long long)r.rlim_cur,
           (unsigned long long)r.rlim_max);
  }
  raw("}");
}

/* Numbers of the signals that are ignored, and of those that are blocked. */
static void signals(void) {
  sigset_t mask;
  const char *comma = "";
  key("ignored");
  raw("[");
  for (int i = 1; i < 65; i++) {
    struct sigaction action;
    if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
      printf("%s%d", comma, i);
      comma = ",";
    }
  }
  raw("]");
  key("blocked");
  raw("[");
  sigprocmask(SIG_BLOCK, NULL, &mask);
  comma = "";
  for (int i = 1; i < 65; i++)
    if (sigismember(&mask, i) == 1) {
      printf("%s%d", comma, i);
      comma = ",";
    }
  raw("]");
}

static void descriptors(void) {
  char path[64], target[4096];
  const char *comma = "";
  key("fds");
  raw("{");
  for (int fd = 0; fd < 1024; fd++) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target);
    printf("%s\"%d\":", comma, fd);
    bytes(target, n < 0 ? 0 : (size_t)n);
    comma = ",";
  }
  raw("}");
}

static void namespaces(void) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  char path[64], target[128];
  key("ns");
  raw("{");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    ssize_t n = readlink(path, target, sizeof target);
    printf("%s\"%s\":", i > 0 ? "," : "", names[i]);
    bytes(target, n < 0 ? 0 : (size_t)n);
  }
  raw("}");
}

/* Per standard descriptor: null, or the terminal's name and size. */
static void terminals(void) {
  key("tty");
  raw("[");
  for (int fd = 0; fd < 3; fd++) {
    struct winsize w;
    if (fd > 0) raw(",");
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &w) < 0) {
      raw("null");
      continue;
    }
    char *name = ttyname(fd);
    printf("{\"name\":");
    text(name);
    printf(",\"rows\":%u,\"cols\":%u}", w.ws_row, w.ws_col);
  }
  raw("]");
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  numField("controllingTerminal", fd >= 0);
  if (fd >= 0) close(fd);
}

static void keyring(void) {
  char description[256] = "";
  enum { getKeyringId = 0, describe = 6, sessionKeyring = -3 };
  long id = syscall(SYS_keyctl, getKeyringId, sessionKeyring, 0);
  long n = id < 0 ? -1 : syscall(SYS_keyctl, describe, id, description, sizeof description);
  numField("keyring", id);
  strField("keyringName", n < 0 ? NULL : description);
}

static void loopback(void) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, "lo", 3);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
  if (fd >= 0) close(fd);
  numField("loopbackUp", up);
}

static void oomScore(void) {
  FILE *file = fopen("/proc/self/oom_score_adj", "re");
  int value = 0;
  if (file != NULL && fscanf(file, "%d", &value) == 1) numField("oomScoreAdj", value);
  if (file != NULL) fclose(file);
}

static int reportVerb(int argc, char **argv) {
  char cwd[4096];
  struct utsname uts;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  sched_getaffinity(0, sizeof cpus, &cpus);
  uname(&uts);
  (void)argc;
  (void)argv;
  fflush(stdout);
  begin("report");
  numField("pid", getpid());
  numField("ppid", getppid());
  numField("sid", getsid(0));
  numField("pgid", getpgrp());
  strField("cwd", getcwd(cwd, sizeof cwd));
  list("env", environ);
  ids();
  capabilities();
  numField("noNewPrivs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  numField("seccomp", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
  numField("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  int deathSignal = 0;
  prctl(PR_GET_PDEATHSIG, &deathSignal);
  numField("deathSignal", deathSignal);
  numField("securebits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
  numField("cpus", CPU_COUNT(&cpus));
  strField("hostname", uts.nodename);
  strField("domainname", uts.domainname);
  limits();
  oomScore();
  signals();
  descriptors();
  namespaces();
  terminals();
  keyring();
  loopback();
  end();
  return 0;
}

static int argsVerb(int argc, char **argv) {
  (void)argc;
  begin("args");
  list("args", argv);
  end();
  return 0;
}

const struct verb reportVerbs[] = {
    {"report", 0, reportVerb, "(everything about this process)"},
    {"args", 0, argsVerb, "ARG... (last: prints them)"},
    {NULL, 0, NULL, NULL},
};
