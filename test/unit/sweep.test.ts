/** What the runner takes away after a test file that it ended (tools/test.mjs): also who shows the tag by its directory alone. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { processesOf, sweep } from '../support/leaks.js'

t.test('processes and directories of a tag, and no others', async t => {
  const tag = `tsrun-test-sweep${process.pid}-`
  const dir = mkdtempSync(join(tmpdir(), tag))
  const other = t.testdir()
  mkdirSync(join(dir, 'work'))
  const [its, foreign] = [join(dir, 'work'), other].map(cwd => spawn('sleep', ['100'], { cwd, env: {} }))
  await Promise.all([its, foreign].map(child => once(child as NonNullable<typeof its>, 'spawn')))
  t.same(processesOf(tag), [its?.pid])
  sweep(tag)
  t.same(processesOf(tag), [])
  t.notOk(existsSync(dir))
  t.equal(foreign?.exitCode, null)
  t.equal(foreign?.kill(), true, 'the other one lives')
})
