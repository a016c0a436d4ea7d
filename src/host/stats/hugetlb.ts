import { tryListDirectory } from '../../sys/directories.js'
import { one, orZero, table } from './read.js'

type HugetlbFiles = Readonly<Record<'usage' | 'max' | 'failcnt', string>>
export const hugetlbV1: HugetlbFiles = {
  usage: 'usage_in_bytes',
  max: 'max_usage_in_bytes',
  failcnt: 'failcnt',
}
/** No file has the most that was used; failures are the line `max` of the events. */
export const hugetlbV2: HugetlbFiles = { usage: 'current', max: '', failcnt: 'events' }

/** By page size, `2MB`. Reservations where the kernel counts those (5.7), as they are what a limit refuses. */
export function hugetlb(dir: string | undefined, { usage, max, failcnt }: HugetlbFiles): object {
  const sizes: Record<string, object> = {}
  if (dir === undefined) return sizes
  const suffix = `.${usage}`
  for (const { name } of tryListDirectory(dir) ?? []) {
    if (!name.startsWith('hugetlb.') || !name.endsWith(suffix) || name.includes('.rsvd.')) continue
    const size = name.slice('hugetlb.'.length, -suffix.length)
    const reserved = one(dir, `hugetlb.${size}.rsvd${suffix}`)
    const prefix = reserved === undefined ? `hugetlb.${size}` : `hugetlb.${size}.rsvd`
    const events = failcnt === 'events'
    sizes[size] = {
      usage: orZero(reserved ?? one(dir, name)),
      ...(max !== '' && { max: orZero(one(dir, `${prefix}.${max}`)) }),
      failcnt: orZero(events ? table(dir, `hugetlb.${size}.events`).max : one(dir, `${prefix}.${failcnt}`)),
    }
  }
  return sizes
}
