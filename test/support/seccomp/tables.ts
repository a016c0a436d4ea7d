/** The syscall numbers of tools/syscalls.tsv, read apart from the tables that are generated from it. */
import { readFileSync } from 'node:fs'

const [head = '', ...rows] = readFileSync('tools/syscalls.tsv', 'utf8').trimEnd().split('\n')
export const columns: readonly string[] = head.split('\t').slice(1)

/** Number of a syscall on an architecture (a column's name); undefined where it has none. */
export const numbers: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(
  columns.map((column, i) => {
    const cells = rows.map(row => row.split('\t')).filter(cells => cells[i + 1] !== '-')
    return [column, new Map(cells.map(cells => [cells[0] as string, Number(cells[i + 1])]))]
  }),
)

/** AUDIT_ARCH_* of each column. */
export const audits: Readonly<Record<string, number>> = {
  x86_64: 0xc000003e,
  x32: 0xc000003e,
  x86: 0x40000003,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
  riscv64: 0xc00000f3,
  loongarch64: 0xc0000102,
  ppc64le: 0xc0000015,
  mipsel: 0x40000008,
  mipsel64: 0xc0000008,
  mipsel64n32: 0xe0000008,
}
