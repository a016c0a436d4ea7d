/** A plan as the bytes that the shim reads: `shim/README.md` is the format, `opcodes.ts` the table. */
import { errnoNumber } from '../base/errno.js'
import { PlanError } from '../base/errors.js'
import { enumTables, flagTables } from './flags.js'
import type { Op, RuntimeOp } from './op.js'
import type { OpName } from './opcodes.js'
import { buildId, flagTableCount, wire, wireTables } from './wire.gen.js'

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

/** Letters of the kinds in `wire.gen.ts`. A capital letter: the field may be absent. Digits: tables of names. */
const kind = {
  number: 110, // n
  u64: 113, // q
  text: 115, // s
  path: 112, // p
  texts: 108, // l
  numbers: 105, // i
  bytes: 98, // b
  slot: 107, // k
  newSlot: 111, // o
  lowerCase: 32,
  digit: 48,
} as const

interface Layout {
  readonly code: number
  readonly names: readonly string[]
  /** A letter for each field. */
  readonly kinds: string
}

const layouts: Partial<Record<string, Layout>> = {}

/** The table's row of an op in the form that encoding wants, made when it is first needed. */
function layoutOf(name: OpName): Layout {
  const known = layouts[name]
  if (known !== undefined) return known
  const names = wire[name].split(' ')
  const code = Number(names.shift())
  const layout = { code, kinds: names.shift() as string, names }
  layouts[name] = layout
  return layout
}

const tables: Readonly<Record<string, Readonly<Record<string, number>>>> = { ...flagTables, ...enumTables }

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

function named(table: Readonly<Record<string, number>>, name: string): number {
  const value = table[name]
  if (typeof value !== 'number') throw new PlanError(`no such name: ${name}`)
  return value
}

/** A set of flags, or one of a list, from the table with this number. */
function writeNames(writer: Writer, number: number, value: string | readonly string[]): void {
  const table = tables[wireTables[number] as string] as Readonly<Record<string, number>>
  let bits = 0
  if (number >= flagTableCount) bits = named(table, value as string)
  else for (let i = 0; i < value.length; i++) bits |= named(table, value[i] as string)
  pair(writer, bits >>> 0, 0)
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

function writeField(writer: Writer, letter: number, value: unknown): void {
  if (letter < kind.digit + 10) {
    writeNames(writer, letter - kind.digit, value as string | readonly string[])
    return
  }
  switch (letter) {
    case kind.slot:
    case kind.newSlot:
      pair(writer, slotNumber(writer, value as string, letter === kind.newSlot), 0)
      return
    case kind.number:
      pair(writer, u32(value as number), 0)
      return
    case kind.path:
      if ((value as string).charCodeAt(0) !== 47)
        throw new PlanError(`${JSON.stringify(value)} is not absolute`)
      writeText(writer, value as string)
      return
    case kind.text:
      writeText(writer, value as string)
      return
    case kind.texts:
      writeTexts(writer, value as readonly string[])
      return
    case kind.u64:
      writeU64(writer, value as number | bigint)
      return
    case kind.numbers:
      writeNumbers(writer, value as readonly number[])
      return
    case kind.bytes:
      writeBytes(writer, value as Uint8Array)
      return
    default:
      throw new PlanError(`has the unknown kind ${letter}`)
  }
}

/** A field that may be absent has a capital letter. */
function writeOptional(writer: Writer, letter: number, value: unknown): void {
  const lower = letter | kind.lowerCase
  if (value !== undefined) writeField(writer, lower, value)
  else if (lower === letter) throw new PlanError('is missing')
  else pair(writer, ABSENT, ABSENT)
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
  pair(writer, index, layout.code | (layout.names.length << 16))
  if (tolerate === undefined) pair(writer, 0, 0)
  else
    pair(
      writer,
      tolerated(tolerate, 0) | (tolerated(tolerate, 1) << 16),
      tolerated(tolerate, 2) | (tolerated(tolerate, 3) << 16),
    )
}

function writeOp(writer: Writer, index: number, op: Op): void {
  const layout = layoutOf(op.op as OpName)
  const values = op as unknown as Readonly<Record<string, unknown>>
  const { names, kinds } = layout
  let i = -1
  try {
    writeHead(writer, index, layout, op.tolerate)
    for (i = 0; i < names.length; i++) {
      writeOptional(writer, kinds.charCodeAt(i), values[names[i] as string])
    }
  } catch (error) {
    if (error instanceof PlanError) error.wrap(`${op.op} (${op.at})${i < 0 ? '' : `: ${names[i]}`}`)
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
    size += RECORD + 8 * layoutOf(op.op).names.length
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
