/* tsrun-shim VERB PLAN_FD REPORT_FD PRESERVED (README.md is the contract). */
#include "shim.h"

struct shim shim;

/** A decimal without sign, leading zero or anything behind it; -1 when it is not one. */
static int to_number(const char *digits) {
  int value = 0;
  if (*digits == '\0' || (*digits == '0' && digits[1] != '\0')) return -1;
  for (; *digits != '\0'; digits++) {
    if (*digits < '0' || *digits > '9' || value > 99999) return -1;
    value = value * 10 + (*digits - '0');
  }
  return value;
}

static void close_between(int first, int last) {
  if (first <= last) sys(close_range, first, last, 0);
}

/**
 * What the caller left in this process must not reach the container, and the container must not look into it.
 * Inherited descriptors are closed at once, because init may wait for days and somebody may wait for their end;
 * where a filter forbids that, they still end with exec.
 */
static int clean_up_process(int plan_fd) {
  int first = 3 + shim.preserved;
  int low = plan_fd < shim.report ? plan_fd : shim.report, high = plan_fd ^ shim.report ^ low;
  /* The monitor takes its signals from a descriptor: one that came before it listens waits for it. */
  reset_signals(shim.verb == VERB_MONITOR ? ALL_SIGNALS : 0);
  shim.umask = (uint32_t)sys(umask, 0);
  if (shim.verb == VERB_LAUNCH) {
    close_between(first, low - 1);
    close_between(low + 1, high - 1);
    close_between(high + 1, INT32_MAX);
  }
  int error = sys(prctl, PR_SET_DUMPABLE, 0);
  return error < 0 ? error : close_on_exec((unsigned)first);
}

static int parse(int argc, char **argv, int *plan_fd) {
  static const char *const verbs[] = {"launch", "monitor", "check"};
  shim.report = -1;
  if (argc != 5) return -1;
  int verb = 0;
  while (verb < 3 && !same(argv[1], verbs[verb])) verb++;
  if (verb == 3) return -1;
  shim.verb = (enum verb)verb;
  *plan_fd = to_number(argv[2]);
  int report_to = to_number(argv[3]);
  shim.preserved = to_number(argv[4]);
  if (*plan_fd < 0 || report_to < 0 || shim.preserved < 0) return -1;
  if (shim.verb == VERB_LAUNCH && (*plan_fd < 3 + shim.preserved || report_to < 3 + shim.preserved)) return -1;
  if (shim.verb != VERB_MONITOR) shim.report = report_to;
  return 0;
}

/** Decodes all of the plan; from here on memory is only read. */
static int load(int plan_fd, uint32_t *refusal) {
  const uint8_t *bytes = NULL;
  size_t length = 0;
  *refusal = PLAN_READ;
  int error = read_plan(plan_fd, &bytes, &length);
  if (error < 0) return error;
  if (check_plan(bytes, length, &shim.plan, refusal) < 0) return -EBADMSG;
  if (shim.verb == VERB_CHECK) return 0;
  sys(close, plan_fd);
  /* Two more: a HOME that find_home adds, and a NULL. */
  size_t size = (shim.plan.pointers + 2) * sizeof *shim.pointers;
  long room = sys_long(mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room < 0 && room > -4096) return (int)room;
  shim.pointers = (char **)room;
  return 0;
}

int main(int argc, char **argv) {
  int plan_fd = -1;
  if (parse(argc, argv, &plan_fd) < 0) return 2;
  if (shim.verb == VERB_MONITOR) mask_signals(ALL_SIGNALS);
  for (unsigned i = 0; i < MAX_SLOTS; i++) shim.slots[i] = -1;
  shim.masks[0] = shim.masks[1] = -1;
  shim.hook_output[0] = shim.hook_output[1] = -1;
  if (shim.verb != VERB_CHECK) {
    int error = clean_up_process(plan_fd);
    if (error < 0) {
      report_failure(UINT32_MAX, PLAN_ARGUMENTS, -error);
      return 1;
    }
  }
  uint32_t refusal = 0;
  int error = load(plan_fd, &refusal);
  if (error < 0) report_failure(UINT32_MAX, refusal, -error);
  if (error < 0 || shim.verb == VERB_CHECK) return error < 0 ? 1 : 0;
  return run_plan();
}
