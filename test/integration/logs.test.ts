/** --output of create and run, and logs: the output of a container in a file. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Container, container, hasOpen, soon, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Report, script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const args = (...verbs: readonly Verb[]) => ({ process: { args: script(...verbs) } })
const file = (c: Container): string => join(c.dir, 'output')
const stopped = (c: Container): boolean => until(() => c.state().status === 'stopped')

forms(t, requires('root', 'cc'), (t, rt) => {
  const lacks = rt.lacks('tsrun')
  if (lacks) return void t.pass('logs', { skip: lacks })

  t.test('what a container writes, all or the last lines', async t => {
    const c = container(t, rt, args(['echo', 'one'], ['err', 'two'], ['echo', 'three']))
    t.same(c.run('--detach', '--output', file(c)), { status: 0, stdout: '', stderr: '' })
    stopped(c)
    const shows = (text: string, ...flags: readonly string[]) =>
      t.same(c.call('logs', ...flags, c.id), { status: 0, stdout: text, stderr: '' }, flags.join(' '))
    shows('one\ntwo\nthree\n')
    shows('one\ntwo\nthree\n', '--tail', '100')
    shows('two\nthree\n', '--tail', '2')
    shows('three\n', '-n', '1', '--follow')
    shows('', '--tail', '0')
    t.equal(statSync(file(c)).mode & 0o7777, 0o600)
    writeFileSync(file(c), 'no end of line\nhere', { flag: 'a' })
    shows('here', '--tail', '1')
    shows('no end of line\nhere', '--tail', '2')
    writeFileSync(file(c), '')
    shows('', '--tail', '2')
    t.equal(c.del().status, 0)
    t.match(c.call('logs', c.id), { status: 1, stderr: /logs of .*container does not exist/ })
    t.ok(statSync(file(c)), 'the file belongs to the caller')
    t.same(c.leaks(), nothing)
  })

  t.test('a file that is there grows; a relative name is one of the caller’s directory', async t => {
    const c = container(t, rt, args(['echo', 'second']))
    const before = 'x'.repeat(200_000)
    writeFileSync(join(c.bundle, 'log'), `${before}\n`)
    t.equal(c.run('--output', 'log').status, 0, 'run in the foreground has it, too')
    t.equal(readFileSync(join(c.bundle, 'log'), 'utf8'), `${before}\nsecond\n`)
  })

  t.test('lines over the borders of blocks', async t => {
    const c = container(t, rt, args(['wait']))
    c.run('--detach', '--output', file(c))
    const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${'y'.repeat(i % 50)}`)
    writeFileSync(file(c), `${lines.join('\n')}\n`)
    for (const count of [1, 2, 1000, 2000, 4321, 29_999, 30_000, 30_001]) {
      const { stdout } = c.call('logs', '--tail', `${count}`, c.id)
      t.equal(stdout, `${lines.slice(-count).join('\n')}\n`, `${count}`)
    }
  })

  t.test('--follow until the container ends, and nothing is lost', async t => {
    const c = container(
      t,
      rt,
      args(['echo', 'first'], ['sleep', 0.3], ['copy'], ['sleep', 0.2], ['echo', 'last']),
    )
    const line = c.line('run', '--output', file(c), '--bundle', c.bundle, c.id)
    const running = c.spawn(...line)
    t.ok(until(() => c.call('state', c.id).status === 0))
    const following = c.spawn(...c.line('logs', '--follow', c.id))
    await following.says('first')
    const big = Array.from({ length: 60_000 }, (_, i) => `line ${i}\n`).join('')
    running.child.stdin?.end(big)
    t.equal((await following.done).stdout, `first\n${big}last\n`)
    t.equal(following.child.exitCode, 0)
    await running.done
  })

  t.test('--follow: from its end on, a file that is cut, a reader that goes away, little work', async t => {
    const c = container(t, rt, args(['wait']))
    writeFileSync(file(c), 'old\n')
    c.create('--output', file(c))
    const following = c.spawn(...c.line('logs', '--follow', '--tail', '0', c.id))
    t.ok(await soon(() => hasOpen(following.child.pid, 'inotify')), 'it has looked where the end is')
    writeFileSync(file(c), 'new and longer\n', { flag: 'a' })
    await following.says('new and longer')
    truncateSync(file(c))
    await new Promise(done => setTimeout(done, 100))
    writeFileSync(file(c), 'anew\n', { flag: 'a' })
    await following.says('anew')
    const ticks = () =>
      readFileSync(`/proc/${following.child.pid}/stat`, 'utf8').split(' ').slice(13, 15).map(Number)
    const before = ticks()
    await new Promise(done => setTimeout(done, 1500))
    t.ok((ticks()[0] ?? 0) - (before[0] ?? 0) < 10, 'it waits')
    t.equal(c.start().status, 0)
    c.kill('KILL')
    t.equal((await following.done).stdout, 'new and longer\nanew\n')
    const d = container(t, rt, args(['echo', 'x'.repeat(100_000)], ['wait']))
    d.run('--detach', '--output', file(d))
    const line = d.line('logs', '--follow', d.id).join(' ')
    const { stdout, status } = spawnSync('bash', ['-c', `set -o pipefail; ${line} | head -c 5`], {
      encoding: 'utf8',
      cwd: d.bundle,
      timeout: 20_000,
    })
    t.match(
      { stdout, ended: status !== null },
      { stdout: 'xxxxx', ended: true },
      'as cat does: by SIGPIPE, or without a word',
    )
  })

  t.test('what the container gets: its output and no more', async t => {
    const c = container(t, rt, args(['report']))
    const shell = 'exec 3<config.json; exec "$@"'
    const line = c.line('run', '--output', file(c), '--preserve-fds', '1', '--bundle', c.bundle, c.id)
    t.equal((await c.spawn('sh', '-c', shell, 'sh', ...line).done).status, 0)
    const { fds } = JSON.parse(readFileSync(file(c), 'utf8')) as Report
    t.same(Object.keys(fds), ['0', '1', '2', '3'])
    t.same([fds['1'], fds['2']], [file(c), file(c)])
    t.match(fds['3'], /config.json$/)
    const closed = c.line('run', '--output', `${file(c)}2`, '--bundle', c.bundle, c.id).join(' ')
    t.equal((await c.spawn('sh', '-c', `exec ${closed} <&- >&- 2>&-`).done).status, 0)
    t.match(readFileSync(`${file(c)}2`, 'utf8'), /"1":"[^"]*output2"/)
  })

  t.test('what is no file, and what goes elsewhere', async t => {
    const c = container(t, rt, args(['wait']))
    writeFileSync(join(c.dir, 'target'), '')
    symlinkSync(join(c.dir, 'target'), join(c.dir, 'link'))
    mkdirSync(join(c.dir, 'directory'))
    spawnSync('mkfifo', [join(c.dir, 'fifo')])
    for (const name of ['link', 'directory', 'fifo', 'none/file'])
      t.match(c.create('--output', join(c.dir, name)), { status: 1, stderr: /--output .*: / }, name)
    t.match(c.create('--output', '/dev/null'), { status: 1, stderr: /it must be a regular file/ })
    t.match(c.create('--output', ''), { status: 1, stderr: /--output needs a file/ })
    t.match(c.call('create', '--output'), { status: 1 })
    t.same(c.leaks(), nothing)
    const d = container(t, rt, { process: { terminal: true, args: script(['wait']) } })
    t.match(d.run('--output', file(d)), { status: 1, stderr: /cannot use --output with a terminal/ })
    t.same(d.leaks(), nothing)
    c.run('--detach')
    t.match(c.call('logs', c.id), {
      status: 1,
      stderr:
        /there are none: the output of container \S+ goes where its creator's went: \S+ \(create or run it with --output FILE\)/,
    })
    t.match(c.call('logs', '--tail', '-1', c.id), { status: 1 })
  })
})
