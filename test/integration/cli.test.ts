/** Global options, the log, and the commands that need no container. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const entries = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

forms(t, requires('root', 'cc'), (t, rt) => {
  const unknown = 'container does not exist'

  t.test('--log with --log-format json: one object per line, and stderr too', async t => {
    const c = container(t, rt)
    const log = join(c.dir, 'log.json')
    const { status, stderr } = c.call('--log', log, '--log-format', 'json', 'start', c.id)
    t.equal(status, 1)
    t.match(stderr, unknown)
    const [entry, ...more] = entries(log)
    t.same(more, [])
    t.match(entry, {
      level: 'error',
      msg: new RegExp(unknown),
      time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
    })
    c.call('--log', log, '--log-format=json', 'start', c.id)
    t.equal(entries(log).length, 2, 'it is appended to')
  })

  t.test('--log as text, with one dash and with =', async t => {
    const c = container(t, rt)
    for (const [index, options] of [['--log'], ['-log'], ['--log-format', 'text', '--log']].entries()) {
      const log = join(c.dir, `log${index}`)
      t.equal(c.call(...options, log, 'start', c.id).status, 1)
      t.match(readFileSync(log, 'utf8'), unknown)
    }
    const log = join(c.dir, 'log-equal')
    t.equal(c.call(`--log=${log}`, 'start', c.id).status, 1)
    t.ok(existsSync(log))
  })

  t.test('a log that cannot be, and a format that is none', async t => {
    const c = container(t, rt)
    t.match(c.call('--log', join(c.dir, 'no', 'log'), 'list'), {
      status: 1,
      stderr: /no such file or directory/,
    })
    t.match(c.call('--log-format', 'xml', 'list'), {
      status: 1,
      stderr: /invalid log-format: xml|unknown log-format "?xml/,
    })
  })

  t.test('--debug says more, and does not fail', async t => {
    const c = container(t, rt)
    const log = join(c.dir, 'debug')
    t.equal(
      c.call('--debug', '--log', log, '--log-format', 'json', 'run', '--bundle', c.bundle, c.id).status,
      0,
    )
    t.ok(entries(log).some(({ level }) => level === 'debug'))
  })

  t.test('the log reaches the caller when create fails', async t => {
    const c = container(t, rt, { process: { args: ['/nope'] } })
    const log = join(c.dir, 'log.json')
    const options = ['--log', log, '--log-format', 'json', 'create', '--bundle', c.bundle, c.id]
    t.equal(c.call(...options).status, 1)
    t.match(entries(log).at(-1), { level: 'error', msg: /\/nope.*no such file or directory/ })
  })

  t.test('--log-level', { skip: rt.lacks('log-level') }, async t => {
    const c = container(t, rt)
    for (const level of ['error', 'warning', 'debug'])
      t.equal(c.call('--log-level', level, 'run', '--bundle', c.bundle, c.id).status, 0, level)
    t.equal(c.call('--log-level', 'nonsense', 'list').status, 1)
  })

  t.test('--cgroup-manager', { skip: rt.lacks('cgroup-manager') }, async t => {
    const c = container(t, rt, { process: { args: script(['cat', '/proc/self/cgroup']) } })
    t.match(c.call('--cgroup-manager', 'cgroupfs', 'run', '--bundle', c.bundle, c.id).stdout, c.id)
    t.notMatch(c.call('--cgroup-manager', 'disabled', 'run', '--bundle', c.bundle, c.id).stdout, c.id)
    t.equal(c.call('--cgroup-manager', 'nonsense', 'list').status, 1)
  })

  t.test('--rootless takes true, false and auto', async t => {
    const c = container(t, rt)
    for (const value of ['false', 'auto'])
      t.equal(c.call('--rootless', value, 'run', '--bundle', c.bundle, c.id).status, 0, value)
    t.not(c.call('--rootless', 'nonsense', 'run', '--bundle', c.bundle, c.id).status, 0)
  })

  t.test('--version', async t => {
    const { status, stdout, stderr } = container(t, rt).call('--version')
    t.same({ status, stderr }, { status: 0, stderr: '' })
    const lines = stdout.split('\n')
    t.match(lines[0], /^\w+ version \d+\.\d+\.\d+/)
    t.match(lines[1], /^commit: /)
    t.match(lines[2], /^spec: 1\.\d+\.\d+/)
  })

  t.test('features', async t => {
    const { status, stdout } = container(t, rt).call('features')
    t.equal(status, 0)
    const features = JSON.parse(stdout)
    t.match(features, {
      ociVersionMin: '1.0.0',
      ociVersionMax: /^1\./,
      hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
      linux: { cgroup: { v1: true, v2: true }, seccomp: { enabled: true } },
    })
    for (const option of ['ro', 'rbind', 'nosuid', 'rslave', 'tmpcopyup'])
      t.ok(features.mountOptions.includes(option))
    for (const type of ['pid', 'network', 'mount', 'ipc', 'uts', 'user'])
      t.ok(features.linux.namespaces.includes(type))
    t.ok(features.linux.capabilities.includes('CAP_SYS_ADMIN'))
  })

  t.test('spec writes a config that runs', async t => {
    const c = container(t, rt)
    const path = join(c.bundle, 'config.json')
    t.match(c.call('spec'), { status: 1, stderr: /config\.json exists/ })
    rmSync(path)
    t.equal(c.call('spec').status, 0)
    const config = JSON.parse(readFileSync(path, 'utf8'))
    t.match(config, {
      ociVersion: /^1\./,
      process: { args: ['sh'], cwd: '/', terminal: true },
      root: { path: 'rootfs' },
    })
    c.rewrite(text =>
      text.replace('"terminal": true', '"terminal": false').replace('"sh"', '"/bin/payload","exit","9"'),
    )
    t.equal(c.run().status, 9)
    mkdirSync(join(c.dir, 'other'))
    t.equal(c.call('spec', '--bundle', join(c.dir, 'other')).status, 0)
    t.equal(statSync(join(c.dir, 'other', 'config.json')).mode & 0o777, 0o666 & ~process.umask())
    rmSync(path)
    t.equal(c.call('spec', '--rootless').status, 0)
    const rootless = JSON.parse(readFileSync(path, 'utf8'))
    t.ok(
      rootless.linux.uidMappings.length > 0 &&
        rootless.linux.namespaces.some(({ type }: { type: string }) => type === 'user'),
    )
  })

  t.test('help', async t => {
    const c = container(t, rt)
    for (const line of [['--help'], ['-h'], ['help'], ['create', '--help'], ['run', '-h']]) {
      const { status, stdout } = c.call(...line)
      t.equal(status, 0, line.join(' '))
      t.match(stdout, /create/i)
    }
  })
})
