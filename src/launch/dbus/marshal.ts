/**
 * Values of D-Bus as bytes, little-endian: D-Bus Specification, "Marshaling (Wire Format)". What is read is checked against its bounds,
 * the specification's limits and its rules for padding, strings and booleans: a bus may be somebody else's.
 */
import { HostError, InternalError } from '../../base/errors.js'
import { native } from '../../sys/native.js'

/** A value of a known signature: `ay` is bytes, other arrays and structs are lists; 64-bit integers are bigint when read. */
export type Value = string | number | bigint | boolean | Uint8Array | Variant | readonly Value[]

export interface Variant {
  readonly signature: string
  readonly value: Value
}

/** Boundary that a value of a type starts at, by the first letter of its signature. */
const alignments: Readonly<Record<string, number>> = {
  y: 1,
  b: 4,
  n: 2,
  q: 2,
  i: 4,
  u: 4,
  x: 8,
  t: 8,
  d: 8,
  h: 4,
  s: 4,
  o: 4,
  g: 1,
  v: 1,
  a: 4,
  '(': 8,
  '{': 8,
}

/** Nested arrays, structs and variants; the specification allows 32 of each kind, and 64 in all. */
const MAX_DEPTH = 64
const MAX_SIGNATURE = 255
const MAX_ARRAY = 1 << 26

/** Index after the single complete type that begins at `at`. Throws HostError for what is none. */
export function typeEnd(signature: string, at: number, depth = 0): number {
  const letter = signature.charAt(at)
  if (alignments[letter] === undefined || depth > MAX_DEPTH) throw malformed(`signature "${signature}"`)
  if (letter === 'a') return typeEnd(signature, at + 1, depth + 1)
  if (letter !== '(' && letter !== '{') return at + 1
  const close = letter === '(' ? ')' : '}'
  let end = at + 1
  let fields = 0
  for (; signature.charAt(end) !== close; fields++) end = typeEnd(signature, end, depth + 1)
  if (fields === 0 || (letter === '{' && fields !== 2)) throw malformed(`signature "${signature}"`)
  return end + 1
}

const malformed = (what: string): HostError => new HostError(`a message of the bus is malformed: ${what}`)

// ---- writing --------------------------------------------------------------------------------------------------------

/** Bytes that grow. */
export interface Writer {
  bytes: Uint8Array
  /** How many are in use. */
  length: number
}

export const newWriter = (): Writer => ({ bytes: new Uint8Array(1024), length: 0 })

function grow(w: Writer, more: number): void {
  if (w.length + more <= w.bytes.length) return
  const bigger = new Uint8Array((w.length + more) * 2)
  bigger.set(w.bytes)
  w.bytes = bigger
}

/** Fills up with zeros to a boundary. */
export function pad(w: Writer, alignment: number): void {
  grow(w, 8)
  while (w.length % alignment !== 0) w.bytes[w.length++] = 0
}

function putInteger(w: Writer, value: number | bigint, size: number): void {
  pad(w, size)
  let rest = BigInt.asUintN(64, BigInt(value))
  for (let i = 0; i < size; i++) {
    w.bytes[w.length++] = Number(rest & 0xffn)
    rest >>= 8n
  }
}

function putText(w: Writer, text: string, lengthSize: number): void {
  pad(w, lengthSize)
  grow(w, text.length * 3 + lengthSize + 1)
  const start = w.length
  w.length += lengthSize
  const length = native().utf8Write(text, w.bytes, w.length)
  const end = w.length + length
  w.length = start
  putInteger(w, length, lengthSize)
  w.length = end
  w.bytes[w.length++] = 0
}

const integerSizes: Readonly<Record<string, number>> = { y: 1, n: 2, q: 2, i: 4, u: 4, h: 4, x: 8, t: 8 }

/** Appends one value of the single complete type at `signature[at]`, and returns the index after the type. */
export function put(w: Writer, signature: string, at: number, value: Value): number {
  const letter = signature.charAt(at)
  const size = integerSizes[letter]
  if (size !== undefined) {
    putInteger(w, value as number | bigint, size)
    return at + 1
  }
  switch (letter) {
    case 'b':
      putInteger(w, value === true ? 1 : 0, 4)
      return at + 1
    case 's':
    case 'o':
      putText(w, value as string, 4)
      return at + 1
    case 'g':
      putText(w, value as string, 1)
      return at + 1
    case 'd':
      pad(w, 8)
      new DataView(w.bytes.buffer).setFloat64(w.length, value as number, true)
      w.length += 8
      return at + 1
    case 'v': {
      const variant = value as Variant
      putText(w, variant.signature, 1)
      put(w, variant.signature, 0, variant.value)
      return at + 1
    }
    case 'a':
      return putArray(w, signature, at, value as readonly Value[])
    case '(':
    case '{':
      return putStruct(w, signature, at, value as readonly Value[])
    default:
      throw new InternalError(`no D-Bus type "${letter}" in "${signature}"`)
  }
}

function putArray(w: Writer, signature: string, at: number, values: readonly Value[] | Uint8Array): number {
  const end = typeEnd(signature, at)
  putInteger(w, 0, 4)
  const lengthAt = w.length - 4
  pad(w, alignments[signature.charAt(at + 1)] as number)
  const start = w.length
  if (values instanceof Uint8Array) {
    grow(w, values.length)
    w.bytes.set(values, w.length)
    w.length += values.length
  } else for (const value of values) put(w, signature, at + 1, value)
  new DataView(w.bytes.buffer).setUint32(lengthAt, w.length - start, true)
  return end
}

function putStruct(w: Writer, signature: string, at: number, values: readonly Value[]): number {
  pad(w, 8)
  let next = at + 1
  for (const value of values) next = put(w, signature, next, value)
  return next + 1
}

/** The body of a message: a value for each type of the signature. */
export function marshal(signature: string, values: readonly Value[]): Uint8Array {
  const w = newWriter()
  let at = 0
  for (const value of values) at = put(w, signature, at, value)
  if (at !== signature.length) throw new InternalError(`${values.length} values for "${signature}"`)
  return w.bytes.subarray(0, w.length)
}

// ---- reading --------------------------------------------------------------------------------------------------------

/** A place in bytes that begin on a boundary of eight. */
export interface Reader {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  /** What lies behind is not to be read. */
  readonly end: number
}

export function newReader(bytes: Uint8Array, at = 0, end = bytes.length): Reader {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at, end }
}

/** Steps over `size` bytes and returns where they begin. Throws HostError where they are not there. */
function take(r: Reader, size: number): number {
  const start = r.at
  if (size > r.end - start) throw malformed('it ends too early')
  r.at = start + size
  return start
}

/** Steps over padding, which must be zeros. */
export function align(r: Reader, alignment: number): void {
  while (r.at % alignment !== 0) if (r.bytes[take(r, 1)] !== 0) throw malformed('padding that is not zero')
}

function takeAligned(r: Reader, size: number): number {
  align(r, size)
  return take(r, size)
}

function getText(r: Reader, length: number): string {
  const start = take(r, length)
  for (let i = start; i < start + length; i++) if (r.bytes[i] === 0) throw malformed('a NUL in a string')
  if (r.bytes[take(r, 1)] !== 0) throw malformed('a string without its NUL')
  return native().utf8Read(r.bytes, start, start + length)
}

/** One value of the single complete type at `signature[at]`. Throws HostError. */
export function get(r: Reader, signature: string, at: number, depth = 0): Value {
  if (depth > MAX_DEPTH) throw malformed('it is nested too deeply')
  const letter = signature.charAt(at)
  const { view } = r
  switch (letter) {
    case 'y':
      return view.getUint8(take(r, 1))
    case 'b': {
      const value = view.getUint32(takeAligned(r, 4), true)
      if (value > 1) throw malformed(`a boolean of ${value}`)
      return value === 1
    }
    case 'n':
      return view.getInt16(takeAligned(r, 2), true)
    case 'q':
      return view.getUint16(takeAligned(r, 2), true)
    case 'i':
      return view.getInt32(takeAligned(r, 4), true)
    case 'u':
    case 'h':
      return view.getUint32(takeAligned(r, 4), true)
    case 'x':
      return view.getBigInt64(takeAligned(r, 8), true)
    case 't':
      return view.getBigUint64(takeAligned(r, 8), true)
    case 'd':
      return view.getFloat64(takeAligned(r, 8), true)
    case 's':
    case 'o':
      return getText(r, view.getUint32(takeAligned(r, 4), true))
    case 'g':
      return getSignature(r)
    case 'v': {
      const inner = getSignature(r)
      if (inner === '' || typeEnd(inner, 0) !== inner.length) throw malformed(`a variant of "${inner}"`)
      return { signature: inner, value: get(r, inner, 0, depth + 1) }
    }
    case 'a':
      return getArray(r, signature, at, depth)
    case '(':
    case '{':
      return getStruct(r, signature, at, depth)
    default:
      throw malformed(`signature "${signature}"`)
  }
}

function getSignature(r: Reader): string {
  return getText(r, r.view.getUint8(take(r, 1)))
}

function getArray(r: Reader, signature: string, at: number, depth: number): Value {
  const length = r.view.getUint32(takeAligned(r, 4), true)
  const element = signature.charAt(at + 1)
  align(r, alignments[element] ?? 1)
  if (length > MAX_ARRAY || length > r.end - r.at) throw malformed('an array that is longer than the message')
  if (element === 'y') {
    const start = take(r, length)
    return r.bytes.slice(start, start + length)
  }
  const inner: Reader = { ...r, end: r.at + length }
  const values: Value[] = []
  while (inner.at < inner.end) values.push(get(inner, signature, at + 1, depth + 1))
  r.at = inner.at
  return values
}

function getStruct(r: Reader, signature: string, at: number, depth: number): Value {
  align(r, 8)
  const values: Value[] = []
  const close = typeEnd(signature, at) - 1
  for (let next = at + 1; next < close; next = typeEnd(signature, next))
    values.push(get(r, signature, next, depth + 1))
  return values
}

/** The values of a body. Throws HostError for anything but exactly those. */
export function unmarshal(signature: string, body: Uint8Array): Value[] {
  if (signature.length > MAX_SIGNATURE) throw malformed('a signature of more than 255 letters')
  // A body starts on a boundary of eight of its message, wherever that lies.
  const r = newReader(body)
  const values: Value[] = []
  for (let at = 0; at < signature.length; at = typeEnd(signature, at)) {
    typeEnd(signature, at)
    values.push(get(r, signature, at))
  }
  if (r.at !== r.end) throw malformed('bytes after its last value')
  return values
}
