import { show } from '../pointer.js'
import { broken, hasNamespace, type SpecRule } from './rule.js'

/** Masks and read-only paths are mounts: outside a mount namespace they would hit the host. */
export const restrictedPaths: SpecRule = spec => {
  for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
    const paths = spec.linux?.[field]
    if (paths === undefined || paths.length === 0) continue
    if (!hasNamespace(spec, 'mount')) {
      const text = 'unable to restrict sys entries without a private MNT namespace'
      return broken(`/linux/${field}`, 'paths-need-mountns', text)
    }
    for (let i = 0; i < paths.length; i++) {
      const path = paths[i] as string
      if (path.charAt(0) !== '/') {
        return broken(`/linux/${field}/${i}`, 'path-absolute', `must be an absolute path, is ${show(path)}`)
      }
    }
  }
  return undefined
}
