import { ConfigError } from '../../base/errors.js'
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../spec/types.gen.js'
import { returnValue } from './actions.js'
import { tooLong } from './assembler.js'
import { nameCount, nameIndexes } from './syscalls.gen.js'

/** One condition, its value split into words. A mask of all ones unless the comparison is MASKED_EQ. */
export interface Condition {
  readonly index: number
  readonly op: SeccompArg['op']
  readonly high: number
  readonly low: number
  readonly maskHigh: number
  readonly maskLow: number
}

/** A rule with conditions: all of them must hold. They are sorted by argument. */
export interface Alternative {
  readonly conditions: readonly Condition[]
  readonly value: number
}

/** What happens to a syscall: a return value, or the value of the first alternative that holds. */
export type Outcome = number | readonly Alternative[]

/** Slot 0: no rule names the syscall. Slot 1: a rule does, with the default action. */
export const unnamed = 0
export const asDefault = 1

/** A profile by syscall: `slots[index of the name]` is an index of `outcomes`. */
export interface Rules {
  readonly slots: Uint16Array
  readonly outcomes: Outcome[]
  readonly indexes: { readonly [name: string]: unknown }
  /** The slot that most names are expected to have. */
  readonly common: number
  /** The indexes of names with another one. */
  readonly exceptions: Uint16Array
  /** Names that no architecture has. */
  readonly unknown: string[]
}

const full = 0xffffffff
const pointer = (i: number, rest: string) => `/linux/seccomp/syscalls/${i}/${rest}`

/** The upper 32 bits of a number or bigint below 2^64; `>>> 0` gives the lower ones of a number. */
const highWord = (value: number | bigint) =>
  typeof value === 'number' ? Math.floor(value / 4294967296) : Number(value >> 32n)
const lowWord = (value: number | bigint) =>
  typeof value === 'number' ? value >>> 0 : Number(value & 0xffffffffn)

function condition({ index, op, value, valueTwo }: SeccompArg): Condition {
  if (op !== 'SCMP_CMP_MASKED_EQ') {
    return { index, op, high: highWord(value), low: lowWord(value), maskHigh: full, maskLow: full }
  }
  const wanted = valueTwo ?? 0
  const maskHigh = highWord(value)
  const maskLow = lowWord(value)
  // bits outside of the mask are ignored, as libseccomp does
  const high = (highWord(wanted) & maskHigh) >>> 0
  const low = (lowWord(wanted) & maskLow) >>> 0
  return { index, op, high, low, maskHigh, maskLow }
}

/**
 * The alternatives of one entry: one with all its conditions, unless two look at the same argument. libseccomp takes
 * only one condition per argument; other runtimes then make every condition a rule of its own, and so do we.
 */
function alternatives(args: readonly SeccompArg[], value: number): Alternative[] {
  const conditions = args.map(condition)
  const split = conditions.some((one, i) => conditions.findIndex(other => other.index === one.index) !== i)
  if (split) return conditions.map(one => ({ conditions: [one], value }))
  return [{ conditions: conditions.sort((a, b) => a.index - b.index), value }]
}

/** Comparisons in the order in which libseccomp tries them: the narrowest first. */
const rank = {
  SCMP_CMP_EQ: 3,
  SCMP_CMP_NE: 3,
  SCMP_CMP_MASKED_EQ: 3,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 2,
  SCMP_CMP_GT: 1,
  SCMP_CMP_GE: 1,
} as const

/** Names of the comparisons, for `features`. */
export const operatorNames = (): (keyof typeof rank)[] => Object.keys(rank) as (keyof typeof rank)[]

function compare(a: Condition, b: Condition): number {
  if (a.index !== b.index) return b.index - a.index
  const byRank = rank[b.op] - rank[a.op]
  if (byRank !== 0) return byRank
  const byValue = b.high - a.high || b.low - a.low
  return rank[a.op] === 2 ? -byValue : byValue
}

function compareAlternatives(a: Alternative, b: Alternative): number {
  const length = Math.min(a.conditions.length, b.conditions.length)
  for (let i = 0; i < length; i++) {
    const order = compare(a.conditions[i] as Condition, b.conditions[i] as Condition)
    if (order !== 0) return order
  }
  return 0
}

function sameCondition(a: Condition, b: Condition | undefined): boolean {
  if (b === undefined || a.index !== b.index || a.op !== b.op) return false
  return a.high === b.high && a.low === b.low && a.maskHigh === b.maskHigh && a.maskLow === b.maskLow
}

function sameConditions({ conditions: a }: Alternative, { conditions: b }: Alternative): boolean {
  return a.length === b.length && a.every((one, i) => sameCondition(one, b[i]))
}

/** Chooses between the return values of two alternatives with the same conditions. */
export type Choose = (a: number, b: number) => number

/**
 * Joins the alternatives of two rules for one syscall. Where several hold for a call, the order decides, and it is
 * libseccomp's: conditions on a later argument first, then the narrower comparison, then the order of the profile.
 * `clash` hears of two that differ only in their action.
 */
export function join(a: readonly Alternative[], b: readonly Alternative[], choose: Choose): Alternative[] {
  const out = a.slice()
  for (let i = 0; i < b.length; i++) {
    const one = b[i] as Alternative
    const j = out.findIndex(other => sameConditions(one, other))
    const same = out[j]
    if (same === undefined) out.push(one)
    else if (same.value !== one.value) out[j] = { ...same, value: choose(same.value, one.value) }
  }
  return out.sort(compareAlternatives)
}

/** Tables take that many slots: more rules would not fit into a filter anyway. */
const maxSlots = 0x7fff

/** Reads a profile's rules. Errors are ConfigErrors with the rule's pointer. */
export function readRules(profile: Seccomp, defaultValue: number): Rules {
  const slots = new Uint16Array(nameCount)
  const outcomes: Outcome[] = [defaultValue, defaultValue]
  const unknown: string[] = []
  const joined = new Map<number, number>()
  const indexes = nameIndexes()
  let common = unnamed
  const entries = profile.syscalls ?? []
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as SeccompSyscall
    const slot = slotOf(outcomes, entry, defaultValue)
    const conditional = typeof outcomes[slot] !== 'number'
    const { names } = entry
    if (2 * names.length > nameCount) common = slot
    for (let j = 0; j < names.length; j++) {
      const name = names[j] as string
      const index = indexes[name]
      if (typeof index !== 'number') {
        if (!unknown.includes(name)) unknown.push(name)
        continue
      }
      const before = slots[index] as number
      if (before <= asDefault) {
        slots[index] = slot
      } else if (slot !== asDefault && slot !== before && typeof outcomes[before] !== 'number') {
        // a rule without conditions takes precedence over those with, and the first such rule over the others
        slots[index] = conditional ? both(outcomes, joined, before, slot, pointer(i, 'args'), name) : slot
      }
    }
    if (outcomes.length > maxSlots) tooLong()
  }
  return { slots, outcomes, indexes, common, exceptions: exceptions(slots, common), unknown }
}

/** The indexes of names whose slot is not the common one. */
export function exceptions(slots: Uint16Array, common: number): Uint16Array {
  const out = new Uint16Array(nameCount)
  let count = 0
  for (let i = 0; i < nameCount; i++) if (slots[i] !== common) out[count++] = i
  return out.subarray(0, count)
}

/** The slot of an entry's outcome. A rule with the default action changes nothing: libseccomp has none of those. */
function slotOf(outcomes: Outcome[], entry: SeccompSyscall, defaultValue: number): number {
  const value = returnValue(entry.action, entry.errnoRet)
  if (value === defaultValue) return asDefault
  const { args } = entry
  if (args !== undefined && args.length > 0) return outcomes.push(alternatives(args, value)) - 1
  return slotOfValue(outcomes, value)
}

/** The slot of a return value; `asDefault` for the default one. */
export function slotOfValue(outcomes: Outcome[], value: number): number {
  const known = outcomes.indexOf(value, asDefault)
  return known < 0 ? outcomes.push(value) - 1 : known
}

function both(
  outcomes: Outcome[],
  joined: Map<number, number>,
  before: number,
  slot: number,
  at: string,
  name: string,
): number {
  const key = before * 65536 + slot
  let out = joined.get(key)
  if (out === undefined) {
    const refuse = () => {
      throw new ConfigError(at, 'seccomp-conflict', `two rules for ${name} differ only in their action`)
    }
    const a = outcomes[before] as readonly Alternative[]
    out = outcomes.push(join(a, outcomes[slot] as readonly Alternative[], refuse)) - 1
    joined.set(key, out)
  }
  return out
}
