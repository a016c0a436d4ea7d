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

/** `kills` as `oomKills` counted them. Undefined: systemd has removed the cgroup since. */
export function outOfMemory({ v1, v2 }: CgroupPaths, kills: number): OutOfMemory | undefined {
  const dir = v1.memory ?? v2 ?? ''
  const [limit, peak] =
    v1.memory === undefined
      ? ['memory.max', 'memory.peak']
      : ['memory.limit_in_bytes', 'memory.max_usage_in_bytes']
  const most = readKernelFile(`${dir}/${limit}`)
  if (most === undefined) return undefined // without this it would have no limit
  return {
    kills,
    ...number('limit', most),
    ...number('peak', readKernelFile(`${dir}/${peak}`)),
    killed: killedIn(kernelLog(), dir).slice(-kills).map(whom),
  }
}

const whom = ({ pid, name }: Kill): { pid: number; name: string } => ({ pid, name })

/**
 * The same of a cgroup that is gone: systemd removes it with the container's last process. What the kernel's log knows of init, and of
 * others that were killed since it was started (`startTime`: clock ticks since boot, as in /proc/PID/stat).
 */
export function loggedOutOfMemory(
  { v1, v2 }: CgroupPaths,
  init: { readonly pid: number; readonly startTime: number },
): OutOfMemory | undefined {
  const USER_HZ = 100
  // The log's clock stands still while the machine sleeps, and drifts: init is known by its pid as well.
  const since = init.startTime / USER_HZ - asleep()
  const all = killedIn(kernelLog(), v1.memory ?? v2 ?? '')
  const kills = all.filter(({ pid, seconds }) => pid === init.pid || seconds >= since)
  const last = kills[kills.length - 1]
  if (last === undefined) return undefined
  return { kills: kills.length, ...last.memory, killed: kills.map(whom) }
}

/** How long the machine has slept since it was booted, seconds. */
function asleep(): number {
  const seconds = (clock: number): number => {
    const time = new Uint8Array(16)
    native().clock_gettime(clock, time)
    const view = new DataView(time.buffer)
    return Number(view.getBigInt64(0, true)) + view.getInt32(8, true) / 1e9
  }
  const CLOCK_MONOTONIC = 1
  const CLOCK_BOOTTIME = 7
  return seconds(CLOCK_BOOTTIME) - seconds(CLOCK_MONOTONIC)
}

/** No limit is `max`, on v1 a number beyond what can be told apart. */
function number(name: string, text = 'max'): object {
  const value = Number(text)
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

/** A line of the log that tells of a killed process, and what came before it. */
export interface Kill {
  readonly pid: number
  readonly name: string
  /** Of the log's clock, since boot. */
  readonly seconds: number
  /** The cgroup's limit and what it used then, bytes; empty when a cgroup above it or the machine ran out. */
  readonly memory: { readonly limit?: number; readonly peak?: number }
}

/**
 * The processes of a cgroup and those below it that the log tells of: `oom-kill:…,oom_memcg=/web,task_memcg=/web,task=sh,pid=7,uid=0`. In
 * a cgroup namespace, or a container in a container, the kernel's path is longer than ours.
 */
export function killedIn(log: string, dir: string): Kill[] {
  let path = dir.startsWith(PREFIX) ? dir.slice(PREFIX.length) : dir
  if (path.startsWith('/memory/')) path = path.slice('/memory'.length)
  const found: Kill[] = []
  let memory: Kill['memory'] = {}
  for (const line of log.split('\n')) {
    const usage = line.indexOf(';memory: usage ')
    if (usage >= 0) memory = memoryIn(line.slice(usage))
    const out = line.indexOf(',oom_memcg=')
    const memcg = line.indexOf(',task_memcg=')
    const task = line.lastIndexOf(',task=')
    const pid = line.lastIndexOf(',pid=')
    if (memcg < 0 || task < memcg || pid < task) continue
    const place = line.slice(memcg + ',task_memcg='.length, task)
    if (path === '' || !`${place}/`.includes(`${path}/`)) continue
    found.push({
      pid: Number.parseInt(line.slice(pid + ',pid='.length), 10),
      name: line.slice(task + 6, pid),
      seconds: Number(line.split(',', 3)[2]) / 1e6,
      memory: out >= 0 && line.slice(out + ',oom_memcg='.length, memcg).endsWith(path) ? memory : {},
    })
  }
  return found
}

/** `;memory: usage 8192kB, limit 8192kB, failcnt 32`. */
function memoryIn(text: string): Kill['memory'] {
  const after = (word: string): number => Number.parseInt(text.slice(text.indexOf(word) + word.length), 10)
  return { limit: after(' limit ') * 1024, peak: after(' usage ') * 1024 }
}

/** One sentence for people. */
export function oomText({ kills, limit, peak, killed }: OutOfMemory): string {
  const names = killed.map(({ pid, name }) => `${name}, pid ${pid}`).join('; ')
  const who = `${kills === 1 ? 'a process' : `${kills} processes`}${names === '' ? '' : ` (${names})`}`
  const most = peak === undefined ? '' : `, the most used was ${peak}`
  const why =
    limit === undefined
      ? `not for a memory limit of its own, so a cgroup above it or the machine ran out${most}`
      : `the memory limit is ${limit} bytes${most} (raise /linux/resources/memory/limit: tsrun update --memory)`
  return `out of memory: the kernel killed ${who}: ${why}`
}
