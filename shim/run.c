/* Plays the ops in their order: a failed one ends the run, unless the plan tolerates its errno. */
#include "shim.h"

int failed(uint32_t step, int error) {
  shim.step = step;
  return error;
}

void explain(const char *words, size_t length) {
  size_t room = MAX_DETAIL - shim.detail_length;
  size_t count = length < room ? length : room;
  memcpy(shim.detail + shim.detail_length, words, count);
  shim.detail_length += (uint32_t)count;
}

static int run_op(const struct record *record) {
  const void *fields = record + 1;
  switch ((enum opcode)record->code) {
#define RUN(NAME, name) \
  case OP_##NAME: return run_##name(fields);
    FOR_EACH_OP(RUN)
#undef RUN
  }
  return -ENOSYS;
}

static int tolerates(const struct record *record, int error) {
  for (unsigned i = 0; i < 4; i++)
    if (record->tolerated[i] != 0 && record->tolerated[i] == -error) return 1;
  return 0;
}

int run_plan(void) {
  const uint8_t *at = shim.plan.bytes + PLAN_HEADER;
  for (uint32_t i = 0; i < shim.plan.count; i++) {
    const struct record *record = (const struct record *)(const void *)at;
    at += sizeof *record + record->fields * 8U;
    shim.record = record;
    shim.step = 0;
    shim.detail_length = 0;
    int error = run_op(record);
    if (error >= 0 || tolerates(record, error)) continue;
    if (shim.verb == VERB_MONITOR) {
      /* Once it is supervised, the container is gone whatever happens: the rest is still tidied up, then
         clean_up_after_failure. */
      shim.cleanup_failed = 1;
      give_up(record->index, shim.step, error); /* returns unless the program was not even started */
      continue;
    }
    report_failure(record->index, shim.step, -error);
    return 1;
  }
  return 0;
}
