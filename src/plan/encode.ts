/** A plan as the bytes that the shim reads: `shim/README.md` is the format, `opcodes.ts` the table. */
import { errnoNumber } from '../base/errno.js'
import { PlanError } from '../base/errors.js'
import { buildId } from './buildid.gen.js'
import { enumTables, flagTables } from './flags.js'
import type { Op, RuntimeOp } from './op.js'
import { type OpName, opcodes } from './opcodes.js'

const HEADER = 32
const RECORD = 16
/** `TSRP`, read as a little-endian word. */
const MAGIC = 0x50525354
const MAX_SLOTS = 256
const MAX_TOLERATED = 4
const ABSENT = 0xffffffff

export interface EncodedPlan {
  /** Exactly the file for the shim. */
  readonly bytes: Uint8Array
  /** What the runtime does at each barrier, by its number. */
  readonly barriers: readonly (readonly RuntimeOp[])[]
}

/** Writes UTF-8 at an offset and returns the number of bytes. There is room for three bytes a UTF-16 unit. */
export type Utf8Write = (text: string, into: Uint8Array, offset: number) => number

type Kind =
  | 'number'
  | 'u64'
  | 'path'
  | 'str'
  | 'strs'
  | 'u32s'
  | 'bytes'
  | 'slot'
  | 'newSlot'
  | 'flags'
  | 'enum'

interface Field {
  readonly name: string
  readonly kind: Kind
  readonly optional: boolean
  readonly table: Readonly<Record<string, number>>
}

interface Layout {
  readonly code: number
  readonly fields: readonly Field[]
}

const kinds: Readonly<Record<string, Kind>> = {
  u32: 'number',
  i32: 'number',
  u64: 'u64',
  str: 'str',
  hostPath: 'path',
  inRootPath: 'path',
  strs: 'strs',
  u32s: 'u32s',
  bytes: 'bytes',
  slot: 'slot',
  newSlot: 'newSlot',
  flags: 'flags',
  enum: 'enum',
}

const tables: Readonly<Record<string, Readonly<Record<string, number>>>> = { ...flagTables, ...enumTables }
const layouts: Partial<Record<string, Layout>> = {}

/** The table's row of an op in the form that encoding wants, made when it is first needed. */
function layoutOf(name: OpName): Layout {
  let layout = layouts[name]
  if (layout === undefined) {
    const row = opcodes[name]
    const fields: Field[] = []
    for (const [field, text] of Object.entries<string>(row.fields)) {
      const optional = text.endsWith('?')
      const whole = optional ? text.slice(0, -1) : text
      const colon = whole.indexOf(':')
      const kind = kinds[colon < 0 ? whole : whole.slice(0, colon)] as Kind
      fields.push({
        name: field,
        kind,
        optional,
        table: colon < 0 ? {} : (tables[whole.slice(colon + 1)] ?? {}),
      })
    }
    layout = { code: row.code, fields }
    layouts[name] = layout
  }
  return layout
}

/** Where the encoder is. The records lie before the blob, and their size is known before the first is written. */
interface Writer {
  bytes: Uint8Array
  words: Uint32Array
  /** The next record word. */
  word: number
  /** The next free byte of the blob, counted in the file. */
  end: number
  /** Where the blob begins. */
  readonly blob: number
  readonly slots: Map<string, number>
  readonly utf8Write: Utf8Write
}

function reserve(writer: Writer, size: number): void {
  const needed = writer.end + size
  let capacity = writer.bytes.length
  if (needed <= capacity) return
  while (capacity < needed) capacity *= 2
  const bytes = new Uint8Array(capacity)
  bytes.set(writer.bytes.subarray(0, writer.end))
  writer.bytes = bytes
  writer.words = new Uint32Array(bytes.buffer)
}

function align(writer: Writer, to: number): void {
  reserve(writer, to)
  while (writer.end % to !== 0) writer.end++
}

function pair(writer: Writer, low: number, high: number): void {
  writer.words[writer.word++] = low
  writer.words[writer.word++] = high
}

/** Where something began in the blob, and its length. */
function reference(writer: Writer, start: number, length: number): void {
  pair(writer, start - writer.blob, length)
}

/** Adds a string and its NUL to the blob. */
function addText(writer: Writer, text: string): void {
  if (text.indexOf('\0') >= 0) throw new PlanError('a string with a NUL cannot be given to the kernel')
  reserve(writer, text.length * 3 + 1)
  writer.end += writer.utf8Write(text, writer.bytes, writer.end)
  writer.bytes[writer.end++] = 0
}

function writeText(writer: Writer, text: string): void {
  const start = writer.end
  addText(writer, text)
  reference(writer, start, writer.end - start - 1)
}

function writeTexts(writer: Writer, texts: readonly string[]): void {
  const start = writer.end
  for (let i = 0; i < texts.length; i++) addText(writer, texts[i] as string)
  reference(writer, start, writer.end - start)
}

function writeNumbers(writer: Writer, numbers: readonly number[]): void {
  align(writer, 4)
  reserve(writer, numbers.length * 4)
  const start = writer.end
  for (let i = 0; i < numbers.length; i++) writer.words[start / 4 + i] = u32(numbers[i] as number)
  writer.end += numbers.length * 4
  reference(writer, start, numbers.length * 4)
}

function writeBytes(writer: Writer, bytes: Uint8Array): void {
  if (bytes.length % 8 !== 0) throw new PlanError(`a program of ${bytes.length} bytes is cut off`)
  align(writer, 8)
  reserve(writer, bytes.length)
  writer.bytes.set(bytes, writer.end)
  reference(writer, writer.end, bytes.length)
  writer.end += bytes.length
}

function u32(value: number): number {
  if (value !== value >>> 0) throw new PlanError(`${value} is no 32-bit number`)
  return value
}

function writeU64(writer: Writer, value: number | bigint): void {
  if (typeof value === 'bigint') {
    if (BigInt.asUintN(64, value) !== value) throw new PlanError(`${value} is no unsigned 64-bit number`)
    pair(writer, Number(value & 0xffffffffn), Number(value >> 32n))
    return
  }
  if (!Number.isSafeInteger(value) || value < 0) throw new PlanError(`${value} is no unsigned 64-bit number`)
  pair(writer, value >>> 0, Math.floor(value / 0x100000000))
}

function named(field: Field, name: string): number {
  const value = Object.hasOwn(field.table, name) ? field.table[name] : undefined
  if (value === undefined) throw new PlanError(`no such name: ${name}`)
  return value
}

function flagBits(field: Field, names: readonly string[]): number {
  let bits = 0
  for (let i = 0; i < names.length; i++) bits |= named(field, names[i] as string)
  return bits >>> 0
}

function slotNumber(writer: Writer, name: string, opens: boolean): number {
  const known = writer.slots.get(name)
  if (known !== undefined) return known
  if (!opens) throw new PlanError(`slot ${name} is used, but nothing opened it`)
  const number = writer.slots.size
  if (number === MAX_SLOTS) throw new PlanError(`more than ${MAX_SLOTS} slots`)
  writer.slots.set(name, number)
  return number
}

function writeField(writer: Writer, field: Field, value: unknown): void {
  if (value === undefined) {
    if (!field.optional) throw new PlanError('is missing')
    pair(writer, ABSENT, ABSENT)
    return
  }
  switch (field.kind) {
    case 'number':
      pair(writer, u32(value as number), 0)
      return
    case 'u64':
      writeU64(writer, value as number | bigint)
      return
    case 'path':
      if ((value as string).charCodeAt(0) !== 47)
        throw new PlanError(`${JSON.stringify(value)} is not absolute`)
      writeText(writer, value as string)
      return
    case 'str':
      writeText(writer, value as string)
      return
    case 'strs':
      writeTexts(writer, value as readonly string[])
      return
    case 'u32s':
      writeNumbers(writer, value as readonly number[])
      return
    case 'bytes':
      writeBytes(writer, value as Uint8Array)
      return
    case 'slot':
    case 'newSlot':
      pair(writer, slotNumber(writer, value as string, field.kind === 'newSlot'), 0)
      return
    case 'flags':
      pair(writer, flagBits(field, value as readonly string[]), 0)
      return
    case 'enum':
      pair(writer, named(field, value as string), 0)
      return
  }
}

function tolerated(names: readonly string[] | undefined, i: number): number {
  const name = names?.[i]
  if (name === undefined) return 0
  const errno = errnoNumber(name)
  if (errno === undefined) throw new PlanError(`tolerates ${name}, which is no errno`)
  return errno
}

function writeHead(
  writer: Writer,
  index: number,
  layout: Layout,
  tolerate: readonly string[] | undefined,
): void {
  if (tolerate !== undefined && tolerate.length > MAX_TOLERATED)
    throw new PlanError('tolerates more than four errnos')
  pair(writer, index, layout.code | (layout.fields.length << 16))
  pair(
    writer,
    tolerated(tolerate, 0) | (tolerated(tolerate, 1) << 16),
    tolerated(tolerate, 2) | (tolerated(tolerate, 3) << 16),
  )
}

function writeOp(writer: Writer, index: number, op: Op): void {
  const layout = layoutOf(op.op as OpName)
  const values = op as unknown as Readonly<Record<string, unknown>>
  let field: Field | undefined
  try {
    writeHead(writer, index, layout, op.tolerate)
    for (let i = 0; i < layout.fields.length; i++) {
      field = layout.fields[i] as Field
      writeField(writer, field, values[field.name])
    }
  } catch (error) {
    if (error instanceof PlanError)
      error.wrap(`${op.op} (${op.at})${field === undefined ? '' : `: ${field.name}`}`)
    throw error
  }
}

/** Groups of runtime ops, by the index of the shim op that they come before. */
function group(ops: readonly Op[]): {
  barriers: RuntimeOp[][]
  before: Map<number, number>
  size: number
  count: number
} {
  const barriers: RuntimeOp[][] = []
  const before = new Map<number, number>()
  let waiting: RuntimeOp[] | undefined
  let size = 0
  let count = 0
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op
    if (op.by === 'runtime') {
      if (waiting === undefined) {
        waiting = []
        before.set(i, barriers.length)
        barriers.push(waiting)
        size += RECORD + 8
        count++
      }
      waiting.push(op)
      continue
    }
    waiting = undefined
    size += RECORD + 8 * layoutOf(op.op).fields.length
    count++
  }
  if (waiting !== undefined) throw new PlanError(`${waiting[0]?.op} stands after the last op of the shim`)
  return { barriers, before, size, count }
}

/**
 * Encodes a plan. Ops of the runtime are left out; a barrier stands where each group of them stood. Throws PlanError for a value
 * that the wire cannot carry, which is a bug of lowering.
 */
export function encodePlan({ ops }: { readonly ops: readonly Op[] }, utf8Write: Utf8Write): EncodedPlan {
  const { barriers, before, size, count } = group(ops)
  const blob = HEADER + size
  let capacity = 16384
  while (capacity < blob) capacity *= 2
  const bytes = new Uint8Array(capacity)
  const words = new Uint32Array(bytes.buffer)
  const writer: Writer = { bytes, words, word: HEADER / 4, end: blob, blob, slots: new Map(), utf8Write }
  const barrier = layoutOf('barrier')
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op
    if (op.by !== 'runtime') {
      writeOp(writer, i, op)
      continue
    }
    const n = before.get(i)
    if (n === undefined) continue
    writeHead(writer, i, barrier, undefined)
    pair(writer, n, 0)
  }
  const header = writer.words
  header[0] = MAGIC
  header[1] = buildId
  header[2] = writer.end
  header[3] = count
  header[4] = size
  header[5] = writer.slots.size
  return { bytes: writer.bytes.subarray(0, writer.end), barriers }
}
