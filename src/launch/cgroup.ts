import { errnoName, errnoText } from '../base/errno.js'
import { HostError, SyscallError } from '../base/errors.js'
import type { HostPath, OpOf } from '../plan/op.js'
import { mkdirs, parentOf, tryRmdir } from '../sys/directories.js'
import { tryRead } from '../sys/files.js'
import { readKernelFile, tryWriteKernelFile, type WriteFailure, writeKernelFile } from '../sys/kernelfiles.js'
import { walk } from '../sys/tree.js'
import { hintFor } from './cgrouphints.js'

/**
 * Makes the cgroups of a container and returns the directories that are new, parents first. A failure removes them again.
 * Throws SyscallError, and HostError for a cgroup that is in use or a controller that cannot be had.
 */
export function createCgroups(op: OpOf<'cgroup_create'>): string[] {
  const made: string[] = []
  try {
    for (const dir of op.dirs) {
      if (mkdirs(dir, 0o755, made)) continue
      if (dir === op.populated) refusePopulated(op.at, dir)
      if (op.freezer?.startsWith(`${dir}/`)) refuseFrozen(op.at, op.freezer)
    }
    if (op.cpuset !== undefined) inheritCpuset(op.cpuset.dir, op.cpuset.inherit)
    if (op.unified !== undefined) enableControllers(op.unified)
    return made
  } catch (error) {
    for (let i = made.length - 1; i >= 0; i--) tryRmdir(made[i] as string)
    throw error instanceof SyscallError ? error.wrap(op.at) : error
  }
}

/** Texts as runc has them. */
function refusePopulated(at: string, dir: string): void {
  const count = processesIn(dir).length
  if (count === 0) return
  throw new HostError(
    `${at}: container's cgroup is not empty: ${count} process(es) found in ${dir}: give another cgroupsPath, or end them`,
  )
}

/**
 * Ids of the processes in a cgroup and those below it, as the runtime's pid namespace has them (0 for those of another one is
 * left out). Empty where the cgroup is gone.
 */
export function processesIn(dir: string): number[] {
  const found: number[] = []
  walk(dir, {
    enter(fd) {
      const text = readProcesses(`/proc/self/fd/${fd}`)
      let start = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        const pid = Number(text.slice(start, end))
        if (pid > 0) found.push(pid)
        start = end + 1
      }
    },
  })
  return found
}

/** A threaded v2 cgroup has no list of processes (EOPNOTSUPP), but one of threads. */
function readProcesses(dir: string): string {
  try {
    return tryRead(`${dir}/cgroup.procs`) ?? ''
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errnoName !== 'EOPNOTSUPP') throw error
    return tryRead(`${dir}/cgroup.threads`) ?? ''
  }
}

function refuseFrozen(at: string, freezer: HostPath): void {
  if (readKernelFile(freezer)?.startsWith('1') === true) {
    throw new HostError(
      `${at}: container's cgroup unexpectedly frozen: ${parentOf(freezer)}: thaw it, or give another path`,
    )
  }
}

/**
 * A new v1 cpuset is empty, and takes no process and no child's CPUs before it has some: gives it what its parent has, and
 * the parents likewise (the hierarchy's root always has all).
 */
function inheritCpuset(dir: string, files: readonly string[]): void {
  const parent = parentOf(dir)
  for (const file of CPUSET_FILES) {
    // For a file that the config sets only the parent has to have a value.
    const value = cpusetValue(parent, file)
    if (files.includes(file) && value !== '') writeKernelFile(`${dir}/${file}`, value)
  }
}

const CPUSET_FILES = ['cpuset.cpus', 'cpuset.mems'] as const

/** What a cpuset has, after filling it from its parents where it is empty. */
function cpusetValue(dir: string, file: string): string {
  const text = readKernelFile(`${dir}/${file}`)
  // Above the mount point there is no such file.
  if (text === undefined) return ''
  const own = text.trim()
  if (own !== '') return own
  const value = cpusetValue(parentOf(dir), file)
  if (value !== '') writeKernelFile(`${dir}/${file}`, value)
  return value
}

/**
 * Hands controllers down from the mount to a cgroup, as runc and crun do all that there are: statistics need them too.
 * The needed ones must arrive, the others may fail (a controller that a v1 hierarchy has, a parent with processes).
 */
function enableControllers({ mount, dir, need }: NonNullable<OpOf<'cgroup_create'>['unified']>): void {
  const all = words(`${mount}/cgroup.controllers`)
  let have = words(`${dir}/cgroup.controllers`)
  const failures = new Map<string, string>()
  // Usually an earlier container had them all enabled.
  if (have.length < all.length) {
    handDown(mount, dir, failures)
    have = words(`${dir}/cgroup.controllers`)
  }
  for (const { controller, at } of need) {
    if (have.includes(controller)) continue
    const why =
      failures.get(controller) ??
      (all.includes(controller)
        ? 'a cgroup above does not pass it on'
        : `${mount}/cgroup.controllers has only: ${all.join(' ') || 'none'} (a v1 hierarchy may hold it, or the kernel lacks it)`)
    throw new HostError(`${at}: the cgroup controller "${controller}" is not available in ${dir}: ${why}`)
  }
}

/** Enables at every level what it has, and tells in `failures` what could not be. */
function handDown(mount: string, dir: string, failures: Map<string, string>): void {
  for (let at = mount.length; at >= 0 && at < dir.length; at = dir.indexOf('/', at + 1)) {
    const level = dir.slice(0, at)
    const enabled = words(`${level}/cgroup.subtree_control`)
    const missing = words(`${level}/cgroup.controllers`).filter(name => !enabled.includes(name))
    if (missing.length === 0) continue
    const file = `${level}/cgroup.subtree_control`
    const all = tryWriteKernelFile(file, [`+${missing.join(' +')}`])
    if (all === undefined) continue
    if (all.errno === EBUSY) {
      // Processes are in it (a container in a container). The threaded controllers could be had one by one, but then the kernel
      // makes it a threaded domain, and its children take no process at all.
      for (const name of missing) if (!failures.has(name)) failures.set(name, describe(file, `+${name}`, all))
      continue
    }
    // The kernel enables all or none: find those that can be had.
    for (const name of missing) {
      const failure = tryWriteKernelFile(file, [`+${name}`])
      if (failure !== undefined && !failures.has(name))
        failures.set(name, describe(file, `+${name}`, failure))
    }
  }
}

function words(file: string): string[] {
  const text = (readKernelFile(file) ?? '').trim()
  return text === '' ? [] : text.split(' ')
}

function describe(file: string, value: string, { errno }: WriteFailure): string {
  return `write("${file}", "${value}"): ${errnoName(errno)}, ${errnoText(errno)}${hintFor('cgroup.subtree_control', errno)}`
}

const EBUSY = 16
