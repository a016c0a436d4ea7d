/**
 * Datagrams and descriptors over unix sockets. The structures with pointers (msghdr, iovec, cmsghdr) are laid out by hand in
 * memory of a known address; their 64-bit layouts are the same in glibc and musl on little-endian machines.
 */
import { check, sleep, uninterrupted } from './call.js'
import { type Memory, native } from './native.js'

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0x80000
const SOCK_NONBLOCK = 0x800
const MSG_NOSIGNAL = 0x4000
const MSG_CMSG_CLOEXEC = 0x40000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1

/** msghdr (56 bytes), iovec (16), control buffer, data, one after the other. */
const IOVEC = 56
const CONTROL = 72
const CONTROL_SIZE = 64
const DATA = CONTROL + CONTROL_SIZE
const DATA_SIZE = 4096

let memory: Memory | undefined
let view: DataView | undefined

function header(dataLength: number, controlLength: number): { memory: Memory; view: DataView } {
  if (memory === undefined || view === undefined || memory.bytes.length < DATA + dataLength) {
    memory = native().alloc(DATA + Math.max(dataLength, DATA_SIZE))
    view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset, memory.bytes.byteLength)
  }
  const { address } = memory
  memory.bytes.fill(0, 0, DATA)
  view.setBigUint64(16, BigInt(address + IOVEC), true)
  view.setUint32(24, 1, true)
  if (controlLength > 0) {
    view.setBigUint64(32, BigInt(address + CONTROL), true)
    view.setUint32(40, controlLength, true)
  }
  view.setBigUint64(IOVEC, BigInt(address + DATA), true)
  view.setUint32(IOVEC + 8, dataLength, true)
  return { memory, view }
}

/** A connected pair of SOCK_SEQPACKET sockets, both close-on-exec. */
export function packetPair(): [number, number] {
  const pair = new Uint8Array(8)
  check(
    native().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair),
    'socketpair',
    'AF_UNIX, SOCK_SEQPACKET',
  )
  const numbers = new DataView(pair.buffer)
  return [numbers.getInt32(0, true), numbers.getInt32(4, true)]
}

export interface Message {
  /** A view that the next call overwrites. Empty: the other side has closed. */
  readonly bytes: Uint8Array
  /** A descriptor that came along, close-on-exec. */
  readonly fd: number | undefined
}

/** Waits for one datagram of at most 4096 bytes. */
export function receive(socket: number): Message {
  const { memory, view } = header(DATA_SIZE, CONTROL_SIZE)
  const length = check(
    uninterrupted(() => native().recvmsg(socket, memory.address, MSG_CMSG_CLOEXEC)),
    'recvmsg',
    () => `${socket}`,
  )
  let fd: number | undefined
  const controlLength = view.getUint32(40, true)
  if (controlLength >= 20 && view.getInt32(CONTROL + 8, true) === SOL_SOCKET) {
    if (view.getInt32(CONTROL + 12, true) === SCM_RIGHTS) fd = view.getInt32(CONTROL + 16, true)
  }
  return { bytes: memory.bytes.subarray(DATA, DATA + length), fd }
}

/** Sends bytes and, with them, a descriptor. Never raises SIGPIPE. */
export function send(socket: number, bytes: Uint8Array, fd?: number): void {
  const { memory, view } = header(bytes.length, fd === undefined ? 0 : 24)
  memory.bytes.set(bytes, DATA)
  if (fd !== undefined) {
    view.setUint32(CONTROL, 20, true)
    view.setInt32(CONTROL + 8, SOL_SOCKET, true)
    view.setInt32(CONTROL + 12, SCM_RIGHTS, true)
    view.setInt32(CONTROL + 16, fd, true)
  }
  check(
    native().sendmsg(socket, memory.address, MSG_NOSIGNAL),
    'sendmsg',
    () => `${socket}, ${bytes.length} bytes`,
  )
}

/** Sends bytes (at most 4096), or some of them, on a stream. Returns how many, or -errno. Never raises SIGPIPE. */
export function sendSome(socket: number, bytes: Uint8Array): number {
  const { memory } = header(bytes.length, 0)
  memory.bytes.set(bytes, DATA)
  return uninterrupted(() => native().sendmsg(socket, memory.address, MSG_NOSIGNAL))
}

/** How long to wait for a listener whose backlog is full, milliseconds. */
const PATIENCE = 10_000
const EAGAIN = -11
const ENAMETOOLONG = -36

/** struct sockaddr_un, and its length: with the NUL, but for an abstract name, which has none (`@name`). */
function addressOf(path: string): { bytes: Uint8Array; length: number } {
  const bytes = new Uint8Array(110)
  bytes[0] = AF_UNIX
  try {
    const length = native().utf8Write(path, bytes.subarray(2, 109), 0)
    if (!path.startsWith('@')) return { bytes, length: length + 3 }
    bytes[2] = 0
    return { bytes, length: length + 2 }
  } catch {
    return { bytes, length: 0 }
  }
}

function reach(path: string, type: number, call: 'connect' | 'bind'): number {
  const { bytes, length } = addressOf(path)
  const fd = check(native().socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket', 'AF_UNIX')
  let result = length === 0 ? ENAMETOOLONG : native()[call](fd, bytes, length)
  for (let waited = 0; result === EAGAIN && waited < PATIENCE; waited += 10) {
    sleep(10)
    result = native()[call](fd, bytes, length)
  }
  if (result < 0) native().close(fd)
  check(result, call, () => JSON.stringify(path))
  return fd
}

/**
 * Connects to a unix stream socket. The path may be as long as sun_path allows (107 bytes); no abstract names. A listener that takes
 * nobody is waited for, ten seconds at most (EAGAIN).
 */
export function connectUnix(path: string): number {
  return reach(path, SOCK_STREAM, 'connect')
}

/** Connects to a unix datagram socket; `@name` is an abstract one. */
export function connectDatagram(path: string): number {
  return reach(path, SOCK_DGRAM, 'connect')
}

/** Makes a unix datagram socket at a path. */
export function bindDatagram(path: string): number {
  return reach(path, SOCK_DGRAM, 'bind')
}
