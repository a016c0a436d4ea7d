/**
 * What cgroups come to, as printed: each config of `cases` on each kind of machine, against `cgroup/NAME.txt`.
 * `UPDATE_GOLDEN=1` writes the files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { CgroupHost, Hierarchy } from '../../src/host/cgroup.js'
import { type CgroupRequest, lowerCgroup } from '../../src/lower/cgroup/index.js'
import { planText } from '../../src/plan/print.js'
import type { Linux } from '../../src/spec/types.gen.js'

const at = (name: string, own = '/'): Hierarchy => ({ mount: `/sys/fs/cgroup/${name}`, own })
const cpu = at('cpu,cpuacct', '/user.slice')
const v1 = {
  'name=systemd': at('systemd', '/user.slice'),
  memory: at('memory', '/user.slice'),
  pids: at('pids', '/user.slice'),
  cpuset: at('cpuset'),
  freezer: at('freezer'),
  cpu,
  cpuacct: cpu,
  devices: at('devices', '/user.slice'),
}
const hosts: Readonly<Record<string, CgroupHost>> = {
  v1: { mode: 'v1', v1 },
  hybrid: { mode: 'hybrid', v1, v2: at('unified', '/user.slice') },
  v2: { mode: 'v2', v1: {}, v2: { mount: '/sys/fs/cgroup', own: '/user.slice/session.scope' } },
}

const cases: Readonly<Record<string, Linux>> = {
  nothing: {},
  relative: { cgroupsPath: 'pods/web' },
  docker: {
    cgroupsPath: '/docker/0123abcd',
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
        { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' },
        { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
      ],
      memory: {
        limit: 104857600,
        swap: 209715200,
        reservation: 52428800,
        swappiness: 60,
        disableOOMKiller: false,
      },
      cpu: { shares: 512, quota: 50000, period: 100000, cpus: '0-1', mems: '0' },
      pids: { limit: 100 },
      blockIO: { weight: 0 },
    },
  },
  everything: {
    resources: {
      memory: {
        limit: -1,
        swap: -1,
        reservation: -1,
        swappiness: 0,
        disableOOMKiller: true,
        kernel: 1048576,
        useHierarchy: false,
      },
      cpu: {
        shares: 2,
        quota: -1,
        period: 5000,
        burst: 0,
        idle: 0,
        realtimePeriod: 1000000,
        realtimeRuntime: 1000,
        cpus: '1',
      },
      pids: { limit: -1 },
      devices: [{ allow: true, access: 'rwm' }],
    },
  },
}

const device = (rate: number) => [{ major: 8, minor: 0, rate }]

/** Every field that has a property, and those that have none. */
const allProperties: Linux = {
  cgroupsPath: 'a-b.slice:pre:web',
  resources: {
    memory: { limit: 104857600, swap: 209715200, reservation: 52428800 },
    cpu: { shares: 512, quota: 33333, period: 100000, burst: 1000, cpus: '0-2,9', mems: '0' },
    pids: { limit: 0 },
    blockIO: {
      weight: 500,
      weightDevice: [{ major: 8, minor: 0, weight: 10 }],
      throttleReadBpsDevice: device(1048576),
      throttleWriteBpsDevice: device(0),
      throttleReadIOPSDevice: device(100),
      throttleWriteIOPSDevice: device(200),
    },
    hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'b', major: 8, minor: 0, access: 'r' },
    ],
  },
}

const systemdCases: Readonly<Record<string, Linux>> = {
  nothing: {},
  allProperties,
  unlimited: {
    cgroupsPath: '-.slice:pre:web',
    resources: {
      memory: { limit: -1, reservation: -1 },
      cpu: { quota: -1, idle: 1 },
      pids: { limit: -1 },
      devices: [{ allow: true, access: 'rwm' }],
    },
  },
}

const v2Only: Readonly<Record<string, Linux>> = {
  unified: {
    cgroupsPath: ':pre:web',
    resources: {
      unified: {
        'memory.high': '1048576',
        'memory.min': 'max',
        'memory.oom.group': '1',
        'cpu.weight': '50',
        'cpu.max': '50000 200000',
        'cpuset.cpus': '0-1',
        'pids.max': '7',
        'io.max': '8:0 rbps=1000',
      },
    },
  },
}

const annotations = {
  'org.systemd.property.TimeoutStopUSec': 'uint64 123456789',
  'org.systemd.property.CollectMode': "'inactive'",
  'org.systemd.property.RuntimeMaxSec': '1.5',
}

/** With a hierarchy for every knob. */
const full = { ...v1, blkio: at('blkio'), hugetlb: at('hugetlb') }
const systemdHosts: Readonly<Record<string, CgroupHost>> = {
  v1: { mode: 'v1', v1: full },
  hybrid: { mode: 'hybrid', v1: full, v2: at('unified') },
  v2: hosts.v2 as CgroupHost,
}

const managers: Readonly<Record<string, CgroupRequest['manager']>> = {
  systemd: { bus: 'system', root: '' },
  user: { bus: 'user', root: '/user.slice/user-1000.slice/user@1000.service' },
}

for (const [manager, host] of [
  ['systemd', 'hybrid'],
  ['systemd', 'v1'],
  ['systemd', 'v2'],
  ['user', 'v2'],
] as const) {
  t.test(`${manager} on ${host}`, async t => {
    let text = ''
    const all = host === 'v2' ? { ...systemdCases, ...v2Only } : systemdCases
    for (const [name, linux] of Object.entries(all)) {
      const request = { id: 'web', manager: managers[manager] as CgroupRequest['manager'] }
      const spec = { ociVersion: '1.3.0', linux, ...(name === 'unlimited' && { annotations }) }
      const plan = lowerCgroup(spec, systemdHosts[host] as CgroupHost, request)
      const ops = [...plan.create, ...plan.join, ...plan.moveInit, ...plan.limit]
      text += `# ${name}\n${planText({ format: 1, ops })}\n`
    }
    const file = new URL(`cgroup/${manager}-${host}.txt`, import.meta.url)
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, text)
    t.equal(text, readFileSync(file, 'utf8'))
  })
}

for (const [host, facts] of Object.entries(hosts)) {
  t.test(host, async t => {
    let text = ''
    for (const [name, linux] of Object.entries(cases)) {
      const plan = lowerCgroup({ ociVersion: '1.3.0', linux }, facts, { id: 'web', manager: 'cgroupfs' })
      const ops = [...plan.create, ...plan.join, ...plan.moveInit, ...plan.limit]
      text += `# ${name}\n${planText({ format: 1, ops })}`
      for (const { pointer, message } of plan.warnings) text += `warning  ${pointer}: ${message}\n`
      text += '\n'
    }
    const file = new URL(`cgroup/${host}.txt`, import.meta.url)
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, text)
    t.equal(text, readFileSync(file, 'utf8'))
  })
}
