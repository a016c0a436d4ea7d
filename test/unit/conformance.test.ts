/** The tables of sentences: complete, each with its test, and the README is made from them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { documents, sentences } from '../conformance/sentences/index.js'
import { repository } from '../support/payload.js'

const directory = join(repository, 'test/conformance')

t.test('ids are those of the document, in order, as many as it has sentences', async t => {
  for (const { file, prefix, count } of documents) {
    const rows = sentences.filter(row => row.file === file)
    t.equal(rows.length, count, file)
    t.same(
      rows.map(({ id }) => id),
      rows.map((_, index) => `${prefix}-${String(index + 1).padStart(3, '0')}`),
      file,
    )
  }
})

t.test('each sentence has a test, or a reason to have none', async t => {
  const texts = new Map(
    readdirSync(directory)
      .filter(file => file.endsWith('.test.ts'))
      .map(file => [file.slice(0, -'.test.ts'.length), readFileSync(join(directory, file), 'utf8')]),
  )
  const faults: string[] = []
  for (const { id, test, free } of sentences) {
    if ((test === undefined) === (free === undefined)) faults.push(`${id}: either tested or free`)
    const holders = [...texts.keys()].filter(name => texts.get(name)?.includes(`'${id}'`))
    if (holders.join() !== (test ?? '')) faults.push(`${id}: in ${holders}, should be in ${test}`)
  }
  t.same(faults, [])
  t.ok(texts.size > 10)
})

t.test('both forms passed all, and runc failed what the table says it does', async t => {
  const results = JSON.parse(readFileSync(join(directory, 'results.json'), 'utf8')) as Readonly<
    Record<string, Readonly<Record<string, string>>>
  >
  const asked = sentences.filter(({ test }) => test !== undefined)
  for (const form of ['static', 'npm'])
    t.same(
      asked
        .filter(
          ({ id, needs }) =>
            results[form]?.[id] !== 'pass' && (needs === undefined || results[form]?.[id] !== 'skip'),
        )
        .map(({ id }) => id),
      [],
      form,
    )
  t.same(
    asked.filter(({ id }) => results.runc?.[id] === 'fail').map(({ id }) => id),
    asked.filter(({ runc }) => runc !== undefined).map(({ id }) => id),
  )
})

t.test('the README is what the tables and the last results make', async t => {
  t.ok(existsSync(join(directory, 'results.json')))
  t.doesNotThrow(() =>
    execFileSync(process.execPath, [join(repository, 'tools/conformance.mjs'), '--check'], { stdio: 'pipe' }),
  )
})
