import { ConfigError, StateError, TsrunError } from '../base/errors.js'
import type { Log } from '../base/log.js'
import type { CgroupPaths } from '../host/cgroup.js'
import { probeFacts } from '../host/probe.js'
import { failureOf } from '../launch/failure.js'
import { type Held, launchAndHold, launchToExec } from '../launch/session.js'
import { becomeMonitor } from '../launch/shim.js'
import { lowerExec } from '../lower/exec.js'
import { encodePlan } from '../plan/encode.js'
import type { HostPath, Op, VerifiedPlan } from '../plan/op.js'
import { verify } from '../plan/verify.js'
import type { ValidSpec } from '../spec/load.js'
import { stateDocument } from '../spec/statedoc.js'
import { native } from '../sys/native.js'
import { frozenSpec } from './frozen.js'
import type { ExecOptions } from './options.js'
import { placeOf } from './place.js'
import { checkConsole, checkPreservedFds, lastOps, plumbingOf } from './plumbing.js'
import { processOf } from './process.js'
import { isAlive, type Record, statusOf } from './record.js'
import { directoryOf, load } from './store.js'
import { attachmentOf } from './systemd.js'
import { fromHex, parseFailed } from './told.js'
import { warnerOf } from './warn.js'

/**
 * `tsrun exec`: one more process in a container. Detached it returns 0 when the program was executed; in the foreground this process
 * becomes the shim's monitor and ends with the program's exit code. Throws ConfigError, StateError, HostError, SyscallError.
 */
export function execInContainer(options: ExecOptions): number {
  const { common, id } = options
  try {
    const record = load(common.root, id)
    checkStatus(options, record)
    const plan = planOf(options, record)
    const actions = actionsFor(common.root, record, common.log)
    const preservedFds = options.preserveFds
    try {
      if (options.detach) {
        launchToExec(plan, preservedFds, actions)
        return 0
      }
      return supervise(options, plan, launchAndHold(plan, preservedFds, actions))
    } catch (error) {
      // Whatever failed, this is why.
      actions.checkContainer()
      throw error
    }
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`exec in ${JSON.stringify(id)}`) : error
  }
}

/** The texts are runc's: engines match on them. */
function checkStatus({ common, ignorePaused }: ExecOptions, record: Record): void {
  const status = statusOf(common.root, record)
  if (status === 'stopped') throw stopped()
  if (status === 'creating') {
    throw new StateError('not-created', 'cannot exec in a container that is still being created')
  }
  if (status === 'paused' && !ignorePaused) {
    throw new StateError('paused', 'cannot exec in a paused container (use --ignore-paused to override)')
  }
}

const stopped = (): StateError => new StateError('stopped', 'cannot exec in a stopped container')

function planOf(options: ExecOptions, record: Record): VerifiedPlan {
  const { common, id, detach } = options
  const spec = withClocks(frozenSpec(common.root, id), record)
  const process = processOf(options, spec)
  checkConsole(process, options.consoleSocket, detach)
  // LISTEN_FDS is a matter of init's: a process that is not pid 1 would not take them.
  checkPreservedFds(0, options.preserveFds)
  const { init, bundle, rootfs, noNewKeyring = false } = record
  if (init === undefined) throw stopped()
  const request = {
    id,
    bundle: bundle as HostPath,
    rootfs: rootfs as HostPath,
    stateDir: directoryOf(common.root, id) as HostPath,
    cgroupManager: 'cgroupfs' as const,
    noPivot: false,
    noNewKeyring,
    ...plumbingOf(options, 0),
  }
  const cgroup: CgroupPaths = placeOf(record.cgroup, options.cgroups, init.pid)
  const attach = record.unit === undefined ? undefined : attachmentOf(record, cgroup)
  const asked = { request, init: init.pid, cgroup, ...(attach && { attach }) }
  return verify(lowerExec(spec, process, probeFacts(), asked, warnerOf(common)))
}

/** criu restores into a time namespace, so that clocks go on: its processes are there, whatever the config says. */
function withClocks(spec: ValidSpec, { timeNamespace }: Record): ValidSpec {
  if (timeNamespace !== true) return spec
  const { linux = {} } = spec
  const namespaces = linux.namespaces ?? []
  if (namespaces.some(({ type }) => type === 'time')) return spec
  return { ...spec, linux: { ...linux, namespaces: [...namespaces, { type: 'time' }] } }
}

function actionsFor(root: string, record: Record, log: Log) {
  const { init } = record
  return {
    bundle: '/',
    log,
    checkContainer(): void {
      if (init === undefined || !isAlive(init)) throw stopped()
    },
    saveState() {},
    hookState: () => stateDocument(record, record.annotations, statusOf(root, record), init?.pid),
    cgroupsMade() {},
    unitStarted() {},
    resctrlMade() {},
  }
}

/**
 * Leaves the rest to the monitor: it lets the program go once it listens to signals and relays the terminal. When the program cannot be
 * executed after all, tsrun is executed again: `_failed-exec` tells why.
 */
function supervise({ id, again }: ExecOptions, plan: VerifiedPlan, held: Held): never {
  const { pid, console, report, n } = held
  const process = { pid, ...(console === undefined ? {} : { console }) }
  const env = native().environ
  const args = [...again, '_failed-exec', id, JSON.stringify(lastOps(plan.ops).map(withoutArguments))]
  const ops: Op[] = [
    { op: 'release_exec', by: 'monitor', at: 'runtime:start', ...process, report, n, args, env },
    { op: 'supervise', by: 'monitor', at: 'runtime:exec', ...process },
    { op: 'exit_like_init', by: 'monitor', at: 'runtime:exec' },
  ]
  const { bytes } = encodePlan(verify({ format: 1, ops }), native().utf8Write)
  becomeMonitor(bytes, console === undefined ? [report] : [report, console])
}

/** A command line is short, and everybody may read it. */
function withoutArguments([index, op]: [number, Op]): [number, Op] {
  return [index, op.op === 'exec' ? { ...op, args: op.args.slice(0, 1) } : op]
}

/** `tsrun _failed-exec`: the error that a foreground `exec` ends with. `told` as for `_told`. */
export function failedExec(id: string, ops: string, told: string): TsrunError {
  const bytes = fromHex(told.slice(told.indexOf(':') + 1))
  const context = `exec in ${JSON.stringify(id)}`
  if (bytes.length === 0) {
    return new StateError('stopped', 'the process was killed before it could be started').wrap(context)
  }
  const frame = parseFailed(bytes)
  const list = told.startsWith('init:') ? (JSON.parse(ops) as [number, Op][]) : []
  for (const [index, op] of list) if (index === frame.index) return failureOf(op, frame, [op]).wrap(context)
  return new ConfigError(
    '',
    'exec',
    `the process could not be started (step ${frame.step}, errno ${frame.errno})`,
  )
}
