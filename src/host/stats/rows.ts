/** What both versions of cgroups have in the same form. */
import { readKernelFile } from '../../sys/kernelfiles.js'
import { type Count, one, orZero } from './read.js'

export function pids(dir: string | undefined): object {
  const limit = one(dir, 'pids.max')
  // runc's 0 is no limit.
  return {
    current: orZero(one(dir, 'pids.current')),
    limit: limit === undefined || typeof limit === 'bigint' ? 0 : limit,
  }
}

/** A number of one block device. */
export interface BlockEntry {
  readonly major: number
  readonly minor: number
  readonly op: string
  readonly value: Count
}

/** @param device `8:0`, with the place of its colon */
export const blockEntry = (device: string, colon: number, op: string, value: Count): BlockEntry => ({
  major: Number(device.slice(0, colon)),
  minor: Number(device.slice(colon + 1)),
  op,
  value,
})

const flagNames = [
  'cpu_exclusive',
  'mem_hardwall',
  'mem_exclusive',
  'memory_migrate',
  'memory_spread_page',
  'memory_spread_slab',
  'memory_pressure',
  'sched_load_balance',
  'sched_relax_domain_level',
] as const

/** 0 where there are none, as on v2. */
export function cpusetFlags(dir: string | undefined): object {
  const flags: Record<string, number> = {}
  for (const flag of flagNames) {
    const text = dir === undefined ? undefined : readKernelFile(`${dir}/cpuset.${flag}`)
    flags[flag] = text === undefined ? 0 : Number(text)
  }
  return flags
}
