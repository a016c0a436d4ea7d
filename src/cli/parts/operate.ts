/** The commands that work on a running container. */
import { containerEvents } from '../../container/events.js'
import { showLogs } from '../../container/logs.js'
import { tellOom } from '../../container/oom.js'
import { pauseContainer, resumeContainer } from '../../container/pause.js'
import { listProcesses, processTable } from '../../container/ps.js'
import { updateContainer } from '../../container/update.js'
import { commonOf } from '../common.js'
import { limitsOf, schemasOf } from '../limits.js'
import { print, printBytes, readInput } from '../output.js'
import { parseDuration } from '../units.js'
import type { Request } from './part.js'

const idOf = (request: Request): string => request.positionals[0] as string

export const handlers = {
  pause(request: Request<'pause'>): number {
    pauseContainer(commonOf(request), idOf(request))
    return 0
  },
  resume(request: Request<'resume'>): number {
    resumeContainer(commonOf(request), idOf(request))
    return 0
  },
  ps(request: Request<'ps'>): number {
    const [id = '', ...args] = request.positionals
    if (request.options.format === 'json') print(`${JSON.stringify(listProcesses(commonOf(request), id))}\n`)
    else print(processTable(commonOf(request), id, args))
    return 0
  },
  update(request: Request<'update'>): number {
    const { options } = request
    const file = options.resources
    const schemas = schemasOf(options)
    updateContainer({
      common: commonOf(request),
      id: idOf(request),
      resources: file
        ? { text: readInput(file) }
        : { limits: limitsOf(options, request.log), ...(schemas && { schemas }) },
    })
    return 0
  },
  logs(request: Request<'logs'>): number {
    const { tail, follow } = request.options
    const asked = { common: commonOf(request), id: idOf(request), follow: follow === true }
    showLogs(tail === undefined ? asked : { ...asked, tail }, printBytes)
    return 0
  },
  /** Hidden: what the monitor of `run` executes when the kernel killed for memory. */
  _oom(request: Request): number {
    tellOom(commonOf(request), idOf(request))
    return 0
  },
  events(request: Request<'events'>): number {
    const { interval = '5s', stats } = request.options
    containerEvents({
      common: commonOf(request),
      id: idOf(request),
      stats: stats === true,
      interval: parseDuration(interval, '--interval'),
      tell: print,
    })
    return 0
  },
}
