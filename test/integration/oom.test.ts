/** A container that dies of its memory limit says so: at the end of a foreground run, in its state, in its events. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container, until } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const MiB = 1024 * 1024
const resources = { memory: { limit: 16 * MiB, swap: 16 * MiB } }
const greedy = { process: { args: script(['alloc', 64 * MiB]) }, linux: { resources } }
const told = { kills: 1, limit: 16 * MiB, killed: [{ name: 'payload' }] }

forms(t, requires('root', 'cc'), (t, rt) => {
  const skip = rt.lacks('tsrun')

  t.test('a foreground run prints one line', { skip }, async t => {
    const c = container(t, rt, greedy)
    const { status, stderr } = c.run()
    t.equal(status, 137)
    t.match(
      stderr,
      /^tsrun: warning: container "[^"]+": out of memory: the kernel killed a process \(payload, pid \d+\): the memory limit is 16777216 bytes.*\(raise \/linux\/resources\/memory\/limit: tsrun update --memory\)\n$/,
    )
    const log = join(c.dir, 'log')
    t.match(c.call('--log', log, '--log-format', 'json', 'run', '--bundle', c.bundle, c.id), {
      status: 137,
      stderr: '',
    })
    t.match(JSON.parse(readFileSync(log, 'utf8')), { level: 'warning', msg: /out of memory/ })
  })

  t.test('nothing is said of another death', { skip }, async t => {
    const c = container(t, rt, { process: { args: script(['exit', 137]) }, linux: { resources } })
    t.match(c.run(), { status: 137, stderr: '' })
  })

  t.test('state knows it until delete', { skip }, async t => {
    const c = container(t, rt, greedy)
    t.equal(c.run('--detach').status, 0)
    t.ok(until(() => c.state().status === 'stopped'))
    const { oom } = c.state() as unknown as { oom: { peak?: number } }
    t.match(oom, told)
    if (oom.peak !== undefined) t.ok(oom.peak > 12 * MiB && oom.peak <= 16 * MiB, `${oom.peak}`)
    t.match(JSON.parse(c.call('list', '--format', 'json').stdout), [{ id: c.id, oom: told }])
  })

  t.test('--keep keeps that, too', { skip }, async t => {
    const c = container(t, rt, greedy)
    t.equal(c.run('--keep').status, 137)
    t.match(c.state(), { status: 'stopped', oom: told })
  })

  t.test('events', { skip }, async t => {
    const c = container(t, rt, {
      process: { args: script(['trap', 10], ['alloc', 64 * MiB]) },
      linux: { resources },
    })
    c.run('--detach')
    const running = c.spawn(...c.line('events', '--interval', '200ms', c.id))
    await running.says('"stats"')
    c.kill('USR1')
    const events = (await running.done).stdout
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
    t.match(
      events.filter(({ type }) => type === 'oom'),
      [{ type: 'oom', id: c.id, data: told }],
    )
  })
})
