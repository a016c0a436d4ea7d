/** What config.json must have and must not have: each fault is refused at create, and nothing is left of the attempt. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../src/base/errors.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { type Json, type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Bodies, conformance } from './suite.js'

/** A patch that spoils a good config, or what spoils its bundle. */
type Fault = JsonObject | ((c: Container) => void)

const linux = (patch: JsonObject): JsonObject => ({ linux: patch })
const process = (patch: JsonObject): JsonObject => ({ process: patch })
const resources = (patch: JsonObject): JsonObject => linux({ resources: patch })
const blockIO = (field: string, row: JsonObject): JsonObject => resources({ blockIO: { [field]: [row] } })
const spaces = (...more: readonly JsonObject[]): JsonObject => linux({ namespaces: [...namespaces, ...more] })
const seccomp = (patch: JsonObject): JsonObject =>
  linux({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...patch } })
const rule = (patch: JsonObject): JsonObject =>
  seccomp({ syscalls: [{ names: ['getppid'], action: 'SCMP_ACT_ERRNO', ...patch }] })
const argument = (patch: JsonObject): JsonObject =>
  rule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...patch }] })
const hook = (kind: string, patch: JsonObject): JsonObject => ({
  hooks: { [kind]: [{ path: '/bin/true', ...patch }] },
})
const rlimit = (patch: JsonObject): JsonObject =>
  process({ rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0, ...patch }] })
const mount = (patch: JsonObject): JsonObject => ({
  mounts: [...mounts, { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', ...patch }],
})

const map = [{ containerID: 0, hostID: 100000, size: 1000 }]
const mapping = (patch: JsonObject): JsonObject =>
  linux({
    namespaces: [...namespaces, { type: 'user' }],
    uidMappings: [{ ...map[0], ...patch }],
    gidMappings: map,
  })
const bindWith = (patch: JsonObject): JsonObject =>
  mount({ type: 'bind', source: '/etc', options: ['rbind'], ...patch })

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
const otherKinds = kinds.slice(1)
const none: Json | undefined = undefined

const faults: Readonly<Record<string, readonly Fault[]>> = {
  'CF-001': [{ ociVersion: none }],
  'CF-002': [{ ociVersion: '1.0' }, { ociVersion: 'new' }],
  'CF-005': [{ root: none }],
  'CF-006': [{ root: { path: none } }],
  'CF-008': [c => rmSync(c.rootfs, { recursive: true }), aFileForRoot],
  'CF-012': [mount({ destination: none })],
  'CF-066': [bindWith({ uidMappings: map })],
  'CF-067': [bindWith({ gidMappings: map })],
  'CF-070': [process({ terminal: true, consoleSize: { width: 80 } })],
  'CF-071': [process({ terminal: true, consoleSize: { height: 25 } })],
  'CF-072': [process({ cwd: none })],
  'CF-073': [process({ cwd: 'tmp' })],
  'CF-074': [process({ args: [] }), process({ args: none })],
  'CF-076': [rlimit({ type: none })],
  'CF-077': [rlimit({ type: 'RLIMIT_NOTHING' }), rlimit({ type: 'CORE' })],
  'CF-079': [rlimit({ soft: none })],
  'CF-081': [rlimit({ hard: none })],
  'CF-083': [process({ rlimits: Array(2).fill({ type: 'RLIMIT_CORE', soft: 0, hard: 0 }) })],
  'CF-087': [process({ scheduler: { nice: 1 } })],
  'CF-088': [process({ ioPriority: { priority: 1 } })],
  'CF-093': [hook('prestart', { path: none })],
  'CF-094': [hook('prestart', { path: 'bin/true' })],
  'CF-095': [hook('prestart', { timeout: 0 }), hook('prestart', { timeout: -1 })],
  'CF-098': otherKinds.map(kind => hook(kind, { path: none })),
  'CF-099': otherKinds.map(kind => hook(kind, { path: 'bin/true' })),
  'CF-100': otherKinds.flatMap(kind => [hook(kind, { timeout: 0 }), hook(kind, { timeout: -1 })]),
  'CF-133': [{ annotations: ['a', 'b'] }, { annotations: 'a=b' }],
  'CF-134': [c => c.rewrite(text => text.replace('{', '{"annotations":{1:"x"},'))],
  'CF-135': [{ annotations: { '': 'x' } }],
  'CF-147': [{ annotations: { a: 1 } }, { annotations: { a: { b: 'c' } } }, { annotations: { a: true } }],
  'CF-149': [
    { process: { terminal: 'yes' } },
    process({ user: { uid: -1 } }),
    linux({ rootfsPropagation: 'public' }),
    spaces({ type: 'net' }),
    seccomp({ defaultAction: 'ALLOW' }),
    mount({ options: 'ro' }),
    linux({ sysctl: { 'vm.swappiness': '1' } }),
  ],
  'LX-001': [spaces({ path: '/proc/self/ns/user' })],
  'LX-002': [spaces({ type: 'cgroup', path: 'proc/self/ns/cgroup' })],
  'LX-007': [spaces({ type: 'pid' })],
  'LX-008': [mapping({ containerID: none })],
  'LX-009': [mapping({ hostID: none })],
  'LX-010': [mapping({ size: none })],
  'LX-012': [linux({ devices: [{ path: '/dev/x', major: 1, minor: 3 }] })],
  'LX-013': [linux({ devices: [{ type: 'c', major: 1, minor: 3 }] })],
  'LX-015': [
    linux({ devices: [{ type: 'c', path: '/dev/x', minor: 3 }] }),
    linux({ devices: [{ type: 'b', path: '/dev/x', major: 3 }] }),
  ],
  'LX-033': [resources({ devices: [{ access: 'rwm' }] })],
  'LX-035': [resources({ cpu: { quota: 50000, period: 100000, burst: 60000 } })],
  'LX-036': [resources({ cpu: { burst: 100001, quota: 100000 } })],
  'LX-037': [
    blockIO('weightDevice', { major: 240, weight: 100 }),
    blockIO('weightDevice', { minor: 0, weight: 100 }),
  ],
  'LX-038': [blockIO('weightDevice', { major: 240, minor: 0 })],
  'LX-039': ['throttleReadBpsDevice', 'throttleWriteBpsDevice'].flatMap(field => [
    blockIO(field, { major: 240, rate: 1000 }),
    blockIO(field, { minor: 0, rate: 1000 }),
  ]),
  'LX-040': ['throttleReadBpsDevice', 'throttleWriteBpsDevice'].map(field =>
    blockIO(field, { major: 240, minor: 0 }),
  ),
  'LX-041': ['throttleReadIOPSDevice', 'throttleWriteIOPSDevice'].flatMap(field => [
    blockIO(field, { major: 240, rate: 1000 }),
    blockIO(field, { minor: 0, rate: 1000 }),
  ]),
  'LX-042': ['throttleReadIOPSDevice', 'throttleWriteIOPSDevice'].map(field =>
    blockIO(field, { major: 240, minor: 0 }),
  ),
  'LX-043': [resources({ hugepageLimits: [{ limit: 0 }] })],
  'LX-044': [resources({ hugepageLimits: [{ pageSize: '2MB' }] })],
  'LX-045': [resources({ network: { priorities: [{ priority: 1 }] } })],
  'LX-046': [resources({ network: { priorities: [{ name: 'lo' }] } })],
  'LX-047': [resources({ rdma: { mlx5_1: {} } })],
  'LX-056': [linux({ intelRdt: { memBwSchema: '0=100' } })],
  'LX-057': [linux({ intelRdt: { memBwSchema: 'MB:0=100\nMB:1=10' } })],
  'LX-058': [linux({ intelRdt: { schemata: ['L3:0=f\nMB:0=10'] } })],
  'LX-076': [linux({ memoryPolicy: { nodes: '0' } })],
  'LX-077': [linux({ seccomp: { syscalls: [] } })],
  'LX-078': [seccomp({ defaultErrnoRet: 1 })],
  'LX-085': [seccomp({ listenerMetadata: 'x' })],
  'LX-086': [rule({ names: none })],
  'LX-087': [rule({ names: [] })],
  'LX-088': [rule({ action: none })],
  'LX-089': [rule({ action: 'SCMP_ACT_KILL', errnoRet: 1 })],
  'LX-090': [argument({ index: none })],
  'LX-091': [argument({ value: none })],
  'LX-092': [argument({ op: none })],
  'LX-099': [linux({ maskedPaths: ['proc/kcore'] })],
  'LX-100': [linux({ readonlyPaths: ['proc/bus'] })],
  'LX-101': [linux({ personality: { flags: [] } })],
}

/** The refusal is one of the config: no kernel without that device was the reason. */
function refusedByRules(c: Container, what: string): void {
  const text = readFileSync(join(c.bundle, 'config.json'), 'utf8')
  assert.throws(() => loadSpec(text, () => explainer), ConfigError, `${what} is no config error`)
}

function aFileForRoot(c: Container): void {
  writeFileSync(join(c.dir, 'file'), '')
  c.configure({ root: { path: join(c.dir, 'file') } })
}

conformance('required', ['root', 'cc'], (_, rt): Bodies => {
  const refused = (c: Container, fault: Fault): void => {
    if (typeof fault === 'function') fault(c)
    else c.configure(fault)
    const { status, stderr } = c.create()
    const what = typeof fault === 'function' ? 'this bundle' : JSON.stringify(fault)
    assert.notEqual(status, 0, `create takes ${what}`)
    if (typeof fault !== 'function' && rt.lacks('tsrun') === false) refusedByRules(c, what)
    assert.notEqual(stderr.trim(), '', 'without a word')
    assert.notEqual(c.start().status, 0, 'start takes it')
    assert.deepEqual(c.leaks(), nothing)
  }
  return Object.fromEntries(
    Object.entries(faults).map(([id, list]) => [
      id,
      t => {
        for (const fault of list) refused(container(t, rt), fault)
      },
    ]),
  )
})
