// Every file of bad-configs/ is refused with the text that expected.txt has for it: one fault each, in a config that is good
// otherwise. Files of broken JSON end in .txt; those that begin with systemd- are for that cgroup manager, with strict- for
// --strict: all others only warn. What the rules let through is lowered on each host. UPDATE_GOLDEN=1 writes expected.txt anew.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ConfigError } from '../../src/base/errors.js'
import { silent } from '../../src/base/log.js'
import { warnerOf } from '../../src/container/warn.js'
import { lower } from '../../src/lower/index.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec, type ValidSpec } from '../../src/spec/load.js'
import { hosts, request } from './hosts.js'

const directory = fileURLToPath(new URL('bad-configs/', import.meta.url))
const table = `${directory}expected.txt`

const systemd = { bus: 'system', root: '' } as const

const refusal = (file: string): string => {
  const told = (error: unknown, where = ''): string => {
    if (error instanceof ConfigError) return `[${error.rule}] ${where}${error.message}`
    throw error
  }
  let spec: ValidSpec
  try {
    spec = loadSpec(readFileSync(directory + file, 'utf8'), () => explainer)
  } catch (error) {
    return told(error)
  }
  const cgroupManager = file.startsWith('systemd-') ? systemd : 'cgroupfs'
  const refusals = Object.entries(hosts).map(([name, host]) => {
    try {
      const warn = warnerOf({ log: silent, strict: file.startsWith('strict-') })
      lower(spec, host, { ...request, cgroupManager }, warn)
      return ''
    } catch (error) {
      return told(error, `(on ${name}) `)
    }
  })
  const [first = '', ...others] = refusals
  const everywhere = others.every(each => each.replace(/\(on \w+\)/, '') === first.replace(/\(on \w+\)/, ''))
  const found = refusals.find(each => each !== '') ?? 'accepted'
  return everywhere ? found.replace(/\(on \w+\) /, '') : found
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
