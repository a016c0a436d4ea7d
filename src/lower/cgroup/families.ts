/** Settings whose files are named by the config: huge pages of each size, and the files of cgroup v2 by name. */
import { ConfigError } from '../../base/errors.js'
import type { Int64 } from '../../base/int64.js'
import type { HugepageLimit, Resources } from '../../spec/types.gen.js'
import { type Knob, knob } from './knob.js'
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
  for (const file in unified) rows.push(unifiedFile(file))
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
    systemd: { elsewhere: 'written to the file: the scope is delegated' },
    when: 'setup',
  })
}
