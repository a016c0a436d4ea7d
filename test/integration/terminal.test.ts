/** process.terminal: through a console socket, and of a foreground run. */
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Answer, answersIn, payloadPath, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const consoleSize = { height: 33, width: 77 }

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('the console socket gets the master of the container’s terminal', async t => {
    const c = container(t, rt, {
      process: { terminal: true, consoleSize, args: script(['report'], ['wait']) },
    })
    const socket = join(c.dir, 'console')
    const receiver = c.spawn(payloadPath(), 'recv-console', socket)
    await receiver.says('listening')
    t.equal(c.create('--console-socket', socket).status, 0)
    await receiver.says('"verb":"console"')
    t.equal(c.start().status, 0)
    await receiver.says('"verb":"report"')
    t.equal(c.kill('KILL').status, 0)
    const answers = answersIn((await receiver.done).stdout)
    const received = answers.find(({ verb }) => verb === 'console') as Answer
    const self = answers.find(({ verb }) => verb === 'report') as unknown as Report
    t.match(received, { fds: 1, isatty: 1, major: 5, minor: 2, rows: 33, cols: 77, name: /ptmx|pts\/0/ })
    for (const fd of [0, 1, 2]) t.match(self.tty[fd], { rows: 33, cols: 77 }, `fd ${fd} is the terminal`)
    t.match(self.tty[0]?.name, /^\/dev\/(pts\/0|console)$/)
    t.equal(self.controllingTerminal, 1)
    t.equal(self.sid, 1)
    t.same(Object.keys(self.fds), ['0', '1', '2'])
  })

  t.test('/dev/console is a terminal of the container’s own devpts', async t => {
    const user = { uid: 1000, gid: 1000 }
    const verbs = [
      ['stat', '/dev/console', '/dev/pts/0'],
      ['open', '/dev/console', 'rw'],
      ['ls', '/dev/pts'],
    ]
    const c = container(t, rt, { process: { terminal: true, user, args: script(...verbs) } })
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { status, stdout } = await c.spawn(payloadPath(), 'pty', '24', '80', ...line).done
    t.equal(status, 0)
    const [console, pts, open, names] = answersIn(stdout)
    t.match(console, { type: 'char', major: 136, minor: 0 })
    t.match(pts, { type: 'char', major: 136, minor: 0, uid: 1000 }, 'the user owns the terminal')
    t.equal(open?.errno, null)
    t.same(names?.names, ['0', 'ptmx'])
  })

  t.test('a foreground run relays: size, input, status', async t => {
    const args = script(['sleep', 0.3], ['report'], ['trap', 28], ['exit', 7])
    const c = container(t, rt, { process: { terminal: true, args } })
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const running = c.spawn(payloadPath(), 'pty', '24', '80', ...line)
    await running.says('"verb":"trap"')
    running.child.kill('SIGUSR1')
    const { status, stdout } = await running.done
    t.equal(status, 7)
    const answers = answersIn(stdout)
    t.match(answers[0], { tty: [{ rows: 24, cols: 80 }] })
    t.match(answers.at(-1), { verb: 'caught', signal: 28, rows: 30, cols: 100 }, 'a new size arrives')
    t.same(c.leaks(), nothing)
  })

  t.test('the size is there from the first moment', { skip: rt.lacks('initial-size') }, async t => {
    const c = container(t, rt, { process: { terminal: true, args: script(['report']) } })
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { stdout } = await c.spawn(payloadPath(), 'pty', '24', '80', ...line).done
    t.match(answersIn(stdout)[0], { tty: [{ rows: 24, cols: 80 }] })
  })

  t.test('what is typed arrives, and control-C is a signal', async t => {
    const c = container(t, rt, { process: { terminal: true, args: script(['trap', 2]) } })
    const running = c.spawn(payloadPath(), 'pty', '24', '80', ...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('"verb":"trap"')
    running.child.stdin?.write('\x03')
    const { status, stdout } = await running.done
    t.equal(status, 0)
    t.match(stdout, /"caught","signal":2\b/)
  })

  t.test('the caller’s terminal is as it was before', async t => {
    const c = container(t, rt, { process: { terminal: true } })
    const line = c.line('run', '--bundle', c.bundle, c.id).join(' ')
    const shell = `stty -a >${c.dir}/before; ${line}; stty -a >${c.dir}/after`
    await c.spawn(payloadPath(), 'pty', '24', '80', 'sh', '-c', shell).done
    const { stdout, status } = await c.spawn('cmp', join(c.dir, 'before'), join(c.dir, 'after')).done
    t.same({ stdout, status }, { stdout: '', status: 0 })
  })

  t.test('with stdin, stdout or stderr closed', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, { process: { terminal: true, args: script(['echo', 'here'], ['exit', 3]) } })
    const d = container(t, rt, { process: { args: script(['wait']) } })
    d.run('--detach')
    const run = c.line('run', '--bundle', c.bundle, c.id)
    const exec = d.line('exec', '--tty', d.id, ...script(['echo', 'here'], ['exit', 3]))
    for (const line of [run, exec])
      for (const closed of ['<&-', '>&-', '2>&-', '<&- >&-', '>&- 2>&-', '<&- >&- 2>&-']) {
        const words = line.map(word => `'${word}'`).join(' ')
        const { status, stdout } = await c.spawn('sh', '-c', `exec ${words} ${closed}`).done
        const expected = {
          status: 3,
          stdout: closed.includes(' >&-') || closed.startsWith('>&-') ? '' : 'here\n',
        }
        t.same({ status, stdout }, expected, closed)
      }
    t.same(c.leaks(), nothing)
  })

  t.test('a lot of output is complete', async t => {
    const c = container(t, rt, { process: { terminal: true, args: script(['args', 'x'.repeat(60_000)]) } })
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { stdout } = await c.spawn(payloadPath(), 'pty', '24', '80', ...line).done
    t.equal(answersIn(stdout)[0]?.args[0]?.length, 60_000)
  })

  t.test('a terminal needs a console socket where nobody stays, and only there', async t => {
    const c = container(t, rt, { process: { terminal: true } })
    const socket = join(c.dir, 'console')
    const needed = /cannot allocate tty if \w+ will detach without setting console socket/
    const refused = /cannot use console socket if \w+ will not detach or allocate tty/
    t.match(c.create(), { status: 1, stderr: needed })
    t.match(c.run('--detach'), { status: 1, stderr: needed })
    t.match(c.run('--console-socket', socket), { status: 1, stderr: refused })
    c.configure({ process: { terminal: false } })
    t.match(c.create('--console-socket', socket), { status: 1, stderr: refused })
    c.configure({ process: { terminal: true } })
    t.match(c.create('--console-socket', socket), { status: 1, stderr: /console/ }, 'nobody listens')
    t.same(c.leaks(), nothing)
  })
})
