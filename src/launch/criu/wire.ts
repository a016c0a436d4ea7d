/**
 * Protocol buffers, as far as criu's RPC needs them: varints and length-delimited fields. Strict and bounded: what ends too early, has
 * another type than the table says or a length that leads out is an error; unknown fields are skipped, as newer ones must be.
 */
import { HostError, InternalError } from '../../base/errors.js'
import { native } from '../../sys/native.js'
import { type Message, type MessageName, messages } from './messages.js'

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

interface Field {
  readonly name: string
  readonly number: number
  readonly kind: string
  readonly repeated: boolean
}

const fieldsOf = (message: MessageName): readonly Field[] =>
  Object.entries(messages[message]).map(([name, row]) => {
    const [number = '', word = ''] = row.split(' ')
    const repeated = word.endsWith('*')
    return { name, number: Number(number), kind: repeated ? word.slice(0, -1) : word, repeated }
  })

/** A message as bytes. Throws InternalError for a value that its field cannot carry. */
export function encode<N extends MessageName>(name: N, message: Message<N>): Uint8Array {
  const out: number[] = []
  append(name, message, out)
  return new Uint8Array(out)
}

function append(message: MessageName, values: Readonly<Record<string, unknown>>, out: number[]): void {
  for (const field of fieldsOf(message)) {
    const value = values[field.name]
    if (value === undefined) continue
    for (const one of field.repeated ? (value as readonly unknown[]) : [value]) appendField(field, one, out)
  }
}

function appendField({ name, number, kind }: Field, value: unknown, out: number[]): void {
  if (kind === 'int' || kind === 'bool') {
    const whole = Number(value)
    if (!Number.isSafeInteger(whole) || whole < 0)
      throw new InternalError(`criu's ${name} cannot be ${value}`)
    varint(number * 8 + VARINT, out)
    varint(whole, out)
    return
  }
  const bytes = kind === 'text' ? utf8(value as string) : encode(kind as MessageName, value as object)
  varint(number * 8 + BYTES, out)
  varint(bytes.length, out)
  for (const byte of bytes) out.push(byte)
}

function utf8(text: string): Uint8Array {
  const room = new Uint8Array(text.length * 3)
  return room.subarray(0, native().utf8Write(text, room, 0))
}

function varint(value: number, out: number[]): void {
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128)
  out.push(rest)
}

interface Reader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
}

const broken = (what: string): HostError => new HostError(`criu's answer cannot be read: ${what}`)

/** The message in these bytes. Throws HostError. */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): Message<N> {
  return read(name, { bytes, at: 0, end: bytes.length }) as Message<N>
}

function read(message: MessageName, from: Reader): object {
  const fields = fieldsOf(message)
  const values: Record<string, unknown> = {}
  while (from.at < from.end) {
    const tag = Number(readVarint(from))
    const type = tag % 8
    const field = fields.find(({ number }) => number === Math.floor(tag / 8))
    if (field === undefined) {
      skip(type, from)
      continue
    }
    const { name, kind, repeated } = field
    if (type !== (kind === 'int' || kind === 'bool' ? VARINT : BYTES)) {
      throw broken(`${message}.${name} has wire type ${type}`)
    }
    const value = readValue(kind, from)
    // The last of a field that does not repeat counts, as the format has it.
    values[name] = repeated ? [...((values[name] as unknown[] | undefined) ?? []), value] : value
  }
  return values
}

function readValue(kind: string, from: Reader): unknown {
  if (kind === 'bool') return readVarint(from) !== 0n
  // A negative int32 comes as ten bytes.
  if (kind === 'int') return Number(BigInt.asIntN(32, readVarint(from)))
  const end = lengthEnd(from)
  const start = from.at
  from.at = end
  if (kind === 'text') return native().utf8Read(from.bytes, start, end)
  return read(kind as MessageName, { bytes: from.bytes, at: start, end })
}

function readVarint(from: Reader): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (from.at >= from.end) throw broken('it ends within a number')
    const byte = from.bytes[from.at++] as number
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return value
  }
  throw broken('a number has more than ten bytes')
}

/** The end of a length-delimited field whose length is next. */
function lengthEnd(from: Reader): number {
  const length = readVarint(from)
  if (length > BigInt(from.end - from.at)) throw broken('a field is longer than the message')
  return from.at + Number(length)
}

function skip(type: number, from: Reader): void {
  if (type === VARINT) readVarint(from)
  else if (type === BYTES) from.at = lengthEnd(from)
  else if (type === FIXED64) from.at += 8
  else if (type === FIXED32) from.at += 4
  else throw broken(`a field has wire type ${type}`)
  if (from.at > from.end) throw broken('it ends within a field')
}
