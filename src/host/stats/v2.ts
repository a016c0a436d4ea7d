import { type Count, count, lines, list, one, orZero, present, pressure, table } from './read.js'
import { type BlockEntry, blockEntry, cpusetFlags, pids } from './rows.js'

export function statsV2(dir: string): object {
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
      ...cpusetFlags(undefined),
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
      if (row !== undefined)
        found[row[0]].push(blockEntry(device, colon, row[1], count(field.slice(equals + 1))))
    }
  }
  return { ioServiceBytesRecursive: found.bytes, ioServicedRecursive: found.serviced }
}
