import t from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['echo', 'started'], ['wait']) } }

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('create, start, kill and delete, with state all along', async t => {
    const c = container(t, rt, waiting)
    t.match(c.create(), { status: 0, stderr: '' })
    const created = c.state()
    t.match(created, { id: c.id, status: 'created', bundle: c.bundle, ociVersion: /^1\.\d+\.\d+/ })
    t.ok(created.pid > 0, 'a created container has a process')
    t.equal(c.output(), '', 'the process has not run yet')

    t.match(c.start(), { status: 0, stdout: '', stderr: '' })
    t.match(c.state(), { status: 'running', pid: created.pid })

    t.match(c.kill('KILL'), { status: 0, stdout: '', stderr: '' })
    c.ended(created.pid)
    t.match(c.state(), { status: 'stopped', pid: 0 })
    t.equal(c.output(), 'started\n')

    t.match(c.del(), { status: 0, stdout: '', stderr: '' })
    t.same(c.leaks(), nothing)
    t.match(c.call('state', c.id), { status: 1, stdout: '', stderr: /container does not exist/ })
  })
})
