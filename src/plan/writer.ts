/**
 * Writes the fields of ops: numbers into the records, everything else into the blob behind them (`shim/README.md`). The state is
 * variables of the module, not properties of an object: those cost several times as much in an engine without a JIT, and
 * every field of every op goes through here. One plan is written at a time. (`x++` on a captured variable is slow there, too.)
 */
import { errnoNumber } from '../base/errno.js'
import { PlanError } from '../base/errors.js'

const HEADER = 32
const MAX_SLOTS = 256
const MAX_TOLERATED = 4
const ABSENT = 0xffffffff

/** Writes UTF-8 at an offset and returns the number of bytes. There is room for three bytes a UTF-16 unit. */
export type Utf8Write = (text: string, into: Uint8Array, offset: number) => number

let buffer: Uint8Array
let words: Uint32Array
/** The next word of the records. */
let word: number
/** The next free byte of the blob, counted in the file. */
let end: number
/** Where the blob begins: behind the records, whose size is known before the first is written. */
let blob: number
let slots: Map<string, number>
let utf8Write: Utf8Write

/** Begins a plan whose records take `size` bytes. */
export function begin(size: number, write: Utf8Write): void {
  blob = HEADER + size
  end = blob
  word = HEADER / 4
  slots = new Map()
  utf8Write = write
  let capacity = 16384
  while (capacity < blob) capacity *= 2
  buffer = new Uint8Array(capacity)
  words = new Uint32Array(buffer.buffer)
}

/** Fills the header in and returns the file. */
export function finish(magic: number, buildId: number, count: number): Uint8Array {
  words[0] = magic
  words[1] = buildId
  words[2] = end
  words[3] = count
  words[4] = blob - HEADER
  words[5] = slots.size
  return buffer.subarray(0, end)
}

export function pair(low: number, high: number): void {
  words[word] = low
  words[word + 1] = high
  word += 2
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

/** The first 16 bytes of a record. */
export function head(
  op: { readonly tolerate?: readonly string[] },
  index: number,
  code: number,
  fields: number,
): void {
  pair(index, code | (fields << 16))
  const names = op.tolerate
  if (names === undefined) {
    pair(0, 0)
    return
  }
  if (names.length > MAX_TOLERATED) throw new PlanError('tolerates more than four errnos')
  pair(tolerated(names, 0) | (tolerated(names, 1) << 16), tolerated(names, 2) | (tolerated(names, 3) << 16))
}

export function absent(): void {
  pair(ABSENT, ABSENT)
}

export function number(value: number): void {
  if (value !== value >>> 0) throw new PlanError(`${value} is no 32-bit number`)
  pair(value, 0)
}

export function signed(value: number): void {
  if (value !== (value | 0)) throw new PlanError(`${value} is no signed 32-bit number`)
  pair(value >>> 0, 0)
}

export function u64(value: number | bigint): void {
  if (typeof value === 'bigint') {
    if (BigInt.asUintN(64, value) !== value) throw new PlanError(`${value} is no unsigned 64-bit number`)
    pair(Number(value & 0xffffffffn), Number(value >> 32n))
    return
  }
  if (!Number.isSafeInteger(value) || value < 0) throw new PlanError(`${value} is no unsigned 64-bit number`)
  pair(value >>> 0, Math.floor(value / 0x100000000))
}

type Names = Readonly<Record<string, number>>

function named(table: Names, name: string): number {
  const value = table[name]
  if (typeof value !== 'number') throw new PlanError(`no such name: ${name}`)
  return value
}

/** A set of flags. */
export function flags(table: Names, names: readonly string[]): void {
  let bits = 0
  for (let i = 0; i < names.length; i++) bits |= named(table, names[i] as string)
  pair(bits >>> 0, 0)
}

/** One of a list. */
export function one(table: Names, name: string): void {
  pair(named(table, name), 0)
}

/** A slot that an earlier op opened. */
export function slot(name: string): void {
  const known = slots.get(name)
  if (known === undefined) throw new PlanError(`slot ${name} is used, but nothing opened it`)
  pair(known, 0)
}

/** A slot that this op opens, perhaps again. */
export function newSlot(name: string): void {
  let known = slots.get(name)
  if (known === undefined) {
    known = slots.size
    if (known === MAX_SLOTS) throw new PlanError(`more than ${MAX_SLOTS} slots`)
    slots.set(name, known)
  }
  pair(known, 0)
}

function reserve(size: number): void {
  const needed = end + size
  let capacity = buffer.length
  if (needed <= capacity) return
  while (capacity < needed) capacity *= 2
  const bigger = new Uint8Array(capacity)
  bigger.set(buffer.subarray(0, end))
  buffer = bigger
  words = new Uint32Array(buffer.buffer)
}

/** Adds a string and its NUL to the blob. */
function add(value: string): void {
  if (value.indexOf('\0') >= 0) throw new PlanError('a string with a NUL cannot be given to the kernel')
  reserve(value.length * 3 + 1)
  end += utf8Write(value, buffer, end)
  buffer[end] = 0
  end += 1
}

export function text(value: string): void {
  const start = end
  add(value)
  pair(start - blob, end - start - 1)
}

export function path(value: string): void {
  if (value.charCodeAt(0) !== 47) throw new PlanError(`${JSON.stringify(value)} is not absolute`)
  text(value)
}

export function texts(values: readonly string[]): void {
  const start = end
  for (let i = 0; i < values.length; i++) add(values[i] as string)
  pair(start - blob, end - start)
}

function align(to: number): void {
  reserve(to)
  while (end % to !== 0) end += 1
}

export function numbers(values: readonly number[]): void {
  align(4)
  reserve(values.length * 4)
  const start = end
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (value !== value >>> 0) throw new PlanError(`${value} is no 32-bit number`)
    words[start / 4 + i] = value
  }
  end += values.length * 4
  pair(start - blob, values.length * 4)
}

export function bytes(program: Uint8Array): void {
  if (program.length % 8 !== 0) throw new PlanError(`a program of ${program.length} bytes is cut off`)
  align(8)
  reserve(program.length)
  buffer.set(program, end)
  pair(end - blob, program.length)
  end += program.length
}
