// Writes the table of `tsrun features` into README.md, between its two markers. --check: only says whether it is stale (exit 1).
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { importTs } from './ts.mjs'

const house = fileURLToPath(new URL('..', import.meta.url))
const { features } = await importTs(`${house}src/container/features.ts`)

/** Values by their dotted names; what says which build it is has no place in a README. */
function* rows(value, name) {
  if (Array.isArray(value)) yield [name, value.map(item => `\`${item}\``).join(' ')]
  else if (typeof value !== 'object') yield [name, value === true ? 'yes' : value === false ? 'no' : value]
  else for (const key of Object.keys(value)) yield* rows(value[key], name === '' ? key : `${name}.${key}`)
}

const { annotations: _, ...told } = features()
const table = [
  '| property | value |',
  '| --- | --- |',
  ...Array.from(rows(told, ''), ([name, value]) => `| ${name} | ${value} |`),
].join('\n')

const [begin, end] = ['<!-- features: written by tools/features.mjs -->', '<!-- end of features -->']
const path = `${house}README.md`
const readme = readFileSync(path, 'utf8')
const [first, last] = [readme.indexOf(begin), readme.indexOf(end)]
if (first < 0 || last < first) throw new Error('README.md lacks the markers of the features table')
const wanted = `${readme.slice(0, first + begin.length)}\n\n${table}\n\n${readme.slice(last)}`
if (!process.argv.includes('--check')) writeFileSync(path, wanted)
else if (wanted !== readme) {
  console.error('the features table of README.md is stale: make gen')
  process.exitCode = 1
}
