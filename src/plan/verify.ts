import { PlanError } from '../base/errors.js'
import type { Op, Plan, VerifiedPlan } from './op.js'

/**
 * Ordering rules that every plan must keep, checked in production too: a pass that is put in the wrong place fails here, before
 * anything ran. They look at places rather than at ops: one walk over the plan serves them all. (That a slot is opened before it
 * is used is seen by the encoder, which numbers them.)
 */
type Check = (ops: readonly Op[], places: Places) => string | undefined

/** Where each op stands first and last, and where the actors change. */
interface Places {
  readonly first: Readonly<Record<string, number>>
  readonly last: Readonly<Record<string, number>>
  readonly lastOfHelper: number
  readonly firstOfInit: number
}

function placesOf(ops: readonly Op[]): Places {
  const first: Record<string, number> = {}
  const last: Record<string, number> = {}
  let lastOfHelper = -1
  let firstOfInit = ops.length
  for (let i = 0; i < ops.length; i++) {
    const { op, by } = ops[i] as Op
    if (first[op] === undefined) first[op] = i
    last[op] = i
    if (by === 'helper') lastOfHelper = i
    else if (by === 'init' && i < firstOfInit) firstOfInit = i
  }
  return { first, last, lastOfHelper, firstOfInit }
}

/** `[rule, earlier, later]`: no `earlier` stands after a `later`. */
const orders: readonly (readonly [string, Op['op'], Op['op']])[] = [
  ['namespaces-opened-before-joined', 'open_namespace', 'setns'],
  ['root-before-targets', 'open_root', 'move_mount'],
  ['mounts-before-capabilities-drop', 'move_mount', 'drop_bounding'],
  ['devices-before-root-changes', 'mknod', 'pivot_root'],
  ['bounding-before-user', 'drop_bounding', 'setresuid'],
  ['groups-before-user', 'setgroups', 'setresuid'],
  ['gid-before-uid', 'setresgid', 'setresuid'],
  ['user-before-capset', 'setresuid', 'capset'],
  ['capset-before-ambient', 'capset', 'raise_ambient'],
  ['no-new-privs-before-seccomp', 'set_no_new_privs', 'seccomp'],
  ['ready-before-wait', 'ready', 'wait_start'],
]

/** Ops whose paths are the host's, or which need the host's tree at hand. */
const HOST_ONLY: readonly string[] = [
  'join_cgroup',
  'open_path',
  'open_hook_output',
  'open_fd_directory',
  'open_tree',
  'open_root',
  'mask_path',
  'open_namespace',
]

function checkHostPaths(ops: readonly Op[], { first, last }: Places): string | undefined {
  const at = first.pivot_root ?? first.move_root ?? first.enter_root
  if (at === undefined) return undefined
  for (const name of HOST_ONLY) {
    const place = last[name]
    if (place !== undefined && place > at)
      return `${name} (${ops[place]?.at}) needs the host's tree after the root changed`
  }
  return undefined
}

/** What the filter of a container must let through, because nothing can be done before it: FEATURES B.8, order. */
const AFTER_SECCOMP: readonly string[] = [
  'chdir',
  'drop_bounding',
  'keep_capabilities',
  'setgroups',
  'setresgid',
  'setresuid',
  'capset',
  'raise_ambient',
  'check_cwd',
  'find_home',
  'find_executable',
  'ready',
  'wait_start',
  'run_hook',
  'exec',
]

function checkSeccomp(ops: readonly Op[], { first }: Places): string | undefined {
  const at = first.seccomp ?? first.seccomp_listen
  if (at === undefined) return undefined
  for (let i = at + 1; i < ops.length; i++) {
    const op = ops[i] as Op
    if (op.by !== 'runtime' && !AFTER_SECCOMP.includes(op.op))
      return `${op.op} (${op.at}) comes after the filter`
  }
  return undefined
}

function checkEnd(ops: readonly Op[], { first }: Places): string | undefined {
  const end = ops.length - 1
  const last = ops[end]?.op
  if (last !== 'exec' && last !== 'exit' && last !== 'exit_like_init') return `the last op is ${last}`
  return first[last] === end ? undefined : `${last} comes twice`
}

/** The helper's ops end with clone_init; init's follow. */
function checkActors(ops: readonly Op[], { first, lastOfHelper, firstOfInit }: Places): string | undefined {
  const clone = first.clone_init ?? -1
  if (lastOfHelper > clone) return `${ops[lastOfHelper]?.op} is the helper's, after init was cloned`
  if (firstOfInit < clone) return `${ops[firstOfInit]?.op} is init's, before it was cloned`
  return undefined
}

const checks: readonly (readonly [string, Check])[] = [
  ['no-host-path-after-root-changes', checkHostPaths],
  ['actors-in-turn', checkActors],
  ['ends-once-and-last', checkEnd],
  ['seccomp-after-set-up', checkSeccomp],
]

/** The names of all rules, for the tests. */
export const ruleNames: readonly string[] = [...checks, ...orders].map(([name]) => name)

/** Checks every rule. Throws PlanError, which names the rule: a bug of lowering. */
export function verify(plan: Plan): VerifiedPlan {
  const { ops } = plan
  const places = placesOf(ops)
  for (const [name, earlier, later] of orders) {
    const begin = places.first[later]
    const end = places.last[earlier]
    if (begin !== undefined && end !== undefined && end > begin) {
      throw new PlanError(`plan breaks ${name}: ${earlier} (${ops[end]?.at}) comes after ${later}`)
    }
  }
  for (const [name, check] of checks) {
    const problem = check(ops, places)
    if (problem !== undefined) throw new PlanError(`plan breaks ${name}: ${problem}`)
  }
  return plan as VerifiedPlan
}
