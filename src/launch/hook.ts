import { HostError } from '../base/errors.js'
import type { Log } from '../base/log.js'
import { O, openFile, tryStat } from '../sys/files.js'
import { native } from '../sys/native.js'
import { closeOthersOnExec, openPidfd, spawn, wait, waitEnded } from '../sys/process.js'
import { withCallerLimits } from './limits.js'
import { sealedMemfd } from './shim.js'

const MFD_CLOEXEC = 1
const SIGKILL = 9
/** How much of a hook's output an error message repeats. */
const TAIL = 1024

/** What this needs of a hook: an op of a plan, or a hook of the config. */
export interface HookToRun {
  /** JSON pointer. */
  readonly at: string
  readonly kind: string
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  /** Seconds; absent: none. */
  readonly timeout?: number
  /** Files that it appends to. */
  readonly stdout?: string
  readonly stderr?: string
}

/**
 * Runs a hook in the runtime's namespaces and in the bundle's directory: the state on its stdin, exactly its own environment, its output kept for the error.
 * A time-out (seconds) ends its process group. Throws HostError when it cannot be started, fails or takes too long.
 */
export function runHook(hook: HookToRun, state: string, bundle: string, log: Log): void {
  const begin = milliseconds()
  const { at, kind, path, args, env, timeout } = hook
  const calls = native()
  const fail = (what: string): HostError => new HostError(`${at}: ${kind} hook ${path}: ${what}`)
  const text = new Uint8Array(state.length * 3)
  const input = sealedMemfd('tsrun-state', text.subarray(0, calls.utf8Write(state, text, 0)), false)
  const stdin = openFile(`/proc/self/fd/${input}`, O.RDONLY)
  const output = calls.memfd_create('tsrun-hook-output', MFD_CLOEXEC)
  let stdout = output
  let stderr = output
  closeOthersOnExec()
  try {
    if (hook.stdout !== undefined) stdout = openOutput(hook.stdout)
    if (hook.stderr !== undefined) stderr = openOutput(hook.stderr)
    let pid: number
    try {
      pid = withCallerLimits(() =>
        spawn(path, {
          argv: args === undefined || args.length === 0 ? [path] : args,
          env: env ?? [],
          fds: [
            [stdin, 0],
            [stdout, 1],
            [stderr, 2],
          ],
          cwd: bundle,
          ownGroup: true,
        }),
      )
    } catch (error) {
      throw fail((error as Error).message)
    }
    const pidfd = openPidfd(pid)
    if (pidfd !== undefined) {
      const ended = waitEnded(pidfd, timeout === undefined ? -1 : timeout * 1000)
      if (!ended) calls.kill(-pid, SIGKILL)
      calls.close(pidfd)
      if (!ended) {
        wait({ pid })
        throw fail(`did not end within ${timeout} s${tail(output)}`)
      }
    }
    const exit = wait({ pid })
    if (exit === undefined) throw fail('could not be waited for')
    if ('signal' in exit) throw fail(`was killed by signal ${exit.signal}${tail(output)}`)
    if (exit.code !== 0) throw fail(`exit status ${exit.code}${tail(output)}`)
    log.debug(`${kind} hook ${path} took ${milliseconds() - begin} ms`, { pointer: at })
    noteOutput(hook, lastWords(output), log)
  } finally {
    calls.close(input)
    calls.close(stdin)
    if (stdout !== output) calls.close(stdout)
    if (stderr !== output) calls.close(stderr)
    calls.close(output)
  }
}

function openOutput(path: string): number {
  return openFile(path, O.WRONLY | O.CREAT | O.APPEND, 0o600)
}

function milliseconds(): number {
  const CLOCK_MONOTONIC = 1
  const time = new Uint8Array(16)
  native().clock_gettime(CLOCK_MONOTONIC, time)
  const view = new DataView(time.buffer)
  return view.getUint32(0, true) * 1000 + Math.floor(view.getUint32(8, true) / 1e6)
}

/** Keeps what a hook printed that did not fail. */
export function noteOutput({ at, path }: Pick<HookToRun, 'at' | 'path'>, text: string, log: Log): void {
  if (text.trim() !== '') log.note(`${at}: hook ${path} printed: ${text.trim()}`, { pointer: at })
}

/** The end of what the hook wrote, for the message. */
function tail(output: number): string {
  const text = lastWords(output)
  return text === '' ? '' : `, output: ${text}`
}

function lastWords(output: number): string {
  const calls = native()
  const bytes = new Uint8Array(TAIL)
  let length = calls.pread(output, bytes, bytes.length, 0)
  if (length <= 0) return ''
  if (length === TAIL) {
    const size = tryStat(`/proc/self/fd/${output}`)?.size ?? TAIL
    length = calls.pread(output, bytes, bytes.length, size - TAIL)
  }
  return calls.utf8Read(bytes, 0, length).trim()
}
