/*
 * bin/tsrun, the npm form's command: starts node on ../dist/tsrun.cjs with flags that make it start sooner. A script did
 * this once and cost 1.3 ms more.
 */
#include "../sys.h"

struct limit {
  uint64_t soft, hard;
};
enum { RLIMIT_NOFILE_ = 7, FAILED = 127 };

/** No background threads, no second compiler, no new hashes of V8's snapshot; no collection of garbage before the end. */
static char *const flags[] = {"--no-rehash-snapshot", "--no-opt",          "--no-sparkplug",
                              "--v8-pool-size=0",     "--min-semi-space-size=4", "--preserve-symlinks-main"};
enum { FLAGS = sizeof flags / sizeof *flags };

static char self[PATH_MAX + sizeof "dist/tsrun.cjs"], candidate[PATH_MAX], caller[64] = "--caller=";

size_t strlen(const char *text);

static char *append(char *to, const char *text) {
  size_t length = strlen(text);
  memcpy(to, text, length + 1);
  return to + length;
}

static char *append_number(char *to, uint64_t number) {
  char digits[24], *at = digits + sizeof digits - 1;
  *at = '\0';
  do *--at = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return append(to, at);
}

static int starts_with(const char *text, const char *start) {
  while (*start != '\0')
    if (*text++ != *start++) return 0;
  return 1;
}

static int fail(const char *text) {
  sys(write, 2, text, strlen(text));
  return FAILED;
}

/** ../dist/tsrun.cjs beside this very file, also when a symlink was called. */
static int find_program(void) {
  int length = sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, PATH_MAX);
  if (length <= 0 || length == PATH_MAX) return -1;
  char *end = self + length;
  for (int parts = 0; parts < 2; parts++) {
    while (end > self && end[-1] != '/') end--;
    end--;
  }
  append(end, "/dist/tsrun.cjs");
  return 0;
}

/** NODE_EXTRA_CA_CERTS alone costs 40 ms a start, and NODE_OPTIONS could be anything. Returns TSRUN_NODE and PATH by the way. */
static void clean_environment(char **variables, const char **node, const char **path) {
  char **to = variables;
  for (char **from = variables; *from != NULL; from++) {
    if (starts_with(*from, "NODE_")) continue;
    if (starts_with(*from, "TSRUN_NODE=")) *node = *from + sizeof "TSRUN_NODE=" - 1;
    if (starts_with(*from, "PATH=")) *path = *from + sizeof "PATH=" - 1;
    *to++ = *from;
  }
  *to = NULL;
}

/** As execvp(3), but an empty element of PATH is nothing instead of the working directory, which is a stranger's here. */
static void search(const char *path, char **argv, char **variables) {
  while (*path != '\0') {
    const char *end = path;
    while (*end != '\0' && *end != ':') end++;
    size_t length = (size_t)(end - path);
    if (length > 0 && length < sizeof candidate - sizeof "/node") {
      memcpy(candidate, path, length);
      append(candidate + length, "/node");
      sys(execve, candidate, argv, variables);
    }
    path = *end == '\0' ? end : end + 1;
  }
}

/** Node raises the soft limit of open files and opens some: what both were goes along. */
static void describe_caller(void) {
  struct limit limit = {0, 0};
  sys(prlimit64, 0, RLIMIT_NOFILE_, NULL, &limit);
  unsigned open = 0;
  while (sys(fcntl, 3 + open, F_GETFD) >= 0) open++;
  char *end = caller + sizeof "--caller=" - 1;
  end = limit.soft == UINT64_MAX ? append(end, "Infinity") : append_number(end, limit.soft);
  append_number(append(end, ","), open);
}

int main(int argc, char **argv) {
  char **variables = argv + argc + 1;
  const char *node = NULL, *path = "/usr/local/bin:/usr/bin:/bin";
  clean_environment(variables, &node, &path);
  if (find_program() < 0) return fail("tsrun: /proc/self/exe cannot be read: is /proc mounted?\n");

  describe_caller();
  size_t words = 1 + FLAGS + 2 + (size_t)(argc > 0 ? argc - 1 : 0);
  long room = sys_long(mmap, NULL, (words + 1) * sizeof(char *), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room < 0 && room > -4096) return fail("tsrun: no memory\n");
  char **all = (char **)room, **to = all;
  *to++ = "node";
  for (size_t i = 0; i < FLAGS; i++) *to++ = flags[i];
  *to++ = self;
  *to++ = caller;
  for (int i = 1; i < argc; i++) *to++ = argv[i];

  if (node == NULL || *node == '\0') search(path, all, variables);
  else if (starts_with(node, "/") || starts_with(node, ".")) sys(execve, node, all, variables);
  return fail("tsrun: node cannot be run: install Node.js 20 or newer, or name it: TSRUN_NODE=/path/to/node\n");
}
