/** Faults of what is around a container: broken sockets, a full disk, a crowd. One clear error each, and nothing left. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { payloadPath, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }
const terminal = { process: { terminal: true, args: script(['wait']) } }

const alone = (c: Container, pid: number): boolean =>
  JSON.stringify(JSON.parse(c.call('ps', '--format', 'json', c.id).stdout)) === JSON.stringify([pid])

/** What is left but the one that makes the trouble. */
const leftOf = (c: Container) => {
  const leaks = c.leaks()
  return { ...leaks, processes: leaks.processes.filter(text => !text.includes(join(c.dir, 'console'))) }
}

/** A socket of each kind of trouble, by the words of the error. */
const troubles: readonly (readonly [
  name: string,
  words: RegExp,
  make: (path: string, t: Test) => Promise<void>,
])[] = [
  ['absent', /no such file or directory/, async () => {}],
  ['a file', /connection refused|ECONNREFUSED/i, async path => writeFileSync(path, '')],
  ['a directory', /connection refused|ECONNREFUSED/i, async path => void mkdirSync(path)],
  [
    'a datagram socket',
    /wrong type|EPROTOTYPE/i,
    async (path, t) => {
      const { spawn } = await import('node:child_process')
      const child = spawn(payloadPath(), ['recv-notify', path], { stdio: 'ignore' })
      t.teardown(() => child.kill('SIGKILL'))
      until(() => spawnSync('test', ['-S', path]).status === 0)
    },
  ],
  [
    'nobody listens any more',
    /connection refused|ECONNREFUSED/i,
    async path => {
      const server = createServer()
      await new Promise<void>(done => server.listen(path, done))
      // The file stays when its server is killed.
      spawnSync('ln', [path, `${path}.kept`])
      await new Promise(done => server.close(done))
      spawnSync('mv', [`${path}.kept`, path])
    },
  ],
]

forms(t, requires('root', 'cc'), (t, rt) => {
  for (const [name, words, make] of troubles) {
    t.test(`a console socket that is broken: ${name}`, async t => {
      const c = container(t, rt, terminal)
      const socket = join(c.dir, 'console')
      await make(socket, t)
      t.match(c.create('--console-socket', socket), { status: 1, stderr: words })
      t.same(leftOf(c), nothing, 'after create')
      c.configure(waiting)
      c.configure({ process: { terminal: false } })
      t.equal(c.run('--detach').status, 0)
      const { pid } = c.state()
      const flags = ['--detach', '--tty', '--console-socket', socket]
      t.match(c.call('exec', ...flags, c.id, ...script(['wait'])), { status: 255, stderr: words })
      t.ok(
        until(() => alone(c, pid)),
        'after exec',
      )
    })
  }

  t.test(
    'a console socket whose listener hangs with a full backlog',
    { skip: rt.lacks('tsrun') },
    async t => {
      const c = container(t, rt, terminal)
      const socket = join(c.dir, 'console')
      const clog =
        'use Socket; socket(S,1,1,0); bind(S,pack_sockaddr_un($ARGV[0])); listen(S,0); socket(C,1,1,0); connect(C,pack_sockaddr_un($ARGV[0])); $|=1; print "clogged\n"; sleep 60'
      const hanging = c.spawn('perl', '-e', clog, socket)
      t.teardown(() => hanging.child.kill('SIGKILL'))
      await hanging.says('clogged')
      const begin = Date.now()
      const { status, stderr } = await c.spawn(
        ...c.line('create', '--bundle', c.bundle, '--console-socket', socket, c.id),
      ).done
      t.match({ status, stderr }, { status: 1, stderr: /EAGAIN/ })
      t.ok(Date.now() - begin < 14_000, 'it gives up')
      t.same(leftOf(c), nothing)
    },
  )

  t.test('a full disk under the state root', async t => {
    const c = container(t, rt, waiting)
    mkdirSync(c.stateRoot)
    t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', c.stateRoot]).status, 0)
    t.teardown(() => spawnSync('umount', ['-l', c.stateRoot]))
    writeFileSync(join(c.stateRoot, 'filler'), Buffer.alloc(12 << 10))
    t.match(c.create(), { status: 1, stderr: rt.lacks('tsrun') ? /unable to/ : /no space left on device/ })
    t.same(
      readdirSync(c.stateRoot).filter(name => name !== 'filler'),
      [],
    )
    t.same({ ...c.leaks(), mounts: [] }, nothing)
    writeFileSync(join(c.stateRoot, 'filler'), '')
    t.equal(spawnSync('mount', ['-o', 'remount,size=1m', c.stateRoot]).status, 0)
    t.equal(c.create().status, 0, 'and works when there is room again')
    t.equal(c.del('--force').status, 0)
    spawnSync('umount', ['-l', c.stateRoot])
  })

  t.test(
    'an init that no signal reaches',
    { skip: rt.lacks('tsrun') || (rt.name === 'npm' && 'takes 10 s: one form is enough') },
    async t => {
      const c = container(t, rt, { process: { args: script(['copy']) } })
      // While splice(2) waits for our socket it has the pipe locked: who reads that waits without hearing signals.
      const line = `/bin/busybox cat | ${c.line('run', '--bundle', c.bundle, c.id).join(' ')}`
      const running = c.spawn('bash', '-c', line)
      running.child.stdin?.write('before\n')
      const isState = (state: string) => () => {
        const { status, stdout } = c.call('state', c.id)
        if (status !== 0) return false
        const { pid } = JSON.parse(stdout) as { pid: number }
        return pid > 0 && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(`(payload) ${state} `)
      }
      t.ok(until(isState('D')), 'it waits for the pipe')
      t.match(c.del('--force'), {
        status: 1,
        stderr:
          /still running, 10 s after it was killed \(pid \d+\): it waits in the kernel( \(\w+\))?, where no signal reaches it/,
      })
      t.equal(c.call('state', c.id).status, 0, 'nothing of it is taken away')
      running.child.stdin?.end()
      await running.done
      if (c.call('state', c.id).status === 0) t.equal(c.del('--force').status, 0)
      t.same(c.leaks(), nothing)
    },
  )

  t.test('a limit on the size of files is an error, and the end of nobody', async t => {
    const c = container(t, rt, waiting)
    for (const blocks of [0, 1, 8]) {
      const line = c.line('create', '--bundle', c.bundle, c.id).join(' ')
      const shell = `ulimit -f ${blocks}; ${line} < /dev/null > /dev/null`
      const { status, stderr } = await c.spawn('sh', '-c', shell).done
      // 4,096 bytes are enough for runc, which writes less.
      if (blocks === 8 && rt.lacks('tsrun')) t.equal(c.del('--force').status, 0)
      else
        t.match({ status, stderr }, { status: 1, stderr: rt.lacks('tsrun') ? /unable to/ : /file too large/ })
      t.same(c.leaks(), nothing)
      if (existsSync(c.stateRoot)) t.same(readdirSync(c.stateRoot), [])
    }
  })

  t.test('a reader of warnings that has gone', async t => {
    const capabilities = { bounding: ['CAP_NOBODY_KNOWS'] }
    const c = container(t, rt, { process: { args: script(['exit', 3]), capabilities } })
    t.match(c.create(), { status: 0, stderr: /CAP_NOBODY_KNOWS/ })
    t.equal(c.del().status, 0)
    const deaf = (...args: string[]) =>
      c.spawn(
        'bash',
        '-c',
        `(sleep 0.1; "$@" < /dev/null > /dev/null; echo $? > ended) 2> >(:)`,
        'sh',
        ...c.line(...args),
      ).done
    const status = () => readFileSync(join(c.bundle, 'ended'), 'utf8')
    await deaf('create', '--bundle', c.bundle, c.id)
    t.equal(status(), '0\n')
    t.equal(c.state().status, 'created')
    t.equal(c.del().status, 0)
    await deaf('run', '--bundle', c.bundle, c.id)
    t.equal(status(), '3\n')
    t.same(c.leaks(), nothing)
  })

  t.test('a hundred at once', async t => {
    const c = container(t, rt, waiting)
    t.equal(c.run('--detach').status, 0)
    const { pid } = c.state()
    const line = c.line('exec', c.id, ...script(['exit', 7])).join(' ')
    const shell = `i=0; while [ $i -lt 100 ]; do (${line}; echo "ended $?") & i=$((i+1)); done; wait`
    const { stdout, stderr } = spawnSync('sh', ['-c', shell], {
      encoding: 'utf8',
      cwd: c.bundle,
      timeout: 120_000,
    })
    t.equal(stdout.split('\n').filter(text => text === 'ended 7').length, 100, stderr)
    t.ok(
      until(() => alone(c, pid)),
      'nobody stays',
    )
    t.same(readdirSync(`/proc/${pid}/fd`), ['0', '1', '2'])
  })

  t.test('a gigabyte of output arrives whole', async t => {
    const c = container(t, rt, { process: { args: script(['copy']) } })
    const line = c.line('run', '--bundle', c.bundle, c.id).join(' ')
    const generate =
      'openssl enc -aes-128-ctr -nosalt -K 0 -iv 0 -in /dev/zero 2>/dev/null | head -c 1073741824'
    const shell = `set -o pipefail; ${generate} | tee >(cksum >${c.dir}/sent) | ${line} | cksum`
    const { stdout } = spawnSync('bash', ['-c', shell], { encoding: 'utf8', cwd: c.bundle, timeout: 120_000 })
    const sent = () => spawnSync('cat', [join(c.dir, 'sent')], { encoding: 'utf8' }).stdout
    t.ok(until(() => sent() !== ''))
    t.match(stdout, /^\d+ 1073741824\n$/)
    t.equal(stdout, sent())
  })

  t.test('a machine that has lost its /dev/null', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, { ...waiting, linux: { maskedPaths: ['/proc/keys'] } })
    writeFileSync(join(c.dir, 'file'), '')
    const line = c.line('create', '--bundle', c.bundle, c.id).join(' ')
    const shell = `mount --bind ${c.dir}/file /dev/null && exec ${line}`
    const { status, stderr } = await c.spawn('unshare', '--mount', 'sh', '-c', shell).done
    t.match({ status, stderr }, { status: 1, stderr: /\/dev\/null of this machine is no null device: rm/ })
    t.same(c.leaks(), nothing)
  })

  t.test('a lot of output of a terminal arrives whole', async t => {
    const bytes = Number(process.env.TSRUN_TERMINAL_BYTES ?? 4 << 20)
    const c = container(t, rt, { process: { terminal: true, args: script(['lines', bytes]) } })
    const line = c.line('run', '--bundle', c.bundle, c.id).join(' ')
    const shell = `set -o pipefail; ${payloadPath()} pty 24 80 ${line} | tr -d '\\r' | cksum; ${payloadPath()} lines ${bytes} | cksum`
    const { stdout } = spawnSync('bash', ['-c', shell], { encoding: 'utf8', cwd: c.bundle })
    const [got, expected] = stdout.split('\n')
    t.match(got, new RegExp(` ${bytes}$`))
    t.equal(got, expected)
  })

  t.test('the terminal is given back however the runtime is told to end', async t => {
    for (const signal of ['TERM', 'HUP', 'INT', 'QUIT']) {
      const c = container(t, rt, { process: { terminal: true, args: script(['echo', 'ready'], ['wait']) } })
      const line = c.line('run', '--bundle', c.bundle, c.id).join(' ')
      const foreground = `trap '' TERM HUP INT QUIT; stty -a >${c.dir}/before; (trap - TERM HUP INT QUIT; echo $BASHPID >${c.dir}/pid; exec ${line}); stty -a >${c.dir}/after`
      const running = c.spawn(payloadPath(), 'pty', '24', '80', 'bash', '-c', foreground)
      await running.says('ready')
      const pid = spawnSync('cat', [join(c.dir, 'pid')], { encoding: 'utf8' }).stdout.trim()
      // Init has no handler, so a signal that is passed on does nothing to it: its end is what counts.
      t.equal(spawnSync('kill', [`-${signal}`, pid]).status, 0)
      t.equal(c.state().status, 'running', `${signal} went to the container`)
      t.equal(c.kill('KILL').status, 0)
      await running.done
      t.equal(spawnSync('cmp', [join(c.dir, 'before'), join(c.dir, 'after')]).status, 0, signal)
    }
  })
})
