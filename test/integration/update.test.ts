/** update: other limits for a container that runs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const done = { status: 0, stdout: '', stderr: '' }
const MiB = 1024 * 1024
const waiting = {
  process: { args: script(['wait']) },
  linux: {
    resources: {
      memory: { limit: 64 * MiB, reservation: 32 * MiB },
      cpu: { shares: 512, quota: 40000, period: 80000 },
      pids: { limit: 50 },
    },
  },
}

const knob = (id: string, file: string): string =>
  readFileSync(`/sys/fs/cgroup/${file.slice(0, file.indexOf('.'))}/${id}/${file}`, 'utf8').trim()

forms(t, requires('root', 'cc', 'cgroup1'), (t, rt) => {
  t.test('each option', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const update = (...flags: readonly string[]) =>
      t.same(c.call('update', ...flags, c.id), done, flags.join(' '))
    const is = (file: string, value: string | number) => t.equal(knob(c.id, file), `${value}`, file)
    update('--memory', '128m', '--memory-reservation', '50331648')
    is('memory.limit_in_bytes', 128 * MiB)
    is('memory.soft_limit_in_bytes', 48 * MiB)
    update('--cpu-share', '256', '--pids-limit', '20')
    is('cpu.shares', 256)
    is('pids.max', 20)
    update('--cpuset-cpus', '0', '--cpuset-mems', '0')
    is('cpuset.cpus', 0)
    update('--pids-limit', '-1')
    is('pids.max', 'max')
    update('--memory', '-1')
    is('memory.limit_in_bytes', '9223372036854771712')
  })

  t.test('quota and period are a pair', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const pair = () => [knob(c.id, 'cpu.cfs_quota_us'), knob(c.id, 'cpu.cfs_period_us')]
    c.call('update', '--cpu-quota', '20000', c.id)
    t.same(pair(), ['20000', '80000'])
    c.call('update', '--cpu-period', '50000', c.id)
    t.same(pair(), ['20000', '50000'])
    c.call('update', '--cpu-quota', '-1', c.id)
    t.same(pair(), ['-1', '50000'])
  })

  t.test('a document, from a file and from standard input', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const file = join(c.dir, 'resources.json')
    // Zeros are what engines write for "as it was".
    const resources = {
      memory: { limit: 96 * MiB, swap: 0 },
      cpu: { shares: 0, quota: 0 },
      blockIO: { weight: 0 },
      pids: { limit: 0 },
    }
    const pidsBefore = knob(c.id, 'pids.max')
    writeFileSync(file, JSON.stringify(resources))
    t.same(c.call('update', '--resources', file, c.id), done)
    t.equal(knob(c.id, 'memory.limit_in_bytes'), `${96 * MiB}`)
    t.equal(knob(c.id, 'cpu.shares'), '512')
    t.equal(knob(c.id, 'pids.max'), pidsBefore)
    const running = c.spawn(...c.line('update', '-r', '-', c.id))
    running.child.stdin?.end(JSON.stringify({ pids: { limit: 7 } }))
    t.match(await running.done, { status: 0, stderr: '' })
    t.equal(knob(c.id, 'pids.max'), '7')
    t.equal(knob(c.id, 'memory.limit_in_bytes'), `${96 * MiB}`)
  })

  t.test('all or nothing', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const refused = (stderr: RegExp, ...flags: readonly string[]) => {
      t.match(c.call('update', ...flags, c.id), { status: 1, stderr }, flags.join(' '))
      t.equal(knob(c.id, 'pids.max'), '50')
      t.equal(knob(c.id, 'cpuset.cpus'), knob('', 'cpuset.cpus'))
      t.equal(knob(c.id, 'memory.limit_in_bytes'), `${64 * MiB}`)
      t.equal(knob(c.id, 'cpu.shares'), '512')
    }
    refused(/EBUSY.*uses more than that/, '--memory', '4k', '--pids-limit', '9')
    refused(/cpu\/cpus|cpuset/, '--cpuset-cpus', '999', '--cpu-share', '77', '--pids-limit', '9')
    refused(/for --memory-swap/, '--memory', '32m', '--memory-swap', '-2')
    refused(/a size like/, '--memory', '32x')
    refused(/whole number/, '--pids-limit', 'many')
    refused(/Intel RDT/, '--l3-cache-schema', 'L3:0=f', '--pids-limit', '9')
    refused(/Intel RDT/, '--mem-bw-schema', 'MB:0=50', '--pids-limit', '9')
    t.same(c.call('update', '--memory', '80m', c.id), done, 'the failures left nothing behind')
  })

  t.test('devices are not touched', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const before = knob(c.id, 'devices.list')
    const file = join(c.dir, 'resources.json')
    writeFileSync(file, JSON.stringify({ pids: { limit: 9 }, devices: [{ allow: true, access: 'rwm' }] }))
    t.same(c.call('update', '--resources', file, c.id), done)
    t.equal(knob(c.id, 'devices.list'), before)
  })

  t.test('of a container that is created, paused, stopped, missing', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.same(c.call('update', '--pids-limit', '30', c.id), done)
    c.start()
    c.call('pause', c.id)
    t.same(c.call('update', '--pids-limit', '31', c.id), done)
    t.equal(c.state().status, 'paused')
    t.equal(knob(c.id, 'pids.max'), '31')
    c.call('resume', c.id)
    const { pid } = c.state()
    c.kill('KILL')
    c.ended(pid)
    t.match(c.call('update', '--pids-limit', '32', c.id), { status: 1, stderr: /not running/ })
    t.match(c.call('update', 'tsrun-test-none'), { status: 1, stderr: /does not exist/ })
  })

  t.test('a document that is none', { skip: rt.lacks('pointers') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const file = join(c.dir, 'resources.json')
    const refused = (text: string, stderr: RegExp) => {
      writeFileSync(file, text)
      t.match(c.call('update', '-r', file, c.id), { status: 1, stderr }, text)
    }
    refused('{', /invalid JSON/)
    refused('{"memory": {"limit": "64m"}}', /\/memory\/limit/)
    refused('{"cpu": {"quota": 1}}', /\/cpu\/quota/)
    t.match(c.call('update', '-r', '/nowhere', c.id), { status: 1, stderr: /nowhere/ })
    const limits = { memory: { limit: 4096, checkBeforeUpdate: true } }
    refused(JSON.stringify(limits), /rejecting memory limit 4096/)
  })
})
