/** Values into the files of cgroups that are there, and processes. */
import { errnoName } from '../base/errno.js'
import type { SyscallError } from '../base/errors.js'
import type { HostPath, OpOf } from '../plan/op.js'
import { sleep, syscallError } from '../sys/call.js'
import { readKernelFile, tryWriteKernelFile, type WriteFailure } from '../sys/kernelfiles.js'
import { hintFor } from './cgrouphints.js'

/**
 * Writes knobs in their order. One that is refused with EINVAL is written once more after the others: pairs of files check
 * each other (limit and memsw, quota and period), and which has to be first depends on what a cgroup had before.
 * Throws SyscallError that names the config field, the file, the value and what to do.
 */
export function writeCgroups(ops: readonly OpOf<'cgroup_write'>[]): void {
  let again: OpOf<'cgroup_write'>[] | undefined
  for (const op of ops) {
    const failure = tryKnob(op)
    if (failure === undefined || tolerated(op, failure)) continue
    if (failure.errno !== EINVAL || ops.length === 1) throw writeError(op, failure)
    again ??= []
    again.push(op)
  }
  if (again === undefined) return
  for (const op of again) {
    const failure = tryKnob(op)
    if (failure !== undefined && !tolerated(op, failure)) throw writeError(op, failure)
  }
}

/**
 * Writes knobs of a cgroup that has values already, all or none: when one is refused, or `after` throws, all get their old values back.
 * Throws like `writeCgroups`.
 */
export function replaceCgroups(ops: readonly OpOf<'cgroup_write'>[], after: () => void): void {
  const old: OpOf<'cgroup_write'>[] = []
  for (const op of ops) {
    const text = readKernelFile(op.file)?.trim()
    if (text !== undefined) old.push({ ...op, values: oldValues(op, text) })
  }
  try {
    writeCgroups(ops)
    after()
  } catch (error) {
    restore(old)
    throw error
  }
}

/** Files with a line for each device, and what takes a device's line away. */
const keyed: readonly (readonly [file: string, nothing: string])[] = [
  ['io.max', 'rbps=max wbps=max riops=max wiops=max'],
  ['blkio.throttle.', '0'],
  ['blkio.weight_device', 'default'],
  ['blkio.bfq.weight_device', 'default'],
  ['io.bfq.weight', 'default'],
  ['rdma.max', 'hca_handle=max hca_object=max'],
]

/** What leads from the values of an op back to the text that its file has now. */
function oldValues({ file, values }: OpOf<'cgroup_write'>, text: string): string[] {
  const row = keyed.find(([name]) => file.slice(file.lastIndexOf('/') + 1).startsWith(name))
  const devices = values.filter(value => value.includes(' '))
  if (row === undefined || devices.length === 0) return [text === '' ? '\n' : text]
  const lines = text.split('\n')
  return devices.map(value => {
    const key = value.slice(0, value.indexOf(' ') + 1)
    return lines.find(line => line.startsWith(key)) ?? key + row[1]
  })
}

/** Twice, forwards and backwards, as pairs of files check each other; the first error is the one to tell. */
function restore(old: readonly OpOf<'cgroup_write'>[]): void {
  for (const { file, values } of old) tryWriteKernelFile(file, values)
  for (let i = old.length - 1; i >= 0; i--) {
    const { file, values } = old[i] as OpOf<'cgroup_write'>
    tryWriteKernelFile(file, values)
  }
}

/** Writes one knob. Throws like `writeCgroups`. */
export function writeCgroup(op: OpOf<'cgroup_write'>): void {
  writeCgroups([op])
}

const ENOENT = 2
const EINVAL = 22

/** The file, or the other one where the kernel lacks it. */
function tryKnob({ file, values, otherwise }: OpOf<'cgroup_write'>): WriteFailure | undefined {
  const failure = tryWriteKernelFile(file, values)
  if (failure?.errno !== ENOENT || otherwise === undefined) return failure
  return tryWriteKernelFile(otherwise.file, otherwise.values)
}

function tolerated(op: OpOf<'cgroup_write'>, failure: WriteFailure): boolean {
  return op.tolerate?.includes(errnoName(failure.errno)) === true
}

function writeError(op: OpOf<'cgroup_write'>, { errno, index }: WriteFailure): SyscallError {
  const name = op.file.slice(op.file.lastIndexOf('/') + 1)
  const error = syscallError(errno, 'write', `"${op.file}", "${op.values[index] ?? ''}"`)
  error.message += hintFor(name, errno)
  return error.wrap(op.at)
}

const JOIN_TRIES = 5

/** Moves a process into the cgroups. Throws SyscallError. */
export function joinCgroups(op: OpOf<'cgroup_join'>, pid: number): void {
  const value = [String(pid)]
  for (const dir of op.dirs) {
    const file = `${dir}/cgroup.procs` as HostPath
    let failure = tryWriteKernelFile(file, value)
    // EINVAL: a process that is just being forked cannot be moved yet.
    for (let tries = 1; failure?.errno === EINVAL && tries < JOIN_TRIES; tries++) {
      sleep(10)
      failure = tryWriteKernelFile(file, value)
    }
    if (failure !== undefined) throw writeError({ ...op, op: 'cgroup_write', file, values: value }, failure)
  }
}
