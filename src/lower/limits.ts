import type { Op } from '../plan/op.js'
import type { Rlimit } from '../spec/types.gen.js'
import type { Input } from './input.js'

/** What the runtime sets on init from outside, where it still has the right to. */
export function resourceLimits({ process }: Input, out: Op[]): void {
  const rlimits = process.rlimits ?? []
  for (let i = 0; i < rlimits.length; i++) {
    const { type, soft, hard } = rlimits[i] as Rlimit
    out.push({ op: 'prlimit', by: 'runtime', at: `/process/rlimits/${i}`, resource: type, soft, hard })
  }
}

/** Absent must leave the score as it is (config.md). */
export function oomScore({ process }: Input, out: Op[]): void {
  if (process.oomScoreAdj === undefined) return
  out.push({
    op: 'write_oom_score_adj',
    by: 'runtime',
    at: '/process/oomScoreAdj',
    value: process.oomScoreAdj,
  })
}
