/** `exec`: a part of its own, with the passes that it shares with create and without what only create needs. */
import { UsageError } from '../../base/errors.js'
import { execInContainer, failedExec } from '../../container/exec.js'
import type { ExecOptions } from '../../container/options.js'
import type { CommandOptions } from '../commands.js'
import { againOf, commonOf } from '../common.js'
import type { Request } from './part.js'

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
