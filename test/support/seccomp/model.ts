/** What a profile means, said without BPF: the verdicts that a filter must give. */
import { returnValue } from '../../../src/lower/seccomp/actions.js'
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../../src/spec/types.gen.js'

const low = 0xffffffffn

/** Whether a condition holds; on a 32-bit architecture only the low words count. */
export function holds(
  { index, op, value, valueTwo = 0n }: SeccompArg,
  args: readonly bigint[],
  wide: boolean,
): boolean {
  const cut = (x: number | bigint): bigint => (wide ? BigInt(x) : BigInt(x) & low)
  const a = cut(args[index] ?? 0n)
  const v = cut(value)
  if (op === 'SCMP_CMP_EQ') return a === v
  if (op === 'SCMP_CMP_NE') return a !== v
  if (op === 'SCMP_CMP_LT') return a < v
  if (op === 'SCMP_CMP_LE') return a <= v
  if (op === 'SCMP_CMP_GT') return a > v
  if (op === 'SCMP_CMP_GE') return a >= v
  return (a & v) === (cut(valueTwo) & v)
}

function matches({ args = [] }: SeccompSyscall, actual: readonly bigint[], wide: boolean): boolean {
  const doubled = new Set(args.map(one => one.index)).size !== args.length
  const all = args.map(one => holds(one, actual, wide))
  return doubled ? all.includes(true) : !all.includes(false)
}

/** Every verdict that the rules of `name` allow for these arguments: one, unless rules of two actions hold at once. */
export function verdicts(profile: Seccomp, name: string, args: readonly bigint[], wide: boolean): number[] {
  const otherwise = returnValue(profile.defaultAction, profile.defaultErrnoRet)
  const rules = (profile.syscalls ?? [])
    .filter(({ names }) => names.includes(name))
    .map(rule => ({ ...rule, value: returnValue(rule.action, rule.errnoRet) }))
    .filter(({ value }) => value !== otherwise)
  const plain = rules.find(({ args = [] }) => args.length === 0)
  if (plain !== undefined) return [plain.value]
  const found = new Set(rules.filter(rule => matches(rule, args, wide)).map(({ value }) => value))
  return found.size === 0 ? [otherwise] : [...found]
}

/** What each rule of `name` that holds asks for, also where another one has the last word. */
export function asked(
  { syscalls = [] }: Seccomp,
  name: string,
  args: readonly bigint[],
  wide: boolean,
): number[] {
  return syscalls
    .filter(rule => rule.names.includes(name) && matches(rule, args, wide))
    .map(({ action, errnoRet }) => returnValue(action, errnoRet))
}

/** The rules with conditions that decide about a call. */
export function conditional(profile: Seccomp, name: string): SeccompSyscall[] {
  return (profile.syscalls ?? []).filter(({ names, args = [] }) => names.includes(name) && args.length > 0)
}
