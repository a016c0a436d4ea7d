/** Labels of the security modules: of the process, its keyring, and the filesystems that it gets. */
import type { Op } from '../plan/op.js'
import { annotated } from '../spec/ocirun.js'
import type { Input } from './input.js'
import type { Entry } from './mounts.js'

const SELINUX = '/process/selinuxLabel'
const APPARMOR = '/process/apparmorProfile'
const MOUNTS = '/linux/mountLabel'

const isSet = (label: string | undefined): label is string => label !== undefined && label !== ''

/**
 * What exec is to change the process to. Written through a procfs of our own: over a redirected /proc the label would end up
 * elsewhere, and the program run without one (CVE-2019-16884, CVE-2025-52881).
 */
export function processLabels({ process }: Input, out: Op[]): void {
  const { selinuxLabel, apparmorProfile } = process
  if (!isSet(selinuxLabel) && !isSet(apparmorProfile)) return
  if (isSet(selinuxLabel)) check('selinux', SELINUX, out)
  if (isSet(apparmorProfile)) check('apparmor', APPARMOR, out)
  const slot = 'attr'
  const by = 'init'
  out.push({ op: 'open_procfs', by, at: isSet(selinuxLabel) ? SELINUX : APPARMOR, slot })
  if (isSet(apparmorProfile)) {
    out.push({ op: 'set_label', by, at: APPARMOR, proc: slot, attribute: 'apparmor', label: apparmorProfile })
  }
  if (isSet(selinuxLabel)) {
    out.push({ op: 'set_label', by, at: SELINUX, proc: slot, attribute: 'exec', label: selinuxLabel })
  }
}

/** The keyring that `join` makes gets the label of the process: under another one the program could not use it. */
export function labelKeyring({ process }: Input, out: Op[], join: () => void): void {
  const { selinuxLabel } = process
  if (!isSet(selinuxLabel)) {
    join()
    return
  }
  const label = (text: string): void => {
    out.push({ op: 'set_label', by: 'init', at: SELINUX, proc: 'keys', attribute: 'keycreate', label: text })
  }
  check('selinux', SELINUX, out)
  out.push({ op: 'open_procfs', by: 'init', at: SELINUX, slot: 'keys' })
  label(selinuxLabel)
  join()
  label('')
}

/** Where SELinux is off no filesystem takes a context, and none would be enforced. */
export function checkMountLabel({ linux, host, warn }: Input): void {
  if (isSet(linux.mountLabel) && host.selinux !== true) warn(MOUNTS, 'ignored: SELinux is off')
}

const labelsMounts = ({ linux, host }: Input): boolean => isSet(linux.mountLabel) && host.selinux === true

/** Filesystems whose files have labels of their own by the policy; they refuse a context for the whole mount. */
const labelledByPolicy: readonly string[] = ['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2']

/** The context option of a new filesystem; the entry's own goes first. */
export function contextOption(input: Input, type: string, options: readonly string[]): readonly string[] {
  if (!labelsMounts(input) || labelledByPolicy.includes(type)) return []
  for (const option of options) {
    const name = option.slice(0, option.indexOf('='))
    if (name === 'context' || name === 'fscontext' || name === 'defcontext' || name === 'rootcontext')
      return []
  }
  const kind = annotated(input.spec, 'run.oci.mount_context_type') ?? 'context'
  return [`${kind}=${input.linux.mountLabel}`]
}

/** The root of a message queue filesystem is labelled by itself. */
export function labelQueue(input: Input, { slot, mount }: Entry, out: Op[]): void {
  if (!labelsMounts(input) || mount.type !== 'mqueue') return
  out.push({ op: 'label_root', by: 'init', at: MOUNTS, slot, label: input.linux.mountLabel ?? '' })
}

function check(module: 'selinux' | 'apparmor', at: string, out: Op[]): void {
  out.push({ op: 'check_security_module', by: 'runtime', at, module })
}
