/** How the process is scheduled, and where its memory comes from: while it still has the right to ask. */
import type { Op } from '../plan/op.js'
import type { IoPriority, MemoryPolicy, Personality, Scheduler } from '../spec/types.gen.js'
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

function memoryPolicy({ mode, flags = [], nodes = '' }: MemoryPolicy, out: Op[]): void {
  if (mode === undefined) return
  const at = '/linux/memoryPolicy'
  const list = listMask(nodes, `${at}/nodes`)
  // The kernel reads whole words.
  const mask = new Uint8Array(Math.ceil(list.length / 8) * 8)
  mask.set(list)
  out.push({ op: 'set_mempolicy', by: 'init', at, mode, flags, nodes: mask })
}

function personality({ warn }: Input, { domain, flags = [] }: Personality, out: Op[]): void {
  const at = '/linux/personality'
  for (let i = 0; i < flags.length; i++)
    warn(`${at}/flags/${i}`, `${flags[i]} is ignored: no flag is specified`)
  if (domain !== undefined) out.push({ op: 'personality', by: 'init', at, domain })
}
