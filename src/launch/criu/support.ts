/** What the criu of this machine can do. */
import { HostError } from '../../base/errors.js'
import type { Message } from './messages.js'
import { askCriu } from './swrk.js'

/** 3.16 (2021) knows all that tsrun asks of it: external pid namespaces, `status-ready`, the freezer of cgroup v2, labels. */
const NEEDED: readonly [number, number] = [3, 16]

/** Throws HostError when criu is not installed, too old, or does not work on this kernel. */
export function checkCriu(): void {
  const { major = 0, minor = 0 } = askCriu('VERSION').version ?? {}
  const [needMajor, needMinor] = NEEDED
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return
  throw new HostError(`criu ${major}.${minor} is too old: ${needMajor}.${needMinor} or newer is needed`)
}

const names = { memoryTracking: 'MemTrack', lazyPages: 'LazyPages' } as const

/** Throws HostError when this machine lacks one of the features. */
export function checkFeatures(features: Message<'features'>): void {
  const found = askCriu('FEATURE_CHECK', { features }).features ?? {}
  const missing: string[] = []
  for (const name of ['memoryTracking', 'lazyPages'] as const) {
    if (features[name] === true && found[name] !== true) missing.push(names[name])
  }
  if (missing.length > 0)
    throw new HostError(`criu is missing features: ${missing.join(', ')} (this kernel does not have them)`)
}
