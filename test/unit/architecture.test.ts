/** The examples of ARCHITECTURE.md are the sources' own lines. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/payload.js'

t.test('every block of code stands in the file that its first line names', async t => {
  const text = readFileSync(join(repository, 'src/ARCHITECTURE.md'), 'utf8')
  const blocks = [...text.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)]
  t.equal(blocks.length, 2)
  for (const [, file = '', code = ''] of blocks)
    t.ok(readFileSync(join(repository, file), 'utf8').includes(code), file)
})
