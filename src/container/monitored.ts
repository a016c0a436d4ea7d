import { InternalError, type TsrunError } from '../base/errors.js'
import { failureOf } from '../launch/failure.js'
import { noteOutput } from '../launch/hook.js'
import { openHookOutput } from '../lower/hooks.js'
import { parseFrame } from '../plan/frames.js'
import type { Op } from '../plan/op.js'
import type { Hook } from '../spec/types.gen.js'
import { deleteContainer } from './delete.js'
import type { Common } from './options.js'
import type { Record } from './record.js'
import { poststartHook } from './run.js'
import { noteSaid, startFailure } from './start.js'
import { load } from './store.js'
import { fromHex, parseFailed } from './told.js'

/**
 * `tsrun _told`: what the monitor of a foreground `run` executes. `told`: whose frame, `init` or `monitor`, a colon, and the frame in hex.
 * What a hook printed is logged. When the program could not be started, takes the container away and returns the error that `run` ends
 * with.
 */
export function toldByMonitor(common: Common, id: string, told: string): TsrunError | undefined {
  const byInit = told.startsWith('init:')
  const bytes = fromHex(told.slice(told.indexOf(':') + 1))
  const record = load(common.root, id)
  if (bytes.length > 0) {
    const frame = parseFrame(bytes)
    if (frame.kind === 'said') {
      if (byInit) noteSaid(record, bytes, common.log)
      else noteHook(hooksOf(record)[frame.index - 1], frame.detail, common)
      return undefined
    }
  }
  const error = byInit ? startFailure(record, bytes) : monitorFailure(record, bytes)
  try {
    deleteContainer(common, id, true)
  } catch (problem) {
    common.log.warn(`clean up after a failed run: ${(problem as Error).message}`)
  }
  return error
}

/** Op 0 is `release`; then come the files of the hooks of poststart, and these hooks. */
function hooksOf(record: Record): readonly Op[] {
  const ops: Op[] = []
  if (record.poststart.length > 0) openHookOutput(record, 'monitor', ops)
  for (let i = 0; i < record.poststart.length; i++)
    ops.push(poststartHook(i, record.poststart[i] as Hook, ''))
  return ops
}

function noteHook(op: Op | undefined, words: string, { log }: Common): void {
  if (op?.op === 'run_hook') noteOutput(op, words, log)
}

function monitorFailure(record: Record, bytes: Uint8Array): TsrunError {
  const frame = parseFailed(bytes)
  const op = hooksOf(record)[frame.index - 1]
  if (op !== undefined) return failureOf(op, frame, [])
  return new InternalError(
    `the monitor could not start the program (step ${frame.step}, errno ${frame.errno})`,
  )
}
