/* Verbs of an attacker: what a hostile container or a hostile neighbour does while a runtime works. */
#include "out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Exchanges two names as fast as it can, for at most a minute. */
static int swapVerb(int argc, char **argv) {
  enum { EXCHANGE = 2 };
  (void)argc;
  alarm(60);
  begin("swap");
  end();
  for (;;)
    if (syscall(SYS_renameat2, AT_FDCWD, argv[0], AT_FDCWD, argv[1], EXCHANGE) < 0 && errno == EINVAL) return 1;
}

enum { MOST = 256 };
static char *seen[MOST];
static size_t seenCount;

static void remember(const char *what, const char *target) {
  char line[4500];
  snprintf(line, sizeof line, "%s %s", what, target);
  for (size_t i = 0; i < seenCount; i++)
    if (strcmp(seen[i], line) == 0) return;
  if (seenCount < MOST) seen[seenCount++] = strdup(line);
}

static int isNumber(const char *name) { return *name >= '1' && *name <= '9'; }

/* Where a link of another process's procfs directory leads, if we are let look. */
static void peekLink(int pid, const char *name, const char *what) {
  char path[512], target[4096];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length < 0) return;
  target[length] = '\0';
  remember(what, target);
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return;
  close(fd);
  remember("write", target);
}

static void peekFile(int pid, const char *name) {
  char path[512], text[256];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return;
  for (ssize_t i = 0; i < length; i++)
    if (text[i] == '\0') text[i] = ' ';
  text[length] = '\0';
  remember(name, text);
}

/* Everything of every other process that can be looked at, again and again: links, descriptors, environment. */
static int peekVerb(int argc, char **argv) {
  struct timespec start, now;
  int self = (int)getpid();
  (void)argc;
  clock_gettime(CLOCK_MONOTONIC, &start);
  begin("peeking");
  end();
  do {
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
      int pid = atoi(entry->d_name);
      if (!isNumber(entry->d_name) || pid == self) continue;
      peekLink(pid, "exe", "exe");
      peekLink(pid, "cwd", "cwd");
      peekLink(pid, "root", "root");
      peekFile(pid, "environ");
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/fd", pid);
      DIR *fds = opendir(path);
      for (struct dirent *fd; fds != NULL && (fd = readdir(fds)) != NULL;) {
        if (fd->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "fd/%.16s", fd->d_name);
        peekLink(pid, path, "fd");
      }
      if (fds != NULL) closedir(fds);
    }
    if (processes != NULL) closedir(processes);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec - start.tv_sec < toNumber(argv[0]));
  begin("peek");
  key("names");
  raw("[");
  for (size_t i = 0; i < seenCount; i++) {
    if (i > 0) raw(",");
    text(seen[i]);
  }
  raw("]");
  end();
  return 0;
}

/* The seals of a memfd, -1 when it is none. */
static int sealsVerb(int argc, char **argv) {
  (void)argc;
  int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
  int error = fd < 0 ? errno : 0;
  begin("seals");
  strField("path", argv[0]);
  errField(error);
  numField("result", fd < 0 ? -1 : fcntl(fd, F_GET_SEALS));
  end();
  if (fd >= 0) close(fd);
  return 0;
}

/* Tries to open for writing, until it works or the time is over: a program that runs cannot be, until it has ended. */
static int overwriteVerb(int argc, char **argv) {
  struct timespec start, now;
  (void)argc;
  int fd = open(argv[0], O_PATH | O_CLOEXEC);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int error = fd < 0 ? errno : 0;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    int out = fd < 0 ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    error = out < 0 ? errno : 0;
    if (out >= 0 && write(out, "#!", 2) < 0) error = errno;
    if (out >= 0) close(out);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (fd >= 0 && error != 0 && now.tv_sec - start.tv_sec < toNumber(argv[1]));
  begin("overwrite");
  strField("path", argv[0]);
  errField(error);
  end();
  return 0;
}

/* Forks as fast as it may, in every process that comes of it, and goes on when it may not; for at most a minute. */
static int bombVerb(int argc, char **argv) {
  (void)argc;
  (void)argv;
  signal(SIGCHLD, SIG_IGN);
  alarm(60);
  begin("bomb");
  end();
  fflush(stdout);
  for (;;)
    if (fork() == 0) alarm(60);
  return 0;
}

/* A session keyring of that name, for others to join and to search. Waits as long as it is needed. */
static int squatVerb(int argc, char **argv) {
  enum { JOIN = 1, SETPERM = 5 };
  (void)argc;
  alarm(60);
  long keyring = syscall(SYS_keyctl, JOIN, argv[0]);
  int error = keyring < 0 || syscall(SYS_keyctl, SETPERM, keyring, 0x3f3f3f3f) < 0 ? errno : 0;
  begin("squat");
  errField(error);
  numField("result", keyring);
  end();
  fflush(stdout);
  for (;;) pause();
  return 0;
}

/* chroot(2)'s oldest way out: a working directory outside of the root, from where .. goes on up. The verbs after it are outside. */
static int breakoutVerb(int argc, char **argv) {
  enum { DEEP = 64 };
  (void)argc;
  int result = mkdir(argv[0], 0700);
  if (result == 0) result = chroot(argv[0]);
  for (int i = 0; i < DEEP && result == 0; i++) result = chdir("..");
  if (result == 0) result = chroot(".");
  int error = result < 0 ? errno : 0;
  begin("breakout");
  strField("path", argv[0]);
  errField(error);
  end();
  return 0;
}

const struct verb attackVerbs[] = {
    {"breakout", 1, breakoutVerb, "DIR (is made; then up and out of the root)"},
    {"squat", 1, squatVerb, "NAME (has a session keyring of that name)"},
    {"bomb", 0, bombVerb, "(forks without end; limit it)"},
    {"swap", 2, swapVerb, "A B (exchanges two names until it is killed)"},
    {"peek", 1, peekVerb, "SECONDS (looks into all other processes)"},
    {"seals", 1, sealsVerb, "PATH (of a memfd)"},
    {"overwrite", 2, overwriteVerb, "PATH SECONDS (tries to write to it)"},
    {NULL, 0, NULL, NULL},
};
