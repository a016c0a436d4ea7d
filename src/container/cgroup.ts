import { HostError, SyscallError } from '../base/errors.js'
import type { CgroupPaths } from '../host/cgroup.js'
import { processesIn } from '../launch/cgroup.js'
import { sleep, syscallError } from '../sys/call.js'
import { tryRmdir } from '../sys/directories.js'
import { close, exists } from '../sys/files.js'
import { readKernelFile, tryWriteKernelFile, writeKernelFile } from '../sys/kernelfiles.js'
import { native } from '../sys/native.js'
import { removeDirectories } from '../sys/tree.js'

const SIGKILL = 9
const ENOENT = 2
const EBUSY = 16

/** Ids of all processes of a container, those of cgroups below its own included. Empty where it has no cgroup. */
export function containerProcesses(paths: CgroupPaths): number[] {
  const dir = listing(paths)
  return dir === undefined ? [] : processesIn(dir)
}

/**
 * The hierarchy that answers for all of them, as each process joined every one: on v1 the freezer's, which stops forks, else another that
 * is still there (somebody may have removed one).
 */
function listing({ v1, v2 }: CgroupPaths): string | undefined {
  for (const dir of [v1.freezer, v1.devices, ...Object.values(v1), v2]) {
    if (dir !== undefined && exists(dir)) return dir
  }
  return undefined
}

/**
 * Sends a signal to every process of a container. SIGKILL goes by cgroup.kill where there is v2 (5.14, atomic); else the
 * container is frozen meanwhile, so that nothing forks away, and thawed again whatever happens.
 * Returns false when the container has no cgroup any more.
 */
export function killAll(paths: CgroupPaths, signal: number): boolean {
  if (signal === SIGKILL && paths.v2 !== undefined) {
    const failure = tryWriteKernelFile(`${paths.v2}/cgroup.kill`, ['1'])
    if (failure === undefined) {
      // A process in a frozen v1 cgroup dies when it is thawed; in v2 at once.
      thaw(paths)
      // Hybrid: a create that was killed may have got no further than v1.
      if (paths.v1.freezer !== undefined) signalProcesses(paths.v1.freezer, signal)
      return true
    }
    // Older kernels do not have it, threaded cgroups refuse it: one by one, then.
  }
  const dir = listing(paths)
  if (dir === undefined) return false
  const wasFrozen = isFrozen(paths)
  try {
    if (!wasFrozen && !canFreeze(paths)) stopForks(paths, signal)
    else if (!wasFrozen) freezeToKill(paths)
    signalProcesses(dir, signal)
  } finally {
    // A paused container stays paused, unless it is to die.
    if (!wasFrozen || signal === SIGKILL) thaw(paths)
  }
  return true
}

const canFreeze = ({ v1, v2 }: CgroupPaths): boolean =>
  v1.freezer === undefined ? v2 !== undefined : exists(v1.freezer)

/** One that does not freeze is killed all the same, in rounds. */
function freezeToKill(paths: CgroupPaths): void {
  try {
    tryFreeze(paths)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
  }
}

/** Who is to die needs no children. */
function stopForks({ v1 }: CgroupPaths, signal: number): void {
  if (signal === SIGKILL && v1.pids !== undefined) tryWriteKernelFile(`${v1.pids}/pids.max`, ['0'])
}

const KILL_ROUNDS = 10
const CHUNK = 200

/** Until a round finds nobody new: without a freezer, processes may fork between the list and the signal. */
function signalProcesses(dir: string, signal: number): void {
  const done = new Set<number>()
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const news: number[] = []
    for (const pid of processesIn(dir)) {
      if (!done.has(pid)) news.push(pid)
      done.add(pid)
    }
    for (let i = 0; i < news.length; i += CHUNK) signalChunk(dir, news.slice(i, i + CHUNK), signal)
    if (news.length === 0 || signal !== SIGKILL) return
  }
}

/** By pidfd, and only who is seen in the cgroup after it was opened: a recycled pid is never signalled. */
function signalChunk(dir: string, pids: readonly number[], signal: number): void {
  const lib = native()
  const pidfds: number[] = []
  for (const pid of pids) pidfds.push(lib.pidfd_open(pid, 0))
  const present = new Set(processesIn(dir))
  for (let i = 0; i < pids.length; i++) {
    const pidfd = pidfds[i] as number
    if (pidfd < 0) continue
    if (present.has(pids[i] as number)) lib.pidfd_send_signal(pidfd, signal, null, 0)
    close(pidfd)
  }
}

/** Whether the container itself is paused; one below a frozen cgroup is not. */
export function isFrozen(paths: CgroupPaths): boolean {
  const freezer = paths.v1.freezer
  if (freezer !== undefined)
    return readKernelFile(`${freezer}/freezer.self_freezing`)?.startsWith('1') === true
  if (paths.v2 === undefined) return false
  return readKernelFile(`${paths.v2}/cgroup.freeze`)?.startsWith('1') === true
}

/** Pauses a container and waits until it stands still. Throws HostError after 10 s, thawed again. */
export function freeze(paths: CgroupPaths): void {
  if (paths.v1.freezer === undefined && paths.v2 === undefined) {
    throw new HostError('cannot pause: the container has no freezer cgroup')
  }
  try {
    if (tryFreeze(paths)) return
  } catch (error) {
    thaw(paths)
    throw error
  }
  thaw(paths)
  throw new HostError('cannot pause: the cgroup did not freeze within 10 s')
}

/** Freezes; false when that did not succeed in time (then it may still be under way) or there is no freezer. */
function tryFreeze(paths: CgroupPaths): boolean {
  const freezer = paths.v1.freezer
  return freezer === undefined ? freezeV2(paths.v2) : freezeV1(freezer)
}

const FREEZE_TRIES = 1000

/**
 * v1 freezes what it finds, and stays FREEZING while new processes appear: written again and again, with a thaw now and then
 * (runc's numbers, found by trial on slow machines).
 */
function freezeV1(freezer: string): boolean {
  const file = `${freezer}/freezer.state`
  for (let i = 0; i < FREEZE_TRIES; i++) {
    if (i % 50 === 49) {
      writeKernelFile(file, 'THAWED')
      sleep(10)
    }
    writeKernelFile(file, 'FROZEN')
    if (readKernelFile(file)?.startsWith('FROZEN') === true) return true
    if (i % 25 === 24) sleep(1)
  }
  return false
}

/** cgroup.freeze (5.2) acts at once, but processes in the kernel may take a while. */
function freezeV2(dir: string | undefined): boolean {
  if (dir === undefined) return false
  writeKernelFile(`${dir}/cgroup.freeze`, '1')
  for (let i = 0; i < FREEZE_TRIES; i++) {
    if (readKernelFile(`${dir}/cgroup.events`)?.includes('frozen 1') === true) return true
    sleep(i < 20 ? 1 : 10)
  }
  return false
}

/** Lets a container go on. One that is not frozen, or gone, is fine. */
export function thaw(paths: CgroupPaths): void {
  const freezer = paths.v1.freezer
  if (freezer !== undefined) tryWriteKernelFile(`${freezer}/freezer.state`, ['THAWED'])
  else if (paths.v2 !== undefined) tryWriteKernelFile(`${paths.v2}/cgroup.freeze`, ['0'])
}

/** Milliseconds. */
const PATIENCE = 1000

const isBusy = ({ errno }: Failure): boolean => errno === EBUSY

/**
 * Removes a container's cgroups and all below them; half-made and missing ones are fine. `made` are the directories that its
 * creation made: empty parents among them go too. Tries every one, then throws the first SyscallError. `patience`: how long processes
 * may take to leave, milliseconds.
 */
export function removeCgroups(
  paths: CgroupPaths,
  made: readonly string[] = [],
  patience: number = PATIENCE,
): void {
  const dirs = new Set(Object.values(paths.v1))
  if (paths.v2 !== undefined) dirs.add(paths.v2)
  let failures = removeTrees([...dirs])
  // Processes that were killed leave a moment later: waits 1, 2, 4 … 512, 512 ms.
  for (let delay = 1, waited = 0; waited < patience && failures.some(isBusy); delay *= 2) {
    const time = Math.min(delay, 512)
    sleep(time)
    waited += time
    failures = removeTrees(failures.map(({ dir }) => dir))
  }
  for (let i = made.length - 1; i >= 0; i--) {
    if (!dirs.has(made[i] as string)) tryRmdir(made[i] as string)
  }
  const [first] = failures
  if (first === undefined) return
  const error = syscallError(first.errno, 'rmdir', `"${first.dir}"`)
  if (first.errno === EBUSY) {
    error.message += ` (processes in it: ${processesIn(first.dir).join(' ') || 'just ended'})`
  }
  throw error
}

interface Failure {
  readonly dir: string
  /** Positive. */
  readonly errno: number
}

function removeTrees(dirs: readonly string[]): Failure[] {
  const failures: Failure[] = []
  for (const dir of dirs) {
    const errno = removeTree(dir)
    if (errno !== 0) failures.push({ dir, errno })
  }
  return failures
}

/** First the plain rmdir, which nearly always does it. Returns 0, or a positive errno. */
function removeTree(dir: string): number {
  if (gone(tryRmdir(dir))) return 0
  // On a read-only mount rmdir says EROFS of anything.
  if (!exists(dir)) return 0
  const result = removeDirectories(dir)
  return gone(result) ? 0 : -result
}

const gone = (result: number): boolean => result === 0 || result === -ENOENT
