/** What checkpoint and restore tell criu alike. */
import { HostError } from '../base/errors.js'
import { cgroupModes, type Message } from '../launch/criu/messages.js'
import type { NamespaceType } from '../plan/flags.js'
import type { Spec } from '../spec/types.gen.js'
import { close, exists, openDirectory, readLink, unlink } from '../sys/files.js'
import { native } from '../sys/native.js'
import type { Common, CriuChoices } from './options.js'
import { absolute, directoryOf, files } from './store.js'

type Options = Message<'options'>

const CLONE_NEWNET = 0x40000000
/** Debug: what an error needs to be understood. */
const LOG_LEVEL = 4

/** Which pipes and files of the host were stdio, among the images: restore puts its own in their places. */
export const DESCRIPTORS = 'descriptors.json'

/** A name that criu gives to a file outside the container's mounts. */
export const isHostFile = (name: string): boolean => name.startsWith('file[')

/** Among the images: the container has a directory for a NOTIFY_SOCKET. */
export const NOTIFY = 'notify'

/** Whether the container was created for a caller with a NOTIFY_SOCKET. */
export const hasNotifyDirectory = (root: string, id: string): boolean =>
  exists(`${directoryOf(root, id)}/${files.notify}`)

/** The directories that criu works in. */
export interface Places {
  readonly images: string
  readonly work: string
  /** In `work`, as criu wants it. */
  readonly logFile: string
  readonly log: string
}

/** Takes an old log away, so that nobody takes it for a new one. */
export function placesOf({ imagePath, workPath }: CriuChoices, logFile: string): Places {
  const images = absolute(imagePath)
  const work = workPath === undefined ? images : absolute(workPath)
  const log = `${work}/${logFile}`
  unlink(log)
  return { images, work, logFile, log }
}

/**
 * Opens the directories, and returns the options that name them: as descriptors of ours, as criu wants them. A criu in a mount namespace
 * of its own has to get its own mounts, or it could mount nothing below its working directory: those at `root`. Descriptors are added to
 * `opened`, and the caller closes them.
 */
export function openPlaces({ images, work, logFile }: Places, root: string, opened: number[]): Options {
  for (const path of [images, work]) opened.push(openBelow(root, path))
  const [imagesDirFd = -1, workDirFd = -1] = opened
  return { imagesDirFd, workDirFd, logFile }
}

/** Without links: below /proc/PID/root an absolute one, as containerd's work directory is, would lead back to our own mounts. */
function openBelow(root: string, path: string): number {
  const ours = openDirectory(path)
  if (root === '') return ours
  try {
    return openDirectory(root + readLink(`/proc/self/fd/${ours}`))
  } finally {
    close(ours)
  }
}

/** Options of both commands. */
export function commonOptions(choices: CriuChoices, spec: Spec): Options {
  const { manageCgroups } = choices
  return {
    logLevel: LOG_LEVEL,
    notifyScripts: true,
    // criu makes a new network namespace and leaves its devices to hooks and engines, as with runc.
    emptyNs: CLONE_NEWNET,
    orphanPtsMaster: true,
    manageCgroups: true,
    manageCgroupsMode: cgroupModes[manageCgroups ?? 'default'],
    tcpEstablished: choices.tcpEstablished,
    extUnixSk: choices.externalUnixSockets,
    shellJob: choices.shellJob,
    fileLocks: choices.fileLocks,
    lazyPages: choices.lazyPages,
    autoDedup: choices.autoDedup,
    ...configFile(spec.annotations?.['org.criu.config']),
  }
}

/** criu reads a file of options that count more than ours, where there is one. An empty annotation asks for none. */
function configFile(asked: string | undefined): Options {
  if (asked === '') return {}
  return { configFile: asked ?? '/etc/criu/runc.conf' }
}

/**
 * A mount of the host as criu is told of it. criu keeps `mnt[KEY]:VALUE` as one text and takes the first that begins with `mnt[WANTED]:`,
 * so an image whose links put `]:` into a key could exchange sources, for those of paths that no config has (CVE-2026-119101).
 * @throws HostError for such a key
 */
export function externalMount(key: string, value: string): { key: string; value: string } {
  if (key.includes(']:') || key.endsWith(']'))
    throw new HostError(
      `the mount at ${JSON.stringify(key)} cannot be told to criu, which would read another path out of "]:"; the rootfs leads there`,
    )
  return { key, value }
}

/** Under which name criu knows a namespace that it is not to look into: runc's, so that images can be exchanged. */
export const externalName = (type: 'network' | 'pid'): string =>
  type === 'network' ? 'extRootNetNS' : 'extRootPidNS'

/** criu's and the kernel's names of namespaces. */
export const kernelNames: Readonly<Record<NamespaceType, string>> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
}

/** The path of the namespace to be joined; undefined for one that was made for the container. */
export function joinedPath(spec: Spec, type: NamespaceType): string | undefined {
  for (const namespace of spec.linux?.namespaces ?? []) {
    if (namespace.type === type && namespace.path !== undefined && namespace.path !== '')
      return namespace.path
  }
  return undefined
}

/** criu works with root's rights, in practice those of the first user namespace. */
export function warnRootless({ log }: Common, inUserNamespace: boolean): void {
  if (native().geteuid() !== 0 || inUserNamespace)
    log.warn('checkpoint and restore are untested with rootless containers')
}
