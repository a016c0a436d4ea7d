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

/*
 * Where the encoder is: variables of the module, because a property of an object costs several times as much in an engine
 * without a JIT, and every field of every op goes through here. One plan is encoded at a time.
 */
let bytes: Uint8Array
let words: Uint32Array
/** The next record word. The records lie before the blob, and their size is known before the first is written. */
let word: number
/** The next free byte of the blob, counted in the file. */
let end: number
/** Where the blob begins. */
let blob: number
let slots: Map<string, number>
let utf8Write: Utf8Write

function reserve(size: number): void {
  const needed = end + size
  let capacity = bytes.length
  if (needed <= capacity) return
  while (capacity < needed) capacity *= 2
  const bigger = new Uint8Array(capacity)
  bigger.set(bytes.subarray(0, end))
  bytes = bigger
  words = new Uint32Array(bytes.buffer)
}

function align(to: number): void {
  reserve(to)
  while (end % to !== 0) end += 1
}

/** One field. (`word++` on a captured variable is slow in QuickJS.) */
function pair(low: number, high: number): void {
  words[word] = low
  words[word + 1] = high
  word += 2
}

/** Where something began in the blob, and its length. */
function reference(start: number, length: number): void {
  pair(start - blob, length)
}

/** Adds a string and its NUL to the blob. */
function addText(text: string): void {
  if (text.indexOf('\0') >= 0) throw new PlanError('a string with a NUL cannot be given to the kernel')
  reserve(text.length * 3 + 1)
  end += utf8Write(text, bytes, end)
  bytes[end] = 0
  end += 1
}

function writeText(text: string): void {
  const start = end
  addText(text)
  pair(start - blob, end - start - 1)
}

function writeTexts(texts: readonly string[]): void {
  const start = end
  for (let i = 0; i < texts.length; i++) addText(texts[i] as string)
  reference(start, end - start)
}

function writeNumbers(numbers: readonly number[]): void {
  align(4)
  reserve(numbers.length * 4)
  const start = end
  for (let i = 0; i < numbers.length; i++) words[start / 4 + i] = u32(numbers[i] as number)
  end += numbers.length * 4
  reference(start, numbers.length * 4)
}

function writeBytes(program: Uint8Array): void {
  if (program.length % 8 !== 0) throw new PlanError(`a program of ${program.length} bytes is cut off`)
  align(8)
  reserve(program.length)
  bytes.set(program, end)
  reference(end, program.length)
  end += program.length
}

function u32(value: number): number {
  if (value !== value >>> 0) throw new PlanError(`${value} is no 32-bit number`)
  return value
}

function writeU64(value: number | bigint): void {
  if (typeof value === 'bigint') {
    if (BigInt.asUintN(64, value) !== value) throw new PlanError(`${value} is no unsigned 64-bit number`)
    pair(Number(value & 0xffffffffn), Number(value >> 32n))
    return
  }
  if (!Number.isSafeInteger(value) || value < 0) throw new PlanError(`${value} is no unsigned 64-bit number`)
  pair(value >>> 0, Math.floor(value / 0x100000000))
}

function named(table: Readonly<Record<string, number>>, name: string): number {
  const value = table[name]
  if (typeof value !== 'number') throw new PlanError(`no such name: ${name}`)
  return value
}

/** A set of flags, or one of a list, from the table with this number. */
function writeNames(number: number, value: string | readonly string[]): void {
  const table = tables[wireTables[number] as string] as Readonly<Record<string, number>>
  let bits = 0
  if (number >= flagTableCount) bits = named(table, value as string)
  else for (let i = 0; i < value.length; i++) bits |= named(table, value[i] as string)
  pair(bits >>> 0, 0)
}

function slotNumber(name: string, opens: boolean): number {
  const known = slots.get(name)
  if (known !== undefined) return known
  if (!opens) throw new PlanError(`slot ${name} is used, but nothing opened it`)
  const number = slots.size
  if (number === MAX_SLOTS) throw new PlanError(`more than ${MAX_SLOTS} slots`)
  slots.set(name, number)
  return number
}

/** The commonest kinds first: QuickJS compares them one after the other. */
function writeField(letter: number, value: unknown): void {
  if (value === undefined) {
    if (letter >= 97 || letter < kind.digit + 10) throw new PlanError('is missing')
    pair(ABSENT, ABSENT)
  } else if (letter === kind.slot) {
    pair(slotNumber(value as string, false), 0)
  } else if (letter === kind.path) {
    if ((value as string).charCodeAt(0) !== 47)
      throw new PlanError(`${JSON.stringify(value)} is not absolute`)
    writeText(value as string)
  } else if (letter < kind.digit + 10) {
    writeNames(letter - kind.digit, value as string | readonly string[])
  } else if (letter === kind.number) {
    pair(u32(value as number), 0)
  } else if (letter === kind.text) {
    writeText(value as string)
  } else if (letter < 97) {
    // A capital: a field that may be absent, and is not.
    writeField(letter + kind.lowerCase, value)
  } else writeRare(letter, value)
}

function writeRare(letter: number, value: unknown): void {
  switch (letter) {
    case kind.newSlot:
      pair(slotNumber(value as string, true), 0)
      return
    case kind.texts:
      writeTexts(value as readonly string[])
      return
    case kind.u64:
      writeU64(value as number | bigint)
      return
    case kind.numbers:
      writeNumbers(value as readonly number[])
      return
    case kind.bytes:
      writeBytes(value as Uint8Array)
      return
    default:
      throw new PlanError(`has the unknown kind ${letter}`)
  }
}

/** Numbers of tolerated errnos by name: few names, looked up in a long table. */
const errnos: Record<string, number> = {}

function tolerated(names: readonly string[], i: number): number {
  const name = names[i]
  if (name === undefined) return 0
  const known = errnos[name]
  if (known !== undefined) return known
  const errno = errnoNumber(name)
  if (errno === undefined) throw new PlanError(`tolerates ${name}, which is no errno`)
  errnos[name] = errno
  return errno
}

function writeHead(index: number, layout: Layout, tolerate: readonly string[] | undefined): void {
  if (tolerate !== undefined && tolerate.length > MAX_TOLERATED)
    throw new PlanError('tolerates more than four errnos')
  pair(index, layout.code | (layout.names.length << 16))
  if (tolerate === undefined) pair(0, 0)
  else
    pair(
      tolerated(tolerate, 0) | (tolerated(tolerate, 1) << 16),
      tolerated(tolerate, 2) | (tolerated(tolerate, 3) << 16),
    )
}

function writeOp(index: number, op: Op): void {
  const layout = layoutOf(op.op as OpName)
  const values = op as unknown as Readonly<Record<string, unknown>>
  const { names, kinds } = layout
  const count = names.length
  let i = -1
  try {
    writeHead(index, layout, op.tolerate)
    for (i = 0; i < count; i++) writeField(kinds.charCodeAt(i), values[names[i] as string])
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
export function encodePlan({ ops }: { readonly ops: readonly Op[] }, write: Utf8Write): EncodedPlan {
  const { barriers, before, size, count } = group(ops)
  blob = HEADER + size
  end = blob
  word = HEADER / 4
  slots = new Map()
  utf8Write = write
  let capacity = 16384
  while (capacity < blob) capacity *= 2
  bytes = new Uint8Array(capacity)
  words = new Uint32Array(bytes.buffer)
  const barrier = layoutOf('barrier')
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op
    if (op.by !== 'runtime') {
      writeOp(i, op)
      continue
    }
    const n = before.get(i)
    if (n === undefined) continue
    writeHead(i, barrier, undefined)
    pair(n, 0)
  }
  words[0] = MAGIC
  words[1] = buildId
  words[2] = end
  words[3] = count
  words[4] = size
  words[5] = slots.size
  return { bytes: bytes.subarray(0, end), barriers }
}
