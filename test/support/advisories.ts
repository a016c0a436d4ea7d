/**
 * The published holes of this kind of program that a test of test/advisories/ shows to be closed. SECURITY.md has them as a table
 * (test/unit/security.test.ts holds it to this one); the tests take from here which other runtimes are open.
 */

/** Of other runtimes, by name: the first version that has the mend, or `never` for one that was not told yet. */
export type Mended = Readonly<Record<string, string>>

export interface Advisory {
  /** Whose hole it was. */
  readonly was: string
  /** Runtimes that the test has to catch when they are older. One that is not named is not expected to fall for it. */
  readonly mended?: Mended
  /** Other numbers of the same hole. */
  readonly also?: string
}

export const advisories = {
  'CVE-2014-8989': { was: 'kernel' },
  'CVE-2015-3627': { was: 'libcontainer', also: '-3629, -3630, -3631' },
  'CVE-2016-3697': { was: 'runc' },
  'CVE-2016-9962': { was: 'runc' },
  'CVE-2019-16884': { was: 'runc, crun' },
  'CVE-2019-18837': { was: 'crun' },
  'CVE-2019-19921': { was: 'runc' },
  'CVE-2019-5736': { was: 'runc, LXC, crun' },
  'CVE-2021-30465': { was: 'runc' },
  'CVE-2021-43784': { was: 'runc' },
  'CVE-2022-27650': { was: 'crun' },
  'CVE-2022-29162': { was: 'runc' },
  'CVE-2023-25809': { was: 'runc' },
  'CVE-2023-27561': { was: 'runc' },
  'CVE-2023-28642': { was: 'runc' },
  'CVE-2024-21626': { was: 'runc' },
  'CVE-2024-3154': { was: 'CRI-O, runc' },
  'CVE-2024-45310': { was: 'runc', mended: { runc: '1.1.14' } },
  'CVE-2025-24965': { was: 'crun' },
  'CVE-2025-27612': { was: 'youki' },
  'CVE-2025-31133': { was: 'runc', mended: { runc: '1.2.8' } },
  'CVE-2025-52565': { was: 'runc' },
  'CVE-2025-52881': { was: 'runc' },
  'CVE-2025-54867': { was: 'youki' },
  'CVE-2025-62161': { was: 'youki' },
  'CVE-2025-62596': { was: 'youki' },
  'CVE-2026-30892': { was: 'crun' },
  'CVE-2026-41579': { was: 'runc', mended: { runc: '1.3.6', crun: '1.28' } },
  'CVE-2026-47766': { was: 'crun', mended: { runc: '1.3.6', crun: '1.28' } },
  'CVE-2026-119101': {
    was: 'runc, crun, CRIU',
    mended: { runc: '1.3.7' },
    also: 'CVE-2026-115520, -119614',
  },
  'CVE-2026-115521': { was: 'crun' },
  'CVE-2026-84042': { was: 'crun' },
  'CVE-2026-88264': { was: 'crun', mended: { crun: '1.30' } },
  'CVE-2026-88265': { was: 'crun', mended: { crun: '1.30' } },
} as const satisfies Readonly<Record<string, Advisory>>

const numbers = (version: string): number[] => version.split('.').map(Number)

/** `true` when version a comes before version b. */
export const isBefore = (a: string, b: string): boolean => {
  const [left, right] = [numbers(a), numbers(b)]
  for (let i = 0; i < right.length; i++) if (left[i] !== right[i]) return (left[i] ?? 0) < (right[i] ?? 0)
  return false
}

/** The versions of Debian 12, whose fall the tests have seen. */
export const seen = { runc: '1.1.5', crun: '1.8.1' } as const

/** The table of SECURITY.md. */
export const table = (): string => {
  const rows = Object.entries<Advisory>(advisories).map(([name, { was, mended = {}, also }]) => {
    const open = Object.entries(seen).filter(([it, version]) => isBefore(version, mended[it] ?? '0'))
    const caught = open.map(it => it.join(' ')).join(', ')
    return `| ${name}${also === undefined ? '' : `, ${also}`} | ${was} | \`${name}.test.ts\` | ${caught} |`
  })
  return [
    '| advisory | was in | test in `test/advisories/` | seen to catch |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
