/** linux.netDevices: one end of a cable is given to containers. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type namespaces, namespacesWithout } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { device, devicesIn, ip, ipIn } from '../support/netdevice.js'
import { script } from '../support/payload.js'
import { conformance } from './suite.js'

const shown = (c: Container, name: string) => devicesIn(c).find(({ ifname }) => ifname === name)

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
      const [renamed, same] = [device(t, false), device(t, false)]
      const c = created(t, { [renamed]: { name: 'eth0' }, [same]: {} })
      assert.ok(shown(c, 'eth0'))
      assert.ok(shown(c, same))
      assert.notEqual(ip('link', 'show', renamed).status, 0, 'it has left the host')
    },
    'LX-018': t => refused(t, { 'no-such-dev': {} }),
    'LX-019': t => {
      const name = device(t, false)
      refused(t, { [name]: { name: 'lo' } })
      assert.equal(ip('link', 'show', name).status, 0, 'the host keeps it')
    },
    'LX-020': t => {
      const [first, second] = [device(t, false), device(t, false)]
      const c = created(t, { [first]: { name: 'eth%d' }, [second]: { name: 'eth%d' } })
      assert.ok(shown(c, 'eth0') && shown(c, 'eth1'))
    },
    'LX-021': t => {
      const moved = shown(created(t, { [device(t, false)]: { name: 'eth0' } }), 'eth0')
      const global = moved?.addr_info.filter(({ scope }) => scope === 'global')
      assert.deepEqual(
        global?.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
        ['10.77.0.5/24', 'fd77::5/64'],
      )
      assert.equal(moved?.mtu, 1400)
    },
    'LX-022': t => {
      const moved = shown(created(t, { [device(t, false)]: { name: 'eth0' } }), 'eth0')
      assert.ok(moved?.flags.includes('UP'), 'it was down on the host')
    },
    'LX-023': t => {
      const c = created(t, { [device(t, false)]: { name: 'eth0' } })
      ipIn(c, 'link', 'set', 'eth0', 'down')
      ipIn(c, 'link', 'set', 'eth0', 'mtu', '1300')
      assert.equal(c.start().status, 0)
      c.call('pause', c.id)
      c.call('resume', c.id)
      c.call('exec', c.id, '/bin/payload', 'true')
      const after = shown(c, 'eth0')
      assert.equal(after?.mtu, 1300)
      assert.ok(!after.flags.includes('UP'))
    },
    'LX-024': async t => {
      const name = device(t, false)
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
