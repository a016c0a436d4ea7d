import { HostError } from '../base/errors.js'
import type { OpOf } from '../plan/op.js'
import { tryRead } from '../sys/files.js'
import { hasSelinux } from '../sys/selinux.js'

/** Throws HostError when labels are asked for that nothing would enforce: the program must not run without them. */
export function checkSecurityModule({ at, module }: OpOf<'check_security_module'>): void {
  if (module === 'selinux') {
    if (hasSelinux()) return
    throw new HostError(
      `${at}: selinux label is specified in config, but selinux is disabled or not supported: boot with SELinux, or leave the label out`,
    )
  }
  if (tryRead('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true) return
  throw new HostError(
    `${at}: apparmor profile is specified in config, but apparmor is disabled or not supported: boot with AppArmor, or leave the profile out`,
  )
}
