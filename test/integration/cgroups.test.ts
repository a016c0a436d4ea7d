/** cgroups: where the container is, its limits in the host's files, and that delete takes them away. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { JsonObject } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { cgroupsOf, nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const MiB = 1 << 20
const waiting = { process: { args: script(['wait']) } }
const v1 = ['blkio', 'cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'memory', 'pids']

/** A file of the container's cgroup, as the host sees it. */
const file = (c: Container, controller: string, name: string) =>
  readFileSync(join('/sys/fs/cgroup', controller, c.id, name), 'utf8').trim()
const resources = (value: JsonObject): JsonObject => ({ linux: { resources: value }, ...waiting })

const hasRdma = existsSync('/sys/fs/cgroup/rdma') && 'has the controller rdma'

forms(t, requires('root', 'cc', 'cgroup1'), (t, rt) => {
  t.test('one directory in each hierarchy, with the process in it', async t => {
    const c = container(t, rt, waiting)
    c.create()
    const { pid } = c.state()
    for (const controller of v1) t.equal(file(c, controller, 'cgroup.procs'), `${pid}`, controller)
    c.start()
    for (const controller of v1)
      t.equal(file(c, controller, 'cgroup.procs'), `${pid}`, `${controller}, started`)
    c.del('--force')
    t.same(cgroupsOf(c.id), [])
  })

  t.test('limits, as the host’s files have them', async t => {
    const c = container(t, rt)
    c.configure(
      resources({
        memory: { limit: 64 * MiB, reservation: 32 * MiB, swappiness: 7, disableOOMKiller: true },
        cpu: { shares: 512, quota: 50_000, period: 200_000, cpus: '1', mems: '0' },
        pids: { limit: 42 },
      }),
    )
    t.equal(c.create().status, 0)
    t.equal(file(c, 'memory', 'memory.limit_in_bytes'), `${64 * MiB}`)
    t.equal(file(c, 'memory', 'memory.soft_limit_in_bytes'), `${32 * MiB}`)
    t.equal(file(c, 'memory', 'memory.swappiness'), '7')
    t.match(file(c, 'memory', 'memory.oom_control'), /^oom_kill_disable 1$/m)
    t.equal(file(c, 'cpu', 'cpu.shares'), '512')
    t.equal(file(c, 'cpu', 'cpu.cfs_quota_us'), '50000')
    t.equal(file(c, 'cpu', 'cpu.cfs_period_us'), '200000')
    t.equal(file(c, 'cpuset', 'cpuset.cpus'), '1')
    t.equal(file(c, 'cpuset', 'cpuset.mems'), '0')
    t.equal(file(c, 'pids', 'pids.max'), '42')
  })

  t.test('swap, and the burst and the idleness of a CPU', { skip: rt.lacks('newer-knobs') }, async t => {
    const c = container(t, rt)
    const cpu = { quota: 50_000, period: 100_000, burst: 20_000 }
    c.configure(resources({ memory: { limit: 64 * MiB, swap: 96 * MiB }, cpu }))
    t.equal(c.create().status, 0)
    t.equal(file(c, 'cpu', 'cpu.cfs_burst_us'), '20000')
    if (existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes'))
      t.equal(file(c, 'memory', 'memory.memsw.limit_in_bytes'), `${96 * MiB}`)
    c.del('--force')
    c.configure({
      linux: { resources: { memory: undefined, cpu: { quota: undefined, burst: undefined, idle: 1 } } },
    })
    t.equal(c.create().status, 0)
    t.equal(file(c, 'cpu', 'cpu.idle'), '1')
  })

  t.test('a limit of TCP memory', async t => {
    const c = container(t, rt, resources({ memory: { kernelTCP: 8 * MiB } }))
    t.equal(c.create().status, 0)
    if (rt.lacks('newer-knobs') === false)
      t.equal(file(c, 'memory', 'memory.kmem.tcp.limit_in_bytes'), `${8 * MiB}`)
  })

  t.test('what is absent keeps the kernel’s value', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.equal(file(c, 'pids', 'pids.max'), 'max')
    t.equal(file(c, 'cpu', 'cpu.shares'), '1024')
    t.equal(file(c, 'cpu', 'cpu.cfs_quota_us'), '-1')
    t.equal(
      file(c, 'cpuset', 'cpuset.cpus'),
      readFileSync('/sys/fs/cgroup/cpuset/cpuset.cpus', 'utf8').trim(),
    )
  })

  t.test('-1 is no limit', async t => {
    const c = container(t, rt, resources({ memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } }))
    t.equal(c.create().status, 0)
    t.equal(file(c, 'memory', 'memory.limit_in_bytes'), '9223372036854771712')
    t.equal(file(c, 'pids', 'pids.max'), 'max')
    t.equal(file(c, 'cpu', 'cpu.cfs_quota_us'), '-1')
  })

  t.test('no processes at all are no limit in a config before 1.3, as CRI-O writes it', async t => {
    const c = container(t, rt, { ociVersion: '1.0.2-dev', linux: { resources: { pids: { limit: 0 } } } })
    t.equal(c.create().status, 0)
    t.equal(file(c, 'pids', 'pids.max'), 'max')
  })

  t.test('the limits hold', async t => {
    const c = container(t, rt)
    c.configure({ linux: { resources: { pids: { limit: 5 }, cpu: { cpus: '0' } } } })
    const [forked, self] = c.ask(['fork', 20], ['report'])
    t.match(forked, { made: 4, errno: 'EAGAIN' })
    t.match(self, { cpus: 1 })
    c.configure({ linux: { resources: { pids: undefined, memory: { limit: 8 * MiB } } } })
    c.configure({ process: { args: script(['alloc', 64 * MiB]) } })
    t.equal(c.run().status, 137, 'killed by the kernel')
    t.same(c.leaks(), nothing)
  })

  t.test('a limit of 1 MiB is enough to start', { skip: rt.lacks('tiny-memory') }, async t => {
    const c = container(t, rt, { linux: { resources: { memory: { limit: MiB } } } })
    t.equal(c.run().status, 0)
  })

  t.test('children are in the cgroup too', async t => {
    const c = container(t, rt, { process: { args: script(['fork', 3], ['wait']) } })
    c.run('--detach')
    t.ok(until(() => file(c, 'pids', 'cgroup.procs').split('\n').length === 4))
  })

  t.test('a path of several directories', async t => {
    const c = container(t, rt, waiting)
    const parent = `${c.id}-parent`
    c.configure({ linux: { cgroupsPath: `/${parent}/${c.id}` } })
    t.equal(c.create().status, 0)
    t.ok(existsSync(join('/sys/fs/cgroup/memory', parent, c.id, 'cgroup.procs')))
    t.equal(c.del('--force').status, 0)
    t.notOk(existsSync(join('/sys/fs/cgroup/memory', parent, c.id)))
    for (const path of cgroupsOf(parent)) rmdirSync(path)
  })

  t.test('without a path, and with a relative one, it has cgroups with the id in the path', async t => {
    for (const cgroupsPath of [undefined, '', 'relative']) {
      const c = container(t, rt, waiting)
      c.configure({ linux: { cgroupsPath: cgroupsPath === 'relative' ? `${c.id}-relative` : cgroupsPath } })
      t.equal(c.create().status, 0)
      const { pid } = c.state()
      const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')
      t.equal(lines.filter(line => line.includes(c.id)).length >= v1.length, true, String(cgroupsPath))
      t.equal(c.del('--force').status, 0)
      t.same(c.leaks(), nothing)
    }
  })

  t.test('.. does not leave the hierarchy', async t => {
    const c = container(t, rt, waiting)
    c.configure({ linux: { cgroupsPath: `/../../../../../${c.id}` } })
    const { status } = c.create()
    if (status === 0) t.equal(file(c, 'memory', 'cgroup.procs'), `${c.state().pid}`)
    c.del('--force')
    t.same(c.leaks(), nothing)
  })

  t.test('cgroups that the process made go with the container', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    mkdirSync(join('/sys/fs/cgroup/pids', c.id, 'inner', 'most'), { recursive: true })
    t.equal(c.del('--force').status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('a cgroup that others are in is refused', { skip: rt.lacks('cgroup-in-use') }, async t => {
    const one = container(t, rt, waiting)
    one.run('--detach')
    const two = container(t, rt, { ...waiting, linux: { cgroupsPath: `/${one.id}` } })
    t.match(two.create(), { status: 1, stderr: /cgroup/ })
    t.equal(one.state().status, 'running')
  })

  t.test('values that the kernel refuses', async t => {
    const c = container(t, rt)
    for (const bad of [{ cpu: { cpus: '999' } }, { cpu: { quota: 1 } }, { pids: { limit: 99_999_999 } }]) {
      c.configure({ linux: { resources: undefined } })
      c.configure(resources(bad))
      t.match(
        c.create(),
        { status: 1, stderr: /invalid argument|EINVAL|numerical result|not permitted|must be/i },
        JSON.stringify(bad),
      )
      t.same(c.leaks(), nothing)
    }
  })

  t.test('a controller that is not there', { skip: rt.lacks('tsrun') || hasRdma }, async t => {
    const c = container(t, rt, { linux: { resources: { rdma: { mlx5_0: { hcaHandles: 1 } } } } })
    t.match(c.create(), {
      status: 1,
      stderr:
        /\/linux\/resources\/rdma: the cgroup v1 controller "rdma" is not mounted.*or leave the field out/,
    })
    t.same(c.leaks(), nothing)
  })

  t.test('the runtime itself is never in the container’s cgroup', async t => {
    const c = container(t, rt, { process: { args: script(['echo', 'ready'], ['wait']) } })
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('ready')
    t.equal(file(c, 'pids', 'cgroup.procs'), `${c.state().pid}`)
    t.ok(readdirSync(`/proc/${running.child.pid}`).length > 0)
    c.kill('KILL')
    await running.done
  })
})
