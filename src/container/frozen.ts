import { loadTrustedSpec, type ValidSpec } from '../spec/load.js'
import { readFile } from '../sys/files.js'
import { directoryOf, files } from './store.js'

/** The config as it was at create, checked then: the bundle's may have changed since, or be gone. */
export function frozenSpec(root: string, id: string): ValidSpec {
  return loadTrustedSpec(readFile(`${directoryOf(root, id)}/${files.config}`))
}
