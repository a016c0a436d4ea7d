/** run: exit status, pipes, signals, --detach and --keep. */
import { copyFileSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespacesWithout } from '../support/config.js'
import { container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const args = (...verbs: readonly Verb[]) => ({ process: { args: script(...verbs) } })

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('ends with the status of the process and leaves nothing', async t => {
    for (const status of [0, 1, 7, 255]) {
      const c = container(t, rt, args(['exit', status]))
      t.same(c.run(), { status, stdout: '', stderr: '' })
      t.same(c.leaks(), nothing)
    }
  })

  t.test('a signal that ended the process is 128 and its number', async t => {
    const c = container(t, rt, args(['echo', 'ready'], ['wait']))
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('ready')
    c.kill('KILL')
    t.equal((await running.done).status, 137)
    t.same(c.leaks(), nothing)
  })

  t.test('beside the container stands one small process', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, args(['echo', 'ready'], ['wait']))
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('ready')
    const { pid } = running.child
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    t.ok(
      until(() => children() === `${c.state().pid}`),
      `init is its only child: ${children()}`,
    )
    const kibibytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    t.ok(Number(kibibytes) <= 1536, `${kibibytes} KiB`)
    c.kill('KILL')
    t.equal((await running.done).status, 137)
  })

  t.test('stdin, stdout and stderr are the caller’s pipes', async t => {
    const c = container(t, rt, args(['err', 'to stderr'], ['copy']))
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    const big = 'x'.repeat(300_000)
    running.child.stdin?.end(big)
    const { status, stdout, stderr } = await running.done
    t.equal(status, 0)
    t.equal(stdout.length, big.length, 'all of stdin came back')
    t.equal(stderr, 'to stderr\n')
  })

  t.test('stdio can be closed', async t => {
    const c = container(t, rt, args(['exit', 3]))
    const line = c.line('run', '--bundle', c.bundle, c.id).join(' ')
    const { status } = await c.spawn('sh', '-c', `exec ${line} <&- >&- 2>&-`).done
    t.equal(status, 3)
  })

  t.test('signals to the foreground command go to the process', async t => {
    for (const [name, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
      ['SIGUSR1', 10],
      ['SIGHUP', 1],
      ['SIGQUIT', 3],
    ] as const) {
      const c = container(t, rt, args(['trap', number], ['exit', 5]))
      const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
      await running.says('"verb":"trap"')
      running.child.kill(name)
      const { status, stdout } = await running.done
      t.match(stdout, new RegExp(`"caught","signal":${number}\\b`), name)
      t.equal(status, 5)
    }
  })

  t.test('orphans of the container end with it', async t => {
    const c = container(t, rt, args(['fork', 3]))
    t.match(c.run(), { status: 0, stdout: /"made":3/ })
    t.same(c.leaks(), nothing)
  })

  t.test(
    'who is orphaned in a container without a pid namespace becomes the runtime’s, unless told otherwise',
    async t => {
      // A child of a subshell that is over.
      const args = [
        '/bin/busybox',
        'sh',
        '-c',
        '(busybox sleep 60 & echo $! >/tmp/child); exec busybox sleep 60',
      ]
      for (const flags of [[], ['--no-subreaper'], ['--detach']]) {
        const c = container(t, rt, { process: { args }, linux: { namespaces: namespacesWithout('pid') } })
        copyFileSync('/bin/busybox', join(c.rootfs, 'bin', 'busybox'))
        symlinkSync('busybox', join(c.rootfs, 'bin', 'sh'))
        const pidFile = join(c.dir, 'pid')
        const line = c.line('run', ...flags, '--pid-file', pidFile, '--bundle', c.bundle, c.id)
        const running = c.spawn(...line)
        const told = join(c.rootfs, 'tmp', 'child')
        t.ok(until(() => existsSync(told) && readFileSync(told, 'utf8').endsWith('\n')))
        const child = readFileSync(told, 'utf8').trim()
        t.equal(Number(readFileSync(pidFile, 'utf8')), c.state().pid, 'a pid file in the foreground, too')
        const parent = () =>
          Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1])
        t.ok(until(() => parent() !== c.state().pid))
        if (flags.length === 0) t.equal(parent(), running.child.pid, 'reaped by who stays')
        else t.not(parent(), running.child.pid)
        const begin = Date.now()
        t.equal(c.del('--force').status, 0)
        await running.done
        t.ok(Date.now() - begin < 5000, 'without waiting for it')
        t.same(c.leaks(), nothing)
      }
    },
  )

  t.test('without a pid namespace, too, at once', async t => {
    const c = container(t, rt, { ...args(['fork', 3]), linux: { namespaces: namespacesWithout('pid') } })
    const begin = Date.now()
    t.match(c.run(), { status: 0, stdout: /"made":3/ })
    t.ok(Date.now() - begin < 5000)
    t.same(c.leaks(), nothing)
  })

  t.test('--detach returns while the process runs', async t => {
    const c = container(t, rt, args(['echo', 'ready'], ['wait']))
    t.match(c.run('--detach'), { status: 0, stderr: '' })
    t.equal(c.state().status, 'running')
    t.ok(until(() => c.output() === 'ready\n'))
  })

  t.test('--detach of a process that ends at once: the container stays until delete', async t => {
    const c = container(t, rt, args(['exit', 4]))
    t.match(c.run('--detach'), { status: 0 }, 'its status is not that of the process')
    t.ok(until(() => c.state().status === 'stopped'))
    t.equal(c.del().status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('--keep leaves the stopped container', async t => {
    const c = container(t, rt, args(['exit', 4]))
    t.equal(c.run('--keep').status, 4)
    t.match(c.state(), { status: 'stopped', pid: 0 })
    t.equal(c.del().status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('the bundle is the current directory when --bundle is not given', async t => {
    const c = container(t, rt, args(['exit', 6]))
    t.equal(c.call('run', c.id).status, 6)
  })

  t.test('--config names another file', { skip: rt.lacks('config') }, async t => {
    const c = container(t, rt, args(['exit', 8]))
    const running = c.spawn('mv', 'config.json', 'other.json')
    await running.done
    t.equal(c.run('--config', `${c.bundle}/other.json`).status, 8)
  })

  t.test('options with one dash, and with =', async t => {
    const c = container(t, rt, args(['exit', 9]))
    t.equal(c.call('run', '-bundle', c.bundle, c.id).status, 9)
    t.equal(c.call('run', `--bundle=${c.bundle}`, '-no-subreaper', c.id).status, 9)
    t.equal(c.call('run', '-b', c.bundle, '-no-new-keyring', c.id).status, 9)
  })
})
