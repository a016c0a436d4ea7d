/** Descriptors that leave the runtime over unix sockets: the pty master, the pidfd, the seccomp listener. */
import { HostError } from '../base/errors.js'
import { SPEC_VERSION } from '../base/version.js'
import { readLink } from '../sys/files.js'
import { native } from '../sys/native.js'
import { connectUnix, send } from '../sys/socket.js'

/** What one datagram of `sys/socket.ts` holds. */
const MOST = 4096

/** The descriptor goes with the first bytes. */
function hand(what: string, socket: string, text: string, fd: number): void {
  let connection: number | undefined
  try {
    connection = connectUnix(socket)
    const room = new Uint8Array(text.length * 3)
    const bytes = room.subarray(0, native().utf8Write(text, room, 0))
    send(connection, bytes.subarray(0, MOST), fd)
    for (let at = MOST; at < bytes.length; at += MOST) send(connection, bytes.subarray(at, at + MOST))
  } catch (error) {
    throw new HostError(`send the ${what} to ${socket}: ${(error as Error).message}`)
  } finally {
    if (connection !== undefined) native().close(connection)
  }
}

/** The container process state of config-linux.md, and the listener that its `fds` names. */
export function sendListener(
  socket: string,
  listener: number,
  pid: number,
  metadata: string | undefined,
  state: string,
): void {
  const head = JSON.stringify({ ociVersion: SPEC_VERSION, fds: ['seccompFd'], pid, metadata })
  hand('seccomp listener', socket, `${head.slice(0, -1)},"state":${state}}`, listener)
}

/** One connection, one descriptor; the payload is the name of the master (runc, docs/terminals.md). */
export function sendConsole(socket: string, master: number): void {
  hand('terminal', socket, readLink(`/proc/self/fd/${master}`), master)
}

/** `standard` tells init from the process of an exec, as runc does. */
export function sendPidfd(socket: string, pidfd: number, payload: 'standard' | 'setns'): void {
  hand('pidfd', socket, payload, pidfd)
}
