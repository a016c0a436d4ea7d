import { ConfigError } from '../../base/errors.js'

/** Instruction codes of classic BPF, linux/bpf_common.h. */
export const op = {
  load: 0x20, // A = word of seccomp_data at k
  and: 0x54, // A &= k
  jump: 0x05,
  equal: 0x15,
  greater: 0x25,
  atLeast: 0x35,
  anyBit: 0x45,
  return: 0x06,
} as const

/** BPF_MAXINSNS, the kernel's limit. */
export const maxInstructions = 4096

/** Conditional jumps reach 255 instructions; the rest is room for what a jump's own targets may add before it. */
const reach = 250

/**
 * A program that grows from its last instruction to its first. Jumps only go forward, so every target is there before
 * the jump, and one that is too far away is brought near at once. Labels count instructions from the end.
 */
export interface Assembler {
  readonly words: Uint32Array
  /** Instructions so far. */
  count: number
  /** The nearest `return` of each value. */
  readonly returns: Map<number, number>
  /** The nearest copy of a far label: a plain jump to it. */
  readonly near: Map<number, number>
}

export function assembler(): Assembler {
  return { words: new Uint32Array(2 * maxInstructions), count: 0, returns: new Map(), near: new Map() }
}

export function tooLong(): never {
  const text = `the filter needs more than the ${maxInstructions} instructions that Linux takes: use fewer rules`
  throw new ConfigError('/linux/seccomp', 'seccomp-size', text)
}

function emit(asm: Assembler, code: number, k: number): number {
  if (asm.count === maxInstructions) tooLong()
  const at = 2 * (maxInstructions - 1 - asm.count)
  asm.words[at] = code
  asm.words[at + 1] = k
  return asm.count++
}

export function load(asm: Assembler, offset: number): number {
  return emit(asm, op.load, offset)
}

export function and(asm: Assembler, mask: number): number {
  return emit(asm, op.and, mask)
}

/** Whether a conditional jump can still go there, now and for a few instructions more. */
export function isNear({ count }: Assembler, label: number): boolean {
  return count - label <= reach
}

/** A `return` of that value within reach. */
export function giveBack(asm: Assembler, value: number): number {
  const known = asm.returns.get(value)
  if (known !== undefined && asm.count - known <= reach) return known
  const label = emit(asm, op.return, value)
  asm.returns.set(value, label)
  return label
}

function within(asm: Assembler, label: number): number {
  if (asm.count - label <= reach) return label
  const known = asm.near.get(label)
  if (known !== undefined && asm.count - known <= reach) return known
  const copy = emit(asm, op.jump, asm.count - label - 1)
  asm.near.set(label, copy)
  return copy
}

/** Compares A with `k`; gives the label of the comparison. Written out, as most instructions come from here. */
export function branch(asm: Assembler, code: number, k: number, yes: number, no: number): number {
  let { count } = asm
  let onNo = no
  let onYes = yes
  if (count - no > reach || count - yes > reach) {
    onNo = within(asm, no)
    onYes = within(asm, yes)
    count = asm.count
  }
  if (count === maxInstructions) tooLong()
  const at = 2 * (maxInstructions - 1 - count)
  asm.words[at] = code | ((count - 1 - onYes) << 16) | ((count - 1 - onNo) << 24)
  asm.words[at + 1] = k
  asm.count = count + 1
  return count
}

/** Loads the word at `offset` and goes on at `label`, which may be far. */
export function loadThen(asm: Assembler, offset: number, label: number): number {
  if (label !== asm.count - 1) emit(asm, op.jump, asm.count - label - 1)
  return load(asm, offset)
}

/** The bytes of struct sock_filter[], little endian like every machine that this runs on. */
export function program(asm: Assembler): Uint8Array {
  return new Uint8Array(asm.words.slice(2 * (maxInstructions - asm.count)).buffer)
}
