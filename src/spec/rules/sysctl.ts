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

/** Why this parameter may not be set, in runc's words; undefined when it may. A joined host network is seen at launch. */
function refusal(spec: Spec, key: string, path: string): string | undefined {
  const name = show(key)
  if (ipc.includes(path) || path.startsWith('fs/mqueue/')) {
    return hasNamespace(spec, 'ipc') ? undefined : `sysctl ${name} is not allowed in the hosts ipc namespace`
  }
  if (path.startsWith('net/')) {
    return hasNamespace(spec, 'network') ? undefined : `sysctl ${name} not allowed in host network namespace`
  }
  if (path.startsWith('user/')) {
    return hasNamespace(spec, 'user')
      ? undefined
      : `setting ucounts without a user namespace not allowed: ${name}`
  }
  if (hasNamespace(spec, 'uts')) {
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
export const sysctl: SpecRule = spec => {
  const table = spec.linux?.sysctl
  if (table === undefined) return undefined
  for (const key in table) {
    const path = sysctlPath(key)
    const at = `/linux/sysctl/${escapeKey(key)}`
    // net//kernel/x and net/../kernel/x begin like a network parameter.
    if (path.split('/').some(part => part === '' || part === '.' || part === '..')) {
      return broken(at, 'sysctl-name', `sysctl ${show(key)} is no name of a kernel parameter`)
    }
    const text = refusal(spec, key, path)
    if (text !== undefined) return broken(at, 'sysctl-namespaced', text)
  }
  return undefined
}
