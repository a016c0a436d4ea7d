/**
 * criu as a program that does one job over a socket (`criu swrk FD`): a request goes out, notifications come in and are answered, the
 * last answer ends it.
 */
import { HostError, SyscallError } from '../../base/errors.js'
import { syscallError } from '../../sys/call.js'
import { O, openFile, tryRead } from '../../sys/files.js'
import { native } from '../../sys/native.js'
import { closeOthersOnExec, type Exit, spawn, wait } from '../../sys/process.js'
import { packetPair, receive, send } from '../../sys/socket.js'
import { withCallerLimits } from '../limits.js'
import { findTool } from '../tool.js'
import { explained } from './log.js'
import { type Message, requestTypes } from './messages.js'
import { decode, encode } from './wire.js'

const MFD_CLOEXEC = 1
const ECONNRESET = 104
/** What a socket says whose other end was closed, with and without unread bytes. */
const GONE: readonly string[] = ['ECONNRESET', 'EPIPE']

/** criu's end of the socket, in criu. */
export const SOCKET = 3

export type RequestType = keyof typeof requestTypes
type Request = Omit<Message<'request'>, 'type'>

/**
 * Called when criu has come to a certain point. Who takes the descriptor closes it; `criu` is criu's own pid. What this throws makes criu
 * give up.
 */
export type Notified = (script: string, pid: number, fd: number | undefined, criu: number) => void

/** A criu that waits for its request. Our child. */
export interface Criu {
  readonly pid: number
  readonly socket: number
}

/** Throws HostError that names the package. */
export function findCriu(): string {
  return findTool('criu', 'apt-get install criu, or the package of your distribution')
}

/** A job that needs nothing but its request: criu gets nothing of ours. Throws HostError when it fails, with words of `log`. */
export function askCriu(
  type: RequestType,
  request: Request = {},
  { log, notified }: { readonly log?: string; readonly notified?: Notified } = {},
): Message<'response'> {
  const calls = native()
  const path = findCriu()
  const [socket, theirs] = packetPair()
  // Its log does not exist before it has read the request.
  const words = calls.memfd_create('tsrun-criu', MFD_CLOEXEC)
  const nothing = openFile('/dev/null', O.RDWR)
  try {
    closeOthersOnExec()
    const fds: [number, number][] = [
      [nothing, 0],
      [words, 1],
      [words, 2],
      [theirs, SOCKET],
    ]
    const argv = ['criu', 'swrk', `${SOCKET}`]
    const pid = withCallerLimits(() => spawn(path, { argv, env: calls.environ, fds }))
    calls.close(theirs)
    return converse({ pid, socket }, type, () => request, notified)
  } catch (error) {
    throw explained(error, log, tryRead(`/proc/self/fd/${words}`))
  } finally {
    calls.close(words)
    calls.close(nothing)
  }
}

/**
 * Sends the request, answers notifications, and returns the last answer when criu has ended: it always has afterwards. Throws HostError
 * when it failed, and what `request` throws.
 */
export function converse(
  { pid, socket }: Criu,
  type: RequestType,
  request: () => Request,
  notified: Notified = () => {},
): Message<'response'> {
  let exit: Exit | undefined
  let response: Message<'response'>
  try {
    send(socket, encode('request', { type: requestTypes[type], ...request() }))
    response = answers(socket, type, (script, of, fd) => notified(script, of, fd, pid))
  } catch (error) {
    const gone = error instanceof SyscallError && GONE.includes(error.errnoName)
    throw gone ? new HostError(`criu failed: type ${type}: it ended without an answer`) : error
  } finally {
    // Without its socket it gives up what it has not done yet, and lets the container go on.
    native().close(socket)
    exit = wait({ pid })
  }
  // After a pre-dump it waits for the next one, and calls it a failure that none comes.
  if (type !== 'PRE_DUMP') checkExit(type, exit)
  return response
}

function answers(
  socket: number,
  type: RequestType,
  notified: (script: string, pid: number, fd: number | undefined) => void,
): Message<'response'> {
  for (;;) {
    const { bytes, fd } = receive(socket)
    if (bytes.length === 0) throw syscallError(ECONNRESET, 'recvmsg', `${socket}`)
    const response = decode('response', bytes)
    if (response.success !== true) {
      throw new HostError(`criu failed: type ${type} errno ${response.errno ?? 0}`)
    }
    if (response.type === requestTypes[type]) return response
    if (response.type !== requestTypes.NOTIFY || response.notification === undefined)
      throw new HostError(`criu failed: type ${type}: it answered with type ${response.type}`)
    const { script = '', pid = 0 } = response.notification
    notified(script, pid, fd)
    send(socket, encode('request', { type: requestTypes.NOTIFY, notifySuccess: true }))
  }
}

function checkExit(type: RequestType, exit: Exit | undefined): void {
  if (exit === undefined || ('code' in exit && exit.code === 0)) return
  const how = 'signal' in exit ? `signal ${exit.signal}` : `exit status ${exit.code}`
  throw new HostError(`criu failed: type ${type}: ${how}`)
}
