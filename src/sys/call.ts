import { errnoName, errnoText } from '../base/errno.js'
import { SyscallError } from '../base/errors.js'
import { native } from './native.js'

const EINTR = 4

/**
 * Passes a result of the C table on, or throws: `openat2("/x", O_PATH): ENOENT, no such file or directory`.
 * `describe` gives the arguments as strace would show them; a function is called on failure only.
 */
export function check(result: number, syscall: string, describe: string | (() => string)): number {
  if (result >= 0) return result
  throw syscallError(-result, syscall, typeof describe === 'string' ? describe : describe())
}

/** The error of a system call that failed with `errno` (positive); `args` as strace would show them. */
export function syscallError(errno: number, syscall: string, args: string): SyscallError {
  const name = errnoName(errno)
  return new SyscallError(syscall, errno, name, `${syscall}(${args}): ${name}, ${errnoText(errno)}`)
}

/**
 * Calls again while a signal interrupts. For calls that can wait and that a repetition does not harm (open of a fifo,
 * read of a socket, waitid); never for close(2), which has closed when it says EINTR.
 */
export function uninterrupted(call: () => number): number {
  let result = call()
  while (result === -EINTR) result = call()
  return result
}

/** Waits, at least `milliseconds`; a signal may end it early. */
export function sleep(milliseconds: number): void {
  native().poll(null, 0, milliseconds)
}
