/** Random profiles from a seed, and the calls that tell filters for them apart. */
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../../src/spec/types.gen.js'

/** mulberry32: the same numbers for the same seed. */
export function generator(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let z = Math.imul(state ^ (state >>> 15), 1 | state)
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z
    return ((z ^ (z >>> 14)) >>> 0) % below
  }
}

type Random = (below: number) => number
const pick = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T

export const ops: readonly SeccompArg['op'][] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]

/** Values at the edges of words. */
export const edges: readonly bigint[] = [
  0n,
  1n,
  2n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x100000001n,
  0x1ffffffffn,
  0x8000000000000000n,
  0xffffffff00000000n,
  0xffffffffffffffffn,
]

export function condition(random: Random, index: number): SeccompArg {
  const op = pick(random, ops)
  const value = pick(random, edges)
  if (op !== 'SCMP_CMP_MASKED_EQ') return { index, op, value: random(2) === 0 ? BigInt(random(6)) : value }
  const mask = random(3) === 0 ? 1n << BigInt(random(64)) : value
  return { index, op, value: mask, valueTwo: pick(random, [0n, mask, pick(random, edges)]) }
}

/** The values to try for one argument of a profile: each constant, and its neighbours in both words. */
export function interesting(args: readonly SeccompArg[]): bigint[] {
  const out = new Set<bigint>([0n, 0xffffffffffffffffn])
  for (const { value, valueTwo = 0n } of args) {
    for (const base of [BigInt(value), BigInt(valueTwo), BigInt(value) & BigInt(valueTwo)]) {
      for (const step of [0n, 1n, -1n, 1n << 32n, -(1n << 32n), 1n << 63n])
        out.add((base + step) & 0xffffffffffffffffn)
    }
  }
  return [...out]
}

export interface Shape {
  readonly names: readonly string[]
  readonly architectures: readonly string[]
  /** Actions of the rules; the default action is the first. */
  readonly actions: readonly Seccomp['defaultAction'][]
}

/** A profile with plain rules for most of `names`, and rules with conditions for some. */
export function profile(random: Random, { names, architectures, actions }: Shape): Seccomp {
  const syscalls: SeccompSyscall[] = []
  const [defaultAction, ...others] = actions
  for (const action of others) {
    const some = names.filter(() => random(3) === 0)
    if (some.length > 0) syscalls.push({ names: some, action })
  }
  const called = pick(random, [3, 5])
  const busy = Array.from({ length: called }, () => pick(random, names))
  for (let i = random(12); i >= 0; i--) {
    const indexes = [0, 1, 2, 5].filter(() => random(3) === 0)
    if (indexes.length === 0) indexes.push(random(6))
    const args = indexes.map(index => condition(random, index))
    syscalls.push({ names: [pick(random, busy), pick(random, busy)], action: pick(random, others), args })
  }
  return {
    defaultAction: defaultAction as Seccomp['defaultAction'],
    architectures: architectures as NonNullable<Seccomp['architectures']>,
    syscalls: syscalls.sort(() => random(2) - 0.5),
  }
}
