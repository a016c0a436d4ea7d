import { type Assembler, branch, op } from './assembler.js'
import type { Ranges } from './ranges.js'

/** Numbers of a leaf that are compared one by one: as many instructions as a deeper tree, and fewer in all. */
const singlesPerLeaf = 3

/** A run of ranges that have one outcome but for a few single numbers. */
interface Leaf {
  readonly start: number
  /** The outcome's slot. */
  readonly most: number
  /** `[number, slot, …]` of the others. */
  readonly singles: readonly number[]
}

function leaves({ starts, slots }: Ranges): Leaf[] {
  const out: Leaf[] = []
  const { length } = starts
  for (let i = 0; i < length; ) {
    const start = starts[i] as number
    const singles: number[] = []
    let most = -1
    for (; i < length; i++) {
      const slot = slots[i] as number
      if (slot === most) continue
      const number = starts[i] as number
      const single = starts[i + 1] === number + 1
      if (!single && most < 0) most = slot
      else if (single && singles.length < 2 * singlesPerLeaf) singles.push(number, slot)
      else break
    }
    if (most < 0) most = singles.splice(-2)[1] as number
    out.push({ start, most, singles })
  }
  return out
}

/** Emits a search for the number in A; `label` gives where a number's slot goes on, emitting that if need be. */
export function emitTree(
  asm: Assembler,
  ranges: Ranges,
  label: (slot: number, number: number) => number,
): number {
  const all = leaves(ranges)
  const emitLeaf = ({ start, most, singles }: Leaf): number => {
    let at = label(most, start)
    for (let i = singles.length - 2; i >= 0; i -= 2) {
      const number = singles[i] as number
      at = branch(asm, op.equal, number, label(singles[i + 1] as number, number), at)
    }
    return at
  }
  const emit = (first: number, last: number): number => {
    if (first === last) return emitLeaf(all[first] as Leaf)
    const middle = (first + last + 1) >> 1
    const above = emit(middle, last)
    const below = emit(first, middle - 1)
    return branch(asm, op.atLeast, (all[middle] as Leaf).start, above, below)
  }
  return emit(0, all.length - 1)
}
