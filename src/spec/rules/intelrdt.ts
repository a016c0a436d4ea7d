import { show } from '../pointer.js'
import { broken, type SpecRule } from './rule.js'

/** Directories that resctrl has itself. */
const reserved = ['info', 'mon_groups', 'mon_data', '.', '..']

export const intelRdt: SpecRule = spec => {
  const rdt = spec.linux?.intelRdt
  if (rdt === undefined) return undefined
  const at = '/linux/intelRdt'
  const { closID, schemata = [] } = rdt
  if (closID !== undefined && closID !== '/') {
    if (closID === '' || closID.includes('/') || closID.includes('\n') || reserved.includes(closID)) {
      return broken(
        `${at}/closID`,
        'rdt-group',
        `invalid intelRdt.ClosID ${show(closID)}: it is a name, or /`,
      )
    }
  }
  for (let i = 0; i < schemata.length; i++) {
    if (schemata[i] !== '' && !(schemata[i] as string).includes('\n')) continue
    return broken(`${at}/schemata/${i}`, 'rdt-line', `must be one line, is ${show(schemata[i] as string)}`)
  }
  return undefined
}
