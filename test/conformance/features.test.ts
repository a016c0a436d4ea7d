/** What `features` says, and that it is so. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { capabilityNames } from '../../src/base/capabilities.js'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { answersIn, payloadPath, type Report, repository, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { conformance, lazy } from './suite.js'

interface Features {
  readonly ociVersionMin: string
  readonly ociVersionMax: string
  readonly hooks: readonly string[]
  readonly mountOptions: readonly string[]
  readonly annotations: Readonly<Record<string, string>>
  readonly linux: {
    readonly namespaces: readonly string[]
    readonly capabilities: readonly string[]
    readonly seccomp: {
      readonly actions: readonly string[]
      readonly operators: readonly string[]
      readonly archs: readonly string[]
      readonly knownFlags?: readonly string[]
      readonly supportedFlags?: readonly string[]
    }
    readonly memoryPolicy?: { readonly modes: readonly string[]; readonly flags: readonly string[] }
    readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean } }
  }
}

const map = [{ containerID: 0, hostID: 100000, size: 65536 }]

/** The properties of the official structure, from our schema of it. */
const defs: Readonly<Record<string, Schema>> = Object.assign(
  {},
  ...['features.json', 'features-linux.json', 'defs.json'].map(
    file => JSON.parse(readFileSync(join(repository, 'schemas', file), 'utf8')).$defs,
  ),
)
interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
}

/** Pointers of what the structure does not define. */
function undefinedIn(value: unknown, schema: Schema, at: string): string[] {
  const known = schema.$ref === undefined ? schema : (defs[schema.$ref.split('/').at(-1) ?? ''] as Schema)
  if (known.properties === undefined || typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const property = known.properties?.[name]
    return property === undefined ? [`${at}/${name}`] : undefinedIn(inner, property, `${at}/${name}`)
  })
}

const nulls = (value: unknown, at = ''): string[] =>
  value === null
    ? [at]
    : typeof value === 'object'
      ? Object.entries(value as object).flatMap(([name, inner]) => nulls(inner, `${at}/${name}`))
      : []

conformance('features', ['root', 'cc'], (owner, rt) => {
  const told = lazy(() => {
    const { status, stdout, stderr } = container(owner, rt).call('features')
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout) as Features
  })
  const works = (t: Test, patch: JsonObject, prepare?: (c: Container) => void): string => {
    const c = container(t, rt, patch)
    prepare?.(c)
    const { status, stdout, stderr } = c.run()
    assert.equal(status, 0, `${JSON.stringify(patch).slice(0, 200)}: ${stderr}`)
    return stdout
  }
  const accepts = (t: Test, ociVersion: string) => {
    assert.match(ociVersion, /^\d+\.\d+\.\d+/)
    works(t, { ociVersion })
  }
  const list = <T>(items: readonly T[] | undefined): readonly T[] => {
    assert.ok(items !== undefined && items.length > 0, 'features does not tell')
    return items
  }
  const filter = (patch: JsonObject): JsonObject => ({
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...patch } },
  })
  const rule = (patch: JsonObject): JsonObject =>
    filter({ syscalls: [{ names: ['kcmp'], action: 'SCMP_ACT_ERRNO', ...patch }] })
  /** With an agent, as one of the flags and one of the actions are about it. */
  const withAgent = async (t: Test, patch: JsonObject): Promise<void> => {
    const c = container(t, rt)
    const listenerPath = join(c.dir, 'agent')
    const agent = c.spawn(payloadPath(), 'recv-states', listenerPath, '1')
    await agent.says('listening')
    c.configure(rule({ action: 'SCMP_ACT_NOTIFY' }))
    c.configure({ linux: { seccomp: { listenerPath, ...patch } } })
    const { status, stderr } = c.run()
    assert.equal(status, 0, `${JSON.stringify(patch)}: ${stderr}`)
    await agent.done
  }
  const flags = async (t: Test, names: readonly string[]): Promise<void> => {
    for (const name of names) await withAgent(t, { flags: [name] })
  }

  /** A policy that this kernel may not have: either it is in force, or the kernel is said to have refused it. */
  const policy = (t: Test, memoryPolicy: JsonObject): void => {
    const { status, stderr } = container(t, rt, { linux: { memoryPolicy } }).run()
    if (status !== 0) assert.match(stderr, /set_mempolicy.*(EINVAL|ENOSYS)/, JSON.stringify(memoryPolicy))
  }
  const nodes = (mode: string) => (mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL' ? {} : { nodes: '0' })

  return {
    'FT-001': () => assert.deepEqual(nulls(told()), []),
    'FT-002': () => assert.match(told().ociVersionMin, /^\d+\.\d+\.\d+/),
    'FT-003': t => accepts(t, told().ociVersionMin),
    'FT-004': () => assert.match(told().ociVersionMax, /^\d+\.\d+\.\d+/),
    'FT-005': t => accepts(t, told().ociVersionMax),
    'FT-006': () => {
      const parts = (text: string) => text.split('-')[0]?.split('.').map(Number) ?? []
      const [min, max] = [parts(told().ociVersionMin), parts(told().ociVersionMax)]
      const first = max.findIndex((part, index) => part !== min[index])
      assert.ok(first === -1 || (max[first] ?? 0) > (min[first] ?? 0))
    },
    'FT-007': () => assert.deepEqual(undefinedIn(told(), { $ref: 'Features' }, ''), []),
    'FT-008': t => {
      const kinds = list(told().hooks)
      const c = container(t, rt)
      const mark = (kind: string) => (kind === 'startContainer' ? `/marks/${kind}` : join(c.dir, kind))
      c.configure({
        mounts: [...mounts, { destination: '/marks', source: c.dir, options: ['bind'] }],
        hooks: Object.fromEntries(
          kinds.map(kind => [
            kind,
            [
              {
                path: kind === 'startContainer' ? '/bin/payload' : payloadPath(),
                args: ['payload', 'write', mark(kind), 'ran'],
              },
            ],
          ]),
        ),
      })
      const { status, stderr } = c.run()
      assert.equal(status, 0, stderr)
      assert.deepEqual(
        kinds.filter(kind => !existsSync(join(c.dir, kind))),
        [],
      )
    },
    'FT-009': t => {
      // A file system refuses an option that it does not know, so one that arrives there is not recognized.
      const special = ['bind', 'rbind', 'remount', 'idmap', 'ridmap', 'tmpcopyup', 'copy-symlink']
      const options = list(told().mountOptions).filter(option => !special.includes(option))
      const tmpfs = (option: string) => ({
        destination: `/mnt/${option}`,
        type: 'tmpfs',
        source: 'x',
        options: [option],
      })
      works(t, { mounts: [...mounts, ...options.map(tmpfs)], linux: { rootfsPropagation: 'rslave' } })
      for (const option of special.filter(option => told().mountOptions.includes(option))) {
        const mapped = option.endsWith('idmap') ? { uidMappings: map, gidMappings: map } : {}
        const isBind = ['bind', 'rbind', 'idmap', 'ridmap'].includes(option)
        const first = isBind
          ? { ...mapped, destination: '/mnt', source: '/etc', options: [...new Set(['bind', option])] }
          : {
              destination: '/tmp',
              type: 'tmpfs',
              source: 'x',
              options: option === 'tmpcopyup' ? [option] : [],
            }
        const again = { destination: '/tmp', type: 'tmpfs', source: 'x', options: ['remount'] }
        works(t, { mounts: [...mounts, first, ...(option === 'remount' ? [again] : [])] })
      }
    },
    'FT-010': () => {
      for (const [name, value] of Object.entries(told().annotations)) {
        assert.notEqual(name, '')
        assert.equal(typeof value, 'string', name)
      }
    },
    'FL-001': t => {
      for (const type of list(told().linux.namespaces)) {
        const others = namespaces.filter(each => each.type !== type)
        const maps = type === 'user' ? { uidMappings: map, gidMappings: map } : {}
        if (type === 'user' && requires('userns') !== false) continue
        works(t, { linux: { namespaces: [...others, { type }], ...maps } })
      }
    },
    'FL-002': t => {
      const own = BigInt(`0x${/CapPrm:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
      const has = (name: string) => ((own >> BigInt(capabilityNames.indexOf(name as never))) & 1n) === 1n
      const names = list(told().linux.capabilities).filter(has)
      const capabilities = { bounding: names, permitted: names, effective: names }
      const stdout = works(t, { process: { capabilities, args: script(['report']) } })
      const { caps } = answersIn(stdout)[0] as unknown as Report
      assert.equal(BigInt(`0x${caps.effective}`), own, 'all that there are, each by its name')
    },
    'FL-003': async t => {
      for (const action of list(told().linux.seccomp.actions))
        if (action === 'SCMP_ACT_NOTIFY') await withAgent(t, {})
        else works(t, rule({ action }))
    },
    'FL-004': t => {
      const args = list(told().linux.seccomp.operators).map(op => ({ index: 0, value: 1, valueTwo: 1, op }))
      for (const arg of args) works(t, rule({ args: [arg] }))
    },
    'FL-005': t => void works(t, filter({ architectures: list(told().linux.seccomp.archs) })),
    'FL-006': t => flags(t, list(told().linux.seccomp.knownFlags)),
    'FL-007': t => flags(t, list(told().linux.seccomp.supportedFlags)),
    'FL-008': t => {
      for (const mode of list(told().linux.memoryPolicy?.modes)) policy(t, { mode, ...nodes(mode) })
    },
    'FL-009': t => {
      for (const name of list(told().linux.memoryPolicy?.flags))
        policy(t, { mode: 'MPOL_BIND', nodes: '0', flags: [name] })
    },
    'FL-010': t => {
      assert.equal(told().linux.mountExtensions?.idmap?.enabled, true)
      const bind = { destination: '/mnt', source: '/etc', options: ['bind'] }
      const mapped = { uidMappings: [{ containerID: 0, hostID: 700, size: 1 }], gidMappings: map }
      const stdout = works(t, {
        mounts: [...mounts, { ...bind, ...mapped }],
        process: { args: script(['stat', '/mnt']) },
      })
      assert.equal(answersIn(stdout)[0]?.uid, 700)
    },
  }
})
