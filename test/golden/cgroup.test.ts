/**
 * What cgroups come to, as printed: each config of `cases` on each kind of machine, against `cgroup/NAME.txt`.
 * `UPDATE_GOLDEN=1` writes the files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { CgroupHost, Hierarchy } from '../../src/host/cgroup.js'
import { lowerCgroup } from '../../src/lower/cgroup/index.js'
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
