import type { HostPath, Op } from '../plan/op.js'
import { startContainerHooks } from './hooks.js'
import { lateSeccomp, listeningSeccomp } from './identity.js'
import type { Input } from './input.js'

/** Opens the exec fifo while its path means something. */
export function openFifo({ request }: Input, out: Op[]): void {
  const at = 'runtime:exec-fifo'
  out.push({
    op: 'open_path',
    by: 'helper',
    at,
    slot: 'fifo',
    path: `${request.stateDir}/exec.fifo` as HostPath,
  })
}

/** /proc/self/fd must be init's own, so it is opened in init, before the root changes. */
export function openFdDirectory(_input: Input, out: Op[]): void {
  out.push({ op: 'open_fd_directory', by: 'init', at: 'runtime:exec-fifo', slot: 'fds' })
}

/** The value of a variable: the last entry wins (execve keeps duplicates, getenv differs; runc keeps the last). */
function lookup(env: readonly string[], name: string): string | undefined {
  for (let i = env.length - 1; i >= 0; i--) {
    const entry = env[i] as string
    if (entry.startsWith(`${name}=`)) return entry.slice(name.length + 1)
  }
  return undefined
}

/** Looks up what the program needs. A missing program fails here, at create; `start` refuses a config without any. */
export function findProgram(input: Input, out: Op[]): void {
  const { process } = input
  if (process.args !== undefined) lookUp(input, process.args[0] ?? '', out)
  listeningSeccomp(input, out)
}

function lookUp({ process, user }: Input, name: string, out: Op[]): void {
  const env = process.env ?? []
  const home = lookup(env, 'HOME')
  if (home === undefined || home === '') {
    out.push({ op: 'find_home', by: 'init', at: '/process/user/uid', uid: user.uid })
  }
  const path = lookup(env, 'PATH') ?? ''
  out.push({ op: 'find_executable', by: 'init', at: '/process/args/0', name, path })
}

/** The last words with the runtime, then the wait for `start`, then the program. */
export function execProgram(input: Input, out: Op[]): void {
  const { request } = input
  // All that can fail has succeeded. Now what makes the container deletable, and what the caller waits for. The runtime's answer is its
  // last word: until then init dies with it.
  out.push({ op: 'save_state', by: 'runtime', at: 'runtime:state', status: 'created' })
  if (request.pidfdSocket !== undefined) {
    out.push({ op: 'send_pidfd', by: 'runtime', at: 'runtime:pidfd-socket', socket: request.pidfdSocket })
  }
  if (request.pidFile !== undefined) {
    out.push({ op: 'write_pid_file', by: 'runtime', at: 'runtime:pid-file', path: request.pidFile })
  }
  out.push({ op: 'ready', by: 'init', at: 'runtime:ready' })
  out.push({ op: 'wait_start', by: 'init', at: 'runtime:exec-fifo', fifo: 'fifo', fds: 'fds' })
  startContainerHooks(input, out)
  runProgram(input, out)
}

/** The filter, if it has waited for now, and the program. */
export function runProgram(input: Input, out: Op[]): void {
  const { process, request } = input
  lateSeccomp(input, out)
  const env = dropDuplicates([...(process.env ?? []), ...request.extraEnv])
  out.push({ op: 'exec', by: 'init', at: '/process/args', args: process.args ?? [], env })
}

/** Keeps the last value of each name at the place of its first, as runc does. */
function dropDuplicates(env: readonly string[]): readonly string[] {
  const places = new Map<string, number>()
  const kept: string[] = []
  for (const entry of env) {
    const name = entry.slice(0, entry.indexOf('='))
    const place = places.get(name)
    if (place === undefined) {
      places.set(name, kept.length)
      kept.push(entry)
    } else kept[place] = entry
  }
  return kept
}
