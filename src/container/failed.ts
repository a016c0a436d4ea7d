import { InternalError, type TsrunError } from '../base/errors.js'
import { failureOf } from '../launch/failure.js'
import { openHookOutput } from '../lower/hooks.js'
import type { Op } from '../plan/op.js'
import type { Hook } from '../spec/types.gen.js'
import { deleteContainer } from './delete.js'
import type { Common } from './options.js'
import type { Record } from './record.js'
import { poststartHook } from './run.js'
import { startFailure } from './start.js'
import { load } from './store.js'
import { fromHex, parseFailed } from './told.js'

/**
 * `tsrun _failed`: what the monitor of a foreground `run` executes when the program could not be started. Takes the container away
 * and returns the error that `run` ends with. `told`: who failed, `init` or `monitor`, a colon, and its frame in hex.
 */
export function failedRun(common: Common, id: string, told: string): TsrunError {
  const colon = told.indexOf(':')
  const bytes = fromHex(told.slice(colon + 1))
  const record = load(common.root, id)
  const error = told.startsWith('init:') ? startFailure(record, bytes) : monitorFailure(record, bytes)
  try {
    deleteContainer(common, id, true)
  } catch (problem) {
    common.log.warn(`clean up after a failed run: ${(problem as Error).message}`)
  }
  return error
}

/** Op 0 is `release`; then come the files of the hooks of poststart, and these hooks. */
function monitorFailure(record: Record, bytes: Uint8Array): TsrunError {
  const frame = parseFailed(bytes)
  const ops: Op[] = []
  if (record.poststart.length > 0) openHookOutput(record, 'monitor', ops)
  for (let i = 0; i < record.poststart.length; i++)
    ops.push(poststartHook(i, record.poststart[i] as Hook, ''))
  const op = ops[frame.index - 1]
  if (op !== undefined) return failureOf(op, frame, [])
  return new InternalError(
    `the monitor could not start the program (step ${frame.step}, errno ${frame.errno})`,
  )
}
