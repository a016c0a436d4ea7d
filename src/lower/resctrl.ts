import type { HostPath, Op } from '../plan/op.js'
import type { IntelRdt } from '../spec/types.gen.js'
import type { Input } from './input.js'

export const ROOT = '/sys/fs/resctrl'
const AT = '/linux/intelRdt'

export interface Groups {
  readonly group: HostPath
  readonly monitor?: HostPath
}

/** Without closID the group is the container's own; monitoring groups always are. */
export function groupsOf({ closID, enableMonitoring }: IntelRdt, id: string): Groups {
  const group = (closID === '/' ? ROOT : `${ROOT}/${closID ?? id}`) as HostPath
  return enableMonitoring === true ? { group, monitor: `${group}/mon_groups/${id}` as HostPath } : { group }
}

/** The lines of the older fields. A MB: line of l3CacheSchema gives way to memBwSchema. */
export function olderLines({ l3CacheSchema = '', memBwSchema = '' }: IntelRdt): string {
  const lines: string[] = []
  for (const line of l3CacheSchema.split('\n')) {
    if (line !== '' && !(memBwSchema !== '' && line.startsWith('MB:'))) lines.push(line)
  }
  if (memBwSchema !== '') lines.push(memBwSchema)
  return text(lines)
}

const text = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('')

/** The groups are made while the shim starts. */
export function makeResctrl({ linux, request }: Input, out: Op[]): void {
  const rdt = linux.intelRdt
  if (rdt === undefined) return
  const compare = olderLines(rdt)
  const schemata = text(rdt.schemata ?? [])
  out.push({
    op: 'resctrl_create',
    by: 'runtime',
    at: AT,
    mount: ROOT as HostPath,
    ...groupsOf(rdt, request.id),
    compare,
    schemata,
    mustExist: rdt.closID !== undefined && compare === '' && schemata === '',
    keep: rdt.closID !== undefined,
  })
}

/** What init starts later is where init is. */
export function enterResctrl({ linux, request }: Input, out: Op[]): void {
  if (linux.intelRdt === undefined) return
  const { group, monitor } = groupsOf(linux.intelRdt, request.id)
  const dirs = monitor === undefined ? [group] : [group, monitor]
  out.push({ op: 'resctrl_join', by: 'runtime', at: AT, dirs })
}
