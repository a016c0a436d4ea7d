/** linux.netDevices: a device leaves the host, arrives with its addresses, and what the kernel does with it at the end. */
import t from 'tap'
import { namespaces } from '../support/config.js'
import { container } from '../support/container.js'
import { device, devicesIn, ip } from '../support/netdevice.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const missing = ip('link').error === undefined ? false : 'needs ip: apt-get install iproute2'

forms(t, requires('root', 'cc') || missing, (t, rt) => {
  const skip = rt.lacks('net-devices')

  t.test('a device with a new name', { skip }, async t => {
    const name = device(t, true)
    const c = container(t, rt, { linux: { netDevices: { [name]: { name: 'eth7' } } } })
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    t.not(ip('link', 'show', name).status, 0, 'it has left the host')
    const moved = devicesIn(c).find(({ ifname }) => ifname === 'eth7')
    t.equal(moved?.mtu, 1400)
    t.ok(moved?.flags.includes('UP') && moved.flags.includes('LOWER_UP'), 'it is up')
    const global = moved?.addr_info
      .filter(({ scope }) => scope === 'global')
      .map(it => `${it.local}/${it.prefixlen}`)
    t.same(global, ['10.77.0.5/24', 'fd77::5/64'], 'permanent global addresses go along')
    t.notOk(moved?.addr_info.some(({ local }) => local === '169.254.3.4'))
  })

  t.test('seen from inside, before the program runs', { skip }, async t => {
    const name = device(t, true)
    const c = container(t, rt, { linux: { netDevices: { [name]: {} } } })
    const [devices, routes] = c.ask(['cat', '/proc/net/dev'], ['cat', '/proc/net/fib_trie'])
    t.match(devices?.data, new RegExp(`^ *${name}:`, 'm'))
    t.match(routes?.data, /10\.77\.0\.5/)
  })

  t.test('%d is a free number', { skip }, async t => {
    const name = device(t, true)
    const c = container(t, rt, { linux: { netDevices: { [name]: { name: 'eth%d' } } } })
    t.equal(c.create().status, 0)
    t.same(
      devicesIn(c).map(({ ifname }) => ifname),
      ['lo', 'eth0'],
    )
  })

  t.test('with a user namespace', { skip: skip || requires('userns') }, async t => {
    const name = device(t, true)
    const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const linux = {
      namespaces: [...namespaces, { type: 'user' }],
      uidMappings: map,
      gidMappings: map,
      netDevices: { [name]: { name: 'eth0' } },
    }
    const [devices] = container(t, rt, { linux }).ask(['cat', '/proc/net/dev'])
    t.match(devices?.data, /^ *eth0:/m)
  })

  t.test(
    'a device that is not there, and a name that is taken',
    { skip: skip || rt.lacks('pointers') },
    async t => {
      const absent = container(t, rt, { linux: { netDevices: { 'no-such-dev': {} } } }).run()
      t.equal(absent.status, 1)
      t.match(absent.stderr, /\/linux\/netDevices\/no-such-dev: there is no network device no-such-dev/)
      const name = device(t, true)
      const taken = container(t, rt, { linux: { netDevices: { [name]: { name: 'lo' } } } }).run()
      t.equal(taken.status, 1)
      t.match(taken.stderr, /the container has a network device lo already/)
      t.equal(ip('link', 'show', name).status, 0, 'it stays with the host')
    },
  )
})
