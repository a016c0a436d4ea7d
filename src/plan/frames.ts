/** What the shim says while it plays a plan, and what it is answered: `shim/README.md`. */
import { InternalError } from '../base/errors.js'

const HEAD = 16
const MAX_DETAIL = 512

/** `index` of a frame that is about the plan itself, not about one of its ops. */
export const WHOLE_PLAN = 0xffffffff

/** Why a plan was refused, by the step of its `failed` frame: the names of `enum refusal` in the shim. */
export const refusals: readonly string[] = [
  'it could not be read',
  'wrong magic',
  'made for another build of the shim',
  'wrong length in the header',
  'a record is cut off',
  'an unknown op, or a wrong number of fields',
  'a field is out of range',
  'bytes after the last record',
  'the process could not be prepared',
]

export interface FailedFrame {
  readonly kind: 'failed'
  /** Of the op in the plan, or WHOLE_PLAN. */
  readonly index: number
  readonly step: number
  /** Errno, or for the end of a hook its exit status or signal; 0 for none. */
  readonly errno: number
  /** The kernel's or the hook's own words, '' for none. */
  readonly detail: string
}

export type Frame =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'barrier'; readonly n: number }
  | { readonly kind: 'fd'; readonly tag: number }
  | FailedFrame
  /** The last words of a hook that did not fail. */
  | { readonly kind: 'said'; readonly index: number; readonly detail: string }

/** UTF-8 by hand (this layer has no engine): what is cut off or no UTF-8, such as a hook's last words, becomes U+FFFD. */
function decode(bytes: Uint8Array): string {
  let text = ''
  for (let i = HEAD; i < bytes.length; ) {
    const first = bytes[i++] as number
    const more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1
    let code = more === 0 ? first : first & (0x3f >> more)
    let left = more
    while (left > 0 && ((bytes[i] ?? 0) & 0xc0) === 0x80) {
      code = (code << 6) | ((bytes[i++] as number) & 0x3f)
      left--
    }
    const good = left === 0 && (first < 0x80 || (first >= 0xc2 && first < 0xf5)) && code <= 0x10ffff
    text += good ? String.fromCodePoint(code) : '\ufffd'
  }
  return text
}

/** Reads one datagram. Throws InternalError for one that is none of ours. */
export function parseFrame(bytes: Uint8Array): Frame {
  if (bytes.length < HEAD || bytes.length > HEAD + MAX_DETAIL) {
    throw new InternalError(`the shim sent a frame of ${bytes.length} bytes`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const kind = view.getUint32(0, true)
  const a = view.getUint32(4, true)
  switch (kind) {
    case 1:
      return { kind: 'started', pid: a }
    case 2:
      return { kind: 'barrier', n: a }
    case 3:
      return { kind: 'fd', tag: a }
    case 4: {
      const detail = decode(bytes)
      return {
        kind: 'failed',
        index: a,
        step: view.getUint32(8, true),
        errno: view.getInt32(12, true),
        detail,
      }
    }
    case 6:
      return { kind: 'said', index: a, detail: decode(bytes) }
    default:
      throw new InternalError(`the shim sent a frame of kind ${kind}`)
  }
}

/** Where frames come without borders, in the exec fifo: the length of a whole `said` at the beginning, 0 when there is none. */
export function saidLength(bytes: Uint8Array): number {
  if (bytes.length < HEAD) return 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = HEAD + view.getUint32(8, true)
  return view.getUint32(0, true) === 6 && length <= bytes.length ? length : 0
}

/** Lets the shim go on from barrier `n`. */
export function answer(n: number): Uint8Array {
  return new Uint8Array(new Uint32Array([n]).buffer)
}
