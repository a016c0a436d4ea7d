/** The table of effects.ts has each property of the schema once, and names goldens and tests that are there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type JsonObject, merge } from '../support/config.js'
import { repository } from '../support/payload.js'
import { effects, foreign } from './effects.js'
import { base, fields } from './fields.js'
import { allProperties, places, propertyAt } from './properties.js'

const test = (path: string) => join(repository, 'test', path)

/** Of an object or a list the properties below it speak. */
const leaves = [...allProperties.keys()].filter(
  path => ![...allProperties.keys()].some(other => other.startsWith(`${path}/`)),
)
const isForeign = (path: string) => foreign.some(each => path === each || path.startsWith(`${each}/`))

t.test('each property has one row', async t => {
  const rows = effects.flatMap(row => row.of)
  t.same(
    rows.filter((path, i) => rows.indexOf(path) !== i),
    [],
    'none has two',
  )
  t.same(
    leaves.filter(path => !isForeign(path) && !rows.includes(path)),
    [],
    'say in effects.ts where their effect is seen',
  )
  t.same(
    [...rows, ...foreign].filter(path => !allProperties.has(path)),
    [],
    'no other is in it',
  )
})

t.test('the goldens have what they are named for', async t => {
  for (const { of, golden } of effects) {
    if (golden === undefined) continue
    const patch = golden === 'base' ? {} : fields[golden]
    t.ok(patch, golden)
    const config = merge(base, patch ?? {}) as unknown as Parameters<typeof places>[0]
    const has = new Set([...places(config, '')].map(({ path }) => propertyAt(path)))
    // Kinds and clocks that others stand for are in the walk of everyfield.test.ts.
    t.ok(
      of.some(path => has.has(path)),
      `${golden} has ${of[0]}`,
    )
  }
})

/** The titles of tests are string literals, templates among them; a conformance test is named by its id. */
const names = (text: string, title: string): boolean =>
  title.endsWith('…')
    ? text.includes(`\`${title.slice(0, -1)}\${`)
    : [`'${title}'`, `\`${title}\``, `"${title}"`].some(literal => text.includes(literal))

t.test('the tests are there', async t => {
  for (const { of, seen = [], unseen } of effects) {
    t.not(seen.length > 0, unseen !== undefined, `${of[0]}: seen, or the reason why not`)
    const named = [
      ...seen,
      ...(unseen?.match(/(?:integration|unit|conformance)\/\S+\.test\.ts(?:: [^;]*)?/g) ?? []),
    ]
    for (const name of named) {
      const [, file = '', title] = /^(\S+\.test\.ts)(?:: (.*))?$/s.exec(name) ?? []
      const text = existsSync(test(file)) ? readFileSync(test(file), 'utf8') : ''
      t.ok(text !== '' && (title === undefined || names(text, title)), name)
    }
  }
})

t.test('it can fail', async t => {
  const nobody: JsonObject = {
    of: ['/root/path'],
    seen: ['integration/rootfs.test.ts: of that name there is none'],
  }
  const [, file = '', title = ''] = /^(\S+): (.*)$/.exec((nobody.seen as string[])[0] ?? '') ?? []
  t.notOk(names(readFileSync(test(file), 'utf8'), title))
})
