import { broken, type SpecRule } from './rule.js'

/** The specification wants a root filesystem of every container that is no Hyper-V one. */
export const root: SpecRule = spec => {
  if (spec.root === undefined) return broken('/root', 'root-required', 'root must be specified')
  if (spec.root.path === '') return broken('/root/path', 'root-required', 'invalid rootfs: the path is empty')
  return undefined
}
