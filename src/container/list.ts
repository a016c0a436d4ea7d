import { HostError } from '../base/errors.js'
import { sleep } from '../sys/call.js'
import { exists } from '../sys/files.js'
import type { Common, ListEntry } from './options.js'
import { describe } from './state.js'
import { directoryOf, ids, tryLoad } from './store.js'

/** How often a directory without a record is looked at, 10 ms apart: most are about to be gone, deleted by another command. */
const LOOKS = 20

/** Whether a directory is there to stay: `delete` takes the record first and the directory then. */
function staysEmpty(directory: string): boolean {
  for (let look = 0; look < LOOKS; look++) {
    if (!exists(directory)) return false
    sleep(10)
  }
  return true
}

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
      else if (staysEmpty(directoryOf(common.root, id)))
        common.log.error(
          `load container ${id}: it has no state.json (remove it with: tsrun delete --force ${id})`,
        )
    } catch (error) {
      common.log.error(`load container ${id}: ${(error as Error).message}`)
    }
  }
  return entries
}
