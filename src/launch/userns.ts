/** Why a machine does not let a user make user namespaces: what is switched off, and the command that switches it on. */
import { tryRead } from '../sys/files.js'

interface Switch {
  readonly file: string
  /** What the file says when it is the reason. */
  readonly off: string
  readonly command: string
}

const switches: readonly Switch[] = [
  // Debian and Arch kernels
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    off: '0',
    command: 'sysctl kernel.unprivileged_userns_clone=1',
  },
  { file: '/proc/sys/user/max_user_namespaces', off: '0', command: 'sysctl user.max_user_namespaces=15000' },
  // Ubuntu 24.04: the namespace is made, but its owner gets no rights in it
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    off: '1',
    command:
      'sysctl kernel.apparmor_restrict_unprivileged_userns=0 (or make install, which gives tsrun an AppArmor profile with "userns,")',
  },
]

/** `; FILE is 0: as root type COMMAND` for each switch that is off, or nothing. `read` is for the tests. */
export function refusals(read: (file: string) => string | undefined = tryRead): string {
  let text = ''
  for (const { file, off, command } of switches) {
    if (read(file)?.trim() === off) text += `; ${file} is ${off}: as root type: ${command}`
  }
  return text
}
