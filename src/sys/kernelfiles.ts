/** Files of the kernel (cgroup knobs, /proc, sysctls): one read or write gives the whole value, nothing is ever created. */
import { syscallError } from './call.js'
import { GONE, O, quoted, SCRATCH, scratch } from './files.js'
import { native } from './native.js'

/**
 * A file of the kernel that one read(2) gives whole (a cgroup knob, /proc/self/cgroup, /proc/PID/stat: single records of
 * the kernel's seq_file): open, read, close. Undefined where there is no such file, cgroup or process.
 */
export function readKernelFile(path: string): string | undefined {
  const lib = native()
  const fd = lib.open(path, O.CLOEXEC, 0)
  const into = scratch()
  const n = fd < 0 ? fd : lib.read(fd, into, SCRATCH)
  if (fd >= 0) lib.close(fd)
  if (n >= 0) return lib.utf8Read(into, 0, n)
  if (GONE.has(n)) return undefined
  throw syscallError(-n, fd < 0 ? 'open' : 'read', quoted(path))
}

/** Why a file of the kernel was not written: at the open, or at the value with this index. */
export interface WriteFailure {
  /** Positive. */
  readonly errno: number
  readonly index: number
}

/**
 * Writes a file of the kernel: open, one write(2) for each value, close; never creates. Returns what failed, the values
 * after it unwritten, or undefined.
 */
export function tryWriteKernelFile(path: string, values: readonly string[]): WriteFailure | undefined {
  const lib = native()
  const fd = lib.open(path, O.WRONLY | O.CLOEXEC, 0)
  if (fd < 0) return { errno: -fd, index: 0 }
  const bytes = scratch()
  let failure: WriteFailure | undefined
  try {
    for (let index = 0; index < values.length && failure === undefined; index++) {
      // Throws for a value of more than 64 KiB: no file of the kernel takes one.
      const length = lib.utf8Write(values[index] as string, bytes, 0)
      const n = lib.write(fd, bytes, length)
      if (n < 0) failure = { errno: -n, index }
    }
  } finally {
    lib.close(fd)
  }
  return failure
}

/** Writes one value into a file of the kernel. Throws SyscallError. */
export function writeKernelFile(path: string, value: string): void {
  const failure = tryWriteKernelFile(path, [value])
  if (failure !== undefined) {
    throw syscallError(failure.errno, 'write', `${quoted(path)}, ${quoted(value)}`)
  }
}
