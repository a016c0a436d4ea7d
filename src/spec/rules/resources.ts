import { consistsOf } from '../patterns.js'
import { show } from '../pointer.js'
import { broken, type ResourcesRule } from './rule.js'

/** -1 takes a limit away; other negative numbers mean nothing. */
export const memory: ResourcesRule = ({ memory }, at) => {
  if (memory === undefined) return undefined
  for (const field of ['limit', 'reservation', 'swap'] as const) {
    const value = memory[field]
    if (value !== undefined && value < -1) {
      return broken(`${at}/memory/${field}`, 'memory-negative', `must be -1 (no limit) or more, is ${value}`)
    }
  }
  return undefined
}

/** Bounds of the kernel's CFS bandwidth control (kernel/sched/core.c), whose error is a bare EINVAL. 0 is unset. */
export const cpu: ResourcesRule = ({ cpu }, at) => {
  if (cpu === undefined) return undefined
  const { period = 0, quota = 0, burst = 0 } = cpu
  if (period !== 0 && (period < 1000 || period > 1000000)) {
    return broken(
      `${at}/cpu/period`,
      'cpu-period-range',
      `must be 1000 to 1000000 (microseconds), is ${period}`,
    )
  }
  if (quota < -1 || (quota > 0 && quota < 1000)) {
    const text = `must be -1 (no limit) or at least 1000 (microseconds), is ${quota}`
    return broken(`${at}/cpu/quota`, 'cpu-quota-range', text)
  }
  if (quota > 0 && burst > quota) {
    return broken(`${at}/cpu/burst`, 'cpu-burst-quota', `must be at most the quota, ${quota}, is ${burst}`)
  }
  for (const field of ['cpus', 'mems'] as const) {
    const list = cpu[field]
    if (list !== undefined && !consistsOf(list, '0123456789,- \n')) {
      return broken(`${at}/cpu/${field}`, 'cpuset-list', `must be a list like 0-3,7, is ${show(list)}`)
    }
  }
  return undefined
}
