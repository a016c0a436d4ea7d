import { show } from '../pointer.js'
import { broken, type SpecRule } from './rule.js'

/** Files that lxcfs and engines lay over procfs; all others would let an image lie to, or escape from, the runtime. */
const overProc = [
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
]

/** A path from the root, without `.`, `..` and double slashes. */
function clean(path: string): string {
  // Nearly every destination is clean already.
  if (path.charAt(0) === '/' && !path.includes('//') && !path.includes('/.') && !path.endsWith('/'))
    return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/**
 * Conditions on mounts that do not depend on the table of options (lower/mountoptions has that). The image may still
 * have symbolic links: the shim looks at where a path led.
 */
export const mounts: SpecRule = spec => {
  const list = spec.mounts
  if (list === undefined) return undefined
  for (let i = 0; i < list.length; i++) {
    const { destination, type } = list[i] as (typeof list)[number]
    const at = `/mounts/${i}/destination`
    if (destination === '') return broken(at, 'mount-destination', 'mount destination must not be empty')
    const path = clean(destination)
    if (path === '/') {
      return broken(
        at,
        'mount-on-root',
        `mount destination ${show(destination)} is the container's root itself`,
      )
    }
    if (path.startsWith('/proc/') && !overProc.includes(path)) {
      return broken(
        at,
        'mount-in-proc',
        `${show(path)} cannot be mounted because it is inside /proc (${type ?? 'no type'})`,
      )
    }
  }
  return undefined
}
