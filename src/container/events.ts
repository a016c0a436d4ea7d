import { StateError, TsrunError } from '../base/errors.js'
import type { CgroupPaths } from '../host/cgroup.js'
import { oomKills } from '../host/oomkills.js'
import { readStats, type StatsSources } from '../host/stats/index.js'
import { groupsOf, ROOT as RESCTRL } from '../lower/resctrl.js'
import { exactJson } from '../spec/json.js'
import { close, O, openFile, tryRead, tryReadLink } from '../sys/files.js'
import { readKernelFile, tryWriteKernelFile } from '../sys/kernelfiles.js'
import { native } from '../sys/native.js'
import { frozenSpec } from './frozen.js'
import { openOwn } from './kill.js'
import { oomOf } from './oom.js'
import type { Common } from './options.js'
import { type Record, statusOf } from './record.js'
import { load } from './store.js'

export interface EventsOptions {
  readonly common: Common
  readonly id: string
  /** One sample, and the end. */
  readonly stats: boolean
  /** Between samples, milliseconds; at least 1. */
  readonly interval: number
  /** Takes one line of JSON; false when nobody listens any more. */
  readonly tell: (line: string) => boolean
}

/**
 * `tsrun events`: statistics again and again, and each time that the kernel killed for memory, until the container ends or nobody listens. Throws
 * StateError for one that does not run.
 */
export function containerEvents(options: EventsOptions): void {
  const { common, id, stats } = options
  try {
    const record = load(common.root, id)
    const status = statusOf(common.root, record)
    if (status === 'stopped' || status === 'creating') {
      throw new StateError('not-running', `container with id ${id} is not running`)
    }
    const sources = sourcesOf(common, record)
    if (stats) sample(options, record, sources())
    else follow(options, record, sources)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`events of ${JSON.stringify(id)}`) : error
  }
}

function sample({ id, tell }: EventsOptions, { cgroup }: Record, sources: StatsSources): boolean {
  return tell(`${exactJson({ type: 'stats', id, data: readStats(cgroup, sources) })}\n`)
}

/** What does not come from cgroups; the interfaces are looked at anew for each sample. */
function sourcesOf({ root }: Common, record: Record): () => StatsSources {
  const { intelRdt } = frozenSpec(root, record.id).linux ?? {}
  const rdt = intelRdt === undefined ? {} : { resctrl: { mount: RESCTRL, ...groupsOf(intelRdt, record.id) } }
  const proc = `/proc/${record.init?.pid}`
  const own = tryReadLink(`${proc}/ns/net`) !== tryReadLink('/proc/self/ns/net')
  return () => {
    const netDev = own ? tryRead(`${proc}/net/dev`) : undefined
    return netDev === undefined ? rdt : { ...rdt, netDev }
  }
}

const POLLIN = 1
const POLLPRI = 2

/** Sleeps until init ends, the kernel tells of memory, or the next sample is due. */
function follow(options: EventsOptions, record: Record, sources: () => StatsSources): void {
  const { id, interval, tell } = options
  const { init, cgroup } = record
  const pidfd = init === undefined ? undefined : openOwn(init)
  if (pidfd === undefined) return
  const memory = watchMemory(cgroup)
  try {
    const entries = new Uint8Array(16)
    const view = new DataView(entries.buffer)
    view.setInt32(0, pidfd, true)
    view.setInt16(4, POLLIN, true)
    view.setInt32(8, memory?.fd ?? -1, true)
    view.setInt16(12, memory?.events ?? 0, true)
    let kills = oomKills(cgroup) ?? 0
    let due = milliseconds() + interval
    for (;;) {
      native().poll(entries, 2, Math.max(0, due - milliseconds()))
      memory?.drain()
      const counted = oomKills(cgroup)
      // One event each, as runc has them; what is known is the same for all that came at once. A cgroup of systemd's is gone at the end.
      const data = counted === undefined || kills < counted ? oomOf(record) : undefined
      const now = counted ?? data?.kills ?? 0
      for (; kills < now; kills++) if (!tell(`${JSON.stringify({ type: 'oom', id, data })}\n`)) return
      if (view.getInt16(6, true) !== 0) return
      if (milliseconds() < due) continue
      if (!sample(options, record, sources())) return
      due = milliseconds() + interval
    }
  } finally {
    memory?.close()
    close(pidfd)
  }
}

function milliseconds(): number {
  const CLOCK_MONOTONIC = 1
  const time = new Uint8Array(16)
  native().clock_gettime(CLOCK_MONOTONIC, time)
  const view = new DataView(time.buffer)
  return Number(view.getBigInt64(0, true)) * 1000 + Math.floor(view.getInt32(8, true) / 1_000_000)
}

interface MemoryWatch {
  readonly fd: number
  readonly events: number
  /** Takes what was told, so that poll(2) waits for more. */
  readonly drain: () => void
  readonly close: () => void
}

const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000

/** v1: an eventfd that the kernel is given by cgroup.event_control. v2: memory.events itself, which tells of changes by POLLPRI. */
function watchMemory({ v1, v2 }: CgroupPaths): MemoryWatch | undefined {
  const calls = native()
  const bytes = new Uint8Array(4096)
  if (v1.memory === undefined) {
    if (v2 === undefined || readKernelFile(`${v2}/memory.events`) === undefined) return undefined
    const fd = openFile(`${v2}/memory.events`, O.RDONLY)
    const drain = (): void => void calls.pread(fd, bytes, bytes.length, 0)
    drain()
    return { fd, events: POLLPRI, drain, close: () => close(fd) }
  }
  const fd = calls.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
  if (fd < 0) return undefined
  const file = openFile(`${v1.memory}/memory.oom_control`, O.RDONLY)
  const closeAll = (): void => {
    close(file)
    close(fd)
  }
  if (tryWriteKernelFile(`${v1.memory}/cgroup.event_control`, [`${fd} ${file}`]) !== undefined) {
    closeAll()
    return undefined
  }
  return { fd, events: POLLIN, drain: () => void calls.read(fd, bytes, 8), close: closeAll }
}
