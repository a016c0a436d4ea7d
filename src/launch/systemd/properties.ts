/** Properties of units as the bus carries them. */
import type { Int64 } from '../../base/int64.js'
import type { UnitProperty } from '../../plan/op.js'
import { tryRead } from '../../sys/files.js'
import type { Value } from '../dbus/marshal.js'

/** A property as `(sv)`. */
export function wire({ name, type, value }: UnitProperty): Value {
  if (type === 'a(ss)') return [name, { signature: type, value: deviceEntries(value) }]
  return [name, { signature: type, value: value as Value | Int64 }]
}

/**
 * Lines of cgroup v1 (`c 1:3 rwm`) as DeviceAllow= has them: nodes by number, whole drivers by the name in /proc/devices. A rule that it
 * cannot say (a minor of every driver) is left out: our own rules are in the cgroup besides.
 */
function deviceEntries(lines: readonly string[]): Value[] {
  const entries: Value[] = []
  for (const line of lines) {
    const [type = '', numbers = '', access = ''] = line.split(' ')
    const [major = '', minor = ''] = numbers.split(':')
    const kind = type === 'b' ? 'block' : 'char'
    if (major !== '*' && minor !== '*') entries.push([`/dev/${kind}/${major}:${minor}`, access])
    else if (minor === '*') {
      const driver = major === '*' ? '*' : driverName(kind, major)
      if (driver !== undefined) entries.push([`${kind}-${driver}`, access])
    }
  }
  return entries
}

/** The name of a major number: /proc/devices has character devices first, then block devices. */
function driverName(kind: 'block' | 'char', major: string): string | undefined {
  const heading = kind === 'block' ? 'Block devices:' : 'Character devices:'
  let inside = false
  for (const line of (tryRead('/proc/devices') ?? '').split('\n')) {
    if (line.endsWith(':')) inside = line === heading
    const [number, name] = line.trim().split(' ')
    if (inside && number === major) return name
  }
  return undefined
}
