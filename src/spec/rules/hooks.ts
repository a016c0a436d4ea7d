import { show } from '../pointer.js'
import { broken, type SpecRule } from './rule.js'

/** In the order in which they run (config.md, POSIX-platform Hooks). */
export const hookKinds = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const

/** The specification wants an absolute path; execve(2) would take another one relative to who knows where. */
export const hooks: SpecRule = spec => {
  if (spec.hooks === undefined) return undefined
  for (const kind of hookKinds) {
    const list = spec.hooks[kind]
    if (list === undefined) continue
    for (let i = 0; i < list.length; i++) {
      const path = list[i]?.path as string
      if (path.charAt(0) !== '/') {
        return broken(
          `/hooks/${kind}/${i}/path`,
          'hook-path-absolute',
          `must be an absolute path, is ${show(path)}`,
        )
      }
    }
  }
  return undefined
}
