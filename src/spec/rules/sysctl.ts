import type { ConfigError } from '../../base/errors.js'
import { escapeKey, show } from '../pointer.js'
import { sysctlPath } from '../sysctlpath.js'
import type { Spec } from '../types.gen.js'
import { broken, hasNamespace, type SpecRule } from './rule.js'

/** Parameters of the IPC namespace; all below fs/mqueue are, too. */
const ipc = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
]

/** Whether the container has a namespace of this type that is not the host's. */
type Has = (type: string) => boolean

/** Why this parameter may not be set, in runc's words; undefined when it may. */
function refusal(spec: Spec, has: Has, key: string, path: string): string | undefined {
  const name = show(key)
  if (ipc.includes(path) || path.startsWith('fs/mqueue/')) {
    return has('ipc') ? undefined : `sysctl ${name} is not allowed in the hosts ipc namespace`
  }
  if (path.startsWith('net/')) {
    return has('network') ? undefined : `sysctl ${name} not allowed in host network namespace`
  }
  if (path.startsWith('user/')) {
    return has('user') ? undefined : `setting ucounts without a user namespace not allowed: ${name}`
  }
  if (has('uts')) {
    if (path === 'kernel/hostname') {
      return `sysctl ${name} is not allowed as it conflicts with the OCI "hostname" field`
    }
    if (path === 'kernel/domainname') {
      if ((spec.domainname ?? '') === '') return undefined
      return `sysctl ${name} is not allowed as it conflicts with the OCI "domainname" field`
    }
  }
  return `sysctl ${name} is not in a separate kernel namespace`
}

/** Most of /proc/sys is the whole machine's: only what a namespace of the container owns may be set. */
export const sysctl: SpecRule = spec => check(spec, type => hasNamespace(spec, type))

/**
 * The same, now that the machine can be asked whether a namespace to join is the runtime's own (`isOwn`): its parameters are the
 * host's. Throws ConfigError.
 */
export function checkJoinedSysctls(spec: Spec, isOwn: (type: string, path: string) => boolean): void {
  const joined = (spec.linux?.namespaces ?? []).filter(({ path }) => (path ?? '') !== '')
  if (joined.length === 0 || spec.linux?.sysctl === undefined) return
  const own = joined.filter(({ type, path }) => isOwn(type, path as string)).map(({ type }) => type)
  const error = check(spec, type => hasNamespace(spec, type) && !own.includes(type as (typeof own)[number]))
  if (error !== undefined) throw error
}

function check(spec: Spec, has: Has): ConfigError | undefined {
  const table = spec.linux?.sysctl
  if (table === undefined) return undefined
  for (const key in table) {
    const path = sysctlPath(key)
    const at = `/linux/sysctl/${escapeKey(key)}`
    // net//kernel/x and net/../kernel/x begin like a network parameter.
    if (path.split('/').some(part => part === '' || part === '.' || part === '..')) {
      return broken(at, 'sysctl-name', `sysctl ${show(key)} is no name of a kernel parameter`)
    }
    const text = refusal(spec, has, key, path)
    if (text !== undefined) return broken(at, 'sysctl-namespaced', text)
  }
  return undefined
}
