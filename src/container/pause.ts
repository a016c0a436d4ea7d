import { StateError, TsrunError } from '../base/errors.js'
import { freeze, thaw } from './cgroup.js'
import type { Common } from './options.js'
import { statusOf } from './record.js'
import { load } from './store.js'

/** `tsrun pause`: freezes every process of a container. Throws StateError for one that does not run, HostError. */
export function pauseContainer(common: Common, id: string): void {
  wrapped('pause', id, () => {
    const record = load(common.root, id)
    const status = statusOf(common.root, record)
    // One that waits for its start may be paused, as in runc.
    if (status !== 'running' && status !== 'created') {
      throw new StateError('not-running', `container not running or created: ${status}`)
    }
    freeze(record.cgroup)
  })
}

/** `tsrun resume`. Throws StateError `container not paused`. */
export function resumeContainer(common: Common, id: string): void {
  wrapped('resume', id, () => {
    const record = load(common.root, id)
    if (statusOf(common.root, record) !== 'paused') {
      throw new StateError('not-paused', 'container not paused')
    }
    thaw(record.cgroup)
  })
}

function wrapped(command: string, id: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`${command} ${JSON.stringify(id)}`) : error
  }
}
