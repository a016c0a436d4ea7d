/** A user namespace of the container's own, with maps; and one that is joined. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { askMounts, mountsByPoint } from '../support/mountinfo.js'
import { type Answer, answersIn, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const first = 100_000
const map = [{ containerID: 0, hostID: first, size: 65_536 }]
const linux = { namespaces: [...namespaces, { type: 'user' }], uidMappings: map, gidMappings: map }

/** A container whose rootfs belongs to its root. */
const mapped = (t: Test, rt: Runtime, patch: JsonObject = {}): Container => {
  const c = container(t, rt, { linux })
  c.configure(patch)
  chownSync(c.rootfs, first, first)
  for (const path of readdirSync(c.rootfs, { recursive: true, encoding: 'utf8' }))
    chownSync(join(c.rootfs, path), first, first)
  for (const path of [c.dir, c.bundle]) chownSync(path, first, first)
  return c
}

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  t.test('root inside, an ordinary user outside', async t => {
    const c = mapped(t, rt, {
      process: { args: script(['report'], ['cat', '/proc/self/uid_map'], ['wait']) },
    })
    t.equal(c.run('--detach').status, 0)
    const { pid } = c.state()
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    t.match(status, new RegExp(`Uid:\\t${first}\\t${first}\\t${first}\\t${first}\\n`), 'host view')
    t.match(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), new RegExp(`^ +0 +${first} +65536\\n$`))
    t.match(readFileSync(`/proc/${pid}/gid_map`, 'utf8'), new RegExp(`^ +0 +${first} +65536\\n$`))
    t.equal(c.kill('KILL').status, 0)
    c.ended(pid)
    t.equal(c.del().status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('what the container sees', async t => {
    const c = mapped(t, rt)
    const [self, ...devices] = c.ask(
      ['report'],
      ...['null', 'zero', 'full', 'random', 'urandom', 'tty'].map(name => ['stat', `/dev/${name}`]),
      ['write', '/dev/null', 'x'],
      ['write', '/tmp/made', 'x'],
    ) as unknown as [Report, ...Answer[]]
    t.match(self, { pid: 1, uid: [0, 0, 0], gid: [0, 0, 0] })
    for (const [name, kernel] of [
      ['user', 'user'],
      ['mount', 'mnt'],
      ['pid', 'pid'],
    ] as const)
      t.not(self.ns[kernel], readlinkSync(`/proc/self/ns/${kernel}`), name)
    for (const device of devices.slice(0, 6)) t.match(device, { errno: null, type: 'char' }, device.path)
    t.equal(devices[6]?.errno, null, '/dev/null can be written')
    t.equal(statSync(join(c.rootfs, 'tmp', 'made')).uid, first, 'its files belong to the mapped root')
  })

  t.test('another user and groups inside', async t => {
    const c = mapped(t, rt, { process: { user: { uid: 1000, gid: 1000, additionalGids: [20, 30] } } })
    const self = c.report()
    t.match(self, { uid: [1000, 1000, 1000], gid: [1000, 1000, 1000] })
    t.same([...self.groups].sort(), [20, 30])
  })

  t.test('maps of several lines', async t => {
    const lines = [
      { containerID: 0, hostID: first, size: 1000 },
      { containerID: 1000, hostID: first + 90_000, size: 1 },
      { containerID: 1001, hostID: first + 1000, size: 64_000 },
    ]
    const c = mapped(t, rt, {
      linux: { uidMappings: lines, gidMappings: lines },
      process: { user: { uid: 1000, gid: 0 } },
    })
    const [uidMap, self] = c.ask(['cat', '/proc/self/uid_map'], ['report']) as unknown as [Answer, Report]
    t.same(
      uidMap.data
        .trim()
        .split('\n')
        .map(line => line.trim().split(/ +/).map(Number)),
      lines.map(({ containerID, hostID, size }) => [containerID, hostID, size]),
    )
    t.same(self.uid, [1000, 1000, 1000])
  })

  t.test('its mounts belong to it, and flags of the host stay', async t => {
    const c = mapped(t, rt, {
      mounts: [...mounts, { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] }],
    })
    const [info, written] = c.ask(askMounts, ['write', '/mnt/file', 'x'])
    t.match(mountsByPoint(info).get('/mnt'), { type: 'tmpfs' })
    t.equal(written?.errno, null)
  })

  t.test('masked and read-only paths hold for its root', async t => {
    const c = mapped(t, rt)
    const [masked, readonly] = c.ask(['cat', '/proc/keys'], ['write', '/proc/sys/kernel/msgmax', '1'])
    t.equal(masked?.data, '')
    t.match(readonly?.errno, /EROFS|EACCES/)
  })

  t.test('a user that is not mapped', async t => {
    const c = mapped(t, rt, { process: { user: { uid: 70_000, gid: 0 } } })
    t.match(c.create(), { status: 1, stderr: /./ })
    t.same(c.leaks(), nothing)
    c.configure({ process: { user: { uid: 0, gid: 0, additionalGids: [70_000] } } })
    t.match(c.create(), { status: 1, stderr: /./ }, 'nor a group')
    t.same(c.leaks(), nothing)
  })

  t.test('maps without a namespace', { skip: rt.lacks('map-rules') }, async t => {
    const c = container(t, rt, { linux: { uidMappings: map, gidMappings: map } })
    t.match(c.create(), { status: 1, stderr: /user namespace/i })
    t.same(c.leaks(), nothing)
  })

  t.test('a namespace without maps', async t => {
    const c = container(t, rt, { linux: { namespaces: linux.namespaces } })
    t.match(c.create(), { status: 1, stderr: /mapping/i })
    t.same(c.leaks(), nothing)
  })

  t.test('within a user namespace, sources that only its root can reach', async t => {
    const c = mapped(t, rt, { process: { args: script(['cat', '/mnt/file'], ['report']) } })
    const hidden = join(c.dir, 'hidden')
    mkdirSync(join(hidden, 'dir'), { recursive: true, mode: 0o700 })
    chmodSync(join(hidden, 'dir'), 0o755)
    writeFileSync(join(hidden, 'dir', 'file'), 'reached')
    const inner = [{ containerID: 0, hostID: 1, size: 1000 }]
    const source = { destination: '/mnt', type: 'bind', source: join(hidden, 'dir'), options: ['bind', 'ro'] }
    c.configure({
      mounts: [...mounts, source],
      linux: { uidMappings: inner, gidMappings: inner, resources: undefined },
    })
    // As podman and buildah of a user are: root of a user namespace, with mounts of its own.
    const outer = `
      unshare --user --mount sh -c 'until [ $(id -u) = 0 ]; do sleep 0.01; done; exec "$@"' sh "$@" &
      until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
      printf '0 0 1\\n1 ${first} 65536\\n' | tee /proc/$!/gid_map > /proc/$!/uid_map; wait $!`
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { status, stdout, stderr } = await c.spawn('bash', '-c', outer, 'sh', ...line).done
    t.equal(status, 0, stderr)
    t.match(stdout, /reached/)
    t.match(answersIn(stdout)[1], { uid: [0, 0, 0] })
  })

  t.test('the user namespace of another container, by path', async t => {
    const one = mapped(t, rt, { process: { args: script(['wait']) } })
    one.run('--detach')
    const path = `/proc/${one.state().pid}/ns/user`
    const two = mapped(t, rt, { linux: { namespaces: [...namespaces, { type: 'user', path }] } })
    t.match(two.report(), { ns: { user: readlinkSync(path) }, uid: [0, 0, 0] }, 'with the maps that it has')
    await t.test('without maps in the config', { skip: rt.lacks('map-rules') }, async t => {
      two.configure({ linux: { uidMappings: undefined, gidMappings: undefined } })
      t.match(two.report(), { ns: { user: readlinkSync(path) }, uid: [0, 0, 0] })
    })
    await t.test('with the map that podman gives where it knows none', async t => {
      const placeholder = [{ containerID: 0, hostID: 0, size: 1 }]
      const devpts = {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['gid=5', 'newinstance'],
      }
      const three = mapped(t, rt, {
        mounts: [...mounts, devpts],
        linux: {
          namespaces: [...namespaces, { type: 'user', path }],
          uidMappings: placeholder,
          gidMappings: placeholder,
        },
      })
      t.match(three.report(), { ns: { user: readlinkSync(path) }, uid: [0, 0, 0] })
    })
    await t.test('with other maps', { skip: rt.lacks('map-rules') }, async t => {
      const other = [{ containerID: 0, hostID: 5, size: 65_536 }]
      two.configure({ linux: { uidMappings: other, gidMappings: other } })
      t.match(two.create(), { status: 1, stderr: /mapping/i })
      t.same(two.leaks(), nothing)
    })
  })
})
