import { ConfigError, HostError, StateError, SyscallError, TsrunError } from '../base/errors.js'
import type { Log } from '../base/log.js'
import { failureOf } from '../launch/failure.js'
import { noteOutput } from '../launch/hook.js'
import { parseFrame, saidLength } from '../plan/frames.js'
import { check, uninterrupted } from '../sys/call.js'
import { close, O, openFile, unlink } from '../sys/files.js'
import { native } from '../sys/native.js'
import { signalPidfd } from '../sys/process.js'
import { runHooks } from './hooks.js'
import { openOwn } from './kill.js'
import { forwardReady, listenForNotify } from './notify.js'
import type { Common } from './options.js'
import { notifySocket } from './plumbing.js'
import { type Record, statusOf } from './record.js'
import { directoryOf, files, load } from './store.js'

const SIGKILL = 9
const POLLIN = 1

/** `tsrun start`: releases the container's program, and returns when it has been executed. */
export function startContainer(common: Common, id: string): void {
  try {
    const record = load(common.root, id)
    const status = statusOf(common.root, record)
    if (status === 'stopped') throw new StateError('stopped', 'cannot start a container that has stopped')
    if (status !== 'created') {
      throw new StateError(
        'not-created',
        `cannot start an already running container (its status is ${status})`,
      )
    }
    checkProcess(record)
    start(common, record)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`start ${JSON.stringify(id)}`) : error
  }
}

/** The specification wants a process of `start` alone (config.md). The text is runc's, which asks for one at create. */
export function checkProcess({ noProcess }: Record): void {
  if (noProcess === true)
    throw new ConfigError('/process', 'process-required', 'process property must not be empty')
}

/**
 * Opens the exec fifo and reads it until its end: no byte means that exec succeeded and closed it, a frame tells what failed.
 * So a poststart hook runs truly after the program was executed (runc#4347).
 */
export function start(common: Common, record: Record): void {
  const { init, id } = record
  if (init === undefined) throw new StateError('not-created', 'container has no process yet')
  const pidfd = openOwn(init)
  if (pidfd === undefined) throw new StateError('stopped', 'cannot start a container that has stopped')
  const path = `${directoryOf(common.root, id)}/${files.fifo}`
  let fifo: number | undefined
  const host = notifySocket()
  let notified = host === undefined ? undefined : listenForNotify(common.root, id)
  try {
    fifo = openFifo(path)
    const told = readToEnd(record, fifo, pidfd, common.log)
    unlink(path)
    if (told.length > 0) throw startFailure(record, told)
    common.log.debug('the program was executed')
    try {
      runHooks('poststart', record.poststart, record, init.pid, common.log)
    } catch (error) {
      signalPidfd(pidfd, SIGKILL)
      throw error
    }
    if (host === undefined || notified === undefined) return
    const socket = notified
    notified = undefined
    forwardReady(socket, host, init.pid, pidfd, common.log)
  } finally {
    if (notified !== undefined) close(notified)
    if (fifo !== undefined) close(fifo)
    close(pidfd)
  }
}

/** Another `start` may have been faster: then the fifo is gone. */
function openFifo(path: string): number {
  try {
    return openFile(path, O.RDONLY | O.NONBLOCK)
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errnoName !== 'ENOENT') throw error
    throw new StateError('not-created', 'cannot start an already running container')
  }
}

/** What is left when the words of hooks were taken from it. */
function readToEnd(record: Record, fifo: number, pidfd: number, log: Log): Uint8Array {
  const entries = new Uint8Array(16)
  const view = new DataView(entries.buffer)
  view.setInt32(0, fifo, true)
  view.setInt16(4, POLLIN, true)
  view.setInt32(8, pidfd, true)
  view.setInt16(12, POLLIN, true)
  // Until init has opened its end there is nothing to hear but its death.
  awaitEither(entries)
  const bytes = new Uint8Array(4096)
  if (view.getInt16(6, true) === 0) {
    throw startFailure(record, bytes.subarray(0, 0))
  }
  for (let have = 0; ; ) {
    const got = readSome(fifo, bytes.subarray(have), entries)
    if (got === 0) return bytes.subarray(0, have)
    have = takeSaid(record, bytes, have + got, log)
  }
}

function awaitEither(entries: Uint8Array): void {
  check(
    uninterrupted(() => native().poll(entries, 2, -1)),
    'poll',
    'exec fifo',
  )
}

function readSome(fifo: number, into: Uint8Array, entries: Uint8Array): number {
  const EAGAIN = -11
  let length = native().read(fifo, into, into.length)
  while (length === EAGAIN) {
    awaitEither(entries)
    length = native().read(fifo, into, into.length)
  }
  return check(length, 'read', 'exec fifo')
}

/** Keeps what hooks of startContainer printed; returns how many bytes are left, at the beginning. */
function takeSaid(record: Record, bytes: Uint8Array, have: number, log: Log): number {
  let left = have
  for (;;) {
    const length = saidLength(bytes.subarray(0, left))
    if (length === 0) return left
    noteSaid(record, bytes.subarray(0, length), log)
    bytes.copyWithin(0, length, left)
    left -= length
  }
}

/** Keeps the words of a hook that init ran. */
export function noteSaid({ afterStart }: Record, bytes: Uint8Array, log: Log): void {
  const frame = parseFrame(bytes)
  if (frame.kind !== 'said') return
  for (const [place, op] of afterStart)
    if (place === frame.index && op.op === 'run_hook') noteOutput(op, frame.detail, log)
}

/** The error that a frame from init tells of: an op after `wait_start`. No bytes: it ended and told nothing. */
export function startFailure(record: Record, bytes: Uint8Array): TsrunError {
  if (bytes.length === 0) return new HostError("the container's process died before it could be started")
  const frame = parseFrame(bytes)
  if (frame.kind !== 'failed') return new HostError('init told something unexpected over the exec fifo')
  for (const [place, op] of record.afterStart) if (place === frame.index) return failureOf(op, frame, [op])
  return new HostError(`starting failed with errno ${frame.errno}`)
}
