/** The operations and their errors. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { mounts, namespacesWithout } from '../support/config.js'
import { type Container, container, type Result, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { conformance } from './suite.js'

const waiting = { process: { args: script(['echo', 'started'], ['wait']) } }

const fails = ({ status, stderr }: Result, what: string): void => {
  assert.notEqual(status, 0, what)
  assert.notEqual(stderr, '', `${what}: says nothing`)
}
const works = ({ status, stderr }: Result): void => assert.equal(status, 0, stderr)

conformance('operations', ['root', 'cc'], (_, rt) => {
  const stopped = (t: Test): Container => {
    const c = container(t, rt, { process: { args: script(['echo', 'started']) } })
    works(c.create())
    const { pid } = c.state()
    works(c.start())
    c.ended(pid)
    return c
  }
  const running = (t: Test): Container => {
    const c = container(t, rt, waiting)
    works(c.run('--detach'))
    assert.ok(until(() => c.output() === 'started\n'))
    return c
  }
  const withoutId = (command: string) => (t: Test) => fails(container(t, rt).call(command), command)

  const badIds = (t: Test) => {
    const c = container(t, rt, waiting)
    works(c.create())
    const before = c.state()
    fails(c.create(), 'an id that is taken')
    for (const id of ['', '.', '..', '../x', 'a/b', 'a b', 'a\n'])
      fails(c.call('create', '--bundle', c.bundle, id), `the id ${JSON.stringify(id)}`)
    return { c, before }
  }
  const unfit = (t: Test) => {
    const late = { destination: '/mnt', type: 'nofs', source: 'x' }
    const c = container(t, rt, { mounts: [...mounts, late] })
    return { c, done: c.create() }
  }
  const startElsewhere = (t: Test) => {
    const c = running(t)
    const before = c.state()
    const again = c.start()
    assert.deepEqual(c.state(), before)
    assert.equal(c.output(), 'started\n', 'it ran once')
    const ended = stopped(t)
    const after = ended.start()
    assert.equal(ended.state().status, 'stopped')
    assert.equal(ended.output(), 'started\n')
    return [again, after]
  }
  const killStopped = (t: Test) => {
    const c = stopped(t)
    const before = c.state()
    const done = c.kill('TERM')
    assert.deepEqual(c.state(), before)
    return done
  }
  const deleteRunning = (t: Test) => {
    const c = running(t)
    const before = c.state()
    const done = c.del()
    assert.deepEqual(c.state(), before)
    return done
  }

  return {
    'RT-032': withoutId('state'),
    'RT-033': t => fails(container(t, rt).call('state', 'nobody-has-this'), 'state'),
    'RT-035': t => {
      const c = container(t, rt)
      fails(c.call('create'), 'neither')
      fails(c.call('create', '--bundle', c.bundle), 'no id')
      rmSync(join(c.bundle, 'config.json'))
      fails(c.call('create', c.id), 'no bundle')
      assert.deepEqual(c.leaks(), nothing)
    },
    'RT-036': t => void badIds(t),
    'RT-037': t => {
      const { c, before } = badIds(t)
      assert.deepEqual(c.state(), before)
      assert.equal(c.leaks().processes.length, 1)
      assert.equal(JSON.parse(c.call('list', '--format', 'json').stdout).length, 1)
    },
    'RT-038': t => {
      const c = container(t, rt, waiting)
      fails(c.call('state', c.id), 'before')
      works(c.create())
      assert.equal(c.state().status, 'created')
    },
    'RT-041': t => fails(unfit(t).done, 'create'),
    'RT-042': t => {
      const { c } = unfit(t)
      fails(c.call('state', c.id), 'state')
      assert.deepEqual(c.leaks(), nothing)
    },
    'RT-043': withoutId('start'),
    'RT-044': t => void startElsewhere(t),
    'RT-045': t => {
      for (const done of startElsewhere(t)) fails(done, 'start')
      fails(container(t, rt).call('start', 'nobody-has-this'), 'an unknown id')
    },
    'RT-047': t => {
      const c = container(t, rt, { process: undefined })
      c.create()
      fails(c.start(), 'start')
    },
    'CF-068': t => {
      const c = container(t, rt, { process: undefined })
      const { status } = c.create()
      fails(c.start(), 'start')
      if (status === 0) assert.equal(c.state().status, 'created')
      fails(c.run(), 'run')
    },
    'RT-048': withoutId('kill'),
    'RT-049': t => void killStopped(t),
    'RT-050': t => {
      fails(killStopped(t), 'kill')
      fails(container(t, rt).call('kill', 'nobody-has-this', 'TERM'), 'an unknown id')
    },
    'RT-051': t => {
      for (const [name, number] of [
        ['USR1', 10],
        ['TERM', 15],
        ['12', 12],
      ] as const) {
        const c = container(t, rt, { process: { args: script(['trap', number]) } })
        works(c.run('--detach'))
        const { pid } = c.state()
        assert.ok(until(() => c.output().includes('trap')))
        works(c.kill(name))
        c.ended(pid)
        assert.match(c.output(), new RegExp(`"signal":${number}\\b`))
      }
    },
    'RT-052': withoutId('delete'),
    'RT-053': t => void deleteRunning(t),
    'RT-054': t => {
      fails(deleteRunning(t), 'delete')
      fails(container(t, rt).call('delete', 'nobody-has-this'), 'an unknown id')
    },
    'RT-055': t => {
      const c = stopped(t)
      assert.notDeepEqual(c.leaks(), nothing)
      works(c.del())
      assert.deepEqual(c.leaks(), nothing)
      fails(c.call('state', c.id), 'state')
    },
    'RT-056': async t => {
      const c = container(t, rt, waiting)
      const namespace = join(c.dir, 'net')
      const source = join(c.dir, 'data')
      mkdirSync(source)
      writeFileSync(join(source, 'file'), 'kept')
      writeFileSync(namespace, '')
      works(await c.spawn('unshare', `--net=${namespace}`, 'true').done)
      const bind = { destination: '/mnt', type: 'bind', source, options: ['rbind', 'rw'] }
      c.configure({
        mounts: [...mounts, bind],
        linux: {
          namespaces: [...(namespacesWithout('network') as []), { type: 'network', path: namespace }],
        },
      })
      works(c.run('--detach'))
      works(c.del('--force'))
      assert.equal(readFileSync(join(source, 'file'), 'utf8'), 'kept', 'the source of a bind')
      const still = await c.spawn('nsenter', `--net=${namespace}`, 'true').done
      assert.equal(still.status, 0, 'a namespace that was joined')
      works(await c.spawn('umount', namespace).done)
    },
  }
})
