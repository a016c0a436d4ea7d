/** The files of limits, below the cgroup of a container or of its controller, and what stands there, on either version of cgroups. */
import { by } from './systemd.js'

export const files = {
  memory: by('memory/memory.limit_in_bytes', 'memory.max'),
  reservation: by('memory/memory.soft_limit_in_bytes', 'memory.low'),
  quota: by('cpu/cpu.cfs_quota_us', 'cpu.max'),
  shares: by('cpu/cpu.shares', 'cpu.weight'),
  mems: by('cpuset/cpuset.mems', 'cpuset.mems'),
  pids: by('pids/pids.max', 'pids.max'),
} as const

/** A quota in microseconds of the usual period. */
export const quota = (microseconds: number): string => by(`${microseconds}`, `${microseconds} 100000`)

/** The weights of shares, by the straight line of runc before 1.3 and by the curve since. */
const weights: Readonly<Record<number, string>> = { 300: '(?:12|39)', 512: '(?:20|59)' }

/** Shares, as the source of a regular expression. */
export const shares = (number: number): string => by(`${number}`, weights[number] ?? '')

/** The path of such a file outside of the container $N. */
export const limit = (file: string): string =>
  by(
    `/sys/fs/cgroup/${file.replace('/', '/$TAG/$N/')}`,
    `$(find /sys/fs/cgroup -path "*$PARENT/*-$N.scope" -type d)/${file}`,
  )
