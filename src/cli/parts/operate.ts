/** The commands that work on a running container. `exec` shares the compiler of `create`. */
import { UsageError } from '../../base/errors.js'
import { containerEvents } from '../../container/events.js'
import { execInContainer, failedExec } from '../../container/exec.js'
import type { ExecOptions } from '../../container/options.js'
import { pauseContainer, resumeContainer } from '../../container/pause.js'
import { listProcesses, processTable } from '../../container/ps.js'
import { updateContainer } from '../../container/update.js'
import type { CommandOptions } from '../commands.js'
import { againOf, commonOf } from '../common.js'
import { limitsOf } from '../limits.js'
import { print, readInput } from '../output.js'
import { parseDuration } from '../units.js'
import type { Request } from './part.js'

const idOf = (request: Request): string => request.positionals[0] as string

export const handlers = {
  exec(request: Request<'exec'>): number {
    const { options, positionals } = request
    const [id = '', ...args] = positionals
    return execInContainer({
      common: commonOf(request),
      id,
      process: processOf(options, args),
      detach: options.detach === true,
      ...(options['console-socket'] && { consoleSocket: options['console-socket'] }),
      ...(options['pid-file'] && { pidFile: options['pid-file'] }),
      ...(options['pidfd-socket'] && { pidfdSocket: options['pidfd-socket'] }),
      preserveFds: options['preserve-fds'] ?? 0,
      ignorePaused: options['ignore-paused'] === true,
      cgroups: options.cgroup ?? [],
      again: againOf(request),
    })
  },
  /** Hidden: what the monitor executes when the program of `exec` could not be. */
  '_failed-exec'(request: Request): number {
    const [id = '', ops = '', told = ''] = request.positionals
    throw failedExec(id, ops, told)
  },
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
    updateContainer({
      common: commonOf(request),
      id: idOf(request),
      resources: file ? { text: readInput(file) } : { limits: limitsOf(options, request.log) },
    })
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

function processOf(options: CommandOptions<'exec'>, args: readonly string[]): ExecOptions['process'] {
  if (options.process) return { file: options.process }
  if (args.length === 0) throw new UsageError('exec needs a command after the container id, or --process')
  const noNewPrivileges = options['no-new-privs']
  return {
    args,
    terminal: options.tty === true,
    ...(options.cwd && { cwd: options.cwd }),
    env: options.env ?? [],
    ...(options.user && { user: userOf(options.user) }),
    additionalGids: (options['additional-gids'] ?? []).map(gid => idNumber(gid, '--additional-gids')),
    capabilities: options.cap ?? [],
    ...(noNewPrivileges !== undefined && { noNewPrivileges }),
    ...(options['process-label'] && { selinuxLabel: options['process-label'] }),
    ...(options.apparmor && { apparmorProfile: options.apparmor }),
  }
}

/** `UID` or `UID:GID`. Nothing is guessed: crun read `-u 1` as root (CVE-2026-30892). */
function userOf(text: string): { uid: number; gid?: number } {
  const colon = text.indexOf(':')
  if (colon < 0) return { uid: idNumber(text, '--user') }
  return { uid: idNumber(text.slice(0, colon), '--user'), gid: idNumber(text.slice(colon + 1), '--user') }
}

/** The highest one; 2^32-1 means "no change" to setresuid(2). */
const MAX_ID = 4294967294

function idNumber(text: string, option: string): number {
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    value = value * 10 + digit
    if (digit < 0 || digit > 9 || value > MAX_ID) value = Number.NaN
  }
  if (text === '' || Number.isNaN(value)) {
    throw new UsageError(`invalid value "${text}" for ${option}: use numbers from 0 to ${MAX_ID}, not names`)
  }
  return value
}
