import { ConfigError } from '../base/errors.js'
import type { Int64 } from '../base/int64.js'
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

/** Gives the calling process its caller's soft limit of open files back (Node raises it to the hard one). */
export function restoreOpenFiles(soft: Int64 | undefined): void {
  if (soft === undefined) return
  const limit = new Uint8Array(16)
  if (native().prlimit(0, resources.RLIMIT_NOFILE as number, null, limit) < 0) return
  new DataView(limit.buffer).setBigUint64(0, BigInt(soft), true)
  native().prlimit(0, resources.RLIMIT_NOFILE as number, limit, null)
}
