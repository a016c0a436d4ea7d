import type { Op } from '../plan/op.js'
import type { Rlimit } from '../spec/types.gen.js'
import { has } from './capabilities.js'
import type { Input } from './input.js'

const CAP_SYS_RESOURCE = 24

/** A runtime without CAP_SYS_RESOURCE may limit only processes of its own user (prlimit(2)): before init becomes another one. */
const mustBeEarly = ({ host, user }: Input): boolean =>
  (user.uid !== 0 || user.gid !== 0) && !has(host.capabilities, CAP_SYS_RESOURCE)

export function earlyResourceLimits(input: Input, out: Op[]): void {
  if (mustBeEarly(input)) limit(input, out)
}

/** What the runtime sets on init from outside, as late as it can: low limits must not hinder init. */
export function resourceLimits(input: Input, out: Op[]): void {
  if (!mustBeEarly(input)) limit(input, out)
}

function limit({ process }: Input, out: Op[]): void {
  const rlimits = process.rlimits ?? []
  for (let i = 0; i < rlimits.length; i++) {
    const { type, soft, hard } = rlimits[i] as Rlimit
    out.push({ op: 'prlimit', by: 'runtime', at: `/process/rlimits/${i}`, resource: type, soft, hard })
  }
}

/** Init of an ordinary user's new user namespace inherits the score of its helper (`mapIds`): by then its files are out of reach. */
export function oomScoreOfInit(input: Input, out: Op[]): void {
  if (input.host.euid === 0 || !makesUserNamespace(input)) oomScore(input, out)
}

const makesUserNamespace = ({ linux }: Input): boolean =>
  linux.namespaces?.some(({ type, path = '' }) => type === 'user' && path === '') === true

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
