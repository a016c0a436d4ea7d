/** Byte streams over unix sockets. Every call has a deadline, after which it throws ETIMEDOUT. */
import { check, sleep, syscallError, uninterrupted } from './call.js'
import { native } from './native.js'
import { sendSome } from './socket.js'

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const EAGAIN = -11
const ENAMETOOLONG = -36
const ETIMEDOUT = 110
const POLLIN = 1
const POLLOUT = 4
/** Longest sun_path, without its final NUL. */
const MAX_PATH = 107
/** What `send` takes at once. */
const CHUNK = 4096

/** Milliseconds of the clock that deadlines are made of. */
export function now(): number {
  const CLOCK_MONOTONIC = 1
  const time = new Uint8Array(16)
  native().clock_gettime(CLOCK_MONOTONIC, time)
  const view = new DataView(time.buffer)
  return Number(view.getBigInt64(0, true)) * 1000 + Math.floor(view.getInt32(8, true) / 1_000_000)
}

/**
 * Connects to a stream socket; `@name` is an abstract one. Returns a descriptor that never blocks. Throws SyscallError, ETIMEDOUT
 * where the listener accepts nobody.
 */
export function connectStream(path: string, deadline: number): number {
  const calls = native()
  const address = new Uint8Array(MAX_PATH + 3)
  address[0] = AF_UNIX
  let length = ENAMETOOLONG
  if (path.length <= MAX_PATH) length = calls.utf8Write(path, address, 2)
  // unix(7): an abstract name begins with a NUL and ends where the length says.
  const abstract = path.startsWith('@')
  if (abstract) address[2] = 0
  const fd = check(
    calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    'socket',
    'AF_UNIX, SOCK_STREAM',
  )
  let result = length < 0 ? length : calls.connect(fd, address, abstract ? 2 + length : 3 + length)
  // The listener's queue is full.
  while (result === EAGAIN && now() < deadline) {
    sleep(10)
    result = calls.connect(fd, address, abstract ? 2 + length : 3 + length)
  }
  if (result < 0) calls.close(fd)
  if (result === EAGAIN) throw late('connect', JSON.stringify(path))
  check(result, 'connect', () => JSON.stringify(path))
  return fd
}

/** Writes all of the bytes. Throws SyscallError. */
export function sendAll(fd: number, bytes: Uint8Array, deadline: number): void {
  let done = 0
  while (done < bytes.length) {
    const sent = sendSome(fd, bytes.subarray(done, done + CHUNK))
    if (sent === EAGAIN) awaitEvent(fd, POLLOUT, deadline)
    else done += check(sent, 'sendmsg', () => `${fd}`)
  }
}

/** Reads what is there, at least a byte, and returns how much; 0 at the end of the stream. Throws SyscallError. */
export function receiveSome(fd: number, into: Uint8Array, deadline: number): number {
  for (;;) {
    const length = uninterrupted(() => native().read(fd, into, into.length))
    if (length !== EAGAIN) return check(length, 'read', () => `${fd}`)
    awaitEvent(fd, POLLIN, deadline)
  }
}

function awaitEvent(fd: number, events: number, deadline: number): void {
  const entry = new Uint8Array(8)
  const view = new DataView(entry.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, events, true)
  const left = deadline - now()
  if (left <= 0 || uninterrupted(() => native().poll(entry, 1, left)) === 0) throw late('poll', `${fd}`)
}

function late(call: string, args: string): Error {
  return syscallError(ETIMEDOUT, call, args)
}
