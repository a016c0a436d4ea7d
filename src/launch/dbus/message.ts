/** Messages of D-Bus: a fixed header, fields, a body. D-Bus Specification, "Message Format". */
import { HostError } from '../../base/errors.js'
import { align, get, newReader, newWriter, pad, put, type Value, type Variant } from './marshal.js'

/** The types of messages. */
export const METHOD_CALL = 1
export const METHOD_RETURN = 2
export const ERROR = 3
export const SIGNAL = 4

export const NO_REPLY_EXPECTED = 1
const PROTOCOL = 1
/** Ours are short, and so are all that systemd answers; the specification's limit is 128 MiB. */
const MAX_MESSAGE = 1 << 24
/** Endianness, type, flags, version, length of the body, serial, length of the fields. */
const FIXED = 16

/** Header fields by their code. */
const fields = {
  path: [1, 'o'],
  interface: [2, 's'],
  member: [3, 's'],
  errorName: [4, 's'],
  replySerial: [5, 'u'],
  destination: [6, 's'],
  sender: [7, 's'],
  signature: [8, 'g'],
} as const

type FieldName = keyof typeof fields
type Fields = { readonly [N in FieldName]?: (typeof fields)[N][1] extends 'u' ? number : string }

export interface Message extends Fields {
  readonly type: number
  readonly flags: number
  /** Not 0. */
  readonly serial: number
  readonly body: Uint8Array
}

const names = Object.keys(fields) as FieldName[]

export function encodeMessage(message: Message): Uint8Array {
  const { type, flags, serial, body } = message
  const list: Value[] = []
  for (const name of names) {
    const value = message[name]
    if (value === undefined || (name === 'signature' && value === '')) continue
    const [code, signature] = fields[name]
    list.push([code, { signature, value }])
  }
  const w = newWriter()
  put(w, '(yyyyuua(yv))', 0, ['l'.charCodeAt(0), type, flags, PROTOCOL, body.length, serial, list])
  pad(w, 8)
  const bytes = new Uint8Array(w.length + body.length)
  bytes.set(w.bytes.subarray(0, w.length))
  bytes.set(body, w.length)
  return bytes
}

/** The length of the message that begins here; undefined while its fixed header is not whole. Throws HostError for what is none. */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < FIXED) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, FIXED)
  if (bytes[0] !== 'l'.charCodeAt(0)) throw new HostError('the bus speaks another byte order')
  if (bytes[3] !== PROTOCOL) throw new HostError(`the bus speaks version ${bytes[3]} of D-Bus`)
  const body = view.getUint32(4, true)
  const fieldsLength = view.getUint32(12, true)
  const length = FIXED + ((fieldsLength + 7) & ~7) + body
  if (fieldsLength > MAX_MESSAGE || length > MAX_MESSAGE)
    throw new HostError(`a message of the bus is too long: ${length} bytes`)
  return length
}

/** A whole message. Throws HostError. */
export function decodeMessage(bytes: Uint8Array): Message {
  const body = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true)
  const r = newReader(bytes, 0, bytes.length - body)
  const [, type, flags, , , serial, list] = get(r, '(yyyyuua(yv))', 0) as readonly Value[]
  align(r, 8)
  const found: Record<string, Value> = {}
  for (const [code, variant] of list as readonly (readonly [number, Variant])[]) {
    for (const name of names) {
      const [known, signature] = fields[name]
      if (known !== code) continue
      if (variant.signature !== signature)
        throw new HostError(
          `a message of the bus is malformed: its ${name} is of type "${variant.signature}"`,
        )
      found[name] = variant.value
    }
  }
  return {
    ...(found as Fields),
    type: type as number,
    flags: flags as number,
    serial: serial as number,
    body: bytes.slice(bytes.length - body),
  }
}
