// The validator that says yes or no is written by our own generator: ajv's must agree with it about everything.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { explainSpec } from '../../src/spec/explain.gen.js'
import { checkProcess, checkResources, checkSpec } from '../../src/spec/validate.gen.js'
import { fullDocument, mutants } from '../support/fullspec.js'

const repository = fileURLToPath(new URL('../../', import.meta.url))

t.test('a document with every property is valid', async t => {
  t.equal(checkSpec(fullDocument('Spec')), 1)
  t.equal(explainSpec(fullDocument('Spec')), true)
})

t.test('both validators agree on every document with one change', async t => {
  const verdicts = { valid: 0, invalid: 0 }
  const disagreements: string[] = []
  for (const { pointer, value, document } of mutants(fullDocument('Spec'))) {
    const hot = checkSpec(document) !== 0
    verdicts[hot ? 'valid' : 'invalid']++
    if (hot !== explainSpec(document))
      disagreements.push(`${pointer} = ${JSON.stringify(value)}: hot says ${hot}`)
  }
  t.same(disagreements, [])
  t.ok(verdicts.valid > 500 && verdicts.invalid > 1000, `enough of both: ${JSON.stringify(verdicts)}`)
})

t.test('the process and the resources validate alone as in their place', async t => {
  const spec = fullDocument('Spec') as { process: unknown; linux: { resources: unknown } }
  t.equal(checkProcess(spec.process), 1)
  t.equal(checkResources(spec.linux.resources), 1)
  t.equal(checkProcess({}), 0, 'cwd is required')
  t.equal(checkResources({ pids: {} }), 0, 'the limit is required')
  t.equal(checkResources([]), 0)
})

t.test('integers beyond 2^53 are valid, but ask for their digits', async t => {
  const rlimit = (hard: unknown) => ({ cwd: '/', rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard }] })
  t.equal(checkProcess(rlimit(2 ** 53 - 1)), 1)
  t.equal(checkProcess(rlimit(2 ** 53)), 2)
  t.equal(checkProcess(rlimit(2 ** 64)), 2, '2^64-1 is rounded to this')
  t.equal(checkProcess(rlimit(2 ** 65)), 0)
  t.equal(checkProcess(rlimit(2n ** 64n - 1n)), 1)
  t.equal(checkProcess(rlimit(2n ** 64n)), 0)
  t.equal(checkProcess(rlimit(-1n)), 0)
  const memory = (limit: unknown) => ({ memory: { limit } })
  t.equal(checkResources(memory(-(2 ** 63))), 2)
  t.equal(checkResources(memory(2n ** 63n - 1n)), 1)
  t.equal(checkResources(memory(2n ** 63n)), 0)
  t.equal(checkResources(memory(-(2n ** 63n) - 1n)), 0)
})

t.test('the generated files are what the generator writes', async t => {
  const directory = t.testdir()
  execFileSync('node', [`${repository}tools/schema.mjs`, '--out', directory])
  for (const file of readdirSync(directory)) {
    const committed = readFileSync(`${repository}src/spec/${file}`, 'utf8')
    t.ok(readFileSync(`${directory}/${file}`, 'utf8') === committed, `${file} is fresh: else run make gen`)
  }
  t.equal(readdirSync(directory).length, 3)
})

t.test('the types', async t => {
  const text = readFileSync(`${repository}src/spec/types.gen.ts`, 'utf8')
  const names = `Spec Root Process ConsoleSize User Capabilities Rlimit Scheduler IoPriority ExecCpuAffinity Mount Hooks
    Hook Linux Namespace IdMap Device Resources Memory Cpu Pids BlockIo HugepageLimit NetworkResources Rdma DeviceRule
    Seccomp SeccompSyscall SeccompArg Personality IntelRdt TimeOffsets MemoryPolicy NetDevice State Features`
  for (const name of names.split(/\s+/)) t.match(text, `export interface ${name} {`, name)
  t.equal(text.match(/: Int64$/gm)?.length, 22, 'every 64-bit field is an Int64')
  t.notMatch(text, /\[k: string\]: unknown/, 'no type allows unknown properties')
  t.notMatch(text, /\| undefined/, 'absent is not undefined')
})

t.test('every field of the schemas is described', async t => {
  interface Node {
    description?: string
    properties?: Record<string, Node>
    items?: Node
  }
  const look = (schema: Node, at: string): void => {
    for (const [key, field] of Object.entries(schema.properties ?? {})) {
      t.match(field.description, /^.{4,}\.$/s, `${at}.${key} has a sentence`)
      look(field, `${at}.${key}`)
    }
  }
  for (const file of readdirSync(`${repository}schemas`)) {
    const { $defs } = JSON.parse(readFileSync(`${repository}schemas/${file}`, 'utf8')) as {
      $defs: Record<string, Node>
    }
    for (const [name, schema] of Object.entries($defs)) look(schema, `${file} ${name}`)
  }
})
