// Writes src/lower/seccomp/syscalls.gen.ts from tools/syscalls.tsv, a table of facts: name, then the number on each
// architecture. `node tools/syscalls.mjs --import` widens the table first with what this machine knows: libseccomp's
// resolver (libseccomp-dev) and the kernel's headers (linux-libc-dev), both read through the C compiler.
// `--check` only says whether the generated file is fresh.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const tablePath = join(here, 'syscalls.tsv')
const outPath = join(here, '../src/lower/seccomp/syscalls.gen.ts')

/** Column → libseccomp's token, and the first number of its range. Only little-endian ones: see archs.ts. */
const archs = {
  x86_64: { token: 'SCMP_ARCH_X86_64', base: 0 },
  x86: { token: 'SCMP_ARCH_X86', base: 0 },
  x32: { token: 'SCMP_ARCH_X32', base: 0 },
  aarch64: { token: 'SCMP_ARCH_AARCH64', base: 0 },
  arm: { token: 'SCMP_ARCH_ARM', base: 0 },
  riscv64: { token: 'SCMP_ARCH_RISCV64', base: 0 },
  loongarch64: { token: undefined, base: 0 }, // libseccomp 2.6 has it
  ppc64le: { token: 'SCMP_ARCH_PPC64LE', base: 0 },
  mipsel: { token: 'SCMP_ARCH_MIPSEL', base: 4000 },
  mipsel64: { token: 'SCMP_ARCH_MIPSEL64', base: 5000 },
  mipsel64n32: { token: 'SCMP_ARCH_MIPSEL64N32', base: 6000 },
}
const columns = Object.keys(archs)

/** Numbers from 424 on are the same everywhere (above the base): those that the headers of a Debian 12 lack. */
const uniform = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
  listns: 470,
  rseq_slice_yield: 471,
}
const special = {
  uretprobe: { x86_64: 335, x32: 335 },
  uprobe: { x86_64: 336, x32: 336 },
  riscv_hwprobe: { riscv64: 258 },
  newfstatat: { loongarch64: 79 },
  fstat: { loongarch64: 80 }, // both came to loongarch64 with Linux 6.11
}

function readTable() {
  const rows = new Map()
  let text = ''
  try {
    text = readFileSync(tablePath, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue
    const [name, ...cells] = line.split('\t')
    rows.set(name, new Map(cells.flatMap((cell, i) => (cell === '-' ? [] : [[columns[i], Number(cell)]]))))
  }
  return rows
}

function fromLibseccomp() {
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-syscalls-'))
  const known = columns.filter(column => archs[column].token !== undefined)
  const source = `#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
static void dump(const char *column, uint32_t arch, int first, int last) {
  for (int number = first; number < last; number++) {
    char *name = seccomp_syscall_resolve_num_arch(arch, number);
    if (name != NULL) printf("%s %s %d\\n", column, name, number);
    free(name);
  }
}
int main(void) {
${known.map(c => `  dump("${c}", ${archs[c].token}, ${archs[c].base}, ${archs[c].base} + 700);`).join('\n')}
  dump("arm", SCMP_ARCH_ARM, 0xf0000, 0xf0010);
  return 0;
}
`
  try {
    writeFileSync(join(dir, 'dump.c'), source)
    execFileSync('cc', ['-o', join(dir, 'dump'), join(dir, 'dump.c'), '-lseccomp'])
    const text = execFileSync(join(dir, 'dump'), { encoding: 'utf8' })
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => line.split(' '))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** `[column, name, number]` of the __NR_ macros of one header. */
function fromHeader(column, header, defines) {
  const args = ['-E', '-dM', '-x', 'c', ...defines.map(name => `-D${name}`), '-']
  const text = execFileSync('cc', args, { input: `#include <${header}>\n`, encoding: 'utf8' })
  const values = new Map()
  for (const match of text.matchAll(/^#define (__NR\w*) (.+)$/gm)) values.set(match[1], match[2])
  const resolve = text => {
    const value = text.replace(/[()]/g, '').replace('__X32_SYSCALL_BIT + ', '')
    return values.has(value) ? resolve(values.get(value)) : Number(value)
  }
  const out = []
  for (const [macro, text] of values) {
    const name = macro.slice(5)
    if (!macro.startsWith('__NR_') || /^(syscalls|arch_specific_syscall|sync_file_range2)$/.test(name))
      continue
    const number = resolve(text)
    if (Number.isInteger(number)) out.push([column, name, number])
  }
  return out
}

function imported() {
  const generic = 'asm-generic/unistd.h'
  const arm64 = ['RENAMEAT', 'NEW_STAT', 'SET_GET_RLIMIT', 'SYS_CLONE3', 'MEMFD_SECRET'].map(
    w => `__ARCH_WANT_${w}`,
  )
  return [
    ...fromLibseccomp(),
    ...fromHeader('x86_64', 'asm/unistd_64.h', []),
    ...fromHeader('x86', 'asm/unistd_32.h', []),
    ...fromHeader('x32', 'asm/unistd_x32.h', []),
    ...fromHeader('aarch64', generic, arm64),
    ...fromHeader(
      'riscv64',
      generic,
      arm64.filter(w => !w.endsWith('RENAMEAT')),
    ),
    ...fromHeader('loongarch64', generic, ['__ARCH_WANT_SYS_CLONE3']),
    ...Object.entries(uniform).flatMap(([name, n]) => columns.map(c => [c, name, n + archs[c].base])),
    ...Object.entries(special).flatMap(([name, on]) => Object.entries(on).map(([c, n]) => [c, name, n])),
  ]
}

function widen(rows) {
  for (const [column, name, text] of imported()) {
    const row = rows.get(name) ?? new Map()
    const before = row.get(column)
    if (before !== undefined && before !== Number(text)) {
      throw new Error(`${name} on ${column}: ${before} in the table, ${text} on this machine`)
    }
    rows.set(name, row.set(column, Number(text)))
  }
  const lines = [...rows.keys()].sort().map(name => {
    const row = rows.get(name)
    return [name, ...columns.map(column => row.get(column) ?? '-')].join('\t')
  })
  writeFileSync(tablePath, `${['name', ...columns].join('\t')}\n${lines.join('\n')}\n`)
}

/** A character of a string literal that stands for a number. */
const escaped = number => `\\u${number.toString(16).padStart(4, '0')}`

/** One architecture's table: see SyscallTable. */
function table(column, rows) {
  const { base } = archs[column]
  const used = new Map()
  const high = []
  let at = ''
  let index = 0
  for (const [name, row] of rows) {
    const number = row.get(column) === undefined ? undefined : row.get(column) - base
    const regular = number !== undefined && number < 700
    if (regular && used.has(number))
      throw new Error(`${column}: ${name} and ${used.get(number)} are both ${number}`)
    if (regular) used.set(number, name)
    else if (number !== undefined) high.push([number, index])
    at += escaped(regular ? number + 1 : 0)
    index++
  }
  const last = Math.max(...used.keys())
  const gaps = []
  for (let number = 0; number < last; number++) {
    if (used.has(number)) continue
    if (gaps.at(-2) + gaps.at(-1) === number) gaps[gaps.length - 1]++
    else gaps.push(number, 1)
  }
  const sorted = high.sort(([a], [b]) => a - b).flat()
  return `  ${column}: {
    base: ${base},
    last: ${last},
    gaps: '${gaps.map(escaped).join('')}',
    high: [${sorted.join(', ')}],
    at: '${at}',
  },`
}

function generated(unsorted) {
  const rows = new Map([...unsorted].sort(([a], [b]) => (a < b ? -1 : 1)))
  const names = [...rows.keys()]
  return `// Written by \`node tools/syscalls.mjs\` from tools/syscalls.tsv (\`make gen\`); do not edit.
/** Number of syscall names. */
export const nameCount = ${names.length}

/**
 * The index of each name, in alphabetical order. A function, so that only profiles pay for making it. What is found
 * under other names, as constructor, is no number.
 */
export function nameIndexes(): { readonly [name: string]: unknown } {
  return {
${names.map((name, i) => `    ${name}: ${i},`).join('\n')}
  }
}

/** Syscall numbers of one architecture, all less \`base\`; x32's are without bit 30. */
export interface SyscallTable {
  readonly base: number
  /** The largest number but for \`high\`. */
  readonly last: number
  /** Numbers up to \`last\` that no syscall has, as characters: first one and how many, again and again. */
  readonly gaps: string
  /** Numbers far above the others, ascending, each followed by the index of its name. */
  readonly high: readonly number[]
  /** \`at.charCodeAt(index)\` is 1 + the number of the name with that index, 0 where it has none or a high one. */
  readonly at: string
}

export const tables = {
${columns.map(column => table(column, rows)).join('\n')}
} as const satisfies Record<string, SyscallTable>
`
}

const rows = readTable()
if (process.argv.includes('--import')) widen(rows)
const text = generated(rows)
if (!process.argv.includes('--check')) writeFileSync(outPath, text)
else if (readFileSync(outPath, 'utf8') !== text)
  throw new Error(`${outPath} is stale: run node tools/syscalls.mjs`)
