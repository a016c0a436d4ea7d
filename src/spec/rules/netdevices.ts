import { show } from '../pointer.js'
import { broken, hasNamespace, type SpecRule } from './rule.js'

/** IFNAMSIZ - 1. */
const LONGEST = 15

/** What dev_valid_name of the kernel takes. */
function isName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.length > LONGEST) return false
  for (const char of ['/', ':', ' ', '\t', '\n', '\v', '\f', '\r']) if (name.includes(char)) return false
  return true
}

export const netDevices: SpecRule = spec => {
  const devices = spec.linux?.netDevices
  if (devices === undefined) return undefined
  const at = '/linux/netDevices'
  const names: string[] = []
  for (const from in devices) {
    if (!hasNamespace(spec, 'network')) {
      return broken(at, 'net-device-namespace', 'unable to move network devices without a NET namespace')
    }
    if (!isName(from)) return broken(at, 'net-device-name', `invalid network device name ${show(from)}`)
    const { name = '' } = devices[from] ?? {}
    const here = `${at}/${from}/name`
    if (name !== '' && !isName(name)) {
      return broken(here, 'net-device-name', `invalid network device name ${show(name)}`)
    }
    const target = name === '' ? from : name
    if (names.includes(target) && !target.includes('%d')) {
      return broken(here, 'net-device-twice', `two network devices would be ${show(target)} in the container`)
    }
    names.push(target)
  }
  return undefined
}
