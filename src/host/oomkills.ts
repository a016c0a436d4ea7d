import { readKernelFile } from '../sys/kernelfiles.js'
import type { CgroupPaths } from './cgroup.js'

/** The file that counts a container's processes that were killed for memory, undefined where no hierarchy does. */
export function oomFile({ v1, v2 }: CgroupPaths): string | undefined {
  if (v1.memory !== undefined) return `${v1.memory}/memory.oom_control`
  return v2 === undefined ? undefined : `${v2}/memory.events`
}

/** How many were, as `oom_kill` of the cgroup counts them (4.13). Undefined when the cgroup is gone. */
export function oomKills(paths: CgroupPaths): number | undefined {
  const file = oomFile(paths)
  if (file === undefined) return 0
  const text = readKernelFile(file)
  if (text === undefined) return undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('oom_kill ')) return Number(line.slice('oom_kill '.length))
  }
  return 0
}
