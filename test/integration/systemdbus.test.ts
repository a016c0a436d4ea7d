/** The systemd cgroup manager where systemd does not do as it should: a bus that is not there, hangs, lies or says no. No systemd is needed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

/** A container of a runtime whose system bus is the socket `bus`, which lies where the count of leaks does not look. */
const withBus = (t: Test, rt: Runtime): Container & { readonly bus: string } => {
  const env = ['/usr/bin/env']
  const c = container(t, { ...rt, argv: env })
  const directory = mkdtempSync(join(tmpdir(), 'tsrun-bus-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const bus = join(directory, 'bus')
  env.push(`DBUS_SYSTEM_BUS_ADDRESS=unix:path=${bus}`, ...rt.argv, '--systemd-cgroup')
  c.configure({ linux: { cgroupsPath: `test.slice:pre:${c.id}` } })
  return { ...c, bus }
}

/** Starts a fake bus; the calls that it got, by name. */
const listen = async (t: Test, path: string, mode: string): Promise<() => string[]> => {
  const program = fileURLToPath(new URL('../support/fakebus.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, path, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  let said = ''
  child.stdout.on('data', data => {
    said += data
  })
  await once(child.stdout, 'data')
  return () => {
    const lines = said.split('\n').filter(line => line.startsWith('{'))
    return lines.map(line => JSON.parse(line).member as string)
  }
}

const failures: Readonly<Record<string, RegExp>> = {
  refuse: /start unit pre-.*: Permission denied \(run as root/,
  reject: /cannot reach systemd: the bus does not accept us: it says "REJECTED EXTERNAL"/,
  close: /closed the connection|EPIPE|ECONNRESET/,
  garbage: /the bus speaks another byte order/,
  long: /a message of the bus is too long/,
  failed: /its job ended as "failed" \(journalctl -u pre-/,
  exists: /a unit of that name exists already, with 2 process\(es\)/,
}

forms(t, requires('root', 'cc', 'cgroup1'), (t, rt) => {
  if (rt.lacks('tsrun')) return

  t.test('no bus', async t => {
    const c = withBus(t, rt)
    const { status, stderr } = c.create()
    t.equal(status, 1)
    t.match(stderr, `cannot reach systemd: connect("${c.bus}"): ENOENT`)
    t.match(stderr, 'use --cgroup-manager cgroupfs')
    t.same(c.leaks(), nothing)
  })

  for (const [mode, message] of Object.entries(failures)) {
    t.test(`a bus that behaves: ${mode}`, async t => {
      const c = withBus(t, rt)
      await listen(t, c.bus, mode)
      const { status, stderr } = c.create()
      t.equal(status, 1)
      t.match(stderr, message)
      t.match(stderr, '/linux/cgroupsPath')
      t.same(c.leaks(), nothing, 'nothing was made')
    })
  }

  t.test('a unit in another place', async t => {
    const c = withBus(t, rt)
    const calls = await listen(t, c.bus, 'good')
    const { status, stderr } = c.create()
    t.equal(status, 1)
    t.match(stderr, /the cgroup of unit pre-.* is not \/sys\/fs\/cgroup\/systemd\/test.slice\/pre-/)
    await new Promise(resolve => setTimeout(resolve, 100))
    t.ok(calls().includes('StopUnit'), 'it is taken away again')
    t.same(c.leaks(), nothing)
  })

  t.test('a bus that hangs', { skip: rt.name === 'npm' && 'takes 30 s: one form is enough' }, async t => {
    const c = withBus(t, rt)
    await listen(t, c.bus, 'hang')
    const begin = performance.now()
    const { status, stderr } = await c.spawn(...c.line('create', '--bundle', c.bundle, c.id)).done
    t.equal(status, 1)
    t.match(stderr, 'systemd did not answer within 30 s')
    t.ok(performance.now() - begin > 29_000)
    t.same(c.leaks(), nothing)
  })

  t.test('the two managers and their paths', async t => {
    const c = withBus(t, rt)
    c.configure({ linux: { cgroupsPath: `/${c.id}` } })
    const { status, stderr } = c.create()
    t.equal(status, 1)
    t.match(stderr, 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups')
    const plain = container(t, rt, { linux: { cgroupsPath: 'a.slice:p:n' } })
    const other = plain.create()
    t.equal(other.status, 1)
    t.match(other.stderr, 'is a path for systemd (slice:prefix:name): pass --systemd-cgroup')
  })

  t.test('disabled: no cgroup at all', async t => {
    const c = container(t, { ...rt, argv: [...rt.argv, '--cgroup-manager', 'disabled'] })
    const own = readFileSync('/proc/self/cgroup', 'utf8')
    const [answer] = c.ask(['cat', '/proc/self/cgroup'])
    t.equal(answer?.data, own)
    t.notOk(existsSync(`/sys/fs/cgroup/memory/${c.id}`))
  })
})
