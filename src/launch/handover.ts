/** Descriptors that leave the runtime over unix sockets: the pty master and the pidfd. */
import { HostError } from '../base/errors.js'
import { readLink } from '../sys/files.js'
import { native } from '../sys/native.js'
import { connectUnix, send } from '../sys/socket.js'

function hand(what: string, socket: string, name: string, fd: number): void {
  let connection: number | undefined
  try {
    connection = connectUnix(socket)
    const bytes = new Uint8Array(name.length * 3)
    send(connection, bytes.subarray(0, native().utf8Write(name, bytes, 0)), fd)
  } catch (error) {
    throw new HostError(`send the ${what} to ${socket}: ${(error as Error).message}`)
  } finally {
    if (connection !== undefined) native().close(connection)
  }
}

/** One connection, one descriptor; the payload is the name of the master (runc, docs/terminals.md). */
export function sendConsole(socket: string, master: number): void {
  hand('terminal', socket, readLink(`/proc/self/fd/${master}`), master)
}

/** `standard` tells init from the process of an exec, as runc does. */
export function sendPidfd(socket: string, pidfd: number, payload: 'standard' | 'setns'): void {
  hand('pidfd', socket, payload, pidfd)
}
