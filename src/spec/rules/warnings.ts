import { type HonouredAnnotation, honoured, ignored, OCI_RUN } from '../ocirun.js'
import { escapeKey } from '../pointer.js'
import type { Spec } from '../types.gen.js'

/** Something that is done in another way than it reads. */
export interface Warning {
  /** JSON pointer. */
  readonly pointer: string
  readonly message: string
}

/** Fields of memory that are accepted and ignored, and why. */
const ignoredMemory = {
  kernel: 'limits of kernel memory are gone from Linux',
  useHierarchy: 'cgroups always count their children',
} as const

/** What is worth a line in the log. Unknown capabilities and mount options are told by lowering, which has their tables. */
export function warnings(spec: Spec): Warning[] {
  const out: Warning[] = []
  const mounts = spec.mounts ?? []
  for (let i = 0; i < mounts.length; i++) {
    if (mounts[i]?.destination.charAt(0) !== '/') {
      const message = 'relative destination path is **deprecated**, using it as relative to /'
      out.push({ pointer: `/mounts/${i}/destination`, message })
    }
  }
  for (const field of ['enableCMT', 'enableMBM'] as const) {
    if (spec.linux?.intelRdt?.[field] !== true) continue
    const message = 'is ignored: enableMonitoring took its place'
    out.push({ pointer: `/linux/intelRdt/${field}`, message })
  }
  const memory = spec.linux?.resources?.memory
  if (memory !== undefined) {
    for (const field of ['kernel', 'useHierarchy'] as const) {
      const value = memory[field]
      if (value === undefined || value === 0 || value === false) continue
      out.push({
        pointer: `/linux/resources/memory/${field}`,
        message: `is ignored: ${ignoredMemory[field]}`,
      })
    }
  }
  for (const name in spec.annotations) {
    if (!name.startsWith(OCI_RUN) || honoured.includes(name as HonouredAnnotation)) continue
    // Empty, this one asks for what tsrun does anyway.
    if (name === 'run.oci.systemd.subgroup' && spec.annotations[name] === '') continue
    const why = Object.hasOwn(ignored, name) ? ignored[name] : 'tsrun does not know it'
    out.push({ pointer: `/annotations/${escapeKey(name)}`, message: `is ignored: ${why}` })
  }
  return out
}
