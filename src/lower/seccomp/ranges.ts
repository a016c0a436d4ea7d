import { type Arch, type Section, x32Bit, x86Audit } from './archs.js'
import { isMultiplexed, multiplex, restore } from './multiplex.js'
import { asDefault, exceptions, type Rules, unnamed } from './rules.js'
import type { SyscallTable } from './syscalls.gen.js'

/**
 * All 32-bit syscall numbers as ranges: the one from `starts[i]` up to the next start has outcome `slots[i]`.
 * Neighbours differ. Arrays of a fixed kind, because an array's push is the slowest thing of all in QuickJS.
 */
export interface Ranges {
  readonly starts: Uint32Array
  readonly slots: Uint16Array
  count: number
}

/** Each number of two tables on its own, and some more. */
const maxRanges = 2048

/** The slots of what is no rule's outcome. */
export interface Fixed {
  readonly badArch: number
  /** Slot of ENOSYS for calls newer than any that the profile names; undefined where those get the default action. */
  readonly newer: number | undefined
}

function push(ranges: Ranges, start: number, slot: number): void {
  const { starts, slots } = ranges
  const at = slot === unnamed ? asDefault : slot
  let { count } = ranges
  if (count > 0 && starts[count - 1] === start) count--
  if (count === 0 || slots[count - 1] !== at) {
    starts[count] = start
    slots[count] = at
    count++
  }
  ranges.count = count
}

/**
 * Where a table departs from the common slot: `number << 16 | slot`, ascending. A slot with this bit is a gap of the
 * table instead, its lower bits the length.
 */
const gap = 0x8000

function departures(rules: Rules, indexes: Uint16Array, { at, gaps }: SyscallTable): Uint32Array {
  const { slots } = rules
  const keys = new Uint32Array(indexes.length + gaps.length / 2)
  let count = 0
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i] as number
    const one = at.charCodeAt(index)
    if (one > 0) keys[count++] = (one - 1) * 65536 + (slots[index] as number)
  }
  for (let i = 0; i < gaps.length; i += 2) {
    keys[count++] = gaps.charCodeAt(i) * 65536 + gap + gaps.charCodeAt(i + 1)
  }
  return keys.subarray(0, count).sort()
}

/** All calls that a multiplexer serves got numbers of their own with Linux 5.1, the last of them this one. */
const newestMultiplexed = 402

/**
 * The largest number that the profile names, 0 for none: where new calls begin. As other runtimes count, for whom
 * calls that a multiplexer serves have no number.
 */
function largest(rules: Rules, keys: Uint32Array, { table, multiplexed }: Arch): number {
  const { slots, common } = rules
  const { high, last } = table
  for (let i = high.length - 2; i >= 0; i -= 2) {
    if (slots[high[i + 1] as number] !== unnamed) return high[i] as number
  }
  let i = keys.length - 1
  for (let number = last; number > 0; number--) {
    while (i >= 0 && (keys[i] as number) >>> 16 > number) i--
    const slot = (keys[i] ?? 0) & 0xffff
    const from = i < 0 ? -1 : (keys[i] as number) >>> 16
    const to = from + (slot < gap ? 1 : slot - gap)
    const named = number < to ? slot !== unnamed && slot < gap : common !== unnamed
    if (named && (!multiplexed || number > newestMultiplexed || !isMultiplexed(rules, table, number)))
      return number
  }
  return 0
}

/** Adds the numbers of one architecture, `offset` added to each; gives the slot of those beyond. */
function addTable(ranges: Ranges, rules: Rules, arch: Arch, fixed: Fixed, offset: number): number {
  const { slots, common } = rules
  const { base, high, last } = arch.table
  const start = base + offset
  let keys = departures(rules, rules.exceptions, arch.table)
  const newest = fixed.newer === undefined ? 0 : largest(rules, keys, arch)
  const beyond = newest === 0 ? asDefault : (fixed.newer as number)
  const changed = arch.multiplexed ? multiplex(rules) : []
  if (changed.length > 0) keys = departures(rules, exceptions(slots, common), arch.table)
  restore(rules, changed)
  const end = newest === 0 || newest > last ? last + 1 : newest + 1
  push(ranges, offset, asDefault)
  let next = 0
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number
    const number = key >>> 16
    const slot = key & 0xffff
    if (number >= end) break
    if (number > next) push(ranges, start + next, common)
    push(ranges, start + number, slot < gap ? slot : asDefault)
    next = number + (slot < gap ? 1 : slot - gap)
  }
  if (next < end) push(ranges, start + next, common)
  push(ranges, start + end, newest < end ? beyond : asDefault)
  if (newest !== 0 && newest < end) return beyond
  for (let i = 0; i < high.length; i += 2) {
    const number = high[i] as number
    if (newest !== 0 && number > newest) break
    push(ranges, start + number, slots[high[i + 1] as number] as number)
    push(ranges, start + number + 1, number === newest ? beyond : asDefault)
  }
  return beyond
}

/**
 * The ranges of one section. Bit 30 marks a call as x32. Where the profile does not have x32, such a call is one of
 * an unknown architecture, but for number -1, with which tracers skip a call (seccomp(2)).
 */
export function sectionRanges(rules: Rules, { main, x32, audit }: Section, fixed: Fixed): Ranges {
  const ranges = { starts: new Uint32Array(maxRanges), slots: new Uint16Array(maxRanges), count: 0 }
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
