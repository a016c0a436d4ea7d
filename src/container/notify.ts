/**
 * NOTIFY_SOCKET of sd_notify(3): the container gets a socket of its own in /run/notify, and that it is ready is passed on. Loaded for a
 * caller that has such a socket.
 */
import { HostError } from '../base/errors.js'
import type { Log } from '../base/log.js'
import type { Spec } from '../spec/types.gen.js'
import { check, uninterrupted } from '../sys/call.js'
import { mkdir } from '../sys/directories.js'
import { AT_FDCWD, close, exists, openPath } from '../sys/files.js'
import { native } from '../sys/native.js'
import { bindDatagram, connectDatagram, send } from '../sys/socket.js'
import { directoryOf, files } from './store.js'

const INSIDE = '/run/notify'
const SOCKET = 'notify.sock'
const POLLIN = 1
/** How long systemd may take to have read everything (as runc), milliseconds. */
const BARRIER = 30_000

/** The config with the directory of the socket mounted, and the variable that names it. */
export function configForNotify<S extends Spec>(spec: S, root: string, id: string): S {
  const source = `${directoryOf(root, id)}/${files.notify}`
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro']
  const mounts = [...(spec.mounts ?? []), { destination: INSIDE, type: 'bind', source, options }]
  const { process } = spec
  const env = [...(process?.env ?? []), `NOTIFY_SOCKET=${INSIDE}/${SOCKET}`]
  return { ...spec, mounts, ...(process !== undefined && { process: { ...process, env } }) }
}

/** Makes the directory that is mounted; the socket comes when somebody waits for it. */
export function makeNotifyDirectory(root: string, id: string): void {
  const path = `${directoryOf(root, id)}/${files.notify}`
  mkdir(path, 0o755)
  check(native().fchmodat(AT_FDCWD, path, 0o755, 0), 'chmod', () => JSON.stringify(path))
}

/** Listens; undefined for a container that was created without a socket. Throws SyscallError. */
export function listenForNotify(root: string, id: string): number | undefined {
  const path = `${directoryOf(root, id)}/${files.notify}`
  if (!exists(path)) return undefined
  const directory = openPath(path)
  try {
    // The path of a socket has 107 bytes at most; engines have longer ones.
    const short = `/proc/self/fd/${directory}/${SOCKET}`
    native().unlinkat(AT_FDCWD, short, 0)
    const socket = bindDatagram(short)
    check(native().fchmodat(AT_FDCWD, short, 0o777, 0), 'chmod', () => JSON.stringify(short))
    return socket
  } finally {
    close(directory)
  }
}

/**
 * Waits until the container says that it is ready, and tells the caller's socket: READY, MAINPID, and BARRIER, so that systemd has read
 * all before this process ends. A container that ends first is not ready. Closes `socket`.
 */
export function forwardReady(socket: number, host: string, pid: number, pidfd: number, log: Log): void {
  try {
    const ready = waitReady(socket, pidfd)
    if (ready === undefined) return
    const connection = connectDatagram(host)
    try {
      say(connection, `${ready}\n`)
      say(connection, `MAINPID=${pid}\n`)
      if (!barrier(connection)) log.warn(`${host} did not answer BARRIER=1 within ${BARRIER / 1000} s`)
    } finally {
      close(connection)
    }
  } catch (error) {
    throw new HostError(`pass READY=1 on to NOTIFY_SOCKET ${host}: ${(error as Error).message}`)
  } finally {
    close(socket)
  }
}

/** The line with READY=, undefined when the container has ended. */
function waitReady(socket: number, pidfd: number): string | undefined {
  const calls = native()
  const bytes = new Uint8Array(4096)
  for (;;) {
    const [told, ended] = wait([socket, pidfd], -1)
    if (told === true) {
      const length = calls.read(socket, bytes, bytes.length)
      for (const line of calls.utf8Read(bytes, 0, Math.max(length, 0)).split('\n'))
        if (line.startsWith('READY=')) return line
    } else if (ended === true) return undefined
  }
}

/** Which descriptors have something to tell, in time. */
function wait(descriptors: readonly number[], milliseconds: number): boolean[] {
  const entries = new Uint8Array(8 * descriptors.length)
  const view = new DataView(entries.buffer)
  for (let i = 0; i < descriptors.length; i++) {
    view.setInt32(8 * i, descriptors[i] as number, true)
    view.setInt16(8 * i + 4, POLLIN, true)
  }
  check(
    uninterrupted(() => native().poll(entries, descriptors.length, milliseconds)),
    'poll',
    'NOTIFY_SOCKET',
  )
  return descriptors.map((_, i) => view.getInt16(8 * i + 6, true) !== 0)
}

function say(connection: number, text: string, fd?: number): void {
  const room = new Uint8Array(text.length * 3)
  send(connection, room.subarray(0, native().utf8Write(text, room, 0)), fd)
}

/** sd_notify_barrier(3): the other side closes the descriptor when it has come to it. */
function barrier(connection: number): boolean {
  const O_CLOEXEC = 0x80000
  const pair = new Uint8Array(8)
  check(native().pipe2(pair, O_CLOEXEC), 'pipe2', '')
  const view = new DataView(pair.buffer)
  const reader = view.getInt32(0, true)
  const writer = view.getInt32(4, true)
  try {
    say(connection, 'BARRIER=1', writer)
  } finally {
    close(writer)
  }
  const [closed] = wait([reader], BARRIER)
  close(reader)
  return closed === true
}
