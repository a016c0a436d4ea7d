/** Reads encoded plans in TypeScript, by the table of opcodes: what the shim reads must be the same. */
import { errnoName } from '../../src/base/errno.js'
import { enumTables, flagTables } from '../../src/plan/flags.js'
import type { Op } from '../../src/plan/op.js'
import { type OpName, opcodes } from '../../src/plan/opcodes.js'

const HEADER = 32
const RECORD = 16
const ABSENT = 2n ** 64n - 1n

type Value = bigint | undefined | string | readonly string[] | readonly number[] | Uint8Array

interface Field {
  readonly name: string
  /** As in the table, without the question mark. */
  readonly kind: string
  /** Texts as hexadecimal digits: not every byte is UTF-8. */
  readonly value: Value
}

interface Read {
  readonly index: number
  readonly op: OpName
  readonly code: number
  readonly tolerated: readonly number[]
  readonly fields: readonly Field[]
}

const names = new Map((Object.keys(opcodes) as OpName[]).map(name => [opcodes[name].code as number, name]))

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Splits `a\0b\0`. */
function texts(bytes: Uint8Array): string[] {
  const out: string[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start)
    out.push(hex(bytes.subarray(start, end)))
    start = end + 1
  }
  return out
}

/** The ops of a plan that the shim has accepted. */
export function readPlan(bytes: Uint8Array): Read[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = view.getUint32(12, true)
  const blob = bytes.subarray(HEADER + view.getUint32(16, true))
  const out: Read[] = []
  let at = HEADER
  for (let i = 0; i < count; i++) {
    const code = view.getUint16(at + 4, true)
    const op = names.get(code) as OpName
    const table = Object.entries(opcodes[op].fields as Readonly<Record<string, string>>)
    const fields = table.map(([name, marked], f): Field => {
      const raw = view.getBigUint64(at + RECORD + 8 * f, true)
      const kind = marked.replace(/\?$/, '')
      if (marked !== kind && raw === ABSENT) return { name, kind, value: undefined }
      const start = Number(raw & 0xffffffffn)
      const part = blob.subarray(start, start + Number(raw >> 32n))
      if (kind === 'str' || kind.endsWith('Path')) return { name, kind, value: hex(part) }
      if (kind === 'strs') return { name, kind, value: texts(part) }
      if (kind === 'u32s') {
        const from = new DataView(part.buffer, part.byteOffset, part.length)
        return {
          name,
          kind,
          value: Array.from({ length: part.length / 4 }, (_, n) => from.getUint32(4 * n, true)),
        }
      }
      if (kind === 'bytes') return { name, kind, value: part }
      return { name, kind, value: raw }
    })
    out.push({
      index: view.getUint32(at, true),
      op,
      code,
      tolerated: [8, 10, 12, 14].map(offset => view.getUint16(at + offset, true)),
      fields,
    })
    at += RECORD + 8 * fields.length
  }
  return out
}

function shown({ kind, value }: Field): string {
  if (value === undefined) return '-'
  if (typeof value === 'bigint') return `#${value}`
  if (typeof value === 'string') return `"${value}`
  if (value instanceof Uint8Array) return `<${hex(value)}`
  return (kind === 'strs' ? '[' : '(') + value.map(item => `${item},`).join('')
}

/** The lines of `decoder print`. */
export const dump = (ops: readonly Read[]): string =>
  ops
    .map(({ index, code, tolerated, fields }) => [index, code, tolerated, ...fields.map(shown)].join(' '))
    .join('\n')

/** The plan cannot be said in names: an errno without one, a text that is no UTF-8, half of a flag. */
export class Unnamed extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const textOf = (digits: string): string => {
  try {
    return utf8.decode(Buffer.from(digits, 'hex'))
  } catch {
    throw new Unnamed('text')
  }
}

function flagsOf(table: Readonly<Record<string, number>>, bits: bigint): string[] {
  let left = bits
  const found: string[] = []
  for (const [name, value] of Object.entries(table).sort(([, a], [, b]) => b - a)) {
    if ((left & BigInt(value)) !== BigInt(value)) continue
    found.push(name)
    left &= ~BigInt(value)
  }
  if (left !== 0n) throw new Unnamed('flags')
  return found
}

function named({ kind, value }: Field): unknown {
  const [type, table] = kind.split(':')
  if (type === 'flags') return flagsOf(flagTables[table as keyof typeof flagTables], value as bigint)
  if (type === 'enum') {
    const entries = Object.entries(enumTables[table as keyof typeof enumTables])
    return entries.find(([, number]) => BigInt(number) === value)?.[0]
  }
  if (type === 'slot' || type === 'newSlot') return `s${value}`
  if (type === 'i32') return Number(BigInt.asIntN(32, value as bigint))
  if (type === 'u32') return Number(value)
  if (type === 'strs') return (value as readonly string[]).map(textOf)
  return typeof value === 'string' ? textOf(value) : value
}

/** The same ops with names, as a plan has them. Throws Unnamed. */
export const opsOf = (ops: readonly Read[]): Op[] =>
  ops.map(({ op, tolerated, fields }) => {
    const tolerate = tolerated.filter(number => number !== 0).map(number => errnoName(number) ?? '')
    if (tolerate.some(name => !name.startsWith('E'))) throw new Unnamed('errno')
    const values = fields.filter(({ value }) => value !== undefined).map(field => [field.name, named(field)])
    return {
      op,
      by: 'init',
      at: '',
      ...Object.fromEntries(values),
      ...(tolerate.length > 0 && { tolerate }),
    } as unknown as Op
  })

/** Ops with their slots called by the order in which they come, and flags in the order of their names. */
export function plain(ops: readonly Op[]): Op[] {
  const known = new Map<unknown, string>()
  return ops.map(op => {
    const copy: Record<string, unknown> = { ...op }
    const fields: Readonly<Record<string, string>> = Object.hasOwn(opcodes, op.op)
      ? opcodes[op.op as OpName].fields
      : {}
    for (const [name, kind] of Object.entries(fields)) {
      if (kind.startsWith('flags:')) copy[name] = [...(copy[name] as string[])].sort()
      if (!/^(slot|newSlot)\??$/.test(kind) || copy[name] === undefined) continue
      if (!known.has(copy[name])) known.set(copy[name], `s${known.size}`)
      copy[name] = known.get(copy[name])
    }
    return copy as unknown as Op
  })
}
