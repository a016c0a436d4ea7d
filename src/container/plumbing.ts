/** What `create` and `exec` have in common beside the passes: descriptors, sockets and files of the command line. */
import { ConfigError } from '../base/errors.js'
import type { Request } from '../lower/input.js'
import type { HostPath, Op } from '../plan/op.js'
import type { Process } from '../spec/types.gen.js'
import { native } from '../sys/native.js'
import type { CreateOptions } from './options.js'
import { absolute, variable } from './store.js'

/** Console rules of runc (FEATURES A.4.9), with its texts. */
export function checkConsole(
  process: Process | undefined,
  consoleSocket: string | undefined,
  detach: boolean,
  output?: string,
): void {
  const terminal = process?.terminal === true
  const at = '/process/terminal'
  if (terminal && output !== undefined)
    throw new ConfigError(at, 'output-terminal', 'cannot use --output with a terminal: set terminal to false')
  if (terminal && detach && consoleSocket === undefined) {
    const text = 'cannot allocate tty if runc will detach without setting console socket'
    throw new ConfigError(
      at,
      'terminal-needs-socket',
      `${text} (use --console-socket, or set terminal to false)`,
    )
  }
  if (consoleSocket !== undefined && !(terminal && detach)) {
    const text = 'cannot use console socket if runc will not detach or allocate tty'
    throw new ConfigError(at, 'socket-needs-terminal', text)
  }
}

/**
 * How many descriptors from 3 on the caller hands on by sd_listen_fds(3). They are meant for the process that LISTEN_PID names: an engine
 * that was started by a socket leaves the variables in everybody's environment, without the descriptors.
 */
export function listenFds(): number {
  const text = variable('LISTEN_FDS')
  if (text === undefined || variable('LISTEN_PID') !== `${native().getpid()}`) return 0
  const count = Number(text)
  return Number.isInteger(count) && count > 0 && count < 1024 && `${count}` === text ? count : 0
}

/** What tells the container's first process of them: it is pid 1, or has to be told otherwise by its config. */
function listenEnv(listening: number): string[] {
  if (listening === 0) return []
  const names = variable('LISTEN_FDNAMES')
  return [
    `LISTEN_FDS=${listening}`,
    'LISTEN_PID=1',
    ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`]),
  ]
}

/** Where the caller wants to hear that the container is ready; sd_notify(3). */
export function notifySocket(): string | undefined {
  const path = variable('NOTIFY_SOCKET')
  return path === '' ? undefined : path
}

/** Throws ConfigError for a descriptor that the caller announced and did not open; runc's text. */
export function checkPreservedFds(listening: number, preserved: number): void {
  const F_GETFD = 1
  const first = 3 + listening
  const { callerFds = Infinity } = native() // what is open beyond them is Node's own
  for (let fd = 3; fd < first + preserved; fd++) {
    if (fd < 3 + callerFds && native().fcntl(fd, F_GETFD, 0) >= 0) continue
    const which =
      fd < first
        ? `of LISTEN_FDS=${listening}`
        : `unable to stat preserved-fd ${fd - first} (of ${preserved})`
    throw new ConfigError('', 'preserved-fd-open', `${which}: descriptor ${fd} is not open`)
  }
}

type Plumbing = Pick<CreateOptions, 'consoleSocket' | 'pidFile' | 'pidfdSocket' | 'preserveFds'>

/** Descriptors, sockets and files of the command line, for `create` and `exec`. `listening` stand before those of --preserve-fds. */
export function plumbingOf(
  options: Plumbing,
  listening: number,
): Pick<Request, 'preservedFds' | 'extraEnv' | 'consoleSocket' | 'pidfdSocket' | 'pidFile'> {
  return {
    preservedFds: listening + options.preserveFds,
    extraEnv: listenEnv(listening),
    ...(options.consoleSocket === undefined
      ? {}
      : { consoleSocket: absolute(options.consoleSocket) as HostPath }),
    ...(options.pidfdSocket === undefined ? {} : { pidfdSocket: absolute(options.pidfdSocket) as HostPath }),
    ...(options.pidFile === undefined ? {} : { pidFile: absolute(options.pidFile) as HostPath }),
  }
}

/**
 * What init does when it is let go, cut down to what an error text needs: the ops after the last barrier, so from the end. Those of
 * `create` follow `wait_start`.
 */
export function lastOps(ops: readonly Op[]): [number, Op][] {
  const kept: [number, Op][] = []
  for (let i = ops.length - 1; i >= 0; i--) {
    const op = ops[i] as Op
    if (op.by === 'runtime') break
    if (op.op === 'exec') kept.push([i, { ...op, env: [] }])
    else if (op.op === 'run_hook') kept.push([i, { ...op, env: [], before: '', after: '' }])
    else if (op.op === 'seccomp') kept.push([i, { ...op, program: new Uint8Array(0) }])
    else kept.push([i, op])
    if (op.op === 'wait_start') break
  }
  return kept
}
