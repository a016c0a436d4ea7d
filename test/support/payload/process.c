/* Verbs of a process's life: end, wait, print, trap, fork, use memory. */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int trueVerb(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return 0;
}

static int exitVerb(int argc, char **argv) {
  (void)argc;
  fflush(stdout);
  _exit((int)toNumber(argv[0]));
}

static int euidVerb(int argc, char **argv) {
  (void)argc;
  (void)argv;
  printf("Effective uid: %d\n", (int)geteuid());
  return 0;
}

static int echoVerb(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("%s%s", i > 0 ? " " : "", argv[i]);
  putchar('\n');
  return 0;
}

static int errVerb(int argc, char **argv) {
  for (int i = 0; i < argc; i++) fprintf(stderr, "%s%s", i > 0 ? " " : "", argv[i]);
  fputc('\n', stderr);
  return 0;
}

/* stdin to stdout until its end */
static int copyVerb(int argc, char **argv) {
  static char buffer[1 << 16];
  (void)argc;
  (void)argv;
  for (ssize_t n; (n = read(0, buffer, sizeof buffer)) > 0;)
    for (ssize_t done = 0, m; done < n; done += m)
      if ((m = write(1, buffer + done, (size_t)(n - done))) < 0) return 1;
  return 0;
}

/* numbered lines of 16 bytes each */
static int linesVerb(int argc, char **argv) {
  enum { LINE = 16, LINES = 4096 };
  static char buffer[LINE * LINES + 1];
  long bytes = strtol(argv[0], NULL, 10);
  (void)argc;
  for (long number = 0; number * LINE < bytes;) {
    int length = 0;
    for (int i = 0; i < LINES && number * LINE < bytes; i++) length += sprintf(buffer + length, "%015ld\n", number++);
    for (ssize_t done = 0, m; done < length; done += m)
      if ((m = write(1, buffer + done, (size_t)(length - done))) < 0) return 1;
  }
  return 0;
}

static int sleepVerb(int argc, char **argv) {
  double seconds = strtod(argv[0], NULL);
  struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  (void)argc;
  while (nanosleep(&t, &t) < 0 && errno == EINTR) {}
  return 0;
}

/* Ends by itself after a minute, so that a broken test leaves nothing for long. */
static int waitVerb(int argc, char **argv) {
  (void)argc;
  (void)argv;
  for (int i = 0; i < 60; i++) {
    sleep(1);
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
  return 99;
}

static volatile sig_atomic_t caught;
static void catchSignal(int signal) { caught = signal; }

/* Says {"verb":"trap"} when ready, then waits for one of the signals and says which one came. */
static int trapVerb(int argc, char **argv) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  for (int i = 0; i < argc; i++) {
    struct sigaction action = {.sa_handler = catchSignal};
    sigaction((int)toNumber(argv[i]), &action, NULL);
  }
  begin("trap");
  end();
  alarm(60);
  while (caught == 0) sigsuspend(&before);
  sigprocmask(SIG_SETMASK, &before, NULL);
  begin("caught");
  numField("signal", caught);
  struct winsize w;
  if (ioctl(0, TIOCGWINSZ, &w) == 0) {
    numField("rows", w.ws_row);
    numField("cols", w.ws_col);
  }
  caught = 0;
  end();
  return 0;
}

static int forkVerb(int argc, char **argv) {
  int wanted = (int)toNumber(argv[0]);
  int made = 0;
  int error = 0;
  (void)argc;
  for (; made < wanted; made++) {
    pid_t child = fork();
    if (child < 0) {
      error = errno;
      break;
    }
    if (child == 0) {
      sleep(60);
      _exit(0);
    }
  }
  begin("fork");
  numField("made", made);
  errField(error);
  end();
  return 0;
}

/* Touches every page of N bytes. */
static int allocVerb(int argc, char **argv) {
  size_t size = (size_t)toNumber(argv[0]);
  (void)argc;
  char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int error = p == MAP_FAILED ? errno : 0;
  for (size_t i = 0; error == 0 && i < size; i += 4096) p[i] = 1;
  begin("alloc");
  errField(error);
  end();
  return 0;
}

static int killVerb(int argc, char **argv) {
  (void)argc;
  int error = kill((pid_t)toNumber(argv[0]), (int)toNumber(argv[1])) < 0 ? errno : 0;
  begin("kill");
  errField(error);
  end();
  return 0;
}

static int raiseVerb(int argc, char **argv) {
  (void)argc;
  pid_t child = fork(); /* pid 1 of a pid namespace ignores its own signals */
  if (child == 0) {
    raise((int)toNumber(argv[0]));
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  begin("raise");
  numField("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  end();
  return 0;
}

static int execVerb(int argc, char **argv) {
  (void)argc;
  execv(argv[0], argv);
  int error = errno;
  begin("exec");
  errField(error);
  end();
  return 0;
}

const struct verb processVerbs[] = {
    {"true", 0, trueVerb, ""},
    {"exit", 1, exitVerb, "STATUS"},
    {"euid", 0, euidVerb, "(in the words of Kubernetes' image for that)"},
    {"echo", 0, echoVerb, "TEXT..."},
    {"err", 0, errVerb, "TEXT... (to stderr)"},
    {"copy", 0, copyVerb, "(stdin to stdout)"},
    {"lines", 1, linesVerb, "BYTES (of numbered lines)"},
    {"sleep", 1, sleepVerb, "SECONDS"},
    {"wait", 0, waitVerb, "(at most a minute, reaping)"},
    {"trap", 1, trapVerb, "SIGNAL... (waits for one)"},
    {"fork", 1, forkVerb, "N (sleeping children)"},
    {"alloc", 1, allocVerb, "BYTES"},
    {"kill", 2, killVerb, "PID SIGNAL"},
    {"raise", 1, raiseVerb, "SIGNAL (in a child)"},
    {"exec", 1, execVerb, "FILE ARG..."},
    {NULL, 0, NULL, NULL},
};
