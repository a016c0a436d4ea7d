import { type Assembler, branch, op } from './assembler.js'
import type { Ranges } from './ranges.js'

/** Numbers of a leaf that are compared one by one: as many instructions as a deeper tree, and fewer in all. */
const singlesPerLeaf = 3

/** Runs of ranges with one outcome but for a few single numbers: leaf `i` starts at range `firsts[i]`. */
interface Leaves {
  readonly firsts: Uint16Array
  /** The slot of what is no single number. */
  readonly slots: Uint16Array
  count: number
}

function leaves({ starts, slots, count: length }: Ranges): Leaves {
  const out = { firsts: new Uint16Array(length + 1), slots: new Uint16Array(length), count: 0 }
  for (let i = 0; i < length; ) {
    out.firsts[out.count] = i
    let most = -1
    let last = -1
    for (let singles = 0; i < length; i++) {
      const slot = slots[i] as number
      if (slot === most) continue
      const single = i + 1 < length && starts[i + 1] === (starts[i] as number) + 1
      if (!single && most < 0) most = slot
      else if (single && singles < singlesPerLeaf) singles++
      else break
      last = slot
    }
    out.slots[out.count++] = most < 0 ? last : most
  }
  out.firsts[out.count] = length
  return out
}

/** Emits a search for the number in A; `label` gives where a number's slot goes on, emitting that if need be. */
export function emitTree(
  asm: Assembler,
  ranges: Ranges,
  label: (slot: number, number: number) => number,
): number {
  const { starts, slots } = ranges
  const all = leaves(ranges)
  const emitLeaf = (leaf: number): number => {
    const first = all.firsts[leaf] as number
    const most = all.slots[leaf] as number
    let at = label(most, starts[first] as number)
    for (let i = (all.firsts[leaf + 1] as number) - 1; i >= first; i--) {
      const slot = slots[i] as number
      const number = starts[i] as number
      if (slot !== most) at = branch(asm, op.equal, number, label(slot, number), at)
    }
    return at
  }
  const emit = (first: number, last: number): number => {
    if (first === last) return emitLeaf(first)
    const middle = (first + last + 1) >> 1
    const above = emit(middle, last)
    const below = emit(first, middle - 1)
    return branch(asm, op.atLeast, starts[all.firsts[middle] as number] as number, above, below)
  }
  return emit(0, all.count - 1)
}
