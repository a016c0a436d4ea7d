/**
 * The OCI runtime-tools validation programs, on each form of tsrun or on TSRUN_RUNTIME: one point a program. A failure that the table
 * `known.ts` explains is skipped with the reason; a program that is in there and passes is a failure of the table.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'
import { known } from './known.js'
import { cgroupsOfPrograms, type Outcome, removeCgroup, runProgram } from './program.js'
import { findSuite, prepare, programsOf } from './suite.js'

/** Programs of these families ask for cgroups of the same names: one after the other. */
const alone = /cgroups|delete|kill|pidfile|poststart/

const isGood = ({ status, failed }: Outcome): boolean => status === 0 && failed.length === 0

const tell = (t: Test, program: string, outcome: Outcome): void => {
  const entry = known[program]
  const { failed, status, passed, output } = outcome
  const points = `${passed} points`
  if (isGood(outcome)) {
    if (entry === undefined || entry.unless?.() === true) t.pass(`${program}: ${points}`)
    else t.fail(`${program} passes: take it off the table`)
    return
  }
  const explained =
    entry !== undefined &&
    entry.unless?.() !== true &&
    failed.every(text => entry.points?.some(start => text.startsWith(start)))
  if (explained) t.pass(`${program}: ${points}`, { skip: entry.why })
  else t.fail(`${program}: exit ${status}, ${failed.join('; ') || 'no point failed'}`, { output })
}

const inScratch = async (body: (scratch: string) => Promise<void>): Promise<void> => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsrun-oci-'))
  const before = cgroupsOfPrograms()
  try {
    await body(scratch)
  } finally {
    for (const path of cgroupsOfPrograms()) if (!before.includes(path)) removeCgroup(path)
    rmSync(scratch, { recursive: true, force: true })
  }
}

const commandOf = ({ program }: Runtime): string => program

const runAll = async (
  t: Test,
  programs: readonly string[],
  suite: string,
  runtime: string,
  scratch: string,
) => {
  const outcomes = new Map<string, Promise<Outcome>>()
  // Most of the time is spent polling, so a few run at once.
  const lanes = [programs.filter(name => alone.test(name)), ...[0, 1].map(() => [] as string[])]
  let next = 0
  for (const name of programs) if (!alone.test(name)) lanes[1 + (next++ % 2)]?.push(name)
  for (const lane of lanes) {
    let last: Promise<unknown> = Promise.resolve()
    for (const name of lane) {
      const outcome = last.then(() => runProgram(join(suite, name), runtime, scratch))
      outcomes.set(name, outcome)
      last = outcome
    }
  }
  for (const name of programs) tell(t, name, (await outcomes.get(name)) as Outcome)
}

forms(t, requires('root', 'busybox'), async (t, rt) => {
  t.setTimeout(1_200_000)
  const suite = findSuite()
  if ('missing' in suite) {
    t.pass('the validation programs', { skip: suite.missing })
    return
  }
  await inScratch(async scratch => {
    const runtime = prepare(suite.dir, scratch, commandOf(rt))
    await runAll(t, programsOf(suite.dir), suite.dir, runtime, scratch)
  })
})
