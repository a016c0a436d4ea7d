import { ConfigError } from '../../base/errors.js'
import type { Seccomp } from '../../spec/types.gen.js'
import { type SyscallTable, tables } from './syscalls.gen.js'

export type ArchName = NonNullable<Seccomp['architectures']>[number]

/** An ABI of the kernel as a filter sees it. */
export interface Arch {
  /** AUDIT_ARCH_*, `arch` of struct seccomp_data. */
  readonly audit: number
  /** Whether arguments are compared with all 64 bits; otherwise libseccomp looks at the low 32 only. */
  readonly wide: boolean
  /** Whether it has socketcall(2) and ipc(2), which do the work of several calls, chosen by their first argument. */
  readonly multiplexed: boolean
  readonly table: SyscallTable
}

const arch = (audit: number, wide: boolean, table: SyscallTable, multiplexed = false): Arch => ({
  audit,
  wide,
  multiplexed,
  table,
})

/** x32 is x86_64 for the kernel's audit value; its numbers have bit 30 set. */
export const x32Bit = 0x40000000
export const x86Audit = 0xc000003e

/** Little-endian only: a filter compares with the byte order of its machine, so the others can never match here. */
const archs: { readonly [name in ArchName]?: Arch } = {
  SCMP_ARCH_X86_64: arch(x86Audit, true, tables.x86_64),
  SCMP_ARCH_X86: arch(0x40000003, false, tables.x86, true),
  SCMP_ARCH_X32: arch(x86Audit, false, tables.x32),
  SCMP_ARCH_AARCH64: arch(0xc00000b7, true, tables.aarch64),
  SCMP_ARCH_ARM: arch(0x40000028, false, tables.arm),
  SCMP_ARCH_RISCV64: arch(0xc00000f3, true, tables.riscv64),
  SCMP_ARCH_LOONGARCH64: arch(0xc0000102, true, tables.loongarch64),
  SCMP_ARCH_PPC64LE: arch(0xc0000015, true, tables.ppc64le, true),
  SCMP_ARCH_MIPSEL: arch(0x40000008, false, tables.mipsel, true),
  SCMP_ARCH_MIPSEL64: arch(0xc0000008, true, tables.mipsel64),
  SCMP_ARCH_MIPSEL64N32: arch(0xe0000008, false, tables.mipsel64n32),
}

/** Names of the architectures that profiles can be compiled for. */
export const archNames = Object.keys(archs) as readonly ArchName[]

const natives: { readonly [name: string]: ArchName } = {
  x86_64: 'SCMP_ARCH_X86_64',
  aarch64: 'SCMP_ARCH_AARCH64',
}

/** One architecture's part of the filter; x86_64 and x32 share one, since `arch` does not tell them apart. */
export interface Section {
  main: Arch | undefined
  x32: Arch | undefined
  readonly audit: number
}

/** The parts of the filter: the machine's own architecture first, whether the profile names it or not. */
export function sections(profile: Seccomp, native: string): Section[] {
  const out: Section[] = []
  const names = profile.architectures ?? []
  for (let i = -1; i < names.length; i++) {
    const name = i < 0 ? (natives[native] as ArchName) : (names[i] as ArchName)
    const found = archs[name]
    if (found === undefined) {
      const text = `${name} is not an architecture that filters of this machine can have: remove it`
      throw new ConfigError(`/linux/seccomp/architectures/${i}`, 'seccomp-architecture', text)
    }
    let section = out.find(other => other.audit === found.audit)
    if (section === undefined) {
      section = { main: undefined, x32: undefined, audit: found.audit }
      out.push(section)
    }
    if (name === 'SCMP_ARCH_X32') section.x32 = found
    else section.main = found
  }
  return out
}
