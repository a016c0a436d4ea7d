/** cgroups on a v2 host: the same promises as in cgroups.test.ts, in the files of the unified hierarchy. */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const MiB = 1 << 20
const waiting = { process: { args: script(['wait']) } }
const directory = (c: Container) => join('/sys/fs/cgroup', c.id)
const file = (c: Container, name: string) => readFileSync(join(directory(c), name), 'utf8').trim()

forms(t, requires('root', 'cc', 'cgroup2'), (t, rt) => {
  t.test('limits, as the host’s files have them', async t => {
    const resources = {
      memory: { limit: 64 * MiB, reservation: 32 * MiB, swap: 96 * MiB },
      cpu: { shares: 1024, quota: 50_000, period: 200_000, burst: 10_000, cpus: '0', mems: '0' },
      pids: { limit: 42 },
    }
    const c = container(t, rt, { ...waiting, linux: { resources } })
    t.equal(c.create().status, 0)
    t.equal(file(c, 'cgroup.procs'), `${c.state().pid}`)
    t.equal(file(c, 'memory.max'), `${64 * MiB}`)
    t.equal(file(c, 'memory.low'), `${32 * MiB}`)
    if (existsSync(join(directory(c), 'memory.swap.max'))) t.equal(file(c, 'memory.swap.max'), `${32 * MiB}`)
    t.match(file(c, 'cpu.weight'), /^(39|100)$/, 'two formulas are in use')
    t.equal(file(c, 'cpu.max'), '50000 200000')
    if (!rt.lacks('newer-knobs')) t.equal(file(c, 'cpu.max.burst'), '10000')
    t.equal(file(c, 'cpuset.cpus'), '0')
    t.equal(file(c, 'cpuset.mems'), '0')
    t.equal(file(c, 'pids.max'), '42')
    t.equal(c.del('--force').status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('idle', { skip: rt.lacks('newer-knobs') }, async t => {
    const c = container(t, rt, { ...waiting, linux: { resources: { cpu: { idle: 1 } } } })
    t.equal(c.create().status, 0)
    t.equal(file(c, 'cpu.idle'), '1')
  })

  t.test('unified', async t => {
    const unified = {
      'memory.high': '50331648',
      'memory.min': '1048576',
      'cpu.weight': '55',
      'cgroup.max.depth': '3',
    }
    const c = container(t, rt, { ...waiting, linux: { resources: { unified } } })
    t.equal(c.create().status, 0)
    for (const [name, value] of Object.entries(unified)) t.equal(file(c, name), value, name)
  })

  t.test('-1 is no limit', async t => {
    const resources = { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } }
    const c = container(t, rt, { ...waiting, linux: { resources } })
    t.equal(c.create().status, 0)
    for (const name of ['memory.max', 'pids.max']) t.equal(file(c, name), 'max', name)
    t.match(file(c, 'cpu.max'), /^max /)
  })

  t.test('the container sees its own cgroup as the root, read-only', async t => {
    const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }
    const linux = { namespaces: [...namespaces, { type: 'cgroup' }] }
    const c = container(t, rt, { mounts: [...mounts, cgroup], linux })
    const [own, procs, made] = c.ask(
      ['cat', '/proc/self/cgroup'],
      ['cat', '/sys/fs/cgroup/cgroup.procs'],
      ['mkdir', '/sys/fs/cgroup/made'],
    )
    t.equal(own?.data, '0::/\n')
    t.equal(procs?.data, '1\n')
    t.equal(made?.errno, 'EROFS')
  })

  t.test('cgroups that the process made go with the container', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    mkdirSync(join(directory(c), 'inner', 'most'), { recursive: true })
    t.equal(c.del('--force').status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('controllers are handed down every level of a path', async t => {
    const c = container(t, rt, { ...waiting, linux: { resources: { pids: { limit: 42 } } } })
    const parent = `${c.id}-parent`
    c.configure({ linux: { cgroupsPath: `/${parent}/middle/${c.id}` } })
    t.equal(c.create().status, 0)
    const below = (...names: string[]) => join('/sys/fs/cgroup', parent, ...names)
    const down = (...names: string[]) => readFileSync(below(...names, 'cgroup.subtree_control'), 'utf8')
    t.match([down(), down('middle')], [/\bpids\b/, /\bpids\b/])
    t.equal(readFileSync(below('middle', c.id, 'pids.max'), 'utf8'), '42\n')
    t.equal(c.del('--force').status, 0)
    for (const path of [below('middle'), below()]) rmdirSync(path)
    t.same(c.leaks(), nothing)
  })

  t.test('what the kernel refuses, and what it does not have', async t => {
    const c = container(t, rt)
    const refused: readonly (readonly [JsonObject, RegExp])[] = [
      [{ cpu: { cpus: '999' } }, /\/linux\/resources\/cpu\/cpus: .*cpuset\.cpus/],
      [{ pids: { limit: 99_999_999 } }, /\/linux\/resources\/pids\/limit: .*pids\.max/],
      [{ unified: { 'memory.high': 'lots' } }, /\/linux\/resources\/unified\/memory\.high: .*EINVAL/],
      [{ unified: { 'cpuset.none': '1' } }, /\/linux\/resources\/unified\/cpuset\.none: /],
      [{ unified: { 'fancy.max': '1' } }, /\/linux\/resources\/unified\/fancy\.max: .*"fancy"/],
      [{ hugepageLimits: [{ pageSize: '3MB', limit: 0 }] }, /\/linux\/resources\/hugepageLimits\/0/],
    ]
    for (const [resources, message] of refused) {
      c.configure({ linux: { resources: undefined } })
      c.configure({ linux: { resources } })
      const { status, stderr } = c.create()
      t.equal(status, 1, JSON.stringify(resources))
      if (!rt.lacks('pointers')) t.match(stderr, message)
      t.same(c.leaks(), nothing, 'nothing is half-made')
    }
  })

  t.test('a limit of 1 MiB is enough to start', { skip: rt.lacks('tiny-memory') }, async t => {
    const c = container(t, rt, { linux: { resources: { memory: { limit: MiB } } } })
    t.equal(c.run().status, 0)
  })
})
