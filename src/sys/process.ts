/** Starting, watching and ending processes. */
import { check, uninterrupted } from './call.js'
import { tryListDirectory } from './directories.js'
import { type Memory, native } from './native.js'

const P_PIDFD = 3
const P_PID = 1
const WEXITED = 4
const WNOWAIT = 0x01000000
const POSIX_SPAWN_SETPGROUP = 0x02
const POSIX_SPAWN_SETSIGDEF = 0x04
const POSIX_SPAWN_SETSIGMASK = 0x08
const POLLIN = 1

/** A NULL-terminated array of C strings, as execve(2) takes it. */
export function cStrings(list: readonly string[]): Memory {
  let size = (list.length + 1) * 8
  const text = size
  for (const entry of list) size += entry.length * 3 + 1
  const memory = native().alloc(size)
  const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset, memory.bytes.byteLength)
  let at = text
  for (let i = 0; i < list.length; i++) {
    view.setBigUint64(i * 8, BigInt(memory.address + at), true)
    at += native().utf8Write(list[i] as string, memory.bytes, at)
    memory.bytes[at++] = 0
  }
  view.setBigUint64(list.length * 8, 0n, true)
  return memory
}

export interface SpawnOptions {
  readonly argv: readonly string[]
  readonly env: readonly string[]
  /** `[from, to]`: descriptors that the new process gets. All others are close-on-exec. */
  readonly fds: readonly (readonly [number, number])[]
  /** Working directory; absent: the caller's. */
  readonly cwd?: string
  /** A process group of its own, so that a time-out can end all of it. */
  readonly ownGroup?: boolean
  /** The program sets its signals right itself, as the shim does. */
  readonly signalsAsTheyAre?: boolean
}

function signalAttributes(ownGroup: boolean): Uint8Array {
  const calls = native()
  const attributes = new Uint8Array(512)
  const group = ownGroup ? POSIX_SPAWN_SETPGROUP : 0
  calls.posix_spawnattr_init(attributes)
  calls.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group)
  calls.posix_spawnattr_setsigdefault(attributes, new Uint8Array(128).fill(0xff))
  calls.posix_spawnattr_setsigmask(attributes, new Uint8Array(128))
  return attributes
}

/**
 * posix_spawn(3) with default signal dispositions and an empty mask (Node ignores SIGPIPE). Returns the pid.
 * A descriptor that keeps its number loses close-on-exec: `[n, n]`.
 */
export function spawn(path: string, options: SpawnOptions): number {
  const calls = native()
  const actions = new Uint8Array(256)
  const pid = new Uint8Array(4)
  calls.posix_spawn_file_actions_init(actions)
  for (const [from, to] of options.fds) calls.posix_spawn_file_actions_adddup2(actions, from, to)
  if (options.cwd !== undefined) calls.posix_spawn_file_actions_addchdir_np(actions, options.cwd)
  const attributes = options.signalsAsTheyAre === true ? null : signalAttributes(options.ownGroup === true)
  const argv = cStrings(options.argv)
  const env = cStrings(options.env)
  const result = calls.posix_spawn(pid, path, actions, attributes, argv.address, env.address)
  calls.posix_spawn_file_actions_destroy(actions)
  check(result, 'posix_spawn', () => JSON.stringify(path))
  return new DataView(pid.buffer).getInt32(0, true)
}

const F_SETFD = 2
const FD_CLOEXEC = 1

/**
 * Marks every descriptor but stdio close-on-exec. What a careless caller left open is no business of a program that runs for us; the
 * shim closes it by itself.
 */
export function closeOthersOnExec(): void {
  for (const { name } of tryListDirectory('/proc/self/fd') ?? []) {
    if (Number(name) > 2) native().fcntl(Number(name), F_SETFD, FD_CLOEXEC)
  }
}

/** Replaces this process. Returns only by throwing. */
export function execute(path: string, argv: readonly string[], env: readonly string[]): never {
  const result = native().execve(path, cStrings(argv).address, cStrings(env).address)
  check(result, 'execve', () => JSON.stringify(path))
  throw new Error('execve returned')
}

/** How a process ended. */
export type Exit = { readonly code: number } | { readonly signal: number }

const CLD_EXITED = 1

type Child = { readonly pid: number } | { readonly pidfd: number }

/** Waits for a child's end and reaps it. */
export function wait(id: Child): Exit | undefined {
  return exitOf(id, WEXITED)
}

/** Waits for a child's end and does not reap it: its pid stays its own. */
export function waitUnreaped(id: Child): Exit | undefined {
  return exitOf(id, WEXITED | WNOWAIT)
}

function exitOf(id: Child, flags: number): Exit | undefined {
  const info = new Uint8Array(128)
  const [type, number] = 'pid' in id ? [P_PID, id.pid] : [P_PIDFD, id.pidfd]
  check(
    uninterrupted(() => native().waitid(type, number, info, flags)),
    'waitid',
    () => `${number}`,
  )
  const view = new DataView(info.buffer)
  if (view.getInt32(0, true) === 0) return undefined
  const status = view.getInt32(24, true)
  return view.getInt32(8, true) === CLD_EXITED ? { code: status } : { signal: status }
}

/** Waits until a pidfd's process has ended, at most `milliseconds` (-1: for ever). False when time was up. */
export function waitEnded(pidfd: number, milliseconds: number): boolean {
  return waitReadable(pidfd, milliseconds)
}

/** Waits until there is something to read, at most `milliseconds` (-1: for ever; 24 days, poll(2) counts no more). False when time was up. */
export function waitReadable(fd: number, milliseconds: number): boolean {
  const entry = new Uint8Array(8)
  const view = new DataView(entry.buffer)
  view.setInt32(0, fd, true)
  view.setInt16(4, POLLIN, true)
  return (
    check(
      uninterrupted(() => native().poll(entry, 1, Math.min(milliseconds, 0x7fffffff))),
      'poll',
      () => `${fd}`,
    ) > 0
  )
}

/** pidfd_open(2), close-on-exec by nature; undefined when there is no such process. */
export function openPidfd(pid: number): number | undefined {
  const ESRCH = -3
  const EINVAL = -22
  const result = native().pidfd_open(pid, 0)
  if (result === ESRCH || result === EINVAL) return undefined
  return check(result, 'pidfd_open', () => `${pid}`)
}

/** Signals the process of a pidfd; false when it has ended and was reaped. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const ESRCH = -3
  const result = native().pidfd_send_signal(pidfd, signal, null, 0)
  if (result === ESRCH) return false
  check(result, 'pidfd_send_signal', () => `${pidfd}, ${signal}`)
  return true
}
