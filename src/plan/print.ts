/**
 * A plan as text, one line per op like strace's, or as JSON. Values of environment variables stay hidden unless asked for:
 * people paste plans into bug reports.
 */
import { capabilityNames } from '../base/capabilities.js'
import type { Op, Plan, UnitProperty } from './op.js'
import { type OpName, opcodes } from './opcodes.js'

export interface PrintOptions {
  readonly showEnv?: boolean
  /** For terminals. */
  readonly colour?: boolean
}

/** `init     mount_setattr(mount:3, set=ro|nosuid)      /mounts/3`: who, what, and the field that caused it. */
export function planText(plan: Plan, { showEnv = false, colour = false }: PrintOptions = {}): string {
  const lines = plan.ops.map(op => ({ op, text: opText(op, showEnv) }))
  let widest = 0
  for (const { text } of lines) if (text.length <= maxColumn) widest = Math.max(widest, text.length)
  let out = ''
  for (const { op, text } of lines) {
    const who = op.by.padEnd(actorWidth)
    const gap = ' '.repeat(Math.max(widest - text.length, 0) + 2)
    out += colour
      ? `\x1b[36m${who}\x1b[0m${text}${gap}\x1b[2m${op.at}\x1b[0m\n`
      : `${who}${text}${gap}${op.at}\n`
  }
  return out
}

const actorWidth = 'runtime '.length
/** Lines that are longer do not push the last column further. */
const maxColumn = 80

/** Internal to a form of the shim, or a document that says nothing about the op. */
const hidden: readonly string[] = ['op', 'by', 'at', 'before', 'after', 'tolerate']
/** Numbers that are yes or no. */
const switches: readonly string[] = ['recursive', 'nofollow', 'retry']
/** Words of enumerations that need no mention. */
const usual: readonly string[] = ['none', 'in_root']
const octal: readonly string[] = ['mode', 'mask']
const capabilitySets: readonly string[] = ['keep', 'effective', 'permitted', 'inheritable']

/** One op: `fsmount("tmpfs", source="shm", options=["size=64k"], attrs=nosuid) = mount:1`. */
export function opText(op: Op, showEnv = false): string {
  const kinds: Readonly<Record<string, string>> = Object.hasOwn(opcodes, op.op)
    ? opcodes[op.op as OpName].fields
    : {}
  const values = op as unknown as Readonly<Record<string, unknown>>
  // Fields stand in the order of the table, whatever the pass did; runtime ops have no table.
  const names = Object.keys(kinds).length > 0 ? Object.keys(kinds) : Object.keys(values)
  const parts: string[] = []
  let result = ''
  for (const name of names) {
    const value = values[name]
    const kind = withoutMark(kinds[name] ?? '')
    if (hidden.includes(name) || value === undefined) continue
    if (kind === 'newSlot') result = ` = ${value}`
    else {
      const text = argument(op, name, kind, name === 'env' && !showEnv ? redacted(value) : value)
      const bare =
        kind === 'hostPath' || kind === 'inRootPath' || (parts.length === 0 && text.startsWith('"'))
      if (text !== '')
        parts.push(bare || text === name || isOwnName(kind, name, text) ? text : `${name}=${text}`)
    }
  }
  if (op.tolerate !== undefined && op.tolerate.length > 0) parts.push(`tolerate=${op.tolerate.join('|')}`)
  return `${op.op}(${parts.join(', ')})${result}`
}

/** `slot?` is a slot, where it is there. */
const withoutMark = (kind: string): string => (kind.endsWith('?') ? kind.slice(0, -1) : kind)

/** A slot needs no name before it where it has the same, nor has the op's own slot one. */
const isOwnName = (kind: string, name: string, text: string): boolean =>
  kind === 'slot' ? name === 'slot' || name === text : text.startsWith('<')

/** The value of one argument, or '' when it says nothing. */
function argument(op: Op, name: string, kind: string, value: unknown): string {
  if (kind === 'slot') return String(value)
  if (kind.startsWith('flags:')) return (value as readonly string[]).join('|')
  if (kind.startsWith('enum:')) return usual.includes(value as string) ? '' : String(value)
  if (switches.includes(name)) return value === 0 || value === false ? '' : name
  if (value instanceof Uint8Array) {
    return op.op === 'seccomp' ? `<${value.length / 8} instructions>` : `<${value.length} bytes>`
  }
  if (Array.isArray(value) && value.length === 0 && kind === 'strs') return ''
  if (name === 'properties') return `[${(value as readonly UnitProperty[]).map(property).join(', ')}]`
  if (capabilitySets.includes(name) || (op.op === 'raise_ambient' && name === 'mask')) {
    return capabilitySet(value as number | bigint)
  }
  return octal.includes(name) ? `0${(value as number).toString(8)}` : plain(value)
}

/** `MemoryMax=104857600`, as systemctl(1) shows it but for bytes: `AllowedCPUs=0x0f`. */
function property({ name, value }: UnitProperty): string {
  if (value instanceof Uint8Array) return `${name}=0x${hexBytes(value)}`
  if (typeof value === 'bigint' && value === UNLIMITED) return `${name}=infinity`
  return `${name}=${plain(value)}`
}

const UNLIMITED = 2n ** 64n - 1n

/** `KILL|NET_RAW`; `~SYS_ADMIN` is all but that one, as in strace. */
function capabilitySet(value: number | bigint): string {
  const mask = BigInt(value)
  const inside = capabilityNames.filter((_, number) => (mask >> BigInt(number)) % 2n === 1n)
  const outside = capabilityNames.filter(name => !inside.includes(name))
  if (inside.length === 0) return 'none'
  if (outside.length === 0) return 'all'
  const [sign, names] = inside.length <= outside.length ? ['', inside] : ['~', outside]
  return sign + names.map(name => name.slice('CAP_'.length)).join('|')
}

/** Values of fields without a kind of their own: strings quoted, lists in brackets, records in braces. */
function plain(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const parts: string[] = []
    for (const name of Object.keys(value))
      parts.push(`${name}=${plain((value as Record<string, unknown>)[name])}`)
    return `{${parts.join(', ')}}`
  }
  return String(value)
}

/** Names without their values. */
function redacted(env: unknown): readonly string[] {
  return (env as readonly string[]).map(entry => {
    const equals = entry.indexOf('=')
    return equals === -1 ? entry : `${entry.slice(0, equals)}=…`
  })
}

/** The whole plan as JSON, indented by two: integers exact beyond 2^53, bytes as hexadecimal text. */
export function planJson(plan: Plan, { showEnv = false }: PrintOptions = {}): string {
  const ops = plan.ops.map(op => ('env' in op && !showEnv ? { ...op, env: redacted(op.env) } : op))
  return `${json({ ...plan, ops }, '')}\n`
}

/** JSON.stringify refuses bigint and has no way to write one as a number. */
function json(value: unknown, indent: string): string {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return JSON.stringify(hexBytes(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    if (value.every(item => typeof item !== 'object'))
      return `[${value.map(item => json(item, '')).join(', ')}]`
    return `[\n${value.map(item => inner + json(item, inner)).join(',\n')}\n${indent}]`
  }
  const parts: string[] = []
  for (const name of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[name]
    if (item !== undefined) parts.push(`${inner}${JSON.stringify(name)}: ${json(item, inner)}`)
  }
  return parts.length === 0 ? '{}' : `{\n${parts.join(',\n')}\n${indent}}`
}

function hexBytes(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += (bytes[i] as number).toString(16).padStart(2, '0')
  return text
}
