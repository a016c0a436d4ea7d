import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ConfigError } from '../../src/base/errors.js'
import { explainer } from '../../src/spec/explain.js'
import { loadProcess, loadResources, loadSpec } from '../../src/spec/load.js'
import { warnings } from '../../src/spec/rules/index.js'

const explain = () => explainer
const never = (): typeof explainer => {
  throw new Error('the explaining part was loaded for a good document')
}

/** A good config with `part` merged in, one level deep. */
const config = (part: Record<string, Record<string, unknown> | unknown[] | string> = {}): string => {
  const base: Record<string, unknown> = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { args: ['/bin/true'], cwd: '/' },
    linux: { namespaces: [{ type: 'mount' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }] },
  }
  for (const [key, value] of Object.entries(part)) {
    const plain = Array.isArray(value) || typeof value === 'string'
    base[key] = plain ? value : { ...(base[key] as object), ...value }
  }
  return JSON.stringify(base)
}

t.test('the example bundles load, without the explaining part and without warnings', async t => {
  const bundles = fileURLToPath(new URL('../../bundles/', import.meta.url))
  for (const entry of readdirSync(bundles, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const spec = loadSpec(readFileSync(`${bundles}${entry.name}/config.json`, 'utf8'), never)
    t.same(warnings(spec), [], entry.name)
  }
})

t.test('unknown properties are kept and harm nobody', async t => {
  const text = config({
    process: { color: 'blue', user: { uid: 1, shoe: [{}] } },
    windows: 'anything',
    vm: { a: 1 },
  })
  t.match(loadSpec(text, never), { process: { color: 'blue' }, windows: 'anything' })
})

t.test('versions of the specification', async t => {
  for (const ociVersion of ['1.0.0', '1.0.2-dev', '1.1.0+dev', '1.3.0', '1.0.0-rc5.1+a-b', '1.99.0']) {
    t.doesNotThrow(() => loadSpec(config({ ociVersion }), never), ociVersion)
  }
  for (const ociVersion of [
    '2.0.0',
    '0.9.0',
    '1',
    '1.0',
    '01.0.0',
    '1.0.0.0',
    '1..0',
    'v1.0.0',
    '',
    '1.0.x',
  ]) {
    t.throws(
      () => loadSpec(config({ ociVersion }), explain),
      { message: /^\/ociVersion: / },
      JSON.stringify(ociVersion),
    )
  }
})

t.test('64-bit values arrive exactly', async t => {
  const infinity = '18446744073709551615'
  const text = config({
    process: { rlimits: [{ type: 'RLIMIT_CORE', soft: '@', hard: '@' }] },
    annotations: { note: `"${infinity}, ${infinity}` },
  }).replaceAll('"@"', infinity)
  const spec = loadSpec(text, never)
  t.strictSame(spec.process?.rlimits, [{ type: 'RLIMIT_CORE', soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n }])
  t.equal(spec.annotations?.note, `"${infinity}, ${infinity}`)
  const limits = loadResources('{"memory":{"limit":9223372036854771712,"swap":-1}}', never)
  t.strictSame(limits.memory, { limit: 9223372036854771712n, swap: -1 })
})

t.test('what good configs have', async t => {
  const good: Record<string, string> = {
    'empty sections that Docker writes': config({
      linux: {
        namespaces: [{ type: 'mount' }],
        resources: {
          blockIO: { weight: 0 },
          cpu: { shares: 0, realtimePeriod: 0 },
          network: {},
          hugepageLimits: [],
        },
        mountLabel: '',
      },
      process: { apparmorProfile: '', selinuxLabel: '' },
    }),
    'offsets of no time': config({
      linux: { namespaces: [{ type: 'mount' }, { type: 'time' }], timeOffsets: { monotonic: { secs: 0 } } },
    }),
    'the device list that every engine writes': config({
      linux: {
        namespaces: [{ type: 'mount' }],
        resources: {
          devices: [
            { allow: false, access: 'rwm' },
            { allow: true, type: 'c', major: 1, minor: -1, access: 'rw' },
          ],
        },
      },
    }),
    'file modes with the type of the file': config({
      linux: {
        namespaces: [{ type: 'mount' }],
        devices: [
          { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o20666 },
          { type: 'p', path: '/dev/pipe' },
        ],
      },
    }),
    'mounts over the files of lxcfs': config({
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/proc/cpuinfo', source: '/x', options: ['bind'] },
        { destination: '/proc/../etc/x', source: '/x', options: ['bind'] },
        { destination: 'data', type: 'tmpfs' },
      ],
    }),
    'sysctls of the namespaces, with dots and with slashes': config({
      linux: {
        namespaces: [{ type: 'mount' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }],
        sysctl: {
          'net.ipv4.conf.eno2/100.forwarding': '1',
          'net/ipv4/conf/eno2.100/forwarding': '1',
          'fs.mqueue.msg_max': '5',
          'kernel.sem': '1',
          'kernel.domainname': 'x',
        },
      },
    }),
    'a joined user namespace without maps': config({
      linux: { namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/1/ns/user' }] },
    }),
    'an escaped backslash before u0000': config({ annotations: { a: '\\u0000' } }),
    'a hook for each kind': config({
      hooks: { prestart: [{ path: '/a', timeout: 1 }], poststop: [{ path: '/b' }] },
    }),
    'errno of errno and trace': config({
      linux: {
        namespaces: [{ type: 'mount' }],
        seccomp: {
          defaultAction: 'SCMP_ACT_ERRNO',
          defaultErrnoRet: 38,
          syscalls: [{ names: ['a'], action: 'SCMP_ACT_TRACE', errnoRet: 65535 }],
        },
      },
    }),
  }
  for (const [what, text] of Object.entries(good)) t.doesNotThrow(() => loadSpec(text, explain), what)
})

t.test('process and resources documents name places in themselves', async t => {
  const refused = (load: () => unknown, message: string) => t.throws(load, { message })
  t.match(loadProcess('{"args":["a"],"cwd":"/","execCPUAffinity":{"initial":"0"}}', never), { args: ['a'] })
  refused(() => loadProcess('{"args":[],"cwd":"/"}', explain), '/args: args must not be empty')
  refused(() => loadProcess('{"args":["a"]}', explain), 'required property "cwd" is missing')
  refused(
    () => loadProcess('{"args":["a",1],"cwd":"/"}', explain),
    '/args/1: must be a string, is the integer 1',
  )
  refused(
    () => loadProcess('{"args":["a"],"cwd":"/","scheduler":{"policy":"SCHED_FIFO"}}', explain),
    '/scheduler/priority: must be 1 to 99 for SCHED_FIFO, is absent',
  )
  t.same(loadResources('{}', never), {})
  refused(
    () => loadResources('{"pids":{"limit":"5"}}', explain),
    '/pids/limit: must be an integer, is the string "5" (most tasks)',
  )
  refused(
    () => loadResources('{"unified":{"a/b":"1"}}', explain),
    '/unified: unified resource "a/b" must be a file name like memory.high (CONTROLLER.PARAMETER)',
  )
})

t.test('the text of a secret is not shown', async t => {
  const text = config({ process: { env: ['PASSWORD:hunter2'] } })
  t.throws(
    () => loadSpec(text, explain),
    new ConfigError('/process/env/0', 'env-form', "invalid environment variable: missing '='"),
  )
})

t.test('nesting without end is refused, not crashed on', async t => {
  const text = `${'['.repeat(200000)}`
  t.throws(() => loadSpec(text, explain), { code: 'ERR_CONFIG' })
  const deep = config().replace('"ociVersion"', `"x":${'['.repeat(5000)}${']'.repeat(5000)},"ociVersion"`)
  t.doesNotThrow(() => loadSpec(deep, explain), 'in an unknown property')
  const process = config({ process: { rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: '@' }] } })
  const deepest = `"x":${'['.repeat(200000)}1${']'.repeat(200000)},"ociVersion"`
  const both = process.replace('"@"', '18446744073709551615').replace('"ociVersion"', deepest)
  t.throws(() => loadSpec(both, explain), { message: 'invalid JSON: it is nested too deeply' })
})

t.test('warnings', async t => {
  const text = config({
    mounts: [{ destination: 'data', type: 'tmpfs' }],
    linux: {
      namespaces: [{ type: 'mount' }],
      resources: { memory: { kernel: 1, useHierarchy: true, kernelTCP: 0 } },
    },
  })
  t.same(
    warnings(loadSpec(text, never)).map(({ pointer, message }) => `${pointer}: ${message}`),
    [
      '/mounts/0/destination: relative destination path is **deprecated**, using it as relative to /',
      '/linux/resources/memory/kernel: is ignored: limits of kernel memory are gone from Linux',
      '/linux/resources/memory/useHierarchy: is ignored: cgroups always count their children',
    ],
  )
})
