import { show } from '../pointer.js'
import type { Mount } from '../types.gen.js'
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
    const mount = list[i] as Mount
    const { destination, type } = mount
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
    if (
      path === '/proc' &&
      type !== 'proc' &&
      !isBind(mount) &&
      mount.options?.includes('remount') !== true
    ) {
      return broken(at, 'mount-over-proc', overProcText)
    }
  }
  return undefined
}

const overProcText = '"/proc" cannot be mounted because it is not of type proc'

/** The option makes a bind, whatever the type; the type alone does, too. */
const isBind = ({ type, options }: Mount): boolean =>
  type === 'bind' || options?.includes('bind') === true || options?.includes('rbind') === true

/**
 * What may be bound over the container's /proc is a procfs only: with any other file system there the runtime, or a program in the
 * container that looks at /proc, could be told anything. `isProcfs` asks the machine. Throws ConfigError.
 */
export function checkProcBinds(mounts: readonly Mount[], isProcfs: (source: string) => boolean): void {
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i] as Mount
    const { destination, source = '', options } = mount
    if (!destination.includes('proc') || clean(destination) !== '/proc' || !isBind(mount)) continue
    if (options?.includes('remount') !== true && !isProcfs(source))
      throw broken(`/mounts/${i}/source`, 'mount-over-proc', overProcText)
  }
}
