/** The only writers to stdout and stderr, and the reader of stdin. */
import { UsageError } from '../base/errors.js'
import { syscallError } from '../sys/call.js'
import { MOST, readFile } from '../sys/files.js'
import { native } from '../sys/native.js'

const EINTR = 4
const EAGAIN = 11
const EFBIG = 27
const EPIPE = 32
const POLLOUT = 4

/** Writes to standard output. A reader that went away (`tsrun list | head -1`) is no error, and false; a full disk is. */
export function print(text: string): boolean {
  const errno = writeAll(1, text)
  if (errno !== 0 && errno !== EPIPE) throw syscallError(errno, 'write', 'standard output')
  return errno === 0
}

/** Writes to standard error; when even that fails there is nobody to tell. */
export function printError(text: string): void {
  writeAll(2, text)
}

/** Writes every byte, in one write(2) where the kernel takes it. Returns 0 or a positive errno. */
export function writeAll(fd: number, text: string): number {
  const sys = native()
  const buffer = new Uint8Array(text.length * 3) // a UTF-16 unit is at most three bytes of UTF-8
  return writeBytes(fd, buffer, sys.utf8Write(text, buffer, 0))
}

/** The same for bytes as they are. False when the reader went away. */
export function printBytes(bytes: Uint8Array): boolean {
  const errno = writeBytes(1, bytes, bytes.length)
  if (errno !== 0 && errno !== EPIPE) throw syscallError(errno, 'write', 'standard output')
  return errno === 0
}

function writeBytes(fd: number, buffer: Uint8Array, length: number): number {
  const sys = native()
  let done = 0
  while (done < length) {
    const result = sys.write(fd, buffer.subarray(done, length), length - done)
    if (result > 0) done += result
    else if (result === -EAGAIN) waitFor(fd, POLLOUT)
    else if (result !== -EINTR) return -result
  }
  return 0
}

/** A caller may have left its pipe non-blocking. */
function waitFor(fd: number, events: number): void {
  const pollfd = new Uint8Array(8)
  const view = new DataView(pollfd.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, events, true)
  native().poll(pollfd, 1, -1)
}

/** Colours only on a terminal that knows them, and never against https://no-color.org. */
export function hasColour(fd: number): boolean {
  const sys = native()
  for (const entry of sys.environ) {
    if (entry === 'TERM=dumb' || (entry.startsWith('NO_COLOR=') && entry.length > 9)) return false
  }
  return sys.isatty(fd) === 1
}

const POLLIN = 1

/** All of a file, or with `-` of standard input. */
export function readInput(path: string): string {
  if (path !== '-') {
    try {
      return readFile(path)
    } catch (error) {
      throw new UsageError(`read ${path}: ${(error as Error).message}`)
    }
  }
  const sys = native()
  let bytes = new Uint8Array(65536)
  let length = 0
  for (;;) {
    const result = sys.read(0, bytes.subarray(length), bytes.length - length)
    if (result === 0) return sys.utf8Read(bytes, 0, length)
    if (result > 0) length += result
    else if (result === -EAGAIN) waitFor(0, POLLIN)
    else if (result !== -EINTR) throw syscallError(-result, 'read', 'standard input')
    if (length > MOST) throw syscallError(EFBIG, 'read', 'standard input')
    if (length === bytes.length) {
      const bigger = new Uint8Array(2 * length)
      bigger.set(bytes)
      bytes = bigger
    }
  }
}
