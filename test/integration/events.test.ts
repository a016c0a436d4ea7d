/** events: statistics in runc's layout, and what is told when memory runs out. */
import t from 'tap'
import { container, soon } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

interface Event {
  readonly type: string
  readonly id: string
  readonly data: {
    readonly cpu: { readonly usage: { readonly total: number; readonly percpu?: readonly number[] } }
    readonly memory: {
      readonly usage: { readonly limit: number; readonly usage: number; readonly max: number }
    }
    readonly pids: { readonly current: number; readonly limit?: number }
  }
}

const eventsIn = (text: string): Event[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Event)

const MiB = 1024 * 1024
const waiting = {
  process: { args: script(['fork', 2], ['wait']) },
  linux: { resources: { memory: { limit: 64 * MiB }, pids: { limit: 30 } } },
}

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('one sample', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { status, stdout } = c.call('events', '--stats', c.id)
    t.equal(status, 0)
    const [event, ...more] = eventsIn(stdout)
    t.same(more, [])
    t.match(event, { type: 'stats', id: c.id })
    const { cpu, memory, pids } = (event as Event).data
    t.ok(cpu.usage.total > 0)
    t.equal(memory.usage.limit, 64 * MiB)
    t.ok(memory.usage.usage > 0 && memory.usage.usage <= memory.usage.max)
    t.match(pids, { current: 3, limit: 30 })
  })

  t.test('a stream, until the container ends', { skip: rt.lacks('events-end') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const running = c.spawn(...c.line('events', '--interval', '100ms', c.id))
    await soon(() => running.stdout().split('\n').length > 3)
    c.kill('KILL')
    const { status, stdout } = await running.done
    t.equal(status, 0)
    const events = eventsIn(stdout)
    t.ok(events.length >= 2 && events.length < 10, `${events.length} samples`)
    for (const event of events) t.equal(event.type, 'stats')
  })

  t.test('a reader that goes away', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const line = c.line('events', '--interval', '100ms', c.id).map(word => `'${word}'`)
    const begin = Date.now()
    const { stdout } = await c.spawn('sh', '-c', `${line.join(' ')} | head -n 1`).done
    t.equal(eventsIn(stdout).length, 1)
    t.ok(Date.now() - begin < 10_000, 'nobody is told any more')
    t.equal(c.state().status, 'running')
  })

  t.test('out of memory', { skip: rt.lacks('events-end') }, async t => {
    const c = container(t, rt, {
      process: { args: script(['trap', 10], ['alloc', 256 * MiB]) },
      linux: { resources: { memory: { limit: 16 * MiB, swap: 16 * MiB } } },
    })
    c.run('--detach')
    const running = c.spawn(...c.line('events', '--interval', '200ms', c.id))
    await running.says('"stats"')
    c.kill('USR1')
    const { stdout } = await running.done
    t.ok(
      eventsIn(stdout).some(event => event.type === 'oom' && event.id === c.id),
      stdout,
    )
  })

  t.test('of one that does not run', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { pid } = c.state()
    c.kill('KILL')
    c.ended(pid)
    t.match(c.call('events', '--stats', c.id), { status: 1, stderr: /is not running/ })
    t.match(c.call('events', 'tsrun-test-none'), { status: 1, stderr: /does not exist/ })
  })

  t.test('an interval that is none', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, waiting)
    for (const interval of ['5', '0s', '-1s', '1y', 's', ''])
      t.match(
        c.call('events', '--interval', interval, c.id),
        { status: 1, stderr: /--interval: use a time/ },
        interval,
      )
  })
})
