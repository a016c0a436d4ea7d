/* How the process is scheduled: CPU, I/O, NUMA nodes, execution domain. */
#include "shim.h"

#include <linux/ioprio.h>
#include <linux/sched/types.h>

int run_sched_setattr(const struct op_sched_setattr *op) {
  struct sched_attr attributes = {
      .size = sizeof attributes,
      .sched_policy = (uint32_t)op->policy,
      .sched_flags = op->flags,
      .sched_nice = (int32_t)(uint32_t)op->nice,
      .sched_priority = (uint32_t)op->priority,
      .sched_runtime = op->runtime,
      .sched_deadline = op->deadline,
      .sched_period = op->period,
  };
  return failed(SCHED_SETATTR_SCHED_SETATTR, sys(sched_setattr, 0, &attributes, 0));
}

/* All of the process group, which is init's own since setsid. */
int run_ioprio_set(const struct op_ioprio_set *op) {
  uint64_t value = op->class << IOPRIO_CLASS_SHIFT | op->priority;
  return failed(IOPRIO_SET_IOPRIO_SET, sys(ioprio_set, IOPRIO_WHO_PGRP, 0, value));
}

/* The kernel takes one bit less than it is told. */
int run_set_mempolicy(const struct op_set_mempolicy *op) {
  size_t bits = op->nodes.length * 8UL;
  const void *mask = bits == 0 ? NULL : text(op->nodes);
  return failed(SET_MEMPOLICY_SET_MEMPOLICY, sys(set_mempolicy, op->mode | op->flags, mask, bits == 0 ? 0 : bits + 1));
}

int run_sched_setaffinity(const struct op_sched_setaffinity *op) {
  return failed(SCHED_SETAFFINITY_SCHED_SETAFFINITY, sys(sched_setaffinity, 0, op->cpus.length, text(op->cpus)));
}

int run_personality(const struct op_personality *op) {
  int old = sys(personality, op->domain);
  return failed(PERSONALITY_PERSONALITY, old < 0 ? old : 0);
}
