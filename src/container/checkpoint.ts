import { ConfigError, HostError, StateError, TsrunError } from '../base/errors.js'
import { mountPoints } from '../host/mountinfo.js'
import { probeHost } from '../host/probe.js'
import { type Message, networkLocks } from '../launch/criu/messages.js'
import { checkCriu, checkFeatures } from '../launch/criu/support.js'
import { askCriu } from '../launch/criu/swrk.js'
import { inputOf } from '../lower/index.js'
import { externalMounts, maskedPaths } from '../lower/restore.js'
import type { ValidSpec } from '../spec/load.js'
import { check } from '../sys/call.js'
import { mkdirs } from '../sys/directories.js'
import { close, readFile, readLink, tryStat, unlink, writeFile } from '../sys/files.js'
import { native } from '../sys/native.js'
import { waitEnded } from '../sys/process.js'
import { requestOf } from './create.js'
import {
  commonOptions,
  DESCRIPTORS,
  externalMount,
  externalName,
  hasNotifyDirectory,
  isHostFile,
  joinedPath,
  kernelNames,
  NOTIFY,
  openPlaces,
  placesOf,
  warnRootless,
} from './criu.js'
import { deleteContainer, leaveToMonitor } from './delete.js'
import { frozenSpec } from './frozen.js'
import { openOwn } from './kill.js'
import { mountPointsOf } from './mountpoints.js'
import { configForNotify } from './notify.js'
import type { CheckpointOptions, Common } from './options.js'
import { type ProcessId, type Record, startTimeOf, statusOf } from './record.js'
import { absolute, load, save, tryLoad } from './store.js'

type Options = Message<'options'>

const S_IFMT = 0o170000
const S_IFREG = 0o100000

/** How long processes may take to end that criu has killed, milliseconds. */
const DEADLINE = 10_000

/**
 * `tsrun checkpoint`: writes the processes of a container to files, by criu. The container is deleted then, unless it is to go on.
 * Throws ConfigError, StateError, HostError; the container goes on then.
 */
export function checkpointContainer(options: CheckpointOptions): void {
  const { common, id } = options
  try {
    const record = load(common.root, id)
    const init = checkpointable(options, record)
    makeDirectories(options)
    checkStatusFd(options.statusFd)
    checkCriu()
    if (options.preDump || options.parentPath !== undefined) checkFeatures({ memoryTracking: true })
    if (options.lazyPages) checkFeatures({ lazyPages: true })
    const host = probeHost()
    warnRootless(common, host.inUserNamespace)
    const pidfd = openOwn(init)
    if (pidfd === undefined)
      throw new StateError('stopped', 'container cannot be checkpointed in stopped state')
    try {
      dump(options, record, init)
      if (options.leaveRunning || options.preDump) return
      if (!waitEnded(pidfd, DEADLINE)) throw new HostError('the container still runs after its checkpoint')
    } finally {
      close(pidfd)
    }
    leaveToMonitor(record)
    deleteContainer(common, id, true)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`checkpoint ${JSON.stringify(id)}`) : error
  }
}

function checkpointable({ common }: CheckpointOptions, record: Record): ProcessId {
  const status = statusOf(common.root, record)
  if ((status !== 'running' && status !== 'paused') || record.init === undefined)
    throw new StateError('not-running', `container cannot be checkpointed in ${status} state`)
  return record.init
}

function makeDirectories({ imagePath, workPath, parentPath }: CheckpointOptions): void {
  const images = absolute(imagePath)
  mkdirs(images, 0o700)
  if (workPath !== undefined) mkdirs(absolute(workPath), 0o700)
  if (parentPath === undefined) return
  if (parentPath.startsWith('/'))
    throw new ConfigError('', 'parent-path', '--parent-path must be relative, to the directory of the images')
  const parent = tryStat(`${images}/${parentPath}`)
  if (parent === undefined || (parent.mode & 0o170000) !== 0o040000)
    throw new ConfigError('', 'parent-path', `invalid --parent-path: ${images}/${parentPath} is no directory`)
}

function checkStatusFd(fd: number | undefined): void {
  const F_GETFL = 3
  const O_ACCMODE = 3
  if (fd === undefined) return
  const flags = native().fcntl(fd, F_GETFL, 0)
  if (flags < 0 || (flags & O_ACCMODE) === 0) {
    const why = flags < 0 ? 'it is not open' : 'not writable'
    throw new ConfigError('', 'status-fd', `invalid --status-fd argument ${fd}: ${why}`)
  }
}

function dump(options: CheckpointOptions, record: Record, init: ProcessId): void {
  const { common, id, preDump } = options
  const spec = specOf(common.root, id)
  const places = placesOf(options, 'dump.log')
  const stdio = stdioOf(init.pid)
  if (!preDump) {
    writeFile(`${places.images}/${DESCRIPTORS}`, JSON.stringify(stdio), 0o600)
    unlink(`${places.images}/${NOTIFY}`)
    if (hasNotifyDirectory(common.root, id)) writeFile(`${places.images}/${NOTIFY}`, '', 0o600)
  }
  const opened: number[] = []
  try {
    const directories = openPlaces(places, '', opened)
    const request = { options: { ...directories, ...optionsOf(options, record, init, spec, stdio) } }
    askCriu(preDump ? 'PRE_DUMP' : 'DUMP', request, {
      log: places.log,
      notified(script, _pid, _fd, criu) {
        common.log.debug(`criu: ${script}`)
        if (script !== 'status-ready') return
        if (options.lazyPages) serving(common, id, criu)
        tellReady(options.statusFd)
      },
    })
  } finally {
    for (const fd of opened) close(fd)
    if (options.lazyPages) serving(common, id, undefined)
  }
}

/**
 * Notes who serves the memory of a container that stands still. A runtime that is killed leaves criu to it, since somebody may have begun to
 * fetch: with the container deleted, nobody will.
 */
function serving({ root }: Common, id: string, criu: number | undefined): void {
  const record = tryLoad(root, id)
  if (record === undefined || (criu === undefined && record.pageServer === undefined)) return
  const { pageServer: _, ...rest } = record
  const startTime = criu === undefined ? undefined : startTimeOf(criu)
  save(
    root,
    criu === undefined || startTime === undefined ? rest : { ...rest, pageServer: { pid: criu, startTime } },
  )
}

/** With the mount that a caller with a NOTIFY_SOCKET gave it. */
function specOf(root: string, id: string): ValidSpec {
  const spec = frozenSpec(root, id)
  return hasNotifyDirectory(root, id) ? configForNotify(spec, root, id) : spec
}

/**
 * What the first three descriptors are, under the names that criu gives them: `pipe:[123]`, and `file[MOUNT:INODE]` for a file that lies
 * outside the container's mounts. A closed one is ''.
 */
function stdioOf(pid: number): string[] {
  const points = mountPoints(readFile(`/proc/${pid}/mountinfo`))
  return [0, 1, 2].map(fd => {
    const path = `/proc/${pid}/fd/${fd}`
    try {
      const name = readLink(path)
      const file = tryStat(path)
      if (file === undefined || (file.mode & S_IFMT) !== S_IFREG || points.has(file.mountId)) return name
      return `file[${file.mountId.toString(16)}:${file.inode.toString(16)}]`
    } catch {
      return ''
    }
  })
}

function tellReady(fd: number | undefined): void {
  if (fd === undefined) return
  check(native().write(fd, new Uint8Array(1), 1), 'write', () => `--status-fd ${fd}`)
  close(fd)
}

function optionsOf(
  options: CheckpointOptions,
  record: Record,
  init: ProcessId,
  spec: ValidSpec,
  stdio: readonly string[],
): Options {
  const { parentPath, pageServer, networkLock, preDump } = options
  const { v1, v2 } = record.cgroup
  const freezer = v1.freezer ?? (Object.keys(v1).length === 0 ? v2 : undefined)
  return {
    ...commonOptions(options, spec),
    pid: init.pid,
    root: record.rootfs,
    leaveRunning: options.leaveRunning,
    tcpSkipInFlight: options.tcpSkipInFlight,
    linkRemap: options.linkRemap,
    ...(freezer !== undefined && { freezeCgroup: freezer }),
    ...(parentPath !== undefined && { parentImage: parentPath, trackMemory: true }),
    ...(preDump && { trackMemory: true }),
    ...(pageServer !== undefined && { pageServer }),
    ...(networkLock !== undefined && { networkLock: networkLocks[networkLock] }),
    external: [...externalNamespaces(spec), ...new Set(stdio.filter(isHostFile))],
    // Memory alone needs none.
    ...(!preDump && { externalMounts: mountsOf(options, record, init, spec) }),
  }
}

function externalNamespaces(spec: ValidSpec): string[] {
  const found: string[] = []
  for (const type of ['network', 'pid'] as const) {
    const path = joinedPath(spec, type)
    if (path === undefined) continue
    const status = tryStat(path)
    if (status === undefined) throw new HostError(`the ${type} namespace ${path} is gone`)
    found.push(`${kernelNames[type]}[${status.inode}]:${externalName(type)}`)
  }
  return found
}

/** Each by the place where it is mounted, under the name that restore will give criu a source for. */
function mountsOf(
  { common, id }: CheckpointOptions,
  record: Record,
  init: ProcessId,
  spec: ValidSpec,
): { key: string; value: string }[] {
  const { bundle, rootfs } = record
  const plumbing = { bundle, preserveFds: 0, noPivot: false, noNewKeyring: false }
  const request = requestOf({ common, id, ...plumbing }, { bundle, rootfs, spec, text: '' })
  const input = inputOf(spec, probeHost(), request, () => {})
  const find = mountPointsOf(init.pid)
  const found: { key: string; value: string }[] = []
  for (const { target } of externalMounts(input)) {
    const point = find(target)
    if (point !== undefined) found.push(externalMount(point.path, point.path))
  }
  for (const path of maskedPaths(input)) {
    const point = find(path)
    if (point !== undefined && !point.isDirectory) found.push(externalMount(point.path, '/dev/null'))
  }
  return found
}
