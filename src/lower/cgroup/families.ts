/** Settings whose files are named by the config: huge pages of each size, and the files of cgroup v2 by name. */
import { ConfigError } from '../../base/errors.js'
import type { Int64 } from '../../base/int64.js'
import type { HugepageLimit, Resources } from '../../spec/types.gen.js'
import { DEFAULT_PERIOD, INFINITY, listMask, quotaPerSecond } from './convert.js'
import { type Knob, knob, type UnitValue } from './knob.js'
import { knobs } from './knobs.js'

const NO_PROPERTY = 'systemd has no property for it'
const text = (value: Int64): string => String(value)

/** Every setting that these resources may have: the rows of the table, then those of the families, `unified` last. */
export function knobsFor(resources: Resources): readonly Knob[] {
  const { hugepageLimits = [], unified } = resources
  if (hugepageLimits.length === 0 && unified === undefined) return knobs
  const rows = [...knobs]
  for (let i = 0; i < hugepageLimits.length; i++) {
    const { pageSize } = hugepageLimits[i] as HugepageLimit
    // Reservations before use, where the kernel counts them (5.7): what was reserved is always there to fault in.
    rows.push(hugepages(i, `hugetlb.${pageSize}.rsvd`, true), hugepages(i, `hugetlb.${pageSize}`, false))
  }
  for (const file in unified) {
    rows.push(unifiedFile(file))
    if (file === 'cpu.max') rows.push(unifiedPeriod)
  }
  return rows
}

function hugepages(index: number, prefix: string, optional: boolean): Knob {
  const tolerate = (): readonly string[] => (optional ? ['ENOENT'] : [])
  return knob({
    field: `/linux/resources/hugepageLimits/${index}`,
    get: r => r.hugepageLimits?.[index]?.limit,
    v1: { controller: 'hugetlb', file: `${prefix}.limit_in_bytes`, text, tolerate },
    v2: { controller: 'hugetlb', file: `${prefix}.max`, text, tolerate },
    systemd: { none: NO_PROPERTY },
    when: 'setup',
  })
}

/** A limit as cgroup v2 writes it; undefined for what is none, which the kernel will refuse. */
function limitOf(text: string): Int64 | undefined {
  const word = text.trim()
  if (word === 'max') return INFINITY
  return isDigits(word) ? BigInt(word) : undefined
}

function isDigits(text: string): boolean {
  for (const letter of text) if (letter < '0' || letter > '9') return false
  return text !== '' && text.length < 20
}

/** Quota and period of cpu.max, microseconds; a period that is left out is the kernel's default. */
function cpuMaxOf(text: string): readonly [quota: Int64 | undefined, period: Int64] {
  const [quota = '', period = ''] = text.trim().split(' ')
  return [limitOf(quota), limitOf(period) ?? DEFAULT_PERIOD]
}

/**
 * Files that systemd has a property for. It has to be told of them: whenever it is told of another limit of the same controller it writes
 * all files that it knows again.
 */
const unifiedProperties: Readonly<Record<string, UnitValue<string>>> = {
  'memory.min': { property: 'MemoryMin', value: limitOf },
  'memory.low': { property: 'MemoryLow', value: limitOf },
  'memory.high': { property: 'MemoryHigh', value: limitOf },
  'memory.max': { property: 'MemoryMax', value: limitOf },
  'memory.swap.max': { property: 'MemorySwapMax', value: limitOf },
  'pids.max': { property: 'TasksMax', value: limitOf },
  'cpu.idle': { property: 'CPUWeight', value: text => (text.trim() === '1' ? 0 : undefined) },
  'cpu.weight': {
    property: 'CPUWeight',
    value: (text, r) => (r.unified?.['cpu.idle']?.trim() === '1' ? undefined : limitOf(text)),
  },
  'cpu.max': {
    property: 'CPUQuotaPerSecUSec',
    value(text) {
      const [quota, period] = cpuMaxOf(text)
      return quota === undefined || quota === INFINITY ? quota : quotaPerSecond(quota, period)
    },
  },
  'cpuset.cpus': {
    property: 'AllowedCPUs',
    value: list => listMask(list.trim(), '/linux/resources/unified/cpuset.cpus'),
  },
  'cpuset.mems': {
    property: 'AllowedMemoryNodes',
    value: list => listMask(list.trim(), '/linux/resources/unified/cpuset.mems'),
  },
}

const WITH_QUOTA = { elsewhere: 'written with the quota' }

/** cpu.max is two properties. */
const unifiedPeriod = knob({
  field: '/linux/resources/unified/cpu.max',
  get: r => r.unified?.['cpu.max'],
  v1: WITH_QUOTA,
  v2: WITH_QUOTA,
  systemd: { property: 'CPUQuotaPeriodUSec', value: text => cpuMaxOf(text)[1] },
  when: 'setup',
})

/** Each line by a write of its own: that is how a file of several keys takes them. */
function unifiedFile(file: string): Knob {
  return knob({
    field: `/linux/resources/unified/${file}`,
    get: r => r.unified?.[file],
    v1: {
      controller: 'unified',
      file,
      text(_value, _resources, field) {
        throw new ConfigError(
          field,
          'unified-needs-v2',
          `${file} is a file of cgroup v2, this machine has cgroup v1`,
        )
      },
    },
    v2: {
      controller: file.slice(0, file.indexOf('.')),
      file,
      text: value => value.split('\n').filter(line => line !== ''),
    },
    systemd: unifiedProperties[file] ?? { elsewhere: 'written to the file: the scope is delegated' },
    when: 'setup',
  })
}
