import { type Assembler, and, branch, giveBack, load, maxInstructions, op, tooLong } from './assembler.js'
import type { Alternative, Condition } from './rules.js'

/**
 * Rules with conditions become a graph of tests of 32-bit words, each with two ways on, and end in return values.
 * What a path has already learned is not asked again, and equal parts are made once.
 */
type Node = number | Test

interface Test {
  /** Offset of the word in struct seccomp_data. */
  readonly word: number
  /** Mask put over the word first, in which case the word itself is lost; `full` for none. */
  readonly mask: number
  readonly code: number
  readonly k: number
  readonly yes: Node
  readonly no: Node
  /** Whether some way here comes with another word in A. */
  reload: boolean
  seen: boolean
  /** Label with, and without, loading the word; -1 before it is emitted. */
  label: number
  inner: number
}

/** What a path knows of a word: that it equals `k`, or that it does not; and what it knew before. */
interface Fact {
  readonly word: number
  readonly equal: boolean
  readonly k: number
  readonly before: Facts
}
type Facts = Fact | undefined
type Then = (facts: Facts) => Node

/** Offset of args[0].low in struct seccomp_data; the high word follows each low one. */
const firstArgument = 16
const full = 0xffffffff

interface Build {
  readonly alternatives: readonly Alternative[]
  readonly wide: boolean
  readonly otherwise: number
  readonly tests: Test[]
  /** How often alternatives may still be worked out for one path alone, with the path's facts. */
  budget: number
  /** What follows from an alternative on when nothing is known, for after that. */
  readonly plain: Node[]
}

function holds(code: number, value: number, k: number): boolean {
  if (code === op.equal) return value === k
  if (code === op.greater) return value > k
  if (code === op.atLeast) return value >= k
  return (value & k) !== 0
}

function known(facts: Facts, word: number, mask: number, code: number, k: number): boolean | undefined {
  for (let fact = facts; fact !== undefined; fact = fact.before) {
    if (fact.word !== word) continue
    if (fact.equal) return holds(code, (fact.k & mask) >>> 0, k)
    if (mask === full && code === op.equal && fact.k === k) return false
  }
  return undefined
}

function test(
  b: Build,
  facts: Facts,
  word: number,
  mask: number,
  code: number,
  k: number,
  yes: Then,
  no: Then,
): Node {
  const answer = known(facts, word, mask, code, k)
  if (answer !== undefined) return answer ? yes(facts) : no(facts)
  const learns = mask === full && code === op.equal
  const onYes = yes(learns ? { word, equal: true, k, before: facts } : facts)
  const onNo = no(learns ? { word, equal: false, k, before: facts } : facts)
  if (onYes === onNo) return onYes
  const { tests } = b
  for (let i = tests.length - 1; i >= 0; i--) {
    const other = tests[i] as Test
    if (other.yes !== onYes || other.no !== onNo || other.word !== word || other.k !== k) continue
    if (other.mask === mask && other.code === code) return other
  }
  if (tests.length === maxInstructions) tooLong()
  const made = { word, mask, code, k, yes: onYes, no: onNo, reload: false, seen: false, label: -1, inner: -1 }
  tests.push(made)
  return made
}

/** Tests `(word & mask) == wanted`, without an AND where a single jump can tell. */
function masked(
  b: Build,
  facts: Facts,
  word: number,
  mask: number,
  wanted: number,
  yes: Then,
  no: Then,
): Node {
  if (mask === 0) return yes(facts)
  if (mask === full) return test(b, facts, word, full, op.equal, wanted, yes, no)
  if (wanted === 0) return test(b, facts, word, full, op.anyBit, mask, no, yes)
  const oneBit = (mask & (mask - 1)) === 0
  if (oneBit) return test(b, facts, word, full, op.anyBit, mask, yes, no)
  return test(b, facts, word, mask, op.equal, wanted, yes, no)
}

/** Tests `argument > value` (`code` greater) or `argument >= value` (atLeast). */
function ordered(b: Build, facts: Facts, c: Condition, code: number, yes: Then, no: Then): Node {
  const low = firstArgument + 8 * c.index
  const byLow: Then = facts => test(b, facts, low, full, code, c.low, yes, no)
  if (!b.wide) return byLow(facts)
  const equal: Then = facts => test(b, facts, low + 4, full, op.equal, c.high, byLow, no)
  return test(b, facts, low + 4, full, op.greater, c.high, yes, equal)
}

function one(b: Build, facts: Facts, c: Condition, yes: Then, no: Then): Node {
  switch (c.op) {
    case 'SCMP_CMP_GT':
      return ordered(b, facts, c, op.greater, yes, no)
    case 'SCMP_CMP_GE':
      return ordered(b, facts, c, op.atLeast, yes, no)
    case 'SCMP_CMP_LE':
      return ordered(b, facts, c, op.greater, no, yes)
    case 'SCMP_CMP_LT':
      return ordered(b, facts, c, op.atLeast, no, yes)
    case 'SCMP_CMP_NE':
      return equality(b, facts, c, no, yes)
    case 'SCMP_CMP_EQ':
    case 'SCMP_CMP_MASKED_EQ':
      return equality(b, facts, c, yes, no)
  }
}

function equality(b: Build, facts: Facts, c: Condition, yes: Then, no: Then): Node {
  const word = firstArgument + 8 * c.index
  const byLow: Then = facts => masked(b, facts, word, c.maskLow, c.low, yes, no)
  return b.wide ? masked(b, facts, word + 4, c.maskHigh, c.high, byLow, no) : byLow(facts)
}

function conjunction(b: Build, facts: Facts, which: number, from: number, no: Then): Node {
  const { conditions, value } = b.alternatives[which] as Alternative
  const condition = conditions[from]
  if (condition === undefined) return value
  return one(b, facts, condition, facts => conjunction(b, facts, which, from + 1, no), no)
}

/** Tries the alternatives from one on. Paths that bring other facts multiply, so they may only for a while. */
function alternatives(b: Build, facts: Facts, from: number): Node {
  if (from === b.alternatives.length) return b.otherwise
  const next: Then = facts => alternatives(b, facts, from + 1)
  if (b.budget-- > 0) return conjunction(b, facts, from, 0, next)
  b.plain[from] ??= conjunction(b, undefined, from, 0, next)
  return b.plain[from] as Node
}

/** Finds the tests that some way reaches with something else than their word in A. */
function markReloads(node: Node, held: number): void {
  if (typeof node === 'number') return
  if (held !== node.word) node.reload = true
  if (node.seen) return
  node.seen = true
  const left = node.mask === full ? node.word : -1
  markReloads(node.yes, left)
  markReloads(node.no, left)
}

function place(asm: Assembler, node: Node): void {
  if (typeof node === 'number' || node.label >= 0) return
  place(asm, node.no)
  place(asm, node.yes)
  const held = node.mask === full ? node.word : -1
  const no = target(asm, node.no, held)
  const yes = target(asm, node.yes, held)
  node.inner = branch(asm, node.code, node.k, yes, no)
  if (node.mask !== full) node.inner = and(asm, node.mask)
  node.label = node.reload ? load(asm, node.word) : node.inner
}

function target(asm: Assembler, node: Node, held: number): number {
  if (typeof node === 'number') return giveBack(asm, node)
  return held === node.word ? node.inner : node.label
}

/** Emits what decides between the alternatives and `otherwise`; gives its label. The accumulator may hold anything. */
export function emitConditions(
  asm: Assembler,
  alternativesOfCall: readonly Alternative[],
  wide: boolean,
  otherwise: number,
): number {
  const budget = 50 + 8 * alternativesOfCall.length
  const b: Build = { alternatives: alternativesOfCall, wide, otherwise, tests: [], budget, plain: [] }
  const root = alternatives(b, undefined, 0)
  markReloads(root, -1)
  place(asm, root)
  return target(asm, root, -1)
}
