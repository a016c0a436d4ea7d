/** pause and resume: every process of a container stands still, and goes on. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { container, pause, until } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const done = { status: 0, stdout: '', stderr: '' }
const waiting = { process: { args: script(['fork', 3], ['wait']) } }

/** Whether all of a container stands still, as the kernel says: on v1, else on v2. */
const isFrozen = (id: string): boolean => {
  const v1 = `/sys/fs/cgroup/freezer/${id}/freezer.state`
  if (existsSync(v1)) return readFileSync(v1, 'utf8') === 'FROZEN\n'
  return readFileSync(`/sys/fs/cgroup/${id}/cgroup.events`, 'utf8').includes('frozen 1')
}

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('pause, state, resume', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { pid } = c.state()
    t.same(c.call('pause', c.id), done)
    t.match(c.state(), { status: 'paused', pid })
    t.ok(isFrozen(c.id))
    t.same(c.call('resume', c.id), done)
    t.equal(c.state().status, 'running')
    t.notOk(isFrozen(c.id))
  })

  t.test('a signal reaches a paused process when it goes on', async t => {
    const c = container(t, rt, { process: { args: script(['trap', 15], ['exit', 3]) } })
    c.run('--detach')
    t.ok(until(() => c.output().includes('"verb":"trap"')))
    const { pid } = c.state()
    c.call('pause', c.id)
    t.same(c.kill('TERM'), done)
    pause(100)
    t.equal(c.state().status, 'paused')
    c.call('resume', c.id)
    c.ended(pid)
    t.match(c.output(), /"signal":15/)
  })

  t.test('in the wrong state', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    t.match(c.call('resume', c.id), { status: 1, stderr: /not paused/ }, 'resume of a running one')
    c.call('pause', c.id)
    t.match(c.call('pause', c.id), { status: 1, stderr: /container not running/ })
    c.call('resume', c.id)
    const { pid } = c.state()
    c.kill('KILL')
    c.ended(pid)
    t.match(c.call('pause', c.id), { status: 1, stderr: /not running/ }, 'pause of a stopped one')
    t.match(c.call('resume', c.id), { status: 1, stderr: /not paused/ })
    t.match(c.call('pause', 'tsrun-test-none'), { status: 1, stderr: /does not exist/ })
  })

  t.test('SIGKILL and delete --force end a paused one', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { pid } = c.state()
    c.call('pause', c.id)
    t.same(c.kill('KILL'), done)
    c.ended(pid)
    const d = container(t, rt, waiting)
    d.run('--detach')
    d.call('pause', d.id)
    t.equal(d.del('--force').status, 0)
    t.equal(d.call('state', d.id).status, 1)
  })
})
