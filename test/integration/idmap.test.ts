/** Id-mapped mounts: who owns a file inside, who on the disk; and labels where no security module is there to keep them. */
import { chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const map = (hostID: number, size = 65536) => [{ containerID: 0, hostID, size }]
const userNamespace = {
  namespaces: [...namespaces, { type: 'user' }],
  uidMappings: map(200000),
  gidMappings: map(200000),
}

/** A directory of the host with a file of root's and one of user 7. */
const source = (c: Container): string => {
  const dir = join(c.dir, 'source')
  mkdirSync(join(dir, 'below'), { recursive: true })
  writeFileSync(join(dir, 'root'), 'root')
  writeFileSync(join(dir, 'seven'), 'seven')
  chownSync(join(dir, 'seven'), 7, 8)
  return dir
}
const owners = (answers: readonly { uid: number; gid: number }[]) => answers.map(({ uid, gid }) => [uid, gid])

forms(t, requires('root', 'cc') || requires('userns'), (t, rt) => {
  const skip = rt.lacks('idmap')

  t.test('maps of the mount, without a user namespace', { skip }, async t => {
    const c = container(t, rt)
    const dir = source(c)
    const mount = {
      destination: '/mnt',
      source: dir,
      options: ['bind'],
      uidMappings: map(1000),
      gidMappings: map(3000),
    }
    c.configure({ mounts: [...mounts, mount] })
    const seen = c.ask(['stat', '/mnt/root', '/mnt/seven'])
    t.same(owners(seen), [
      [1000, 3000],
      [1007, 3008],
    ])
    t.match(statSync(join(dir, 'seven')), { uid: 7, gid: 8 }, 'the disk is as it was')
  })

  t.test('what a mapped user writes belongs to the unmapped one on the disk', { skip }, async t => {
    const c = container(t, rt, { process: { user: { uid: 1000, gid: 3000 } } })
    const dir = source(c)
    const mount = {
      destination: '/mnt',
      source: dir,
      options: ['bind', 'idmap'],
      uidMappings: map(1000),
      gidMappings: map(3000),
    }
    c.configure({ mounts: [...mounts, mount] })
    const [written] = c.ask(['write', '/mnt/written', 'text'])
    t.equal(written?.errno, null)
    t.match(statSync(join(dir, 'written')), { uid: 0, gid: 0 })
  })

  t.test('idmap takes the maps of the container', { skip }, async t => {
    const c = container(t, rt, { linux: userNamespace })
    const dir = source(c)
    c.configure({ mounts: [...mounts, { destination: '/mnt', source: dir, options: ['bind', 'idmap'] }] })
    const seen = c.ask(['stat', '/mnt/root', '/mnt/seven'], ['write', '/mnt/written', 'text'])
    t.same(owners(seen.slice(0, 2)), [
      [0, 0],
      [7, 8],
    ])
    t.match(statSync(join(dir, 'written')), { uid: 0, gid: 0 })
  })

  t.test('without it files of the host belong to nobody there', async t => {
    const c = container(t, rt, { linux: userNamespace })
    c.configure({ mounts: [...mounts, { destination: '/mnt', source: source(c), options: ['bind'] }] })
    t.same(owners(c.ask(['stat', '/mnt/root'])), [[65534, 65534]])
  })

  t.test('a user namespace that is joined', { skip }, async t => {
    const holder = container(t, rt, { linux: userNamespace })
    t.equal(holder.create().status, 0)
    const path = `/proc/${holder.state().pid}/ns/user`
    const c = container(t, rt, { linux: { namespaces: [...namespaces, { type: 'user', path }] } })
    c.configure({
      mounts: [...mounts, { destination: '/mnt', source: source(c), options: ['rbind', 'ridmap', 'ro'] }],
    })
    t.same(owners(c.ask(['stat', '/mnt/seven'])), [[7, 8]])
  })

  t.test('a tmpfs', { skip }, async t => {
    const mount = {
      destination: '/mnt',
      type: 'tmpfs',
      options: ['idmap'],
      uidMappings: map(1000),
      gidMappings: map(1000),
    }
    const c = container(t, rt, { mounts: [...mounts, mount] })
    t.same(owners(c.ask(['stat', '/mnt'])), [[1000, 1000]])
  })

  t.test('a filesystem that cannot be mapped', { skip: skip || rt.lacks('pointers') }, async t => {
    const mount = {
      destination: '/mnt',
      source: '/proc',
      options: ['bind'],
      uidMappings: map(1000),
      gidMappings: map(1000),
    }
    const c = container(t, rt, { mounts: [...mounts, mount] })
    const { status, stderr } = c.run()
    t.equal(status, 1)
    t.match(
      stderr,
      /\/mounts\/6: map the ids of the mount on \/mnt: mount_setattr: EINVAL.*cannot be id-mapped/,
    )
  })

  const pointers = rt.lacks('pointers')
  t.test(
    'labels without SELinux',
    { skip: pointers || (existsSync('/sys/fs/selinux/enforce') && 'SELinux is on') },
    async t => {
      const off = 'selinux label is specified in config, but selinux is disabled'
      const labelled = container(t, rt, { process: { selinuxLabel: 'a:b:c:s0' } }).run()
      t.match(labelled, { status: 1, stderr: `/process/selinuxLabel: ${off}` })
      // Not that of a mount: with nobody to read it, it has no effect.
      const c = container(t, rt, { linux: { mountLabel: 'a:b:c:s0' } })
      t.match(c.run(), { status: 0, stderr: 'warning: /linux/mountLabel: ignored: SELinux is off' })
      const strict = c.call('--strict', 'run', '--bundle', c.bundle, c.id)
      t.match(strict, { status: 1, stderr: '/linux/mountLabel' })
    },
  )
  t.test(
    'a profile without AppArmor',
    { skip: pointers || (existsSync('/sys/module/apparmor') && 'AppArmor is on') },
    async t => {
      const { status, stderr } = container(t, rt, { process: { apparmorProfile: 'docker-default' } }).run()
      t.equal(status, 1)
      t.match(
        stderr,
        /\/process\/apparmorProfile: apparmor profile is specified in config, but apparmor is disabled/,
      )
    },
  )
})
