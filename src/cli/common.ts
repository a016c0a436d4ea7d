/** From options of the command line to those of `container/`. */
import { HostError, UsageError } from '../base/errors.js'
import type { Common, CreateOptions } from '../container/options.js'
import { absolute, defaultRoot } from '../container/store.js'
import { native } from '../sys/native.js'
import type { CommandOptions, GlobalOptions } from './commands.js'
import { logPath } from './log.js'
import type { Request } from './parts/part.js'

export function commonOf({ global, log }: Pick<Request, 'global' | 'log'>): Common {
  return {
    root: rootOf(global.root),
    rootExplicit: global.root !== undefined,
    cgroupManager: cgroupManagerOf(global),
    rootless:
      global.rootless === undefined || global.rootless === 'auto' ? 'auto' : global.rootless === 'true',
    strict: global.strict === true,
    log,
  }
}

/** This program with its global options, as a command line that works in any directory. */
export function againOf({ global }: Pick<Request, 'global'>): readonly string[] {
  const line = [...self(), '--root', rootOf(global.root)]
  for (const name of Object.keys(global) as (keyof GlobalOptions)[]) {
    const value = global[name]
    if (name === 'log' && value !== '') line.push('--log', absolute(logPath(value as string)))
    else if (name !== 'root' && name !== 'log') line.push(`--${name}=${value}`)
  }
  return line
}

function self(): readonly string[] {
  try {
    return native().self
  } catch {
    throw new HostError('/proc/self/exe cannot be read: is /proc mounted?')
  }
}

function rootOf(root: string | undefined): string {
  if (root === undefined) return defaultRoot()
  if (root === '') throw new UsageError('--root needs a directory')
  const path = absolute(root)
  if (isSlash(path)) throw new UsageError('Option --root argument should not be set to /')
  return path
}

/** `/..`, too: `delete --force` of an id would be that of a directory of the machine. */
function isSlash(path: string): boolean {
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '..') depth = Math.max(0, depth - 1)
    else if (part !== '' && part !== '.') depth++
  }
  return depth === 0
}

function cgroupManagerOf(global: GlobalOptions): Common['cgroupManager'] {
  const manager = global['cgroup-manager']
  if (global['systemd-cgroup'] !== true) return manager ?? 'cgroupfs'
  if (manager !== undefined && manager !== 'systemd') {
    throw new UsageError(`--systemd-cgroup and --cgroup-manager ${manager} contradict each other`)
  }
  return 'systemd'
}

/** What create, run and plan have in common. An empty path is none, as in runc. */
export function createOptionsOf(
  request: Pick<Request, 'global' | 'log'>,
  id: string,
  options: CommandOptions<'create'>,
): CreateOptions {
  return {
    common: commonOf(request),
    id,
    bundle: options.bundle || '.',
    ...(options.config && { config: options.config }),
    ...(options['console-socket'] && { consoleSocket: options['console-socket'] }),
    ...(options['pid-file'] && { pidFile: options['pid-file'] }),
    ...(options['pidfd-socket'] && { pidfdSocket: options['pidfd-socket'] }),
    preserveFds: options['preserve-fds'] ?? 0,
    noPivot: options['no-pivot'] === true,
    noNewKeyring: options['no-new-keyring'] === true,
    ...(options.output !== undefined && { output: outputOf(options.output) }),
  }
}

/** Absolute. */
export function outputOf(path: string): string {
  if (path === '') throw new UsageError('--output needs a file')
  return absolute(path)
}
