/**
 * The state root: one directory per container, `<root>/<id>`, with `state.json`, a copy of the config as it was at create, and
 * the exec fifo. A directory appears whole (made beside it, then renamed), so that a crash leaves a container or nothing.
 */
import { errnoName } from '../base/errno.js'
import { HostError, StateError } from '../base/errors.js'
import { check } from '../sys/call.js'
import { mkdir, mkdirs, tryListDirectory, tryRmdir } from '../sys/directories.js'
import { AT_FDCWD, exists, tryRead, tryStat, unlink, writeFile, writeFileAtomic } from '../sys/files.js'
import { native } from '../sys/native.js'
import type { Record as ContainerRecord } from './record.js'

const RENAME_NOREPLACE = 1
const EEXIST = -17
const ENOTEMPTY = -39
const ENOENT = -2

/** Permissions as runc has them: the root is private, a container's directory may be entered. */
const ROOT_MODE = 0o700
const DIRECTORY_MODE = 0o711
/** Sticky: what tidies $XDG_RUNTIME_DIR up leaves such directories alone (XDG Base Directory Specification; runc). */
const USER_ROOT_MODE = 0o1700

/** Names of the files in a container's directory. */
export const files = {
  state: 'state.json',
  config: 'config.json',
  fifo: 'exec.fifo',
  notify: 'notify',
} as const

/** Value of an environment variable of the runtime. */
export function variable(name: string): string | undefined {
  for (const entry of native().environ) if (entry.startsWith(`${name}=`)) return entry.slice(name.length + 1)
  return undefined
}

/** Root of a user namespace that podman made for a user is a user. */
function inFirstUserNamespace(): boolean {
  const map = tryRead('/proc/self/uid_map')
  return map === undefined || map.trimEnd().endsWith(' 4294967295')
}

/** /run/tsrun for root, else $XDG_RUNTIME_DIR/tsrun (FEATURES A.1), and what that is without a session: /run/user/UID/tsrun. */
export function defaultRoot(): string {
  const euid = native().geteuid()
  const runtimeDir = variable('XDG_RUNTIME_DIR') ?? ''
  if (runtimeDir === '') return euid === 0 ? '/run/tsrun' : `/run/user/${euid}/tsrun`
  if (euid === 0 && inFirstUserNamespace()) return '/run/tsrun'
  const root = `${runtimeDir}/tsrun`
  refuseForeign(root, euid)
  return root
}

/** A runtime directory such as /tmp: who made the root before us could have us execute the hooks of containers that he put there. */
function refuseForeign(root: string, euid: number): void {
  const link = tryStat(root, true)
  const directory = tryStat(root)
  for (const status of [link, directory]) {
    if (status !== undefined && status.uid !== euid) throw untrusted(root, `belongs to user ${status.uid}`)
  }
  if (directory !== undefined && (directory.mode & 0o022) !== 0)
    throw untrusted(root, 'can be written by others')
}

function untrusted(root: string, why: string): HostError {
  return new HostError(
    `the state root ${root} ${why}: choose another with --root, or export XDG_RUNTIME_DIR=$(mktemp -d)`,
  )
}

/** Why an ordinary user's state root cannot be made, as what to do. */
function rootHint(root: string): string {
  const euid = native().geteuid()
  if (euid === 0) return 'choose another with --root'
  const runtimeDir = variable('XDG_RUNTIME_DIR') ?? ''
  if (root === `/run/user/${euid}/tsrun` && runtimeDir === '')
    return `XDG_RUNTIME_DIR is not set and /run/user/${euid} is not there: log in through systemd (loginctl enable-linger ${euid}), or set it to a directory of yours: export XDG_RUNTIME_DIR=$(mktemp -d)`
  if (runtimeDir !== '' && root === `${runtimeDir}/tsrun`)
    return `XDG_RUNTIME_DIR is ${runtimeDir}: set it to a directory of yours: export XDG_RUNTIME_DIR=$(mktemp -d)`
  return 'choose another with --root'
}

/** An absolute path from one of the command line. */
export function absolute(path: string): string {
  if (path.startsWith('/')) return path
  const bytes = new Uint8Array(4096)
  const length = check(native().getcwd(bytes, bytes.length), 'getcwd', '')
  const cwd = native().utf8Read(bytes, 0, length - 1)
  return path === '.' ? cwd : `${cwd}/${path}`
}

/** NAME_MAX: an id is the name of a directory. */
const LONGEST = 255
const ALLOWED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.'

/** Refuses ids that runc refuses, and those that would name something else than a new directory of the root. */
export function checkId(id: string): void {
  let valid = id !== '' && id !== '.' && id !== '..' && id.length <= LONGEST
  // A leading dot is what half-made directories have.
  if (id.startsWith('.')) valid = false
  for (const char of id) if (!ALLOWED.includes(char)) valid = false
  if (!valid) {
    throw new StateError(
      'invalid-id',
      `invalid container ID format: ${JSON.stringify(id)} (at most ${LONGEST} letters, digits and _+-., no leading dot)`,
    )
  }
}

export const directoryOf = (root: string, id: string): string => `${root}/${id}`

/** The record of a container, undefined when there is none. Throws StateError for one that cannot be read. */
export function tryLoad(root: string, id: string): ContainerRecord | undefined {
  checkId(id)
  const text = tryRead(`${directoryOf(root, id)}/${files.state}`)
  if (text === undefined) return undefined
  let record: unknown
  let why = 'it is not the record of this container'
  try {
    record = JSON.parse(text)
  } catch (error) {
    why = (error as Error).message
  }
  if (isRecord(record, id)) return record
  const hint = `remove it with: tsrun delete --force ${id}`
  throw new StateError('corrupt', `container ${id}: state.json is damaged: ${why} (${hint})`)
}

/** Whether all is there that every command reads without asking: a file that was cut or exchanged is told as such. */
function isRecord(value: unknown, id: string): value is ContainerRecord {
  const record = value as ContainerRecord | null | undefined
  return (
    record?.id === id &&
    typeof record.created === 'string' &&
    typeof record.bundle === 'string' &&
    typeof record.creator?.pid === 'number' &&
    typeof record.cgroup?.v1 === 'object' &&
    record.cgroup.v1 !== null &&
    Array.isArray(record.poststart) &&
    Array.isArray(record.poststop) &&
    Array.isArray(record.afterStart)
  )
}

/** The record of a container. Throws StateError `container does not exist`. */
export function load(root: string, id: string): ContainerRecord {
  const record = tryLoad(root, id)
  if (record === undefined) throw new StateError('not-found', 'container does not exist')
  return record
}

/** The sticky bit of a container's directory says that its cgroups are its own: one system call, and no file to take away. */
const OWN_CGROUPS = 0o1000

/** Called when the cgroups were made, before any process is in them. */
export function markCgroups(root: string, id: string): void {
  const directory = directoryOf(root, id)
  const result = native().fchmodat(AT_FDCWD, directory, DIRECTORY_MODE | OWN_CGROUPS, 0)
  check(result, 'chmod', () => JSON.stringify(directory))
}

/** False for a create that was killed before it found out whether others are in the cgroups that it was to have. */
export function ownsCgroups(root: string, { id, init }: ContainerRecord): boolean {
  if (init !== undefined) return true
  return ((tryStat(directoryOf(root, id))?.mode ?? 0) & OWN_CGROUPS) !== 0
}

/** Replaces the record of a container that is there. */
export function save(root: string, record: ContainerRecord): void {
  writeFileAtomic(`${directoryOf(root, record.id)}/${files.state}`, JSON.stringify(record), 0o600)
}

/** What the name of a directory begins with that is not yet a container's; a process id follows, for which a long id leaves room. */
const halfMade = (id: string): string => `.${id.slice(0, LONGEST - 15)}.`

function duplicate(id: string): StateError {
  return new StateError('exists', `container with given ID already exists: ${id}`)
}

/** Throws when the id is taken, so that create can say so before it does anything. */
export function refuseDuplicate(root: string, id: string): void {
  checkId(id)
  if (exists(directoryOf(root, id))) throw duplicate(id)
}

/**
 * Makes a container's directory with its record, its frozen config and, where it is to wait for `start`, the exec fifo. Throws StateError
 * when the id was taken meanwhile, HostError when the root cannot be written; nothing is left then.
 */
export function claim(root: string, record: ContainerRecord, config: string, waits = true): void {
  const directory = directoryOf(root, record.id)
  const half = `${root}/${halfMade(record.id)}${native().getpid()}`
  try {
    mkdirs(root, native().geteuid() === 0 ? ROOT_MODE : USER_ROOT_MODE)
    discard(half)
    mkdir(half, DIRECTORY_MODE)
  } catch (error) {
    throw new HostError(`make the state directory: ${(error as Error).message} (${rootHint(root)})`)
  }
  try {
    writeFile(`${half}/${files.config}`, config, 0o600)
    writeFile(`${half}/${files.state}`, JSON.stringify(record), 0o600)
    if (waits) makeFifo(`${half}/${files.fifo}`)
    const result = native().renameat2(AT_FDCWD, half, AT_FDCWD, directory, RENAME_NOREPLACE)
    if (result === EEXIST || result === ENOTEMPTY) throw duplicate(record.id)
    check(result, 'rename', () => `${JSON.stringify(half)}, ${JSON.stringify(directory)}`)
  } catch (error) {
    discard(half)
    if (error instanceof StateError) throw error
    const { message } = error as Error
    const hint = message.includes('EFBIG') ? 'ulimit -f is too low' : 'is the state root full?'
    throw new HostError(`write the container's state: ${message} (${hint})`)
  }
}

function makeFifo(path: string): void {
  check(native().mkfifoat(AT_FDCWD, path, 0o622), 'mkfifo', () => JSON.stringify(path))
  // Whatever the umask says: init opens it as the container's user.
  check(native().fchmodat(AT_FDCWD, path, 0o622, 0), 'chmod', () => JSON.stringify(path))
}

/** Removes a container's directory and what tsrun put there; a missing one is fine. */
export function discard(directory: string): void {
  const entries = tryListDirectory(directory)
  if (entries === undefined) return
  // The record goes last: until then the container can be named and deleted again.
  for (const { name, isDirectory } of entries) {
    // That of the notify socket.
    if (isDirectory) discard(`${directory}/${name}`)
    else if (name !== files.state) unlink(`${directory}/${name}`)
  }
  unlink(`${directory}/${files.state}`)
  const result = tryRmdir(directory)
  // The monitor of a foreground run may be faster.
  if (result < 0 && result !== ENOENT) throw new HostError(`remove ${directory}: ${errnoName(-result)}`)
}

/** Removes what creates of this id left that were killed before their directory had its name. */
export function discardHalfMade(root: string, id: string): void {
  const prefix = halfMade(id)
  for (const { name } of tryListDirectory(root) ?? []) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.slice(prefix.length))
    if (Number.isInteger(pid) && !exists(`/proc/${pid}`)) discard(`${root}/${name}`)
  }
}

/** Ids below a root, sorted; undefined when there is no such root. */
export function ids(root: string): string[] | undefined {
  const entries = tryListDirectory(root)
  if (entries === undefined) return undefined
  const names: string[] = []
  for (const { name, isDirectory } of entries) if (isDirectory && !name.startsWith('.')) names.push(name)
  return names.sort()
}
