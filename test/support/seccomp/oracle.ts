/** libseccomp as an oracle: builds oracle.c once and asks it for programs. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { returnValue } from '../../../src/lower/seccomp/actions.js'
import type { Seccomp } from '../../../src/spec/types.gen.js'

const source = 'test/support/seccomp/oracle.c'

/** Why there is no oracle here, or false. */
export const missing = !existsSync('/usr/include/seccomp.h') && 'needs libseccomp-dev'

/** enum scmp_compare. */
const ops = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map(name => `SCMP_CMP_${name}`)

export interface Answer {
  readonly program: Uint8Array
  /** Names that this libseccomp does not know. */
  readonly unknown: readonly string[]
  readonly refused: string | undefined
}

/** Builds the oracle; gives the path of the program. */
export function buildOracle(directory = mkdtempSync(join(tmpdir(), 'tsrun-oracle-'))): string {
  const path = join(directory, 'oracle')
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-o', path, source, '-lseccomp'])
  return path
}

/** The profile in the oracle's words: rules with the default action left out, doubled arguments split. */
export function script(profile: Seccomp, native: 'x86_64' | 'aarch64'): string {
  const otherwise = returnValue(profile.defaultAction, profile.defaultErrnoRet)
  const lines = [`default ${otherwise}`, `native ${native}`]
  for (const arch of profile.architectures ?? []) lines.push(`arch ${arch.slice(10).toLowerCase()}`)
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const value = returnValue(action, errnoRet)
    if (value === otherwise) continue
    const conditions = args.map(
      one => `${one.index} ${ops.indexOf(one.op) + 1} ${one.value} ${one.valueTwo ?? 0}`,
    )
    const split = new Set(args.map(one => one.index)).size !== args.length
    for (const name of names) {
      if (!split) lines.push(`rule ${value} ${name} ${conditions.length} ${conditions.join(' ')}`)
      else for (const one of conditions) lines.push(`rule ${value} ${name} 1 ${one}`)
    }
  }
  return lines.join('\n')
}

export function ask(oracle: string, profile: Seccomp, native: 'x86_64' | 'aarch64' = 'x86_64'): Answer {
  const { stdout, stderr, status } = spawnSync(oracle, { input: script(profile, native), timeout: 20_000 })
  // libseccomp 2.5.4 can be busy for hours with conditions that meet: nobody learns from those.
  if (status === null) return { program: new Uint8Array(), unknown: [], refused: 'no end' }
  const text = stderr.toString()
  const said = (word: string) =>
    text.split('\n').flatMap(line => (line.startsWith(word) ? [line.slice(word.length)] : []))
  if (status !== 0 && status !== 2) throw new Error(`oracle: status ${status}: ${text}`)
  return { program: new Uint8Array(stdout), unknown: said('unknown: '), refused: said('refused: ')[0] }
}
