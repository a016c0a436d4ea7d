/** What the tests of engines hold: README's lines are theirs, and the table of their checks is up to date. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { matrix, unnamed } from '../clients/support/matrix.js'
import { blocks } from '../clients/support/readme.js'
import { repository } from '../support/payload.js'

const sources = (): string => {
  const dir = join(repository, 'test/clients')
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => readFileSync(join(dir, name), 'utf8'))
    .join('\n')
}

t.test('each block of README for an engine is one that a test takes from there', async t => {
  const marks = [...sources().matchAll(/readmeBlock\('([^']+)'/g)].map(([, mark = '']) => mark)
  for (const block of blocks())
    t.ok(
      marks.some(mark => block.includes(mark)),
      block,
    )
})

t.test('the table of test/clients/README.md is that of the checks', async t => {
  t.same(unnamed(), [], 'every empty cell has its reason')
  const path = join(repository, 'test/clients/README.md')
  const text = readFileSync(path, 'utf8')
  const [before = '', rest = ''] = text.split('<!-- matrix -->\n')
  const after = rest.slice(rest.indexOf('<!-- end -->'))
  const now = `${before}<!-- matrix -->\n${matrix()}${after}`
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, now)
  else t.equal(text, now, 'UPDATE_GOLDEN=1 node tools/test.mjs test/unit/clients.test.ts writes it')
})
