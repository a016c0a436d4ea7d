import { type Arch, type Section, x32Bit, x86Audit } from './archs.js'
import { isMultiplexed, multiplex, restore } from './multiplex.js'
import { asDefault, type Rules, unnamed } from './rules.js'
import type { SyscallTable } from './syscalls.gen.js'

/**
 * All 32-bit syscall numbers as ranges: the one from `starts[i]` up to the next start has outcome `slots[i]`.
 * Neighbours differ.
 */
export interface Ranges {
  readonly starts: number[]
  readonly slots: number[]
}

/** The slots of what is no rule's outcome. */
export interface Fixed {
  readonly badArch: number
  /** Slot of ENOSYS for calls newer than any that the profile names; undefined where those get the default action. */
  readonly newer: number | undefined
}

function push(ranges: Ranges, start: number, slot: number): void {
  const { starts, slots } = ranges
  const at = slot === unnamed ? asDefault : slot
  if (slots[slots.length - 1] === at) return
  if (starts[starts.length - 1] === start) {
    slots.pop()
    starts.pop()
    push(ranges, start, at)
    return
  }
  starts.push(start)
  slots.push(at)
}

/** The largest number that the profile names, 0 for none: where new calls begin. As other runtimes count. */
function largest(slots: Uint16Array, { base, high, at }: SyscallTable, multiplexed: boolean): number {
  for (let i = high.length - 2; i >= 0; i -= 2) {
    if (slots[high[i + 1] as number] !== unnamed) return high[i] as number
  }
  for (let i = at.length - 1; i >= 0; i--) {
    const position = at.charCodeAt(i)
    if (position === 0 || slots[position] === unnamed) continue
    if (!multiplexed || !isMultiplexed(position)) return base + i
  }
  return 0
}

/** Adds the numbers of one architecture, `offset` added to each; gives the slot of those beyond. */
function addTable(ranges: Ranges, rules: Rules, arch: Arch, fixed: Fixed, offset: number): number {
  const { slots } = rules
  const { base, high, at } = arch.table
  const newest = fixed.newer === undefined ? 0 : largest(slots, arch.table, arch.multiplexed)
  const beyond = newest === 0 ? asDefault : (fixed.newer as number)
  const changed = arch.multiplexed ? multiplex(rules) : []
  const length = newest === 0 ? at.length : Math.min(at.length, newest + 1 - base)
  push(ranges, offset, asDefault)
  let last = asDefault
  for (let i = 0; i < length; i++) {
    const slot = (slots[at.charCodeAt(i)] as number) || asDefault
    if (slot === last) continue
    push(ranges, base + i + offset, slot)
    last = slot
  }
  restore(rules, changed)
  const end = base + length
  push(ranges, end + offset, newest < end ? beyond : asDefault)
  if (newest !== 0 && newest < end) return beyond
  for (let i = 0; i < high.length; i += 2) {
    const number = high[i] as number
    if (newest !== 0 && number > newest) break
    push(ranges, number, slots[high[i + 1] as number] as number)
    push(ranges, number + 1, number === newest ? beyond : asDefault)
  }
  return beyond
}

/**
 * The ranges of one section. Bit 30 marks a call as x32. Where the profile does not have x32, such a call is one of
 * an unknown architecture, but for number -1, with which tracers skip a call (seccomp(2)).
 */
export function sectionRanges(rules: Rules, { main, x32, audit }: Section, fixed: Fixed): Ranges {
  const ranges: Ranges = { starts: [], slots: [] }
  if (audit !== x86Audit) {
    if (main !== undefined) addTable(ranges, rules, main, fixed, 0)
    return ranges
  }
  push(ranges, 0, fixed.badArch)
  const beyond = main === undefined ? fixed.badArch : addTable(ranges, rules, main, fixed, 0)
  if (x32 === undefined) {
    push(ranges, x32Bit, fixed.badArch)
    push(ranges, 2 * x32Bit, beyond === asDefault ? fixed.badArch : beyond)
    push(ranges, 3 * x32Bit, fixed.badArch)
    push(ranges, 0xffffffff, asDefault)
    return ranges
  }
  const beyondX32 = addTable(ranges, rules, x32, fixed, x32Bit)
  push(ranges, 2 * x32Bit, main === undefined ? asDefault : beyond)
  push(ranges, 3 * x32Bit, beyondX32)
  return ranges
}
