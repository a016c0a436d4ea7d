import { ConfigError } from '../../base/errors.js'
import type { Seccomp } from '../../spec/types.gen.js'

export type Action = Seccomp['defaultAction']

const EPERM = 1
const ENOSYS = 38

/** Return values of a filter, linux/seccomp.h. The low 16 bits are data for ERRNO and TRACE. */
const returns = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
} as const

/** Names of the actions that filters can have, for `features`. */
export const actionNames = (): Action[] => Object.keys(returns) as Action[]

/** What a filter does to a call of an architecture that the profile does not name, as libseccomp: kill the thread. */
export const badArch = returns.SCMP_ACT_KILL_THREAD

export const enosys = returns.SCMP_ACT_ERRNO + ENOSYS

/** The 32-bit return value of an action; `errnoRet` is for ERRNO and TRACE, EPERM when absent. */
export function returnValue(action: Action, errnoRet: number | undefined): number {
  const value = returns[action]
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? value + (errnoRet ?? EPERM) : value
}

/**
 * Whether calls that are newer than the whole profile get ENOSYS instead of this default action. Not where the
 * default lets calls through, nor under a tracer, which is to see every call.
 */
export function hidesNewCalls(value: number): boolean {
  return value < returns.SCMP_ACT_TRACE || value === returns.SCMP_ACT_KILL_PROCESS
}

/** Whether a profile has calls that a listener decides on. The rules saw to it that it says where that is. */
export function hasListener({ listenerPath, syscalls }: Seccomp): boolean {
  if (listenerPath === undefined || listenerPath === '') return false
  return syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') === true
}

/** Only a filter with a listener has it. */
const listenerFlag = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'

/**
 * Flags for seccomp(2). An absent list means SPEC_ALLOW, as other runtimes have it: without the mitigation of
 * speculative store bypass, which costs much and which no container asked for. TSYNC is for processes with threads;
 * init has one.
 */
export function filterFlags(profile: Seccomp): readonly string[] {
  const { flags } = profile
  if (flags === undefined) return ['SECCOMP_FILTER_FLAG_SPEC_ALLOW']
  const kept: string[] = []
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] as string
    if (flag === listenerFlag && !hasListener(profile)) {
      const text = `${flag} is only for filters with SCMP_ACT_NOTIFY (seccomp(2) gives EINVAL without): remove it`
      throw new ConfigError(`/linux/seccomp/flags/${i}`, 'seccomp-flag', text)
    }
    if (flag !== 'SECCOMP_FILTER_FLAG_TSYNC' && !kept.includes(flag)) kept.push(flag)
  }
  return kept
}
