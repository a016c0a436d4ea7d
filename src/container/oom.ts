import { loggedOutOfMemory, type OutOfMemory, oomText, outOfMemory } from '../host/oom.js'
import { oomKills } from '../host/oomkills.js'
import type { Common } from './options.js'
import type { Record } from './record.js'
import { load } from './store.js'

/** What the kernel killed of a container for memory; undefined: nothing that is known. */
export function oomOf({ cgroup, init }: Record): OutOfMemory | undefined {
  const kills = oomKills(cgroup)
  if (kills === 0) return undefined
  const counted = kills === undefined ? undefined : outOfMemory(cgroup, kills)
  return counted ?? (init === undefined ? undefined : loggedOutOfMemory(cgroup, init))
}

/** `tsrun _oom`: what the monitor of a foreground `run` executes when the count of `oomFile` says so: one line. */
export function tellOom(common: Common, id: string): void {
  const oom = oomOf(load(common.root, id))
  if (oom !== undefined) common.log.warn(`container ${JSON.stringify(id)}: ${oomText(oom)}`)
}
