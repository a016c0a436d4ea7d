// Every file of bad-configs/ is refused with the text that expected.txt has for it: one fault each, in a config that is good
// otherwise. Files of broken JSON end in .txt. UPDATE_GOLDEN=1 writes expected.txt anew.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ConfigError } from '../../src/base/errors.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'

const directory = fileURLToPath(new URL('bad-configs/', import.meta.url))
const table = `${directory}expected.txt`

const refusal = (file: string): string => {
  try {
    loadSpec(readFileSync(directory + file, 'utf8'), () => explainer)
  } catch (error) {
    if (error instanceof ConfigError) return `[${error.rule}] ${error.message}`
    throw error
  }
  return 'accepted'
}

const files = readdirSync(directory)
  .filter(file => file !== 'expected.txt')
  .sort()
const actual = files.map(file => `${file}\n  ${refusal(file)}\n`)

if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(table, actual.join(''))

const expected = readFileSync(table, 'utf8').split(/(?<=\n)(?=\S)/)
t.equal(expected.length, files.length, 'expected.txt has a text for each file')
for (const [i, text] of actual.entries()) {
  t.equal(text, expected[i], `the text about ${files[i]}`)
  t.notMatch(text, /accepted/, `${files[i]} is refused`)
  t.equal(text.split('\n').length, 3, `the text about ${files[i]} is one line`)
}
