import { broken, hasNamespace, type SpecRule } from './rule.js'

/** __NEW_UTS_LEN of the kernel. */
const LONGEST = 64

/** sethostname(2) without a UTS namespace would rename the host. */
export const uts: SpecRule = spec => {
  for (const field of ['hostname', 'domainname'] as const) {
    const name = spec[field]
    if (name === undefined || name === '') continue
    if (!hasNamespace(spec, 'uts')) {
      return broken(
        `/${field}`,
        `${field}-needs-uts`,
        `unable to set ${field} without a private UTS namespace`,
      )
    }
    if (name.length > LONGEST) {
      return broken(`/${field}`, `${field}-length`, `must have at most ${LONGEST} bytes, has ${name.length}`)
    }
  }
  return undefined
}
