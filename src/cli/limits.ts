/** The options of `update` as the resources of a config. */
import type { Log } from '../base/log.js'
import type { Schemas } from '../container/options.js'
import type { Resources } from '../spec/types.gen.js'
import type { CommandOptions } from './commands.js'
import { parseInt64, parseSize } from './units.js'

type Options = CommandOptions<'update'>
type Parse = (text: string, option: string) => unknown
type Row = readonly [option: keyof Options, section: string, field: string, parse: Parse]

const asIs: Parse = text => text

const rows: readonly Row[] = [
  ['memory', 'memory', 'limit', parseSize],
  ['memory-reservation', 'memory', 'reservation', parseSize],
  ['memory-swap', 'memory', 'swap', parseSize],
  ['cpu-period', 'cpu', 'period', parseInt64],
  ['cpu-quota', 'cpu', 'quota', parseInt64],
  ['cpu-burst', 'cpu', 'burst', parseInt64],
  ['cpu-share', 'cpu', 'shares', parseInt64],
  ['cpu-idle', 'cpu', 'idle', parseInt64],
  ['cpu-rt-period', 'cpu', 'realtimePeriod', parseInt64],
  ['cpu-rt-runtime', 'cpu', 'realtimeRuntime', parseInt64],
  ['cpuset-cpus', 'cpu', 'cpus', asIs],
  ['cpuset-mems', 'cpu', 'mems', asIs],
  ['pids-limit', 'pids', 'limit', parseInt64],
  ['blkio-weight', 'blockIO', 'weight', parseInt64],
]

/** Throws UsageError for what is no limit. */
export function limitsOf(options: Options, log: Log): Resources {
  const limits: Record<string, Record<string, unknown>> = {}
  for (const [option, section, field, parse] of rows) {
    const text = options[option]
    if (text === undefined || text === '') continue
    limits[section] = { ...limits[section], [field]: parse(text, `--${option}`) }
  }
  for (const option of ['kernel-memory', 'kernel-memory-tcp'] as const) {
    if (options[option]) log.warn(`--${option} is ignored: the kernel no longer has this limit`)
  }
  return limits as Resources
}

/** Those of the container's group of resctrl; undefined when there is none. */
export function schemasOf({
  'l3-cache-schema': l3,
  'mem-bw-schema': bandwidth,
}: Options): Schemas | undefined {
  if (!l3 && !bandwidth) return undefined
  return { ...(l3 && { l3CacheSchema: l3 }), ...(bandwidth && { memBwSchema: bandwidth }) }
}
