/** The commands on a container that is there: they load neither validator nor compiler. */
import { UsageError } from '../../base/errors.js'
import { parseSignal, signals } from '../../base/signals.js'
import { deleteContainer } from '../../container/delete.js'
import { killContainer } from '../../container/kill.js'
import { listContainers } from '../../container/list.js'
import { startContainer } from '../../container/start.js'
import { containerState } from '../../container/state.js'
import { commonOf } from '../common.js'
import { nearest } from '../nearest.js'
import { print } from '../output.js'
import { listJson, listQuiet, listTable, stateText } from '../state.js'
import type { Request } from './part.js'

function unknownSignal(text: string): UsageError {
  const names = Object.keys(signals).map(name => `SIG${name}`)
  const upper = text.toUpperCase()
  const guess = nearest(upper.startsWith('SIG') ? upper : `SIG${upper}`, names)
  const hint =
    guess === undefined ? ' (use a name like TERM, or a number up to 64)' : `; did you mean ${guess}?`
  return new UsageError(`unknown signal "${text}"${hint}`)
}

const idOf = (request: Request): string => request.positionals[0] as string

export const handlers = {
  start(request: Request<'start'>): number {
    startContainer(commonOf(request), idOf(request))
    return 0
  },
  state(request: Request<'state'>): number {
    print(stateText(containerState(commonOf(request), idOf(request))))
    return 0
  },
  list(request: Request<'list'>): number {
    const { format, quiet } = request.options
    const entries = listContainers(commonOf(request))
    print(quiet === true ? listQuiet(entries) : format === 'json' ? listJson(entries) : listTable(entries))
    return 0
  },
  kill(request: Request<'kill'>): number {
    const text = request.positionals[1] || 'TERM' // as runc: an empty word is none
    const signal = parseSignal(text)
    if (signal === undefined) throw unknownSignal(text)
    killContainer(commonOf(request), idOf(request), signal, request.options.all === true)
    return 0
  },
  delete(request: Request<'delete'>): number {
    deleteContainer(commonOf(request), idOf(request), request.options.force === true)
    return 0
  },
}
