/** The lifecycle: what create makes, what waits for start, what an error leaves. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { mounts, namespaces } from '../support/config.js'
import { container, until } from '../support/container.js'
import { cgroupsOf, nothing } from '../support/leaks.js'
import { type Report, script } from '../support/payload.js'
import { conformance, lazy } from './suite.js'

const waiting = { process: { args: script(['echo', 'started'], ['wait']) } }

conformance('lifecycle', ['root', 'cc'], (owner, rt) => {
  /** A container that is created and not started, seen from the host through /proc/PID. */
  const created = lazy(() => {
    const c = container(owner, rt, {
      ...waiting,
      hostname: 'conform',
      mounts: [...mounts, { destination: '/new/dir', type: 'tmpfs', source: 'x', options: ['size=1m'] }],
      linux: {
        sysctl: { 'net.ipv4.ip_forward': '1' },
        devices: [{ type: 'c', path: '/dev/given', major: 1, minor: 5, fileMode: 0o600 }],
        resources: { pids: { limit: 77 } },
        maskedPaths: ['/proc/version'],
        readonlyPaths: ['/proc/sys'],
      },
    })
    const made = c.create()
    assert.equal(made.status, 0, made.stderr)
    const { pid } = c.state()
    const proc = (path: string) => readFileSync(join(`/proc/${pid}`, path), 'utf8')
    return { c, pid, proc, output: c.output() }
  })
  const environment = () => {
    const { pid, proc } = created()
    assert.match(proc('mountinfo'), / \/new\/dir .* - tmpfs /, 'mounts')
    assert.match(proc('mountinfo'), / \/proc\/version /, 'masked paths')
    assert.match(proc('mountinfo'), / \/proc\/sys ro/, 'read-only paths')
    assert.ok(existsSync(`/proc/${pid}/root/dev/given`), 'devices')
    assert.ok(!existsSync(`/proc/${pid}/root/usr`), 'the root')
    assert.match(proc('cgroup'), /tsrun-test/, 'the cgroup')
    for (const { type } of namespaces) {
      const name = { mount: 'mnt', network: 'net' }[String(type)] ?? type
      assert.notEqual(
        readlinkSync(`/proc/${pid}/ns/${name}`),
        readlinkSync(`/proc/self/ns/${name}`),
        `the namespace ${type}`,
      )
    }
  }
  return {
    'RT-001': t => {
      const c = container(t, rt, waiting)
      assert.equal(c.create().status, 0)
      const { pid } = c.state()
      assert.equal(c.start().status, 0)
      assert.equal(c.kill('KILL').status, 0)
      c.ended(pid)
      assert.equal(c.del().status, 0)
    },
    'RT-010': environment,
    'RT-011': t => {
      const c = container(t, rt, { mounts: [...mounts, { destination: '/mnt', type: 'nofs', source: 'x' }] })
      const { status, stderr } = c.create()
      assert.equal(status, 1)
      assert.notEqual(stderr, '')
      assert.deepEqual(c.leaks(), nothing)
    },
    'RT-012': environment,
    'RT-013': () => assert.equal(created().output, ''),
    'RT-014': t => {
      const c = container(t, rt, waiting)
      c.create()
      c.configure({ process: { args: script(['echo', 'changed']) }, annotations: { changed: 'yes' } })
      c.start()
      assert.ok(until(() => c.output() === 'started\n'))
      assert.equal(c.state().annotations?.changed, undefined)
    },
    'RT-023': t => {
      const c = container(t, rt, waiting)
      c.create()
      c.start()
      assert.ok(until(() => c.output() === 'started\n'))
    },
    'RT-026': t => {
      const c = container(t, rt, waiting)
      c.create()
      c.start()
      const { pid } = c.state()
      assert.ok(c.leaks().cgroups.length > 0)
      c.kill('KILL')
      c.ended(pid)
      assert.equal(c.del().status, 0)
      assert.deepEqual(c.leaks(), nothing)
    },
    'RT-029': t => {
      const late = { destination: '/mnt', type: 'bind', source: '/nowhere/at/all', options: ['bind'] }
      const c = container(t, rt, { mounts: [...mounts, late] })
      const before = readFileSync('/proc/self/mountinfo', 'utf8')
      assert.equal(c.create().status, 1)
      assert.deepEqual(c.leaks(), nothing)
      assert.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before)
      c.configure({ ...waiting, mounts })
      assert.equal(c.create().status, 0, 'the id is free')
    },
    'RT-030': t => {
      const log = 'log.json'
      const capabilities = { bounding: ['CAP_KILL', 'CAP_NOBODY_KNOWS'] }
      const c = container(t, rt, { process: { capabilities } })
      const { status } = c.call('--log', join(c.dir, log), 'run', '--bundle', c.bundle, c.id)
      assert.match(readFileSync(join(c.dir, log), 'utf8'), /warn.*CAP_NOBODY_KNOWS/i, 'there was a warning')
      assert.equal(status, 0)
    },
    'RT-031': t => {
      const c = container(t, rt)
      for (const command of ['state', 'create', 'start', 'kill', 'delete'])
        assert.equal(c.call(command, '--help').status, 0, command)
    },
    'RT-039': () => {
      environment()
      const { pid } = created()
      const inside = (...argv: readonly string[]) =>
        spawnSync('nsenter', ['-t', String(pid), ...argv], { encoding: 'utf8' }).stdout.trim()
      assert.equal(inside('-u', 'hostname'), 'conform', 'the hostname')
      assert.equal(inside('-n', 'cat', '/proc/sys/net/ipv4/ip_forward'), '1', 'sysctls')
      const cgroup = cgroupsOf(created().c.id).find(path => existsSync(join(path, 'pids.max'))) ?? ''
      assert.equal(readFileSync(join(cgroup, 'pids.max'), 'utf8').trim(), '77', 'resources')
    },
    'RT-040': () => {
      const { c, pid, proc } = created()
      assert.equal(c.output(), '')
      assert.doesNotMatch(proc('cmdline'), /started/)
      assert.equal(c.state().pid, pid)
    },
    'RT-046': t => {
      const c = container(t, rt, {
        process: {
          args: script(['report']),
          env: ['PATH=/bin', 'A=b', `TSRUN_TEST_TAG=x`],
          cwd: '/tmp',
          user: { uid: 7, gid: 8, additionalGids: [9] },
        },
      })
      mkdirSync(join(c.rootfs, 'tmp'), { recursive: true })
      c.create()
      const { pid } = c.state()
      c.start()
      c.ended(pid)
      const report = JSON.parse(c.output()) as Report
      assert.deepEqual([report.cwd, report.uid[0], report.gid[0]], ['/tmp', 7, 8])
      assert.deepEqual(report.groups, [9])
      assert.ok(report.env.includes('A=b'))
    },
    'CF-148': t => {
      const c = container(t, rt, {
        nobodyKnows: { this: 1 },
        process: { norThis: [] },
        linux: { orThat: true, resources: { new: {} } },
        mounts: mounts.map(mount => ({ ...mount, colour: 'red' })),
      })
      assert.equal(c.run().status, 0)
    },
  }
})
