/** `features` against the schema of the structure, the schemas of the config, and the tables that do the work. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { features } from '../../src/container/features.js'
import { knobs } from '../../src/lower/cgroup/knobs.js'
import { annotatedProperties } from '../../src/lower/cgroup/unitannotations.js'
import { parseMountOptions } from '../../src/lower/mountoptions.js'
import { type ArchName, sections } from '../../src/lower/seccomp/archs.js'
import { honoured, ignored } from '../../src/spec/ocirun.js'
import { repository } from '../support/payload.js'

interface Schema {
  readonly $ref?: string
  readonly enum?: readonly string[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

const defs: Readonly<Record<string, Schema>> = Object.assign(
  {},
  ...readdirSync(join(repository, 'schemas')).map(
    file => JSON.parse(readFileSync(join(repository, 'schemas', file), 'utf8')).$defs,
  ),
)
const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined ? schema : resolved(defs[schema.$ref.split('/').at(-1) ?? ''] as Schema)

/** The words that the config's schema takes at `Type/property`. */
const wordsOf = (type: string, property: string): string[] => {
  const schema = resolved(defs[type]?.properties?.[property] as Schema)
  return [...(schema.enum ?? resolved(schema.items ?? {}).enum ?? [])].sort()
}

const told = features()
const linux = told.linux as NonNullable<typeof told.linux>

t.test('every property of the structure is told', async t => {
  const missing: string[] = []
  const walk = (schema: Schema, value: unknown, at: string): void => {
    const { properties } = resolved(schema)
    if (properties === undefined) return
    for (const [name, inner] of Object.entries(properties)) {
      const found = (value as Record<string, unknown> | undefined)?.[name]
      if (found === undefined) missing.push(`${at}/${name}`)
      else walk(inner, found, `${at}/${name}`)
    }
  }
  walk({ $ref: 'Features' }, told, '')
  t.same(missing, [])
})

t.test('its lists are the words that a config may use', async t => {
  t.same([...(linux.namespaces ?? [])].sort(), wordsOf('Namespace', 'type'))
  t.same(linux.seccomp?.actions, wordsOf('SeccompSyscall', 'action'))
  t.same(linux.seccomp?.operators, wordsOf('SeccompArg', 'op'))
  for (const arch of wordsOf('Seccomp', 'architectures') as ArchName[]) {
    const compile = () => sections({ defaultAction: 'SCMP_ACT_ALLOW', architectures: [arch] }, 'x86_64')
    if (linux.seccomp?.archs?.includes(arch)) t.doesNotThrow(compile, arch)
    else t.throws(compile, { message: /is not an architecture/ }, `${arch} has the other byte order`)
  }
  t.same(linux.seccomp?.knownFlags, wordsOf('Seccomp', 'flags'))
  t.same(linux.memoryPolicy?.modes, wordsOf('MemoryPolicy', 'mode'))
  t.same(linux.memoryPolicy?.flags, wordsOf('MemoryPolicy', 'flags'))
  t.same([...(told.hooks ?? [])].sort(), Object.keys(defs.Hooks?.properties ?? {}).sort())
  t.equal(linux.capabilities?.length, 41)
})

t.test('no mount option of the list would reach a file system', async t => {
  for (const option of told.mountOptions ?? []) t.same(parseMountOptions([option]).data, [], option)
  t.same(parseMountOptions(['size=1m', 'nobody-knows']).data, ['size=1m', 'nobody-knows'])
})

t.test('the cgroup drivers are those that the table of knobs answers', async t => {
  const has = (driver: 'v1' | 'v2'): boolean => knobs.some(row => 'file' in row[driver])
  t.equal(linux.cgroup?.v1, has('v1'))
  t.equal(linux.cgroup?.v2, has('v2'))
  t.equal(
    linux.cgroup?.systemd,
    knobs.some(({ systemd }) => 'property' in systemd),
  )
  t.equal(
    linux.cgroup?.rdma,
    knobs.some(({ v2 }) => 'controller' in v2 && v2.controller === 'rdma'),
  )
})

t.test('annotations that change what is done are named', async t => {
  const prefix = told.potentiallyUnsafeConfigAnnotations?.find(name => name.startsWith('org.systemd')) ?? ''
  t.equal(annotatedProperties({ [`${prefix}TasksMax`]: 'uint64 5' }).length, 1)
  const honoured = new Set<string>()
  for (const file of readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.includes('.gen.') || file.startsWith('cli/help')) continue
    const text = readFileSync(join(repository, 'src', file), 'utf8')
    for (const [, name] of text.matchAll(/'((?:run\.oci|org\.systemd|org\.criu)\.[\w.]*)'/g))
      honoured.add(name as string)
  }
  const named = told.potentiallyUnsafeConfigAnnotations ?? []
  const covered = (name: string) =>
    named.some(each => name === each || (each.endsWith('.') && name.startsWith(each)))
  t.same(
    [...honoured].filter(name => !covered(name)),
    [],
  )
})

t.test('the table in the README says the same', async t => {
  const tool = join(repository, 'tools/features.mjs')
  t.doesNotThrow(() => execFileSync(process.execPath, [tool, '--check'], { stdio: 'pipe' }))
})

t.test('README tells of each annotation run.oci.*', async t => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8')
  for (const name of honoured) t.ok(readme.includes(`| \`${name}\` | `), name)
  for (const [name, why] of Object.entries(ignored)) t.ok(readme.includes(`| \`${name}\` | ${why} |`), name)
})
