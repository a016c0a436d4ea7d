import { HostError, StateError, TsrunError } from '../base/errors.js'
import { removeResctrl } from '../launch/resctrl.js'
import { close, exists, tryRead } from '../sys/files.js'
import { signalPidfd, waitEnded } from '../sys/process.js'
import { containerProcesses, killAll, removeCgroups, thaw } from './cgroup.js'
import { runHooks } from './hooks.js'
import { openMonitor, openOwn } from './kill.js'
import type { Common } from './options.js'
import { type ProcessId, type Record, statusOf } from './record.js'
import { unmountRoot } from './sharedmounts.js'
import { checkId, directoryOf, discard, discardHalfMade, ownsCgroups, tryLoad } from './store.js'
import { removeUnit } from './systemd.js'

const SIGKILL = 9
/** How long those that were killed may take to end, milliseconds (runc: 100 tries of 100 ms). */
const DEADLINE = 10_000

/**
 * `tsrun delete`: removes a stopped or created container; with `force` a running one, too, a damaged one, and none at all
 * (engines clean up with it). Throws StateError, HostError.
 */
export function deleteContainer(common: Common, id: string, force: boolean): void {
  try {
    let record: Record | undefined
    try {
      record = tryLoad(common.root, id)
    } catch (error) {
      if (!force || !(error instanceof StateError) || error.reason !== 'corrupt') throw error
    }
    if (record === undefined) {
      checkId(id)
      const directory = directoryOf(common.root, id)
      if (!force) throw new StateError('not-found', 'container does not exist')
      if (exists(directory)) discard(directory)
      discardHalfMade(common.root, id)
      return
    }
    remove(common, record, force)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`delete ${JSON.stringify(id)}`) : error
  }
}

function remove(common: Common, record: Record, force: boolean): void {
  const status = statusOf(common.root, record)
  const { id, init } = record
  common.log.debug(`delete ${id}, which is ${status}`)
  if (status === 'creating' && !force) {
    throw new StateError('not-stopped', `cannot delete container ${id} that is not stopped: creating`)
  }
  if (status !== 'stopped' && status !== 'created' && !force) {
    throw new StateError('not-stopped', `cannot delete container ${id} that is not stopped: ${status}`)
  }
  if (status !== 'stopped' && init !== undefined) {
    endInit(record)
    if (leaveToMonitor(record) && tryLoad(common.root, id) === undefined) return
  }
  if (record.pageServer !== undefined) end(record.pageServer)
  const own = ownsCgroups(common.root, record)
  // Without its own pid namespace others may outlive init, a create that was killed leaves whom it had not recorded yet, and
  // anybody may have come from outside.
  const others =
    !record.ownPidNamespace || status !== 'stopped' || init === undefined || hasStrangers(force, record)
  const killed = own && others && killAll(record.cgroup, SIGKILL)
  if (own || containerProcesses(record.cgroup).length === 0) {
    if (record.unit !== undefined) endUnit(common, record, force)
    // A thousand that were killed take their time.
    if (killed) removeCgroups(record.cgroup, [], DEADLINE)
    else removeCgroups(record.cgroup)
  }
  if (record.mountBelow !== undefined) unmountRoot(record.rootfs, record.mountBelow)
  if (record.resctrl !== undefined) removeResctrl(record.resctrl)
  runHooks('poststop', record.poststop, record, undefined, common.log)
  discard(directoryOf(common.root, id))
}

/**
 * A container in the foreground has somebody who takes it away: doing that twice would run its poststop hooks twice. Waits for that, but
 * not for ever, since a job may be stopped. False when there is nobody. Init has ended.
 */
export function leaveToMonitor(record: Record): boolean {
  const monitor = openMonitor(record)
  if (monitor === undefined) return false
  try {
    return waitEnded(monitor, DEADLINE)
  } finally {
    close(monitor)
  }
}

/** Without systemd the rest is taken away nevertheless, when that was asked for: a machine may have lost its bus. */
function endUnit({ log }: Common, record: Record, force: boolean): void {
  try {
    removeUnit(record)
  } catch (error) {
    if (!force) throw error
    log.warn(`delete ${record.id}: ${(error as Error).message}`)
  }
}

/** Somebody who only serves the container. */
function end(process: ProcessId): void {
  const pidfd = openOwn(process)
  if (pidfd === undefined) return
  signalPidfd(pidfd, SIGKILL)
  waitEnded(pidfd, DEADLINE)
  close(pidfd)
}

const hasStrangers = (force: boolean, { cgroup }: Record): boolean =>
  force && containerProcesses(cgroup).length > 0

function endInit({ init, cgroup }: Record): void {
  if (init === undefined) return
  const pidfd = openOwn(init)
  if (pidfd === undefined) return
  try {
    signalPidfd(pidfd, SIGKILL)
    thaw(cgroup)
    if (!waitEnded(pidfd, DEADLINE)) {
      throw new HostError(
        `container init still running, ${DEADLINE / 1000} s after it was killed (pid ${init.pid})${whereItHangs(init)}`,
      )
    }
  } finally {
    close(pidfd)
  }
}

/** No signal ends a process that waits in the kernel without a limit, for a dead NFS server or a stopped FUSE daemon (proc_pid_stat(5), D). */
function whereItHangs({ pid }: ProcessId): string {
  const stat = tryRead(`/proc/${pid}/stat`) ?? ''
  if (!stat.startsWith(') D ', stat.lastIndexOf(')'))) return ''
  const place = tryRead(`/proc/${pid}/wchan`) ?? '0'
  const where = place === '0' ? '' : ` (${place})`
  return `: it waits in the kernel${where}, where no signal reaches it: end what it waits for, then delete again`
}
