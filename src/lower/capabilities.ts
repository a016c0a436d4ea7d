import { capabilityNames } from '../base/capabilities.js'
import type { Op } from '../plan/op.js'
import type { Capabilities } from '../spec/types.gen.js'
import type { Input } from './input.js'

const bitOf = (number: number): number => 2 ** number

/** Whether the mask (up to 2^53, so no 32-bit operators) has this capability. */
export const has = (mask: number, number: number): boolean => Math.floor(mask / bitOf(number)) % 2 === 1

/** The bit mask of a set. Unknown names are no error (config.md): a warning each. */
function maskOf(input: Input, set: keyof Capabilities, limit: number | undefined): number {
  let mask = 0
  const names = input.process.capabilities?.[set] ?? []
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    const number = capabilityNames.indexOf(name)
    const at = `/process/capabilities/${set}/${i}`
    if (number < 0 || number > input.host.lastCapability)
      input.warn(at, `${name} is unknown to this kernel: ignored`)
    else if (limit !== undefined && !has(limit, number))
      input.warn(at, `${name} is not tsrun's own to give: ignored`)
    else if (!has(mask, number)) mask += bitOf(number)
  }
  return mask
}

/** Every bit that both have. Masks are beyond 32 bits, where the operators of numbers end. */
function intersect(a: number, b: number): number {
  return a === b ? a : Number(BigInt(a) & BigInt(b))
}

/** What the two halves below share. */
export interface CapabilitySets {
  readonly bounding: number
  readonly effective: number
  readonly permitted: number
  readonly inheritable: number
  readonly ambient: number
}

/**
 * The five sets as masks; absent `capabilities` leaves the process what it has (as runc). A process cannot hold what the
 * runtime itself lacks: that is clipped with a warning rather than failing (docker --privileged asks for all).
 */
export function capabilitySets(input: Input): CapabilitySets | undefined {
  if (input.process.capabilities === undefined) return undefined
  // A new user namespace starts with every capability, whatever its maker holds.
  const limit = input.userNamespace ? undefined : input.host.capabilities
  const permitted = maskOf(input, 'permitted', limit)
  const inheritable = maskOf(input, 'inheritable', limit)
  return {
    bounding: maskOf(input, 'bounding', undefined),
    effective: intersect(maskOf(input, 'effective', limit), permitted),
    permitted,
    inheritable,
    // The kernel demands both sets of an ambient capability (capabilities(7)).
    ambient: intersect(intersect(maskOf(input, 'ambient', limit), permitted), inheritable),
  }
}

/** Before the change of user: the bounding set needs CAP_SETPCAP, keeping capabilities its flag. */
export function limitCapabilities(input: Input, sets: CapabilitySets | undefined, out: Op[]): void {
  if (sets === undefined) return
  const at = '/process/capabilities'
  const last = input.host.lastCapability
  out.push({ op: 'drop_bounding', by: 'init', at: `${at}/bounding`, keep: sets.bounding, last })
  out.push({ op: 'keep_capabilities', by: 'init', at })
}

/** After the change of user. */
export function setCapabilities(sets: CapabilitySets | undefined, out: Op[]): void {
  if (sets === undefined) return
  const { effective, permitted, inheritable, ambient } = sets
  out.push({ op: 'capset', by: 'init', at: '/process/capabilities', effective, permitted, inheritable })
  out.push({
    op: 'raise_ambient',
    by: 'init',
    at: '/process/capabilities/ambient',
    mask: ambient,
    tolerate: ['EINVAL'],
  })
}
