/** The only writers to stdout and stderr. */
import { syscallError } from '../sys/call.js'
import { native } from '../sys/native.js'

const EINTR = 4
const EAGAIN = 11
const EPIPE = 32
const POLLOUT = 4

/** Writes to standard output. A reader that went away (`tsrun list | head -1`) is no error; a full disk is. */
export function print(text: string): void {
  const errno = writeAll(1, text)
  if (errno !== 0 && errno !== EPIPE) throw syscallError(errno, 'write', 'standard output')
}

/** Writes to standard error; when even that fails there is nobody to tell. */
export function printError(text: string): void {
  writeAll(2, text)
}

/** Writes every byte, in one write(2) where the kernel takes it. Returns 0 or a positive errno. */
export function writeAll(fd: number, text: string): number {
  const sys = native()
  const buffer = new Uint8Array(text.length * 3) // a UTF-16 unit is at most three bytes of UTF-8
  const length = sys.utf8Write(text, buffer, 0)
  let done = 0
  while (done < length) {
    const result = sys.write(fd, buffer.subarray(done, length), length - done)
    if (result > 0) done += result
    else if (result === -EAGAIN) waitWritable(fd)
    else if (result !== -EINTR) return -result
  }
  return 0
}

/** A caller may have left its pipe non-blocking. */
function waitWritable(fd: number): void {
  const pollfd = new Uint8Array(8)
  const view = new DataView(pollfd.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, POLLOUT, true)
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
