import type { CgroupHost } from './cgroup.js'

/** What every plan depends on of this machine and of who runs tsrun. */
export interface Facts {
  readonly arch: 'x86_64' | 'aarch64'
  readonly euid: number
  readonly egid: number
  /** The runtime itself runs in a user namespace other than the initial one. */
  readonly inUserNamespace: boolean
  /** In a user namespace: whether it owns the mount namespace, so that root of it may clone mounts; asked only there, for root. */
  readonly ownsMounts?: boolean
  /** The kernel's highest capability (40 since 5.9). */
  readonly lastCapability: number
  /** The runtime's permitted capabilities: what can be given away, as a bit mask. */
  readonly capabilities: number
  /** SELinux is on; asked only when the config has a mount label. */
  readonly selinux?: boolean
}

/** What this machine offers, as plain data: lowering asks nothing else, so tests supply it. */
export interface Host extends Facts {
  readonly cgroup: CgroupHost
}
