import { ConfigError, TsrunError } from '../base/errors.js'
import { formatTime } from '../base/time.js'
import type { Host } from '../host/facts.js'
import { probeHost } from '../host/probe.js'
import { removeResctrl } from '../launch/resctrl.js'
import { type Launched, launch } from '../launch/session.js'
import { type Lowered, lower } from '../lower/index.js'
import type { Request } from '../lower/input.js'
import { sharesMounts } from '../lower/rootfs.js'
import type { HostPath } from '../plan/op.js'
import { verify } from '../plan/verify.js'
import type { ValidSpec } from '../spec/load.js'
import { annotated } from '../spec/ocirun.js'
import { checkProcBinds } from '../spec/rules/mounts.js'
import { checkJoinedSysctls } from '../spec/rules/sysctl.js'
import { stateDocument } from '../spec/statedoc.js'
import { check } from '../sys/call.js'
import { close, fsTypes, statfsType, tryStat } from '../sys/files.js'
import { native } from '../sys/native.js'
import { type LoadedBundle, loadBundle, realRootfs } from './bundle.js'
import { removeCgroups } from './cgroup.js'
import { runHooks } from './hooks.js'
import { openOutput } from './logs.js'
import { configForNotify, makeNotifyDirectory } from './notify.js'
import type { Common, CreateOptions } from './options.js'
import { checkConsole, checkPreservedFds, lastOps, listenFds, notifySocket, plumbingOf } from './plumbing.js'
import { type Record, startTimeOf } from './record.js'
import { mountAt, unmountRoot } from './sharedmounts.js'
import { claim, directoryOf, discard, markCgroups, refuseDuplicate, save } from './store.js'
import { cgroupManagerOf, removeUnit } from './systemd.js'
import { warnerOf } from './warn.js'

const CLOCK_REALTIME = 0

/** A container that waits for `start`, and what foreground `run` needs of it. */
export interface Created extends Launched {
  readonly record: Record
}

/** What the passes need beside the config. Asks the machine nothing but the rootfs. */
export function requestOf(options: Omit<CreateOptions, 'config'>, loaded: LoadedBundle): Request {
  const { common, id } = options
  const receiver = annotated(loaded.spec, 'run.oci.pidfd_receiver')
  return {
    id,
    bundle: loaded.bundle as HostPath,
    rootfs: loaded.rootfs as HostPath,
    stateDir: directoryOf(common.root, id) as HostPath,
    cgroupManager: cgroupManagerOf(common),
    ...(common.rootless === true && { tolerateCgroups: true }),
    noPivot: options.noPivot,
    noNewKeyring: options.noNewKeyring,
    ...(receiver !== undefined && { pidfdSocket: receiver as HostPath }),
    ...plumbingOf(options, listenFds()),
  }
}

function now(): string {
  const time = new Uint8Array(16)
  check(native().clock_gettime(CLOCK_REALTIME, time), 'clock_gettime', 'CLOCK_REALTIME')
  const view = new DataView(time.buffer)
  return formatTime(Number(view.getBigInt64(0, true)), view.getInt32(8, true))
}

/**
 * `create`: everything up to the container's program. What is left on success is a process that waits, its cgroups and its
 * state directory; on failure nothing. Throws ConfigError, StateError, HostError, SyscallError.
 */
export function create(
  options: CreateOptions,
  detach: boolean,
  meanwhile?: (pid: number, record: Record) => void,
): Created {
  const { common, id } = options
  try {
    refuseDuplicate(common.root, id)
    const bundle = loadBundle(options)
    common.log.debug(`config of ${bundle.bundle} loaded, ${bundle.text.length} characters`)
    const own = notifySocket() === undefined ? bundle.spec : configForNotify(bundle.spec, common.root, id)
    const loaded = { ...bundle, spec: own, rootfs: realRootfs(bundle.rootfs) }
    checkConsole(loaded.spec.process, options.consoleSocket, detach, options.output)
    checkProcBinds(
      loaded.spec.mounts ?? [],
      source => statfsType(source.startsWith('/') ? source : `${bundle.bundle}/${source}`) === fsTypes.proc,
    )
    checkJoinedSysctls(loaded.spec, isOwnNamespace)
    const request = requestOf(options, loaded)
    checkPreservedFds(request.preservedFds - options.preserveFds, options.preserveFds)
    return build(options, loaded, request, meanwhile)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`create ${JSON.stringify(id)}`) : error
  }
}

/** Names of /proc/PID/ns where they are not those of the specification. */
const namespaceFiles: { readonly [type: string]: string } = { network: 'net', mount: 'mnt' }

function isOwnNamespace(type: string, path: string): boolean {
  const inode = tryStat(path)?.inode
  return inode !== undefined && inode === tryStat(`/proc/self/ns/${namespaceFiles[type] ?? type}`)?.inode
}

function build(
  options: CreateOptions,
  loaded: LoadedBundle,
  request: Request,
  meanwhile?: (pid: number, record: Record) => void,
): Created {
  const { common, id } = options
  const { spec, text, bundle } = loaded
  const host = probeHost(common.rootless, spec.linux?.mountLabel)
  checkUser(spec, host)
  const { plan, cgroup } = lower(spec, host, request, warnerOf(common))
  const verified = verify(plan)
  common.log.debug(`plan of ${plan.ops.length} ops`)
  let record: Record = {
    ...newRecord(id, loaded, cgroup),
    ...(sharesMounts(spec.linux ?? {}) && { mountBelow: mountAt(loaded.rootfs) }),
    ...(request.noNewKeyring && { noNewKeyring: true }),
    ...(options.output !== undefined && { output: options.output }),
    afterStart: lastOps(plan.ops),
  }
  const output = options.output === undefined ? undefined : openOutput(options.output, request.preservedFds)
  claim(common.root, record, text)
  const made: Made = { unit: false, groups: [] }
  try {
    if (notifySocket() !== undefined) makeNotifyDirectory(common.root, id)
    const launched = launch(verified, request.preservedFds, {
      bundle,
      ...(output !== undefined && { output }),
      log: common.log,
      ...(meanwhile !== undefined && { meanwhile: (init: number) => meanwhile(init, record) }),
      cgroupsMade(directories) {
        made.cgroups = directories
        markCgroups(common.root, id)
      },
      unitStarted() {
        made.unit = true
        markCgroups(common.root, id)
      },
      resctrlMade(directories, resctrl) {
        made.groups = directories
        record = { ...record, resctrl }
        save(common.root, record)
      },
      checkContainer() {},
      // The specification's own tests, older than the other hooks, want prestart to be told `created`.
      hookState: (init, kind) =>
        stateDocument(record, spec.annotations, kind === 'prestart' ? 'created' : 'creating', init),
      saveState(init) {
        record = { ...record, init: { pid: init, startTime: startTimeOf(init) ?? 0 } }
        save(common.root, record)
      },
    })
    common.log.debug(`init waits for start, pid ${launched.pid}`)
    return { ...launched, record }
  } catch (error) {
    undo(common, record, made)
    throw error
  } finally {
    if (output !== undefined) close(output)
  }
}

const CAP_SYS_ADMIN = 21

/** A user has rights over namespaces only in a user namespace of its own. The text is runc's. */
function checkUser({ linux }: ValidSpec, { euid, capabilities }: Host): void {
  if (euid === 0 || Math.floor(capabilities / 2 ** CAP_SYS_ADMIN) % 2 === 1) return
  if (linux?.namespaces?.some(({ type }) => type === 'user') === true) return
  throw new ConfigError(
    '/linux/namespaces',
    'rootless-needs-userns',
    'rootless container requires user namespaces: add {"type": "user"} with uidMappings and gidMappings (tsrun spec --rootless writes such a config), or run as root',
  )
}

/** What a create has made on the machine, for the case that it fails. */
export interface Made {
  /** Absent until they are ours: a path that is in use is another container's. */
  cgroups?: readonly string[]
  unit: boolean
  /** Of resctrl. */
  groups: readonly string[]
}

/** What is known of a container before it has a process. */
export function newRecord(
  id: string,
  { spec, bundle, rootfs }: LoadedBundle,
  cgroup: Lowered['cgroup'],
): Record {
  const pid = native().getpid()
  const namespaces = spec.linux?.namespaces ?? []
  return {
    format: 1,
    id,
    bundle,
    rootfs,
    created: now(),
    owner: native().getuid(),
    creator: { pid, startTime: startTimeOf(pid) ?? 0 },
    cgroup: cgroup.paths,
    ...(cgroup.unit && { unit: cgroup.unit }),
    ownPidNamespace: namespaces.some(ns => ns.type === 'pid' && (ns.path === undefined || ns.path === '')),
    ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
    ...(spec.process === undefined && { noProcess: true }),
    poststart: spec.hooks?.poststart ?? [],
    poststop: spec.hooks?.poststop ?? [],
    afterStart: [],
  }
}

/** Removes what a failed create made. Its own failures are told, but the first one is the error. */
export function undo(common: Common, record: Record, made: Made): void {
  for (const step of [
    () => made.unit && removeUnit(record),
    () => made.cgroups !== undefined && removeCgroups(record.cgroup, made.cgroups),
    () => made.groups.length > 0 && removeResctrl(made.groups),
    () => record.mountBelow !== undefined && unmountRoot(record.rootfs, record.mountBelow),
    () => runHooks('poststop', record.poststop, record, undefined, common.log),
    () => discard(directoryOf(common.root, record.id)),
  ]) {
    try {
      step()
    } catch (error) {
      common.log.warn(`clean up after a failed create: ${(error as Error).message}`)
    }
  }
}

/** `tsrun create`. */
export function createContainer(options: CreateOptions): void {
  create(options, true)
}
