/** NOTIFY_SOCKET: the container says that it is ready, and whoever started the runtime hears it (sd_notify(3)). */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { answersIn, payloadPath, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

/** A container, and somebody who listens. `with` gives a command that socket. */
const listening = async (t: Test, rt: Runtime, ...verbs: readonly (readonly (string | number)[])[]) => {
  const c = container(t, rt, { process: { args: script(...verbs) } })
  const socket = join(c.dir, 'notify')
  const receiver = c.spawn(payloadPath(), 'recv-notify', socket)
  t.teardown(() => receiver.child.kill('SIGKILL'))
  await receiver.says('listening')
  const told = async () => {
    receiver.child.kill('SIGKILL')
    const { stdout } = await receiver.done
    return answersIn(stdout)
      .filter(({ verb }) => verb === 'notified')
      .map(({ data, fds }) => [data, fds])
  }
  const asked = (...args: readonly string[]) => c.spawn('env', `NOTIFY_SOCKET=${socket}`, ...c.line(...args))
  return { c, receiver, told, asked }
}

const detached = (c: Container): string[] => ['run', '--detach', '--bundle', c.bundle, c.id]

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('run --detach returns when the container is ready', async t => {
    const { c, told, asked } = await listening(
      t,
      rt,
      ['sleep', 0.5],
      ['notify', 'STATUS=x'],
      ['notify', 'READY=1'],
      ['wait'],
    )
    const begin = Date.now()
    const run = asked(...detached(c))
    await new Promise(resolve => run.child.on('exit', resolve))
    t.ok(Date.now() - begin > 400, 'not before')
    t.equal(run.child.exitCode, 0)
    const { pid } = c.state()
    t.same(await told(), [
      ['READY=1\n', 0],
      [`MAINPID=${pid}\n`, 0],
      ...(rt.lacks('notify-barrier') ? [] : [['BARRIER=1', 1]]),
    ])
    t.match(
      c.call('exec', c.id, ...script(['ls', '/run/notify'], ['write', '/run/notify/x', 'x'])).stdout,
      /EROFS/,
    )
    t.equal(c.del('--force').status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('create, and start that waits', async t => {
    const { c, told, asked } = await listening(t, rt, ['notify', 'READY=1'], ['wait'])
    const create = asked('create', '--bundle', c.bundle, c.id)
    await new Promise(resolve => create.child.on('exit', resolve))
    t.equal(create.child.exitCode, 0)
    t.equal((await asked('start', c.id).done).status, 0)
    const { pid } = c.state()
    t.same((await told()).slice(0, 2), [
      ['READY=1\n', 0],
      [`MAINPID=${pid}\n`, 0],
    ])
  })

  t.test('in the foreground the main process is the runtime', async t => {
    const { c, receiver, told, asked } = await listening(
      t,
      rt,
      ['notify', 'READY=1'],
      ['trap', 15],
      ['exit', 4],
    )
    const run = asked('run', '--bundle', c.bundle, c.id)
    await run.says('"verb":"trap"')
    await receiver.says('MAINPID')
    t.match(run.child.pid, Number)
    t.equal(c.kill('TERM').status, 0)
    t.equal((await run.done).status, 4)
    t.same((await told()).slice(0, 2), [
      ['READY=1\n', 0],
      [`MAINPID=${run.child.pid}\n`, 0],
    ])
    t.ok(until(() => JSON.stringify(c.leaks()) === JSON.stringify(nothing)))
  })

  t.test('a container that ends before it is ready', async t => {
    const { c, told, asked } = await listening(t, rt, ['sleep', 0.2], ['exit', 3])
    const run = asked(...detached(c))
    await new Promise(resolve => run.child.on('exit', resolve))
    t.same(await told(), [])
    t.equal(c.state().status, 'stopped')
    t.equal(c.del().status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('nobody listens any more', { skip: rt.lacks('tsrun') }, async t => {
    const { c, receiver, asked } = await listening(t, rt, ['notify', 'READY=1'], ['wait'])
    receiver.child.kill('SIGKILL')
    await receiver.done
    const run = asked(...detached(c))
    t.match(await run.done, { status: 1, stderr: /NOTIFY_SOCKET .*ECONNREFUSED/ })
  })
})
