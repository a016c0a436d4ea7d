import { HostError, TsrunError } from '../base/errors.js'
import type { CgroupPaths } from '../host/cgroup.js'
import { probeHost } from '../host/probe.js'
import type { Actions } from '../launch/actions.js'
import { explained } from '../launch/criu/log.js'
import { cgroupModes, type Message } from '../launch/criu/messages.js'
import { checkCriu } from '../launch/criu/support.js'
import { converse, findCriu, SOCKET } from '../launch/criu/swrk.js'
import { launchAndHold, launchToExec } from '../launch/session.js'
import { becomeMonitor } from '../launch/shim.js'
import { inputOf } from '../lower/index.js'
import { externalMounts, rehearse, startCriu } from '../lower/restore.js'
import { encodePlan } from '../plan/encode.js'
import { verify } from '../plan/verify.js'
import { stateDocument } from '../spec/statedoc.js'
import { check } from '../sys/call.js'
import { close, exists } from '../sys/files.js'
import { native } from '../sys/native.js'
import { wait } from '../sys/process.js'
import { packetPair } from '../sys/socket.js'
import { type LoadedBundle, loadBundle, realRootfs } from './bundle.js'
import { newRecord, requestOf, undo } from './create.js'
import {
  commonOptions,
  externalMount,
  hasNotifyDirectory,
  NOTIFY,
  openPlaces,
  type Places,
  placesOf,
  warnRootless,
} from './criu.js'
import { deleteContainer } from './delete.js'
import { openOutput } from './logs.js'
import { mountPointsOf } from './mountpoints.js'
import { configForNotify, makeNotifyDirectory } from './notify.js'
import type { RestoreOptions } from './options.js'
import { checkConsole, notifySocket } from './plumbing.js'
import type { Record } from './record.js'
import { cgroupRoots, inheritedStdio, joinedByPath, openJoined } from './restorerequest.js'
import { keepState, prepareNamespaces, type Restoration, takeConsole } from './restoresteps.js'
import { becomeSubreaper, endOps } from './run.js'
import { claim, markCgroups, refuseDuplicate, save } from './store.js'

type Options = Message<'options'>

/** A restored container, and its terminal when no socket took it. */
interface Restored {
  readonly pid: number
  readonly record: Record
  readonly console: number | undefined
}

/**
 * `tsrun restore`: makes a container of the files that `checkpoint` wrote, with the cgroups, mounts and hooks of its bundle. Detached it
 * returns 0; in the foreground this process becomes the monitor and ends with the container's exit code. Throws ConfigError, StateError,
 * HostError, SyscallError; nothing is left then.
 */
export function restoreContainer(options: RestoreOptions): number {
  const { common, id, detach } = options
  if (!detach && !options.noSubreaper) becomeSubreaper()
  try {
    refuseDuplicate(common.root, id)
    const bundle = loadBundle(options)
    const places = placesOf(options, 'restore.log')
    const notify = notifySocket() !== undefined || exists(`${places.images}/${NOTIFY}`)
    const spec = notify ? configForNotify(bundle.spec, common.root, id) : bundle.spec
    const loaded = { ...bundle, spec, rootfs: realRootfs(bundle.rootfs) }
    checkConsole(loaded.spec.process, options.consoleSocket, detach, options.output)
    checkCriu()
    const restored = build(options, loaded, places, notify)
    return detach ? 0 : supervise(options, restored)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`restore ${JSON.stringify(id)}`) : error
  }
}

function supervise(options: RestoreOptions, restored: Restored): never {
  const { console, record } = restored
  try {
    const ops = endOps(
      { ...options, keep: false, notify: hasNotifyDirectory(options.common.root, options.id) },
      restored,
    )
    const { bytes } = encodePlan(verify({ format: 1, ops }), native().utf8Write)
    check(native().chdir(record.bundle), 'chdir', () => JSON.stringify(record.bundle))
    becomeMonitor(bytes, console === undefined ? [] : [console])
  } catch (error) {
    deleteContainer(options.common, options.id, true)
    throw error
  }
}

function build(options: RestoreOptions, loaded: LoadedBundle, places: Places, notify: boolean): Restored {
  const { common, id } = options
  const host = probeHost(common.rootless)
  warnRootless(common, host.inUserNamespace)
  const plumbing = { preserveFds: 0, noPivot: false, noNewKeyring: false }
  const request = requestOf({ ...options, ...plumbing }, loaded)
  const input = inputOf(loaded.spec, host, request, (pointer, message) =>
    common.log.warn(`${pointer}: ${message}`, { pointer }),
  )
  // The steps after `start` lie behind it.
  const record = {
    ...newRecord(id, loaded, input.cgroup),
    poststart: [],
    ...(options.output !== undefined && { output: options.output }),
  }
  claim(common.root, record, loaded.text, false)
  const restoration: Restoration = {
    options,
    loaded,
    places,
    input,
    record,
    console: undefined,
    made: { unit: false, groups: [] },
  }
  try {
    if (notify) makeNotifyDirectory(common.root, id)
    const mounts = findMounts(restoration)
    const pid = restoreBy(restoration, mounts)
    return { pid, record: restoration.record, console: restoration.console }
  } catch (error) {
    if (restoration.console !== undefined) close(restoration.console)
    undo(common, restoration.record, restoration.made)
    throw explained(error, places.log)
  }
}

function actionsOf(state: Restoration, descriptors: readonly number[]): Actions {
  const { options, loaded } = state
  return {
    bundle: loaded.bundle,
    log: options.common.log,
    descriptors,
    checkContainer() {},
    cgroupsMade(directories) {
      state.made.cgroups = directories
      if (options.manageCgroups === 'strict') refuseOthers(state.record.cgroup, directories)
      markCgroups(options.common.root, options.id)
    },
    unitStarted() {
      state.made.unit = true
      markCgroups(options.common.root, options.id)
    },
    resctrlMade(directories, resctrl) {
      state.made.groups = directories
      state.record = { ...state.record, resctrl }
      save(options.common.root, state.record)
    },
    saveState() {},
    hookState: pid => stateDocument(state.record, state.record.annotations, 'creating', pid),
  }
}

/** `--manage-cgroups-mode strict`: the container's cgroups must not have been there before. */
function refuseOthers({ v1, v2 }: CgroupPaths, made: readonly string[]): void {
  for (const path of [...Object.values(v1), ...(v2 === undefined ? [] : [v2])])
    if (!made.includes(path)) throw new HostError(`--manage-cgroups-mode strict: the cgroup ${path} exists`)
}

/** Makes mount points, and sees where the mounts of the host are that criu shall make again. */
function findMounts(state: Restoration): { key: string; value: string }[] {
  const { input } = state
  const held = launchAndHold(verify(rehearse(input)), 0, actionsOf(state, []))
  try {
    const find = mountPointsOf(held.pid)
    const found: { key: string; value: string }[] = []
    for (const { target, source, isCgroup } of externalMounts(input)) {
      const key = isCgroup ? target : find(target)?.path
      if (key !== undefined) found.push(externalMount(key, source))
    }
    if ((input.linux.maskedPaths ?? []).length > 0) found.push({ key: '/dev/null', value: '/dev/null' })
    return found
  } finally {
    // It ends when nobody answers any more.
    close(held.report)
    wait({ pid: held.pid })
    close(held.pidfd)
  }
}

/** criu makes the container's first process a child of ours. Returns its pid. */
function restoreBy(state: Restoration, externalMounts: Options['externalMounts'] = []): number {
  const { options, loaded, input } = state
  const { log } = options.common
  const path = findCriu()
  const namespaces = openJoined(loaded)
  const stdio = inheritedStdio(
    state.places.images,
    options.output === undefined ? undefined : SOCKET + 1 + namespaces.length,
  )
  const output = options.output === undefined ? [] : [openOutput(options.output, 0)]
  const [socket, theirs] = packetPair()
  const command = { path, args: ['criu', 'swrk', `${SOCKET}`], env: native().environ }
  const ours = [theirs, ...namespaces.map(({ fd }) => fd), ...output]
  let criu: number
  try {
    const launched = launchToExec(verify(startCriu(input, command)), 0, actionsOf(state, ours))
    close(launched.pidfd)
    criu = launched.pid
  } finally {
    for (const fd of ours) close(fd)
  }
  const inheritFds = [...stdio, ...namespaces.map(({ key }, i) => ({ key, fd: SOCKET + 1 + i }))]
  let pid: number | undefined
  const opened: number[] = []
  const request = () => {
    const directories = openPlaces(state.places, `/proc/${criu}/root`, opened)
    return { options: { ...directories, ...optionsOf(state, criu), externalMounts, inheritFds } }
  }
  try {
    converse({ pid: criu, socket }, 'RESTORE', request, (script, its, fd) => {
      log.debug(`criu: ${script}`)
      if (script === 'setup-namespaces') prepareNamespaces(state, its)
      if (script === 'post-restore') {
        pid = its
        keepState(state, its)
      }
      if (script === 'orphan-pts-master' && fd !== undefined) takeConsole(state, fd)
      else if (fd !== undefined) close(fd)
    })
  } finally {
    for (const fd of opened) close(fd)
  }
  if (pid === undefined) throw new HostError('criu failed: type RESTORE: it never said that it was done')
  return pid
}

function optionsOf({ options, loaded, record }: Restoration, criu: number): Options {
  const { tcpClose, lsmProfile, lsmMountContext } = options
  return {
    ...commonOptions(options, loaded.spec),
    // criu would find those that we have made for it, and refuse them.
    ...(options.manageCgroups === 'strict' && { manageCgroupsMode: cgroupModes.full }),
    root: record.rootfs,
    restoreAsSibling: true,
    evasiveDevices: true,
    tcpClose,
    ...(lsmProfile !== undefined && { lsmProfile }),
    ...(lsmMountContext !== undefined && { lsmMountContext }),
    joinNamespaces: joinedByPath(loaded),
    cgroupRoots: cgroupRoots(criu),
  }
}
