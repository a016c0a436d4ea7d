import { ConfigError } from '../../base/errors.js'
import type { DeviceRule } from '../../spec/types.gen.js'

const READ = 1
const WRITE = 2
const MKNOD = 4
const ALL = READ | WRITE | MKNOD

/** Which devices a cgroup lets its processes use: everything or nothing, with exceptions. */
export interface DeviceAccess {
  readonly allowAll: boolean
  /** By `TYPE MAJOR:MINOR` (`c 1:3`, `b *:*`): bits of read 1, write 2, mknod 4 that differ from `allowAll`. */
  readonly exceptions: ReadonlyMap<string, number>
}

/**
 * What every container may use, after the config's own rules as in runc (they cannot be taken away): making any node, the
 * default devices, ptys, and tun, whose absence broke VPN containers (runc#3468).
 */
const defaults: readonly (readonly [string, number])[] = [
  ['c *:*', MKNOD],
  ['b *:*', MKNOD],
  ['c 1:3', ALL],
  ['c 1:8', ALL],
  ['c 1:7', ALL],
  ['c 5:0', ALL],
  ['c 1:5', ALL],
  ['c 1:9', ALL],
  ['c 136:*', ALL],
  ['c 5:2', ALL],
  ['c 10:200', ALL],
]

/**
 * Folds rules, which apply in order from "nothing allowed", and the runtime's own into one list: the fewest writes on v1, one
 * program on v2. Throws ConfigError for a rule without access or type, and for one that takes from a wildcard: v1 ignores
 * such a rule in silence, the container would have more than the config says.
 */
export function foldDeviceRules(rules: readonly DeviceRule[]): DeviceAccess {
  let allowAll = false
  let exceptions = new Map<string, number>()
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as DeviceRule
    const at = `/linux/resources/devices/${i}`
    const access = accessBits(rule.access ?? '', at, i)
    const type = rule.type === undefined || rule.type === '' ? 'a' : rule.type
    if (type === 'a') {
      // Stands for all devices, whatever its numbers and access say.
      allowAll = rule.allow
      exceptions = new Map()
      continue
    }
    if (type !== 'b' && type !== 'c') {
      throw new ConfigError(
        `${at}/type`,
        'device-rule-type',
        `invalid cgroup device type ${JSON.stringify(type)}`,
      )
    }
    const key = `${type} ${numberOrStar(rule.major)}:${numberOrStar(rule.minor)}`
    if (rule.allow === allowAll) remove(exceptions, key, access, at)
    else exceptions.set(key, (exceptions.get(key) ?? 0) | access)
  }
  for (let i = 0; i < defaults.length; i++) {
    const [key, access] = defaults[i] as readonly [string, number]
    if (allowAll) remove(exceptions, key, access, 'default:devices')
    else exceptions.set(key, (exceptions.get(key) ?? 0) | access)
  }
  return { allowAll, exceptions }
}

/** The exceptions as v1's devices.allow and devices.deny take them: `c 1:3 rwm`. */
export function deviceLines({ exceptions }: DeviceAccess): string[] {
  const lines: string[] = []
  for (const [key, bits] of exceptions) lines.push(`${key} ${accessLetters(bits)}`)
  return lines
}

function remove(exceptions: Map<string, number>, key: string, access: number, at: string): void {
  const [type, numbers] = key.split(' ') as [string, string]
  const [major, minor] = numbers.split(':') as [string, string]
  for (const wide of [`${type} *:${minor}`, `${type} ${major}:*`, `${type} *:*`]) {
    if (wide === key || ((exceptions.get(wide) ?? 0) & access) === 0) continue
    throw new ConfigError(
      at,
      'device-rule-hole',
      `rule "${key} ${accessLetters(access)}" cannot take from the earlier rule "${wide}": write rules that do not overlap`,
    )
  }
  const left = (exceptions.get(key) ?? 0) & ~access
  if (left === 0) exceptions.delete(key)
  else exceptions.set(key, left)
}

const numberOrStar = (n: number | undefined): string => (n === undefined || n === -1 ? '*' : String(n))

function accessBits(access: string, at: string, index: number): number {
  if (access === '') {
    throw new ConfigError(`${at}/access`, 'device-access', `device access at ${index} field cannot be empty`)
  }
  let bits = 0
  for (let i = 0; i < access.length; i++) {
    const bit = access[i] === 'r' ? READ : access[i] === 'w' ? WRITE : access[i] === 'm' ? MKNOD : 0
    if (bit === 0) {
      throw new ConfigError(
        `${at}/access`,
        'device-access',
        `device access ${JSON.stringify(access)} has letters other than r, w and m`,
      )
    }
    bits |= bit
  }
  return bits
}

const letters: readonly string[] = ['', 'r', 'w', 'rw', 'm', 'rm', 'wm', 'rwm']
const accessLetters = (bits: number): string => letters[bits] as string
