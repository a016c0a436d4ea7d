/** Statistics of Intel RDT and AMD QoS in runc's layout (its types/events.go), from resctrl: Documentation/filesystems/resctrl.rst. */
import { tryListDirectory } from '../../sys/directories.js'
import { readKernelFile } from '../../sys/kernelfiles.js'

export interface ResctrlSource {
  /** Where resctrl is mounted. */
  readonly mount: string
  readonly group: string
  readonly monitor?: string
}

/** A field of runc's, the file, and how it is written. */
type Fact = readonly [field: string, file: string]

const cache: readonly Fact[] = [
  ['cbm_mask', 'cbm_mask'],
  ['min_cbm_bits', 'min_cbm_bits'],
  ['num_closids', 'num_closids'],
]
const bandwidth: readonly Fact[] = [
  ['bandwidth_gran', 'bandwidth_gran'],
  ['delay_linear', 'delay_linear'],
  ['min_bandwidth', 'min_bandwidth'],
  ['num_closids', 'num_closids'],
]

/** The `intel_rdt` of a sample: what the machine can do, what the root and the group have, what was counted. */
export function resctrlStats({ mount, group, monitor }: ResctrlSource): object {
  return {
    ...facts('l3_cache_info', `${mount}/info/L3`, cache),
    ...schema('l3_cache_schema_root', mount, 'L3'),
    ...schema('l3_cache_schema', group, 'L3'),
    ...facts('mem_bw_info', `${mount}/info/MB`, bandwidth),
    ...schema('mem_bw_schema_root', mount, 'MB'),
    ...schema('mem_bw_schema', group, 'MB'),
    ...counters(`${monitor ?? group}/mon_data`),
  }
}

/** A mask is text, everything else a number. */
function facts(name: string, dir: string, rows: readonly Fact[]): object {
  const result: Record<string, string | number> = {}
  for (const [field, file] of rows) {
    const text = readKernelFile(`${dir}/${file}`)?.trim()
    if (text !== undefined) result[field] = field === 'cbm_mask' ? text : Number(text)
  }
  return Object.keys(result).length === 0 ? {} : { [name]: result }
}

/** The line of a resource in a group's schemata, as the kernel writes it. */
function schema(name: string, group: string, resource: string): object {
  for (const line of (readKernelFile(`${group}/schemata`) ?? '').split('\n')) {
    const text = line.trim()
    if (text.startsWith(`${resource}:`)) return { [name]: text }
  }
  return {}
}

/** One entry for each L3 domain that is watched. */
function counters(dir: string): object {
  const mbm: object[] = []
  const cmt: object[] = []
  const names = (tryListDirectory(dir) ?? [])
    .map(({ name }) => name)
    .filter(name => name.startsWith('mon_L3_'))
  for (const name of names.sort()) {
    const read = (file: string): number | undefined => {
      const text = readKernelFile(`${dir}/${name}/${file}`)?.trim()
      // `Unavailable` and `Error` are answers, too.
      return text === undefined || !Number.isInteger(Number(text)) ? undefined : Number(text)
    }
    const total = read('mbm_total_bytes')
    const local = read('mbm_local_bytes')
    const occupancy = read('llc_occupancy')
    if (total !== undefined || local !== undefined)
      mbm.push({ mbm_total_bytes: total ?? 0, mbm_local_bytes: local ?? 0 })
    if (occupancy !== undefined) cmt.push({ llc_occupancy: occupancy })
  }
  return { ...(mbm.length > 0 && { mbm_stats: mbm }), ...(cmt.length > 0 && { cmt_stats: cmt }) }
}
