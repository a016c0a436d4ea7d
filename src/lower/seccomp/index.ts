/**
 * Compiles a seccomp profile to the BPF program that the kernel runs before every system call of the container. Its
 * verdicts are libseccomp's (which the tests hold it against), with the part that other runtimes put before it:
 * calls newer than any that the profile names get ENOSYS, so that libraries fall back to older ones.
 */
import type { Seccomp } from '../../spec/types.gen.js'
import { badArch, enosys, filterFlags, hidesNewCalls, returnValue } from './actions.js'
import { type Section, sections, x32Bit } from './archs.js'
import { type Assembler, assembler, branch, giveBack, isNear, loadThen, op, program } from './assembler.js'
import { emitConditions } from './conditions.js'
import { type Fixed, sectionRanges } from './ranges.js'
import { type Outcome, type Rules, readRules, slotOfValue } from './rules.js'
import { emitTree } from './tree.js'

export { archNames } from './archs.js'

export interface CompileOptions {
  /** Whether calls newer than the profile get ENOSYS; true when absent. */
  readonly newCalls?: boolean
}

export interface Filter {
  /** struct sock_filter[], little endian. */
  readonly program: Uint8Array
  /** Names of flags for seccomp(2). */
  readonly flags: readonly string[]
  /** Names in the profile that no architecture has; such rules are skipped, as profiles are written for many kernels. */
  readonly unknown: readonly string[]
}

/** Offsets in struct seccomp_data. */
const number = 0
const audit = 4

/** Compiles `profile` for a machine. Throws ConfigError for what cannot be compiled. Pure. */
export function compileSeccomp(
  profile: Seccomp,
  native: { readonly arch: 'x86_64' | 'aarch64' },
  options: CompileOptions = {},
): Filter {
  const flags = filterFlags(profile)
  const otherwise = returnValue(profile.defaultAction, profile.defaultErrnoRet)
  const parts = sections(profile, native.arch)
  const rules = readRules(profile, otherwise)
  const fixed: Fixed = {
    badArch: slotOfValue(rules.outcomes, badArch),
    newer:
      (options.newCalls ?? true) && hidesNewCalls(otherwise)
        ? slotOfValue(rules.outcomes, enosys)
        : undefined,
  }
  const asm = assembler()
  const narrow: number[] = []
  const labels: number[] = []
  for (let i = parts.length - 1; i >= 0; i--) {
    labels[i] = emitSection(asm, parts[i] as Section, rules, fixed, otherwise, narrow)
  }
  let at = giveBack(asm, badArch)
  for (let i = parts.length - 1; i >= 0; i--) {
    at = branch(asm, op.equal, (parts[i] as Section).audit, labels[i] as number, at)
  }
  loadThen(asm, audit, at)
  return { program: program(asm), flags, unknown: rules.unknown }
}

/** Emits one architecture's part, which begins with the call's number. Tests of 32-bit arguments are shared. */
function emitSection(
  asm: Assembler,
  section: Section,
  rules: Rules,
  fixed: Fixed,
  otherwise: number,
  narrow: number[],
): number {
  const wide: number[] = []
  const ranges = sectionRanges(rules, section, fixed)
  const label = (slot: number, call: number): number => {
    const made = section.main?.wide === true && call < x32Bit ? wide : narrow
    const known = made[slot]
    if (known !== undefined && isNear(asm, known)) return known
    const outcome = rules.outcomes[slot] as Outcome
    if (typeof outcome !== 'number' && known !== undefined) return known
    const at =
      typeof outcome === 'number'
        ? giveBack(asm, outcome)
        : emitConditions(asm, outcome, made === wide, otherwise)
    made[slot] = at
    return at
  }
  return loadThen(asm, number, emitTree(asm, ranges, label))
}
