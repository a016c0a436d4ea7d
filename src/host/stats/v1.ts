import { readKernelFile } from '../../sys/kernelfiles.js'
import { count, lines, list, one, orZero, table } from './read.js'
import { type BlockEntry, blockEntry, cpusetFlags, pids } from './rows.js'

/** USER_HZ, the unit of cpuacct.stat: 100 on every architecture that tsrun supports. */
const TICK = 10_000_000

/** @param v1 directories by controller */
export function statsV1(v1: Readonly<Record<string, string>>): object {
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
    cpuset: {
      cpus: list(v1.cpuset, 'cpuset.cpus'),
      mems: list(v1.cpuset, 'cpuset.mems'),
      ...cpusetFlags(v1.cpuset),
    },
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

function blkioV1(dir: string | undefined): object {
  const entries = (file: string): BlockEntry[] => {
    const result: BlockEntry[] = []
    for (const line of lines(dir, file)) {
      // `8:0 Read 4096`; the last line is a total of all devices.
      const [device = '', op = '', value] = line.split(' ')
      const colon = device.indexOf(':')
      if (colon < 0 || value === undefined) continue
      result.push(blockEntry(device, colon, op, count(value)))
    }
    return result
  }
  return {
    ioServiceBytesRecursive: entries('blkio.throttle.io_service_bytes_recursive'),
    ioServicedRecursive: entries('blkio.throttle.io_serviced_recursive'),
  }
}
