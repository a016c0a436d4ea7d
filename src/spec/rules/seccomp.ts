import type { ConfigError } from '../../base/errors.js'
import { seccompListener } from '../ocirun.js'
import { broken, type SpecRule } from './rule.js'

/** Linux reports no errno above MAX_ERRNO; SECCOMP_RET_DATA, which a tracer gets, has 16 bits. */
const largest: Record<string, number> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 65535 }

function errnoRet(action: string, value: number | undefined, at: string): ConfigError | undefined {
  if (value === undefined) return undefined
  const limit = largest[action]
  if (limit === undefined) {
    return broken(
      at,
      'errno-action',
      `${action} has no errno, only SCMP_ACT_ERRNO and SCMP_ACT_TRACE do; is ${value}`,
    )
  }
  return value > limit
    ? broken(at, 'errno-range', `must be at most ${limit} for ${action}, is ${value}`)
    : undefined
}

/** Init sends the listener by sendmsg: would that wait for a listener, all would wait for ever. */
function notify(listens: boolean, names: readonly string[], at: string): ConfigError | undefined {
  if (!listens) {
    return broken(
      `${at}/action`,
      'listener-path',
      'SCMP_ACT_NOTIFY needs listenerPath, the socket of who decides',
    )
  }
  return names.includes('sendmsg')
    ? broken(
        `${at}/names`,
        'notify-sendmsg',
        'SCMP_ACT_NOTIFY cannot be used for sendmsg, which the listener is sent by',
      )
    : undefined
}

export const seccomp: SpecRule = spec => {
  const filter = spec.linux?.seccomp
  if (filter === undefined) return undefined
  const at = '/linux/seccomp'
  const listens = seccompListener(spec) !== undefined
  if ((filter.listenerMetadata ?? '') !== '' && !listens) {
    return broken(
      `${at}/listenerMetadata`,
      'listener-path',
      'needs listenerPath, the socket that it is sent to',
    )
  }
  if (filter.defaultAction === 'SCMP_ACT_NOTIFY') {
    const text = 'SCMP_ACT_NOTIFY cannot be the default: who should send the listener to its socket?'
    return broken(`${at}/defaultAction`, 'notify-default', text)
  }
  const error = errnoRet(filter.defaultAction, filter.defaultErrnoRet, `${at}/defaultErrnoRet`)
  if (error !== undefined) return error
  const rules = filter.syscalls ?? []
  for (let i = 0; i < rules.length; i++) {
    const { action, names, errnoRet: value, args = [] } = rules[i] as (typeof rules)[number]
    if (action === 'SCMP_ACT_NOTIFY') {
      const error = notify(listens, names, `${at}/syscalls/${i}`)
      if (error !== undefined) return error
    }
    const error = errnoRet(action, value, `${at}/syscalls/${i}/errnoRet`)
    if (error !== undefined) return error
    for (let j = 0; j < args.length; j++) {
      const index = args[j]?.index as number
      if (index > 5) {
        const text = `system calls have arguments 0 to 5, is ${index}`
        return broken(`${at}/syscalls/${i}/args/${j}/index`, 'argument-index', text)
      }
    }
  }
  return undefined
}
