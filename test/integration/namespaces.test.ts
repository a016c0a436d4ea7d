/** Namespaces: new ones, ones joined by path, host name, sysctl. */
import { readlinkSync } from 'node:fs'
import t from 'tap'
import { namespaces, namespacesWithout } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Answer, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** The config's name of each namespace, and the kernel's. */
const kinds = { pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts', mount: 'mnt' } as const
const host = (name: string) => readlinkSync(`/proc/self/ns/${name}`)

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('each is new when it is listed, and the host’s when it is not', async t => {
    const c = container(t, rt)
    const all = c.report()
    for (const name of Object.values(kinds)) t.not(all.ns[name], host(name), `${name} is new`)
    for (const name of ['user', 'time']) t.equal(all.ns[name], host(name), `${name} is the host’s`)
    for (const [type, name] of Object.entries(kinds)) {
      if (type === 'mount') continue // tested with the mounts: it needs a config without them
      const patch = { hostname: type === 'uts' ? undefined : 'other' }
      c.configure({ ...patch, linux: { namespaces: namespacesWithout(type) } })
      if (type === 'network') continue // sysfs needs its own network namespace
      const { ns } = c.report()
      t.equal(ns[name], host(name), `${name} stays the host’s`)
      t.equal(Object.values(kinds).filter(other => ns[other] === host(other)).length, 1, 'and no other does')
    }
  })

  t.test('a cgroup namespace begins at the container’s cgroup', async t => {
    const c = container(t, rt, { linux: { namespaces: [...namespaces, { type: 'cgroup' }] } })
    const [self, cgroup] = c.ask(['report'], ['cat', '/proc/self/cgroup']) as unknown as [Report, Answer]
    t.not(self.ns.cgroup, host('cgroup'))
    t.match(cgroup.data, /:memory:\/\n|0::\/\n/)
    t.notMatch(cgroup.data, new RegExp(c.id))
  })

  t.test('those of another container, by path', async t => {
    const first = container(t, rt, { hostname: 'first', process: { args: script(['wait']) } })
    first.run('--detach')
    const { pid } = first.state()
    for (const [type, name] of Object.entries(kinds)) {
      if (type === 'mount') continue
      const second = container(t, rt, { hostname: type === 'uts' ? undefined : 'second' })
      const joined = { type, path: `/proc/${pid}/ns/${name}` }
      second.configure({ linux: { namespaces: [...namespaces.filter(each => each.type !== type), joined] } })
      const self = second.report()
      t.equal(self.ns[name], readlinkSync(`/proc/${pid}/ns/${name}`), `${name} is joined`)
      if (type === 'pid') t.ok(self.pid > 1, 'it is not the first process there')
      if (type === 'uts') t.equal(self.hostname, 'first')
      t.equal(second.run().status, 0, 'twice')
    }
    t.equal(first.state().status, 'running', 'the first one goes on')
  })

  t.test(
    'the host’s namespaces, joined by path, keep their parameters',
    { skip: rt.lacks('config-rules') },
    async t => {
      for (const [type, file, key] of [
        ['network', 'net', 'net.ipv4.ip_forward'],
        ['ipc', 'ipc', 'kernel/msgmax'],
        ['user', 'user', 'user.max_user_namespaces'],
      ] as const) {
        const others = namespaces.filter(each => each.type !== type)
        const linux = {
          namespaces: [...others, { type, path: `/proc/${process.pid}/ns/${file}` }],
          sysctl: { [key]: '1000' },
        }
        const c = container(t, rt, { mounts: [], linux })
        t.match(c.create(), { status: 1, stderr: /sysctl|ucounts/ }, type)
        t.same(c.leaks(), nothing)
      }
    },
  )

  t.test('a path that is not such a namespace', async t => {
    const c = container(t, rt)
    for (const path of ['/proc/self/ns/uts', '/nowhere', '/etc/passwd']) {
      c.configure({
        linux: { namespaces: [...namespaces.filter(({ type }) => type !== 'ipc'), { type: 'ipc', path }] },
      })
      t.match(c.create(), { status: 1, stderr: /./ }, path)
      t.same(c.leaks(), nothing)
    }
  })

  t.test('unknown and duplicate types', async t => {
    const c = container(t, rt)
    for (const type of ['nonsense', 'uts']) {
      c.configure({ linux: { namespaces: [...namespaces, { type }] } })
      t.match(c.create(), { status: 1, stderr: /./ }, type)
      t.same(c.leaks(), nothing)
    }
  })

  t.test('hostname', async t => {
    const c = container(t, rt, { hostname: 'my-host.example' })
    t.equal(c.report().hostname, 'my-host.example')
    c.configure({ linux: { namespaces: namespacesWithout('uts') } })
    t.match(c.create(), { status: 1, stderr: /hostname/ }, 'without a UTS namespace it would be the host’s')
    t.same(c.leaks(), nothing)
  })

  t.test('domainname', { skip: rt.lacks('domainname') }, async t => {
    const c = container(t, rt, { domainname: 'example.org' })
    t.equal(c.report().domainname, 'example.org')
    c.configure({ hostname: undefined, linux: { namespaces: namespacesWithout('uts') } })
    t.match(c.create(), { status: 1, stderr: /domainname/ })
  })

  t.test('sysctl', async t => {
    const sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '65536', 'fs.mqueue.msg_max': '64' }
    const c = container(t, rt, { linux: { sysctl } })
    const values = c.ask(
      ['cat', '/proc/sys/net/ipv4/ip_forward'],
      ['cat', '/proc/sys/kernel/msgmax'],
      ['cat', '/proc/sys/fs/mqueue/msg_max'],
      ['write', '/proc/sys/net/ipv4/ip_forward', '0'],
    )
    t.same(
      values.slice(0, 3).map(({ data }) => data.trim()),
      ['1', '65536', '64'],
    )
    t.equal(values[3]?.errno, 'EROFS', 'for the container they are read-only')
  })

  t.test('sysctl that would change the host', async t => {
    const c = container(t, rt)
    const without = (type: string) => ({
      hostname: undefined,
      linux: { namespaces: namespacesWithout(type) },
    })
    for (const [key, patch] of [
      ['kernel.panic', {}],
      ['vm.swappiness', {}],
      ['kernel.hostname', {}],
      ['kernel.msgmax', without('ipc')],
      ['net.ipv4.ip_forward', without('network')],
      ['kernel.domainname', without('uts')],
    ] as const) {
      c.configure({ linux: { namespaces, sysctl: undefined } })
      c.configure(patch)
      c.configure({ linux: { sysctl: { [key]: '1' } } })
      t.match(c.create(), { status: 1, stderr: new RegExp(key.replaceAll('.', '\\.')) }, key)
      t.same(c.leaks(), nothing)
    }
  })
})
