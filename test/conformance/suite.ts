/**
 * Runs the tests of sentences. A body that throws says how the runtime does not conform. What was seen is written to
 * build/conformance/RUNTIME/FILE.json, from which tools/conformance.mjs makes the README.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { repository } from '../support/payload.js'
import { type Need, requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'
import { type Placed, sentences } from './sentences/index.js'

export type Outcome = 'pass' | 'fail' | 'skip'

/** The test of one sentence; `t` owns the containers that it makes. */
export type Bodies = Readonly<Record<string, (t: Test) => void | Promise<void>>>

/** A value that is made when the first test wants it, once. */
export const lazy = <T>(make: () => T): (() => T) => {
  let value: { readonly it: T } | undefined
  return () => {
    value ??= { it: make() }
    return value.it
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** One sentence: what was seen, and the assert about it. */
const ask = async (
  t: Test,
  row: Placed,
  isRunc: boolean,
  body: (t: Test) => void | Promise<void>,
): Promise<Outcome> => {
  let problem: string | undefined
  try {
    await body(t)
  } catch (error) {
    problem = textOf(error)
  }
  if (!isRunc || row.runc === undefined) {
    if (problem === undefined) t.pass(row.what)
    else t.fail(`${row.what}: ${problem}`)
  } else if (problem === undefined) t.fail('runc passes: take its note out of the table')
  else t.pass(`runc does not, as the table says (${row.runc[0]}: ${row.runc[1]}): ${problem}`)
  return problem === undefined ? 'pass' : 'fail'
}

/**
 * Declares the tests of one file: exactly those that the tables name it for. `make` is called for each runtime, with the test that
 * owns what several of them share.
 */
export const conformance = (
  file: string,
  needs: readonly Need[],
  make: (t: Test, rt: Runtime) => Bodies,
): void => {
  const rows = sentences.filter(row => row.test === file)
  forms(t, requires(...needs), async (t, rt) => {
    const name = basename(rt.argv[0] ?? '') === 'tsrun' ? rt.name : basename(rt.name)
    const isRunc = name === 'runc'
    const bodies = make(t, rt)
    t.same(Object.keys(bodies).sort(), rows.map(({ id }) => id).sort(), 'a test for each sentence')
    const outcomes: Record<string, Outcome> = {}
    for (const row of rows) {
      const body = bodies[row.id]
      const skip = requires(...(row.needs ?? [])) || (isRunc && (row.unit ?? false))
      if (skip !== false || body === undefined) outcomes[row.id] = 'skip'
      await t.test(`${row.id} ${row.what}`, { skip }, async t => {
        if (body !== undefined) outcomes[row.id] = await ask(t, row, isRunc, body)
      })
    }
    const directory = join(repository, 'build/conformance', name)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `${file}.json`), JSON.stringify(outcomes))
  })
}
