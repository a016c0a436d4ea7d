/** `--output` of create and run, and `tsrun logs`: the output of a container in a file. Loaded for those who ask. */
import { ConfigError, StateError, TsrunError } from '../base/errors.js'
import { check, sleep, uninterrupted } from '../sys/call.js'
import { archFlags, close, O, openFile, tryReadLink, tryStat } from '../sys/files.js'
import { native } from '../sys/native.js'
import { openOwn } from './kill.js'
import type { LogsOptions } from './options.js'
import { isAlive, type ProcessId, type Record } from './record.js'
import { load } from './store.js'

const S_IFMT = 0o170000
const S_IFREG = 0o100000
const F_DUPFD_CLOEXEC = 1030
/** Milliseconds. */
const MOMENT = 5

/**
 * Opens the file that takes a container's stdout and stderr, above the descriptors that are the container's. What is there already stays.
 * A link could lead anywhere and a pipe would need a reader: only a regular file is taken. Throws ConfigError.
 */
export function openOutput(path: string, preservedFds: number): number {
  const refuse = (why: string): ConfigError => new ConfigError('', 'output-file', `--output ${path}: ${why}`)
  const calls = native()
  const { nofollow } = archFlags[calls.arch]
  let fd: number
  try {
    fd = openFile(path, O.WRONLY | O.APPEND | O.CREAT | O.NONBLOCK | nofollow, 0o600)
  } catch (error) {
    throw refuse((error as Error).message)
  }
  try {
    const status = tryStat(`/proc/self/fd/${fd}`)
    if (status === undefined || (status.mode & S_IFMT) !== S_IFREG) throw refuse('it must be a regular file')
    // Without O_NOFOLLOW, which stays with a descriptor and which criu asks for again, through a link in /proc.
    const plain = openFile(`/proc/self/fd/${fd}`, O.WRONLY | O.APPEND)
    try {
      return check(calls.fcntl(plain, F_DUPFD_CLOEXEC, 3 + preservedFds), 'fcntl', 'F_DUPFD_CLOEXEC')
    } finally {
      close(plain)
    }
  } finally {
    close(fd)
  }
}

/**
 * `tsrun logs`: tells what a container has written, or its last lines, and on request what it will write until it ends. `tell` returns false
 * when nobody listens any more. Throws StateError, SyscallError.
 */
export function showLogs(
  { common, id, tail, follow }: LogsOptions,
  tell: (bytes: Uint8Array) => boolean,
): void {
  try {
    const { output, init } = follow ? loadWithProcess(common.root, id) : load(common.root, id)
    if (output === undefined) throw notOurs(id, init)
    const fd = openFile(output, O.RDONLY | archFlags[native().arch].nofollow)
    const pidfd = follow && init !== undefined ? openOwn(init) : undefined
    try {
      const file = { fd, at: tail === undefined ? 0 : lastLines(fd, tail) }
      if (pidfd === undefined) copy(file, tell)
      else followFile(file, pidfd, output, tell)
    } finally {
      close(fd)
      if (pidfd !== undefined) close(pidfd)
    }
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`logs of ${JSON.stringify(id)}`) : error
  }
}

/** A container that is being made has its process in a moment. */
function loadWithProcess(root: string, id: string): Record {
  for (;;) {
    const record = load(root, id)
    if (record.init !== undefined || !isAlive(record.creator)) return record
    sleep(MOMENT)
  }
}

/** Where its output goes instead, as far as can be seen. */
function notOurs(id: string, init: ProcessId | undefined): StateError {
  const target = init === undefined ? undefined : tryReadLink(`/proc/${init.pid}/fd/1`)
  const where = target === undefined ? '' : `: ${target}`
  return new StateError(
    'no-output',
    `there are none: the output of container ${id} goes where its creator's went${where} (create or run it with --output FILE)`,
  )
}

interface Reading {
  readonly fd: number
  at: number
}

const BLOCK = 65536
const NEWLINE = 10

/** Tells all that there is from `at` on. False when nobody listens. */
function copy(file: Reading, tell: (bytes: Uint8Array) => boolean): boolean {
  const bytes = new Uint8Array(BLOCK)
  for (;;) {
    const length = readAt(file.fd, bytes, file.at)
    if (length === 0) return true
    file.at += length
    if (!tell(bytes.subarray(0, length))) return false
  }
}

function readAt(fd: number, bytes: Uint8Array, at: number): number {
  return check(
    uninterrupted(() => native().pread(fd, bytes, bytes.length, at)),
    'pread',
    'the output of the container',
  )
}

const sizeOf = (fd: number): number => tryStat(`/proc/self/fd/${fd}`)?.size ?? 0

/** Where the last so many lines begin. The newline at the end of a file ends its last line. */
function lastLines(fd: number, count: number): number {
  const bytes = new Uint8Array(BLOCK)
  const size = sizeOf(fd)
  if (count === 0) return size
  let left = count
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - BLOCK)
    const length = Math.min(readAt(fd, bytes, begin), end - begin)
    for (let i = length - 1; i >= 0; i--)
      if (bytes[i] === NEWLINE && begin + i !== size - 1 && --left === 0) return begin + i + 1
    end = begin
  }
  return 0
}

const IN_CLOEXEC = O.CLOEXEC
const IN_NONBLOCK = O.NONBLOCK
const IN_MODIFY = 2
const POLLIN = 1
/** A file system of another machine tells nothing: look again after so many milliseconds. */
const LOOK_AGAIN = 1000

/** Until the container has ended and everything is read. A file that was cut, by logrotate's copytruncate, begins anew. */
function followFile(file: Reading, pidfd: number, path: string, tell: (bytes: Uint8Array) => boolean): void {
  const calls = native()
  const changes = check(calls.inotify_init1(IN_CLOEXEC | IN_NONBLOCK), 'inotify_init1', '')
  try {
    check(calls.inotify_add_watch(changes, path, IN_MODIFY), 'inotify_add_watch', () => JSON.stringify(path))
    const entries = new Uint8Array(16)
    const view = new DataView(entries.buffer)
    view.setInt32(0, pidfd, true)
    view.setInt16(4, POLLIN, true)
    view.setInt32(8, changes, true)
    view.setInt16(12, POLLIN, true)
    const told = new Uint8Array(4096)
    for (let ended = false; ; ) {
      if (sizeOf(file.fd) < file.at) file.at = 0
      if (!copy(file, tell) || ended) return
      calls.poll(entries, 2, LOOK_AGAIN)
      ended = view.getInt16(6, true) !== 0
      while (calls.read(changes, told, told.length) > 0);
    }
  } finally {
    close(changes)
  }
}
