import { StateError, TsrunError } from '../base/errors.js'
import { close } from '../sys/files.js'
import { openPidfd, signalPidfd } from '../sys/process.js'
import { killAll, thaw } from './cgroup.js'
import type { Common } from './options.js'
import { isAlive, isMonitor, type ProcessId, type Record, statusOf } from './record.js'
import { load, ownsCgroups } from './store.js'

const SIGKILL = 9

/**
 * `tsrun kill`: signals init, or with `all` every process of the container's cgroups. SIGKILL of a container that shares its pid
 * namespace always goes to all: nothing else ends the others. Throws StateError `container not running`.
 */
export function killContainer(common: Common, id: string, signal: number, all: boolean): void {
  try {
    const record = load(common.root, id)
    const status = statusOf(common.root, record)
    const everything = all || (signal === SIGKILL && !record.ownPidNamespace)
    const reached = everything && ownsCgroups(common.root, record) && killAll(record.cgroup, signal)
    if (status === 'stopped' || status === 'creating') {
      // Engines clean up with `kill --all` what has ended already.
      if (all) return
      throw new StateError('not-running', 'container not running')
    }
    // Without a cgroup (rootless) there is nobody else to be found.
    if (!reached && !signalInit(record, signal)) throw new StateError('not-running', 'container not running')
    // On v1 a frozen process dies only when it thaws.
    if (signal === SIGKILL && status === 'paused') thaw(record.cgroup)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`kill ${JSON.stringify(id)}`) : error
  }
}

/** Signals init through a pidfd, after looking whether the pid is still its own (crun#1200). False when it has ended. */
export function signalInit({ init }: Record, signal: number): boolean {
  if (init === undefined) return false
  const pidfd = openOwn(init)
  if (pidfd === undefined) return false
  try {
    return signalPidfd(pidfd, signal)
  } finally {
    close(pidfd)
  }
}

/** A pidfd of the monitor of a container in the foreground; undefined when it has none. */
export const openMonitor = ({ creator }: Record): number | undefined =>
  isMonitor(creator) ? openOwn(creator) : undefined

/** A pidfd of exactly this process. */
export function openOwn(process: ProcessId): number | undefined {
  const pidfd = openPidfd(process.pid)
  if (pidfd === undefined) return undefined
  // The pidfd is open now: if the pid is the right one's at this moment, the pidfd is.
  if (isAlive(process)) return pidfd
  close(pidfd)
  return undefined
}
