/** How the process is scheduled, and where its memory comes from: while it still has the right to ask. */
import type { Op } from '../plan/op.js'
import type { IoPriority, MemoryPolicy, Personality, Process, Scheduler } from '../spec/types.gen.js'
import { listMask } from './cgroup/convert.js'
import type { Input } from './input.js'

/** CPU, I/O, execution domain, NUMA nodes. After the cgroups (real-time needs their budget), before the capabilities go. */
export function schedule(input: Input, out: Op[]): void {
  const { process, linux } = input
  if (process.scheduler !== undefined) scheduler(process.scheduler, out)
  if (process.ioPriority !== undefined) ioPriority(process.ioPriority, out)
  if (linux.memoryPolicy !== undefined) memoryPolicy(linux.memoryPolicy, out)
  if (linux.personality !== undefined) personality(input, linux.personality, out)
}

function scheduler(
  { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 }: Scheduler,
  out: Op[],
): void {
  const at = '/process/scheduler'
  out.push({ op: 'sched_setattr', by: 'init', at, policy, nice, priority, flags, runtime, deadline, period })
}

function ioPriority({ class: ioClass, priority = 0 }: IoPriority, out: Op[]): void {
  out.push({ op: 'ioprio_set', by: 'init', at: '/process/ioPriority', class: ioClass, priority })
}

/**
 * `execCPUAffinity` of a process that joins: `initial` before the cgroups, so that none of the container's CPUs is used meanwhile, and
 * `final` after them, because the kernel sets all of a cpuset's CPUs for who enters it. An empty one changes nothing.
 */
export function affinity(
  process: Process,
  which: 'initial' | 'final',
  by: 'helper' | 'init',
  out: Op[],
): void {
  const list = process.execCPUAffinity?.[which] ?? ''
  if (list === '') return
  const at = `/process/execCPUAffinity/${which}`
  out.push({ op: 'sched_setaffinity', by, at, cpus: words(listMask(list, at)) })
}

/** The kernel reads whole words. */
function words(bytes: Uint8Array): Uint8Array {
  const mask = new Uint8Array(Math.ceil(bytes.length / 8) * 8)
  mask.set(bytes)
  return mask
}

function memoryPolicy({ mode, flags = [], nodes = '' }: MemoryPolicy, out: Op[]): void {
  if (mode === undefined) return
  const at = '/linux/memoryPolicy'
  const mask = words(listMask(nodes, `${at}/nodes`))
  out.push({ op: 'set_mempolicy', by: 'init', at, mode, flags, nodes: mask })
}

function personality({ warn }: Input, { domain, flags = [] }: Personality, out: Op[]): void {
  const at = '/linux/personality'
  for (let i = 0; i < flags.length; i++)
    warn(`${at}/flags/${i}`, `${flags[i]} is ignored: no flag is specified`)
  if (domain !== undefined) out.push({ op: 'personality', by: 'init', at, domain })
}
