import type { Op } from '../plan/op.js'
import { sysctlPath } from '../spec/sysctlpath.js'
import type { Input } from './input.js'

/** Kernel parameters, through a procfs of our own that no mount of the image can redirect (CVE-2025-52881). */
export function sysctls({ linux }: Input, out: Op[]): void {
  const entries = Object.entries(linux.sysctl ?? {})
  if (entries.length === 0) return
  out.push({ op: 'open_procfs', by: 'init', at: '/linux/sysctl', slot: 'proc' })
  for (const [key, value] of entries) {
    const at = `/linux/sysctl/${key.split('~').join('~0').split('/').join('~1')}`
    out.push({ op: 'write_file', by: 'init', at, dir: 'proc', path: `sys/${sysctlPath(key)}`, value })
  }
}
