import { rlimitNames } from '../../base/rlimits.js'
import { show } from '../pointer.js'
import { broken, type ProcessRule } from './rule.js'

/** runc's words, which engines know. */
export const command: ProcessRule = (process, at) => {
  if (process.cwd === '') return broken(`${at}/cwd`, 'cwd-absolute', 'Cwd property must not be empty')
  if (process.cwd.charAt(0) !== '/') {
    return broken(`${at}/cwd`, 'cwd-absolute', `Cwd must be an absolute path, is ${show(process.cwd)}`)
  }
  if (process.args === undefined || process.args.length === 0) {
    return broken(`${at}/args`, 'args-empty', 'args must not be empty')
  }
  return undefined
}

/** The texts show no entry: one without = may well be a secret. */
export const environment: ProcessRule = (process, at) => {
  const env = process.env
  if (env === undefined) return undefined
  for (let i = 0; i < env.length; i++) {
    const equals = (env[i] as string).indexOf('=')
    if (equals > 0) continue
    const fault = equals === 0 ? 'name cannot be empty' : "missing '='"
    return broken(`${at}/env/${i}`, 'env-form', `invalid environment variable: ${fault}`)
  }
  return undefined
}

export const rlimits: ProcessRule = (process, at) => {
  const limits = process.rlimits
  if (limits === undefined) return undefined
  let seen = 0
  for (let i = 0; i < limits.length; i++) {
    const { type, soft, hard } = limits[i] as (typeof limits)[number]
    const here = `${at}/rlimits/${i}`
    const number = rlimitNames.indexOf(type)
    if (number === -1) {
      return broken(`${here}/type`, 'rlimit-type', `wrong rlimit value: ${show(type)} is no limit of Linux`)
    }
    if ((seen & (1 << number)) !== 0) {
      return broken(`${here}/type`, 'rlimit-twice', `duplicated rlimit ${type}: each may be set once`)
    }
    seen |= 1 << number
    if (soft > hard) {
      return broken(here, 'rlimit-soft-hard', `soft limit ${soft} of ${type} is above its hard limit ${hard}`)
    }
  }
  return undefined
}
