import type { Facts, Host } from '../host/facts.js'
import type { HostPath, InRootPath, Op } from '../plan/op.js'
import type { Linux, Process, Spec, User } from '../spec/types.gen.js'
import type { CgroupPlan, CgroupRequest } from './cgroup/index.js'

/** What the caller asked for, beside the config. */
export interface Request {
  readonly id: string
  /** Absolute. */
  readonly bundle: HostPath
  /** `root.path`, absolute and without symbolic links. */
  readonly rootfs: HostPath
  /** `<state root>/<id>`. */
  readonly stateDir: HostPath
  readonly cgroupManager: CgroupRequest['manager']
  /** `--rootless=true`: limits that this user cannot set are told and left out. */
  readonly tolerateCgroups?: boolean
  readonly noPivot: boolean
  readonly noNewKeyring: boolean
  /** Descriptors from 3 on that the container keeps, those of LISTEN_FDS included. */
  readonly preservedFds: number
  /** Added to the environment (LISTEN_FDS). */
  readonly extraEnv: readonly string[]
  /** Where the pty master goes; absent: the runtime keeps it for the relay. */
  readonly consoleSocket?: HostPath
  readonly pidfdSocket?: HostPath
  readonly pidFile?: HostPath
}

/** Everything that the passes read. Pure data. */
export interface Input {
  readonly spec: Spec
  readonly process: Process
  readonly linux: Linux
  /** `process.user` with its defaults. */
  readonly user: User & { readonly uid: number; readonly gid: number }
  readonly host: Facts
  /** The container's cgroups, as `lower/cgroup` lowered them. */
  readonly cgroup: CgroupPlan
  readonly request: Request
  /** The container gets a user namespace, new or joined. */
  readonly userNamespace: boolean
  /** Tells the user something that is not an error; `pointer` names the field. */
  readonly warn: (pointer: string, message: string) => void
}

/** What the passes of `create` read, which make cgroups and mount them. */
export interface CreateInput extends Input {
  readonly host: Host
}

/** One step of lowering: appends the ops that a part of the config asks for. */
export type Pass = (input: CreateInput, out: Op[]) => void

/** The slot that holds the container's root for all in-root paths. */
export const ROOT = 'root'

/** A config path as a path in the container's root: absolute, without `.`, `..` and double slashes. */
export function inRoot(path: string): InRootPath {
  // Nearly all are clean already, and there are dozens in a config.
  if (path.startsWith('/') && !path.includes('//') && !path.includes('/.') && !path.endsWith('/')) {
    return path as InRootPath
  }
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}` as InRootPath
}
