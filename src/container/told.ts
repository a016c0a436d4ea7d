/** What the monitor tells tsrun on the command line: frames in hex. */
import { InternalError } from '../base/errors.js'
import { type FailedFrame, parseFrame } from '../plan/frames.js'

/** A frame that can only be one of a failure. Throws InternalError for another. */
export function parseFailed(bytes: Uint8Array): FailedFrame {
  const frame = parseFrame(bytes)
  if (frame.kind !== 'failed')
    throw new InternalError(`the shim told of "${frame.kind}" instead of a failure`)
  return frame
}

/** Bytes as the monitor writes them into a command line. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
