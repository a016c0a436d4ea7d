/** Conversions from the specification's units, which are cgroup v1's, to those of cgroup v2 and systemd. */
import { ConfigError } from '../../base/errors.js'
import type { Int64 } from '../../base/int64.js'

/** systemd's "infinity": UINT64_MAX. */
export const INFINITY = 18446744073709551615n
/** Microseconds; the kernel's default for cpu.max, cgroup-v2.rst. */
export const DEFAULT_PERIOD = 100000

const is = (value: Int64, number: number): boolean => Number(value) === number

/** Undefined for 0, which says "unset" in fields that older configs fill with zeros. */
export function nonZero(value: Int64 | undefined): Int64 | undefined {
  return value === undefined || is(value, 0) ? undefined : value
}

/** A limit as cgroup v2 writes it: -1 is `max`. */
export function orMax(value: Int64): string {
  return is(value, -1) ? 'max' : String(value)
}

/** A limit as systemd takes it: -1 is infinity. */
export function orInfinity(value: Int64): Int64 {
  return is(value, -1) ? INFINITY : value
}

/**
 * `memory.swap` counts memory and swap together, cgroup v2 swap alone. Returns -1 for no limit.
 * Throws ConfigError for a sum that holds no memory limit, or less than it.
 */
export function swapAlone(swap: Int64, limit: Int64 | undefined, field: string): Int64 {
  if (is(swap, -1)) return -1
  if (limit === undefined) {
    throw new ConfigError(
      field,
      'swap-needs-limit',
      `unable to set swap limit without memory limit: set /linux/resources/memory/limit too (got ${swap})`,
    )
  }
  if (is(limit, -1)) return swap
  if (swap < limit) {
    throw new ConfigError(
      field,
      'swap-below-limit',
      `memory+swap limit should be >= memory limit: ${swap} is below ${limit}`,
    )
  }
  if (typeof swap === 'number' && typeof limit === 'number') return swap - limit
  return BigInt(swap) - BigInt(limit)
}

/** Throws ConfigError for shares that the kernel would silently change (it keeps them in 2…262144). */
export function checkShares(shares: Int64, field: string): string {
  if (shares < 2) throw new ConfigError(field, 'cpu-shares-range', 'the minimum allowed cpu-shares is 2')
  if (shares > 262144) {
    throw new ConfigError(field, 'cpu-shares-range', 'the maximum allowed cpu-shares is 262144')
  }
  return String(shares)
}

/**
 * cpu.shares (2…262144, default 1024) to cpu.weight (1…10000, default 100), by the curve that runc, crun and youki have used
 * since 2025: it meets both ends and both defaults. The straight line before it made 39 of 1024.
 */
export function weightOfShares(shares: Int64): number {
  const s = Number(shares)
  if (s <= 2) return 1
  if (s >= 262144) return 10000
  const l = Math.log2(s)
  // 1024 gives 100 to the last bit on one libm and a little more on another.
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34) - 1e-9)
}

/** blkio weights (10…1000) to io.weight and IOWeight (1…10000), as runc and crun convert them. */
export function ioWeight(weight: Int64): number {
  return 1 + Math.trunc(((Number(weight) - 10) * 9999) / 990)
}

/** cpu.max: quota and period in microseconds; no quota is `max`. */
export function cpuMax(quota: Int64 | undefined, period: Int64 | undefined): string {
  return `${quota !== undefined && quota > 0 ? quota : 'max'} ${period ?? DEFAULT_PERIOD}`
}

/** CPUQuotaPerSecUSec: microseconds a second, rounded up to systemd's 10 ms; infinity without a quota. */
export function quotaPerSecond(quota: Int64, period: Int64 | undefined): Int64 {
  if (quota <= 0) return INFINITY
  const perSecond = (BigInt(quota) * 1000000n) / BigInt(period ?? DEFAULT_PERIOD)
  return ((perSecond + 9999n) / 10000n) * 10000n
}

/** pids.max. 0 becomes 1, as systemd has no 0 and both drivers should do the same; negative is no limit. */
export function pidsMax(limit: Int64): Int64 {
  if (limit < 0) return -1
  return is(limit, 0) ? 1 : limit
}

/** A list like `0-3,7` as systemd's little-endian bit mask. Throws ConfigError. */
export function listMask(list: string, field: string): Uint8Array {
  const bytes: number[] = []
  for (const part of list.split(',')) {
    if (part === '') continue
    const [from, to] = part.split('-')
    const first = Number(from)
    const last = Number(to ?? from)
    if (!(Number.isInteger(first) && Number.isInteger(last)) || first > last || last > 8191) {
      throw new ConfigError(field, 'cpu-list', `${JSON.stringify(list)} is no list of numbers like 0-3,7`)
    }
    for (let n = first; n <= last; n++) {
      const byte = n >> 3
      while (bytes.length <= byte) bytes.push(0)
      bytes[byte] = (bytes[byte] as number) | (1 << (n & 7))
    }
  }
  return Uint8Array.from(bytes)
}
