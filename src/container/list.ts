import { HostError } from '../base/errors.js'
import type { Common, ListEntry } from './options.js'
import { describe } from './state.js'
import { ids, tryLoad } from './store.js'

/** `tsrun list`: every container below the root. One that cannot be read is told and left out. */
export function listContainers(common: Common): ListEntry[] {
  const names = ids(common.root)
  if (names === undefined) {
    if (common.rootExplicit) throw new HostError(`list containers: state root ${common.root} does not exist`)
    return []
  }
  const entries: ListEntry[] = []
  for (const id of names) {
    try {
      const record = tryLoad(common.root, id)
      if (record !== undefined) entries.push(describe(common.root, record))
      else
        common.log.error(
          `load container ${id}: it has no state.json (remove it with: tsrun delete --force ${id})`,
        )
    } catch (error) {
      common.log.error(`load container ${id}: ${(error as Error).message}`)
    }
  }
  return entries
}
