/** create, start, state, kill, delete: the order they must come in, and what they say when it is another. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespacesWithout } from '../support/config.js'
import { container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['echo', 'started'], ['wait']) } }
const done = { status: 0, stdout: '', stderr: '' }

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('create, start, kill and delete, with state all along', async t => {
    const c = container(t, rt, waiting)
    t.match(c.create(), { status: 0, stderr: '' })
    const created = c.state()
    t.match(created, { id: c.id, status: 'created', bundle: c.bundle })
    t.ok(created.pid > 0, 'a created container has a process')
    t.equal(c.output(), '', 'the process has not run yet')

    t.same(c.start(), done)
    t.match(c.state(), { status: 'running', pid: created.pid })
    t.ok(
      until(() => c.output() === 'started\n'),
      'the process runs',
    )

    t.same(c.kill('KILL'), done)
    c.ended(created.pid)
    t.match(c.state(), { status: 'stopped', pid: 0 })

    t.same(c.del(), done)
    t.same(c.leaks(), nothing)
    t.match(c.call('state', c.id), { status: 1, stdout: '', stderr: /container does not exist/ })
  })

  t.test('a command in the wrong state fails and changes nothing', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.match(c.create(), { status: 1, stderr: /container with given ID already exists/ }, 'a second create')
    t.equal(c.state().status, 'created')
    c.start()
    t.match(c.start(), { status: 1, stderr: /cannot start an already running container/ }, 'a second start')
    t.match(
      c.del(),
      { status: 1, stderr: new RegExp(`cannot delete container ${c.id} that is not stopped: running`) },
      'delete of a running one',
    )
    const { pid, status } = c.state()
    t.equal(status, 'running')
    c.kill('KILL')
    c.ended(pid)
    t.match(
      c.start(),
      { status: 1, stderr: /cannot start a container that has stopped/ },
      'start of a stopped one',
    )
    t.match(c.kill(), { status: 1, stderr: /container not running/ }, 'kill of a stopped one')
    t.same(c.del(), done)
  })

  t.test('an unknown id', async t => {
    const c = container(t, rt)
    const unknown = { status: 1, stdout: '', stderr: /container does not exist/ }
    t.match(c.call('state', c.id), unknown, 'state')
    t.match(c.start(), unknown, 'start')
    t.match(c.kill(), unknown, 'kill')
    t.match(c.del(), unknown, 'delete')
    t.match(c.del('--force'), { status: 0 }, 'delete --force wants it gone, and it is')
    t.same(c.leaks(), nothing)
  })

  t.test('delete of a created container ends its process', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.same(c.del(), done)
    t.same(c.leaks(), nothing, 'its process is gone when delete returns')
    t.equal(c.output(), '', 'it never ran')
  })

  t.test('delete --force of a running container', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    t.same(c.del('--force'), done)
    t.same(c.leaks(), nothing)
  })

  t.test('kill takes signals by name and by number', async t => {
    for (const signal of ['USR1', 'SIGUSR1', 'usr1', 'sigusr1', '10']) {
      const c = container(t, rt, { process: { args: script(['trap', 10, 15]) } })
      c.run('--detach')
      const { pid } = c.state()
      until(() => c.output().includes('trap'))
      t.same(c.kill(signal), done, signal)
      c.ended(pid)
      t.match(c.output(), /"signal":10\b/, `${signal} arrived`)
    }
    const c = container(t, rt, { process: { args: script(['trap', 10, 15]) } })
    c.run('--detach')
    const { pid } = c.state()
    until(() => c.output().includes('trap'))
    t.match(c.kill('NOSUCH'), { status: 1, stderr: /NOSUCH/i })
    t.match(c.kill('0x9'), { status: 1 })
    t.match(c.kill('-1'), { status: 1 })
    t.same(c.kill(), done, 'TERM is the default')
    c.ended(pid)
    t.match(c.output(), /"signal":15\b/)
  })

  t.test('kill with an empty signal is TERM', async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    t.equal(c.run('--detach').status, 0)
    t.equal(c.kill('').status, 0)
  })

  t.test('kill --all of a stopped container is no error', async t => {
    const c = container(t, rt)
    c.run('--detach')
    t.ok(until(() => c.state().status === 'stopped'))
    t.equal(c.call('kill', '--all', c.id, '9').status, 0)
    t.equal(c.call('kill', '-a', c.id, 'KILL').status, 0)
    t.equal(c.kill('9').status, 1)
  })

  t.test('only the container holds its stdout', async t => {
    const c = container(t, rt, waiting)
    const create = c.spawn(...c.line('create', '--bundle', c.bundle, c.id))
    await new Promise(resolve => create.child.on('exit', resolve))
    t.equal(c.start().status, 0)
    await create.says('started')
    t.equal(c.kill('KILL').status, 0)
    t.match(await create.done, { status: 0, stdout: 'started\n' }, 'the pipe ends with the process')
  })

  t.test('the bundle may go after create', async t => {
    const c = container(t, rt, waiting)
    c.create()
    const { pid } = c.state()
    rmSync(join(c.bundle, 'config.json'))
    t.same(c.start(), done)
    t.equal(c.state().status, 'running')
    t.same(c.kill('KILL'), done)
    c.ended(pid)
    t.equal(c.state().status, 'stopped')
    t.same(c.del(), done)
  })

  t.test('of two creates with one id, one wins', { skip: rt.lacks('create-race') }, async t => {
    const c = container(t, rt, waiting)
    const line = c.line('create', '--bundle', c.bundle, c.id)
    for (let i = 0; i < 5; i++) {
      const both = [c.spawn(...line), c.spawn(...line)]
      const statuses = await Promise.all(
        both.map(({ child }) => new Promise(resolve => child.on('exit', resolve))),
      )
      t.same(statuses.sort(), [0, 1])
      t.equal(c.state().status, 'created')
      t.equal(c.del('--force').status, 0)
      t.same(c.leaks(), nothing)
    }
  })

  t.test('kill reaches a created container', async t => {
    const c = container(t, rt, waiting)
    c.create()
    const { pid } = c.state()
    t.same(c.kill('KILL'), done)
    c.ended(pid)
    t.equal(c.state().status, 'stopped')
    t.match(c.start(), { status: 1, stderr: /cannot start a container that has stopped/ })
    t.same(c.del(), done)
    t.same(c.leaks(), nothing)
  })

  t.test('KILL without a pid namespace ends every process', { skip: rt.lacks('kill-all') }, async t => {
    const linux = { namespaces: namespacesWithout('pid') }
    const c = container(t, rt, { linux, process: { args: script(['fork', 3], ['wait']) } })
    c.run('--detach')
    until(() => c.output().includes('"made":3'))
    const { pid } = c.state()
    t.equal(c.leaks().processes.length, 4)
    t.same(c.kill('KILL'), done)
    c.ended(pid)
    t.ok(until(() => c.leaks().processes.length === 0))
    t.same(c.del(), done)
    t.same(c.leaks(), nothing)
  })

  t.test('delete ends what is left of a container without a pid namespace', async t => {
    const linux = { namespaces: namespacesWithout('pid') }
    const c = container(t, rt, { linux, process: { args: script(['fork', 3]) } })
    c.run('--detach')
    c.ended(c.state().pid)
    t.equal(c.leaks().processes.length, 3, 'its children live on')
    t.equal(c.del().status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('ids that could leave the state root are refused', async t => {
    const c = container(t, rt)
    for (const id of ['', '..', '.', 'a/b', '../x', 'a b', 'ä'])
      t.match(c.call('create', '--bundle', c.bundle, id), { status: 1, stderr: /./ }, JSON.stringify(id))
    t.same(c.leaks(), nothing)
  })

  t.test('the longest id that can name a directory', async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const id = `${c.id}-`.padEnd(255, 'x')
    t.equal(c.leave('run', '--detach', '--bundle', c.bundle, id).status, 0)
    t.match(c.call('exec', id, ...script(['exit', 5])), { status: 5 })
    t.match(c.call('delete', '--force', id), { status: 0 })
    t.match(c.leave('run', '--bundle', c.bundle, `${id}x`), { status: 1 })
    t.same(c.leaks(), nothing)
  })

  t.test('wrong numbers of arguments', async t => {
    const c = container(t, rt)
    for (const command of ['create', 'start', 'state', 'delete', 'run'])
      t.match(c.call(command), { status: 1, stderr: /requires exactly 1 argument/ }, command)
    t.match(c.call('kill'), { status: 1, stderr: /argument/ }, 'kill')
    t.match(c.call('state', 'a', 'b'), { status: 1, stderr: /requires exactly 1 argument/ }, 'state a b')
    t.not(c.call('nonsense').status, 0, 'an unknown command')
    t.not(c.call('create', '--nonsense', 'x').status, 0, 'an unknown option')
  })

  t.test('without a process', { skip: rt.lacks('no-process') }, async t => {
    const c = container(t, rt, { process: undefined })
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    const { pid } = c.state()
    t.match(c.start(), { status: 1, stderr: /process property must not be empty/ })
    t.match(c.state(), { status: 'created', pid }, 'start changed nothing')
    const args = script(['echo', 'in the namespaces of one that waits'])
    t.match(c.call('exec', c.id, ...args), { status: 0, stdout: /one that waits/ })
    t.equal(c.del('--force').status, 0)
    for (const flags of [[], ['--detach']]) {
      t.match(c.run(...flags), { status: 1, stderr: /process property must not be empty/ })
      t.same(c.leaks(), nothing)
    }
  })

  t.test('the config is frozen at create', async t => {
    const c = container(t, rt, waiting)
    c.create()
    c.configure({ process: { args: script(['echo', 'changed']) }, annotations: { changed: 'yes' } })
    c.start()
    t.ok(
      until(() => c.output() === 'started\n'),
      'the process of the old config',
    )
    t.equal(c.state().annotations?.changed, undefined)
  })
})
