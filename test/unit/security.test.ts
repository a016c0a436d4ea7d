/** The tables of SECURITY.md are true: the advisories as the tests have them, and tests that are there. UPDATE_GOLDEN=1 writes it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { advisories, table } from '../support/advisories.js'
import { repository } from '../support/payload.js'

const path = join(repository, 'SECURITY.md')
const text = readFileSync(path, 'utf8')
const start = text.indexOf('| advisory |')
const end = text.indexOf('\n\n', start) + 1

t.test('the table of advisories', t => {
  if (process.env.UPDATE_GOLDEN !== undefined)
    writeFileSync(path, text.slice(0, start) + table() + text.slice(end))
  else t.equal(text.slice(start, end), table(), 'as test/support/advisories.ts has it')
  const files = readdirSync(join(repository, 'test/advisories')).filter(name => name.endsWith('.test.ts'))
  t.same(
    files.sort(),
    Object.keys(advisories)
      .map(name => `${name}.test.ts`)
      .sort(),
    'one file each',
  )
  t.end()
})

t.test('each test says which advisory it is about', t => {
  for (const name of Object.keys(advisories)) {
    const source = readFileSync(join(repository, 'test/advisories', `${name}.test.ts`), 'utf8')
    t.ok(source.slice(0, 300).includes(name), name)
  }
  t.end()
})

t.test('the tests that are named are there', t => {
  const named = [...text.matchAll(/`((?:test\/)?[\w/-]+\.test\.ts)`/g)].map(([, name = '']) => name)
  t.ok(named.length > 30)
  for (const name of named) {
    const places = name.startsWith('test/') ? [name] : [`test/hostile/${name}`, `test/advisories/${name}`]
    t.ok(
      places.some(it => existsSync(join(repository, it))),
      name,
    )
  }
  t.end()
})
