import { TsrunError } from '../base/errors.js'
import { SPEC_VERSION } from '../spec/statedoc.js'
import { tryRead } from '../sys/files.js'
import { oomOf } from './oom.js'
import type { Common, StateJson } from './options.js'
import { type Record, statusOf } from './record.js'
import { load } from './store.js'

/** `tsrun state`: the specification's state of a container. Throws StateError. */
export function containerState(common: Common, id: string): StateJson {
  try {
    return describe(common.root, load(common.root, id))
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`state ${JSON.stringify(id)}`) : error
  }
}

/** The state of a container whose record was read. */
export function describe(root: string, record: Record): StateJson {
  const status = statusOf(root, record)
  // A container that runs is asked often, and tells of it by `events`.
  const oom = status === 'stopped' ? oomOf(record) : undefined
  const { id, init, bundle, rootfs, created, annotations, owner } = record
  return {
    ociVersion: SPEC_VERSION,
    id,
    pid: status === 'stopped' || init === undefined ? 0 : init.pid,
    status,
    bundle,
    rootfs,
    created,
    ...(annotations === undefined ? {} : { annotations }),
    owner: userName(owner),
    ...(oom === undefined ? {} : { oom }),
  }
}

/** The name in /etc/passwd, or `#uid`. */
function userName(uid: number): string {
  if (uid === 0) return 'root'
  for (const line of (tryRead('/etc/passwd') ?? '').split('\n')) {
    const fields = line.split(':')
    if (fields[2] === `${uid}`) return fields[0] as string
  }
  return `#${uid}`
}
