/** What the command line, or a program that embeds tsrun, asks of `container/`. */
import type { Log } from '../base/log.js'
import type { OutOfMemory } from '../host/oom.js'
import type { IntelRdt, Resources } from '../spec/types.gen.js'

/** What every command needs. */
export interface Common {
  /** State root: one directory per container below it. Absolute. */
  readonly root: string
  /** The caller named the root: a missing one is an error for `list`. */
  readonly rootExplicit: boolean
  readonly cgroupManager: 'cgroupfs' | 'systemd' | 'disabled'
  /** Whether cgroups that may not be written are tolerated; `auto` asks who we are. */
  readonly rootless: boolean | 'auto'
  /** Refuse what is otherwise only warned of: fields without effect on this machine. */
  readonly strict: boolean
  readonly log: Log
}

export interface CreateOptions {
  readonly common: Common
  readonly id: string
  /** Directory of config.json. */
  readonly bundle: string
  /** Another config file; relative to the current directory. */
  readonly config?: string
  /** AF_UNIX socket that receives the pty master. */
  readonly consoleSocket?: string
  readonly pidFile?: string
  /** AF_UNIX socket that receives a pidfd of init. */
  readonly pidfdSocket?: string
  /** Descriptors after stdio and LISTEN_FDS that the container keeps. */
  readonly preserveFds: number
  readonly noPivot: boolean
  readonly noNewKeyring: boolean
  /** Absolute path of the file that takes stdout and stderr of the container; absent: those of the caller. */
  readonly output?: string
}

export interface RunOptions extends CreateOptions {
  readonly detach: boolean
  /** Keep the container's state after it ended. */
  readonly keep: boolean
  readonly noSubreaper: boolean
  /** Command line of tsrun up to the command, from anywhere: the monitor executes it for what it cannot do itself. */
  readonly again: readonly string[]
}

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/** What `state` prints: the specification's state and runc's additions, in this order. */
export interface StateJson {
  readonly ociVersion: string
  readonly id: string
  /** In the runtime's pid namespace; 0 when stopped. */
  readonly pid: number
  readonly status: Status
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339 with nanoseconds, UTC. */
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  /** User name, or `#uid` for one without a name. */
  readonly owner: string
  /** Of a stopped one, when the kernel has killed some of its processes for memory. */
  readonly oom?: OutOfMemory
}

/** One row of `list`. */
export type ListEntry = StateJson

/** What `exec` changes of the config's process. */
export interface ProcessChanges {
  readonly args: readonly string[]
  readonly terminal: boolean
  readonly cwd?: string
  /** Appended: the last value of a name counts. */
  readonly env: readonly string[]
  readonly user?: { readonly uid: number; readonly gid?: number }
  readonly additionalGids: readonly number[]
  /** Added to the bounding, effective and permitted sets; never to the inheritable one (CVE-2022-29162). */
  readonly capabilities: readonly string[]
  readonly noNewPrivileges?: boolean
  readonly selinuxLabel?: string
  readonly apparmorProfile?: string
}

export interface ExecOptions {
  readonly common: Common
  readonly id: string
  /** A process document that stands for the config's process, or changes to that. */
  readonly process: { readonly file: string } | ProcessChanges
  readonly detach: boolean
  readonly consoleSocket?: string
  readonly pidFile?: string
  readonly pidfdSocket?: string
  readonly preserveFds: number
  /** Enter a paused container: the program runs once it is resumed. */
  readonly ignorePaused: boolean
  /** Cgroups below the container's: `PATH`, or on v1 `CONTROLLER[,CONTROLLER]:PATH`. */
  readonly cgroups: readonly string[]
  /** See RunOptions. */
  readonly again: readonly string[]
}

export interface LogsOptions {
  readonly common: Common
  readonly id: string
  /** Only so many lines of what there is. */
  readonly tail?: number
  /** Until the container ends. */
  readonly follow: boolean
}

/** New schemata of the container's group of resctrl; absent: as they are. */
export type Schemas = Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>

export interface UpdateOptions {
  readonly common: Common
  readonly id: string
  /** The text of a document of resources, or limits from the command line. */
  readonly resources: { readonly text: string } | { readonly limits: Resources; readonly schemas?: Schemas }
}

/** What checkpoint and restore have in common: options of criu, under runc's names. */
export interface CriuChoices {
  /** Directory of the images. */
  readonly imagePath: string
  /** Directory of criu's log and statistics; absent: that of the images. */
  readonly workPath?: string
  readonly tcpEstablished: boolean
  readonly externalUnixSockets: boolean
  readonly shellJob: boolean
  readonly fileLocks: boolean
  readonly lazyPages: boolean
  readonly autoDedup: boolean
  /** Absent: criu decides (soft). */
  readonly manageCgroups?: 'soft' | 'full' | 'strict' | 'ignore'
}

export interface CheckpointOptions extends CriuChoices {
  readonly common: Common
  readonly id: string
  /** Images that these are built upon; relative to `imagePath`. */
  readonly parentPath?: string
  readonly leaveRunning: boolean
  /** Only memory, for the next checkpoint to build upon; the container goes on. */
  readonly preDump: boolean
  readonly tcpSkipInFlight: boolean
  readonly linkRemap: boolean
  /** Descriptor that gets a NUL byte when the page server listens. */
  readonly statusFd?: number
  readonly pageServer?: { readonly address: string; readonly port: number }
  readonly networkLock?: 'iptables' | 'nftables' | 'skip'
}

export interface RestoreOptions extends CriuChoices {
  readonly common: Common
  readonly id: string
  readonly bundle: string
  readonly detach: boolean
  readonly noSubreaper: boolean
  readonly consoleSocket?: string
  readonly pidFile?: string
  readonly tcpClose: boolean
  /** `TYPE:NAME`, as in apparmor:profile. */
  readonly lsmProfile?: string
  readonly lsmMountContext?: string
  /** See CreateOptions: it stands for what stdout and stderr were, when those were pipes or files of the host. */
  readonly output?: string
  /** See RunOptions. */
  readonly again: readonly string[]
}
