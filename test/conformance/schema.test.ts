// Our schemas against the official ones, which Debian ships in golang-github-opencontainers-specs-dev (older than 1.3.0):
// the same verdict on every document of a corpus, or a listed reason. TSRUN_OCI_SCHEMAS names a directory of newer ones.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import t from 'tap'
import { checkSpec } from '../../src/spec/validate.gen.js'
import { fullDocument, mutants } from '../support/fullspec.js'
import { requires } from '../support/requires.js'

const official =
  process.env.TSRUN_OCI_SCHEMAS ?? '/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema'
const skip = process.env.TSRUN_OCI_SCHEMAS === undefined && requires('schemas')
const repository = fileURLToPath(new URL('../../', import.meta.url))

/** A place where the verdicts may differ, who is stricter there, and why. */
interface Difference {
  readonly at: RegExp
  /** We refuse what the official schema takes, or the other way round. */
  readonly we: 'refuse' | 'accept' | 'either'
  readonly why: string
  /** Shows only with schemas of 1.3.0. */
  readonly newest?: true
}

const differences: readonly Difference[] = [
  {
    at: /^\/(solaris|windows|vm|zos|freebsd)\b/,
    we: 'accept',
    why: 'a runtime ignores the sections of other platforms (config.md, Platform-specific configuration)',
  },
  {
    at: /^\/process\/(scheduler|ioPriority|execCPUAffinity)\b/,
    we: 'either',
    why: 'newer than the official schemas of Debian 12',
  },
  {
    at: /^\/linux\/(timeOffsets|netDevices|memoryPolicy|intelRdt\/(schemata|enableMonitoring))\b/,
    we: 'either',
    why: 'newer than the official schemas of Debian 12, to which they are unknown properties',
  },
  {
    at: /^\/linux\/intelRdt\/enable(CMT|MBM)$/,
    we: 'refuse',
    why: 'gone from 1.3.0, to whose schema they are unknown properties; old documents have them as booleans',
    newest: true,
  },
  { at: /^\/process\/consoleSize\/(height|width)$/, we: 'refuse', why: 'struct winsize has 16 bits' },
  { at: /^\/process\/oomScoreAdj$/, we: 'refuse', why: 'the kernel takes -1000 to 1000' },
  {
    at: /^\/process\/rlimits\/\d+\/type$/,
    we: 'accept',
    why: 'the official pattern takes unknown names, too: a rule knows the sixteen that exist',
  },
  {
    at: /^\/linux\/rootfsPropagation$/,
    we: 'accept',
    why: 'the recursive forms are used by engines and documented by runc; the official enum lacks them',
  },
  {
    at: /^\/linux\/(devices|resources\/(devices|blockIO\/\w+))\/\d+\/(major|minor)$/,
    we: 'refuse',
    why: 'device numbers are not negative (-1: all, in a list of rules) and have at most 32 bits',
  },
  {
    at: /^\/linux\/resources\/devices\/\d+\/type$/,
    we: 'refuse',
    why: 'there are a, b and c; runc says so in code',
  },
  {
    at: /^\/linux\/devices\/\d+\/fileMode$/,
    we: 'accept',
    why: 'engines pass st_mode with its type bits, which runc strips; the official bound is the permission bits',
  },
  {
    at: /^\/linux\/resources\/(memory\/swappiness|cpu\/idle)$/,
    we: 'refuse',
    why: 'the specification text bounds them, the official schema does not',
  },
]

/** Draft 4 as draft 7, as far as the official schemas use it: they name no id and no exclusive bounds. */
function compileOfficial(entry: string): (document: unknown) => boolean {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  for (const file of readdirSync(official)) {
    if (!file.endsWith('.json')) continue
    const text = readFileSync(`${official}/${file}`, 'utf8')
    if (/"(id|exclusiveM\w+)":/.test(text.replace(/"id": \{/g, '')))
      t.comment(`${file} has an id or exclusive bound`)
    const { $schema: _, id: __, ...schema } = JSON.parse(text) as Record<string, unknown>
    ajv.addSchema({ ...schema, $id: file })
  }
  const validate = ajv.getSchema(entry)
  if (validate === undefined) throw new Error(`${official} has no ${entry}`)
  return document => validate(document) === true
}

const used = new Set<Difference>()

/** The listed reason why our verdict about a change at `pointer` differs. */
function find(pointer: string, ours: boolean): Difference | undefined {
  const we = ours ? 'accept' : 'refuse'
  const difference = differences.find(row => row.at.test(pointer) && (row.we === 'either' || row.we === we))
  if (difference !== undefined) used.add(difference)
  return difference
}

/** A document with every property that is read on Linux, each with a value that is valid officially, too. */
function linuxDocument(): Record<string, unknown> {
  const { solaris: _, windows: __, vm: ___, zos: ____, freebsd: _____, ...document } = fullDocument('Spec')
  const process = document.process as { rlimits: { type: string }[]; execCPUAffinity: object }
  process.rlimits = [{ ...process.rlimits[0], type: 'RLIMIT_CORE' }]
  process.execCPUAffinity = { initial: '0-1', final: '0' }
  return document
}

t.test('configs', { skip }, async t => {
  const officially = compileOfficial('config-schema.json')

  t.test('a document with every property is valid in both', async t => {
    t.equal(checkSpec(linuxDocument()), 1)
    t.equal(officially(linuxDocument()), true)
    const windows = { ...linuxDocument(), windows: 5 }
    t.equal(checkSpec(windows), 1, 'other platforms are ignored')
    t.equal(officially(windows), false)
    t.ok(find('/windows', true), 'which is a listed difference')
    const shared = linuxDocument()
    shared.linux = { ...(shared.linux as object), rootfsPropagation: 'rshared' }
    t.equal(checkSpec(shared), 1, 'recursive propagation')
    t.equal(officially(shared), false)
    t.ok(find('/linux/rootfsPropagation', true), 'which is another')
  })

  t.test('documents with one change', async t => {
    const unexplained: string[] = []
    const count = { same: 0, different: 0 }
    for (const { pointer, value, document } of mutants(linuxDocument())) {
      const ours = checkSpec(document) !== 0
      if (ours === officially(document)) count.same++
      else if (find(pointer, ours) !== undefined) count.different++
      else unexplained.push(`${pointer} = ${JSON.stringify(value)}: ours says ${ours}`)
    }
    t.same(unexplained, [])
    t.comment(`${count.same} same verdicts, ${count.different} with a listed reason`)
    t.ok(count.same > 3000)
  })

  t.test('the example bundles, and the bad configs whose fault is one of the schema', async t => {
    const bundles = `${repository}bundles/`
    for (const { name } of readdirSync(bundles, { withFileTypes: true }).filter(entry =>
      entry.isDirectory(),
    )) {
      const document = JSON.parse(readFileSync(`${bundles}${name}/config.json`, 'utf8'))
      t.not(checkSpec(document), 0, `${name}, ours`)
      t.equal(officially(document), true, `${name}, official`)
    }
    const directory = `${repository}test/golden/bad-configs/`
    const texts = readFileSync(`${directory}expected.txt`, 'utf8').split(/\n(?=\S)/)
    let compared = 0
    for (const text of texts) {
      const [, file, rule, pointer] = /^(\S+\.json)\n {2}\[([\w-]+)\] (\/[^:]*)?/.exec(text) ?? []
      if (file === undefined || rule === undefined) continue
      const document = JSON.parse(readFileSync(directory + file, 'utf8'))
      const ours = checkSpec(document) !== 0
      t.equal(ours, !rule.startsWith('schema-') && file !== 'version-missing.json', `${file}, ours`)
      if (ours !== officially(document))
        t.ok(find(pointer ?? '', ours), `${file} differs for a listed reason`)
      compared++
    }
    t.ok(compared > 80)
  })

  t.test(
    'every listed reason is needed',
    { skip: process.env.TSRUN_OCI_SCHEMAS !== undefined && 'other schemas' },
    async t => {
      t.same(
        differences.filter(row => !used.has(row) && row.newest !== true).map(row => row.why),
        [],
      )
    },
  )

  const suite = `${official}/test/config`
  t.test(
    'the official corpus',
    { skip: !existsSync(suite) && 'these official schemas come without it' },
    async t => {
      for (const verdict of ['good', 'bad']) {
        for (const file of readdirSync(`${suite}/${verdict}`)) {
          let document: unknown
          try {
            document = JSON.parse(readFileSync(`${suite}/${verdict}/${file}`, 'utf8'))
          } catch {
            t.equal(verdict, 'bad', `${file} is no JSON`)
            continue
          }
          const ours = checkSpec(document) !== 0
          if (ours !== (verdict === 'good'))
            t.ok(find(`/${file.split('-')[0]}`, ours), `${file}: ours says ${ours}`)
          else t.pass(`${file}: ${verdict}`)
        }
      }
    },
  )
})

t.test('state documents', { skip }, async t => {
  const officially = compileOfficial('state-schema.json')
  const ajv = new Ajv({ strict: true })
  for (const file of ['defs.json', 'state.json']) {
    const { $schema: _, ...schema } = JSON.parse(readFileSync(`${repository}schemas/${file}`, 'utf8'))
    ajv.addSchema(schema)
  }
  const ours = ajv.getSchema('state.json') as (document: unknown) => boolean
  t.equal(ours(fullDocument('State')), true)
  const unexplained: string[] = []
  for (const { pointer, value, document } of mutants(fullDocument('State'))) {
    if (ours(document) !== officially(document)) unexplained.push(`${pointer} = ${JSON.stringify(value)}`)
  }
  t.same(unexplained, [])
  // `paused` is the one word that runtimes add.
  t.equal(ours({ ...fullDocument('State'), status: 'paused' }), true)
})

t.test('ajv takes every schema file as it is', async t => {
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({ strict: true, strictTypes: true })
  const files = readdirSync(`${repository}schemas`)
  for (const file of files) ajv.addSchema(JSON.parse(readFileSync(`${repository}schemas/${file}`, 'utf8')))
  for (const file of files) t.type(ajv.getSchema(file), 'function', file)
  const features = ajv.getSchema('features.json') as (document: unknown) => boolean
  t.equal(features(fullDocument('Features')), true)
  t.equal(features({ ociVersionMin: '1.0.0' }), false)
})
