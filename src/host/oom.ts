/** What is to be told when the kernel has killed a container's processes for memory. */
import { close, O, openFile } from '../sys/files.js'
import { readKernelFile } from '../sys/kernelfiles.js'
import { native } from '../sys/native.js'
import type { CgroupPaths } from './cgroup.js'

export interface OutOfMemory {
  /** How many processes were killed. */
  readonly kills: number
  /** Bytes; absent: the cgroup has none, so one above it or the machine ran out. */
  readonly limit?: number
  /** The most that was used, bytes. Absent on cgroup v2 before Linux 5.19. */
  readonly peak?: number
  /** The killed ones, the last of them last, as far as the kernel's log may be read and still has them. */
  readonly killed: readonly { readonly pid: number; readonly name: string }[]
}

/** `kills` as `oomKills` counted them. */
export function outOfMemory({ v1, v2 }: CgroupPaths, kills: number): OutOfMemory {
  const dir = v1.memory ?? v2 ?? ''
  const [limit, peak] =
    v1.memory === undefined
      ? ['memory.max', 'memory.peak']
      : ['memory.limit_in_bytes', 'memory.max_usage_in_bytes']
  return {
    kills,
    ...number('limit', `${dir}/${limit}`),
    ...number('peak', `${dir}/${peak}`),
    killed: killedIn(kernelLog(), dir).slice(-kills),
  }
}

/** No limit is `max`, on v1 a number beyond what can be told apart. */
function number(name: string, file: string): object {
  const value = Number(readKernelFile(file) ?? 'max')
  return Number.isSafeInteger(value) ? { [name]: value } : {}
}

const O_NONBLOCK = 0o4000

/** /dev/kmsg, a record a line; nothing where that may not be read. */
function kernelLog(): string {
  let text = ''
  const calls = native()
  try {
    const fd = openFile('/dev/kmsg', O.RDONLY | O_NONBLOCK)
    const bytes = new Uint8Array(8192)
    const EPIPE = -32
    for (;;) {
      const length = calls.read(fd, bytes, bytes.length)
      // EPIPE: records were overwritten meanwhile; the next read goes on behind them.
      if (length < 0 && length !== EPIPE) break
      if (length > 0) text += calls.utf8Read(bytes, 0, length)
    }
    close(fd)
  } catch {}
  return text
}

/** Mount points of which the kernel, which names a cgroup from the top, knows nothing. */
const PREFIX = '/sys/fs/cgroup'

/**
 * The processes of a cgroup and those below it that the log tells of: `oom-kill:…,task_memcg=/web,task=sh,pid=7,uid=0`. In a cgroup
 * namespace, or a container in a container, the kernel's path is longer than ours.
 */
export function killedIn(log: string, dir: string): { pid: number; name: string }[] {
  let path = dir.startsWith(PREFIX) ? dir.slice(PREFIX.length) : dir
  if (path.startsWith('/memory/')) path = path.slice('/memory'.length)
  const found: { pid: number; name: string }[] = []
  for (const line of log.split('\n')) {
    const memcg = line.indexOf(',task_memcg=')
    const task = line.lastIndexOf(',task=')
    const pid = line.lastIndexOf(',pid=')
    if (memcg < 0 || task < memcg || pid < task) continue
    const place = line.slice(memcg + ',task_memcg='.length, task)
    if (!`${place}/`.includes(`${path}/`)) continue
    found.push({
      pid: Number.parseInt(line.slice(pid + ',pid='.length), 10),
      name: line.slice(task + 6, pid),
    })
  }
  return found
}

/** One sentence for people. */
export function oomText({ kills, limit, peak, killed }: OutOfMemory): string {
  const names = killed.map(({ pid, name }) => `${name}, pid ${pid}`).join('; ')
  const who = `${kills === 1 ? 'a process' : `${kills} processes`}${names === '' ? '' : ` (${names})`}`
  const most = peak === undefined ? '' : `, the most used was ${peak}`
  const why =
    limit === undefined
      ? `the container has no memory limit, so a cgroup above it or the machine ran out${most}`
      : `the memory limit is ${limit} bytes${most} (raise /linux/resources/memory/limit: tsrun update --memory)`
  return `out of memory: the kernel killed ${who}: ${why}`
}
