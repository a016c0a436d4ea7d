/** config.root, default and listed devices, masked and read-only paths. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mounts, namespaces } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { askMounts, mountsByPoint, parseMounts } from '../support/mountinfo.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const fileMode = 0o640

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('a writable and a read-only root', async t => {
    const c = container(t, rt)
    t.equal(c.ask(['write', '/made', 'x'])[0]?.errno, null)
    t.equal(readFileSync(join(c.rootfs, 'made'), 'utf8'), 'x')
    c.configure({
      root: { readonly: true },
      mounts: [...mounts, { destination: '/new', type: 'tmpfs', source: 'x' }],
    })
    const [root, dev, made] = c.ask(
      ['write', '/made', 'x'],
      ['write', '/dev/made', 'x'],
      ['write', '/new/made', 'x'],
    )
    t.equal(root?.errno, 'EROFS')
    t.equal(dev?.errno, null, 'mounts below it have their own flags')
    t.equal(made?.errno, null, 'mount points are made before it becomes read-only')
  })

  t.test('an absolute path, and one with links', async t => {
    const c = container(t, rt)
    c.configure({ root: { path: c.rootfs } })
    t.equal(c.run().status, 0)
    symlinkSync('rootfs', join(c.bundle, 'link'))
    c.configure({ root: { path: 'link/../rootfs' } })
    t.equal(c.run().status, 0)
  })

  t.test('nothing of the host is left below or beside it', async t => {
    const c = container(t, rt)
    const [info, up] = c.ask(askMounts, ['ls', '/..'])
    const [root, ...others] = parseMounts(info?.data ?? '').filter(({ point }) => point === '/')
    t.equal(others.length, 0, 'one mount at /')
    t.match(root?.root, new RegExp(`${c.id}.*/bundle/rootfs$`))
    t.ok(up?.names.includes('bin') && !up.names.includes('home'))
    t.match(c.ask(['umount', '/proc'])[0]?.errno, 'EPERM', 'without CAP_SYS_ADMIN it stays so')
  })

  t.test('rootfsPropagation', async t => {
    const rows: readonly (readonly [name: string, yes: readonly string[], no: readonly string[]])[] = [
      ['private', [], ['shared:', 'master:']],
      ['rprivate', [], ['shared:', 'master:']],
      ['slave', [], ['shared:']],
      ['rslave', ['master:'], ['shared:']],
      ['shared', ['shared:'], []],
      ['rshared', ['shared:'], []],
      ['unbindable', ['unbindable'], ['shared:']],
    ]
    for (const [propagation, yes, no] of rows) {
      const skip =
        propagation === 'unbindable' || propagation.endsWith('shared') ? rt.lacks('root-propagation') : false
      await t.test(propagation, { skip }, async t => {
        const c = container(t, rt, { linux: { rootfsPropagation: propagation } })
        await c.spawn('mount', '--bind', c.rootfs, c.rootfs).done
        await c.spawn('mount', '--make-shared', c.rootfs).done
        const seen = mountsByPoint(c.ask(askMounts)[0]).get('/')?.propagation ?? ['missing']
        const names = seen.map(each => each.replace(/\d+$/, ''))
        t.ok(yes.every(name => names.includes(name)) && !no.some(name => names.includes(name)), `is ${seen}`)
        await c.spawn('umount', c.rootfs).done
      })
    }
    const c = container(t, rt, { linux: { rootfsPropagation: 'nonsense' } })
    t.match(c.create(), { status: 1, stderr: /nonsense/ })
    t.same(c.leaks(), nothing)
  })

  t.test('the default devices and links', async t => {
    const c = container(t, rt)
    const numbers = {
      null: [1, 3],
      zero: [1, 5],
      full: [1, 7],
      random: [1, 8],
      urandom: [1, 9],
      tty: [5, 0],
    } as const
    const links = {
      fd: '/proc/self/fd',
      stdin: '/proc/self/fd/0',
      stdout: '/proc/self/fd/1',
      stderr: '/proc/self/fd/2',
    }
    for (const answer of c.ask(...Object.keys(numbers).map(name => ['stat', `/dev/${name}`]))) {
      const [major, minor] = numbers[answer.path.slice('/dev/'.length) as keyof typeof numbers]
      t.match(answer, { type: 'char', mode: 0o666, uid: 0, gid: 0, major, minor }, answer.path)
    }
    for (const [name, target] of Object.entries({ ...links, ptmx: 'pts/ptmx' }))
      t.match(c.ask(['stat', `/dev/${name}`])[0], { type: 'symlink', target }, name)
    t.equal(c.ask(['stat', '/dev/console'])[0]?.errno, 'ENOENT', 'no console without a terminal')
    t.equal(c.ask(['write', '/dev/null', 'x'], ['open', '/dev/zero'])[1]?.errno, null)
  })

  t.test('listed devices', async t => {
    const devices = [
      { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode, uid: 3, gid: 4 },
      { path: '/dev/deep/er/zero', type: 'u', major: 1, minor: 5 },
      { path: '/dev/pipe', type: 'p', fileMode: 0o600 },
      { path: '/dev/block', type: 'b', major: 7, minor: 99, fileMode },
    ]
    const c = container(t, rt, { linux: { devices } })
    const [mine, zero, pipe, block] = c.ask([
      'stat',
      '/dev/mine',
      '/dev/deep/er/zero',
      '/dev/pipe',
      '/dev/block',
    ])
    t.match(mine, { type: 'char', major: 1, minor: 3, mode: fileMode, uid: 3, gid: 4 })
    t.match(zero, { type: 'char', major: 1, minor: 5 })
    t.match(pipe, { type: 'fifo', mode: 0o600 })
    t.match(block, { type: 'block', major: 7, minor: 99, mode: fileMode })
  })

  t.test('a listed device in the place of a default one', async t => {
    const devices = [{ path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode }]
    const allowed = [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }]
    const c = container(t, rt, { linux: { devices, resources: { devices: allowed } } })
    t.match(c.ask(['stat', '/dev/null'])[0], { mode: fileMode })
  })

  t.test('the device cgroup lets only known devices be used', async t => {
    const allow = ['CAP_MKNOD']
    const capabilities = { bounding: allow, permitted: allow, effective: allow }
    const deny = { allow: false, access: 'rwm' }
    const c = container(t, rt, { process: { capabilities }, linux: { resources: { devices: [deny] } } })
    // loop-control: opening it does nothing. Where the bundle lies may be mounted with nodev.
    const make = ['mknod', '/dev/loop', 'c', 10, 237] as const
    const [made, opened, random] = c.ask(make, ['open', '/dev/loop'], ['open', '/dev/random'])
    t.equal(made?.errno, null, 'making nodes is allowed')
    t.equal(opened?.errno, 'EPERM', 'using them is not')
    t.equal(random?.errno, null)
    const read = { allow: true, type: 'c', major: 10, minor: 237, access: 'r' }
    c.configure({ linux: { resources: { devices: [deny, read] } } })
    const [, reading, writing] = c.ask(make, ['open', '/dev/loop', 'r'], ['open', '/dev/loop', 'w'])
    t.not(reading?.errno, 'EPERM', 'a later rule allows what is asked')
    t.equal(writing?.errno, 'EPERM', 'and no more')
  })

  t.test('masked paths: files are empty, directories too, missing ones are passed over', async t => {
    const c = container(t, rt)
    mkdirSync(join(c.rootfs, 'mnt', 'secret'))
    writeFileSync(join(c.rootfs, 'mnt', 'secret', 'key'), 'secret')
    writeFileSync(join(c.rootfs, 'mnt', 'key'), 'secret')
    c.configure({ linux: { maskedPaths: ['/mnt/secret', '/mnt/key', '/proc/keys', '/not/there'] } })
    const [dir, write, file, proc, info] = c.ask(
      ['ls', '/mnt/secret'],
      ['write', '/mnt/secret/x', 'x'],
      ['cat', '/mnt/key'],
      ['cat', '/proc/keys'],
      askMounts,
    )
    t.same(dir?.names, [])
    t.equal(write?.errno, 'EROFS')
    t.equal(file?.data, '')
    t.equal(proc?.data, '')
    const points = mountsByPoint(info)
    t.match(points.get('/mnt/secret'), { type: 'tmpfs', options: ['ro'] })
    t.equal(points.get('/mnt/key')?.root, '/null')
  })

  t.test('read-only paths', async t => {
    const c = container(t, rt)
    mkdirSync(join(c.rootfs, 'mnt', 'dir'))
    writeFileSync(join(c.rootfs, 'mnt', 'file'), 'text')
    c.configure({ linux: { readonlyPaths: ['/mnt/dir', '/mnt/file', '/proc/sys', '/not/there'] } })
    const [dir, file, read, sys, beside] = c.ask(
      ['write', '/mnt/dir/x', 'x'],
      ['write', '/mnt/file', 'x'],
      ['cat', '/mnt/file'],
      ['write', '/proc/sys/net/ipv4/ip_forward', '1'],
      ['write', '/mnt/x', 'x'],
    )
    t.same([dir?.errno, file?.errno, sys?.errno, beside?.errno], ['EROFS', 'EROFS', 'EROFS', null])
    t.equal(read?.data, 'text')
  })

  t.test('both need a mount namespace', async t => {
    const linux = { namespaces: namespaces.filter(({ type }) => type !== 'mount') }
    const c = container(t, rt, { linux })
    t.match(c.create(), { status: 1, stderr: /mount namespace|mnt namespace|MNT/i })
    t.same(c.leaks(), nothing)
  })
})
