/** A client of a bus, or of systemd's own socket, which speaks the same without a bus between. One call after another. */
import { HostError, SyscallError } from '../../base/errors.js'
import { native } from '../../sys/native.js'
import { connectStream, now, receiveSome, sendAll } from '../../sys/stream.js'
import { marshal, unmarshal, type Value } from './marshal.js'
import {
  decodeMessage,
  ERROR,
  encodeMessage,
  METHOD_CALL,
  METHOD_RETURN,
  type Message,
  messageLength,
  NO_REPLY_EXPECTED,
  SIGNAL,
} from './message.js'

/** A socket, and whether a bus listens there. */
export interface Endpoint {
  readonly path: string
  readonly bus: boolean
}

export interface Connection {
  readonly endpoint: Endpoint
  readonly fd: number
  /** Goes out before the first call; undefined once the server has accepted us. */
  greeting: Uint8Array | undefined
  /** Received, not yet read. */
  pending: Uint8Array
  serial: number
  /** Those that came while an answer was awaited. */
  readonly signals: Message[]
}

/** What somebody on the bus is asked. */
export interface Call {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature?: string
  readonly values?: readonly Value[]
}

/** What it answers: values of a signature, or the name of an error and what it says to people. */
export type Answer =
  | { readonly signature: string; readonly values: readonly Value[] }
  | { readonly error: string; readonly message: string }

/**
 * Connects. Everything up to the first question goes in one write, with `first`, calls to a bus whose answers nobody awaits.
 * Throws SyscallError (ETIMEDOUT after the deadline).
 */
export function connect(endpoint: Endpoint, first: readonly Call[], deadline: number): Connection {
  const fd = connectStream(endpoint.path, deadline)
  const calls = endpoint.bus ? [hello, ...first] : []
  return {
    endpoint,
    fd,
    greeting: greeting(calls),
    pending: new Uint8Array(0),
    serial: calls.length,
    signals: [],
  }
}

/**
 * Introduces itself by the credentials that the kernel tells (EXTERNAL without an identity: in a user namespace we would name the
 * wrong one), and makes calls without an answer.
 */
function greeting(calls: readonly Call[]): Uint8Array {
  return joined([ascii(GREETING), ...calls.map((call, i) => encodeCall(i + 1, call, NO_REPLY_EXPECTED))])
}

const GREETING = '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n'

/** For somebody who cannot speak: what to send first, and what to send when that was answered, a call without an answer. */
export function spoken(call: Call): { readonly first: number; readonly bytes: Uint8Array } {
  return { first: GREETING.length, bytes: greeting([call]) }
}

const BUS = 'org.freedesktop.DBus'
const hello: Call = {
  destination: BUS,
  path: '/org/freedesktop/DBus',
  interface: BUS,
  member: 'Hello',
}

const nudge: Call = {
  destination: 'org.freedesktop.systemd1',
  path: '/',
  interface: 'org.freedesktop.DBus.Peer',
  member: 'Ping',
}

/** Has the bus pass signals on that fit a rule. */
export const addMatch = (rule: string): Call => ({
  ...hello,
  member: 'AddMatch',
  signature: 's',
  values: [rule],
})

/** The server's two lines: it asks for data (of which there is none), then says OK and who it is. */
function authenticate(connection: Connection, deadline: number): void {
  for (const wanted of ['DATA', 'OK ']) {
    const line = readLine(connection, deadline)
    if (!line.startsWith(wanted))
      throw new HostError(`cannot reach systemd: the bus does not accept us: it says "${line}"`)
  }
}

const MAX_LINE = 512

function readLine(connection: Connection, deadline: number): string {
  for (;;) {
    const { pending } = connection
    const end = pending.indexOf(10)
    if (end >= 0) {
      connection.pending = pending.subarray(end + 1)
      return native().utf8Read(pending, 0, end).trim()
    }
    if (pending.length > MAX_LINE) throw new HostError('this is no bus: it does not answer in lines')
    receiveMore(connection, deadline)
  }
}

const ECONNRESET = 104

function receiveMore(connection: Connection, deadline: number): void {
  const chunk = new Uint8Array(16384)
  const length = receiveSome(connection.fd, chunk, deadline)
  if (length === 0)
    throw new SyscallError('read', ECONNRESET, 'ECONNRESET', 'the bus has closed the connection')
  connection.pending = joined([connection.pending, chunk.subarray(0, length)])
}

/** The next message, whatever it is. */
function nextMessage(connection: Connection, deadline: number): Message {
  for (;;) {
    const length = messageLength(connection.pending)
    if (length !== undefined && connection.pending.length >= length) {
      const message = decodeMessage(connection.pending.slice(0, length))
      connection.pending = connection.pending.subarray(length)
      return message
    }
    receiveMore(connection, deadline)
  }
}

/** Asks all of it in one write, and returns the answers in order. Throws SyscallError, HostError. */
export function ask(connection: Connection, calls: readonly Call[], deadline: number): Answer[] {
  const parts: Uint8Array[] = connection.greeting === undefined ? [] : [connection.greeting]
  const serials: number[] = []
  for (const call of calls) {
    serials.push(++connection.serial)
    parts.push(encodeCall(connection.serial, call, 0))
  }
  sendAll(connection.fd, joined(parts), deadline)
  if (connection.greeting !== undefined) {
    authenticate(connection, deadline)
    connection.greeting = undefined
    // What systemd's own socket gets with the greeting in one read it looks at when more comes (sd-bus, 252).
    if (!connection.endpoint.bus)
      sendAll(connection.fd, encodeCall(++connection.serial, nudge, NO_REPLY_EXPECTED), deadline)
  }
  const answers = new Map<number, Answer>()
  while (answers.size < calls.length) {
    const message = nextMessage(connection, deadline)
    if (message.type === SIGNAL) connection.signals.push(message)
    const serial = message.replySerial
    if (serial === undefined || !serials.includes(serial)) continue
    if (message.type === METHOD_RETURN || message.type === ERROR) answers.set(serial, answerOf(message))
  }
  return serials.map(serial => answers.get(serial) as Answer)
}

/** The values of the first signal of a signature that `fits`, of those that came already or from now on. Forgets all others. */
export function awaitSignal(
  connection: Connection,
  member: string,
  signature: string,
  fits: (values: readonly Value[]) => boolean,
  deadline: number,
): readonly Value[] {
  for (;;) {
    const message = connection.signals.shift() ?? nextMessage(connection, deadline)
    if (message.type !== SIGNAL || message.member !== member || message.signature !== signature) continue
    const values = unmarshal(signature, message.body)
    if (fits(values)) return values
  }
}

function answerOf({ type, signature = '', body, errorName = '' }: Message): Answer {
  const values = unmarshal(signature, body)
  if (type === METHOD_RETURN) return { signature, values }
  return { error: errorName, message: typeof values[0] === 'string' ? values[0] : '' }
}

function encodeCall(serial: number, call: Call, flags: number): Uint8Array {
  const { destination, path, member, signature = '', values = [] } = call
  return encodeMessage({
    type: METHOD_CALL,
    flags,
    serial,
    path,
    interface: call.interface,
    member,
    destination,
    signature,
    body: marshal(signature, values),
  })
}

function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Milliseconds from now. */
export const deadlineIn = (milliseconds: number): number => now() + milliseconds

export const isLate = (error: unknown): boolean =>
  error instanceof SyscallError && error.errnoName === 'ETIMEDOUT'
