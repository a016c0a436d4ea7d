/** --preserve-fds and LISTEN_FDS, the pid file, --pidfd-socket, the session keyring, --no-pivot. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { askMounts, mountsByPoint } from '../support/mountinfo.js'
import { answersIn, payloadPath, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const report = { process: { args: script(['report']) } }

/** The command line that opens files as descriptors 3 and on, then runs a command. */
const withFiles = (dir: string, count: number, command: readonly string[]): string[] =>
  Array.from({ length: count }, (_, i) => i + 3)
    .flatMap(fd => [payloadPath(), 'with-fd', `${fd}`, join(dir, `fd${fd}`)])
    .concat(command)

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('--preserve-fds hands down so many, and no more', async t => {
    const c = container(t, rt, report)
    for (const wanted of [0, 1, 3]) {
      const line = c.line('run', '--bundle', c.bundle, '--preserve-fds', `${wanted}`, c.id)
      const { status, stdout } = await c.spawn(...withFiles(c.dir, 4, line)).done
      t.equal(status, 0)
      const { fds } = JSON.parse(stdout) as Report
      t.same(Object.keys(fds), ['0', '1', '2', '3', '4', '5'].slice(0, 3 + wanted))
      if (wanted === 3) t.equal(fds['5'], join(c.dir, 'fd5'), 'under the same number')
    }
  })

  t.test('--preserve-fds of a descriptor that is not open', async t => {
    const c = container(t, rt, report)
    const line = c.line('run', '--bundle', c.bundle, '--preserve-fds', '200', c.id)
    const { status, stderr } = await c.spawn(...withFiles(c.dir, 1, line)).done
    t.equal(status, 1)
    t.match(stderr, /unable to stat preserved-fd \d+/)
    t.same(c.leaks(), nothing)
  })

  t.test('LISTEN_FDS', async t => {
    const c = container(t, rt, report)
    const line = c.line('run', '--bundle', c.bundle, '--preserve-fds', '1', c.id)
    const shell = 'export LISTEN_FDS=2 LISTEN_PID=$$; exec "$@"' // they count for the pid that is named
    const { stdout } = await c.spawn('sh', '-c', shell, 'sh', ...withFiles(c.dir, 4, line)).done
    const self = JSON.parse(stdout) as Report
    t.same(Object.keys(self.fds), ['0', '1', '2', '3', '4', '5'])
    t.ok(self.env.includes('LISTEN_FDS=2'))
    t.ok(self.env.includes('LISTEN_PID=1'))
  })

  t.test('LISTEN_FDS of somebody else: an engine that a socket started', async t => {
    const c = container(t, rt, report)
    const line = c.line('run', '--bundle', c.bundle, c.id)
    for (const pid of ['', 'LISTEN_PID=1', 'LISTEN_PID=', 'LISTEN_PID=x']) {
      const { status, stdout, stderr } = await c.spawn('env', 'LISTEN_FDS=2', ...(pid ? [pid] : []), ...line)
        .done
      t.match({ status, stderr }, { status: 0, stderr: '' }, pid)
      const self = JSON.parse(stdout) as Report
      t.same(Object.keys(self.fds), ['0', '1', '2'], pid)
      t.notMatch(self.env.join(), /LISTEN_/)
    }
  })

  t.test(
    'LISTEN_FDS: a descriptor that is not open, names, and the config’s own',
    { skip: rt.lacks('tsrun') },
    async t => {
      const env = ['PATH=/bin', 'LISTEN_FDS=7', 'LISTEN_PID=9']
      const c = container(t, rt, { process: { ...report.process, env } })
      const line = c.line('run', '--bundle', c.bundle, c.id)
      const shell = (text: string) =>
        c.spawn('sh', '-c', `export LISTEN_PID=$$; ${text} exec "$@"`, 'sh', ...line).done
      t.match(await shell('LISTEN_FDS=2'), { status: 1, stderr: /of LISTEN_FDS=2: descriptor 3 is not open/ })
      const { stdout } = await shell('exec 3<config.json; LISTEN_FDS=1 LISTEN_FDNAMES=web')
      const self = JSON.parse(stdout) as Report
      t.same(Object.keys(self.fds), ['0', '1', '2', '3'])
      t.same(
        self.env.filter(entry => entry.startsWith('LISTEN_')).sort(),
        ['LISTEN_FDNAMES=web', 'LISTEN_FDS=1', 'LISTEN_PID=1'],
        'once each',
      )
      t.same(c.leaks(), nothing)
    },
  )

  t.test('the pid file: decimal, no newline, there when create returns', async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const path = join(c.dir, 'pid')
    t.equal(c.create('--pid-file', path).status, 0)
    t.equal(readFileSync(path, 'utf8'), `${c.state().pid}`)
    c.del('--force')
    t.ok(existsSync(path), 'it belongs to the caller')
    writeFileSync(path, 'of an older container, longer')
    t.equal(c.run('--detach', '--pid-file', path).status, 0)
    t.equal(readFileSync(path, 'utf8'), `${c.state().pid}`)
  })

  t.test('a pid file that cannot be written', async t => {
    const c = container(t, rt)
    t.match(c.create('--pid-file', join(c.dir, 'no', 'pid')), {
      status: 1,
      stderr: /no such file or directory/,
    })
    t.same(c.leaks(), nothing)
  })

  t.test('--pidfd-socket', { skip: rt.lacks('pidfd-socket') }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const socket = join(c.dir, 'pidfd')
    const receiver = c.spawn(payloadPath(), 'recv-pidfd', socket)
    await receiver.says('listening')
    t.equal(c.create('--pidfd-socket', socket).status, 0)
    const answer = answersIn((await receiver.done).stdout).at(-1)
    t.match(answer, { verb: 'pidfd', data: 'standard', fds: 1, pid: c.state().pid })
  })

  t.test('a session keyring of its own, unless --no-new-keyring', async t => {
    const c = container(t, rt, report)
    t.match(JSON.parse(c.run().stdout), { keyringName: new RegExp(`_ses\\.${c.id}$`) })
    const { keyringName } = JSON.parse(c.run('--no-new-keyring').stdout) as Report
    t.notMatch(keyringName, new RegExp(c.id))
  })

  t.test('--no-pivot', async t => {
    const c = container(t, rt, { process: { args: script(['report'], ['ls', '/'], askMounts) } })
    const { status, stdout } = c.run('--no-pivot')
    t.equal(status, 0)
    const [self, names, info] = answersIn(stdout)
    t.match(self, { pid: 1, cwd: '/' })
    t.ok(names?.names.includes('bin') && !names.names.includes('home'))
    t.equal(mountsByPoint(info).get('/proc')?.type, 'proc')
  })

  t.test('--no-pivot with a private root would keep the host’s mounts in use', async t => {
    for (const rootfsPropagation of ['private', 'rprivate']) {
      const c = container(t, rt, { linux: { rootfsPropagation } })
      t.match(c.run('--no-pivot'), {
        status: 1,
        stderr: /rootfsPropagation of \[r\]private is not safe without pivot_root/,
      })
      t.same(c.leaks(), nothing)
    }
    const c = container(t, rt, { linux: { rootfsPropagation: 'slave' } })
    t.equal(c.run('--no-pivot').status, 0)
  })

  for (const flags of [[], ['--no-pivot']])
    t.test(`root in the container does not climb out of its root ${flags}`, async t => {
      const capabilities = ['CAP_SYS_CHROOT', 'CAP_DAC_OVERRIDE']
      const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities }
      const args = script(['breakout', '/tmp/below'], ['ls', '/'])
      const c = container(t, rt, { process: { args, capabilities: sets } })
      const { status, stdout } = c.run(...flags)
      t.equal(status, 0)
      const [out, names] = answersIn(stdout)
      t.equal(out?.errno, null)
      t.same(
        names?.names.filter(name => name === 'home' || name === 'var'),
        [],
      )
      t.ok(names?.names.includes('bin'))
    })

  t.test('a bundle that is deep: paths longer than a socket’s', async t => {
    const c = container(t, rt, report)
    const deep = join(c.dir, ...Array.from({ length: 12 }, () => 'a-directory-of-some-length'))
    mkdirSync(deep, { recursive: true })
    await c.spawn('cp', '-a', c.bundle, deep).done
    t.equal(c.run('--bundle', join(deep, 'bundle')).status, 0)
  })
})
