import { ConfigError } from '../base/errors.js'
import type { OpOf } from '../plan/op.js'
import { syscallError } from '../sys/call.js'
import { native } from '../sys/native.js'

/** getrlimit(2), by name. The rules refuse others. */
export const resources: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
}

const EPERM = 1

/** Sets a limit of another process, exact to 2^64-1: the runtime may raise hard limits where init no longer can. */
export function setLimit({ at, resource, soft, hard }: OpOf<'prlimit'>, pid: number): void {
  const number = resources[resource]
  if (number === undefined)
    throw new ConfigError(`${at}/type`, 'rlimit-known', `${resource} is no resource limit`)
  const limit = new Uint8Array(16)
  const view = new DataView(limit.buffer)
  view.setBigUint64(0, BigInt(soft), true)
  view.setBigUint64(8, BigInt(hard), true)
  const result = native().prlimit(pid, number, limit, null)
  if (result >= 0) return
  const error = syscallError(-result, 'prlimit', `${pid}, ${resource}, ${soft}:${hard}`)
  if (-result === EPERM) error.message += ' (raising a hard limit needs CAP_SYS_RESOURCE)'
  throw error.wrap(at)
}

/** RLIM_INFINITY */
const UNLIMITED = 2n ** 64n - 1n

/**
 * Starts a program with its caller's soft limit of open files: Node raises its own to the hard one, which programs inherit (and those
 * with select(2) or a loop over all descriptors suffer from). Afterwards it is raised again: what is open may lie above.
 */
export function withCallerLimits<T>(start: () => T): T {
  const { callerNofile } = native()
  if (callerNofile === undefined) return start()
  const number = resources.RLIMIT_NOFILE as number
  const own = new Uint8Array(16)
  if (native().prlimit(0, number, null, own) < 0) return start()
  const callers = own.slice()
  const soft = callerNofile === Infinity ? UNLIMITED : BigInt(callerNofile)
  new DataView(callers.buffer).setBigUint64(0, soft, true)
  native().prlimit(0, number, callers, null)
  try {
    return start()
  } finally {
    native().prlimit(0, number, own, null)
  }
}
