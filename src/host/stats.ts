/**
 * What a container uses, read from its cgroups into runc's layout (its types/events.go): engines parse it. Times are nanoseconds, sizes
 * bytes. Numbers beyond 2^53 are bigint. What a hierarchy or the kernel does not have is left out, or 0 where runc has 0.
 */
import { tryListDirectory } from '../sys/directories.js'
import { tryRead } from '../sys/files.js'
import { readKernelFile } from '../sys/kernelfiles.js'
import type { CgroupPaths } from './cgroup.js'
import { type ResctrlSource, resctrlStats } from './resctrlstats.js'

export type Count = number | bigint
type Table = Record<string, Count>

/** A number of the kernel; 0 for `max`, which runc writes as 2^64-1. */
function count(text: string): Count {
  if (text === 'max') return 18446744073709551615n
  const value = Number(text)
  return value <= Number.MAX_SAFE_INTEGER ? value : BigInt(text)
}

function one(dir: string | undefined, file: string): Count | undefined {
  const text = dir === undefined ? undefined : readKernelFile(`${dir}/${file}`)?.trim()
  return text === undefined || text === '' ? undefined : count(text)
}

const orZero = (value: Count | undefined): Count => value ?? 0

/** Lines of `name number`. */
function table(dir: string | undefined, file: string): Table {
  const result: Table = {}
  for (const line of lines(dir, file)) {
    const space = line.indexOf(' ')
    if (space > 0) result[line.slice(0, space)] = count(line.slice(space + 1))
  }
  return result
}

function lines(dir: string | undefined, file: string): string[] {
  const text = dir === undefined ? undefined : tryRead(`${dir}/${file}`)
  return text === undefined ? [] : text.split('\n').filter(line => line !== '')
}

/** Pressure stall information (cgroup v2, Linux 4.20). */
function pressure(dir: string, file: string): object | undefined {
  const result: Record<string, object> = {}
  for (const line of lines(dir, file)) {
    const [kind = '', ...fields] = line.split(' ')
    const values: Record<string, number> = {}
    for (const field of fields) {
      const equals = field.indexOf('=')
      values[field.slice(0, equals)] = Number(field.slice(equals + 1))
    }
    result[kind] = values
  }
  return Object.keys(result).length === 0 ? undefined : result
}

const present = (name: string, value: object | undefined): object =>
  value === undefined ? {} : { [name]: value }

/** What a container has beside its cgroups. */
export interface StatsSources {
  /** Of init, where it has a network namespace of its own. */
  readonly netDev?: string
  /** Its group of resctrl, and its monitoring group (else the group itself counts). */
  readonly resctrl?: ResctrlSource
}

/** The `data` of an event of type `stats`. */
export function readStats(paths: CgroupPaths, { netDev, resctrl }: StatsSources = {}): object {
  const unified = paths.v2 !== undefined && Object.keys(paths.v1).length === 0
  const rest = unified ? statsV2(paths.v2 as string) : statsV1(paths.v1)
  return {
    ...rest,
    hugetlb: unified ? hugetlb(paths.v2, hugetlbV2) : hugetlb(paths.v1.hugetlb, hugetlbV1),
    intel_rdt: resctrl === undefined ? {} : resctrlStats(resctrl),
    network_interfaces: netDev === undefined ? null : networkInterfaces(netDev),
  }
}

type HugetlbFiles = Readonly<Record<'usage' | 'max' | 'failcnt', string>>
const hugetlbV1: HugetlbFiles = { usage: 'usage_in_bytes', max: 'max_usage_in_bytes', failcnt: 'failcnt' }
/** No file has the most that was used; failures are the line `max` of the events. */
const hugetlbV2: HugetlbFiles = { usage: 'current', max: '', failcnt: 'events' }

/** By page size, `2MB`. Reservations where the kernel counts those (5.7), as they are what a limit refuses. */
function hugetlb(dir: string | undefined, { usage, max, failcnt }: HugetlbFiles): object {
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

/** The columns of /proc/PID/net/dev that runc's struct has, by their place after the name. */
const interfaceFields: readonly (readonly [name: string, column: number])[] = [
  ['RxBytes', 0],
  ['RxPackets', 1],
  ['RxErrors', 2],
  ['RxDropped', 3],
  ['TxBytes', 8],
  ['TxPackets', 9],
  ['TxErrors', 10],
  ['TxDropped', 11],
]

/** Every interface but the loopback; null for none, as a Go slice is written. */
function networkInterfaces(netDev: string): object[] | null {
  const interfaces: object[] = []
  for (const line of netDev.split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim()
    if (colon < 0 || name === 'lo') continue
    const columns = words(line.slice(colon + 1))
    const row: Record<string, unknown> = { Name: name }
    for (const [field, column] of interfaceFields) row[field] = count(columns[column] ?? '0')
    interfaces.push(row)
  }
  return interfaces.length === 0 ? null : interfaces
}

const words = (line: string): string[] => line.split(' ').filter(word => word !== '')

/** USER_HZ, the unit of cpuacct.stat: 100 on every architecture that tsrun supports. */
const TICK = 10_000_000

function statsV1(v1: Readonly<Record<string, string>>): object {
  const ticks = table(v1.cpuacct, 'cpuacct.stat')
  const throttling = table(v1.cpu, 'cpu.stat')
  const perCpu = (file: string) =>
    (readKernelFile(`${v1.cpuacct}/${file}`) ?? '').trim().split(' ').filter(Boolean).map(count)
  return {
    cpu: {
      usage: {
        total: orZero(one(v1.cpuacct, 'cpuacct.usage')),
        percpu: v1.cpuacct === undefined ? [] : perCpu('cpuacct.usage_percpu'),
        percpu_kernel: v1.cpuacct === undefined ? [] : perCpu('cpuacct.usage_percpu_sys'),
        percpu_user: v1.cpuacct === undefined ? [] : perCpu('cpuacct.usage_percpu_user'),
        kernel: Number(ticks.system ?? 0) * TICK,
        user: Number(ticks.user ?? 0) * TICK,
      },
      throttling: {
        periods: orZero(throttling.nr_periods),
        throttledPeriods: orZero(throttling.nr_throttled),
        throttledTime: orZero(throttling.throttled_time),
      },
    },
    cpuset: cpusetV1(v1.cpuset),
    memory: {
      cache: orZero(table(v1.memory, 'memory.stat').cache),
      usage: memoryV1(v1.memory, 'memory'),
      swap: memoryV1(v1.memory, 'memory.memsw'),
      kernel: memoryV1(v1.memory, 'memory.kmem'),
      kernelTCP: memoryV1(v1.memory, 'memory.kmem.tcp'),
      raw: table(v1.memory, 'memory.stat'),
    },
    pids: pids(v1.pids),
    blkio: blkioV1(v1.blkio),
  }
}

function memoryV1(dir: string | undefined, prefix: string): object {
  return {
    limit: orZero(one(dir, `${prefix}.limit_in_bytes`)),
    usage: orZero(one(dir, `${prefix}.usage_in_bytes`)),
    max: orZero(one(dir, `${prefix}.max_usage_in_bytes`)),
    failcnt: orZero(one(dir, `${prefix}.failcnt`)),
  }
}

const cpusetFlags = [
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

function cpusetV1(dir: string | undefined): object {
  const result: Record<string, unknown> = {
    cpus: list(dir, 'cpuset.cpus'),
    mems: list(dir, 'cpuset.mems'),
  }
  return { ...result, ...flagsOf(dir) }
}

/** 0 where there are none, as on v2. */
function flagsOf(dir: string | undefined): object {
  const flags: Record<string, number> = {}
  for (const flag of cpusetFlags) {
    const text = dir === undefined ? undefined : readKernelFile(`${dir}/cpuset.${flag}`)
    flags[flag] = text === undefined ? 0 : Number(text)
  }
  return flags
}

/** `0-2,7` as numbers. */
function list(dir: string | undefined, file: string): number[] {
  const numbers: number[] = []
  const text = dir === undefined ? '' : (readKernelFile(`${dir}/${file}`) ?? '').trim()
  for (const part of text.split(',')) {
    if (part === '') continue
    const [from, to = from] = part.split('-')
    for (let n = Number(from); n <= Number(to); n++) numbers.push(n)
  }
  return numbers
}

function pids(dir: string | undefined): object {
  const limit = one(dir, 'pids.max')
  // runc's 0 is no limit.
  return {
    current: orZero(one(dir, 'pids.current')),
    limit: limit === undefined || typeof limit === 'bigint' ? 0 : limit,
  }
}

interface BlockEntry {
  readonly major: number
  readonly minor: number
  readonly op: string
  readonly value: Count
}

function blkioV1(dir: string | undefined): object {
  const entries = (file: string): BlockEntry[] => {
    const result: BlockEntry[] = []
    for (const line of lines(dir, file)) {
      // `8:0 Read 4096`; the last line is a total of all devices.
      const [device = '', op = '', value] = line.split(' ')
      const colon = device.indexOf(':')
      if (colon < 0 || value === undefined) continue
      result.push(entry(device, colon, op, count(value)))
    }
    return result
  }
  return {
    ioServiceBytesRecursive: entries('blkio.throttle.io_service_bytes_recursive'),
    ioServicedRecursive: entries('blkio.throttle.io_serviced_recursive'),
  }
}

const entry = (device: string, colon: number, op: string, value: Count): BlockEntry => ({
  major: Number(device.slice(0, colon)),
  minor: Number(device.slice(colon + 1)),
  op,
  value,
})

function statsV2(dir: string): object {
  const cpu = table(dir, 'cpu.stat')
  const nanoseconds = (name: string): number => Number(cpu[name] ?? 0) * 1000
  return {
    cpu: {
      usage: {
        total: nanoseconds('usage_usec'),
        kernel: nanoseconds('system_usec'),
        user: nanoseconds('user_usec'),
      },
      throttling: {
        periods: orZero(cpu.nr_periods),
        throttledPeriods: orZero(cpu.nr_throttled),
        throttledTime: nanoseconds('throttled_usec'),
      },
      ...present('psi', pressure(dir, 'cpu.pressure')),
    },
    cpuset: {
      cpus: list(dir, 'cpuset.cpus.effective'),
      mems: list(dir, 'cpuset.mems.effective'),
      ...flagsOf(undefined),
    },
    memory: memoryV2(dir),
    pids: pids(dir),
    blkio: { ...blkioV2(dir), ...present('psi', pressure(dir, 'io.pressure')) },
  }
}

/** As v1 counts it, swap is memory and swap together. */
function memoryV2(dir: string): object {
  const stat = table(dir, 'memory.stat')
  const events = table(dir, 'memory.events')
  const usage = orZero(one(dir, 'memory.current'))
  const limit = orZero(one(dir, 'memory.max'))
  const swap = one(dir, 'memory.swap.current')
  const swapLimit = one(dir, 'memory.swap.max')
  const none = { limit: 0, failcnt: 0 }
  return {
    cache: orZero(stat.file),
    usage: { limit, usage, max: orZero(one(dir, 'memory.peak')), failcnt: orZero(events.max) },
    swap:
      swap === undefined
        ? none
        : { limit: sum(limit, orZero(swapLimit)), usage: sum(usage, swap), max: 0, failcnt: 0 },
    kernel: none,
    kernelTCP: none,
    raw: stat,
    ...present('psi', pressure(dir, 'memory.pressure')),
  }
}

const NO_LIMIT = 18446744073709551615n

/** No limit plus anything is no limit. */
function sum(a: Count, b: Count): Count {
  const total = BigInt(a) + BigInt(b)
  if (total >= NO_LIMIT) return NO_LIMIT
  return total <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(total) : total
}

/** io.stat: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`. */
const ioFields: Readonly<Record<string, readonly [list: 'bytes' | 'serviced', op: string]>> = {
  rbytes: ['bytes', 'Read'],
  wbytes: ['bytes', 'Write'],
  rios: ['serviced', 'Read'],
  wios: ['serviced', 'Write'],
}

function blkioV2(dir: string): object {
  const found = { bytes: [] as BlockEntry[], serviced: [] as BlockEntry[] }
  for (const line of lines(dir, 'io.stat')) {
    const [device = '', ...fields] = line.split(' ')
    const colon = device.indexOf(':')
    if (colon < 0) continue
    for (const field of fields) {
      const equals = field.indexOf('=')
      const row = ioFields[field.slice(0, equals)]
      if (row !== undefined) found[row[0]].push(entry(device, colon, row[1], count(field.slice(equals + 1))))
    }
  }
  return { ioServiceBytesRecursive: found.bytes, ioServicedRecursive: found.serviced }
}
