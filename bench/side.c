/*
 * side: times commands side by side. Each round runs every command once, so that whatever else the machine does
 * hits all of them alike. One line of output for each: name, median, lowest, 90th percentile (ms), peak memory (KiB)
 * of any of its processes, failures.
 *
 *   side [-n rounds] [-w warmups] [-p pause] [-v] NAME CMD [ARG...] [+ CMD ...] [~ CMD ...] , NAME CMD ...
 *
 * `-p` rests so many microseconds, untimed, before each series.
 * `+` chains commands that are timed together, one after the other; `~` does the same after an untimed pause of 25 ms;
 * `!` before a command lets it fail, NAME=VALUE before it (after `!`) sets a variable for it. Output of the commands goes to /dev/null (-v: stderr is kept).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SERIES = 32, MAX_STEPS = 16, MAX_ROUNDS = 10000 };

struct step {
  char **argv, **envp;
  bool pause;
  bool may_fail;
};

struct series {
  const char *name;
  struct step steps[MAX_STEPS];
  int count;
  double *ms;
  long peak;
  int failures;
};

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Runs one round of a series; returns its time in ms, without the pauses. */
static double once(struct series *s, const posix_spawn_file_actions_t *files)
{
  double total = 0;
  for (int i = 0; i < s->count; i++) {
    struct step *step = &s->steps[i];
    if (step->pause) usleep(25000);
    double start = now();
    pid_t pid;
    int error = posix_spawnp(&pid, step->argv[0], files, NULL, step->argv, step->envp);
    if (error != 0) {
      fprintf(stderr, "side: %s: %s\n", step->argv[0], strerror(error));
      s->failures++;
      return total;
    }
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {}
    total += now() - start;
    if (usage.ru_maxrss > s->peak) s->peak = usage.ru_maxrss;
    if (status != 0 && !step->may_fail) s->failures++;
  }
  return total;
}

/* The words NAME=VALUE at the start of `words`, before the environment; *count becomes their number. */
static char **with_variables(char **words, int end, int *count)
{
  int own = 0, inherited = 0;
  while (own < end && strchr(words[own], '=') != NULL) own++;
  while (environ[inherited] != NULL) inherited++;
  char **envp = calloc((size_t)(own + inherited + 1), sizeof *envp);
  if (envp == NULL) exit(2);
  memcpy(envp, words, (size_t)own * sizeof *envp);
  memcpy(envp + own, environ, (size_t)inherited * sizeof *envp);
  *count = own;
  return envp;
}

int main(int argc, char **argv)
{
  static struct series all[MAX_SERIES];
  int rounds = 30, warmups = 3, rest = 0, count = 0, option;
  bool verbose = false;
  while ((option = getopt(argc, argv, "+n:w:p:v")) != -1) {
    if (option == 'n') rounds = atoi(optarg);
    else if (option == 'w') warmups = atoi(optarg);
    else if (option == 'p') rest = atoi(optarg);
    else if (option == 'v') verbose = true;
    else return 2;
  }
  if (rounds < 1 || rounds > MAX_ROUNDS) return 2;
  for (int i = optind; i < argc && count < MAX_SERIES; count++) {
    struct series *s = &all[count];
    s->name = argv[i++];
    s->ms = calloc((size_t)rounds, sizeof *s->ms);
    bool pause = false;
    while (i < argc && strcmp(argv[i], ",") != 0) {
      if (s->count == MAX_STEPS) return 2;
      struct step *step = &s->steps[s->count++];
      step->pause = pause;
      if (strcmp(argv[i], "!") == 0) step->may_fail = true, i++;
      int variables = 0;
      step->envp = with_variables(&argv[i], argc - i, &variables);
      i += variables;
      step->argv = &argv[i];
      while (i < argc && strcmp(argv[i], "+") != 0 && strcmp(argv[i], "~") != 0 && strcmp(argv[i], ",") != 0) i++;
      if (i < argc && strcmp(argv[i], ",") != 0) {
        pause = argv[i][0] == '~';
        argv[i++] = NULL;
      }
    }
    if (i < argc) argv[i++] = NULL;
    if (s->count == 0 || s->ms == NULL) return 2;
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  if (!verbose) posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  for (int r = -warmups; r < rounds; r++) {
    for (int i = 0; i < count; i++) {
      if (rest > 0) usleep((useconds_t)rest);
      double ms = once(&all[i], &files);
      if (r >= 0) all[i].ms[r] = ms;
    }
  }
  for (int i = 0; i < count; i++) {
    struct series *s = &all[i];
    qsort(s->ms, (size_t)rounds, sizeof *s->ms, ascending);
    printf("%s\t%.3f\t%.3f\t%.3f\t%ld\t%d\n", s->name, s->ms[rounds / 2], s->ms[0], s->ms[rounds * 9 / 10],
           s->peak, s->failures);
  }
  return 0;
}
