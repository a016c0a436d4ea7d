/** `create` and `run`: the part with the compiler in it. */
import { createContainer } from '../../container/create.js'
import { toldByMonitor } from '../../container/monitored.js'
import { runContainer } from '../../container/run.js'
import { againOf, commonOf, createOptionsOf } from '../common.js'
import type { Request } from './part.js'

export const handlers = {
  create(request: Request<'create'>): number {
    createContainer(createOptionsOf(request, request.positionals[0] as string, request.options))
    return 0
  },
  run(request: Request<'run'>): number {
    const { options } = request
    return runContainer({
      ...createOptionsOf(request, request.positionals[0] as string, options),
      detach: options.detach === true,
      keep: options.keep === true,
      noSubreaper: options['no-subreaper'] === true,
      again: againOf(request),
    })
  },
  /** Hidden: what the monitor executes when a hook printed something, and when `run` failed after it had become the monitor. */
  _told(request: Request): number {
    const [id = '', told = ''] = request.positionals
    const error = toldByMonitor(commonOf(request), id, told)
    if (error !== undefined) throw error
    return 0
  },
}
