import { ConfigError } from '../base/errors.js'
import type { Op } from '../plan/op.js'
import { annotated, isOn, seccompListener } from '../spec/ocirun.js'
import type { Spec } from '../spec/types.gen.js'
import { capabilitySets, limitCapabilities, setCapabilities } from './capabilities.js'
import { type Input, inRoot, ROOT } from './input.js'
import { processLabels } from './labels.js'
import { schedule } from './schedule.js'
import { compileSeccomp } from './seccomp/index.js'

/** The default of runc and crun; the specification leaves it open. */
const DEFAULT_UMASK = 0o022

/** Hostname and domain name. The rules saw to it that there is a UTS namespace. */
export function names({ spec }: Input, out: Op[]): void {
  if (spec.hostname !== undefined && spec.hostname !== '') {
    out.push({ op: 'sethostname', by: 'init', at: '/hostname', name: spec.hostname })
  }
  if (spec.domainname !== undefined && spec.domainname !== '') {
    out.push({ op: 'setdomainname', by: 'init', at: '/domainname', name: spec.domainname })
  }
}

/** The working directory is made when it is missing, as long as the root can be written. */
export function makeWorkingDirectory({ process }: Input, out: Op[]): void {
  const path = inRoot(process.cwd)
  if (path === '/') return
  // On a read-only mount an existing directory is all there can be: chdir tells the truth then.
  out.push({
    op: 'mkdir',
    by: 'init',
    at: '/process/cwd',
    root: ROOT,
    path,
    mode: 0o755,
    tolerate: ['EROFS', 'EACCES'],
  })
}

/** Becomes the user, with exactly the capabilities, groups and filters of the config. */
export function becomeUser(input: Input, out: Op[]): void {
  const { process, user } = input
  const sets = capabilitySets(input)
  const noNewPrivileges = process.noNewPrivileges === true

  schedule(input, out)
  processLabels(input, out)
  out.push({ op: 'umask', by: 'init', at: '/process/user/umask', mask: user.umask ?? DEFAULT_UMASK })
  if (noNewPrivileges) out.push({ op: 'set_no_new_privs', by: 'init', at: '/process/noNewPrivileges' })
  // Nothing of ours survives exec from here on, so that the filter need not allow close_range.
  out.push({
    op: 'close_on_exec',
    by: 'init',
    at: 'runtime:descriptors',
    first: 3 + input.request.preservedFds,
  })
  // Before the filter, which may forbid even getcwd. The second try is for a home that only its user may enter.
  const chdir = { op: 'chdir', by: 'init', at: '/process/cwd', path: process.cwd } as const
  const check = { op: 'check_cwd', by: 'init', at: '/process/cwd' } as const
  out.push({ ...chdir, retry: 0, tolerate: ['EACCES', 'EPERM'] })
  out.push({ ...check, retry: 0 })
  // Without no_new_privs the filter needs CAP_SYS_ADMIN, which is about to go.
  if (!noNewPrivileges) seccomp(input, out)
  limitCapabilities(input, sets, out)
  groups(input, out)
  out.push({ op: 'setresgid', by: 'init', at: '/process/user/gid', gid: user.gid })
  out.push({ op: 'setresuid', by: 'init', at: '/process/user/uid', uid: user.uid })
  setCapabilities(sets, out)
  out.push({ ...chdir, retry: 1 })
  out.push({ ...check, retry: 1 })
}

/** Root of a user namespace, for what follows. */
export function becomeRoot({ spec }: Input, at: string, out: Op[]): void {
  out.push({ op: 'become_root', by: 'helper', at, ...(keepsGroups(spec) && { keepGroups: 1 }) })
}

const keepsGroups = (spec: Spec): boolean => isOn(annotated(spec, 'run.oci.keep_original_groups'))

function groups({ spec, user, userNamespace, host }: Input, out: Op[]): void {
  // For files that only a group of the caller's may read, which no id of a user namespace stands for.
  if (keepsGroups(spec)) return
  const gids = user.additionalGids ?? []
  const mayBeDenied = userNamespace || host.inUserNamespace
  // A user namespace whose setgroups is denied keeps the groups it has; asking for some there is an error.
  out.push({
    op: 'setgroups',
    by: 'init',
    at: '/process/user/additionalGids',
    gids,
    ...(gids.length === 0 && mayBeDenied ? { tolerate: ['EPERM'] } : {}),
  })
}

/** The filter, as late as it can be when no_new_privs lets an ordinary user load it. */
export function lateSeccomp(input: Input, out: Op[]): void {
  if (input.process.noNewPrivileges === true && !listens(input)) seccomp(input, out)
}

/** A filter whose listener has to reach its socket is loaded while the runtime is still there to send it. */
export function listeningSeccomp(input: Input, out: Op[]): void {
  if (input.process.noNewPrivileges === true && listens(input)) seccomp(input, out)
}

/** Whether a call has to be decided by somebody else. Without a path there is no such rule (spec/rules/seccomp.ts). */
function listens({ spec, linux: { seccomp } }: Input): boolean {
  if (seccompListener(spec) === undefined) return false
  return seccomp?.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') === true
}

function seccomp(input: Input, out: Op[]): void {
  const { spec, linux, host } = input
  if (linux.seccomp === undefined) return
  const at = '/linux/seccomp'
  const listener = seccompListener(spec)
  const profile = listener === undefined ? linux.seccomp : { ...linux.seccomp, listenerPath: listener.path }
  const { program, flags: names, unknown } = compileSeccomp(profile, { arch: host.arch })
  if (unknown.length > 0) tellUnknown(input, unknown)
  if (program.length === 0) return
  const flags = names as never
  if (listener === undefined || !listens(input)) {
    out.push({ op: 'seccomp', by: 'init', at, flags, program })
    return
  }
  out.push({ op: 'seccomp_listen', by: 'init', at, listener: 'listener', flags, program })
  const metadata = profile.listenerMetadata
  out.push({
    op: 'send_seccomp_listener',
    by: 'runtime',
    at: listener.at,
    socket: listener.path,
    ...(metadata === undefined ? {} : { metadata }),
  })
}

function tellUnknown({ spec, warn }: Input, unknown: readonly string[]): void {
  const at = '/linux/seccomp/syscalls'
  if (isOn(annotated(spec, 'run.oci.seccomp_fail_unknown_syscall'))) {
    const text = `system call ${unknown.join(', ')} is unknown to tsrun, and run.oci.seccomp_fail_unknown_syscall makes that an error`
    throw new ConfigError(at, 'seccomp-unknown', text)
  }
  for (const name of unknown) warn(at, `system call ${name} is unknown to tsrun: ignored`)
}
