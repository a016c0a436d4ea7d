/** update on a v2 host: the promises of update.test.ts, in the files of the unified hierarchy. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Container, container } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const done = { status: 0, stdout: '', stderr: '' }
const MiB = 1024 * 1024
const waiting = {
  process: { args: script(['wait']) },
  linux: {
    resources: {
      memory: { limit: 64 * MiB, reservation: 32 * MiB, swap: 96 * MiB },
      cpu: { shares: 512, quota: 40000, period: 80000 },
      pids: { limit: 50 },
    },
  },
}
const knob = (c: Container, file: string): string =>
  readFileSync(join('/sys/fs/cgroup', c.id, file), 'utf8').trim()
/** A disk that is one, for what is set by device. */
const disk = (): string | undefined =>
  existsSync('/sys/block')
    ? readdirSync('/sys/block')
        .filter(name => name.startsWith('vd') || name.startsWith('sd') || name.startsWith('nvme'))
        .map(name => readFileSync(`/sys/block/${name}/dev`, 'utf8').trim())[0]
    : undefined

forms(t, requires('root', 'cc', 'cgroup2'), (t, rt) => {
  t.test('each option', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const update = (...flags: readonly string[]) =>
      t.same(c.call('update', ...flags, c.id), done, flags.join(' '))
    const is = (file: string, value: string | number) => t.equal(knob(c, file), `${value}`, file)
    const swap = existsSync(`/sys/fs/cgroup/${c.id}/memory.swap.max`)
    update('--memory', '80m', '--memory-reservation', '50331648')
    is('memory.max', 80 * MiB)
    is('memory.low', 48 * MiB)
    if (swap) is('memory.swap.max', 16 * MiB)
    update('--memory', '128m', '--memory-swap', '256m')
    is('memory.max', 128 * MiB)
    if (swap) is('memory.swap.max', 128 * MiB)
    update('--memory', '32m', '--memory-swap', '48m')
    is('memory.max', 32 * MiB)
    if (swap) is('memory.swap.max', 16 * MiB)
    update('--pids-limit', '20', '--cpuset-cpus', '0', '--cpuset-mems', '0')
    is('pids.max', 20)
    is('cpuset.cpus', 0)
    update('--pids-limit', '-1', '--memory', '-1')
    is('pids.max', 'max')
    is('memory.max', 'max')
    if (swap) is('memory.swap.max', 'max')
  })

  t.test('quota and period are a pair, a burst is not above the quota', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    c.call('update', '--cpu-quota', '20000', c.id)
    t.equal(knob(c, 'cpu.max'), '20000 80000')
    c.call('update', '--cpu-period', '50000', c.id)
    t.equal(knob(c, 'cpu.max'), '20000 50000')
    c.call('update', '--cpu-quota', '-1', c.id)
    t.equal(knob(c, 'cpu.max'), 'max 50000')
    if (rt.lacks('tsrun')) return
    t.same(c.call('update', '--cpu-quota', '30000', '--cpu-burst', '20000', c.id), done)
    t.equal(knob(c, 'cpu.max.burst'), '20000')
    t.match(c.call('update', '--cpu-quota', '10000', c.id), { status: 1, stderr: /burst/ })
    t.equal(knob(c, 'cpu.max'), '30000 50000')
    t.same(
      c.call('update', '--cpu-quota', '10000', '--cpu-burst', '5000', c.id),
      done,
      'both, in their order',
    )
    t.equal(knob(c, 'cpu.max'), '10000 50000')
  })

  t.test('a document, from a file and from standard input', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const file = join(c.dir, 'resources.json')
    const zeros = { memory: { limit: 90 * MiB, swap: 0 }, cpu: { shares: 0, quota: 0 } }
    writeFileSync(file, JSON.stringify({ ...zeros, devices: [{ allow: true, access: 'rwm' }] }))
    t.same(c.call('update', '--resources', file, c.id), done)
    t.equal(knob(c, 'memory.max'), `${90 * MiB}`)
    t.equal(knob(c, 'cpu.max'), '40000 80000')
    t.equal(
      c
        .call('exec', c.id, '/bin/payload', 'mknod', '/tmp/disk', 'b', '8', '0')
        .stdout.includes('"errno":null'),
      false,
    )
    const running = c.spawn(...c.line('update', '-r', '-', c.id))
    running.child.stdin?.end(JSON.stringify({ pids: { limit: 7 } }))
    t.match(await running.done, { status: 0, stderr: '' })
    t.equal(knob(c, 'pids.max'), '7')
    t.equal(knob(c, 'memory.max'), `${90 * MiB}`)
  })

  t.test('all or nothing', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const files = ['pids.max', 'cpuset.cpus', 'memory.max', 'memory.low', 'cpu.max', 'cpu.weight', 'io.max']
    const values = () =>
      files.map(name => (existsSync(join('/sys/fs/cgroup', c.id, name)) ? knob(c, name) : ''))
    const before = values()
    const refused = (stderr: RegExp, ...flags: readonly string[]) => {
      t.match(c.call('update', ...flags, c.id), { status: 1, stderr }, flags.join(' '))
      t.same(values(), before, flags.join(' '))
    }
    refused(/cpus/, '--cpuset-cpus', '999', '--pids-limit', '9')
    // The kernel refuses the last of them.
    const file = join(c.dir, 'resources.json')
    const device = disk()
    const [major = 0, minor = 0] = (device ?? '').split(':').map(Number)
    const throttle =
      device === undefined ? {} : { blockIO: { throttleReadBpsDevice: [{ major, minor, rate: 1000000 }] } }
    const unified = { 'memory.oom.group': 'maybe' }
    writeFileSync(
      file,
      JSON.stringify({
        pids: { limit: 9 },
        memory: { limit: 70 * MiB, reservation: 5 * MiB },
        cpu: { quota: 7000, shares: 77 },
        ...throttle,
        unified,
      }),
    )
    refused(/memory\.oom\.group.*EINVAL/, '--resources', file)
    t.same(c.call('update', '--memory', '80m', c.id), done, 'the failures left nothing behind')
  })

  t.test('of a container that is paused, stopped', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    c.call('pause', c.id)
    t.same(c.call('update', '--pids-limit', '31', c.id), done)
    t.equal(c.state().status, 'paused')
    t.equal(knob(c, 'pids.max'), '31')
    c.call('resume', c.id)
    const { pid } = c.state()
    c.kill('KILL')
    c.ended(pid)
    t.match(c.call('update', '--pids-limit', '32', c.id), { status: 1, stderr: /not running/ })
  })
})
