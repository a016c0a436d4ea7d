import { consistsOf } from '../patterns.js'
import { show } from '../pointer.js'
import { broken, type ResourcesRule, type SpecRule } from './rule.js'

export const devices: SpecRule = spec => {
  const list = spec.linux?.devices
  if (list === undefined) return undefined
  for (let i = 0; i < list.length; i++) {
    const { type, path, major, minor } = list[i] as (typeof list)[number]
    const at = `/linux/devices/${i}`
    if (path.charAt(0) !== '/') {
      return broken(`${at}/path`, 'device-path-absolute', `must be an absolute path, is ${show(path)}`)
    }
    if (type !== 'p' && (major === undefined || minor === undefined)) {
      const field = major === undefined ? 'major' : 'minor'
      return broken(
        `${at}/${field}`,
        'device-number',
        `is missing; ${path} is not a named pipe, so it needs one`,
      )
    }
  }
  return undefined
}

/** The words for an empty access are runc's. */
export const deviceRules: ResourcesRule = (resources, at) => {
  const list = resources.devices
  if (list === undefined) return undefined
  for (let i = 0; i < list.length; i++) {
    const access = list[i]?.access ?? ''
    const here = `${at}/devices/${i}/access`
    if (access === '') {
      return broken(here, 'device-access', `device access at ${i} field cannot be empty`)
    }
    if (!consistsOf(access, 'rwm')) {
      return broken(here, 'device-access', `must be made of r, w and m, is ${show(access)}`)
    }
  }
  return undefined
}
