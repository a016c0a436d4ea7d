/** Conditions on scheduling that the kernel would answer with a bare EINVAL. */
import { consistsOf } from '../patterns.js'
import { show } from '../pointer.js'
import { broken, type ProcessRule, type SpecRule } from './rule.js'

export const scheduler: ProcessRule = ({ scheduler }, at) => {
  if (scheduler === undefined) return undefined
  const { policy, nice, priority, runtime = 0, deadline = 0, period = 0 } = scheduler
  const here = `${at}/scheduler`
  if (policy === 'SCHED_ISO') {
    return broken(`${here}/policy`, 'scheduler-policy', 'Linux reserves SCHED_ISO, and does not implement it')
  }
  if (nice !== undefined && nice !== 0 && policy !== 'SCHED_OTHER' && policy !== 'SCHED_BATCH') {
    const text = `scheduler.nice can only be specified for SCHED_OTHER or SCHED_BATCH policy, not ${policy}`
    return broken(`${here}/nice`, 'scheduler-nice', text)
  }
  if (nice !== undefined && (nice < -20 || nice > 19)) {
    return broken(`${here}/nice`, 'scheduler-nice', `invalid scheduler.nice: ${nice}, must be -20 to 19`)
  }
  const fixed = policy === 'SCHED_FIFO' || policy === 'SCHED_RR'
  if (!fixed && priority !== undefined && priority !== 0) {
    const text = `scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR policy, not ${policy}`
    return broken(`${here}/priority`, 'scheduler-priority', text)
  }
  if (fixed && (priority === undefined || priority < 1 || priority > 99)) {
    const text = `must be 1 to 99 for ${policy}, is ${priority ?? 'absent'}`
    return broken(`${here}/priority`, 'scheduler-priority', text)
  }
  if (policy !== 'SCHED_DEADLINE') {
    for (const field of ['runtime', 'deadline', 'period'] as const) {
      if (Number(scheduler[field] ?? 0) === 0) continue
      const text = `scheduler ${field} can only be specified for SCHED_DEADLINE policy, not ${policy}`
      return broken(`${here}/${field}`, 'scheduler-deadline', text)
    }
    return undefined
  }
  // sched(7): runtime <= deadline <= period, and a runtime of at least 1024 ns; no period means the deadline.
  if (runtime < 1024 || runtime > deadline || (Number(period) !== 0 && deadline > period)) {
    const text = `needs 1024 <= runtime <= deadline <= period (nanoseconds), has ${runtime}, ${deadline}, ${period}`
    return broken(here, 'scheduler-deadline', text)
  }
  return undefined
}

export const ioPriority: ProcessRule = ({ ioPriority }, at) => {
  const priority = ioPriority?.priority ?? 0
  if (priority >= 0 && priority <= 7) return undefined
  return broken(
    `${at}/ioPriority/priority`,
    'io-priority',
    `invalid ioPriority.Priority: ${priority}, must be 0 to 7`,
  )
}

/** Numbers and ranges with commas between them, as in cpuset(7). */
const isCpuList = (list: string): boolean => {
  for (const part of list.split(',')) {
    const [first = '', last = first, ...more] = part.split('-')
    if (more.length > 0 || first === '' || last === '') return false
    if (!consistsOf(first + last, '0123456789') || Number(first) > Number(last) || Number(last) > 8191)
      return false
  }
  return true
}

export const execCPUAffinity: ProcessRule = ({ execCPUAffinity }, at) => {
  for (const field of ['initial', 'final'] as const) {
    const list = execCPUAffinity?.[field] ?? ''
    if (list === '' || isCpuList(list)) continue
    const text = `must be a list of CPUs like 0-3,7, is ${show(list)}`
    return broken(`${at}/execCPUAffinity/${field}`, 'cpu-affinity', text)
  }
  return undefined
}

export const personality: SpecRule = ({ linux }) =>
  linux?.personality === undefined || linux.personality.domain !== undefined
    ? undefined
    : broken('/linux/personality/domain', 'personality-domain', 'is needed: LINUX or LINUX32')

/** Of each mode, whether it takes a list of nodes (set_mempolicy(2)). */
const takesNodes = {
  MPOL_DEFAULT: 'never',
  MPOL_LOCAL: 'never',
  MPOL_PREFERRED: 'perhaps',
  MPOL_BIND: 'always',
  MPOL_INTERLEAVE: 'always',
  MPOL_PREFERRED_MANY: 'always',
  MPOL_WEIGHTED_INTERLEAVE: 'always',
} as const

export const memoryPolicy: SpecRule = ({ linux }) => {
  const policy = linux?.memoryPolicy
  if (policy === undefined) return undefined
  const { mode, nodes = '', flags = [] } = policy
  const at = '/linux/memoryPolicy'
  if (mode === undefined)
    return broken(`${at}/mode`, 'memory-policy-mode', 'is needed: MPOL_BIND, for example')
  if (!consistsOf(nodes, '0123456789,-')) {
    return broken(`${at}/nodes`, 'memory-policy-nodes', `must be a list like 0-1,3, is ${show(nodes)}`)
  }
  if (takesNodes[mode] === 'never' && nodes !== '') {
    return broken(`${at}/nodes`, 'memory-policy-nodes', `${mode} takes no nodes, has ${show(nodes)}`)
  }
  if (takesNodes[mode] === 'always' && nodes === '') {
    return broken(`${at}/nodes`, 'memory-policy-nodes', `${mode} needs at least one memory node`)
  }
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
    const text = 'MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other'
    return broken(`${at}/flags`, 'memory-policy-flags', text)
  }
  return undefined
}
