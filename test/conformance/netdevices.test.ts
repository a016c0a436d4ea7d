/** linux.netDevices: one end of a cable is given to containers. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type namespaces, namespacesWithout } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { conformance } from './suite.js'

const ip = (...args: readonly string[]) => spawnSync('ip', args, { encoding: 'utf8' })
let counter = 0

/** A new device of the host, with addresses. */
const device = (t: Test): string => {
  const name = `tsc${process.pid % 100000}x${counter++}`
  const made = ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`)
  if (made.status !== 0) throw new Error(made.stderr)
  t.teardown(() => void ip('link', 'del', `${name}p`))
  ip('link', 'set', `${name}p`, 'up')
  ip('link', 'set', name, 'mtu', '1400')
  ip('addr', 'add', '10.79.0.5/24', 'brd', '+', 'dev', name)
  ip('-6', 'addr', 'add', 'fd79::5/64', 'nodad', 'dev', name)
  ip('addr', 'add', '10.80.0.5/24', 'valid_lft', '1000', 'preferred_lft', '500', 'dev', name)
  return name
}

interface Shown {
  readonly ifname: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly addr_info: readonly {
    readonly local: string
    readonly prefixlen: number
    readonly scope: string
  }[]
}
const inside = (pid: number, ...args: readonly string[]) =>
  spawnSync('nsenter', ['-t', String(pid), '-n', 'ip', ...args], { encoding: 'utf8' })
const shown = (c: Container, name: string): Shown | undefined =>
  (JSON.parse(inside(c.state().pid, '-json', 'addr').stdout) as Shown[]).find(({ ifname }) => ifname === name)

const waiting = { process: { args: script(['wait']) } }

conformance('netdevices', ['root', 'cc', 'ip'], (_, rt) => {
  const created = (t: Test, devices: Readonly<Record<string, { name?: string }>>): Container => {
    const c = container(t, rt, { ...waiting, linux: { netDevices: devices } })
    const { status, stderr } = c.create()
    assert.equal(status, 0, stderr)
    return c
  }
  const refused = (t: Test, devices: Readonly<Record<string, { name?: string }>>): void => {
    const c = container(t, rt, { linux: { netDevices: devices } })
    const { status, stderr } = c.create()
    assert.notEqual(status, 0)
    assert.notEqual(stderr, '')
    assert.deepEqual(c.leaks(), nothing)
  }
  return {
    'LX-017': t => {
      const [renamed, same] = [device(t), device(t)]
      const c = created(t, { [renamed]: { name: 'eth0' }, [same]: {} })
      assert.ok(shown(c, 'eth0'))
      assert.ok(shown(c, same))
      assert.notEqual(ip('link', 'show', renamed).status, 0, 'it has left the host')
    },
    'LX-018': t => refused(t, { 'no-such-dev': {} }),
    'LX-019': t => {
      const name = device(t)
      refused(t, { [name]: { name: 'lo' } })
      assert.equal(ip('link', 'show', name).status, 0, 'the host keeps it')
    },
    'LX-020': t => {
      const [first, second] = [device(t), device(t)]
      const c = created(t, { [first]: { name: 'eth%d' }, [second]: { name: 'eth%d' } })
      assert.ok(shown(c, 'eth0') && shown(c, 'eth1'))
    },
    'LX-021': t => {
      const moved = shown(created(t, { [device(t)]: { name: 'eth0' } }), 'eth0')
      const global = moved?.addr_info.filter(({ scope }) => scope === 'global')
      assert.deepEqual(
        global?.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
        ['10.79.0.5/24', 'fd79::5/64'],
      )
      assert.equal(moved?.mtu, 1400)
    },
    'LX-022': t => {
      const moved = shown(created(t, { [device(t)]: { name: 'eth0' } }), 'eth0')
      assert.ok(moved?.flags.includes('UP'), 'it was down on the host')
    },
    'LX-023': t => {
      const c = created(t, { [device(t)]: { name: 'eth0' } })
      const { pid } = c.state()
      inside(pid, 'link', 'set', 'eth0', 'down')
      inside(pid, 'link', 'set', 'eth0', 'mtu', '1300')
      assert.equal(c.start().status, 0)
      c.call('pause', c.id)
      c.call('resume', c.id)
      c.call('exec', c.id, '/bin/payload', 'true')
      const after = shown(c, 'eth0')
      assert.equal(after?.mtu, 1300)
      assert.ok(!after.flags.includes('UP'))
    },
    'LX-024': async t => {
      const name = device(t)
      const c = container(t, rt, waiting)
      const path = join(c.dir, 'net')
      writeFileSync(path, '')
      await c.spawn('unshare', `--net=${path}`, 'true').done
      const list = [...(namespacesWithout('network') as typeof namespaces), { type: 'network', path }]
      c.configure({ linux: { namespaces: list, netDevices: { [name]: { name: 'eth0' } } } })
      const { status, stderr } = c.create()
      const deleted = c.del('--force')
      const still = spawnSync('nsenter', [`--net=${path}`, 'ip', 'link', 'show', 'eth0'])
      await c.spawn('umount', path).done
      assert.equal(status, 0, stderr)
      assert.equal(deleted.status, 0)
      assert.equal(still.status, 0, 'it is in the namespace that was joined')
    },
  }
})
