import { check } from '../sys/call.js'
import { close, O, openFile, tryStat, writable } from '../sys/files.js'
import { native } from '../sys/native.js'
import { hasSelinux } from '../sys/selinux.js'
import { markClosed, probeCgroup } from './cgroup.js'
import type { Facts, Host } from './facts.js'

/** Inode of the initial user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h): fixed since 3.8. */
const INITIAL_USER_NAMESPACE = 0xeffffffdn
/** _LINUX_CAPABILITY_VERSION_3. */
const CAPABILITY_VERSION = 0x20080522
const PR_CAPBSET_READ = 23
/** CAP_CHECKPOINT_RESTORE, the last one of the oldest kernel that tsrun supports (5.12). */
const FIRST_LAST_CAPABILITY = 40

/**
 * Asks the machine for everything that lowering wants to know. A few system calls; of SELinux only for a config with a mount label.
 * `rootless`: whether cgroups that may not be made are left out; `auto` for whoever is not root of the machine.
 */
export function probeHost(rootless: boolean | 'auto' = 'auto', mountLabel?: string): Host {
  const facts = probeFacts()
  const limited = rootless === 'auto' ? facts.euid !== 0 || facts.inUserNamespace : rootless
  return {
    ...facts,
    ...(mountLabel !== undefined && { selinux: hasSelinux() }),
    ...(facts.inUserNamespace && facts.euid === 0 && { ownsMounts: ownsMounts() }),
    cgroup: limited ? markClosed(probeCgroup(), writable) : probeCgroup(),
  }
}

/** All but the cgroups, which ask a dozen mounts: what `exec` wants, whose cgroups are known. */
export function probeFacts(): Facts {
  const calls = native()
  return {
    arch: calls.arch === 'x64' ? 'x86_64' : 'aarch64',
    euid: calls.geteuid(),
    egid: calls.getegid(),
    inUserNamespace: tryStat('/proc/self/ns/user')?.inode !== INITIAL_USER_NAMESPACE,
    lastCapability: lastCapability(),
    capabilities: permittedCapabilities(),
  }
}

/** ioctl_ns(2): the user namespace that owns our mount namespace is ours. */
function ownsMounts(): boolean {
  const NS_GET_USERNS = 0xb701
  const mounts = openFile('/proc/self/ns/mnt', O.RDONLY)
  const owner = native().ioctl(mounts, NS_GET_USERNS, new Uint8Array(1))
  close(mounts)
  if (owner < 0) return false
  const inode = tryStat(`/proc/self/fd/${owner}`)?.inode
  close(owner)
  return inode !== undefined && inode === tryStat('/proc/self/ns/user')?.inode
}

function lastCapability(): number {
  let last = FIRST_LAST_CAPABILITY
  while (native().prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0) last++
  return last
}

function permittedCapabilities(): number {
  const header = new Uint8Array(8)
  new DataView(header.buffer).setUint32(0, CAPABILITY_VERSION, true)
  // Two rows of effective, permitted, inheritable: the low 32 bits, then the high ones.
  const data = new Uint8Array(24)
  check(native().capget(header, data), 'capget', '0')
  const view = new DataView(data.buffer)
  return view.getUint32(16, true) * 2 ** 32 + view.getUint32(4, true)
}
